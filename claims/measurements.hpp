#pragma once

#include <chrono>
#include <optional>

#include "claims/claim.hpp"
#include "harness/bench/measurement.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/keep_awake.hpp"

// What claims about cost measure. What compares servers is a row of one table in measurements.cpp:
// contenders, loads, metrics and rounds.
namespace echomux::claims {

// How often each thing that is compared is measured. From nine on the 95 % interval of the median
// leaves out the extreme value at each end, so that a single mishap of the machine doesn't decide.
inline constexpr std::size_t rounds = 9;

// While there is a Bench, the calling thread keeps to the client's CPU, this CPU and the server's
// are kept awake, and the limit of open descriptors is as high as allowed. The destructor gives the
// thread all its CPUs back. Throws std::system_error.
class Bench {
 public:
  explicit Bench(const Context& context);

  // How to run a server of this suite on the server's CPU, or one on a library or the bare calls.
  [[nodiscard]] ServerCommand command(std::string_view backend) const;
  // Where servers run; none when there is only one CPU.
  [[nodiscard]] std::optional<int> server_cpu() const {
    return cpus_.server.empty() ? std::nullopt : std::optional(cpus_.server.front());
  }
  // Calls `measure` for each of the contenders in each of the rounds, as run_rounds() does. Throws
  // std::runtime_error when the context is asked to stop.
  void in_turn(std::size_t contenders, const std::function<void(std::size_t contender)>& measure,
               std::size_t how_often = rounds) const;
  // As many connections as the limit of descriptors leaves, with `ends` of them for each.
  [[nodiscard]] std::size_t as_many_as_possible(std::size_t wanted,
                                                std::size_t ends) const noexcept;

 private:
  const Context& context_;
  std::uint64_t descriptors_;
  CpuPlan cpus_;
  KeepAwake awake_;
  OnCpu on_client_cpu_;
};

// 64-byte messages for a short while: each connection sends again as soon as it is answered.
[[nodiscard]] Load short_load(std::size_t active_connections);

// Connections that are open and silent. Each has had one echo, so the server has really taken it.
class IdlePeers {
 public:
  // Opens `count` more. Throws std::system_error, and std::runtime_error when an echo is missing.
  void open(const Endpoint& server, std::size_t count);

 private:
  std::vector<FileDescriptor> sockets_;
};

// Something that is measured in turn with others: its observation, and what gives one value of it.
struct Contender {
  std::string name;
  std::string what;
  std::function<double()> value;
};
// Measures all of them in rounds and puts the values into the evidence. Throws what they throw.
void measure_in_turn(const Bench& bench, const std::vector<Contender>& contenders,
                     Evidence& evidence, std::size_t how_often = rounds);

// The CPU time of one call of `call` in this thread, in microseconds: the mean over as many calls
// as take five milliseconds, and sixteen at least.
template <typename Call>
[[nodiscard]] double call_us(Call&& call) {
  constexpr std::chrono::nanoseconds least_time = std::chrono::milliseconds(5);
  constexpr int batch = 16;  // between two readings of the clock, which is a system call too
  int calls = 0;
  std::chrono::nanoseconds spent{0};
  const std::chrono::nanoseconds begin = thread_cpu_time();
  while (spent < least_time) {
    for (int i = 0; i < batch; ++i) call();
    calls += batch;
    spent = thread_cpu_time() - begin;
  }
  return std::chrono::duration<double, std::micro>(spent).count() / calls;
}

// Makes those of the claim's measurements that no claim has asked for yet, and copies what the
// claim shows of them into its evidence. Throws what the measurements throw; a measurement that has
// failed is made again when it is asked for again.
void measure_for(const Claim& claim, Context& context, Evidence& evidence);
// The loads of the claim's measurements, in words that go on after its method.
[[nodiscard]] std::string measurements_in_words(const Claim& claim);
// The measurement of this name, which `measure` makes unless it is there.
const Evidence& shared_measurement(Context& context, std::string_view name,
                                   const std::function<void(Evidence& evidence)>& measure);

// Measurements and tests that are more than rows. They throw std::exception when they can't be
// made. CPU of a single wait that finds k of n TCP connections ready: "wait_us_MECHANISM_n_k" of
// select, poll and epoll (level-triggered), for k = 1 with n = 1, 10, 100 and 1000, and for n =
// 1000 with k = 1, 10, 100 and 1000.
void measure_waits(Context& context, Evidence& evidence);
// Memory of an idle connection to epoll_lt and threaded, in bytes: "server_bytes_SERVER" in the
// server's process, "kernel_bytes_SERVER" in the kernel, for both ends; "all_bytes_SERVER" the sum.
void measure_memory(Context& context, Evidence& evidence);

// What writing at once or on EPOLLOUT costs, and what a peer that doesn't read costs another one.
void observe_interest_flip(Context& context, Evidence& evidence);
void observe_retry_send(Context& context, Evidence& evidence);
// What a change of an epoll set costs: "change_us_10", "…_100", "…_1000", "…_most".
void observe_tree(Context& context, Evidence& evidence);

}  // namespace echomux::claims
