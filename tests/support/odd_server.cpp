// An echo server that misbehaves exactly as told, to see whether the harness notices and measures
// it. "Requests" are complete messages of --size bytes (64 unless told); bytes that complete none
// are echoed at once. It listens on 127.0.0.1, and dies with its parent and on SIGTERM.
//
//   odd_server PORT MODE [--size BYTES]        or MODE PORT, or MODE --port PORT
//
//   plain             does nothing odd
//   stall=200ms/2s    does nothing at all in the first 200 ms of every 2 s of CLOCK_MONOTONIC
//   hang              does nothing at all any more once there is a peer
//   delay=300us       answers each request that long after reading it, in a thread for each peer
//   burn=100us        uses that much CPU time (CLOCK_THREAD_CPUTIME_ID) before each answer
//   burn-child=100us  the same in a child process, while the parent only waits for that
//   drop-idle=N       after N requests in all, closes each that has sent one, or a line of one
//   corrupt=N         flips a bit of the Nth byte of each connection
//   short=N           leaves out the byte after the first N of each connection
//   extra=N           sends a byte of its own after the first N of each connection
//   silent            reads everything and answers nothing
//   refuse            closes each connection as soon as it has accepted it
//   reset=N           resets a connection when it has answered N requests on it
//   die=N             exits with status 7 when it has answered N requests in all
//   leak-descriptor=N opens a descriptor that it never closes at every Nth connection
//   leak-memory=N     writes to N bytes that it never frees at every connection
//   slowing=1ms       waits before each answer, for that much longer each second since it began
//   accept-only=N     serves the first N connections and never reads from the others; one that
//                     ends without having sent anything leaves its place to the next
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "echo/socket.hpp"
#include "echo/system_call.hpp"

namespace {

using namespace echomux;
using std::chrono::nanoseconds;

struct Options {
  std::string mode;
  std::uint64_t count = 0;  // the N of a mode that has one
  nanoseconds time{};       // or its time
  nanoseconds period{};     // or the second of its two times
  std::uint64_t size = 64;
  std::uint16_t port = 0;
};

// --- the command line ---

// Takes the number that `text` begins with off it.
std::uint64_t take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) throw std::invalid_argument("a number is missing");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::uint64_t parse_number(std::string_view text) {
  const std::uint64_t value = take_number(text);
  if (!text.empty()) throw std::invalid_argument("not a number: ..." + std::string(text));
  return value;
}

nanoseconds parse_time(std::string_view text) {
  const auto count = static_cast<std::int64_t>(take_number(text));
  if (text == "ns") return nanoseconds(count);
  if (text == "us") return std::chrono::microseconds(count);
  if (text == "ms") return std::chrono::milliseconds(count);
  if (text == "s") return std::chrono::seconds(count);
  throw std::invalid_argument("a time ends in ns, us, ms or s");
}

void parse_mode(std::string_view argument, Options& options) {
  enum class Value { none, count, time, two_times };
  static const std::map<Value, std::set<std::string_view>> modes{
      {Value::none, {"plain", "silent", "refuse", "hang"}},
      {Value::time, {"delay", "burn", "burn-child", "slowing"}},
      {Value::two_times, {"stall"}},
      {Value::count,
       {"drop-idle", "corrupt", "short", "extra", "reset", "die", "accept-only", "leak-descriptor",
        "leak-memory"}}};
  const std::size_t equals = argument.find('=');
  options.mode = argument.substr(0, equals);
  const auto kind = std::ranges::find_if(
      modes, [&](const auto& entry) { return entry.second.contains(options.mode); });
  if (kind == modes.end()) throw std::invalid_argument("no such mode: " + options.mode);
  const Value wanted = kind->first;
  if ((equals != std::string_view::npos) != (wanted != Value::none)) {
    throw std::invalid_argument(options.mode + " takes " +
                                (wanted == Value::none ? "no value" : "a value"));
  }
  if (wanted == Value::none) return;
  const std::string_view value = argument.substr(equals + 1);
  if (wanted == Value::count) options.count = parse_number(value);
  if (wanted == Value::time) options.time = parse_time(value);
  if (wanted == Value::two_times) {
    const std::size_t slash = value.find('/');
    if (slash == std::string_view::npos) throw std::invalid_argument("stall takes TIME/PERIOD");
    options.time = parse_time(value.substr(0, slash));
    options.period = parse_time(value.substr(slash + 1));
    if (options.time >= options.period) throw std::invalid_argument("the period is too short");
  }
}

Options parse(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--port") continue;
    if (argument == "--size") {
      options.size = parse_number(arguments.at(++i));
    } else if (argument.find_first_not_of("0123456789") == std::string_view::npos) {
      options.port = static_cast<std::uint16_t>(parse_number(argument));
    } else {
      parse_mode(argument, options);
    }
  }
  if (options.mode.empty() || options.port == 0 || options.size == 0) {
    throw std::invalid_argument("usage: odd_server PORT MODE[=VALUE] [--size BYTES]");
  }
  return options;
}

// --- time ---

nanoseconds now(clockid_t clock) {
  timespec time{};
  check(::clock_gettime(clock, &time), "clock_gettime");
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void sleep_until(nanoseconds end) {
  const timespec time{.tv_sec = end.count() / 1'000'000'000,
                      .tv_nsec = end.count() % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

// Awake for the last part of it: how late a sleeper is woken would be added to what was asked for.
void wait_until(nanoseconds end) {
  sleep_until(end - std::chrono::microseconds(300));
  while (now(CLOCK_MONOTONIC) < end) {
  }
}

void burn(nanoseconds amount) {
  const nanoseconds end = now(CLOCK_THREAD_CPUTIME_ID) + amount;
  while (now(CLOCK_THREAD_CPUTIME_ID) < end) {
  }
}

// --- the server ---

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Each connection in a thread of its own.
class DelayServer {
 public:
  explicit DelayServer(const Options& options) : options_(options) {}

  [[noreturn]] void serve(int listener) const {
    for (;;) {
      const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer >= 0) std::thread([this, peer] { serve_peer(FileDescriptor(peer)); }).detach();
    }
  }

 private:
  void serve_peer(const FileDescriptor& peer) const {
    std::array<char, 65536> buffer;
    std::uint64_t total = 0;
    for (;;) {
      const ssize_t count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0) return;
      const nanoseconds read = now(CLOCK_MONOTONIC);
      const std::uint64_t before = std::exchange(total, total + static_cast<std::uint64_t>(count));
      if (total / options_.size > before / options_.size) wait_until(read + options_.time);
      if (!send_all(peer.get(), {buffer.data(), static_cast<std::size_t>(count)})) return;
    }
  }

  const Options& options_;
};

// All connections in one thread, with sockets that block: a peer that sends a lot and doesn't read
// stops everybody.
class LoopServer {
 public:
  LoopServer(const Options& options, FileDescriptor listener)
      : options_(options),
        listener_(std::move(listener)),
        epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  [[noreturn]] void serve() {
    watch(listener_.get());
    std::array<epoll_event, 512> events;
    for (;;) {
      const int ready =
          ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        if (mode("stall")) sit_out_the_stall();
        while (mode("hang")) ::pause();
        const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
        if (fd == listener_.get()) {
          accept_peer();
        } else if (connections_.contains(fd)) {
          serve_peer(fd);
        }
      }
    }
  }

 private:
  struct Connection {
    FileDescriptor socket;
    std::uint64_t received = 0;
    bool idle = true;  // nothing yet, or what a client sends first alone: a byte, or such a line
  };

  [[nodiscard]] bool mode(std::string_view name) const { return options_.mode == name; }

  void watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  void sit_out_the_stall() const {
    const nanoseconds time = now(CLOCK_MONOTONIC);
    const nanoseconds begin = time - time % options_.period;
    if (time < begin + options_.time) sleep_until(begin + options_.time);
  }

  void accept_peer() {
    FileDescriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer || mode("refuse")) return;
    const int fd = peer.get();
    connections_[fd].socket = std::move(peer);
    if (mode("accept-only") && served_ == options_.count) {
      unserved_.push_back(fd);
      return;
    }
    ++served_;
    watch(fd);
    leak();
  }

  void leak() {
    if (mode("leak-descriptor") && ++accepted_ % options_.count == 0) {
      leaked_descriptors_.emplace_back(check(::dup(listener_.get()), "dup"));
    }
    if (mode("leak-memory")) leaked_memory_.emplace_back(options_.count, 'x');
  }

  void serve_peer(int fd) {
    const ssize_t count = ::recv(fd, buffer_.data(), buffer_.size() - 1, MSG_DONTWAIT);
    // The event may be an older one's, closed since, whose number this one has got.
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      end(fd);
    } else if (!mode("silent")) {
      answer(fd, static_cast<std::size_t>(count));
    }
  }

  void end(int fd) {
    const bool leaves_its_place = connections_.at(fd).received == 0;
    connections_.erase(fd);
    if (!leaves_its_place) return;
    --served_;
    if (unserved_.empty()) return;
    ++served_;
    watch(unserved_.front());
    unserved_.pop_front();
  }

  void answer(int fd, std::size_t count) {
    Connection& connection = connections_.at(fd);
    const std::uint64_t before = std::exchange(connection.received, connection.received + count);
    connection.idle = connection.received == 1 || (before == 0 && count == 2 && buffer_[1] == '\n');
    const std::uint64_t answered = connection.received / options_.size;
    const std::uint64_t requests = answered - before / options_.size;
    if (mode("burn") || mode("burn-child")) {
      for (std::uint64_t i = 0; i < requests; ++i) burn(options_.time);
    }
    if (mode("slowing")) {
      const nanoseconds time = now(CLOCK_MONOTONIC);
      const auto seconds = std::chrono::duration<double>(time - begin_);
      sleep_until(time + std::chrono::round<nanoseconds>(options_.time * seconds.count()));
    }
    if (!send_all(fd, distorted(before, count))) return end(fd);
    requests_ += requests;
    if (mode("reset") && answered >= options_.count) return reset(fd);
    if (mode("die") && requests_ >= options_.count) ::_exit(7);
    if (mode("drop-idle") && requests_ >= options_.count && !dropped_) {
      dropped_ = true;
      std::erase_if(connections_, [](const auto& entry) { return entry.second.idle; });
    }
  }

  // What to send back for the bytes just read, before which `before` were on this connection.
  std::string_view distorted(std::uint64_t before, std::size_t count) {
    const std::uint64_t after = before + count;
    const std::uint64_t n = options_.count;
    char* const begin = buffer_.data();
    if (mode("corrupt") && before < n && n <= after) begin[n - before - 1] ^= 0x10;
    if (mode("short") && before <= n && n < after) {
      std::copy(begin + (n - before) + 1, begin + count, begin + (n - before));
      --count;
    }
    if (mode("extra") && before < n && n <= after) {
      std::copy_backward(begin + (n - before), begin + count, begin + count + 1);
      begin[n - before] = '?';
      ++count;
    }
    return {begin, count};
  }

  void reset(int fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    end(fd);
  }

  const Options& options_;
  FileDescriptor listener_;
  FileDescriptor epoll_;
  std::vector<char> buffer_ = std::vector<char>(65537);  // one byte more, for "extra"
  std::map<int, Connection> connections_;
  std::deque<int> unserved_;  // accepted and never read from, in that order
  std::uint64_t served_ = 0;
  std::uint64_t requests_ = 0;
  bool dropped_ = false;
  std::uint64_t accepted_ = 0;
  std::vector<FileDescriptor> leaked_descriptors_;
  std::vector<std::string> leaked_memory_;
  nanoseconds begin_ = now(CLOCK_MONOTONIC);
};

void die_with(pid_t parent) {
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  if (::getppid() != parent) ::_exit(1);  // it ended before the line above
}

void serve(const Options& options) {
  check(::prctl(PR_SET_TIMERSLACK, 1), "prctl");
  FileDescriptor listener = listen_on(resolve("127.0.0.1", options.port));
  if (options.mode == "burn-child") {
    const pid_t parent = ::getpid();
    const pid_t child = check(::fork(), "fork");
    if (child != 0) {
      listener.reset();
      ::waitpid(child, nullptr, 0);
      throw std::runtime_error("the child has ended");
    }
    die_with(parent);
  }
  if (options.mode == "delay") DelayServer(options).serve(listener.get());
  LoopServer(options, std::move(listener)).serve();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    die_with(::getppid());
    serve(parse({argv + 1, argv + argc}));
  } catch (const std::exception& error) {
    std::cerr << "odd_server: " << error.what() << '\n';
    return 2;
  }
}
