#include "harness/machine/spawned_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "echo/system_call.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/guardian.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

// At a process without a descriptor.
constexpr std::chrono::milliseconds between_looks{1};

// These run in the child between fork and exec, where only async-signal-safe calls are allowed.
bool become(int fd, int target) {
  if (fd == Streams::inherited) return true;
  return ::dup2(fd >= 0 ? fd : ::open("/dev/null", O_RDWR | O_CLOEXEC), target) >= 0;
}

bool prepare(const SpawnOptions& options) {
  // Ctrl-C at a terminal goes to the whole foreground group: the harness gets it, reads a server's
  // last figures, and stops the server itself.
  ::setpgid(0, 0);
  // The harness may have blocked or ignored signals that the program relies on.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGCHLD, SIG_DFL);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  if (!options.cpus.empty()) {
    CpuMask cpus;
    for (const int cpu : options.cpus) cpus.add(cpu);
    if (!cpus.apply()) return false;
  }
  if (options.open_files) {
    const rlimit limit{*options.open_files, *options.open_files};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  }
  if (options.soft_open_files) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    limit.rlim_cur = std::min(*options.soft_open_files, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  }
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) return false;
  return become(options.streams.in, STDIN_FILENO) && become(options.streams.out, STDOUT_FILENO) &&
         become(options.streams.err, STDERR_FILENO);
}

[[noreturn]] void execute(const SpawnOptions& options, char* const* argv, int errors,
                          pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent died before the line above
  const bool prepared = prepare(options);
  if (prepared) ::execvp(argv[0], argv);
  const int error = errno;
  static_cast<void>(!::write(errors, &error, sizeof error));
  ::_exit(prepared ? 127 : 126);
}

// The readers of pipes that this process had must see their ends.
void close_all_but(int one, int other) {
  const auto low = static_cast<unsigned>(std::min(one, other));
  const auto high = static_cast<unsigned>(std::max(one, other));
  const auto close_range = [](unsigned first, unsigned last) {
    // By number, since glibc before 2.34 has no wrapper.
    if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) return;
    // Before Linux 5.9, or where a filter refuses it.
    constexpr unsigned most_likely = 65'536;
    for (unsigned fd = first; fd <= std::min(last, most_likely); ++fd)
      ::close(static_cast<int>(fd));
  };
  if (low > 0) close_range(0, low - 1);
  close_range(low + 1, high - 1);
  close_range(high + 1, ~0U);
}

[[noreturn]] void become_guardian(const SpawnOptions& options, char* const* argv, int errors,
                                  int orders, int news) {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  // Who ignores it by inheritance would never hear of an end.
  ::signal(SIGCHLD, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t guardian = ::getpid();
  const pid_t program = ::fork();
  if (program == 0) execute(options, argv, errors, guardian);
  const int error = errno;
  if (program < 0 || ::write(news, &program, sizeof program) != sizeof program) {
    static_cast<void>(!::write(errors, &error, sizeof error));
    ::_exit(126);
  }
  close_all_but(orders, news);
  guard(program, orders, news);
}

// As a pipe, but to write into it when nobody reads any more is no signal.
Pipe make_order_line() {
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

ProcessEnd end_of(int status, const rusage& used) {
  ProcessEnd end;
  if (WIFEXITED(status)) end.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  for (const timeval& time : {used.ru_utime, used.ru_stime}) {
    end.cpu_time += std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  }
  return end;
}

}  // namespace

Pipe make_pipe() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

int remaining_ms(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

SpawnedProcess::SpawnedProcess(SpawnOptions options) : guarded_(options.guarded) {
  // Where it is ignored, as some daemons hand it on, there is no exit status to be had (wait(2)).
  struct sigaction inherited {};
  if (::sigaction(SIGCHLD, nullptr, &inherited) == 0 && inherited.sa_handler == SIG_IGN) {
    ::signal(SIGCHLD, SIG_DFL);
  }
  std::vector<char*> argv;
  argv.reserve(options.arguments.size() + 1);
  for (std::string& argument : options.arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // A successful exec closes its write end.
  Pipe errors = make_pipe();
  if (options.guarded) {
    orders_ = make_order_line();
    news_ = make_pipe();
  }
  const pid_t parent = ::getpid();
  pid_ = check(::fork(), "fork");
  if (pid_ == 0) {
    const int error_end = errors.write_end.get();
    if (!options.guarded) execute(options, argv.data(), error_end, parent);
    ::setpgid(0, 0);
    become_guardian(options, argv.data(), error_end, orders_.read_end.get(), news_.write_end.get());
  }
  program_ = pid_;
  // Both do it, so that it is so before either goes on.
  ::setpgid(pid_, pid_);
  orders_.read_end.reset();
  news_.write_end.reset();
  // By number, since glibc before 2.36 has no wrapper. None before Linux 5.3, where a filter
  // refuses it, or where no descriptor is left.
  process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  errors.write_end.reset();
  while (::read(errors.read_end.get(), &exec_error_, sizeof exec_error_) < 0 && errno == EINTR) {
  }
  // The guardian has written this before it closed its end of that.
  while (options.guarded && ::read(news_.read_end.get(), &program_, sizeof program_) < 0 &&
         errno == EINTR) {
  }
}

SpawnedProcess::~SpawnedProcess() {
  end();
}

bool SpawnedProcess::wait_for_end(std::chrono::milliseconds limit) const {
  if (end_) return true;
  const auto deadline = Clock::now() + limit;
  while (!process_) {
    // Nothing announces its end then: it can only be asked again.
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno != EINTR) return true;
      continue;
    }
    if (info.si_pid == pid_) return true;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(between_looks);
  }
  for (;;) {
    pollfd process{.fd = process_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&process, 1, remaining_ms(deadline));
    if (ready >= 0) return ready > 0;
  }
}

std::optional<pid_t> SpawnedProcess::guardian() const noexcept {
  return guarded_ ? std::optional(pid_) : std::nullopt;
}

const std::optional<ProcessEnd>& SpawnedProcess::program_end() {
  pollfd news{.fd = news_.read_end.get(), .events = POLLIN, .revents = 0};
  if (!program_end_ && guarded_ && ::poll(&news, 1, 0) > 0) {
    GuardedEnd end;
    if (::read(news.fd, &end, sizeof end) == sizeof end)
      program_end_ = end_of(end.status, end.used);
  }
  return program_end_;
}

void SpawnedProcess::ask_to_stop() const {
  if (end_) return;
  if (guarded_) {
    // It fails when all has ended already.
    ::send(orders_.write_end.get(), &order_to_stop, 1, MSG_NOSIGNAL);
    return;
  }
  ::kill(pid_, SIGTERM);
  ::kill(pid_, SIGCONT);  // one that was stopped takes it only then
}

const ProcessEnd& SpawnedProcess::end() {
  if (end_) return *end_;
  // Until it is waited for, its number can't have become somebody else's.
  orders_.write_end.reset();
  if (!guarded_) ::kill(-pid_, SIGKILL);
  int status = 0;
  rusage used{};
  while (::wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  end_ = end_of(status, used);
  if (guarded_) {
    const bool left_some = end_->exit_status == guardian_left_some;
    if (const std::optional<ProcessEnd>& of_program = program_end()) end_ = of_program;
    end_->left_some = left_some;
  }
  return *end_;
}

Captured run_and_capture(SpawnOptions options, int stream, std::chrono::milliseconds limit,
                         std::size_t most_bytes) {
  const Clock::time_point deadline = Clock::now() + limit;
  Pipe pipe = make_pipe();
  (stream == STDOUT_FILENO ? options.streams.out : options.streams.err) = pipe.write_end.get();
  SpawnedProcess process(std::move(options));
  pipe.write_end.reset();
  Captured captured;
  captured.exec_error = process.exec_error();
  std::array<char, 4096> chunk{};
  for (;;) {
    pollfd readable{.fd = pipe.read_end.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, remaining_ms(deadline));
    if (ready == 0) break;
    const ssize_t count =
        ready < 0 ? ready : ::read(pipe.read_end.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    const std::size_t room = most_bytes - captured.text.size();
    captured.text.append(chunk.data(), std::min(room, static_cast<std::size_t>(count)));
  }
  captured.too_long = !process.wait_for_end(std::chrono::milliseconds(remaining_ms(deadline)));
  captured.end = process.end();
  return captured;
}

}  // namespace echomux
