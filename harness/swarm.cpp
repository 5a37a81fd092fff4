#include "harness/swarm.hpp"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "harness/cpu.hpp"
#include "harness/swarm_text.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t chunk_bytes = SwarmText::chunk_bytes;
// Connections that may wait for their confirmation at a time: enough to keep the server busy, too
// few to overflow the backlog of a server with the usual SOMAXCONN.
constexpr std::size_t opening_at_once = 256;
// Connections from one source address. Linux looks for a free port among those of one parity first;
// near the last of them (14,000 by default) it searches nearly all in vain for every connection.
constexpr std::size_t connections_per_source = 10'000;
// How long after the window the swarm waits for answers to what was due within it.
constexpr nanoseconds straggler_limit = std::chrono::seconds(1);

// Lets `socket` connect from the address of the loopback network that comes `number` after
// 127.0.0.1; the port is left open until connect(2) knows the other end, and so can be shared.
void bind_to_source(int socket, std::size_t number) {
  const int on = 1;
  check(::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on),
        "setsockopt IP_BIND_ADDRESS_NO_PORT");
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(number));
  check(::bind(socket, reinterpret_cast<const sockaddr*>(&source), sizeof source), "bind");
}

struct Connection {
  FileDescriptor socket;
  bool confirmed = false;
  std::size_t to_send = 0;       // of the current message
  std::size_t to_receive = 0;    // zero: none is outstanding
  std::uint64_t bytes_sent = 0;  // of the whole stream
  std::uint64_t bytes_received = 0;
  std::uint64_t next_message = 0;  // open loop: the number, over all, of the one it sends next
  Clock::time_point due;           // of the current message
  Clock::time_point sent;
};

class Swarm {
 public:
  Swarm(const SwarmOptions& options, std::stop_token stop)
      : options_(options), stop_(std::move(stop)), stop_event_(stop_) {
    connections_.resize(options_.idle_connections + options_.active_connections);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = stop_index;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stop_event_.fd(), &event), "epoll_ctl");
    if (options_.requests_per_second > 0) {
      interval_ = nanoseconds(std::max(std::llround(1e9 / options_.requests_per_second), 1LL));
    }
    // Without this the kernel may wake us 50 µs late, to save wake-ups; see prctl(2).
    ::prctl(PR_SET_TIMERSLACK, 1UL);
  }

  SwarmResult run() {
    open_connections();
    if (going_on()) run_load();
    close_connections();
    return std::move(result_);
  }

 private:
  static constexpr std::uint64_t stop_index = ~std::uint64_t{0};

  [[nodiscard]] bool going_on() const noexcept { return result_.end == SwarmEnd::completed; }
  [[nodiscard]] bool is_active(std::size_t index) const noexcept {
    return index >= options_.idle_connections;
  }
  [[nodiscard]] Clock::time_point due_time(std::uint64_t message) const noexcept {
    return start_ + interval_ * static_cast<std::int64_t>(message);
  }

  // --- opening ---

  void open_connections() {
    const Clock::time_point begin = Clock::now();
    last_progress_ = begin;
    std::size_t opened = 0;
    while (going_on() && confirmed_ < connections_.size()) {
      while (opened < connections_.size() && opened - confirmed_ < opening_at_once) {
        open_one(opened++);
      }
      wait_and_handle(last_progress_ + options_.stall_limit);
      end_if_stalled(Clock::now());
    }
    result_.open_time = Clock::now() - begin;
  }

  void end_if_stalled(Clock::time_point now) {
    if (going_on() && now - last_progress_ >= options_.stall_limit) result_.end = SwarmEnd::starved;
  }

  void open_one(std::size_t index) {
    Connection& connection = connections_[index];
    connection.socket.reset(
        ::socket(options_.server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = connection.socket.get();
    if (fd < 0) {
      throw std::runtime_error(fmt::format(
          "cannot open connection {} of {}: {}; raise the limit of open descriptors with ulimit -n",
          index + 1, connections_.size(), std::generic_category().message(errno)));
    }
    const int on = 1;
    check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt TCP_NODELAY");
    if (index >= connections_per_source && options_.server.is_loopback() &&
        options_.server.family() == AF_INET) {
      bind_to_source(fd, index / connections_per_source);
    }
    if (::connect(fd, options_.server.raw(), options_.server.length) < 0 && errno != EINPROGRESS) {
      throw std::runtime_error(
          fmt::format("cannot connect to {}, connection {} of {}: {}", options_.server.to_string(),
                      index + 1, connections_.size(), std::generic_category().message(errno)));
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = index;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    // One byte there and back shows that the server has really accepted: the kernel completes the
    // handshake by itself, for as long as the backlog has room.
    begin_message(index, 1, Clock::now());
  }

  void confirm(std::size_t index) {
    connections_[index].confirmed = true;
    ++confirmed_;
    ++(is_active(index) ? result_.active_confirmed : result_.idle_confirmed);
  }

  // --- the load ---

  void run_load() {
    start_ = Clock::now();
    last_progress_ = start_;
    for (std::size_t i = 0; i < options_.active_connections; ++i) {
      connections_[options_.idle_connections + i].next_message = i;
    }
    if (closed_loop()) {
      loading_ = true;
      for (std::size_t i = options_.idle_connections; i < connections_.size(); ++i) {
        begin_message(i, options_.message_bytes, Clock::now());
      }
    }
    load_until(start_ + options_.warmup);
    if (!going_on()) return;

    options_.on_window_begin();
    const nanoseconds cpu_before = thread_cpu_time();
    window_begin_ = Clock::now();
    window_end_ = window_begin_ + options_.duration;
    requests_completed_ = 0;
    load_until(window_end_);
    result_.window_requests = requests_completed_;
    if (going_on()) wait_for_stragglers();
    result_.client_cpu = thread_cpu_time() - cpu_before;
    result_.measured_time = Clock::now() - window_begin_;
    result_.measured_requests = requests_completed_;
    options_.on_window_end();
  }

  [[nodiscard]] bool closed_loop() const noexcept { return interval_ == nanoseconds(0); }

  void load_until(Clock::time_point end) {
    loading_ = true;
    while (going_on()) {
      Clock::time_point now = Clock::now();
      if (now >= end) break;
      Clock::time_point wake = end;
      if (!closed_loop()) {
        send_what_is_due(now);
        wake = std::min(end, due_time(next_due_));
      }
      wait_and_handle(wake);
      now = Clock::now();
      // With nothing outstanding, silence is nobody's fault.
      if (outstanding_ == 0) last_progress_ = now;
      end_if_stalled(now);
    }
    loading_ = false;
  }

  void send_what_is_due(Clock::time_point now) {
    for (; due_time(next_due_) <= now; ++next_due_) {
      const std::size_t index = options_.idle_connections + next_due_ % options_.active_connections;
      // A connection whose answer is still outstanding sends this message when that has come; its
      // latency counts from now on all the same.
      if (connections_[index].next_message == next_due_) send_next(index);
    }
  }

  // Sends the connection's next message if it is due and nothing is outstanding.
  void send_next(std::size_t index) {
    Connection& connection = connections_[index];
    if (connection.to_receive != 0 || !connection.socket) return;
    const Clock::time_point due = due_time(connection.next_message);
    connection.next_message += options_.active_connections;
    begin_message(index, options_.message_bytes, due);
  }

  // What was due within the window is still sent, answered and counted; nothing later is.
  void wait_for_stragglers() {
    if (!closed_loop()) send_what_is_due(window_end_ - nanoseconds(1));
    const Clock::time_point limit = Clock::now() + straggler_limit;
    while (going_on() && outstanding_ > 0 && Clock::now() < limit) wait_and_handle(limit);
    const Clock::time_point now = Clock::now();
    for (std::size_t i = options_.idle_connections; i < connections_.size(); ++i) {
      const Connection& connection = connections_[i];
      if (connection.to_receive != 0) give_up(connection.due, connection.sent, now);
      if (closed_loop()) continue;
      for (std::uint64_t message = connection.next_message; due_time(message) < window_end_;
           message += options_.active_connections) {
        give_up(due_time(message), due_time(message), now);
      }
    }
  }

  void give_up(Clock::time_point due, Clock::time_point sent, Clock::time_point now) {
    if (due < window_begin_ || due >= window_end_) return;
    ++result_.requests_unanswered;
    result_.latency.record(now - due);
    result_.latency_uncorrected.record(now - sent);
  }

  // --- one connection ---

  void begin_message(std::size_t index, std::size_t bytes, Clock::time_point due) {
    Connection& connection = connections_[index];
    connection.to_send = connection.to_receive = bytes;
    connection.due = due;
    connection.sent = Clock::now();
    ++outstanding_;
    send_more(index);
  }

  void send_more(std::size_t index) {
    Connection& connection = connections_[index];
    while (connection.to_send > 0) {
      const auto chunk = text_.at(index, connection.bytes_sent, connection.to_send);
      const ssize_t count =
          ::send(connection.socket.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
      if (count < 0) {
        // EAGAIN, or ENOTCONN while the handshake is under way: EPOLLOUT will tell. Any other error
        // the next recv reports as well.
        return;
      }
      connection.to_send -= static_cast<std::size_t>(count);
      connection.bytes_sent += static_cast<std::uint64_t>(count);
    }
  }

  void receive(std::size_t index, std::uint32_t events) {
    Connection& connection = connections_[index];
    const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    while (connection.socket) {
      // One byte more than is due: a server that returns too much must not go unnoticed.
      const std::size_t room = std::min(connection.to_receive + 1, chunk_bytes);
      const ssize_t count = ::recv(connection.socket.get(), buffer_.data(), room, 0);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count <= 0) {
        lose(index);
        return;
      }
      const auto bytes = std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(count));
      if (!accept_bytes(index, bytes)) return;
      // A short read has emptied the socket, unless its end came with the data: no edge would
      // announce that again.
      if (bytes.size() < room && !ending) return;
    }
  }

  // Checks what came back against what was sent, and goes on with the next message if it is
  // complete.
  bool accept_bytes(std::size_t index, std::span<const std::byte> bytes) {
    Connection& connection = connections_[index];
    const auto expected = text_.at(index, connection.bytes_received, bytes.size());
    const auto differing = std::ranges::mismatch(bytes, expected).in1 - bytes.begin();
    if (static_cast<std::size_t>(differing) != bytes.size() ||
        bytes.size() > connection.to_receive) {
      const bool too_much = static_cast<std::size_t>(differing) == bytes.size();
      result_.end = SwarmEnd::corrupted;
      result_.corruption = fmt::format(
          "connection {}: {} at offset {} of its stream", index,
          too_much ? "more came back than was sent" : "a wrong byte came back",
          connection.bytes_received +
              (too_much ? connection.to_receive : static_cast<std::uint64_t>(differing)));
      return false;
    }
    connection.bytes_received += bytes.size();
    connection.to_receive -= bytes.size();
    if (connection.to_receive == 0) complete(index);
    return true;
  }

  void complete(std::size_t index) {
    Connection& connection = connections_[index];
    const Clock::time_point now = Clock::now();
    --outstanding_;
    last_progress_ = now;
    if (!connection.confirmed) {
      confirm(index);
      return;
    }
    ++requests_completed_;
    if (connection.due >= window_begin_ && connection.due < window_end_) {
      result_.latency.record(now - connection.due);
      result_.latency_uncorrected.record(now - connection.sent);
    }
    if (closed_loop()) {
      if (loading_) begin_message(index, options_.message_bytes, now);
    } else if (connection.next_message < next_due_ &&
               due_time(connection.next_message) < window_end_) {
      send_next(index);  // it is late already
    }
  }

  void lose(std::size_t index) {
    Connection& connection = connections_[index];
    if (connection.confirmed) {
      ++result_.connections_lost;
    } else {
      result_.end = SwarmEnd::refused;
    }
    if (is_active(index) && ++lost_active_ == options_.active_connections && going_on()) {
      result_.end = SwarmEnd::server_gone;
    }
    if (connection.to_receive != 0) {
      --outstanding_;
      if (connection.confirmed) give_up(connection.due, connection.sent, Clock::now());
      connection.to_receive = 0;
    }
    connection.socket.reset();
  }

  void wait_and_handle(Clock::time_point wake) {
    const auto left = std::max<nanoseconds>(wake - Clock::now(), nanoseconds(0));
    const auto whole_seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec timeout{.tv_sec = whole_seconds.count(),
                           .tv_nsec = (left - whole_seconds).count()};
    const int ready = ::epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                     &timeout, nullptr);
    if (ready < 0) {
      if (errno == EINTR) return;
      throw_errno("epoll_pwait2 (Linux 5.11)");
    }
    for (const epoll_event& event : std::span(events_).first(static_cast<std::size_t>(ready))) {
      if (event.data.u64 == stop_index) {
        result_.end = SwarmEnd::interrupted;
        return;
      }
      const auto index = static_cast<std::size_t>(event.data.u64);
      if ((event.events & EPOLLOUT) != 0) send_more(index);
      if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(index, event.events);
    }
  }

  // With SO_LINGER at zero, close sends a reset: neither side keeps anything in TIME_WAIT, which
  // after some trials would use up the ports.
  void close_connections() {
    const linger reset_on_close{.l_onoff = 1, .l_linger = 0};
    for (Connection& connection : connections_) {
      if (!connection.socket) continue;
      ::setsockopt(connection.socket.get(), SOL_SOCKET, SO_LINGER, &reset_on_close,
                   sizeof reset_on_close);
      connection.socket.reset();
    }
  }

  const SwarmOptions& options_;
  std::stop_token stop_;
  StopEvent stop_event_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  SwarmText text_;
  std::vector<Connection> connections_;  // the idle ones, then the active ones
  std::array<epoll_event, 512> events_{};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(chunk_bytes);
  std::size_t confirmed_ = 0;
  std::size_t outstanding_ = 0;
  std::size_t lost_active_ = 0;
  std::uint64_t requests_completed_ = 0;  // since the window began
  bool loading_ = false;
  nanoseconds interval_{0};     // between messages; zero: closed loop
  std::uint64_t next_due_ = 0;  // open loop: the first message that is not due yet
  Clock::time_point start_;
  Clock::time_point last_progress_;
  Clock::time_point window_begin_ = Clock::time_point::max();
  Clock::time_point window_end_ = Clock::time_point::max();
  SwarmResult result_;
};

}  // namespace

SwarmResult run_swarm(const SwarmOptions& options, std::stop_token stop) {
  return std::make_unique<Swarm>(options, std::move(stop))->run();
}

}  // namespace echomux
