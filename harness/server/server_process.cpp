#include "harness/server/server_process.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>

#include <array>

#include "echo/system_call.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/text/json.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

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

SpawnOptions options_of(const ServerCommand& command, std::uint16_t port, int output) {
  SpawnOptions options{
      .arguments = command.arguments,
      .streams = {.in = Streams::inherited, .out = output, .err = Streams::inherited},
      .cpu = command.cpu,
      .open_files = command.open_files};
  // A foreign server may print as much as it likes: with a pipe that nobody reads it would block.
  if (!command.speaks_echomux) options.streams.out = -1;
  for (std::string& argument : options.arguments) {
    replace_all(argument, "{port}", std::to_string(port));
  }
  return options;
}

}  // namespace

ServerCommand serve_command(const std::string& program, std::string_view backend,
                            const std::vector<std::string>& options) {
  ServerCommand command{.arguments = {program, "serve", std::string(backend), "--port", "0"},
                        .speaks_echomux = true};
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  return command;
}

ServerProcess::ServerProcess(const ServerCommand& command, std::chrono::milliseconds limit,
                             const std::stop_token& halt)
    : name_(command.arguments.at(0)),
      speaks_echomux_(command.speaks_echomux),
      endpoint_(resolve("127.0.0.1", speaks_echomux_ ? std::uint16_t{0} : find_free_port())),
      output_(make_pipe()),
      process_(options_of(command, endpoint_.port(), output_.write_end.get())) {
  output_.write_end.reset();
  const auto deadline = Clock::now() + limit;
  if (speaks_echomux_) {
    wait_for_listening_line(deadline);
  } else {
    wait_until_connectable(deadline, halt);
  }
}

ServerProcess::~ServerProcess() {
  stop();
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
    // wait is cut short when the process ends instead.
    static_cast<void>(process_.wait_for_end(std::chrono::milliseconds(5)));
  }
  throw std::runtime_error(fmt::format(
      "the server '{}' ended before it listened; does the program exist, and run by itself?",
      name_));
}

bool ServerProcess::read_more(Clock::time_point deadline) {
  pollfd readable{.fd = output_.read_end.get(), .events = POLLIN, .revents = 0};
  const int ready = ::poll(&readable, 1, remaining_ms(deadline));
  if (ready < 0 && errno == EINTR) return true;
  if (ready <= 0) return false;
  std::array<char, 4096> chunk{};
  const ssize_t count = ::read(output_.read_end.get(), chunk.data(), chunk.size());
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
  const auto ask = [this] {
    return ::sigqueue(pid(), SIGUSR1, {.sival_int = static_cast<int>(++times_asked_)}) == 0;
  };
  const std::uint64_t first_question = times_asked_ + 1;
  if (!speaks_echomux_ || exit_ || !ask()) return std::nullopt;
  const auto deadline = Clock::now() + std::chrono::seconds(1);
  while (const std::optional<std::string> line = read_line(deadline)) {
    try {
      const Json json = Json::parse(*line);
      std::map<std::string, std::uint64_t> counters;
      for (const auto& [name, value] : json.items()) {
        if (value.is_number_unsigned()) value.get_to(counters[name]);
      }
      const auto asked = counters.extract("asked");
      if (asked.empty() || asked.mapped() >= first_question) return counters;
      // A late answer to an earlier question. This one may have been lost in that: of a signal that
      // is pending already, the kernel forgets the second.
      if (!ask()) return std::nullopt;
    } catch (const JsonError&) {
      continue;  // a line of another kind
    }
  }
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> ServerProcess::cpu_time() const {
  return exit_ ? std::nullopt : cpu_time_of(pid());
}

ServerExit ServerProcess::stop(std::chrono::milliseconds limit) {
  if (exit_) return *exit_;
  process_.send_signal(SIGTERM);
  process_.send_signal(SIGCONT);  // one that was stopped takes it only then
  const bool ended = process_.wait_for_end(limit);
  const ProcessEnd& end = process_.end();
  exit_ = {.killed_after_timeout = !ended && limit > std::chrono::milliseconds(0),
           .exit_status = end.exit_status,
           .signal = end.signal};
  return *exit_;
}

std::string ServerProcess::output() {
  while (read_more(Clock::now())) {
  }
  return std::exchange(unread_, {});
}

}  // namespace echomux
