#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <stdexcept>

namespace echomux {

// Exit statuses of every subcommand.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_valid =
    3;  // measured, but not to be trusted; asked for with --strict
inline constexpr int exit_interrupted = 130;

// Thrown for a mistake on the command line that only a subcommand can see; ends with exit_usage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What the parsed command line asks for; returns the exit status. May throw UsageError, or any
// other exception for a failed run (exit_failure).
using Action = std::function<int()>;

// Each adds one subcommand to `app`. When that subcommand is chosen, it sets `action`.
void add_list_command(CLI::App& app, Action& action);
void add_serve_command(CLI::App& app, Action& action);
void add_client_command(CLI::App& app, Action& action);
void add_bench_command(CLI::App& app, Action& action);
void add_show_command(CLI::App& app, Action& action);
void add_report_command(CLI::App& app, Action& action);
void add_swarm_command(CLI::App& app, Action& action);
void add_compare_command(CLI::App& app, Action& action);
void add_reproduce_command(CLI::App& app, Action& action);
void add_claims_command(CLI::App& app, Action& action);
void add_doctor_command(CLI::App& app, Action& action);

}  // namespace echomux
