// Do the servers stay as they are over time? All of them run side by side for the whole time under
// peers that come and go, every byte is checked, and descriptors, memory, threads and latency must
// be flat: './run soak --minutes N'.
#include "tests/endurance/soak.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iostream>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "harness/text/time_units.hpp"

namespace {

using namespace echomux;

// The bare loop, with the well-behaved peers alone: what their latency is without any churn.
constexpr const char* control = "floor";

using Minutes = std::chrono::duration<double, std::ratio<60>>;

struct Options : EnduranceOptions {
  double minutes = 30;
  SoakOptions soak;
};

std::vector<EnduranceTarget> servers_of(const Options& options) {
  std::vector<EnduranceTarget> servers{target_of(control, options.pin)};
  servers.front().churn = false;
  for (const std::string& name : options.backends) {
    EnduranceTarget& server = servers.emplace_back(target_of(name, options.pin));
    // It never sleeps, and the others need the same CPU: as long as any of them wants it, they go
    // first. nice(1) becomes the server by exec, so that it stays one process.
    if (server.never_sleeps) {
      server.command.arguments.insert(server.command.arguments.begin(), {"nice", "-n", "19"});
    }
  }
  return servers;
}

void show(const SoakProgress& progress) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(progress.left).count();
  std::cerr << fmt::format("\r  {}:{:02} left, {} connections so far{}   ", left / 60, left % 60,
                           progress.connections,
                           progress.servers_failed == 0
                               ? ""
                               : fmt::format(", {} servers FAILED", progress.servers_failed))
            << std::flush;
}

std::string summary(const Options& options, const SoakResult& result,
                    const std::vector<SoakVerdict>& verdicts) {
  return fmt::format(
      "# Soak\n\nMade by `./run soak --minutes {:g}`. All servers ran side by side for {:.1f} "
      "minutes{}, each under its own load:\n{:g} new peers a second that stay, leave, half-close, "
      "reset and read slowly, and well-behaved peers with {:g}\nrequests a second. Every byte that "
      "came back was compared with what was sent. `soak.json` has all samples.\n\n{}\n"
      "- Flat: in the last two thirds of the time it doesn't rise by more than 5 % of its median, "
      "or the rise is no\n  more than what chance does (Mann-Kendall over at most twenty slices, "
      "corrected by Holm's procedure, p > 5 %), or\n  than the number of peers that happen to be "
      "there explains (5 descriptors or threads; 256 KiB, and with a thread per peer 800 KiB "
      "more).\n"
      "- Descriptors before and after: with no peer there. Memory is heap and stacks (RssAnon), "
      "not the kernel's.\n"
      "- Latency counts from the moment a message was due, in windows of {:.1f} s. In parentheses: "
      "over that of the {}\n  in the same window, a bare epoll loop without churn; what slows the "
      "machine down slows both.\n"
      "- busy_poll runs at nice 19, since it never sleeps and shares its CPU with the others. "
      "blocking serves its churn\n  between the windows, because it serves one peer at a time.\n",
      options.minutes, Minutes(result.duration).count(), result.interrupted ? " (interrupted)" : "",
      options.soak.arrivals_per_second, options.soak.requests_per_second,
      soak_table(result, verdicts, TableFormat::markdown), to_seconds(options.soak.window),
      control);
}

int run(Options& options, const std::stop_token& stop) {
  const std::vector<EnduranceTarget> servers = servers_of(options);
  SoakOptions& soak = options.soak;
  soak.duration = std::chrono::duration_cast<std::chrono::nanoseconds>(Minutes(options.minutes));
  // The whole time has at least eight windows, so that their latencies can be judged.
  soak.window = std::min(soak.window, soak.duration / 12);
  soak.sample_interval = std::min(soak.sample_interval, soak.duration / 60);
  soak.client_cpu = options.client_cpu();
  soak.on_progress = show;
  Json json = report_head("soak");
  const SoakResult result = run_soak(soak, servers, stop);

  const std::vector<SoakVerdict> verdicts = judge_soak(result, control);
  json.update({{"minutes", options.minutes},
               {"requests_per_second", soak.requests_per_second},
               {"arrivals_per_second", soak.arrivals_per_second},
               {"seed", soak.seed},
               {"pinned", soak.client_cpu.has_value()}});
  json.update(soak_json(result, verdicts));
  return conclude(options, {.name = "soak",
                            .details = "samples",
                            .json = json.dump(),
                            .summary = summary(options, result, verdicts),
                            .table = soak_table(result, verdicts),
                            .interrupted = result.interrupted,
                            .failed = std::ranges::any_of(verdicts, &SoakVerdict::failed)});
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.directory = "results/soak";
  return parse_and_run(
      {"soak",
       "Runs the servers for a long time under peers that come and go.",
       {{"--minutes", "How long, all servers side by side", Real{&options.minutes, 0.05, 1e5}},
        {"--backends", "Which servers; all of them unless told",
         one_of(&options.backends, all_backend_names())},
        {"-o", "Directory for soak.json and soak.md; soak-2 where these are there",
         &options.directory},
        force_option(options.force),
        {"--rate", "Of each server's well-behaved peers",
         Real{&options.soak.requests_per_second, 1, 1e5}},
        {"--churn", "New peers per second and server",
         Real{&options.soak.arrivals_per_second, 0.1, 1e4}},
        {"--seed", "Of the churn", &options.soak.seed},
        {"!--no-pin", "Let the system place servers and clients", &options.pin}},
       "",
       [&] {
         return run_until_stopped(options, [&](const auto& stop) { return run(options, stop); });
       }},
      argc, argv);
}
