#include "beyond/reuseport/children.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

// One that is told to stop and hasn't done so by then, as one that is stopped by SIGSTOP can't, is
// killed.
constexpr std::chrono::milliseconds time_to_end{500};
// Who stops all processes of a group at once, as a service manager does, may reach a child before
// its parent knows of it.
constexpr std::chrono::seconds until_the_stop_is_known{2};

}  // namespace

Children::~Children() {
  for (const Child& child : children_) ::kill(child.pid, SIGKILL);
  for (const Child& child : children_) ::waitpid(child.pid, nullptr, 0);
}

void Children::start(const std::function<void()>& work) {
  // A process inherits that SIGCHLD is ignored, and then it can wait for no child.
  ::signal(SIGCHLD, SIG_DFL);
  std::array<int, 2> pipe{};
  check(::pipe2(pipe.data(), O_CLOEXEC), "pipe2");
  FileDescriptor ours(pipe[0]);
  const FileDescriptor its(pipe[1]);
  children_.reserve(children_.size() + 1);
  const pid_t parent = ::getpid();
  const pid_t pid = check(::fork(), "fork");
  if (pid == 0) {
    ours.reset();
    children_.clear();
    run(work, parent);
  }
  children_.push_back({pid, started_++, std::move(ours)});
}

void Children::run(const std::function<void()>& work, pid_t parent) {
  // The parent may have died before this was said.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  // A server takes its signals in a thread, which isn't here, and blocks them elsewhere.
  sigset_t term{};
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_UNBLOCK, &term, nullptr);
  try {
    work();
  } catch (const std::exception& error) {
    static_cast<void>(std::fprintf(stderr, "echomux: a process of it: %s\n", error.what()));
    ::_exit(1);
  }
  ::_exit(0);  // what else there is belongs to the parent
}

void Children::watch() {
  std::vector<pollfd> awaited;
  for (;;) {
    awaited.assign(1, {.fd = stop_, .events = POLLIN, .revents = 0});
    // That the other end has closed is always reported.
    for (const Child& child : children_) awaited.push_back({child.lives.get(), 0, 0});
    if (::poll(awaited.data(), awaited.size(), time_to_explain_ms()) < 0) {
      if (errno != EINTR) throw_errno("poll");
      continue;
    }
    if (told_to_stop()) break;
    for (std::size_t i = children_.size(); i-- > 0;) {
      if (awaited[i + 1].revents != 0) bury(i);
    }
    explain();
    if (children_.empty() && unexplained_.empty()) {
      throw std::runtime_error("all processes of the server have ended");
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + time_to_end;
  for (const Child& child : children_) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd lives{child.lives.get(), 0, 0};
    static_cast<void>(::poll(&lives, 1, std::max(static_cast<int>(left.count()), 0)));
  }
}

bool Children::told_to_stop() const {
  pollfd stop{.fd = stop_, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&stop, 1, 0);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// Its place is free at once. That SIGTERM has ended it may be the first that is seen of a stop.
void Children::bury(std::size_t which) {
  const auto child = children_.begin() + static_cast<std::ptrdiff_t>(which);
  const pid_t pid = child->pid;
  int status = 0;
  ::waitpid(pid, &status, 0);
  buried_(child->number);
  children_.erase(child);
  if (!WIFSIGNALED(status)) {
    tell_of(pid, "exit status", WEXITSTATUS(status));
  } else if (WTERMSIG(status) != SIGTERM) {
    tell_of(pid, "signal", WTERMSIG(status));
  } else {
    unexplained_.push_back({pid, std::chrono::steady_clock::now() + until_the_stop_is_known});
  }
}

// As poll(2) takes it: -1 is for ever.
int Children::time_to_explain_ms() const {
  if (unexplained_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(unexplained_.front().known_by -
                                                                 std::chrono::steady_clock::now());
  return std::max(static_cast<int>(left.count()), 0);
}

// No stop has come: SIGTERM was meant for those alone.
void Children::explain() {
  while (!unexplained_.empty() &&
         unexplained_.front().known_by <= std::chrono::steady_clock::now()) {
    tell_of(unexplained_.front().pid, "signal", SIGTERM);
    unexplained_.erase(unexplained_.begin());
  }
}

void Children::tell_of(pid_t pid, const char* how, int number) const {
  static_cast<void>(std::fprintf(stderr,
                                 "echomux: process %d of the server has ended (%s %d); %zu go on\n",
                                 static_cast<int>(pid), how, number, children_.size()));
}

}  // namespace echomux
