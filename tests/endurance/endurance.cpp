#include "tests/endurance/endurance.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <iostream>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"
#include "harness/bench/ratio_program.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/whole_file.hpp"

namespace echomux {

EnduranceTarget target_of(const std::string& name, bool pin) {
  EnduranceTarget target{.name = name, .command = ratio_program::server_command(name)};
  if (!pin) target.command.cpus.clear();
  if (const Backend* const backend = find_backend(name)) {
    target.max_connections = backend->max_connections;
    target.thread_per_connection = backend->thread_per_connection;
    target.never_sleeps = backend->never_sleeps;
  }
  return target;
}

PeerLatency latency_of(const LatencyHistogram& histogram) {
  return {.requests = histogram.count(),
          .p50_us = to_us(histogram.percentile(50)),
          .p99_us = to_us(histogram.percentile(99))};
}

Json to_json(const PeerTally& tally) {
  return {{"started", tally.started},
          {"completed", tally.completed},
          {"lost", tally.lost},
          {"wrong", tally.wrong},
          {"stuck", tally.stuck},
          {"abandoned", tally.abandoned},
          {"bytes_checked", tally.bytes_checked}};
}

std::optional<int> EnduranceOptions::client_cpu() const {
  const std::vector<int> cpus = usable_cpus();
  return pin && cpus.size() > 1 ? std::optional(cpus.front()) : std::nullopt;
}

int run_until_stopped(EnduranceOptions& options,
                      const std::function<int(const std::stop_token&)>& program) {
  if (options.backends.empty()) options.backends = all_backend_names();
  const Interruption stop;
  raise_descriptor_limit();
  return program(stop.token());
}

Json report_head(const std::string& program) {
  return {{"program", program},
          {"build", to_json(build_info())},
          {"machine", to_json(describe_machine())}};
}

int conclude(const EnduranceOptions& options, const EnduranceReport& report) {
  std::filesystem::path place = std::filesystem::path(options.directory) / (report.name + ".json");
  if (!options.force) place = unused_name(place, ".md");
  place.replace_extension();
  write_whole_file(place.string() + ".json", report.json + "\n", report.details);
  write_whole_file(place.string() + ".md", report.summary, "summary");
  // Over the line that told of the progress.
  std::cerr << "\r" << std::string(70, ' ') << "\r";
  std::cout << report.table << fmt::format("\nAll {}: {}.json\n", report.details, place.string());
  return exit_status(kind_of_all(report.interrupted, report.failed));
}

}  // namespace echomux
