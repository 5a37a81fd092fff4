#pragma once

#include "report/figure.hpp"

namespace echomux {

// Measured within one process, in the calling thread.
extern const FigureEntry tlpi_63_9;
extern const FigureEntry libevent_1_active;
extern const FigureEntry libevent_100_active;
extern const FigureEntry whatacold;
// Measured with servers of this suite and the swarm.
extern const FigureEntry gammo_idle;
extern const FigureEntry xserver_noop;
extern const FigureEntry all_active;
extern const FigureEntry idle_sweep;
extern const FigureEntry active_share;
extern const FigureEntry loops;

}  // namespace echomux
