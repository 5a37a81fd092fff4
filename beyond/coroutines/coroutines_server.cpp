#include "beyond/coroutines/coroutines_server.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "echo/accept.hpp"
#include "echo/echo_session.hpp"
#include "echo/idle_timer.hpp"
#include "echo/idle_watch.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"

namespace echomux {
namespace {

constexpr std::size_t events_per_wait = 512;

// What a peer's coroutine waits for: a system call, to be tried when its socket is ready.
class Operation {
 public:
  // Makes the call. True when it has come to a result, with which the coroutine goes on.
  virtual bool attempt() noexcept = 0;

 protected:
  ~Operation() = default;
};

// lesson: promise
// One peer's coroutine, as the loop owns it. Empty where there was no memory for it. To destroy it
// is to end the peer, wherever it waits: what stands in its frame is destroyed, its socket
// included.
class PeerTask {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  // What the compiler keeps in the frame for each coroutine that returns a PeerTask, and asks at
  // the five moments that matter.
  struct promise_type {
    PeerTask get_return_object() noexcept { return PeerTask(Handle::from_promise(*this)); }
    // It runs at once, up to its first co_await …
    std::suspend_never initial_suspend() noexcept { return {}; }
    // … and when it is done its frame stays until the loop, which has resumed it, has seen that.
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    // Where an exception ends that has left the body; thrown on from here it would come out of the
    // loop's resume(), and end the server for one peer's sake. Nothing in the body throws. Should
    // that change, it ends this peer, and is counted.
    void unhandled_exception() noexcept { failed = true; }

    // A frame for every peer: this is where memory runs out, and that is no exception either.
    static void* operator new(std::size_t bytes) noexcept {
      return ::operator new(bytes, std::nothrow);
    }
    static void operator delete(void* frame) noexcept { ::operator delete(frame); }
    static PeerTask get_return_object_on_allocation_failure() noexcept {
      return PeerTask(Handle());
    }

    Operation* waits_for = nullptr;
    std::uint32_t interest = 0;  // what epoll watches its socket for; 0: not registered yet
    bool failed = false;         // by an exception
    IdleWatch idle;
  };
  // end lesson

  PeerTask() = default;
  PeerTask(PeerTask&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  PeerTask& operator=(PeerTask&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~PeerTask() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }
  [[nodiscard]] bool done() const noexcept { return handle_.done(); }
  [[nodiscard]] promise_type& promise() const noexcept { return handle_.promise(); }
  void resume() const { handle_.resume(); }

 private:
  explicit PeerTask(Handle handle) noexcept : handle_(handle) {}

  Handle handle_;
};

class CoroutinesServer {
 public:
  CoroutinesServer(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                   Counters& counters)
      : listener_(std::move(listener)),
        stop_event_(std::move(stop)),
        max_connections_(options.max_connections),
        idle_timer_(options.idle_timeout),
        counters_(counters) {
    set_nonblocking(listener_.get());
    check(set_interest(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN), "epoll_ctl");
    check(set_interest(EPOLL_CTL_ADD, listener_.get(), EPOLLIN), "epoll_ctl");
  }

  // When a stop is requested, all coroutines are destroyed with `peers_`, where they wait.
  void run() {
    std::array<epoll_event, events_per_wait> events{};
    for (;;) {
      const int ready = wait(events);
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(ready))) {
        const int fd = event.data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.get()) {
          accept_waiting();
        } else {
          go_on(peers_[static_cast<std::size_t>(fd)]);
        }
      }
      // Nothing announces that descriptors are free again, which may be anywhere in the system.
      if (accept_paused_) accept_waiting();
      if (idle_timer_.is_due()) close_idle_peers();
    }
  }

 private:
  class Receive;
  class Send;

  // lesson: echo
  // The echo of one peer (RFC 862). Its end is the end of this function, however it comes: then
  // `socket` is closed, because a coroutine's parameters are in its frame.
  PeerTask echo(FileDescriptor socket) {
    for (;;) {
      const std::span<const std::byte> bytes = co_await Receive(*this, socket.get());
      if (bytes.empty()) co_return;  // the peer's end of input, or a failure
      if (!co_await Send(*this, socket.get(), bytes)) co_return;
    }
  }
  // end lesson

  // What the two operations share: a socket, and the coroutine that waits for it.
  class SocketOperation : public Operation {
   protected:
    SocketOperation(CoroutinesServer& server, int fd) noexcept : server_(server), fd_(fd) {}
    ~SocketOperation() = default;

    [[nodiscard]] Counters& counters() const noexcept { return server_.counters_; }
    // The coroutine sleeps until epoll says that its socket is ready for this. False when it can't
    // be watched: then nobody would ever wake it.
    bool sleep_until(std::uint32_t ready, PeerTask::Handle coroutine) noexcept {
      promise_ = &coroutine.promise();
      promise_->waits_for = this;
      return server_.watch(fd_, ready, *promise_);
    }
    void moved() const noexcept {
      if (promise_ != nullptr) promise_->idle.moved();
    }

    // Whether a call that failed is to be made again when the socket is ready; else the peer is
    // lost.
    [[nodiscard]] bool is_to_be_repeated() const noexcept {
      if (errno == EAGAIN) {
        counters().eagain.add();
        return true;
      }
      if (errno == EINTR) {
        counters().interrupted.add();
        return true;
      }
      // ECONNRESET, EPIPE, ETIMEDOUT and the like end this one peer and nobody else.
      counters().peer_errors.add();
      return false;
    }

    CoroutinesServer& server_;
    int fd_;
    PeerTask::promise_type* promise_ = nullptr;
  };

  // lesson: awaiter
  // `co_await Receive(…)`: the bytes that have come, in the server's scratch buffer. They stay
  // there until the coroutine sleeps again. None at the end of input, and where the peer is lost.
  class Receive : public SocketOperation {
   public:
    Receive(CoroutinesServer& server, int fd) noexcept : SocketOperation(server, fd) {}

    // It sleeps first, even if something is there already: so all others have a turn in between.
    bool await_ready() noexcept { return false; }
    // False: it doesn't sleep after all.
    bool await_suspend(PeerTask::Handle coroutine) noexcept {
      return sleep_until(EPOLLIN, coroutine);
    }
    std::span<const std::byte> await_resume() noexcept { return bytes_; }

    bool attempt() noexcept override {
      counters().recv_calls.add();
      const ssize_t received = ::recv(fd_, server_.scratch_.get(), scratch_bytes, 0);
      if (received < 0) return !is_to_be_repeated();
      bytes_ = {server_.scratch_.get(), static_cast<std::size_t>(received)};
      counters().bytes_received.add(bytes_.size());
      moved();
      return true;
    }

   private:
    std::span<const std::byte> bytes_;
  };
  // end lesson

  // lesson: send
  // `co_await Send(…)`: true when all bytes are sent, false where the peer is lost.
  class Send : public SocketOperation {
   public:
    Send(CoroutinesServer& server, int fd, std::span<const std::byte> bytes) noexcept
        : SocketOperation(server, fd), unsent_(bytes) {}

    // Nearly always there is room for all of it, and then the coroutine doesn't sleep.
    bool await_ready() noexcept { return send_once(); }
    // The scratch buffer is everybody's: before the next one's turn, what is left of it is kept.
    bool await_suspend(PeerTask::Handle coroutine) noexcept {
      kept_.reset(new (std::nothrow) std::byte[unsent_.size()]);
      if (kept_ == nullptr) {
        counters().peer_errors.add();
        return false;
      }
      std::ranges::copy(unsent_, kept_.get());
      unsent_ = {kept_.get(), unsent_.size()};
      return sleep_until(EPOLLOUT, coroutine);
    }
    bool await_resume() noexcept { return unsent_.empty(); }

    bool attempt() noexcept override {
      const std::size_t before = unsent_.size();
      const bool finished = send_once();
      if (unsent_.size() < before) moved();
      return finished;
    }

   private:
    // True when all is sent, or nothing more can be. MSG_NOSIGNAL, because a peer that is gone must
    // be an error (EPIPE), not a signal.
    bool send_once() noexcept {
      counters().send_calls.add();
      const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent < 0) return !is_to_be_repeated();
      counters().bytes_sent.add(static_cast<std::uint64_t>(sent));
      unsent_ = unsent_.subspan(static_cast<std::size_t>(sent));
      return unsent_.empty();
    }

    std::span<const std::byte> unsent_;
    std::unique_ptr<std::byte[]> kept_;
  };
  // end lesson

  // Sleeps until something is ready and returns how many events there are.
  int wait(std::span<epoll_event> events) {
    const int timeout_ms = idle_timer_.wait_ms(open_connections(counters_) > 0, accept_paused_);
    counters_.waits.add();
    const int ready =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    if (ready < 0) {
      if (errno != EINTR) throw_errno("epoll_wait");
      counters_.interrupted.add();
      return 0;
    }
    counters_.descriptors_scanned.add(static_cast<std::uint64_t>(ready));
    counters_.events.add(static_cast<std::uint64_t>(ready));
    return ready;
  }

  // lesson: resume
  // Makes the call that a coroutine waits for, and lets it go on with the result.
  void go_on(PeerTask& peer) {
    const std::uint64_t fruitless = counters_.eagain.value();
    if (peer.promise().waits_for->attempt()) {
      peer.resume();  // until it sleeps again, or ends
      if (!peer.done()) return;
      if (peer.promise().failed) counters_.peer_errors.add();
      counters_.closed.add();
      peer = PeerTask();
    } else if (counters_.eagain.value() > fruitless) {
      counters_.empty_wakeups.add();
    }
  }
  // end lesson

  void close_idle_peers() {
    for (std::size_t fd = 0; fd < peers_.size(); ++fd) {
      PeerTask& peer = peers_[fd];
      if (!peer) continue;
      const bool owes = peer.promise().interest == EPOLLOUT;
      if (peer.promise().idle.has_gone_idle(static_cast<int>(fd), owes, counters_)) {
        peer = PeerTask();
      }
    }
  }

  // Level-triggered: those who still wait in the backlog when the budget is spent are reported
  // again.
  void accept_waiting() {
    const AcceptTurn turn =
        accept_peers(listener_.get(), max_connections_, counters_,
                     [this](FileDescriptor socket) { add_peer(std::move(socket)); });
    pause_accepting(turn == AcceptTurn::out_of_resources);
  }

  // Level-triggered, a listener with a waiting connection that can't be accepted would be reported
  // without end. So it is not watched until accepting works again.
  void pause_accepting(bool pause) {
    if (pause == accept_paused_) return;
    if (set_interest(EPOLL_CTL_MOD, listener_.get(), pause ? 0U : EPOLLIN) < 0) {
      // Still watched, the listener would wake us at once, and so without end until this works.
      if (pause) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    }
    accept_paused_ = pause;
    if (pause) counters_.accept_pauses.add();
  }

  // lesson: add-peer
  void add_peer(FileDescriptor socket) {
    const auto slot = static_cast<std::size_t>(socket.get());
    try {
      if (slot >= peers_.size()) peers_.resize(slot + 1);
    } catch (const std::bad_alloc&) {
      turn_away(counters_, "no memory for another peer");
      return;
    }
    PeerTask peer = echo(std::move(socket));
    if (!peer) {
      turn_away(counters_, "no memory for another peer");
    } else if (peer.done()) {
      turn_away(counters_, "epoll_ctl can watch no more");
    } else {
      peers_[slot] = std::move(peer);
    }
  }
  // end lesson

  // lesson: watch
  // Lets epoll watch a coroutine's socket for what it waits for now. A socket nearly always has
  // room, so EPOLLOUT is watched for only while there is something to send.
  bool watch(int fd, std::uint32_t ready, PeerTask::promise_type& promise) noexcept {
    if (promise.interest == ready) return true;
    const bool is_new = promise.interest == 0;
    if (set_interest(is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, ready) < 0) {
      if (!is_new) counters_.peer_errors.add();
      return false;
    }
    promise.interest = ready;
    return true;
  }
  // end lesson

  int set_interest(int operation, int fd, std::uint32_t events) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    counters_.interest_changes.add();
    return ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  FileDescriptor listener_;
  StopEvent stop_event_;
  std::uint64_t max_connections_;
  IdleTimer idle_timer_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::unique_ptr<std::byte[]> scratch_ = make_scratch();
  std::vector<PeerTask> peers_;  // by descriptor: small, dense numbers
  bool accept_paused_ = false;
};

}  // namespace

void serve_coroutines(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                      ServerStats& stats) {
  CoroutinesServer(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
