#include "reproduce/figure.hpp"
#include "reproduce/in_process.hpp"
#include "reproduce/served.hpp"

namespace echomux {

const std::vector<FigureEntry>& figures() {
  static const std::vector<FigureEntry> all{
      {"tlpi-63-9", "Kerrisk, table 63-9: 100,000 monitoring operations", make_tlpi_63_9},
      {"libevent-1-active", "libevent's benchmark, one active", make_libevent_1_active},
      {"libevent-100-active", "libevent's benchmark, 100 active", make_libevent_100_active},
      {"gammo-idle", "Gammo et al., figures 3 and 5: idle connections", make_gammo_idle},
      {"xserver-noop", "one synchronous client of an X server beside idle ones", make_xserver_noop},
      {"whatacold", "time per call with one active TCP connection", make_whatacold},
      {"all-active", "a counter-example: every client is active", make_all_active},
      {"idle-sweep", "all seven servers beside idle connections", make_idle_sweep},
      {"active-share", "cost against the share of connections that are active", make_active_share},
  };
  return all;
}

}  // namespace echomux
