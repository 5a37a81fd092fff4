#include "harness/server/server_process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <array>
#include <thread>

#include "echo/system_call.hpp"
#include "harness/text/json.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

// Milliseconds until `deadline`, as poll(2) takes them: never negative, for that means forever.
int remaining_ms(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// A port that was free a moment ago, for servers that must be told one.
std::uint16_t find_free_port() {
  const FileDescriptor probe = listen_on(resolve("127.0.0.1", 0));
  return local_endpoint(probe.get()).port();
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
  }
}

// Runs in the child between fork and exec, where only async-signal-safe calls are allowed.
void prepare_child(const ServerCommand& command, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent died before the line above
  // Ctrl-C at a terminal goes to the whole foreground group: the harness gets it, reads the
  // server's last figures, and stops the server itself.
  ::setpgid(0, 0);
  // The harness may have blocked or ignored signals that the server relies on.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  // A foreign server may print as much as it likes: with a pipe that nobody reads it would block.
  ::dup2(command.speaks_echomux ? output : ::open("/dev/null", O_WRONLY | O_CLOEXEC),
         STDOUT_FILENO);
  if (command.cpu) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<unsigned>(*command.cpu), &cpus);
    if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) ::_exit(126);
  }
  if (command.open_files) {
    const rlimit limit{*command.open_files, *command.open_files};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(126);
  }
}

}  // namespace

ServerProcess::ServerProcess(const ServerCommand& command, std::chrono::milliseconds limit,
                             const std::stop_token& halt)
    : name_(command.arguments.at(0)), speaks_echomux_(command.speaks_echomux) {
  const auto deadline = Clock::now() + limit;
  const std::uint16_t port = speaks_echomux_ ? std::uint16_t{0} : find_free_port();
  try {
    spawn(command, port);
    if (speaks_echomux_) {
      wait_for_listening_line(deadline);
    } else {
      endpoint_ = resolve("127.0.0.1", port);
      wait_until_connectable(deadline, halt);
    }
  } catch (...) {
    stop(std::chrono::milliseconds(0));
    throw;
  }
}

ServerProcess::~ServerProcess() {
  stop();
}

void ServerProcess::spawn(const ServerCommand& command, std::uint16_t port) {
  std::vector<std::string> arguments = command.arguments;
  for (std::string& argument : arguments) replace_all(argument, "{port}", std::to_string(port));
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  std::array<int, 2> pipe_ends{};
  check(::pipe2(pipe_ends.data(), O_CLOEXEC), "pipe2");
  output_.reset(pipe_ends[0]);
  const FileDescriptor write_end(pipe_ends[1]);
  const pid_t parent = ::getpid();
  pid_ = check(::fork(), "fork");
  if (pid_ == 0) {
    prepare_child(command, write_end.get(), parent);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  // Both do it, for it must be so before either goes on.
  ::setpgid(pid_, pid_);
  // By number, since glibc before 2.36 has no wrapper.
  process_.reset(
      check(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), "pidfd_open (Linux 5.3)"));
}

bool ServerProcess::running() const {
  if (exit_) return false;
  pollfd process{.fd = process_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&process, 1, 0) == 0;
}

void ServerProcess::wait_for_listening_line(Clock::time_point deadline) {
  const std::optional<std::string> line = read_line(deadline);
  constexpr std::string_view marker = " listening on ";
  const std::size_t at = line ? line->find(marker) : std::string::npos;
  if (at == std::string::npos) {
    throw std::runtime_error(
        fmt::format("the server '{}' did not say where it listens{}", name_,
                    line ? ", but: " + *line : std::string(running() ? "" : ": it has ended")));
  }
  endpoint_ = parse_endpoint(line->substr(at + marker.size()));
}

void ServerProcess::wait_until_connectable(Clock::time_point deadline,
                                           const std::stop_token& halt) const {
  while (running()) {
    if (halt.stop_requested()) {
      throw std::runtime_error(
          fmt::format("the server '{}' did not listen yet when it was interrupted", name_));
    }
    const FileDescriptor probe(
        check(::socket(endpoint_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    if (::connect(probe.get(), endpoint_.raw(), endpoint_.length) == 0) return;
    if (Clock::now() > deadline) {
      throw std::runtime_error(
          fmt::format("the server '{}' does not listen on {}; does its command use {{port}}?",
                      name_, endpoint_.to_string()));
    }
    // Nothing announces that a foreign process has begun to listen: it can only be asked again. The
    // pidfd cuts the wait short when the process ends instead.
    pollfd process{.fd = process_.get(), .events = POLLIN, .revents = 0};
    ::poll(&process, 1, 5);
  }
  throw std::runtime_error(fmt::format(
      "the server '{}' ended before it listened; does the program exist, and run by itself?",
      name_));
}

bool ServerProcess::read_more(Clock::time_point deadline) {
  pollfd readable{.fd = output_.get(), .events = POLLIN, .revents = 0};
  const int ready = ::poll(&readable, 1, remaining_ms(deadline));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return false;
  std::array<char, 4096> chunk{};
  const ssize_t count = ::read(output_.get(), chunk.data(), chunk.size());
  if (count <= 0) return count < 0 && errno == EINTR;
  unread_.append(chunk.data(), static_cast<std::size_t>(count));
  return true;
}

std::optional<std::string> ServerProcess::read_line(Clock::time_point deadline) {
  for (;;) {
    if (const std::size_t end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    if (!read_more(deadline)) return std::nullopt;
  }
}

std::optional<std::map<std::string, std::uint64_t>> ServerProcess::counters() {
  if (!speaks_echomux_ || exit_ || ::kill(pid_, SIGUSR1) != 0) return std::nullopt;
  const auto deadline = Clock::now() + std::chrono::seconds(1);
  while (const std::optional<std::string> line = read_line(deadline)) {
    try {
      const Json json = Json::parse(*line);
      std::map<std::string, std::uint64_t> counters;
      for (const auto& [name, value] : json.items()) {
        if (value.is_number_unsigned()) value.get_to(counters[name]);
      }
      return counters;
    } catch (const JsonError&) {
      continue;  // a line of another kind
    }
  }
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> ServerProcess::cpu_time() const {
  clockid_t clock{};
  timespec time{};
  if (exit_ || ::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

bool ServerProcess::wait_for_end(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    pollfd process{.fd = process_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&process, 1, remaining_ms(deadline));
    if (ready > 0) return true;
    if (ready == 0) return false;
  }
}

ServerExit ServerProcess::stop(std::chrono::milliseconds limit) {
  if (exit_ || pid_ < 0) return exit_.value_or(ServerExit{});
  ServerExit result;
  ::kill(pid_, SIGTERM);
  ::kill(pid_, SIGCONT);  // one that was stopped takes it only then
  if (!wait_for_end(limit)) {
    result.killed_after_timeout = limit > std::chrono::milliseconds(0);
    ::kill(pid_, SIGKILL);
  }
  // Children that it has left behind, if it was a server that has any: until it is waited for, its
  // number can't have become somebody else's.
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  exit_ = result;
  return result;
}

std::string ServerProcess::output() {
  while (read_more(Clock::now())) {
  }
  return std::exchange(unread_, {});
}

}  // namespace echomux
