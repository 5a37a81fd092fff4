#include "harness/load/crowd.hpp"

#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

void set_option(int socket, int level, int option, int value) {
  check(::setsockopt(socket, level, option, &value, sizeof value), "setsockopt");
}

void reset_on_close(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  check(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "setsockopt");
}

bool would_block() {
  return errno == EAGAIN || errno == EINTR;
}

}  // namespace

void PeerTally::add(const PeerTally& other) noexcept {
  started += other.started;
  completed += other.completed;
  lost += other.lost;
  wrong += other.wrong;
  stuck += other.stuck;
  abandoned += other.abandoned;
  bytes_checked += other.bytes_checked;
}

Crowd::Crowd(const Endpoint& server, std::chrono::nanoseconds patience)
    : server_(server),
      patience_(patience),
      epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void Crowd::add(const PeerScript& script) {
  Peer peer;
  peer.socket.reset(
      check(::socket(server_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
  const int fd = peer.socket.get();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (script.buffer_bytes > 0) {
    // Before connect(2), since the window that is offered to the server depends on it.
    set_option(fd, SOL_SOCKET, SO_SNDBUF, script.buffer_bytes);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, script.buffer_bytes);
  }
  peer.script = script;
  peer.number = next_number_++;
  peer.begin = peer.last_progress = peer.next_read = Clock::now();
  peer.timer = Clock::time_point::max();
  PeerTally& tally = tallies_[script.kind];
  ++tally.started;
  if (::connect(fd, server_.raw(), server_.length) != 0 && errno != EINPROGRESS) {
    if (errno == EADDRNOTAVAIL) {
      throw std::runtime_error("there are no source ports left; wait a minute (TIME_WAIT)");
    }
    if (errno != ECONNREFUSED && errno != ECONNRESET) throw_errno("connect");
    ++tally.lost;
    if (first_failure_.empty()) first_failure_ = "connect: " + error_text(errno);
    return;
  }
  peer.interest = EPOLLOUT;
  epoll_event event{};
  event.events = peer.interest;
  event.data.u64 = peer.number;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  const std::uint64_t number = peer.number;
  peers_.emplace(number, std::move(peer));
}

void Crowd::run_until(Clock::time_point end) {
  while (!peers_.empty()) {
    const Clock::time_point now = Clock::now();
    if (now >= end) return;
    if (now >= next_check_) end_stuck_peers(now);
    Clock::time_point wake = std::min(end, next_check_);
    if (!timers_.empty()) wake = std::min(wake, timers_.top().when);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(wake - now).count();
    const int ready = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                   static_cast<int>(std::clamp<std::int64_t>(wait, 0, 1000)));
    if (ready < 0 && errno != EINTR) throw_errno("epoll_wait");
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events_[static_cast<std::size_t>(i)];
      advance(event.data.u64, event.events);
    }
    while (!timers_.empty() && timers_.top().when <= Clock::now()) {
      const std::uint64_t number = timers_.top().number;
      timers_.pop();
      if (const auto found = peers_.find(number); found != peers_.end()) {
        found->second.timer = Clock::time_point::max();
        advance(number, 0);
      }
    }
  }
}

void Crowd::retire() {
  std::vector<std::uint64_t> numbers;
  for (auto& [number, peer] : peers_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) {
    Peer& peer = peers_.at(number);
    if (!peer.script.reads) {
      end(peer, &PeerTally::abandoned);
      continue;
    }
    if (peer.script.bytes == without_end) peer.script.bytes = peer.sent;
    peer.script.lingers = std::chrono::nanoseconds(0);
    peer.leaves = Clock::now();
    advance(number, 0);
  }
}

void Crowd::abandon() {
  while (!peers_.empty()) end(peers_.begin()->second, &PeerTally::abandoned);
}

// One peer's turn: something happened on its socket, or a time has come.
void Crowd::advance(std::uint64_t number, std::uint32_t events) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return;  // ended since this event
  Peer& peer = found->second;
  if (!peer.connected && !connect_ended(peer, events)) return;
  const Clock::time_point now = Clock::now();
  if (!peer.script.reads && (events & (EPOLLHUP | EPOLLERR)) != 0) {
    return end(peer, &PeerTally::lost, "the server reset the connection");
  }
  if (!send_some(peer, now)) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 || peer.script.read_interval.count() > 0) {
    if (!receive_some(peer, now)) return;
  }
  if (leave_if_done(peer, now)) return;
  wait_for_more(peer, now);
}

// False when there is no connection, yet or any more.
bool Crowd::connect_ended(Peer& peer, std::uint32_t events) {
  if (events == 0) return false;
  int error = 0;
  socklen_t length = sizeof error;
  check(::getsockopt(peer.socket.get(), SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
  if (error != 0) {
    end(peer, &PeerTally::lost, "connect: " + error_text(error));
    return false;
  }
  peer.connected = true;
  ++connected_;
  peer.begin = peer.last_progress = Clock::now();
  return true;
}

// How many messages of a peer that has an interval are due by now.
std::uint64_t Crowd::messages_due(const Peer& peer, Clock::time_point now) noexcept {
  const auto since_first = now - peer.begin - peer.script.phase;
  if (since_first.count() < 0) return 0;
  return static_cast<std::uint64_t>(since_first / peer.script.interval) + 1;
}

// Up to where in its stream it may send now.
std::uint64_t Crowd::may_send_up_to(const Peer& peer, Clock::time_point now) noexcept {
  const PeerScript& script = peer.script;
  std::uint64_t limit = script.bytes;
  if (script.interval.count() > 0) {
    limit = std::min(limit, messages_due(peer, now) * script.message_bytes);
  }
  if (script.outstanding != without_end) {
    // By whole messages: the next is sent when an earlier one is completely back.
    const std::uint64_t back = peer.received - peer.received % script.message_bytes;
    limit = std::min(limit, back + script.outstanding);
  }
  return limit;
}

// False when the peer has ended.
bool Crowd::send_some(Peer& peer, Clock::time_point now) {
  const std::uint64_t limit = may_send_up_to(peer, now);
  // One chunk at a time, for others want their turn.
  if (peer.sent < limit && !peer.half_closed) {
    const auto bytes = text_.at(peer.number, peer.sent,
                                static_cast<std::size_t>(std::min<std::uint64_t>(
                                    limit - peer.sent, SwarmText::chunk_bytes)));
    const int flags = MSG_NOSIGNAL | (peer.script.urgent ? MSG_OOB : 0);
    const ssize_t count = ::send(peer.socket.get(), bytes.data(), bytes.size(), flags);
    if (count < 0 && !would_block()) {
      end(peer, &PeerTally::lost, "send: " + error_text(errno));
      return false;
    }
    if (count < 0 && errno == EAGAIN) peer.full = true;
    if (count > 0) {
      peer.sent += static_cast<std::uint64_t>(count);
      peer.last_progress = now;
    }
  }
  if (peer.sent == peer.script.bytes && peer.script.ending == Ending::half_close &&
      !peer.half_closed) {
    check(::shutdown(peer.socket.get(), SHUT_WR), "shutdown");
    peer.half_closed = true;
  }
  return true;
}

bool Crowd::wants_to_read(const Peer& peer) noexcept {
  if (!peer.script.reads) return false;
  return !peer.script.reads_late || peer.full || peer.sent >= peer.script.bytes;
}

// False when the peer has ended.
bool Crowd::receive_some(Peer& peer, Clock::time_point now) {
  if (!wants_to_read(peer) || now < peer.next_read) return true;
  const std::size_t size = std::min(peer.script.read_bytes, buffer_.size());
  const ssize_t count = ::recv(peer.socket.get(), buffer_.data(), size, 0);
  if (count < 0) {
    if (would_block()) return true;
    end(peer, &PeerTally::lost, "recv: " + error_text(errno));
    return false;
  }
  peer.last_progress = now;
  peer.next_read = now + peer.script.read_interval;
  if (count == 0) {
    const bool in_order = peer.half_closed && peer.received == peer.sent;
    end(peer, in_order ? &PeerTally::completed : &PeerTally::lost,
        "the server's end came too early");
    return false;
  }
  return accept_bytes(peer, std::span(buffer_).first(static_cast<std::size_t>(count)));
}

bool Crowd::accept_bytes(Peer& peer, std::span<const std::byte> bytes) {
  const auto expected = text_.at(peer.number, peer.received, bytes.size());
  if (bytes.size() > peer.sent - peer.received || !std::ranges::equal(bytes, expected)) {
    end(peer, &PeerTally::wrong, "other bytes came back than were sent");
    return false;
  }
  peer.received += bytes.size();
  tallies_[peer.script.kind].bytes_checked += bytes.size();
  return true;
}

// True when the peer has ended.
bool Crowd::leave_if_done(Peer& peer, Clock::time_point now) {
  const PeerScript& script = peer.script;
  if (peer.sent != script.bytes || script.ending == Ending::half_close) return false;
  const bool in_the_way = script.ending == Ending::reset_in_the_way;
  if (!in_the_way && peer.received != script.bytes) return false;
  if (script.lingers.count() > 0 && !peer.lingering) {
    peer.lingering = true;
    peer.leaves = now + script.lingers;
  }
  if (peer.lingering && now < peer.leaves) return false;
  if (script.ending != Ending::close) reset_on_close(peer.socket.get());
  end(peer, &PeerTally::completed);
  return true;
}

// Asks epoll and the clock for exactly what this peer can go on with.
void Crowd::wait_for_more(Peer& peer, Clock::time_point now) {
  std::uint32_t wanted = 0;
  if (peer.sent < may_send_up_to(peer, now)) {
    wanted |= EPOLLOUT;
  } else if (peer.script.interval.count() > 0 && peer.sent < peer.script.bytes) {
    set_timer(peer, peer.begin + peer.script.phase +
                        static_cast<std::int64_t>(messages_due(peer, now)) * peer.script.interval);
  }
  if (wants_to_read(peer)) {
    if (now >= peer.next_read) {
      wanted |= EPOLLIN;
    } else {
      set_timer(peer, peer.next_read);
    }
  }
  if (peer.lingering) set_timer(peer, peer.leaves);
  if (wanted == peer.interest) return;
  epoll_event event{};
  event.events = peer.interest = wanted;
  event.data.u64 = peer.number;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, peer.socket.get(), &event), "epoll_ctl");
}

void Crowd::set_timer(Peer& peer, Clock::time_point when) {
  if (when >= peer.timer) return;  // it will be looked at before that anyway
  peer.timer = when;
  timers_.push({when, peer.number});
}

void Crowd::end(Peer& peer, Fate fate, const std::string& why) {
  ++(tallies_[peer.script.kind].*fate);
  const bool failed = fate != &PeerTally::completed && fate != &PeerTally::abandoned;
  if (failed && first_failure_.empty()) {
    first_failure_ = fmt::format("a peer of kind {}, {} bytes sent, {} echoed: {}",
                                 peer.script.kind, peer.sent, peer.received, why);
  }
  if (failed || fate == &PeerTally::abandoned) reset_on_close(peer.socket.get());
  if (peer.connected) --connected_;
  peers_.erase(peer.number);
}

// A peer is stuck when it waits for the server: to be connected, for an echo or for the end.
void Crowd::end_stuck_peers(Clock::time_point now) {
  next_check_ = now + std::chrono::milliseconds(500);
  std::vector<std::uint64_t> stuck;
  for (const auto& [number, peer] : peers_) {
    const bool waits =
        !peer.connected || (peer.script.reads && peer.sent > peer.received) || peer.half_closed;
    if (waits && now - peer.last_progress > patience_) stuck.push_back(number);
  }
  for (const std::uint64_t number : stuck) {
    end(peers_.at(number), &PeerTally::stuck, "nothing has come for too long");
  }
}

}  // namespace echomux
