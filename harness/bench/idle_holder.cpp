#include "harness/bench/idle_holder.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "echo/stop_event.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/json.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

// What is still in a pipe, to its end.
std::string rest_of(const FileDescriptor& pipe, std::string text = {}) {
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t count = ::read(pipe.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

SpawnOptions command(const Endpoint& server, const Load& load, const Streams& streams) {
  SpawnOptions options{
      .arguments = {echomux_program(), "swarm", server.to_string(), "--hold", "--format", "json",
                    "--idle", std::to_string(load.idle_connections), "--payload",
                    std::string(to_string(load.payload)), "--timeout",
                    fmt::format("{}ms", to_us(load.timeout) / 1000)},
      .streams = streams};
  if (load.connections_per_second > 0) {
    options.arguments.insert(options.arguments.end(),
                             {"--connect-rate", fmt::format("{}", load.connections_per_second)});
  }
  for (const Endpoint& source : load.sources) {
    const std::string address = source.to_string();
    options.arguments.insert(options.arguments.end(),
                             {"--source-ip", address.substr(0, address.rfind(':'))});
  }
  if (!load.confirm_idle) options.arguments.emplace_back("--no-confirm");
  if (load.part.count > 1) {
    options.arguments.insert(options.arguments.end(), {"--part", load.part.to_string()});
  }
  return options;
}

}  // namespace

IdleHolder::IdleHolder(const Endpoint& server, const Load& load)
    : input_(make_pipe()),
      output_(make_pipe()),
      errors_(make_pipe()),
      process_(command(server, load,
                       {.in = input_.read_end.get(),
                        .out = output_.write_end.get(),
                        .err = errors_.write_end.get()})) {
  if (process_.exec_error() != 0) {
    throw std::runtime_error("cannot run " + echomux_program().string() +
                             ", which holds the idle connections");
  }
  input_.read_end.reset();
  output_.write_end.reset();
  errors_.write_end.reset();
}

// Its first line says that all are open. What it says instead, when they can't be, is its report.
bool IdleHolder::open(const std::stop_token& stop) {
  const StopEvent stopped(stop);
  while (unread_.find('\n') == std::string::npos) {
    std::array<pollfd, 2> fds{pollfd{.fd = output_.read_end.get(), .events = POLLIN, .revents = 0},
                              pollfd{.fd = stopped.fd(), .events = POLLIN, .revents = 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return false;
    if (fds[1].revents != 0) return false;
    std::array<char, 4096> chunk{};
    const ssize_t count = ::read(output_.read_end.get(), chunk.data(), chunk.size());
    if (count == 0) return false;
    if (count > 0) unread_.append(chunk.data(), static_cast<std::size_t>(count));
  }
  if (!unread_.starts_with(all_open)) return false;
  unread_.erase(0, unread_.find('\n') + 1);
  return true;
}

void IdleHolder::give_up() noexcept {
  input_.write_end.reset();
  process_.ask_to_stop();
}

LoadReport IdleHolder::close() {
  input_.write_end.reset();
  const std::string text = rest_of(output_.read_end, std::move(unread_));
  const std::string complaint = rest_of(errors_.read_end);
  process_.end();
  if (text.empty()) {
    throw std::runtime_error(complaint.empty() ? "the process that holds the idle connections ended"
                                               : complaint.substr(0, complaint.find('\n')));
  }
  LoadReport report;
  read_json(Json::parse(text), report);
  report.outcome.end(report.outcome.reason);
  return report;
}

}  // namespace echomux
