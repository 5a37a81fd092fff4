#pragma once

#include "report/figure.hpp"

namespace echomux {

// Each measures its figure with servers of this suite and the swarm. Throw std::exception when that
// isn't possible.
[[nodiscard]] Figure make_gammo_idle(const FigureRun& run);
[[nodiscard]] Figure make_xserver_noop(const FigureRun& run);
[[nodiscard]] Figure make_all_active(const FigureRun& run);
[[nodiscard]] Figure make_idle_sweep(const FigureRun& run);
[[nodiscard]] Figure make_active_share(const FigureRun& run);

// What was published and how, and under which titles, with nothing measured yet.
[[nodiscard]] Figure unmeasured_gammo_idle();
[[nodiscard]] Figure unmeasured_idle_sweep();
[[nodiscard]] Figure unmeasured_active_share();

}  // namespace echomux
