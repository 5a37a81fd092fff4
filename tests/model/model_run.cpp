// Puts a server through random scripts, or through one from a file, and makes a script that it
// fails small.
#include <fmt/core.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <random>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/text/words.hpp"
#include "tests/model/search.hpp"

namespace echomux::model {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string backend;
  std::optional<std::uint64_t> seed;
  std::optional<std::size_t> runs;
  std::string script;
  double minutes = 0;
  ScriptSize size;
};

Script read_script(const std::string& path) {
  const auto text = proc::read_file(path == "-" ? "/dev/stdin" : path);
  if (!text) throw UsageError(fmt::format("--script: cannot read {}", path));
  try {
    return parse_script(*text);
  } catch (const std::runtime_error& error) {
    throw UsageError(fmt::format("--script: {}: {}", path, error.what()));
  }
}

// True when the server passed.
bool try_script(const Script& script, const Target& target, const std::string& origin) {
  const std::optional<Finding> finding = search(script, target);
  if (finding) std::cout << in_words(*finding, target, origin) << std::flush;
  return !finding;
}

bool try_seeds(const Options& options, const Target& target) {
  std::random_device random;
  const std::uint64_t first = options.seed.value_or(random());
  // One run for a seed that is named; many to find something.
  constexpr std::size_t some = 20;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(options.minutes * 60));
  std::size_t runs = 0;
  std::size_t steps = 0;
  const std::size_t wanted = options.runs.value_or(options.minutes > 0 ? 0
                                                   : options.seed      ? 1
                                                                       : some);
  for (; runs < wanted || (wanted == 0 && Clock::now() < deadline); ++runs) {
    const std::uint64_t seed = first + runs;
    const Script script = generate(seed, options.size);
    if (!try_script(script, target, fmt::format("seed {}", seed))) return false;
    steps += script.size();
  }
  std::cout << fmt::format("{} passed {} runs with {} steps, seeds {} to {}\n", target.name, runs,
                           steps, first, first + runs - 1);
  return true;
}

int run(const Options& options) {
  const Target target = target_of(*find_backend(options.backend));
  if (options.script.empty()) return try_seeds(options, target) ? exit_ok : exit_failure;
  const Script script = read_script(options.script);
  if (!try_script(script, target, options.script)) return exit_failure;
  std::cout << fmt::format("{} passed {} steps\n", target.name, script.size());
  return exit_ok;
}

int run_program(int argc, char** argv) {
  Options options;
  return parse_and_run(
      {"model_run",
       "Puts a server through random scripts of connect, send, read, half-close, reset and stall\n"
       "over many peers, against a model of RFC 862. A script that the server fails is made small\n"
       "and printed.",
       {{"BACKEND", fmt::format("One of: {}", joined(all_backend_names(), ", ")),
         one_of(&options.backend, all_backend_names())},
        {"--seed", "Of the first run; each further one has the next (random)", &options.seed},
        {"--runs", "How many (20, or 1 with a --seed)", Count{&options.runs, 1, 1'000'000'000}},
        {"--minutes",
         "Go on for that long instead",
         Real{&options.minutes, 0.001, 1e5},
         {"--runs"}},
        {"--script",
         "Run the script in this file instead; '-' is stdin",
         &options.script,
         {"--seed", "--runs", "--minutes"}},
        {"--peers", "The most of a script", Count{&options.size.peers, 1, most_peers}},
        {"--steps", "The most of a script", Count{&options.size.steps, 1, 100'000}}},
       "Exit status: 0, all passed; 1, the server failed; 2, a mistake on the command line or in\n"
       "the script. tests/model/script.hpp says what the steps of a script do.",
       [&] { return run(options); }},
      argc, argv);
}

}  // namespace
}  // namespace echomux::model

int main(int argc, char** argv) {
  return echomux::model::run_program(argc, argv);
}
