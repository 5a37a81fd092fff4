#include "harness/machine/spawned_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

// These three run in the child between fork and exec, where only async-signal-safe calls are
// allowed.
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
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  if (options.cpu) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<unsigned>(*options.cpu), &cpus);
    if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) return false;
  }
  if (options.open_files) {
    const rlimit limit{*options.open_files, *options.open_files};
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

SpawnedProcess::SpawnedProcess(SpawnOptions options) {
  std::vector<char*> argv;
  argv.reserve(options.arguments.size() + 1);
  for (std::string& argument : options.arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // A successful exec closes its write end.
  Pipe errors = make_pipe();
  const pid_t parent = ::getpid();
  pid_ = check(::fork(), "fork");
  if (pid_ == 0) execute(options, argv.data(), errors.write_end.get(), parent);
  // Both do it, so that it is so before either goes on.
  ::setpgid(pid_, pid_);
  try {
    // By number, since glibc before 2.36 has no wrapper.
    process_.reset(
        check(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), "pidfd_open (Linux 5.3)"));
  } catch (...) {
    end();
    throw;
  }
  errors.write_end.reset();
  while (::read(errors.read_end.get(), &exec_error_, sizeof exec_error_) < 0 && errno == EINTR) {
  }
}

SpawnedProcess::~SpawnedProcess() {
  end();
}

bool SpawnedProcess::wait_for_end(std::chrono::milliseconds limit) const {
  if (end_) return true;
  const auto deadline = Clock::now() + limit;
  for (;;) {
    pollfd process{.fd = process_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&process, 1, remaining_ms(deadline));
    if (ready >= 0) return ready > 0;
  }
}

void SpawnedProcess::send_signal(int signal) const {
  if (!end_) ::kill(pid_, signal);
}

const ProcessEnd& SpawnedProcess::end() {
  if (end_) return *end_;
  // Until it is waited for, its number can't have become somebody else's.
  ::kill(-pid_, SIGKILL);
  int status = 0;
  rusage used{};
  while (::wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  ProcessEnd& end = end_.emplace();
  if (WIFEXITED(status)) end.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  for (const timeval& time : {used.ru_utime, used.ru_stime}) {
    end.cpu_time += std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  }
  return end;
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
