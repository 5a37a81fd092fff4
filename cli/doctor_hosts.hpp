#pragma once

#include <string>

namespace echomux {

// Tries the hosts of a file as mpirun's --hostfile has them, before there is a run: whether `rsh`
// (as ssh) reaches each, which program is there, what it may carry, whether it reaches this host,
// and how far its clock is off. Prints a row for each and what to do. Returns the exit status: 1
// when some host can't take part. Throws std::runtime_error for a file that can't be read,
// UsageError for one without hosts.
[[nodiscard]] int examine_hosts(const std::string& file, const std::string& rsh);

}  // namespace echomux
