#include "harness/load/swarm_worker.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t halt_index = ~std::uint64_t{0};
// How long after the window the swarm waits for answers to what was due within it.
constexpr nanoseconds straggler_limit = std::chrono::seconds(1);
// Shorter ones are the ordinary work of a loop.
constexpr nanoseconds shortest_gap = std::chrono::milliseconds(1);

}  // namespace

SwarmWorker::SwarmWorker(const SwarmOptions& options, const SwarmText& text, std::size_t index,
                         std::stop_token halt)
    : server_(options.server),
      load_(options.load),
      text_(text),
      lanes_(load_.threads * load_.part.count),
      idle_(share_of(load_.idle_connections, lane(index), lanes_)),
      halt_event_(std::move(halt)),
      epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  const std::size_t active = share_of(load_.active_connections, lane(index), lanes_);
  connections_.resize(idle_ + active);
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    connections_[i].number = i < idle_
                                 ? lane(index) + i * lanes_
                                 : load_.idle_connections + lane(index) + (i - idle_) * lanes_;
  }
  requests_.resize(active * load_.pipeline);
  if (!closed_loop()) {
    schedules_.reserve(active);
    for (std::size_t i = idle_; i < connections_.size(); ++i) {
      schedules_.emplace_back(load_, connections_[i].number - load_.idle_connections);
    }
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = halt_index;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, halt_event_.fd(), &event), "epoll_ctl");
}

// --- the load ---

void SwarmWorker::run_load(Clock::time_point start, nanoseconds warmup, nanoseconds duration) {
  notice_who_left();
  if (!going_on()) return;
  window_begin_ = start + warmup;
  window_end_ = window_begin_ + duration;
  started_late_ = std::max<nanoseconds>(Clock::now() - start, nanoseconds(0));
  if (duration > nanoseconds(0) && duration < load_.duration) {
    const auto windows = static_cast<std::size_t>(std::llround(
        static_cast<double>(load_.duration.count()) / static_cast<double>(duration.count())));
    parts_ = std::min(windows, SwarmResult::most_parts);
  }
  last_progress_ = start;
  last_clock_ = Clock::now();
  loading_ = true;
  heap_.clear();
  heap_.reserve(connections_.size() - idle_);
  for (std::size_t i = idle_; i < connections_.size(); ++i) {
    if (connections_[i].lost) continue;
    if (closed_loop()) {
      for (std::size_t k = 0; k < load_.pipeline; ++k) {
        const Clock::time_point now = read_clock();
        begin_request(i, now, now);
      }
      send_more(i);
    } else {
      schedule(i).begin(start);
      schedule_next(i);
    }
  }
  load_until(window_end_);
  loading_ = false;
  const Clock::time_point ended = std::min(Clock::now(), window_end_);
  result_.window_time += std::max<nanoseconds>(ended - window_begin_, nanoseconds(0));
  if (going_on()) wait_for_stragglers();
  measured_ += duration;
}

// Takes the events of the time since the last slice, in which a server may have ended connections.
void SwarmWorker::notice_who_left() {
  const std::size_t before = result_.connections_lost;
  window_begin_ = window_end_ = Clock::time_point::max();
  wait_and_handle(Clock::now());
  lost_at_rest_ = result_.connections_lost > before;
}

void SwarmWorker::load_until(Clock::time_point end) {
  while (going_on()) {
    const Clock::time_point now = read_clock();
    if (now >= end) break;
    // With nothing outstanding, silence is nobody's fault.
    if (outstanding_ == 0) last_progress_ = now;
    end_if_stalled(now);
    Clock::time_point wake = std::min(end, last_progress_ + load_.timeout);
    if (!closed_loop()) {
      send_what_is_due(now);
      if (!heap_.empty()) wake = std::min(wake, heap_.front().due);
    }
    wait_and_handle(wake);
  }
}

void SwarmWorker::send_what_is_due(Clock::time_point now) {
  while (!heap_.empty() && heap_.front().due <= now) {
    const Scheduled next = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    if (connections_[next.index].lost) continue;
    begin_request(next.index, next.due, read_clock());
    if (next.due >= window_begin_) result_.schedule_lag.record(last_clock_ - next.due);
    schedule(next.index).advance();
    send_more(next.index);
    schedule_next(next.index);
  }
}

// Puts a connection in the heap, unless it has as many messages outstanding as it may.
void SwarmWorker::schedule_next(std::size_t index) {
  Connection& connection = connections_[index];
  connection.scheduled = connection.outstanding < load_.pipeline &&
                         schedule(index).due() < window_end_ && !connection.lost;
  if (!connection.scheduled) return;
  heap_.push_back({schedule(index).due(), index});
  std::push_heap(heap_.begin(), heap_.end());
}

// After an answer: begins what fell due while the connection was not free. The latency of that
// counts from when it was due all the same.
void SwarmWorker::catch_up(std::size_t index, Clock::time_point now) {
  const Connection& connection = connections_[index];
  if (connection.scheduled) return;
  while (connection.outstanding < load_.pipeline && schedule(index).due() <= now &&
         schedule(index).due() < window_end_) {
    begin_request(index, schedule(index).due(), now);
    schedule(index).advance();
  }
  schedule_next(index);
}

// What was due within the window is still sent, answered and counted; nothing later is.
void SwarmWorker::wait_for_stragglers() {
  send_what_is_due(window_end_ - nanoseconds(1));
  const Clock::time_point limit = Clock::now() + straggler_limit;
  while (going_on() && outstanding_ > 0 && Clock::now() < limit) wait_and_handle(limit);
  const Clock::time_point now = Clock::now();
  for (std::size_t i = idle_; i < connections_.size(); ++i) {
    const Connection& connection = connections_[i];
    for (std::uint32_t k = 0; k < connection.outstanding; ++k) {
      const Request& unanswered = request(i, connection.oldest + k);
      give_up(unanswered, now);
    }
    if (partly_answered(connection)) ++result_.partly_answered;
    if (closed_loop()) continue;
    for (; schedule(i).due() < window_end_; schedule(i).advance()) {
      overdue_ = true;
      give_up({schedule(i).due(), schedule(i).due()}, now);
    }
  }
}

void SwarmWorker::give_up(const Request& unanswered, Clock::time_point now) {
  if (unanswered.due < window_begin_ || unanswered.due >= window_end_) return;
  ++result_.requests_unanswered;
  record(unanswered, now);
}

void SwarmWorker::record(const Request& request, Clock::time_point now) {
  result_.latency.record(now - request.due);
  result_.latency_uncorrected.record(now - request.sent);
  const nanoseconds measured = measured_ + (request.due - window_begin_);
  const auto part = std::min(
      static_cast<std::size_t>(measured * static_cast<std::int64_t>(parts_) / load_.duration),
      parts_ - 1);
  log_sums_[part] +=
      std::log(static_cast<double>(std::max(now - request.due, nanoseconds(1)).count()));
  ++log_counts_[part];
}

// --- one connection ---

void SwarmWorker::begin_request(std::size_t index, Clock::time_point due, Clock::time_point now) {
  Connection& connection = connections_[index];
  if (!connection.socket) open(index);
  request(index, connection.oldest + connection.outstanding) = {due, now};
  if (connection.outstanding++ == 0) connection.oldest_unanswered = load_.message_bytes;
  connection.unsent += load_.message_bytes;
  ++outstanding_;
}

void SwarmWorker::send_more(std::size_t index) {
  Connection& connection = connections_[index];
  while (connection.unsent > 0) {
    const std::size_t to_end = (connection.unsent - 1) % message_bytes(connection) + 1;
    const auto chunk = text_at(connection, connection.bytes_sent, connection.unsent, to_end);
    const ssize_t count = ::send(connection.socket.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    if (count < 0) {
      // EAGAIN, or ENOTCONN while the handshake is under way: EPOLLOUT will tell. With any other
      // error the connection is at its end, which the next recv finds, but this call has taken the
      // reason.
      if (errno != EAGAIN && errno != ENOTCONN && !connection.confirmed &&
          result_.outcome.sentence.empty()) {
        result_.outcome.sentence = error_text(errno);
      }
      return;
    }
    connection.unsent -= static_cast<std::size_t>(count);
    connection.bytes_sent += static_cast<std::uint64_t>(count);
  }
}

void SwarmWorker::receive(std::size_t index, std::uint32_t events) {
  Connection& connection = connections_[index];
  const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  while (connection.socket) {
    // One byte more than is due: a server that returns too much must not go unnoticed.
    const std::size_t room = std::min(bytes_owed(connection) + 1, SwarmText::chunk_bytes);
    const ssize_t count = ::recv(connection.socket.get(), buffer_.data(), room, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      lose(index, count < 0 ? errno : 0);
      return;
    }
    const auto bytes = std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(count));
    if (!accept_bytes(index, bytes)) return;
    // A short read has emptied the socket, unless its end came with the data: no edge would
    // announce that again.
    if (bytes.size() < room && !ending) return;
  }
}

std::size_t SwarmWorker::bytes_owed(const Connection& connection) const noexcept {
  if (connection.outstanding == 0) return 0;
  return connection.oldest_unanswered + (connection.outstanding - 1) * message_bytes(connection);
}

bool SwarmWorker::partly_answered(const Connection& connection) const noexcept {
  return connection.outstanding > 0 && connection.unsent == 0 &&
         connection.oldest_unanswered < message_bytes(connection);
}

void SwarmWorker::complete_oldest(std::size_t index) {
  Connection& connection = connections_[index];
  const Clock::time_point now = read_clock();
  --outstanding_;
  last_progress_ = now;
  if (--connection.outstanding > 0) connection.oldest_unanswered = load_.message_bytes;
  if (!connection.confirmed) {
    confirm(index);
    return;
  }
  const Request answered = request(index, connection.oldest);
  take_oldest(connection);
  completed_.store(requests_completed() + 1, std::memory_order_relaxed);
  if (now >= window_begin_ && now < window_end_) ++result_.window_requests;
  if (answered.due >= window_begin_ && answered.due < window_end_) {
    record(answered, now);
    if (now - answered.sent > load_.timeout) ++result_.requests_timed_out;
  }
  if (load_.reconnect) reset(connection);
  if (!closed_loop()) {
    catch_up(index, now);
  } else if (loading_) {
    begin_request(index, now, now);
  }
}

// The server has ended the connection, with this error or none.
void SwarmWorker::lose(std::size_t index, int error) {
  Connection& connection = connections_[index];
  if (connection.confirmed) {
    ++result_.connections_lost;
  } else {
    result_.outcome.end(RunEnd::refused);
    if (result_.outcome.sentence.empty()) {
      result_.outcome.sentence =
          error != 0 ? error_text(error) : "the server closed the connection";
    }
  }
  const Clock::time_point now = read_clock();
  for (; connection.outstanding > 0; --connection.outstanding) {
    --outstanding_;
    if (!connection.confirmed) continue;
    give_up(request(index, connection.oldest), now);
    take_oldest(connection);
  }
  connection.unsent = 0;
  reset(connection);
  if (!is_active(index) || !connection.confirmed) return;
  if (!load_.reconnect) {
    connection.lost = true;
    const std::size_t active = connections_.size() - idle_;
    if (++lost_active_ == active && going_on()) result_.outcome.end(RunEnd::server_gone);
  } else if (!closed_loop()) {
    catch_up(index, now);
  } else if (loading_) {
    begin_request(index, now, now);
  }
}

void SwarmWorker::wait_and_handle(Clock::time_point wake) {
  const auto left = std::max<nanoseconds>(wake - read_clock(), nanoseconds(0));
  const int ready = wait_.wait(epoll_.get(), events_, left);
  last_clock_ = Clock::now();
  // A sleep that nothing cut short should have ended at `wake`.
  if (wait_.timed_out() && left > nanoseconds(0)) note_gap(last_clock_ - wake);
  for (const epoll_event& event : std::span(events_).first(static_cast<std::size_t>(ready))) {
    if (!going_on()) return;
    if (event.data.u64 == halt_index) {
      result_.outcome.end(RunEnd::interrupted);
      return;
    }
    handle(static_cast<std::size_t>(event.data.u64), event.events);
  }
}

void SwarmWorker::handle(std::size_t index, std::uint32_t events) {
  const Connection& connection = connections_[index];
  if (!connection.socket) return;
  if ((events & EPOLLOUT) != 0) send_more(index);
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(index, events);
  const bool connected = (events & EPOLLOUT) != 0 && (events & (EPOLLERR | EPOLLHUP)) == 0;
  if (connected && !connection.confirmed && !is_active(index) && !load_.confirm_idle) {
    confirm(index);
  }
}

SwarmWorker::Clock::time_point SwarmWorker::read_clock() noexcept {
  const Clock::time_point now = Clock::now();
  note_gap(now - last_clock_);
  last_clock_ = now;
  return now;
}

void SwarmWorker::note_gap(nanoseconds gap) noexcept {
  if (last_clock_ < window_begin_ || last_clock_ >= window_end_) return;
  result_.delays.longest_gap = std::max(result_.delays.longest_gap, gap);
  if (gap >= shortest_gap) result_.delays.gaps += gap;
}

}  // namespace echomux
