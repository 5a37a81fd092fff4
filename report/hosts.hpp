#pragma once

#include <string>

#include "harness/bench/sweep.hpp"
#include "harness/text/table.hpp"

namespace echomux {

// Of a trial whose load several clients put on: a row for each host, the whole beside the median of
// the hosts' percentiles, and sentences on who owns the tail and how far apart the windows began.
// Empty where there was one client.
[[nodiscard]] std::string hosts_of(const Trial& trial, TableFormat format = TableFormat::text);

}  // namespace echomux
