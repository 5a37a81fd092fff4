#include "harness/server/server_process.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <random>
#include <system_error>

#include "echo/system_call.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/listeners.hpp"
#include "harness/machine/loopback.hpp"
#include "harness/text/json.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

// A port that was free a moment ago, for servers that must be told one. It lies beyond the range
// from which the system serves those who ask for port 0, where there are enough: a port of that
// range may be given away before a server that starts slowly has bound it.
std::uint16_t find_free_port() {
  constexpr std::uint64_t lowest = 10'000;
  constexpr std::uint64_t highest = 65'535;
  constexpr std::uint64_t enough = 1'000;
  constexpr int attempts = 20;
  const PortRange given = ports_given_away().value_or(PortRange{1, highest});
  PortRange others{lowest, given.first - 1};
  if (given.first < lowest + enough) others = {std::max(given.last + 1, lowest), highest};
  if (others.last >= others.first + enough) {
    std::random_device device;
    std::uniform_int_distribution<std::uint64_t> any(others.first, others.last);
    for (int i = 0; i < attempts; ++i) {
      const auto port = static_cast<std::uint16_t>(any(device));
      try {
        static_cast<void>(listen_on(resolve("127.0.0.1", port)));
        return port;
      } catch (const std::system_error&) {
        continue;  // somebody has it
      }
    }
  }
  const FileDescriptor probe = listen_on(resolve("127.0.0.1", 0));
  return local_endpoint(probe.get()).port();
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), with);
  }
}

constexpr std::string_view port_place = "{port}";

bool is_told_its_port(const ServerCommand& command) {
  return std::ranges::any_of(command.arguments, [](const std::string& argument) {
    return argument.find(port_place) != std::string::npos;
  });
}

// Others may take a port between its choice and the server's bind: then another is tried.
constexpr int most_ports_tried = 4;
// A server whose port another program has taken says so and ends within this time; else who listens
// there does so for it.
constexpr std::chrono::milliseconds time_to_find_it_taken{500};
constexpr std::chrono::milliseconds between_looks{5};

// "exit status 1" or "signal 11".
std::string in_words(const ProcessEnd& end) {
  return end.exit_status ? fmt::format("exit status {}", *end.exit_status)
                         : fmt::format("signal {}", end.signal);
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
      may_alter_bytes_(!command.speaks_echomux && !command.echoes_all_bytes),
      input_(make_pipe()) {
  const auto deadline = Clock::now() + limit;
  if (speaks_echomux_) {
    output_ = make_pipe();
    start(command);
    output_.write_end.reset();
    wait_for_listening_line(deadline);
    return;
  }
  log_.emplace();
  try {
    start_on_a_free_port(command, deadline, halt);
  } catch (const std::runtime_error& error) {
    if (!process_ || !process_->end().left_some) throw;
    throw std::runtime_error(fmt::format("{}; {}", error.what(), left_some_words));
  }
}

void ServerProcess::start_on_a_free_port(const ServerCommand& command, Clock::time_point deadline,
                                         const std::stop_token& halt) {
  for (int tried = 0; tried < most_ports_tried; ++tried) {
    port_ = is_told_its_port(command) ? find_free_port() : std::uint16_t{0};
    endpoint_ = resolve("127.0.0.1", port_);
    start(command);
    if (wait_until_listening(deadline, halt)) return;
  }
  throw std::runtime_error(fmt::format("the server '{}' ended before it listened ({}){}", name_,
                                       how_it_ended(), last_words()));
}

ServerProcess::~ServerProcess() {
  if (process_) stop();
}

void ServerProcess::start(const ServerCommand& command) {
  SpawnOptions options{.arguments = command.arguments,
                       .streams = {.in = input_.read_end.get(),
                                   .out = output_.write_end.get(),
                                   .err = log_ ? log_->fd() : Streams::inherited},
                       .cpus = command.cpus,
                       .open_files = command.open_files,
                       .soft_open_files = command.soft_open_files,
                       .guarded = !speaks_echomux_};
  // Anybody's may print as much as it likes: with a pipe that nobody reads it would block.
  if (!speaks_echomux_) options.streams.out = -1;
  for (std::string& argument : options.arguments) {
    replace_all(argument, port_place, std::to_string(port_));
  }
  process_ = std::make_unique<SpawnedProcess>(std::move(options));
  if (const int error = process_->exec_error(); error != 0) {
    throw std::runtime_error(fmt::format("cannot run '{}': {}", name_, error_text(error)));
  }
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

// False when it has ended because its port was taken.
bool ServerProcess::wait_until_listening(Clock::time_point deadline, const std::stop_token& halt) {
  std::optional<Clock::time_point> taken_since;
  while (running()) {
    if (halt.stop_requested()) {
      throw std::runtime_error(
          fmt::format("the server '{}' did not listen yet when it was interrupted", name_));
    }
    const std::optional<bool> found = found_listening();
    listens_itself_ = found.value_or(true);
    if (listens_itself_ && found) return true;
    if (found && !taken_since) taken_since = Clock::now();
    if (found && Clock::now() - *taken_since > time_to_find_it_taken) return true;
    if (Clock::now() > deadline) throw std::runtime_error(why_not_found());
    // Nothing announces that a foreign process has begun to listen: it can only be asked again. The
    // wait is cut short when the process ends instead.
    static_cast<void>(process_->wait_for_end(between_looks));
  }
  const auto others = port_ != 0 ? listeners(port_) : std::nullopt;
  if (others && !others->empty()) return false;
  throw std::runtime_error(fmt::format(
      "the server '{}' ended before it listened ({}){}; does it run by itself? A program that goes "
      "on in the background, or one that needs a shell, is started with: sh -c '…'",
      name_, how_it_ended(), last_words()));
}

// Whether somebody listens where the server should, and if so, whether that is the server itself.
std::optional<bool> ServerProcess::found_listening() {
  const auto there = listeners(port_);
  if (!there) {
    // To be found by connecting to it is the next best.
    const FileDescriptor probe(
        check(::socket(endpoint_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    const bool listens = ::connect(probe.get(), endpoint_.raw(), endpoint_.length) == 0;
    return listens ? std::optional(true) : std::nullopt;
  }
  if (there->empty()) return std::nullopt;
  const Sockets own = sockets_of(processes());
  std::vector<Listener> candidates;
  std::ranges::copy_if(*there, std::back_inserter(candidates),
                       [&](const Listener& one) { return own.inodes.contains(one.inode); });
  seen_to_listen_ = !candidates.empty();
  const bool itself = seen_to_listen_ || !own.complete;
  if (candidates.empty() && port_ != 0) candidates = *there;
  if (candidates.empty()) return std::nullopt;
  // That of IPv4 first, as a client would try 127.0.0.1.
  const auto chosen = std::ranges::find_if(candidates, [](const Listener& one) {
    return one.reached_at().family() == AF_INET && one.reached_at().is_loopback();
  });
  endpoint_ = (chosen != candidates.end() ? *chosen : candidates.front()).reached_at();
  return itself;
}

std::string ServerProcess::why_not_found() const {
  const Sockets own = sockets_of(processes());
  for (const Listener& one : listeners().value_or(std::vector<Listener>())) {
    if (!own.inodes.contains(one.inode)) continue;
    return fmt::format(
        "the server '{}' listens on {}, and not on port {}, which {{port}} became; leave {{port}} "
        "out of its command if its port is fixed",
        name_, one.bound.to_string(), port_);
  }
  return fmt::format("the server '{}' does not listen {}{}; --start-timeout gives it longer", name_,
                     port_ == 0
                         ? (own.complete ? "on any port"
                                         : "on any port, as far as this user may see; give "
                                           "it its port with {port}")
                         : fmt::format("on port {}; does it take {{port}}, and for TCP?", port_),
                     last_words());
}

std::string ServerProcess::how_it_ended() const {
  const auto& end = process_->program_end();
  return end ? in_words(*end) : "for reasons unknown";
}

std::string ServerProcess::last_words() const {
  std::string words = log_ ? log_->last_words() : "";
  replace_all(words, "\n", " / ");
  return words.empty() ? "" : "; its last words: " + words;
}

std::vector<pid_t> ServerProcess::processes() const {
  if (exit_) return {};
  const std::optional<pid_t> guardian = process_->guardian();
  return guardian ? process_tree(*guardian, Root::guardian) : process_tree(pid());
}

std::optional<ProcessReading> ServerProcess::read_processes(Detail detail) const {
  if (exit_) return std::nullopt;
  const std::optional<pid_t> guardian = process_->guardian();
  return guardian ? read_process_tree(*guardian, detail, Root::guardian)
                  : read_process_tree(pid(), detail);
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
    if (::sigqueue(pid(), SIGUSR1, {.sival_int = static_cast<int>(++times_asked_)}) == 0)
      return true;
    // Where a filter refuses that, without a number is better than not at all.
    return (errno == EPERM || errno == ENOSYS) && ::kill(pid(), SIGUSR1) == 0;
  };
  by_worker_.clear();
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
      workers_untold_ = !counters.extract("workers_untold").empty();
      if (asked.empty() || asked.mapped() >= first_question) {
        if (json.contains("by_worker")) {
          for (const auto& [name, values] : json.at("by_worker").items()) {
            for (const Json& value : values) by_worker_[name].push_back(value.get<std::uint64_t>());
          }
        }
        return counters;
      }
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
  process_->ask_to_stop();
  const bool ended = process_->wait_for_end(limit);
  const ProcessEnd& end = process_->end();
  exit_ = {.killed_after_timeout = !ended && limit > std::chrono::milliseconds(0),
           .left_some = end.left_some,
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
