#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "claims/claim.hpp"
#include "harness/bench/measurement.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"

namespace echomux::claims {

// How often each thing that is compared is measured. From nine on the 95 % interval of the median
// leaves out the extreme value at each end, so that a single mishap of the machine doesn't decide.
inline constexpr std::size_t rounds = 9;
// For what differs little, if at all: more rounds make the interval narrower.
inline constexpr std::size_t many_rounds = 41;

// What every measuring experiment sets up: while there is a Bench, the calling thread keeps to the
// client's CPU, both this and the server's are kept awake, and the limit of open descriptors is as
// high as allowed. The destructor gives the thread all its CPUs back. Throws std::system_error.
class Bench {
 public:
  explicit Bench(const Laboratory& laboratory);

  // How to run a server of this suite on the server's CPU.
  [[nodiscard]] ServerCommand command(std::string_view backend) const;
  // Where servers run; none when there is only one CPU.
  [[nodiscard]] std::optional<int> server_cpu() const {
    return cpus_.server.empty() ? std::nullopt : std::optional(cpus_.server.front());
  }
  // Calls `measure` for each of the contenders 0 to count - 1 in each of the rounds, as
  // run_rounds() does. Throws std::runtime_error when the laboratory is asked to stop.
  void in_turn(std::size_t contenders, const std::function<void(std::size_t contender)>& measure,
               std::size_t how_often = rounds) const;
  // How many descriptors this process may have open.
  [[nodiscard]] std::uint64_t descriptors() const noexcept { return descriptors_; }
  // As many of the wanted connections as the limit of descriptors leaves, when this process holds
  // `ends` descriptors for each of them.
  [[nodiscard]] std::size_t as_many_as_possible(std::size_t wanted,
                                                std::size_t ends) const noexcept;

 private:
  const Laboratory& laboratory_;
  std::uint64_t descriptors_;
  CpuPlan cpus_;
  KeepAwake awake_;
  OnCpu on_client_cpu_;
};

// A load of 64-byte messages for a short while, beside no idle connections: each of the active ones
// sends again as soon as it is answered.
[[nodiscard]] Load short_load(std::size_t active_connections);

// Connections that are open and silent. Each has had one echo, so the server has really taken it.
class IdlePeers {
 public:
  // Opens `count` more. Throws std::system_error, and std::runtime_error when an echo is missing.
  void open(const Endpoint& server, std::size_t count);

 private:
  std::vector<FileDescriptor> sockets_;
};

}  // namespace echomux::claims
