#include "tests/model/runner.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "echo/system_call.hpp"
#include "tests/model/echo_model.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/process_info.hpp"

namespace echomux::model {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t chunk_bytes = std::size_t{256} * 1024;
// A peer has stalled when for this time nothing more was taken. Whether that is long enough only
// decides what the server is put through, never what is expected of it.
constexpr milliseconds quiet{5};
constexpr std::size_t newcomer_bytes = 1000;

// One connection: the peer's socket, and its number in the model.
struct Connection {
  std::size_t number;
  Peer peer;
};

class Runner {
 public:
  Runner(const Target& target, milliseconds limit)
      : target_(target), limit_(limit), server_(target.command), model_(target.max_connections) {}

  // A failed server is not waited for. One that is frozen could not even end.
  ~Runner() { server_.stop(milliseconds(0)); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  std::optional<Failure> run(const Script& script) {
    std::size_t at = 0;
    std::string whose = "before the first step";
    try {
      const std::size_t descriptors = descriptors_without_peers();
      for (; at < script.size(); ++at) {
        whose = to_text(script[at]);
        take(script[at]);
      }
      whose = "afterwards";
      finish(descriptors);
    } catch (const std::exception& error) {
      return Failure{at, whose + ": " + error.what()};
    }
    return std::nullopt;
  }

 private:
  void take(const Step& step) {
    if (step.action == Action::freeze || step.action == Action::thaw) {
      freeze(step.action == Action::freeze);
      return;
    }
    const auto found = connections_.find(step.peer);
    if (step.action == Action::connect) {
      if (found == connections_.end()) connect(step);
      return;
    }
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    if (take_open(step, connection)) connections_.erase(found);
  }

  // Returns true when the connection is over.
  bool take_open(const Step& step, Connection& connection) {
    ConnectionModel& model = model_of(connection);
    const bool open = !model.half_closed();
    switch (step.action) {
      case Action::send:
        if (open) send(connection, step.bytes);
        return false;
      case Action::urgent:
        if (open) send_urgent(connection);
        return false;
      case Action::stall:
        if (open) stall(connection, step.bytes);
        return false;
      case Action::exchange:
        if (open) exchange(connection, step.bytes);
        return false;
      case Action::read:
        receive(connection, std::min(step.bytes, model.owed()), step.bytes);
        return false;
      case Action::drain:
        receive(connection, model.owed(), chunk_bytes);
        return false;
      case Action::half_close:
        if (open) half_close(connection);
        return false;
      case Action::expect_end:
        return !open && receive_end(connection);
      case Action::close:
        model.was_closed();
        connection.peer.close();
        return true;
      case Action::reset:
        model.was_closed();
        connection.peer.reset();
        return true;
      default:
        return false;
    }
  }

  ConnectionModel& model_of(const Connection& connection) {
    return model_.connection(connection.number);
  }

  Connection& connect(const Step& step) {
    Peer peer(server_.endpoint(), {.send = step.send_buffer, .receive = step.receive_buffer});
    const std::size_t number = model_.add_connection();
    return connections_.insert_or_assign(step.peer, Connection{number, std::move(peer)})
        .first->second;
  }

  void freeze(bool frozen) {
    if (!server_.running()) throw Violation("the server has ended by itself");
    check(::kill(server_.pid(), frozen ? SIGSTOP : SIGCONT), "kill");
    if (frozen && !eventually(limit_, [this] { return is_stopped(server_.pid()); })) {
      throw Violation("SIGSTOP doesn't stop the server");
    }
    model_.was_frozen(frozen);
  }

  // Waits until one of the events has come, and returns those that have. Without any, the server
  // has failed if it owes this peer an answer by now.
  short await(const Connection& connection, int events) {
    pollfd socket{.fd = connection.peer.fd(), .events = static_cast<short>(events), .revents = 0};
    const bool due = model_.must_answer(connection.number);
    const int timeout = due ? static_cast<int>(limit_.count()) : 0;
    if (check(::poll(&socket, 1, timeout), "poll") == 1) return socket.revents;
    if (!due) return 0;
    const ConnectionModel& model = model_of(connection);
    throw Violation(fmt::format("nothing moved for {} ms with {} of {} bytes still to come{}",
                                limit_.count(), model.owed(), model.sent(),
                                model.half_closed() ? ", and the end" : ""));
  }

  std::size_t send(Connection& connection, std::size_t bytes) {
    const std::size_t before = model_of(connection).sent();
    while (bytes > 0) {
      const std::string piece = model_of(connection).next(std::min(bytes, chunk_bytes));
      const std::size_t taken = connection.peer.try_send(piece);
      model_of(connection).was_sent(taken);
      bytes -= taken;
      if (taken < piece.size()) break;
    }
    return model_of(connection).sent() - before;
  }

  void send_urgent(Connection& connection) {
    const std::string byte = model_of(connection).next(1);
    // Not Peer::send_urgent(), which waits until there is room.
    const ssize_t count = ::send(connection.peer.fd(), byte.data(), 1, MSG_OOB | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) throw_errno("send urgent data");
    if (count > 0) model_of(connection).was_sent(1);
  }

  void stall(Connection& connection, std::size_t bytes) {
    pollfd socket{.fd = connection.peer.fd(), .events = POLLOUT, .revents = 0};
    while (bytes > 0 && check(::poll(&socket, 1, static_cast<int>(quiet.count())), "poll") == 1) {
      bytes -= send(connection, std::min(bytes, chunk_bytes));
    }
  }

  void exchange(Connection& connection, std::size_t bytes) {
    while (bytes > 0 || model_of(connection).owed() > 0) {
      const short found = await(connection, (bytes > 0 ? POLLOUT : 0) | POLLIN);
      if (found == 0) return;
      if ((found & POLLOUT) != 0) bytes -= send(connection, std::min(bytes, chunk_bytes));
      if ((found & ~POLLOUT) != 0) receive_once(connection, chunk_bytes);
    }
  }

  // Receives until `bytes` have come, at most `piece` at once; less when that isn't due yet. With
  // all there, looks once whether there is more.
  void receive(Connection& connection, std::size_t bytes, std::size_t piece) {
    const std::size_t goal = model_of(connection).received() + bytes;
    while (model_of(connection).received() < goal) {
      if (await(connection, POLLIN) == 0) return;
      const std::size_t rest = goal - model_of(connection).received();
      receive_once(connection, std::min(piece, std::max<std::size_t>(rest, 1)));
    }
    if (model_of(connection).owed() == 0 && !model_of(connection).half_closed()) {
      receive_once(connection, 1);
    }
  }

  // True at the end of the stream.
  bool receive_once(Connection& connection, std::size_t most) {
    const std::span<char> room = std::span(buffer_).first(std::min(most, buffer_.size()));
    const ssize_t count = ::recv(connection.peer.fd(), room.data(), room.size(), 0);
    if (count < 0 && errno != EAGAIN && errno != EINTR) throw_errno("recv");
    if (count == 0) model_of(connection).end_came();
    if (count > 0) {
      model_of(connection).came_back({room.data(), static_cast<std::size_t>(count)});
    }
    return count == 0;
  }

  void half_close(Connection& connection) {
    connection.peer.half_close();
    model_of(connection).was_half_closed();
  }

  // True when the end has come, which it must have unless it isn't this peer's turn.
  bool receive_end(Connection& connection) {
    while (await(connection, POLLIN) != 0) {
      if (receive_once(connection, chunk_bytes)) return true;
    }
    return false;
  }

  // What the server has open when nobody is connected. It says that it listens before it has
  // opened all that it needs, so this first has one peer served.
  std::size_t descriptors_without_peers() {
    Connection& probe = connect({});
    exchange(probe, 1);
    // Answered by another thread than the one that serves, which has begun its work by now, too.
    if (target_.command.speaks_echomux) static_cast<void>(server_.counters());
    const std::size_t count = open_descriptors(server_.pid()) - 1;
    half_close(probe);
    receive_end(probe);
    connections_.clear();
    return count;
  }

  void finish(std::size_t descriptors) {
    freeze(false);
    // In the order in which they came, in which a server that serves few at a time takes them.
    std::vector<Connection*> left;
    for (auto& [peer, connection] : connections_) left.push_back(&connection);
    std::ranges::sort(left, {}, &Connection::number);
    for (Connection* const connection : left) {
      if (!model_of(*connection).half_closed()) half_close(*connection);
      if (model_of(*connection).gone()) continue;
      receive_end(*connection);
    }
    connections_.clear();
    Connection& newcomer = connect({});
    exchange(newcomer, newcomer_bytes);
    half_close(newcomer);
    receive_end(newcomer);
    connections_.clear();
    check_counters();
    const auto open = [&] { return open_descriptors(server_.pid()); };
    if (!eventually(limit_, [&] { return open() <= descriptors; })) {
      throw Violation(
          fmt::format("the server has {} descriptors open, and had {}", open(), descriptors));
    }
    stop();
  }

  void check_counters() {
    if (!target_.command.speaks_echomux) return;
    std::string complaint;
    const bool agreed = eventually(limit_, [&] {
      const auto counters = server_.counters();
      complaint = counters ? model_.complaint(*counters) : "the server doesn't tell its counters";
      return complaint.empty();
    });
    if (!agreed) throw Violation(complaint);
  }

  void stop() {
    if (!server_.running()) throw Violation("the server has ended by itself");
    const ServerExit exit = server_.stop(promptly);
    if (exit.killed_after_timeout) {
      throw Violation(fmt::format("SIGTERM didn't stop it within {} ms", promptly.count()));
    }
    if (target_.stops_in_order && exit.exit_status != 0) {
      throw Violation(exit.exit_status ? fmt::format("it ended with status {}", *exit.exit_status)
                                       : fmt::format("signal {} ended it", exit.signal));
    }
  }

  const Target& target_;
  milliseconds limit_;
  ServerProcess server_;
  ServerModel model_;
  std::map<std::size_t, Connection> connections_;  // by the number of the peer in the script
  std::vector<char> buffer_ = std::vector<char>(chunk_bytes);
};

}  // namespace

Target target_of(const Backend& backend) {
  return {
      .name = std::string(backend.name),
      .command = serve_command(ECHOMUX_PROGRAM, backend.name),
      .max_connections = backend.max_connections.value_or(std::numeric_limits<std::size_t>::max())};
}

std::optional<Failure> run(const Script& script, const Target& target, milliseconds limit) {
  return Runner(target, limit).run(script);
}

}  // namespace echomux::model
