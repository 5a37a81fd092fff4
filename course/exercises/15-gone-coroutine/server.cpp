// Exercise 15: coroutines that are woken up by their sockets, or by a clock.
#include <sys/mman.h>

#include <chrono>
#include <coroutine>
#include <cstdlib>
#include <map>
#include <new>

#include "course/epoll_loop.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

// A peer's coroutine. Its frame is freed when it ends.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }

    // A frame has pages of its own, and once it is freed nobody can touch their addresses again,
    // which are given up for good: so the first use of a frame that has gone ends the program,
    // instead of working by chance.
    static void* operator new(std::size_t bytes) {
      void* const frame =
          ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (frame == MAP_FAILED) throw std::bad_alloc();
      return frame;
    }
    static void operator delete(void* frame, std::size_t bytes) {
      constexpr int in_its_place = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
      if (::mmap(frame, bytes, PROT_NONE, in_its_place, -1, 0) == MAP_FAILED) std::abort();
    }

    int fd = -1;              // of the socket that it waits for
    bool* in_time = nullptr;  // where that keeps its result
    Clock::time_point last_moved;
    bool has_deadline = false;
  };
};
using Handle = std::coroutine_handle<Task::promise_type>;

class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : listener_(std::move(listener)),
        stop_event_(std::move(stop)),
        timeout_(options.idle_timeout),
        counters_(counters) {
    set_nonblocking(listener_.get());
    watch(EPOLL_CTL_ADD, stop_event_.fd(), EPOLLIN);
    watch(EPOLL_CTL_ADD, listener_.get(), EPOLLIN);
  }

  ~Server() {
    for (const auto& [fd, handle] : waiting_) handle.destroy();
  }

  void run() {
    for (;;) {
      std::array<epoll_event, 64> events{};
      counters_.waits.add();
      const int ready =
          ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == stop_event_.fd()) return;
        if (fd == listener_.get()) {
          static_cast<void>(
              accept_peers(fd, std::numeric_limits<std::uint64_t>::max(), counters_,
                           [this](FileDescriptor socket) { add_peer(std::move(socket)); }));
        } else {
          go_on(fd, true);
        }
      }
      resume_those_who_waited_too_long();
    }
  }

 private:
  // `co_await Ready(…)`: true when the socket is ready, false when nothing has come for too long.
  struct Ready {
    Server& server;
    int fd;
    std::uint32_t events;
    bool in_time = true;

    bool await_ready() noexcept { return false; }
    void await_suspend(Handle handle) { server.sleep_until(*this, handle); }
    bool await_resume() noexcept { return in_time; }
  };

  Task echo(FileDescriptor socket) {
    std::array<char, 1024> buffer{};
    for (;;) {
      if (!co_await wait_for(socket.get(), EPOLLIN)) {
        counters_.idle_closed.add();
        break;
      }
      counters_.recv_calls.add();
      const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count <= 0) break;
      std::span<const char> unsent(buffer.data(), static_cast<std::size_t>(count));
      while (!unsent.empty()) {
        const ssize_t sent = ::send(socket.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (sent > 0) {
          unsent = unsent.subspan(static_cast<std::size_t>(sent));
        } else if (errno != EAGAIN || !co_await wait_for(socket.get(), EPOLLOUT)) {
          counters_.closed.add();
          co_return;
        }
      }
    }
    counters_.closed.add();
  }

  Ready wait_for(int fd, std::uint32_t events) { return {*this, fd, events}; }

  void add_peer(FileDescriptor socket) {
    watch(EPOLL_CTL_ADD, socket.get(), 0);
    echo(std::move(socket));
  }

  void sleep_until(Ready& ready, Handle handle) {
    watch(EPOLL_CTL_MOD, ready.fd, ready.events);
    waiting_[ready.fd] = handle;
    auto& promise = handle.promise();
    promise.fd = ready.fd;
    promise.in_time = &ready.in_time;
    promise.last_moved = Clock::now();
    if (timeout_ > timeout_.zero() && !std::exchange(promise.has_deadline, true)) {
      deadlines_.emplace(promise.last_moved + timeout_, handle);
    }
  }

  void go_on(int fd, bool in_time) {
    const auto found = waiting_.find(fd);
    if (found == waiting_.end()) return;
    const Handle handle = found->second;
    waiting_.erase(found);
    *handle.promise().in_time = in_time;
    handle.resume();
  }

  void resume_those_who_waited_too_long() {
    const auto now = Clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const Handle whose = deadlines_.begin()->second;
      deadlines_.erase(deadlines_.begin());
      // It has moved since: then it has longer.
      const auto due = whose.promise().last_moved + timeout_;
      if (due > now) {
        deadlines_.emplace(due, whose);
        continue;
      }
      waiting_.erase(whose.promise().fd);
      *whose.promise().in_time = false;
      whose.resume();
    }
  }

  [[nodiscard]] int wait_ms() const {
    if (deadlines_.empty()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadlines_.begin()->first - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  void watch(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    check(::epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
  }

  FileDescriptor listener_;
  StopEvent stop_event_;
  std::chrono::nanoseconds timeout_;
  Counters& counters_;
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::map<int, Handle> waiting_;  // by descriptor
  std::multimap<Clock::time_point, Handle> deadlines_;
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
