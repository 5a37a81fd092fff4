// Echo servers within this process, for claims about what they do when they write.
#include <poll.h>

#include "claims/measurements.hpp"
#include "claims/streams.hpp"
#include "echo/stop_event.hpp"
#include "reproduce/watched.hpp"

namespace echomux::claims {
namespace {

using Clock = std::chrono::steady_clock;

// An echo server of TCP connections in the calling thread, whose clients are there too, so that the
// CPU of the server's part can be told from theirs. It either writes at once what it has read, or
// switches its interest from EPOLLIN to EPOLLOUT, writes when that is reported, and switches back.
class EchoInThread {
 public:
  EchoInThread(std::int64_t connections, bool flips)
      : connections_(micro::Kind::tcp, connections), flips_(flips) {
    for (const FileDescriptor& socket : connections_.readers()) watch_.add(socket.get(), EPOLLIN);
  }
  // The server's CPU for one message in microseconds, over at least five milliseconds of it. All
  // clients have sent one when its part begins.
  double message_us() {
    const double before = messages_;
    std::chrono::nanoseconds spent{0};
    while (spent < std::chrono::milliseconds(5)) {
      for (const FileDescriptor& client : connections_.writers()) send(client.get());
      const std::chrono::nanoseconds begin = thread_cpu_time();
      for (std::size_t answered = 0; answered < connections_.size();) answered += turn();
      spent += thread_cpu_time() - begin;
      for (const FileDescriptor& client : connections_.writers()) {
        take(client.get(), message_.size());
        if (unread(client.get()) != 0) throw std::runtime_error("an echo came twice");
      }
      messages_ += double(connections_.size());
    }
    return std::chrono::duration<double, std::micro>(spent).count() / (messages_ - before);
  }
  // The server's system calls for one message, over all that there have been.
  [[nodiscard]] double calls_per_message() const { return calls_ / messages_; }

 private:
  void send(int fd) {
    check(::send(fd, message_.data(), message_.size(), MSG_NOSIGNAL | MSG_DONTWAIT), "send");
  }
  // One wait and what follows; returns how many messages it answered.
  std::size_t turn() {
    const int count =
        check(::epoll_wait(watch_.fd(), events_.data(), int(events_.size()), int(patience.count())),
              "epoll_wait");
    if (count == 0) throw std::runtime_error("a message never came");
    ++calls_;
    return std::size_t(std::count_if(
        events_.begin(), events_.begin() + count,
        [&](const epoll_event& event) { return serve(event.data.fd, event.events); }));
  }
  // True when the message has been answered.
  bool serve(int fd, std::uint32_t events) {
    if ((events & EPOLLIN) != 0) {
      check(::recv(fd, message_.data(), message_.size(), MSG_DONTWAIT), "recv");
      ++calls_;
      if (flips_) {
        interest(fd, EPOLLOUT);
        return false;
      }
    }
    send(fd);
    ++calls_;
    if (flips_) interest(fd, EPOLLIN);
    return true;
  }
  void interest(int fd, std::uint32_t events) {
    watch_.change(fd, events);
    ++calls_;
  }

  micro::Watched connections_;
  bool flips_;
  std::array<char, 64> message_{};
  Watch watch_;
  std::array<epoll_event, 64> events_{};
  double calls_ = 0;
  double messages_ = 0;
};

// Whether a send that found no room is followed by EPOLLOUT once the peer has read, and not before.
bool told_of_room() {
  const Connection connection = tcp_connection();
  static_cast<void>(fill(connection.server.get()));
  Watch watch(connection.server.get(), EPOLLOUT);
  if (watch.wait() != 0) return false;
  return eventually([&] {
    while (read_now(connection.client.get(), 1 << 20) > 0) {
    }
    return watch.wait() != 0;
  });
}

struct Peer {
  int fd = -1;
  std::vector<char> kept = {};
};

// What a server does with what a send has no room for: it waits a millisecond and sends again until
// the peer has taken everything, as a helper around send often does; or it holds the rest and goes
// on with the others until there is room.
enum class Unsent { retries, keeps };

void send_kept(Peer& peer, Unsent unsent, const std::stop_token& stop) {
  while (!peer.kept.empty() && !stop.stop_requested()) {
    const ssize_t count =
        ::send(peer.fd, peer.kept.data(), peer.kept.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      peer.kept.erase(peer.kept.begin(), peer.kept.begin() + count);
      continue;
    }
    if (unsent == Unsent::keeps || errno != EAGAIN) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// A level-triggered echo server of these peers, until it is asked to stop.
void serve(std::array<Peer, 2> peers, Unsent unsent, const std::optional<int>& cpu,
           const std::stop_token& stop) {
  if (cpu) run_on_cpus({*cpu});
  const StopEvent stopped(stop);
  Watch watch(stopped.fd(), EPOLLIN);
  for (const Peer& peer : peers) watch.add(peer.fd, EPOLLIN);
  while (!stop.stop_requested()) {
    epoll_event event{};
    if (::epoll_wait(watch.fd(), &event, 1, -1) < 1 || event.data.fd == stopped.fd()) continue;
    Peer& peer = peers[event.data.fd == peers[0].fd ? 0 : 1];
    // While something is kept for a peer, nothing more is read from it.
    if (peer.kept.empty()) {
      std::vector<char> bytes(std::size_t{64} * 1024);
      const ssize_t count = ::recv(peer.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (count == 0) return;
      if (count > 0) peer.kept.assign(bytes.begin(), bytes.begin() + count);
    }
    send_kept(peer, unsent, stop);
    watch.change(peer.fd, peer.kept.empty() ? EPOLLIN : EPOLLOUT);
  }
}

constexpr std::chrono::milliseconds pause{50};

// The longest time that an echo took the steady peer, in milliseconds, while the other one didn't
// read for the pause and then took everything. With `slow` false the other one is silent.
double worst_echo_ms(Unsent unsent, bool slow, const std::optional<int>& cpu) {
  const Connection one = tcp_connection(2 * small_buffers);
  const Connection two = tcp_connection(2 * small_buffers);
  const std::jthread server([&](const std::stop_token& stop) {
    serve({Peer{one.server.get()}, Peer{two.server.get()}}, unsent, cpu, stop);
  });
  const int other = one.client.get();
  const int steady = two.client.get();
  std::size_t owed = 0;
  // Until there has been no room for a while: the server has as much as all buffers take.
  while (slow && ready(other, POLLOUT, std::chrono::milliseconds(10))) {
    owed += static_cast<std::size_t>(std::max<std::ptrdiff_t>(write_now(other, 1 << 16), 0));
  }
  const Clock::time_point reads_again = Clock::now() + pause;
  std::chrono::duration<double, std::milli> worst{0};
  bool read = false;
  for (Clock::time_point sent = Clock::now(); !read && sent < reads_again; sent = Clock::now()) {
    check(::send(steady, "x", 1, MSG_NOSIGNAL), "send");
    if (!ready(steady, POLLIN, std::chrono::ceil<std::chrono::milliseconds>(reads_again - sent))) {
      take(other, owed);
      read = true;
    }
    take(steady, 1);
    worst = std::max<std::chrono::duration<double, std::milli>>(worst, Clock::now() - sent);
  }
  if (!read) take(other, owed);
  return worst.count();
}

}  // namespace

void observe_interest_flip(Context& context, Evidence& seen) {
  const Bench bench(context);
  context.progress("an echo that switches its interest, and one that doesn't");
  std::array<EchoInThread, 4> echoes{EchoInThread(1, false), EchoInThread(1, true),
                                     EchoInThread(50, false), EchoInThread(50, true)};
  const auto contender = [&](const char* name, const char* what, EchoInThread& echo) {
    return Contender{name, what, [&echo] { return echo.message_us(); }};
  };
  measure_in_turn(
      bench,
      {contender("us_at_once_1", "CPU per message, answered at once, 1 waiting", echoes[0]),
       contender("us_flipping_1", "CPU per message, interest switched twice, 1 waiting", echoes[1]),
       contender("us_at_once_50", "CPU per message, answered at once, 50 waiting", echoes[2]),
       contender("us_flipping_50", "CPU per message, interest switched twice, 50 waiting",
                 echoes[3])},
      seen);
  seen.note("calls_at_once", "calls per message, at once", echoes[0].calls_per_message());
  seen.note("calls_flipping", "calls per message, switched twice", echoes[1].calls_per_message());
  seen.note("needed_when_full", "EPOLLOUT tells when there is room again", told_of_room());
}

void observe_retry_send(Context& context, Evidence& seen) {
  const Bench bench(context);
  context.progress("a peer that doesn't read beside one that does");
  const auto contender = [&](const char* name, const char* what, Unsent unsent, bool slow) {
    return Contender{name, what, [&bench, unsent, slow] {
                       return worst_echo_ms(unsent, slow, bench.server_cpu());
                     }};
  };
  seen.note("pause_ms", "for how long the slow peer doesn't read, in ms", pause.count());
  measure_in_turn(
      bench,
      {contender("worst_ms_retries", "longest echo of another peer, in ms, the server retries",
                 Unsent::retries, true),
       contender("worst_ms_keeps", "longest echo of another peer, in ms, the server keeps the rest",
                 Unsent::keeps, true),
       contender("worst_ms_all_read", "longest echo of another peer, in ms, nobody is slow",
                 Unsent::retries, false)},
      seen);
}

}  // namespace echomux::claims
