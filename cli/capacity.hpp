#pragma once

#include <string>
#include <vector>

#include "harness/bench/sweep.hpp"
#include "harness/machine/doctor.hpp"

namespace echomux {

// What the doctor must know of all_backends().
[[nodiscard]] std::vector<ServerTraits> server_traits();

// Of the suite's own servers in a plan, those that get fewer connections on this machine than the
// plan asks for, as the doctor has it: a sentence for each cause.
[[nodiscard]] std::vector<std::string> beyond_capacity(const SweepPlan& plan,
                                                       const Machine& machine);

}  // namespace echomux
