// What one wait costs by itself. What has been made ready isn't read, so select, poll and
// level-triggered epoll report it again at every call, and nothing but the wait is in the figure.
#include <fmt/core.h>

#include <array>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "claims/support/bench.hpp"
#include "claims/support/call_cost.hpp"
#include "claims/support/shared.hpp"
#include "reproduce/waits.hpp"

namespace echomux::claims {
namespace {

using Figures = std::map<std::string, std::vector<double>>;

constexpr std::array<std::int64_t, 4> counts{1, 10, 100, 1000};
constexpr std::int64_t most = counts.back();

template <typename Wait>
double wait_us(Wait& wait, std::int64_t ready) {
  return call_us([&] {
    if (wait.wait(false) != ready) throw std::runtime_error("a wait missed what is ready");
  });
}

void measure_place(const Bench& bench, micro::Watched& watched, std::int64_t ready,
                   Figures& figures) {
  micro::SelectWait by_select(watched);
  micro::PollWait by_poll(watched);
  micro::EpollLtWait by_epoll(watched);
  watched.make_ready(ready);
  bench.in_turn(3, [&](std::size_t mechanism) {
    const std::string of = fmt::format("{}_{}", watched.size(), ready);
    if (mechanism == 0) figures["select_" + of].push_back(wait_us(by_select, ready));
    if (mechanism == 1) figures["poll_" + of].push_back(wait_us(by_poll, ready));
    if (mechanism == 2) figures["epoll_" + of].push_back(wait_us(by_epoll, ready));
  });
  watched.drain();
}

void measure_wait_costs(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  if (bench.as_many_as_possible(most, 2) < most) {
    throw std::runtime_error("1,000 connected pairs take more descriptors than ulimit -n allows");
  }
  Figures figures;
  for (const std::int64_t watched_count : counts) {
    laboratory.progress(fmt::format("single waits with {} watched", watched_count));
    micro::Watched watched(micro::Kind::tcp, watched_count);
    for (const std::int64_t ready : counts) {
      if (ready == 1 || watched_count == most) measure_place(bench, watched, ready, figures);
    }
  }
  for (const char* const mechanism : {"select", "poll", "epoll"}) {
    for (const std::int64_t watched : counts) {
      for (const std::int64_t ready : counts) {
        if (ready > 1 && watched < most) continue;
        const std::string name = fmt::format("{}_{}_{}", mechanism, watched, ready);
        evidence.measure(
            "wait_us_" + name,
            fmt::format("CPU of a wait of {}, {} watched, {} ready", mechanism, watched, ready),
            figures.at(name));
      }
    }
  }
}

}  // namespace

const Evidence& wait_costs(Laboratory& laboratory) {
  return shared_measurement(laboratory, "wait_costs", measure_wait_costs);
}

}  // namespace echomux::claims
