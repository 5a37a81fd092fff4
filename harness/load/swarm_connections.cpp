// How a worker's connections come to be, and how they end: the load itself is in swarm_worker.cpp.
#include <fmt/core.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "echo/system_call.hpp"
#include "harness/load/swarm_worker.hpp"
#include "harness/machine/listeners.hpp"
#include "harness/machine/loopback.hpp"
#include "harness/machine/needs.hpp"

namespace echomux {

using std::chrono::nanoseconds;

namespace {

// 127.0.0.2 to 127.0.0.254.
constexpr std::size_t most_further_sources = 253;

}  // namespace

void SwarmWorker::open_connections() {
  // No more than may wait for the server to accept them: whom its backlog turns away tries again
  // after a second, and then after two (tcp_syn_retries, tcp(7)).
  const std::optional<Listener> listener = listener_at(server_);
  const std::size_t may_wait = listener ? listener->backlog : opened_at_once;
  const std::size_t at_once = std::clamp<std::size_t>(
      may_wait / lanes_, 1, std::max<std::size_t>(opened_at_once / load_.threads, 1));
  const Clock::time_point begin = Clock::now();
  const auto may_open = [&](std::size_t count) {
    if (load_.connections_per_second <= 0) return begin;
    const double seconds = static_cast<double>(count * lanes_) / load_.connections_per_second;
    return begin + nanoseconds(std::llround(seconds * 1e9));
  };
  last_progress_ = begin;
  std::size_t opened = 0;
  while (going_on() && connections_open() < connections_.size()) {
    Clock::time_point now = Clock::now();
    while (opened < connections_.size() && opened - connections_open() < at_once &&
           may_open(opened) <= now) {
      open(opened++);
    }
    // Where nobody owes an answer, silence is nobody's fault.
    if (opened == connections_open()) last_progress_ = now;
    Clock::time_point wake = last_progress_ + load_.timeout;
    if (opened < connections_.size() && opened - connections_open() < at_once) {
      wake = std::min(wake, may_open(opened));
    }
    wait_and_handle(wake);
    end_if_stalled(Clock::now());
  }
  result_.open_time = Clock::now() - begin;
}

void SwarmWorker::end_if_stalled(Clock::time_point now) {
  if (!going_on() || now - last_progress_ < load_.timeout) return;
  result_.outcome.end(RunEnd::starved);
  result_.outcome.sentence = why_stalled();
  for (const Connection& connection : connections_) {
    if (partly_answered(connection)) ++result_.partly_answered;
  }
}

// What keeps the server from taking further connections, where that can be seen.
std::string SwarmWorker::why_stalled() const {
  const std::optional<Listener> listener = listener_at(server_);
  if (listener && listener->full()) {
    return fmt::format(
        "its backlog of {} is full, and it accepts none of the {} connections that wait there",
        listener->backlog, listener->waiting);
  }
  std::size_t unheard = 0;
  for (const Connection& connection : connections_) {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (connection.socket && !connection.confirmed &&
        ::getsockopt(connection.socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
        info.tcpi_state == TCP_SYN_SENT && info.tcpi_retransmits > 0) {
      ++unheard;
    }
  }
  if (unheard == 0) return "";
  if (const auto tracking = connection_tracking(); tracking && tracking->full()) {
    return fmt::format(
        "the system tracks {} connections of at most {} (nf_conntrack_max), and drops the requests "
        "for further ones",
        tracking->taken, tracking->most);
  }
  return fmt::format("nothing answers the requests for {} connections: its backlog may be full",
                     unheard);
}

// Whether it is the swarm that chooses the address to connect from, and it has several: all of
// 127.0.0.0/8.
bool SwarmWorker::may_change_source() const noexcept {
  return load_.sources.empty() && !one_loopback_address_ && server_.is_loopback() &&
         server_.family() == AF_INET;
}

// Lets the socket connect from the source address that is its turn. The port is left open until
// connect(2) knows the other end, and so can be shared (ip(7), IP_BIND_ADDRESS_NO_PORT).
void SwarmWorker::bind_to_source(const Connection& connection) {
  Endpoint source;
  const std::size_t further = connection.number / connections_per_source + sources_used_up_;
  const bool own_choice = load_.sources.empty();
  if (!own_choice) {
    source = load_.sources[connection.number % load_.sources.size()];
  } else if (further > 0 && may_change_source()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(further));
    std::memcpy(&source.address, &address, sizeof address);
    source.length = sizeof address;
  } else {
    return;
  }
  const int on = 1;
  check(::setsockopt(connection.socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on),
        "setsockopt IP_BIND_ADDRESS_NO_PORT");
  if (::bind(connection.socket.get(), source.raw(), source.length) != 0) {
    if (own_choice && errno == EADDRNOTAVAIL) {
      // The network has 127.0.0.1 alone, whose ports may be enough all the same.
      one_loopback_address_ = true;
      return;
    }
    throw std::runtime_error(
        fmt::format("cannot connect from {}: {}; --source-ip takes addresses of this machine",
                    source.to_string(), error_text(errno)));
  }
}

void SwarmWorker::open(std::size_t index) {
  Connection& connection = connections_[index];
  connection.socket.reset(
      ::socket(server_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = connection.socket.get();
  if (fd < 0) {
    throw std::runtime_error(fmt::format(
        "cannot open connection {} of {}: {}; raise the limit of open descriptors with ulimit -n",
        connection.number + 1, load_.connections(), error_text(errno)));
  }
  const int on = 1;
  check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt TCP_NODELAY");
  bind_to_source(connection);
  const bool failed = ::connect(fd, server_.raw(), server_.length) < 0;
  if (failed && (errno == ECONNREFUSED || errno == ECONNRESET)) {
    // The event that follows ends the connection, but doesn't tell why any more.
    result_.outcome.sentence = error_text(errno);
  } else if (failed && errno == EADDRNOTAVAIL && may_change_source() &&
             sources_used_up_ < most_further_sources) {
    // Few ports are given to clients here, or others have them.
    ++sources_used_up_;
    open(index);
    return;
  } else if (failed && errno != EINPROGRESS) {
    const std::string_view remedy =
        errno != EADDRNOTAVAIL ? ""
        : one_loopback_address_
            ? "; its ports are used up (net.ipv4.ip_local_port_range), and this "
              "network has no loopback address but 127.0.0.1: ip address add "
              "127.0.0.1/8 dev lo"
            : "; give it further addresses with --source-ip";
    throw std::runtime_error(fmt::format("cannot connect to {}, connection {} of {}: {}{}",
                                         server_.to_string(), connection.number + 1,
                                         load_.connections(), error_text(errno), remedy));
  }
  // Where nobody listens on a port that the system gives to clients, one may get that very port,
  // and TCP lets it connect to itself and hear its own words (RFC 9293, simultaneous open).
  if (!failed || errno == EINPROGRESS) {
    if (local_endpoint(fd) == server_) {
      result_.outcome.end(RunEnd::refused);
      result_.outcome.sentence = "the client was connected to itself: no server listens there";
      return;
    }
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = index;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::runtime_error(fmt::format(
        "cannot watch connection {} of {}: epoll_ctl: {}{}", connection.number + 1,
        load_.connections(), error_text(errno),
        errno == ENOSPC ? "; this user has no more epoll watches (fs.epoll.max_user_watches)"
                        : ""));
  }
  if (connection.confirmed || (!is_active(index) && !load_.confirm_idle)) return;
  // A byte or two there and back show that the server has really accepted: the kernel completes the
  // handshake by itself, for as long as the backlog has room.
  connection.outstanding = 1;
  connection.unsent = connection.oldest_unanswered = first_bytes();
  ++outstanding_;
  send_more(index);
}

void SwarmWorker::confirm(std::size_t index) {
  Connection& connection = connections_[index];
  connection.confirmed = true;
  confirmed_.store(connections_open() + 1, std::memory_order_relaxed);
  ++(is_active(index) ? result_.active_confirmed : result_.idle_confirmed);
  last_progress_ = Clock::now();
  if (is_active(index) && load_.reconnect) reset(connection);
}

void SwarmWorker::check_idle_connections() {
  for (std::size_t i = 0; i < idle_; ++i) {
    if (!connections_[i].socket) continue;
    // Without an event the connection should be as it was left: open, and with nothing to read.
    receive(i, 0);
    if (connections_[i].socket && connections_[i].confirmed) ++result_.idle_held;
  }
}

// With SO_LINGER at zero, close sends a reset: neither side keeps anything in TIME_WAIT, which
// after some trials would use up the ports (socket(7)).
void SwarmWorker::reset(Connection& connection) noexcept {
  if (!connection.socket) return;
  const linger reset_on_close{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(connection.socket.get(), SOL_SOCKET, SO_LINGER, &reset_on_close,
               sizeof reset_on_close);
  connection.socket.reset();
  connection.bytes_sent = connection.bytes_received = 0;
}

void SwarmWorker::close_connections() noexcept {
  for (Connection& connection : connections_) reset(connection);
}

}  // namespace echomux
