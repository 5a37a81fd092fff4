#pragma once

#include <string>
#include <vector>

#include "cli/bench_plan.hpp"

namespace echomux {

// What --backends takes, groups included.
[[nodiscard]] std::vector<std::string> names_for_backends();

// Those that are to be compared. Throws UsageError for what can't be.
[[nodiscard]] std::vector<ServerSpec> choose_servers(const BenchArguments& arguments);

// One of the suite's by what tables call it; "select (no limit)" is select beyond FD_SETSIZE, and
// "reuseport:4" has four workers. Throws UsageError for workers of one that has none.
[[nodiscard]] ServerSpec own_server(const std::string& name);

// How to run a server of a plan here. Throws UsageError for a backend that this program lacks.
[[nodiscard]] SweepServer make_server(const ServerSpec& spec);

// The bare system calls, as a foreign server that is only met through its port.
[[nodiscard]] SweepServer floor_server();

}  // namespace echomux
