// What a request costs when every message has a connection of its own, against lasting ones.
#include <fmt/core.h>

#include <string>
#include <vector>

#include "claims/support/bench.hpp"
#include "claims/support/shared.hpp"

namespace echomux::claims {
namespace {

constexpr std::size_t large = std::size_t{64} * 1024;

struct Exchange {
  const char* server;
  bool anew;
  std::size_t bytes;
  std::vector<double> cpu_us = {};
};

void measure_reconnect_costs(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  std::vector<Exchange> contenders{
      {.server = "epoll_lt", .anew = false, .bytes = 64},
      {.server = "epoll_lt", .anew = true, .bytes = 64},
      {.server = "epoll_lt", .anew = false, .bytes = large},
      {.server = "epoll_lt", .anew = true, .bytes = large},
      {.server = "threaded", .anew = false, .bytes = 64},
      {.server = "threaded", .anew = true, .bytes = 64},
  };
  bench.in_turn(contenders.size(), [&](std::size_t i) {
    Exchange& contender = contenders[i];
    const auto* const how = contender.anew ? "a connection per message" : "lasting connections";
    laboratory.progress(fmt::format("{}: {}", contender.server, how));
    Load load = short_load(10);
    load.reconnect = contender.anew;
    load.message_bytes = contender.bytes;
    contender.cpu_us.push_back(
        measure(bench.command(contender.server), load).complete_cost().cpu_us_per_request);
  });
  for (Exchange& contender : contenders) {
    evidence.measure(
        fmt::format("cpu_us_{}_{}{}", contender.server, contender.anew ? "anew" : "lasting",
                    contender.bytes == large ? "_64k" : ""),
        fmt::format("CPU per request of {}, {}, {} bytes", contender.server,
                    contender.anew ? "a connection each" : "lasting connections", contender.bytes),
        std::move(contender.cpu_us));
  }
}

}  // namespace

const Evidence& reconnect_costs(Laboratory& laboratory) {
  return shared_measurement(laboratory, "reconnect_costs", measure_reconnect_costs);
}

}  // namespace echomux::claims
