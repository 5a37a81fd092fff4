// Is a server faster for being told of changes only? The same server twice, once in each mode.
#include <fmt/core.h>

#include <array>
#include <chrono>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace et_faster_claim {

constexpr double material = 1.1;

struct Contender {
  const char* server;
  const char* load;
  std::size_t active;
  std::size_t bytes;
  std::vector<double> cpu_us = {};
  std::vector<double> calls = {};
};

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  // The large messages are more than the socket buffers take, so the server's sends find no room
  // until the client has read: as with slow readers, it must wait for room and go on.
  constexpr std::size_t large = std::size_t{4} << 20;
  std::vector<Contender> contenders;
  for (const char* const server : {"epoll_lt", "epoll_et"}) {
    contenders.push_back({.server = server, .load = "small", .active = 10, .bytes = 64});
    contenders.push_back({.server = server, .load = "large", .active = 4, .bytes = large});
  }
  bench.in_turn(
      contenders.size(),
      [&](std::size_t i) {
        Contender& contender = contenders[i];
        laboratory.progress(fmt::format("{}, {} messages", contender.server, contender.load));
        Load load = short_load(contender.active);
        load.message_bytes = contender.bytes;
        // 200 ms: some hundred of the large messages.
        load.duration = std::chrono::milliseconds(200);
        const Measurement measured = measure(bench.command(contender.server), load);
        const ServerCost& cost = measured.complete_cost();
        contender.cpu_us.push_back(cost.cpu_us_per_request);
        double calls = 0;
        for (const char* const counter :
             {"waits", "recv_calls", "send_calls", "interest_changes"}) {
          calls += cost.counted_per_request(counter);
        }
        contender.calls.push_back(calls);
      },
      many_rounds);
  for (Contender& contender : contenders) {
    const std::string of = fmt::format("{}_{}", contender.server, contender.load);
    const std::string what =
        fmt::format("per request of {}, {} bytes", contender.server, contender.bytes);
    evidence.measure("cpu_us_" + of, "CPU " + what, std::move(contender.cpu_us));
    evidence.measure("calls_" + of, "system calls " + what, std::move(contender.calls));
  }
}

Finding decide(const Evidence& evidence) {
  const MedianInterval small = evidence.ratio("cpu_us_epoll_et_small", "cpu_us_epoll_lt_small");
  const MedianInterval large = evidence.ratio("cpu_us_epoll_et_large", "cpu_us_epoll_lt_large");
  const std::string seen = fmt::format(
      "edge-triggered, a small request costs {} the CPU of level-triggered, and {} system calls "
      "instead of {}; one of 4 MiB, which fills the buffers, {}, and {} calls instead of {}",
      times(small), reader_number(evidence.value("calls_epoll_et_small")),
      reader_number(evidence.value("calls_epoll_lt_small")), times(large),
      reader_number(evidence.value("calls_epoll_et_large")),
      reader_number(evidence.value("calls_epoll_lt_large")));
  const Standing at_small = standing(small, material);
  const Standing at_large = standing(large, material);
  if (at_small == Standing::cheaper && at_large == Standing::cheaper) {
    return {Verdict::holds, seen};
  }
  if (at_small == Standing::cheaper) {
    return {Verdict::holds_within_limits, seen + ": faster with small messages only"};
  }
  if (at_large == Standing::cheaper) {
    return {Verdict::holds_within_limits, seen + ": faster only where buffers are full"};
  }
  if (surely_above(small, 1 / material) && surely_above(large, 1 / material)) {
    return {Verdict::refuted, seen};
  }
  return cannot_tell(seen);
}

}  // namespace et_faster_claim

Claim et_faster() {
  return {.id = "et-faster",
          .sentence = "Edge triggering is the faster, more efficient mode",
          .sources = "002 003",
          .method =
              "epoll_et against epoll_lt, each message sent as soon as the last one is answered: "
              "64 bytes on ten connections, and 4 MiB on four, where the server must wait for room "
              "to write; CPU and system calls per request, in 41 rounds in turn",
          .decision =
              "faster is a tenth less CPU, surely less. It holds when it is so with both kinds of "
              "message, within limits with one of them, and is refuted when with neither as much "
              "as a tenth is saved (the whole 95 % interval)",
          .observe = et_faster_claim::observe,
          .decide = et_faster_claim::decide};
}

}  // namespace echomux::claims
