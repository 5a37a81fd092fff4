// Once data is ready, what does the read still do: sleep, or copy?
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"
#include "harness/machine/cpu.hpp"

namespace echomux::claims {
namespace readiness_is_synchronous_claim {

constexpr std::size_t small = 64;
constexpr std::size_t large = std::size_t{128} * 1024;
constexpr int rounds_of_each = 15;
// Copying 2,000 times as much must take far longer than a call costs, if the call copies.
constexpr double copying = 3;

// Blocking reads of as much as is there: their CPU time, and how often one went to sleep.
void observe_read(Evidence& evidence, const std::string& name, std::size_t count) {
  const Connection connection = tcp_connection(int(4 * large));
  Watch watch(connection.server.get(), EPOLLIN);
  std::vector<char> buffer(count);
  std::vector<double> cpu_us;
  double sleeps = 0;
  for (int i = 0; i < rounds_of_each; ++i) {
    deliver(connection.client.get(), connection.server.get(), count);
    await("it was reported", [&] { return watch.wait() != 0; });
    rusage before{};
    check(::getrusage(RUSAGE_THREAD, &before), "getrusage");
    // To read that clock is a system call itself, and no shorter than a small read.
    const auto before_nothing = thread_cpu_time();
    const auto begin = thread_cpu_time();
    const ssize_t got = ::recv(connection.server.get(), buffer.data(), count, 0);
    const auto used = (thread_cpu_time() - begin) - (begin - before_nothing);
    cpu_us.push_back(std::max(std::chrono::duration<double, std::micro>(used).count(), 0.01));
    rusage after{};
    check(::getrusage(RUSAGE_THREAD, &after), "getrusage");
    sleeps += double(after.ru_nvcsw - before.ru_nvcsw);
    if (got != static_cast<ssize_t>(count)) throw std::runtime_error("a read was short");
  }
  evidence.measure(name + "_cpu_us", fmt::format("a read of {} bytes, its own CPU time", count),
                   std::move(cpu_us));
  evidence.note(name + "_sleeps", "how often such a read went to sleep", sleeps);
}

// Another reader is faster, so that what was ready is so no more.
void observe_other_reader(Evidence& evidence) {
  const Connection connection = tcp_connection();
  const int server = connection.server.get();
  Watch watch(server, EPOLLIN);
  deliver(connection.client.get(), server, small);
  note_events(evidence, "ready", "data came", watch.wait(patience));
  take(server, small);
  const Background reader(
      [&] {
        char byte = 0;
        static_cast<void>(::recv(server, &byte, 1, 0));
      },
      [&] { ::shutdown(server, SHUT_RDWR); });
  evidence.note("taken_sleeps", "another had read it meanwhile: a blocking read sleeps",
                reader.falls_asleep());
}

void observe(Laboratory&, Evidence& evidence) {
  observe_read(evidence, "small", small);
  observe_read(evidence, "large", large);
  observe_other_reader(evidence);
}

Finding decide(const Evidence& seen) {
  const double small_us = seen.value("small_cpu_us");
  const double large_us = seen.value("large_cpu_us");
  if (events(seen, "ready") == 0) {
    return {Verdict::not_testable_here, "data that came wasn't reported"};
  }
  const std::string costs = fmt::format(
      "a read of {} bytes that were ready took {:.1f} us of its thread's CPU, one of {} bytes "
      "{:.1f}",
      small, small_us, large, large_us);
  if (large_us < copying * small_us) {
    return {Verdict::refuted, costs + ": it doesn't copy within the call"};
  }
  // A sleep now and then may be for a page of memory; in most rounds it would be for the data.
  const bool waits = seen.value("large_sleeps") > rounds_of_each / 2.0;
  if (waits) return {Verdict::holds, costs + "; it copies within the call and sleeps meanwhile"};
  return {
      Verdict::holds_within_limits,
      costs +
          ": it copies within the call, so it is synchronous; but the thread works and "
          "does not wait" +
          (seen.yes("taken_sleeps") ? ". It did wait where another reader had been faster" : "")};
}

}  // namespace readiness_is_synchronous_claim

Claim readiness_is_synchronous() {
  return {.id = "readiness-is-synchronous",
          .sentence =
              "select, poll and epoll are synchronous: the read itself still blocks while "
              "the data is copied",
          .sources = "004",
          .method =
              "After readiness was reported, a blocking read of 64 bytes and one of 128 KiB, "
              "15 times each: the CPU time of its thread, and how often it went to sleep. "
              "And a blocking read where somebody else has read in between.",
          .decision =
              "Refuted if the long read takes less than three times as long as the short "
              "one, for then the copying isn't in the call; holds if it sleeps in more than "
              "half of the rounds; within limits if it copies without sleeping.",
          .observe = readiness_is_synchronous_claim::observe,
          .decide = readiness_is_synchronous_claim::decide};
}

}  // namespace echomux::claims
