#include "claims/support/bench.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "echo/system_call.hpp"
#include "harness/bench/rounds.hpp"

namespace echomux::claims {

Bench::Bench(const Laboratory& laboratory)
    : laboratory_(laboratory),
      descriptors_(raise_descriptor_limit()),
      cpus_(plan_cpus(true, true)),
      awake_(cpus_.usable),
      on_client_cpu_(cpus_.client) {}

ServerCommand Bench::command(std::string_view backend) const {
  ServerCommand command = serve_command(laboratory_.program, backend);
  command.cpus = cpus_.server;
  return command;
}

std::size_t Bench::as_many_as_possible(std::size_t wanted, std::size_t ends) const noexcept {
  constexpr std::uint64_t spare = 128;
  const std::uint64_t left = descriptors_ > spare ? descriptors_ - spare : 0;
  return std::min<std::size_t>(wanted, left / ends);
}

Load short_load(std::size_t active_connections) {
  Load load;
  load.active_connections = active_connections;
  load.warmup = std::chrono::milliseconds(20);
  load.duration = std::chrono::milliseconds(100);
  return load;
}

void Bench::in_turn(std::size_t contenders, const std::function<void(std::size_t)>& measure,
                    std::size_t how_often) const {
  run_rounds(
      contenders, how_often, [&](std::size_t contender, std::size_t) { measure(contender); },
      laboratory_.stop);
  if (laboratory_.stop.stop_requested()) throw std::runtime_error("it was interrupted");
}

void IdlePeers::open(const Endpoint& server, std::size_t count) {
  // Few enough at a time for any backlog.
  constexpr std::size_t most_at_once = 64;
  while (count > 0) {
    const std::size_t begin = sockets_.size();
    for (std::size_t i = 0; i < std::min(count, most_at_once); ++i) {
      const FileDescriptor& socket = sockets_.emplace_back(
          check(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
      set_time_limit(socket.get(), std::chrono::seconds(5));
      check(::connect(socket.get(), server.raw(), server.length), "connect");
      check(::send(socket.get(), "x", 1, MSG_NOSIGNAL), "send");
    }
    for (std::size_t i = begin; i < sockets_.size(); ++i) {
      char byte = 0;
      if (check(::recv(sockets_[i].get(), &byte, 1, 0), "recv") != 1) {
        throw std::runtime_error("the server ended a connection that was to stay idle");
      }
    }
    count -= sockets_.size() - begin;
  }
}

}  // namespace echomux::claims
