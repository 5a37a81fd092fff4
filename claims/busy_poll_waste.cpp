// What does a server use that asks every socket in a loop: while nothing happens, and while there
// is always something to do?
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"

namespace echomux::claims {
namespace busy_poll_waste_claim {

constexpr double waste = 0.5;  // of a CPU
constexpr double sleeps = 0.05;
constexpr double material = 1.25;
constexpr std::array servers{"busy_poll", "epoll_lt"};
constexpr std::size_t connections = 10;

// The share that a server uses of the CPU it can have, in a tenth of a second in which nobody sends
// anything. While it waits for other programs to leave the CPU to it, it can have none.
double idle_share(const ServerProcess& server) {
  const auto reading = [&] { return read_process_tree(server.pid()).value_or(ProcessReading{}); };
  const auto begin = std::chrono::steady_clock::now();
  const ProcessReading before = reading();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const ProcessReading after = reading();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  const std::chrono::duration<double> used = after.cpu - before.cpu;
  const std::chrono::duration<double> waited = after.run_queue_delay - before.run_queue_delay;
  return used / std::max(time - waited, std::chrono::duration<double>(0.001));
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  std::array<std::vector<double>, servers.size()> shares;
  std::array<std::vector<double>, servers.size()> cpu_us;
  std::array<std::vector<double>, servers.size()> p50_us;
  bench.in_turn(servers.size(), [&](std::size_t i) {
    laboratory.progress(fmt::format("{}, silent and busy", servers[i]));
    ServerProcess server(bench.command(servers[i]));
    IdlePeers silent;
    silent.open(server.endpoint(), connections);
    shares[i].push_back(idle_share(server));
    const Measurement busy = measure(server, short_load(connections));
    cpu_us[i].push_back(busy.complete_cost().cpu_us_per_request);
    p50_us[i].push_back(to_us(busy.result.latency.percentile(50)));
  });
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const std::string name = servers[i];
    evidence.measure("idle_share_" + name,
                     "of the CPU it can have, " + name + " with ten silent connections",
                     std::move(shares[i]));
    evidence.measure("cpu_us_" + name, "CPU per request of " + name + ", ten more that always ask",
                     std::move(cpu_us[i]));
    evidence.measure("p50_us_" + name, "and the median latency then", std::move(p50_us[i]));
  }
}

Finding decide(const Evidence& evidence) {
  const MedianInterval busy_poll = evidence.interval("idle_share_busy_poll");
  const MedianInterval epoll = evidence.interval("idle_share_epoll_lt");
  const MedianInterval at_work = evidence.ratio("cpu_us_busy_poll", "cpu_us_epoll_lt");
  std::string seen = fmt::format(
      "with ten silent connections busy_poll uses {} % of its CPU, epoll_lt {} %; when ten others "
      "always ask, a request costs it {} what it costs epoll_lt, at {} the median latency",
      reader_number(100 * busy_poll.median), reader_number(100 * epoll.median), times(at_work),
      times(evidence.ratio("p50_us_busy_poll", "p50_us_epoll_lt")));
  if (surely_below(at_work, material)) seen += ": where something always happens nothing is wasted";
  if (surely_below(busy_poll, sleeps)) return {Verdict::refuted, seen};
  if (surely_above(busy_poll, waste)) {
    if (surely_below(epoll, sleeps)) return {Verdict::holds, seen};
    return {Verdict::holds_within_limits, seen + "; but one that sleeps uses CPU as well"};
  }
  if (surely_above(busy_poll, sleeps) && surely_below(busy_poll, waste)) {
    return {Verdict::holds_within_limits, seen + "; it wastes a part of its CPU"};
  }
  return cannot_tell(seen);
}

}  // namespace busy_poll_waste_claim

Claim busy_poll_waste() {
  return {
      .id = "busy-poll-waste",
      .sentence = "Polling every socket in a loop wastes the CPU when nothing happens",
      .sources = "004",
      .method =
          "busy_poll and epoll_lt with ten silent connections: the share that each uses, in 0.1 s, "
          "of the CPU that other programs leave to it; then ten more that send again as soon as "
          "they are answered: CPU per request and latency; nine rounds in turn",
      .decision =
          "it holds when busy_poll, with nothing to do, surely uses more than half of a CPU and "
          "epoll_lt surely less than 5 %; within limits for a smaller part; refuted when "
          "busy_poll surely uses less than 5 %",
      .observe = busy_poll_waste_claim::observe,
      .decide = busy_poll_waste_claim::decide};
}

}  // namespace echomux::claims
