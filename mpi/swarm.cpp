#include <fmt/core.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/load_options.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/listeners.hpp"
#include "harness/results/merged_results.hpp"
#include "harness/results/results_file.hpp"
#include "mpi/joint_load.hpp"
#include "mpi/run.hpp"
#include "report/report.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

struct Arguments {
  MpiArguments mpi;
  Load load;
  Endpoint server;
  std::string format = "text";
  std::string output;
  bool force = false;
  bool strict = false;
};

void check(const Arguments& arguments, const World& world) {
  if (!is_of_this_machine(arguments.server) && !arguments.mpi.remote) {
    throw UsageError(fmt::format(
        "{} is not on this machine, and a swarm is an attack on who did not ask for it; "
        "--remote says that the server is yours",
        arguments.server.to_string()));
  }
  Load part = arguments.load;
  part.part.count = static_cast<std::size_t>(world.size());
  part.part.index = part.part.count - 1;  // which has the fewest
  check_combination(part, arguments.server.family(), "-c");
  if (!arguments.output.empty()) check_output(arguments.output, arguments.force, "results");
}

// The whole run at rank 0, once all is done; returns the exit status.
int conclude(const Arguments& arguments, JointResult result) {
  if (!result.failure.empty()) throw std::runtime_error(result.failure);
  const bool interrupted = result.whole.outcome.kind == OutcomeKind::interrupted;
  const bool failed =
      std::ranges::any_of(result.parts, [](const LoadPart& part) { return is_broken(part.load); });
  const Results results =
      results_of_parts(arguments.server.to_string(), arguments.load, std::move(result.whole),
                       std::move(result.parts), own_command_line());
  if (!arguments.output.empty()) write_results(arguments.output, results);
  std::cout << report(results, report_format(arguments.format)) << std::flush;
  if (!std::cout) throw std::runtime_error("cannot write the result to stdout");
  return exit_status(
      kind_of_all(interrupted, failed),
      arguments.strict && results.trials.front().judgement.verdict != Verdict::valid);
}

int run(World& world, const Arguments& arguments) {
  Interruption stop;
  std::optional<Attendance> attendance;
  try {
    attendance.emplace(world, arguments.mpi, stop.token());
    if (!attendance->has_work()) return exit_ok;
    // What is on rank 0's host decides: files, and whose the address is.
    if (!attendance->agree([&] { check(arguments, world); })) return exit_ok;
    JointResult result = put_on(world,
                                {.server = arguments.server,
                                 .load = arguments.load,
                                 .first_client = 0,
                                 .measure_ranks = arguments.mpi.measure_ranks},
                                {}, attendance->stop());
    attendance->leave();
    return world.rank() == 0 ? conclude(arguments, std::move(result)) : exit_ok;
  } catch (const Stopped&) {
    const std::string lost = attendance ? attendance->lost() : "";
    if (lost.empty()) return exit_interrupted;
    throw std::runtime_error(fmt::format("{}: {}; there is no result", rank_lost, lost));
  }
}

}  // namespace

Command mpi_swarm_command(World& world) {
  const auto to = std::make_shared<Arguments>();
  to->load.duration = 10s;
  to->load.warmup = 500ms;
  std::vector<Option> options = load_options(to->load);
  std::erase_if(options, [](const Option& option) { return option.names == "--part"; });
  options.insert(options.begin(),
                 {"ADDRESS", "The server as HOST:PORT, as all ranks reach it",
                  Words{[to](const std::string& word) { to->server = parse_endpoint(word); }}});
  const std::vector<Option> ours = mpi_options(to->mpi);
  options.insert(options.end(), ours.begin(), ours.end());
  options.insert(
      options.end(),
      {{"--strict", "Exit with status 3 when the verdict isn't 'valid'", &to->strict},
       {"--format", "What rank 0 prints", one_of(&to->format, {"text", "markdown", "csv", "json"})},
       {"-o,--output", "Write the results to this file of rank 0's host", file(&to->output)},
       force_option(to->force)});
  return {"swarm", "Put a load on a server from all ranks, each with its part", options,
          "The load is that of 'echomux swarm', over all ranks together.\nExit status of rank 0: 0 "
          "measured, 1 the run failed or a rank was lost, 2 wrong use, 3 not valid with --strict, "
          "130 interrupted.",
          [to, &world] { return run(world, *to); }};
}

}  // namespace echomux
