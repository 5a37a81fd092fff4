// Do the servers stay as they are over time? All of them run side by side for the whole time under
// peers that come and go, every byte is checked, and descriptors, memory, threads and latency must
// be flat: './run soak --minutes N'.
#include <fmt/core.h>
#include <signal.h>

#include <filesystem>
#include <iostream>
#include <stop_token>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/signal_thread.hpp"
#include "harness/bench/measure.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/json.hpp"
#include "harness/text/whole_file.hpp"
#include "tests/endurance/soak_report.hpp"

namespace {

using namespace echomux;

// The bare loop, with the well-behaved peers alone: what their latency is without any churn.
constexpr std::string_view control = "floor";

struct Options {
  double minutes = 30;
  std::vector<std::string> backends;
  std::filesystem::path directory;
  double requests_per_second = 200;
  double arrivals_per_second = 20;
  std::uint64_t seed = 1;
  bool pin = true;
};

std::vector<SoakServer> servers_of(const Options& options) {
  std::vector<SoakServer> servers;
  const auto add = [&](SoakServer server) {
    server.command = measure::server_command(server.name);
    if (!options.pin) server.command.cpu.reset();
    servers.push_back(std::move(server));
  };
  add({.name = std::string(control), .command = {}, .churn = false});
  for (const std::string& name : options.backends) {
    add({.name = name, .command = {}, .one_at_a_time = name == "blocking"});
    // It never sleeps, and the others need the same CPU: as long as any of them wants it, they go
    // first. nice(1) becomes the server by exec, so that it stays one process.
    if (name == "busy_poll") {
      auto& arguments = servers.back().command.arguments;
      arguments.insert(arguments.begin(), {"nice", "-n", "19"});
    }
  }
  return servers;
}

// The whole time has at least eight windows, so that their latencies can be judged.
std::chrono::nanoseconds window_of(std::chrono::nanoseconds duration) {
  return std::min<std::chrono::nanoseconds>(std::chrono::seconds(10), duration / 12);
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
      "blocking serves its churn\n  between the windows, for it serves one peer at a time.\n",
      options.minutes, std::chrono::duration<double, std::ratio<60>>(result.duration).count(),
      result.interrupted ? " (interrupted)" : "", options.arrivals_per_second,
      options.requests_per_second, soak_table(result, verdicts, TableFormat::markdown),
      std::chrono::duration<double>(
          window_of(std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::duration<double, std::ratio<60>>(options.minutes))))
          .count(),
      control);
}

int run(const Options& options, const std::stop_token& stop) {
  raise_descriptor_limit();
  const std::vector<int> cpus = usable_cpus();
  const std::vector<SoakServer> servers = servers_of(options);
  SoakOptions soak;
  soak.duration = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::ratio<60>>(options.minutes));
  soak.window = window_of(soak.duration);
  soak.sample_interval =
      std::min<std::chrono::nanoseconds>(soak.sample_interval, soak.duration / 60);
  soak.requests_per_second = options.requests_per_second;
  soak.arrivals_per_second = options.arrivals_per_second;
  soak.seed = options.seed;
  if (options.pin && cpus.size() > 1) soak.client_cpu = cpus.front();
  soak.on_progress = show;
  auto machine = to_json(describe_machine());
  const SoakResult result = run_soak(soak, servers, stop);
  std::cerr << "\r" << std::string(60, ' ') << "\r";

  const std::vector<SoakVerdict> verdicts = judge_soak(result, std::string(control));
  Json json{{"program", "soak"},
            {"build", to_json(build_info())},
            {"machine", std::move(machine)},
            {"minutes", options.minutes},
            {"requests_per_second", options.requests_per_second},
            {"arrivals_per_second", options.arrivals_per_second},
            {"seed", options.seed},
            {"pinned", soak.client_cpu.has_value()}};
  json.update(soak_json(result, verdicts));
  write_whole_file(options.directory / "soak.json", json.dump() + "\n", "samples");
  write_whole_file(options.directory / "soak.md", summary(options, result, verdicts), "summary");
  std::cout << soak_table(result, verdicts)
            << fmt::format("\nAll samples: {}\n", (options.directory / "soak.json").string());
  return exit_status(
      kind_of_all(result.interrupted, std::ranges::any_of(verdicts, &SoakVerdict::failed)));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string directory = "results/soak";
  const auto action = [&] {
    if (options.backends.empty()) options.backends = backend_names();
    options.directory = directory;
    std::stop_source stop;
    const SignalThread signals({SIGINT, SIGTERM}, [&](int) { stop.request_stop(); });
    return run(options, stop.get_token());
  };
  return parse_and_run(
      {"soak",
       "Runs the servers for a long time under peers that come and go.",
       {{"--minutes", "How long, all servers side by side", Real{&options.minutes, 0.05, 1e5}},
        {"--backends", "Which servers; all of them unless told",
         one_of(&options.backends, backend_names())},
        {"-o", "Directory for soak.json and soak.md", &directory},
        {"--rate", "Of each server's well-behaved peers",
         Real{&options.requests_per_second, 1, 1e5}},
        {"--churn", "New peers per second and server",
         Real{&options.arrivals_per_second, 0.1, 1e4}},
        {"--seed", "Of the churn", &options.seed},
        {"!--no-pin", "Let the system place servers and clients", &options.pin}},
       "",
       action},
      argc, argv);
}
