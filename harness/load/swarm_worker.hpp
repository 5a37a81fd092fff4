#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <span>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "echo/stop_event.hpp"
#include "harness/load/arrivals.hpp"
#include "harness/load/precise_wait.hpp"
#include "harness/load/swarm.hpp"
#include "harness/load/swarm_text.hpp"

namespace echomux {

// One thread's share of a swarm: every connection whose number, idle and active ones counted apart,
// leaves the thread's lane when divided by the number of lanes. The threads of all parts of a load
// have one each. One edge-triggered epoll loop on
// non-blocking sockets. Everything but the two progress counters belongs to the thread that calls.
class SwarmWorker {
 public:
  using Clock = std::chrono::steady_clock;

  // `options` and `text` must outlive it. `halt` ends whatever it does soon.
  SwarmWorker(const SwarmOptions& options, const SwarmText& text, std::size_t index,
              std::stop_token halt);

  // The phases, to be called in this order; each does nothing once the run has ended early. Throw
  // std::runtime_error, with a sentence for the user, when a limit of this machine is met.
  void open_connections();
  // Load from `start` on, measured after the warm-up; returns when what was due is answered too.
  // May be called again, for a further slice.
  void run_load(Clock::time_point start, std::chrono::nanoseconds warmup,
                std::chrono::nanoseconds duration);
  void check_idle_connections();
  // With a reset, so that neither side keeps anything in TIME_WAIT.
  void close_connections() noexcept;

  // What it saw; latencies and counts of this thread alone, without those that span threads.
  [[nodiscard]] const SwarmResult& result() const noexcept { return result_; }
  // For each of the parts of the measured time, the sum of the logarithms of the latencies, and
  // their number.
  [[nodiscard]] const auto& log_sums() const noexcept { return log_sums_; }
  [[nodiscard]] const auto& log_counts() const noexcept { return log_counts_; }
  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }

  // After a slice: whether all that was due in it was answered, and whether the server had ended
  // connections before it began.
  [[nodiscard]] bool drained() const noexcept { return outstanding_ == 0 && !overdue_; }
  [[nodiscard]] bool lost_at_rest() const noexcept { return lost_at_rest_; }
  // How long after its start the last slice really began.
  [[nodiscard]] std::chrono::nanoseconds started_late() const noexcept { return started_late_; }

  // Readable from any thread at any time.
  [[nodiscard]] std::size_t connections_open() const noexcept {
    return confirmed_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t requests_completed() const noexcept {
    return completed_.load(std::memory_order_relaxed);
  }

 private:
  struct Request {
    Clock::time_point due;
    Clock::time_point sent;
  };
  struct Connection {
    FileDescriptor socket;
    std::size_t number = 0;  // over all threads: the idle ones, then the active ones
    bool confirmed = false;
    bool lost = false;                  // the server has ended it
    bool scheduled = false;             // open loop: it is in the heap
    std::size_t oldest = 0;             // the place of the oldest outstanding one of its requests
    std::size_t outstanding = 0;        // requests
    std::size_t unsent = 0;             // bytes, of all outstanding requests
    std::size_t oldest_unanswered = 0;  // bytes, of the oldest one
    std::uint64_t bytes_sent = 0;       // of the whole stream
    std::uint64_t bytes_received = 0;
  };
  struct Scheduled {
    Clock::time_point due;
    std::size_t index;
    friend bool operator<(const Scheduled& a, const Scheduled& b) noexcept {
      return a.due > b.due;  // the heap has its largest on top, we want the earliest
    }
  };

  [[nodiscard]] std::size_t lane(std::size_t thread) const noexcept {
    return load_.part.index + load_.part.count * thread;
  }
  [[nodiscard]] bool going_on() const noexcept {
    return result_.outcome.reason == RunEnd::completed;
  }
  [[nodiscard]] bool closed_loop() const noexcept { return load_.requests_per_second <= 0; }
  [[nodiscard]] bool is_active(std::size_t index) const noexcept { return index >= idle_; }
  // What a connection sends first is as short as can be, and a line of text isn't empty.
  [[nodiscard]] std::size_t first_bytes() const noexcept {
    return load_.payload == Payload::text ? 2 : 1;
  }
  [[nodiscard]] std::size_t message_bytes(const Connection& connection) const noexcept {
    return connection.confirmed ? load_.message_bytes : first_bytes();
  }
  // At most `length` bytes of what a connection sends, or gets back, from here in its stream on,
  // where the message that it is in ends after `to_end` bytes more. Valid until the next call.
  [[nodiscard]] std::span<const std::byte> text_at(const Connection& connection,
                                                   std::uint64_t offset, std::size_t length,
                                                   std::size_t to_end);
  // What the server still has to return, whether it was sent already or not.
  [[nodiscard]] std::size_t bytes_owed(const Connection& connection) const noexcept;
  [[nodiscard]] bool partly_answered(const Connection& connection) const noexcept;
  [[nodiscard]] Request& request(std::size_t index, std::size_t place) noexcept {
    return requests_[(index - idle_) * load_.pipeline + place % load_.pipeline];
  }
  // The place is kept below `pipeline`: a count that wraps around would jump to another one.
  void take_oldest(Connection& connection) const noexcept {
    connection.oldest = (connection.oldest + 1) % load_.pipeline;
  }
  [[nodiscard]] ArrivalSchedule& schedule(std::size_t index) noexcept {
    return schedules_[index - idle_];
  }

  void open(std::size_t index);
  [[nodiscard]] bool may_change_source() const noexcept;
  void bind_to_source(const Connection& connection);
  void confirm(std::size_t index);
  void end_if_stalled(Clock::time_point now);
  [[nodiscard]] std::string why_stalled() const;

  void notice_who_left();
  void load_until(Clock::time_point end);
  void send_what_is_due(Clock::time_point now);
  void schedule_next(std::size_t index);
  void catch_up(std::size_t index, Clock::time_point now);
  void wait_for_stragglers();
  void give_up(const Request& unanswered, Clock::time_point now);
  void record(const Request& request, Clock::time_point now);

  void begin_request(std::size_t index, Clock::time_point due, Clock::time_point now);
  void send_more(std::size_t index);
  void receive(std::size_t index, std::uint32_t events);
  bool accept_bytes(std::size_t index, std::span<const std::byte> bytes);
  void refuse_bytes(const Connection& connection, std::span<const std::byte> bytes,
                    std::span<const std::byte> expected, std::size_t differing);
  void complete_oldest(std::size_t index);
  void reset(Connection& connection) noexcept;
  void lose(std::size_t index, int error);
  void wait_and_handle(Clock::time_point wake);
  void handle(std::size_t index, std::uint32_t events);
  // The time now. Everywhere but in the wait, much time since the last call is a gap.
  Clock::time_point read_clock() noexcept;
  void note_gap(std::chrono::nanoseconds gap) noexcept;

  const Endpoint& server_;
  const Load& load_;
  const SwarmText& text_;
  std::size_t lanes_ = 1;
  std::size_t idle_ = 0;  // of its connections, the idle ones come first
  StopEvent halt_event_;
  FileDescriptor epoll_;
  PreciseWait wait_;
  std::vector<Connection> connections_;
  std::vector<Request> requests_;           // `pipeline` for each active connection
  std::vector<ArrivalSchedule> schedules_;  // open loop: one for each active connection
  std::vector<Scheduled> heap_;             // open loop: who sends next
  std::vector<epoll_event> events_ = std::vector<epoll_event>(512);
  std::vector<std::byte> buffer_ = std::vector<std::byte>(SwarmText::chunk_bytes);
  std::vector<std::byte> lines_;  // text payload: what text_at() has put together
  std::atomic<std::size_t> confirmed_ = 0;
  std::atomic<std::uint64_t> completed_ = 0;  // requests, since the load began
  std::size_t outstanding_ = 0;               // requests
  std::size_t lost_active_ = 0;
  std::size_t sources_used_up_ = 0;  // loopback addresses without a free port
  bool one_loopback_address_ = false;
  bool lost_at_rest_ = false;
  bool overdue_ = false;  // messages that were due were never sent, since those before have no echo
  bool loading_ = false;
  std::chrono::nanoseconds started_late_{0};
  Clock::time_point last_clock_;
  Clock::time_point last_progress_;
  Clock::time_point window_begin_ = Clock::time_point::max();
  Clock::time_point window_end_ = Clock::time_point::max();
  std::chrono::nanoseconds measured_{0};  // the windows of the slices before
  std::size_t parts_ = SwarmResult::most_parts;
  std::array<double, SwarmResult::most_parts> log_sums_{};
  std::array<std::uint64_t, SwarmResult::most_parts> log_counts_{};
  SwarmResult result_;
};

}  // namespace echomux
