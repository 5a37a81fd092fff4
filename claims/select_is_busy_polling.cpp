// What do a thread in select and a thread that asks all the time do while nothing happens?
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/streams.hpp"
#include "harness/machine/cpu.hpp"

namespace echomux::claims {
namespace select_is_busy_polling_claim {

constexpr std::chrono::milliseconds nothing_happens{300};
// A thread that sleeps uses microseconds to fall asleep and wake, one that asks all that it gets.
constexpr double sleeping_share = 0.1;
constexpr double asking_share = 0.5;

struct Used {
  std::atomic<double> cpu_ms = 0;
  std::atomic<double> calls = 0;
  std::atomic<double> switches = 0;
};

// Runs `wait`, which returns the number of system calls that it took until data came, in a thread,
// and lets data come only after a while.
template <typename Wait>
void observe_waiting(Evidence& evidence, const std::string& name, Wait wait) {
  const Connection connection = tcp_connection();
  const auto wake = [&] { static_cast<void>(write_now(connection.client.get(), 1)); };
  Used used;
  const Background thread(
      [&] {
        const auto before = thread_cpu_time();
        rusage usage_before{};
        ::getrusage(RUSAGE_THREAD, &usage_before);
        used.calls = double(wait(connection.server.get()));
        rusage usage{};
        ::getrusage(RUSAGE_THREAD, &usage);
        used.switches = double(usage.ru_nvcsw - usage_before.ru_nvcsw);
        used.cpu_ms = std::chrono::duration<double, std::milli>(thread_cpu_time() - before).count();
      },
      wake);
  static_cast<void>(thread.ended_within(nothing_happens));
  wake();
  await("the data was noticed", [&] { return thread.ended_within(at_once); });
  evidence.note(name + "_cpu_ms", name + ": CPU time while nothing happened for 300 ms",
                used.cpu_ms);
  evidence.note(name + "_calls", name + ": system calls", used.calls);
  evidence.note(name + "_voluntary_switches", name + ": times it went to sleep", used.switches);
}

void observe(Laboratory&, Evidence& evidence) {
  observe_waiting(evidence, "busy", [](int fd) {
    long calls = 1;
    char byte = 0;
    while (::recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) ++calls;
    return calls;
  });
  observe_waiting(evidence, "select", [](int fd) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return ::select(fd + 1, &set, nullptr, nullptr, nullptr);
  });
}

Finding decide(const Evidence& seen) {
  const double busy = seen.value("busy_cpu_ms");
  const double selecting = seen.value("select_cpu_ms");
  if (busy <= 0 || seen.value("busy_calls") < 100) {
    return {Verdict::not_testable_here, "the thread that asks all the time hardly ran"};
  }
  const std::string details = fmt::format(
      "while nothing happened for 300 ms select used {:.3f} ms of CPU, {} system call and slept {} "
      "time; asking all the time used {:.0f} ms, {:.0f} calls and slept {} times",
      selecting, seen.value("select_calls"), seen.value("select_voluntary_switches"), busy,
      seen.value("busy_calls"), seen.value("busy_voluntary_switches"));
  if (selecting >= asking_share * busy) return {Verdict::holds, details};
  return {selecting > sleeping_share * busy ? Verdict::holds_within_limits : Verdict::refuted,
          details};
}

}  // namespace select_is_busy_polling_claim

Claim select_is_busy_polling() {
  return {.id = "select-is-busy-polling",
          .sentence = "select is the same idea as busy polling",
          .sources = "004",
          .method =
              "One thread waits in select for data, one calls recv without blocking until "
              "there is some; for 300 ms nothing comes.",
          .decision =
              "Refuted if select uses at most a tenth of the CPU time of asking all the "
              "time, for then it sleeps; holds if it uses half or more; within limits "
              "between. It can only be told if the other one asked a hundred times.",
          .observe = select_is_busy_polling_claim::observe,
          .decide = select_is_busy_polling_claim::decide};
}

}  // namespace echomux::claims
