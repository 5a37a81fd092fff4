#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/load/crowd.hpp"
#include "harness/load/latency_histogram.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/json.hpp"

// What the soak and the hostile peers share: whom they try, what well-behaved peers see of it, and
// how their programs begin and end.
namespace echomux {

// A server that is tried.
struct EnduranceTarget {
  std::string name;
  ServerCommand command = {};
  std::optional<std::size_t> max_connections = {};  // it serves no more than that by its nature
  bool thread_per_connection = false;
  bool never_sleeps = false;
  bool churn = true;  // in a soak; false: the well-behaved peers alone, as for the control

  // Then the loads of a soak take turns, too.
  [[nodiscard]] bool one_at_a_time() const noexcept { return max_connections == 1; }
};

// The floor or a backend, on the server's CPU; without `pin`, wherever the system puts it.
[[nodiscard]] EnduranceTarget target_of(const std::string& name, bool pin);

// What well-behaved peers saw of a server.
struct PeerLatency {
  std::uint64_t requests = 0;
  double p50_us = 0;  // from the moment each message was due
  double p99_us = 0;
};
[[nodiscard]] PeerLatency latency_of(const LatencyHistogram& histogram);

[[nodiscard]] Json to_json(const PeerTally& tally);

// What both programs can be told.
struct EnduranceOptions {
  std::vector<std::string> backends;
  std::string directory;
  bool force = false;  // write over what is there
  bool pin = true;

  // The CPU of the client's threads; none: wherever the system puts them.
  [[nodiscard]] std::optional<int> client_cpu() const;
};

// Calls the rest of a program with all backends where none was named, and with a token by which
// SIGINT and SIGTERM ask it to end.
int run_until_stopped(EnduranceOptions& options,
                      const std::function<int(const std::stop_token&)>& program);

// The beginning of what a program writes, its build and the machine. To be made before this process
// keeps to one CPU.
[[nodiscard]] Json report_head(const std::string& program);

// What a program has found.
struct EnduranceReport {
  std::string name;     // of its files
  std::string details;  // what the JSON is full of, such as "samples"
  std::string json;
  std::string summary;  // in Markdown
  std::string table;    // for the terminal
  bool interrupted = false;
  bool failed = false;
};

// Writes NAME.json and NAME.md, or the first of NAME-2 and so on that aren't there yet, prints the
// table, and returns the exit status. Throws as write_whole_file() does.
int conclude(const EnduranceOptions& options, const EnduranceReport& report);

}  // namespace echomux
