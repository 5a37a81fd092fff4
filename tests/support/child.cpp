#include "tests/support/child.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

#include "echo/system_call.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {

using std::chrono::nanoseconds;

void Child::Line::tell() const {
  tell(nanoseconds(0));
}

void Child::Line::tell(nanoseconds value) const {
  const std::int64_t count = value.count();
  if (::write(out_, &count, sizeof count) != sizeof count) ::_exit(1);
}

void Child::Line::await() const {
  char byte = 0;
  if (::read(in_, &byte, 1) != 1) ::_exit(1);
}

Child::Child(const std::function<void(const Line&)>& body) {
  Pipe down = make_pipe();
  Pipe up = make_pipe();
  pid_ = fork_bound();
  if (pid_ == 0) {
    down.write_end.reset();
    up.read_end.reset();
    body(Line(down.read_end.get(), up.write_end.get()));
    ::_exit(0);
  }
  to_child_ = std::move(down.write_end);
  from_child_ = std::move(up.read_end);
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  reap();
}

nanoseconds Child::await() const {
  pollfd readable{.fd = from_child_.get(), .events = POLLIN, .revents = 0};
  std::int64_t count = 0;
  if (::poll(&readable, 1, static_cast<int>(patience.count())) != 1 ||
      ::read(from_child_.get(), &count, sizeof count) != sizeof count) {
    throw std::runtime_error("the child doesn't tell what it was waited for");
  }
  return nanoseconds(count);
}

void Child::go_on() const {
  check(::write(to_child_.get(), "g", 1), "write");
}

void Child::await_end() const {
  const bool ended = eventually(patience, [this] {
    siginfo_t info{};
    check(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT), "waitid");
    return info.si_pid == pid_;
  });
  if (!ended) throw std::runtime_error("the child doesn't end");
}

void Child::reap() {
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

pid_t fork_bound() {
  const pid_t parent = ::getpid();
  const pid_t pid = check(::fork(), "fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it ended before the line above
  }
  return pid;
}

nanoseconds process_cpu_time() {
  timespec time{};
  check(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), "clock_gettime");
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void burn_cpu(nanoseconds amount) {
  const nanoseconds end = process_cpu_time() + amount;
  while (process_cpu_time() < end) {
  }
}

}  // namespace echomux
