#include "reproduce/figures.hpp"

namespace echomux {

const std::vector<FigureEntry>& figures() {
  static const std::vector<FigureEntry> all{
      tlpi_63_9, libevent_1_active, libevent_100_active, gammo_idle,   xserver_noop,
      whatacold, all_active,        idle_sweep,          active_share, loops};
  return all;
}

Figure unmeasured(const FigureEntry& entry) {
  Figure figure;
  figure.id = entry.id;
  entry.describe(figure);
  return figure;
}

}  // namespace echomux
