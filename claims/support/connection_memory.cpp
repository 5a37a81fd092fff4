// What an idle connection takes in memory, from how much more of it is used after each batch of
// new ones: in the server's process, and in the kernel, which keeps both ends on this machine.
#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "claims/support/bench.hpp"
#include "claims/support/shared.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/process_state.hpp"

namespace echomux::claims {
namespace {

struct Memory {
  double server = 0;
  double kernel = 0;
};

Memory read_memory(pid_t server) {
  const auto kernel = kernel_memory_bytes();
  if (!kernel) throw std::runtime_error("/proc/meminfo doesn't tell what the kernel uses");
  return {static_cast<double>(read_anonymous_memory(server).value_or(0)),
          static_cast<double>(*kernel)};
}

void measure_server(const std::string& name, std::size_t batch, const Bench& bench,
                    Evidence& evidence) {
  const ServerProcess server(bench.command(name));
  IdlePeers idle;
  // What the first connections of a server bring about once is none of the others' memory.
  idle.open(server.endpoint(), batch / 10);
  std::vector<double> server_bytes;
  std::vector<double> kernel_bytes;
  std::vector<double> all_bytes;
  Memory before = read_memory(server.pid());
  for (std::size_t round = 0; round < rounds; ++round) {
    idle.open(server.endpoint(), batch);
    const Memory after = read_memory(server.pid());
    const auto each = [&](double grown) { return grown / static_cast<double>(batch); };
    server_bytes.push_back(each(after.server - before.server));
    kernel_bytes.push_back(each(after.kernel - before.kernel));
    all_bytes.push_back(server_bytes.back() + kernel_bytes.back());
    before = after;
  }
  const auto keep_figures = [&](const char* prefix, const char* what, std::vector<double> values) {
    evidence.measure(fmt::format("{}_bytes_{}", prefix, name),
                     fmt::format("{}, per idle connection to {}", what, name), std::move(values));
  };
  keep_figures("server", "memory of the server's process", std::move(server_bytes));
  keep_figures("kernel", "memory of the kernel, both ends", std::move(kernel_bytes));
  keep_figures("all", "the two together", std::move(all_bytes));
}

void measure_connection_memory(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  constexpr std::size_t wanted = 1000;
  constexpr std::size_t threads = 200;  // a round; each takes stacks and time to be made
  const std::size_t batch = bench.as_many_as_possible(wanted * (rounds + 1), 1) / (rounds + 1);
  evidence.note("connections_opened", "idle connections opened to epoll_lt in each round",
                static_cast<double>(batch));
  laboratory.progress("memory of connections to epoll_lt");
  measure_server("epoll_lt", batch, bench, evidence);
  laboratory.progress("memory of connections to threaded");
  measure_server("threaded", std::min(batch, threads), bench, evidence);
}

}  // namespace

const Evidence& connection_memory(Laboratory& laboratory) {
  return shared_measurement(laboratory, "connection_memory", measure_connection_memory);
}

}  // namespace echomux::claims
