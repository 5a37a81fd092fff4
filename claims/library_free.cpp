// What does the loop of a library cost beside the bare system calls?
#include <fmt/core.h>

#include <array>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/words.hpp"

namespace echomux::claims {
namespace library_free_claim {

// Those whose users call them from C or C++, as they call epoll.
constexpr std::array libraries{"libev", "libuv", "asio", "libevent"};
// What they differ by is little or much.
constexpr std::size_t fewer_rounds = 21;
// Nothing is at most this.
constexpr double material = 1.05;

std::string name_of(const std::string& library) {
  return "cpu_us_" + library;
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  std::vector<std::string> servers{"floor"};
  for (const char* const library : libraries) {
    if (std::filesystem::exists(peer_program(library))) servers.emplace_back(library);
  }
  evidence.note("libraries", "libraries that are built here", double(servers.size() - 1));
  if (servers.size() == 1) return;
  const Bench bench(laboratory);
  std::map<std::string, std::vector<double>> cpu_us;
  bench.in_turn(
      servers.size(),
      [&](std::size_t i) {
        laboratory.progress("requests to " + servers[i]);
        ServerCommand command{
            .arguments = {i == 0 ? floor_program() : peer_program(servers[i]), "{port}"},
            .echoes_all_bytes = true};
        if (const auto cpu = bench.server_cpu()) command.cpus = {*cpu};
        cpu_us[servers[i]].push_back(
            measure(command, short_load(50)).complete_cost().cpu_us_per_request);
      },
      fewer_rounds);
  for (const std::string& server : servers) {
    evidence.measure(name_of(server), fmt::format("CPU per request of {}, 50 active", server),
                     cpu_us[server]);
  }
}

Finding decide(const Evidence& evidence) {
  if (evidence.value("libraries") == 0) {
    return {Verdict::not_testable_here, "no library's server is built here: ./run peers"};
  }
  std::vector<std::string> seen;
  std::size_t free = 0;
  std::size_t dear = 0;
  for (const std::string library : libraries) {
    if (!evidence.has(name_of(library))) continue;
    const MedianInterval ratio = evidence.ratio(name_of(library), name_of("floor"));
    seen.push_back(fmt::format("{} {}", library, times(ratio)));
    free += surely_below(ratio, material) ? 1 : 0;
    dear += surely_above(ratio, material) ? 1 : 0;
  }
  if (static_cast<double>(seen.size()) != evidence.value("libraries")) {
    throw std::out_of_range("the CPU time of a library");
  }
  const std::string sentence =
      fmt::format("over the bare calls a request costs with {}", joined(seen, ", with "));
  if (free == seen.size()) return {Verdict::holds, sentence};
  if (dear == seen.size()) return {Verdict::refuted, sentence};
  if (free > 0 && dear > 0) {
    return {Verdict::holds_within_limits, sentence + ": it depends on the library"};
  }
  return cannot_tell(sentence);
}

}  // namespace library_free_claim

Claim library_free() {
  return {
      .id = "library-free",
      .sentence = "A library's loop costs nothing beside the calls",
      .sources = "folklore",
      .method =
          "the same echo on libev, libuv, Asio and libevent, as far as they are built here, and "
          "on the bare calls: CPU per request of 50 connections that always ask, in 21 rounds "
          "in turn",
      .decision =
          "nothing is at most a twentieth. It holds when all stay below that (the whole 95 % "
          "interval of the ratio to the bare calls), within limits when some surely do and some "
          "surely don't, and is refuted when none does",
      .observe = library_free_claim::observe,
      .decide = library_free_claim::decide};
}

}  // namespace echomux::claims
