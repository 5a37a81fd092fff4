#include "harness/machine/guardian.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace echomux {
namespace {

// What can't end since the kernel is busy for it is given up after this.
constexpr time_t seconds_to_kill = 10;
// Where none of them may be killed, their own end is waited for so long.
constexpr time_t seconds_to_end_unkilled = 2;
constexpr int ms_between = 10;

time_t now_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

// The kernel lists the children of a thread, and this process has one (proc(5)). A kernel without
// CONFIG_PROC_CHILDREN doesn't: there it is the program alone, as long as it hasn't ended.
template <typename Work>
void for_each_child(pid_t program, const Work& work) {
  const int list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (list < 0) {
    if (::waitid(P_PID, static_cast<id_t>(program), nullptr, WNOHANG | WEXITED | WNOWAIT) == 0) {
      work(program);
    }
    return;
  }
  std::array<char, 4096> text{};
  pid_t pid = 0;
  for (ssize_t count = 0; (count = ::read(list, text.data(), text.size())) > 0;) {
    for (ssize_t i = 0; i < count; ++i) {
      const char c = text[static_cast<std::size_t>(i)];
      if (c >= '0' && c <= '9') {
        pid = pid * 10 + (c - '0');
      } else if (pid > 0) {
        work(pid);
        pid = 0;
      }
    }
  }
  ::close(list);
}

void ask_all_to_stop(pid_t program) {
  for_each_child(program, [](pid_t child) {
    ::kill(child, SIGTERM);
    ::kill(child, SIGCONT);  // one that was stopped takes it only then
  });
}

// How many the guardian has, born or adopted, since the last look.
enum class Children { none, as_before, fewer };

// Takes the exit statuses of those that have ended.
Children bury(pid_t program, int news) {
  Children children = Children::as_before;
  for (;;) {
    GuardedEnd end;
    const pid_t pid = ::wait4(-1, &end.status, WNOHANG, &end.used);
    if (pid == 0) return children;
    if (pid < 0) return Children::none;
    if (pid == program) static_cast<void>(!::write(news, &end, sizeof end));
    children = Children::fewer;
  }
}

void forget_signals(int ended) {
  signalfd_siginfo info{};
  while (::read(ended, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
  }
}

// As children die, theirs become ours, until none is left.
[[noreturn]] void kill_all(pid_t program, int news, int ended) {
  const time_t begin = now_seconds();
  bool first = true;
  bool all_refused = false;
  while (now_seconds() < begin + (all_refused ? seconds_to_end_unkilled : seconds_to_kill)) {
    bool some_killed = false;
    bool some_refused = false;
    for_each_child(program, [&](pid_t child) {
      (::kill(child, SIGKILL) == 0 ? some_killed : some_refused) = true;
    });
    all_refused = some_refused && !some_killed;
    // Its number can't be another's before it was waited for.
    if (std::exchange(first, false) &&
        ::waitid(P_PID, static_cast<id_t>(program), nullptr, WNOHANG | WEXITED | WNOWAIT) == 0) {
      ::kill(-program, SIGKILL);
    }
    pollfd some_ended{.fd = ended, .events = POLLIN, .revents = 0};
    ::poll(&some_ended, 1, ms_between);
    forget_signals(ended);
    if (bury(program, news) == Children::none) ::_exit(0);
  }
  ::_exit(guardian_left_some);
}

}  // namespace

void guard(pid_t program, int orders, int news) noexcept {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const int ended = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  bool stopping = false;
  for (;;) {
    forget_signals(ended);
    const Children children = bury(program, news);
    if (children == Children::none) ::_exit(0);
    // Those that the ended ones leave behind have not been asked yet.
    if (stopping && children == Children::fewer) ask_all_to_stop(program);
    std::array<pollfd, 2> fds{pollfd{.fd = orders, .events = POLLIN, .revents = 0},
                              pollfd{.fd = ended, .events = POLLIN, .revents = 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 || fds[0].revents == 0) continue;
    char order = 0;
    if (::read(orders, &order, 1) != 1) kill_all(program, news, ended);
    stopping = true;
    ask_all_to_stop(program);
  }
}

}  // namespace echomux
