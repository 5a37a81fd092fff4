#pragma once

#include "report/figure.hpp"

namespace echomux {

// Each measures its figure, in the calling thread. Throw std::exception when that isn't possible.
[[nodiscard]] Figure make_tlpi_63_9(const FigureRun& run);
[[nodiscard]] Figure make_libevent_1_active(const FigureRun& run);
[[nodiscard]] Figure make_libevent_100_active(const FigureRun& run);
[[nodiscard]] Figure make_whatacold(const FigureRun& run);

// What was published and how, and under which titles, with nothing measured yet.
[[nodiscard]] Figure unmeasured_libevent_1_active();
[[nodiscard]] Figure unmeasured_libevent_100_active();

}  // namespace echomux
