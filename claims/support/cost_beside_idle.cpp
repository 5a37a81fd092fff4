// What a request costs a server that also holds idle connections. Every server has a process for
// each number of idle connections, and all of these live at the same time: so none has to be filled
// anew in every round.
#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

#include "claims/support/bench.hpp"
#include "claims/support/shared.hpp"

namespace echomux::claims {
namespace {

// select counts its descriptors from zero, and its own and ten active ones must stay below 1024.
constexpr std::size_t many_wanted = 1000;
// Four servers have that many peers, three have a tenth of it.
constexpr std::size_t crowds = 5;

struct Contender {
  std::string server;
  std::string beside;
  std::size_t idle;
  std::unique_ptr<ServerProcess> process;
  std::vector<double> cpu_us;
};

void measure_cost_beside_idle(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  const std::size_t many = bench.as_many_as_possible(many_wanted, crowds) / 10 * 10;
  const std::size_t few = many / 10;
  std::vector<Contender> contenders;
  const auto add = [&](const char* server, const char* beside, std::size_t peers) {
    contenders.push_back({server, beside, peers, nullptr, {}});
  };
  for (const char* const server : {"select", "poll", "epoll_lt"}) {
    add(server, "none", 0);
    add(server, "few", few);
    add(server, "many", many);
  }
  add("threaded", "none", 0);
  add("threaded", "many", many);
  IdlePeers idle;
  for (Contender& contender : contenders) {
    laboratory.progress(
        fmt::format("opening {} idle connections to {}", contender.idle, contender.server));
    contender.process = std::make_unique<ServerProcess>(bench.command(contender.server));
    idle.open(contender.process->endpoint(), contender.idle);
  }
  bench.in_turn(contenders.size(), [&](std::size_t i) {
    Contender& contender = contenders[i];
    laboratory.progress(
        fmt::format("{} beside {} idle connections", contender.server, contender.idle));
    Load load = short_load(10);
    load.requests_per_second = 1000;
    contender.cpu_us.push_back(
        measure(*contender.process, load).complete_cost().cpu_us_per_request);
  });
  evidence.note("idle_few", "idle connections that count as few", static_cast<double>(few));
  evidence.note("idle_many", "idle connections that count as many", static_cast<double>(many));
  for (Contender& contender : contenders) {
    evidence.measure(
        fmt::format("cpu_us_{}_{}", contender.server, contender.beside),
        fmt::format("CPU per request of {} beside {} idle", contender.server, contender.idle),
        std::move(contender.cpu_us));
  }
}

}  // namespace

const Evidence& cost_beside_idle(Laboratory& laboratory) {
  return shared_measurement(laboratory, "cost_beside_idle", measure_cost_beside_idle);
}

}  // namespace echomux::claims
