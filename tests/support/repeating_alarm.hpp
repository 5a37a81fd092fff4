#pragma once

#include <signal.h>
#include <sys/time.h>

namespace echomux {

// Interrupts the system calls of this thread every few milliseconds for as long as it lives, as a
// handled signal does unless SA_RESTART is asked for. Again and again, because a single signal
// might come just before the call. The process must have no other thread that could take the
// signal.
class RepeatingAlarm {
 public:
  RepeatingAlarm() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &old_);
    const itimerval every{.it_interval = {.tv_sec = 0, .tv_usec = 5000},
                          .it_value = {.tv_sec = 0, .tv_usec = 5000}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
  ~RepeatingAlarm() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &old_, nullptr);
  }
  RepeatingAlarm(const RepeatingAlarm&) = delete;
  RepeatingAlarm& operator=(const RepeatingAlarm&) = delete;

 private:
  struct sigaction old_ {};
};

}  // namespace echomux
