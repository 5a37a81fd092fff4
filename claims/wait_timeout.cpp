// How long does epoll_wait wait?
#include <fmt/core.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace wait_timeout_claim {

constexpr int limit_ms = 20;
constexpr int times = 9;
// A machine that is busy with others may run a thread late, but rarely by more than this.
constexpr double late_ms = 20;

// How long epoll_wait took to report nothing, in milliseconds, several times.
std::vector<double> waited_ms(int epoll, int timeout) {
  std::vector<double> all;
  for (int i = 0; i < times; ++i) {
    epoll_event event{};
    const auto begin = std::chrono::steady_clock::now();
    check(::epoll_wait(epoll, &event, 1, timeout), "epoll_wait");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    all.push_back(took.count());
  }
  return all;
}

// A thread waits without a limit until `end` ends it, of which it tells the outcome.
void observe_endless(Evidence& evidence) {
  const Pipe pipe;
  const Watch watch(pipe.read_end.get(), EPOLLIN);
  std::atomic<int> returned = -1;
  const auto release = [&] { static_cast<void>(write_now(pipe.write_end.get(), 1)); };
  const Background waiter(
      [&] {
        epoll_event event{};
        returned = ::epoll_wait(watch.fd(), &event, 1, -1);
      },
      release);
  evidence.note("endless_slept", "-1 and nothing happens: the thread sleeps",
                waiter.falls_asleep() && !waiter.ended_within(5 * silence));
  release();
  evidence.note("endless_woken", "-1 and data comes: it reports one event",
                waiter.ended_within(patience) && returned == 1);
}

// A signal with a handler, even one that asks for system calls to be restarted.
void observe_signal(Evidence& evidence) {
  struct sigaction handler {};
  struct sigaction before {};
  handler.sa_handler = [](int) {};
  handler.sa_flags = SA_RESTART;
  check(::sigaction(SIGURG, &handler, &before), "sigaction");
  {
    const Pipe pipe;
    const Watch watch(pipe.read_end.get(), EPOLLIN);
    std::atomic<pthread_t> thread{};
    std::atomic<int> error = -1;
    const Background waiter(
        [&] {
          sigset_t mask;
          ::sigemptyset(&mask);
          ::sigaddset(&mask, SIGURG);
          ::pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
          thread = ::pthread_self();
          epoll_event event{};
          error = ::epoll_wait(watch.fd(), &event, 1, -1) < 0 ? errno : 0;
        },
        [&] { static_cast<void>(write_now(pipe.write_end.get(), 1)); });
    const bool slept = waiter.falls_asleep();
    if (slept) ::pthread_kill(thread, SIGURG);
    evidence.note("signal_ended", "-1 and a signal with a handler: it fails with EINTR",
                  slept && waiter.ended_within(10 * silence) && error == EINTR);
  }
  check(::sigaction(SIGURG, &before, nullptr), "sigaction");
}

void observe(Laboratory&, Evidence& evidence) {
  const Pipe pipe;
  const Watch watch(pipe.read_end.get(), EPOLLIN);
  evidence.measure("zero_ms", "0: how long it took", waited_ms(watch.fd(), 0));
  evidence.measure("limit_ms", "20: how long it took", waited_ms(watch.fd(), limit_ms));
  observe_endless(evidence);
  observe_signal(evidence);
}

Finding decide(const Evidence& seen) {
  const double zero = seen.value("zero_ms");
  const double limited = seen.value("limit_ms");
  const bool as_said = zero < 1 && limited >= limit_ms && limited < limit_ms + late_ms &&
                       seen.yes("endless_slept") && seen.yes("endless_woken");
  const std::string details = fmt::format(
      "0 took {:.4f} ms and {} took {:.2f} ms (medians); with -1 the thread {} and {}", zero,
      limit_ms, limited, seen.yes("endless_slept") ? "slept" : "did not sleep on",
      seen.yes("endless_woken") ? "woke when data came" : "did not wake when data came");
  if (!as_said) return {Verdict::refuted, details};
  if (!seen.yes("signal_ended")) return {Verdict::holds, details};
  return {Verdict::holds_within_limits,
          details + "; but a signal with a handler ends even an endless wait, with EINTR"};
}

}  // namespace wait_timeout_claim

Claim wait_timeout() {
  return {.id = "wait-timeout",
          .sentence = "epoll_wait: 0 returns at once, -1 waits without end, n ms otherwise",
          .sources = "001 003",
          .method =
              "With nothing to report, epoll_wait is timed with 0 and with 20 ms, nine times "
              "each; a thread waits with -1 until data comes, and another until a signal "
              "with a handler does.",
          .decision =
              "Refuted unless, in the median, 0 takes less than 1 ms and 20 ms no less and "
              "less than 20 ms more (a busy machine wakes late), and -1 sleeps for 0.3 s and "
              "wakes for data; within limits if a signal ends the endless wait.",
          .observe = wait_timeout_claim::observe,
          .decide = wait_timeout_claim::decide};
}

}  // namespace echomux::claims
