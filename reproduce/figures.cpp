#include "report/figure.hpp"
#include "reproduce/in_process.hpp"
#include "reproduce/served.hpp"

namespace echomux {

const std::vector<FigureEntry>& figures() {
  static const std::vector<FigureEntry> all{
      {"tlpi-63-9", "Kerrisk, table 63-9: 100,000 monitoring operations", 5, make_tlpi_63_9},
      {"libevent-1-active", "libevent's benchmark, one active", 60, make_libevent_1_active},
      {"libevent-100-active", "libevent's benchmark, 100 active", 5, make_libevent_100_active},
      {"gammo-idle", "Gammo et al., figures 3 and 5: idle connections", 45, make_gammo_idle},
      {"xserver-noop", "one synchronous client of an X server beside idle ones", 20,
       make_xserver_noop},
      {"whatacold", "time per call with one active TCP connection", 6, make_whatacold},
      {"all-active", "a counter-example: every client is active", 35, make_all_active},
      {"idle-sweep", "all seven servers beside idle connections", 240, make_idle_sweep},
      {"active-share", "cost against the share of connections that are active", 240,
       make_active_share},
  };
  return all;
}

}  // namespace echomux
