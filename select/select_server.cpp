#include "select/select_server.hpp"

#include <sys/select.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/idle_timer.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "select/descriptor_set.hpp"

namespace echomux {
namespace {

constexpr int forever = -1;

static_assert(FD_SETSIZE == 1024);
constexpr const char* beyond_fd_setsize =
    "select can't watch a descriptor that is not below FD_SETSIZE (1024)";

class SelectServer {
 public:
  SelectServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
               Counters& counters)
      : listener_(std::move(listener)),
        stop_(std::move(stop)),
        stop_event_(stop_),
        descriptor_limit_(options.select_beyond_fd_setsize ? std::numeric_limits<int>::max()
                                                           : FD_SETSIZE),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        counters_(counters) {
    set_nonblocking(listener_.get());
    watch_for_input(stop_event_.fd());
    watch_for_input(listener_.get());
  }

  // One turn: copy the sets, hand the copies to the kernel, sleep until it has reduced them to what
  // is ready, then try every descriptor number there is against them.
  void run() {
    while (!stop_.stop_requested()) {
      serve_ready_peers(wait());
      // While accepting is paused nothing announces that descriptors are free again, so just ask.
      if (readable_.contains(listener_.get()) || accept_paused_) accept_waiting();
      if (idle_timer_.is_due()) close_idle_peers();
    }
  }

 private:
  // Sleeps until something is ready and returns how many bits are set in readable_ and writable_.
  int wait() {
    // lesson: fill
    // select writes its answer over the question, so it is given copies.
    readable_ = want_input_;
    writable_ = want_room_;
    const int limit_ms = idle_timer_.wait_ms(open_connections(counters_) > 0, accept_paused_);
    // It may change the time-out as well (on Linux, to the time that was left).
    timeval limit{.tv_sec = limit_ms / 1000, .tv_usec = limit_ms % 1000 * 1000L};
    counters_.waits.add();
    // The lesson of select in one line: the kernel examines every number below the highest watched.
    counters_.descriptors_scanned.add(static_cast<std::uint64_t>(watched_end_));
    const int ready = ::select(watched_end_, readable_.raw(), writable_.raw(), nullptr,
                               limit_ms == forever ? nullptr : &limit);
    // end lesson
    if (ready < 0) return recover_from_failed_wait();
    counters_.events.add(static_cast<std::uint64_t>(ready));
    return ready;
  }

  int recover_from_failed_wait() {
    // lesson: failed-wait
    if (errno == EINTR) {
      counters_.interrupted.add();
      readable_.remove(listener_.get());  // after an error the sets mean nothing
      return 0;
    }
    // The kernel could not get memory for its own copies of the sets. Until it can, everyone that
    // is watched is asked after a short rest.
    if (errno != ENOMEM) throw_errno("select");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    readable_ = want_input_;
    writable_ = want_room_;
    return std::numeric_limits<int>::max();
    // end lesson
  }

  void serve_ready_peers(int ready) {
    if (readable_.contains(listener_.get())) --ready;
    // lesson: scan
    // The sets say who is ready only to those who ask for each number; `ready` ends the search.
    for (int fd = 0; ready > 0 && fd < watched_end_ && !stop_.stop_requested(); ++fd) {
      const bool is_ready = readable_.contains(fd) || writable_.contains(fd);
      if (!is_ready || fd == listener_.get() || fd == stop_event_.fd()) continue;
      --ready;
      serve_peer(fd);
    }
    // end lesson
  }

  // Gives one peer one go.
  void serve_peer(int fd) {
    std::optional<EchoSession>& session = sessions_[static_cast<std::size_t>(fd)];
    const bool owed = session->owes();
    const Outcome outcome = session->pump({scratch_.get(), scratch_bytes}, counters_);
    if (outcome == Outcome::want_read || (owed && outcome == Outcome::want_write)) {
      counters_.empty_wakeups.add();
    }
    if (outcome == Outcome::closed) {
      stop_watching(fd);
      session.reset();
    } else if (session->owes() != owed) {
      // lesson: interest
      // Level-triggered: watch for room only while there is something to send, because a socket
      // nearly always has room. Unlike epoll's, this change costs no system call.
      (owed ? want_room_ : want_input_).remove(fd);
      (owed ? want_input_ : want_room_).add(fd);
      // end lesson
    }
  }

  void close_idle_peers() {
    for (std::optional<EchoSession>& session : sessions_) {
      if (!session || !session->has_gone_idle(counters_)) continue;
      stop_watching(session->fd());
      session.reset();
    }
  }

  // Peers that still wait in the backlog when the budget is spent are reported again
  // (level-triggered).
  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    pause_accepting(turn == AcceptTurn::out_of_resources);
  }

  // lesson: pause-accepting
  // A listener with a waiting connection that can't be accepted stays ready without end, and
  // watching it would spin at 100 % CPU.
  void pause_accepting(bool pause) {
    if (pause && !accept_paused_) counters_.accept_pauses.add();
    accept_paused_ = pause;
    if (pause) {
      stop_watching(listener_.get());
    } else {
      watch_for_input(listener_.get());
    }
  }
  // end lesson

  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    // lesson: fd-setsize
    if (fd >= descriptor_limit_) {
      turn_away(counters_, beyond_fd_setsize);  // and close it, on return
      return;
    }
    // end lesson
    const auto slot = static_cast<std::size_t>(fd);
    try {
      if (slot >= sessions_.size()) sessions_.resize(slot + 1);
      watch_for_input(fd);
    } catch (const std::bad_alloc&) {
      turn_away(counters_, "no memory for another peer");
      return;
    }
    sessions_[slot].emplace(std::move(socket));
  }

  void watch_for_input(int fd) {
    const int end = std::max(watched_end_, fd + 1);
    // In the copies too: then no turn of the loop needs memory, which may be short by then.
    for (DescriptorSet* set : {&want_input_, &want_room_, &readable_, &writable_}) {
      set->make_room_for(end);
    }
    want_input_.add(fd);
    watched_end_ = end;
  }

  void stop_watching(int fd) {
    want_input_.remove(fd);
    want_room_.remove(fd);
    // Numbers above the highest that is still watched need not be examined any more.
    const auto is_watched = [this](int other) {
      return want_input_.contains(other) || want_room_.contains(other);
    };
    while (watched_end_ > 0 && !is_watched(watched_end_ - 1)) --watched_end_;
  }

  FileDescriptor listener_;
  std::stop_token stop_;
  StopEvent stop_event_;
  int descriptor_limit_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  Counters& counters_;
  DescriptorSet want_input_;  // who to watch for input, the listener among them
  DescriptorSet want_room_;   // who to watch for room to send
  DescriptorSet readable_;    // select's answer to the two above
  DescriptorSet writable_;
  int watched_end_ = 0;  // select's first argument: the highest watched descriptor plus one
  std::vector<std::optional<EchoSession>> sessions_;  // by descriptor
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  bool accept_paused_ = false;
};

}  // namespace

void serve_select(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                  ServerStats& stats) {
  SelectServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
