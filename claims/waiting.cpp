// Claims about who sleeps, what wakes it, and what is in the buffers then.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <termios.h>

#include <csignal>

#include "claims/streams.hpp"
#include "echo/socket.hpp"
#include "harness/machine/cpu.hpp"

namespace echomux::claims {
namespace {

// The connection's ends can be used no more, so that a thread that waits for them goes on.
void end(const Connection& connection) {
  ::shutdown(connection.client.get(), SHUT_RDWR);
  ::shutdown(connection.server.get(), SHUT_RDWR);
}

int wait_for_one(const Watch& watch, int timeout) {
  epoll_event event{};
  return ::epoll_wait(watch.fd(), &event, 1, timeout);
}

// A thread waits without a limit until a signal with a handler comes, even one that asks for system
// calls to be restarted. Whether that ended the wait with EINTR.
bool signal_ends_wait() {
  struct sigaction handler {};
  struct sigaction before {};
  handler.sa_handler = [](int) {};
  handler.sa_flags = SA_RESTART;
  check(::sigaction(SIGURG, &handler, &before), "sigaction");
  bool ended = false;
  {
    const Pipe pipe;
    const Watch watch(pipe.read_end.get(), EPOLLIN);
    std::atomic<pthread_t> thread{};
    std::atomic<int> error = -1;
    const Background waiter(
        [&] {
          sigset_t mask;
          ::sigemptyset(&mask);
          ::sigaddset(&mask, SIGURG);
          ::pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
          thread = ::pthread_self();
          error = wait_for_one(watch, -1) < 0 ? errno : 0;
        },
        [&] { static_cast<void>(write_now(pipe.write_end.get(), 1)); });
    const bool slept = waiter.falls_asleep();
    if (slept) ::pthread_kill(thread, SIGURG);
    ended = slept && waiter.ended_within(10 * silence) && error == EINTR;
  }
  check(::sigaction(SIGURG, &before, nullptr), "sigaction");
  return ended;
}

void observe_timeouts(Context&, Evidence& seen) {
  const Pipe pipe;
  const Watch watch(pipe.read_end.get(), EPOLLIN);
  const auto time = [&](const char* name, int timeout) {
    std::vector<double> ms;
    for (int i = 0; i < 9; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      check(wait_for_one(watch, timeout), "epoll_wait");
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      ms.push_back(took.count());
    }
    seen.measure(name, fmt::format("how long a wait took with a limit of {}, in ms", timeout),
                 std::move(ms));
  };
  time("zero_ms", 0);
  time("limit_ms", 20);
  std::atomic<int> returned = -1;
  const auto release = [&] { static_cast<void>(write_now(pipe.write_end.get(), 1)); };
  const Background waiter([&] { returned = wait_for_one(watch, -1); }, release);
  seen.note("endless_slept", "-1 and nothing happens: the thread sleeps",
            waiter.falls_asleep() && !waiter.ended_within(5 * silence));
  release();
  seen.note("endless_woken", "-1 and data comes: it reports one event",
            waiter.ended_within(patience) && returned == 1);
  seen.note("signal_ended", "-1 and a signal comes: EINTR", signal_ends_wait());
}

// One byte back for one byte that comes; false when there is nothing more to be had.
bool echo_once(int socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, 0) == 1 && ::send(socket, &byte, 1, MSG_NOSIGNAL) == 1;
}

// Two peers, one of which is silent, and a thread that serves them.
struct TwoPeers {
  explicit TwoPeers(const std::function<void(int silent, int talking)>& serve)
      : thread([this, serve] { serve(silent.server.get(), talking.server.get()); },
               [this] { end(silent), end(talking); }) {
    static_cast<void>(write_now(talking.client.get(), 1));
  }
  [[nodiscard]] bool answered(std::chrono::milliseconds limit) const {
    return eventually([&] { return unread(talking.client.get()) == 1; }, limit);
  }
  Connection silent = tcp_connection();
  Connection talking = tcp_connection();
  Background thread;
};

void observe_one_stream(Context&, Evidence& seen) {
  const TwoPeers blocking([](int silent, int talking) {
    while (echo_once(silent) && echo_once(talking)) {
    }
  });
  seen.note("blocking_asleep", "the thread sleeps, a peer has sent",
            blocking.thread.falls_asleep());
  seen.note("blocking_served", "that peer is answered in 0.3 s", blocking.answered(5 * silence));
  static_cast<void>(write_now(blocking.silent.client.get(), 1));
  seen.note("blocking_served_later", "it is once the silent one sends",
            blocking.answered(patience));
  const TwoPeers polling([](int silent, int talking) {
    std::array watched{pollfd{.fd = silent, .events = POLLIN, .revents = 0},
                       pollfd{.fd = talking, .events = POLLIN, .revents = 0}};
    for (bool open = true; open && ::poll(watched.data(), watched.size(), -1) > 0;) {
      for (const pollfd& one : watched) open = open && (one.revents == 0 || echo_once(one.fd));
    }
  });
  seen.note("poll_served", "a thread with poll answers that peer", polling.answered(patience));
}

// When do a blocked reader and a blocked writer sleep and wake?
void observe_buffer(Evidence& seen, const std::string& on, int from, int to) {
  {
    const auto write_one = [&] { static_cast<void>(write_now(from, 1)); };
    char byte = 0;
    const Background reader([&] { static_cast<void>(::read(to, &byte, 1)); }, write_one);
    seen.note(on + "_empty_sleeps", on + " empty: the reader sleeps", reader.falls_asleep());
    write_one();
    seen.note(on + "_not_empty_wakes", on + " not empty: it wakes", reader.ended_within(patience));
  }
  const std::size_t capacity = fill(from);
  seen.note(on + "_capacity_bytes", on + " takes until it is full", capacity);
  const Background writer([&] { static_cast<void>(::write(from, "x", 1)); },
                          [&] {
                            while (eventually([&] { return unread(to) > 0; }, silence)) {
                              take(to, unread(to));
                            }
                          });
  seen.note(on + "_full_sleeps", on + " full: the writer sleeps", writer.falls_asleep());
  take(to, 1);
  seen.note(on + "_one_byte_wakes", on + ", one byte read: it wakes", writer.ended_within(silence));
  std::size_t read = 1;
  while (!writer.ended_within(silence / 10) && read < capacity) {
    read += std::size_t(std::max<std::ptrdiff_t>(read_now(to, 1024), 0));
  }
  seen.note(on + "_not_full_wakes", on + " not full: it wakes", writer.ended_within(patience));
  seen.note(on + "_read_until_awake_bytes", on + ", bytes read until then", read);
}

void observe_buffers(Context&, Evidence& seen) {
  on_pipe_and_tcp(
      [&](const std::string& on, int from, int to) { observe_buffer(seen, on, from, to); },
      small_buffers);
}

// The receiver doesn't read, so that what it can't hold stays in the sender's buffer.
void observe_room(Context&, Evidence& seen) {
  const Connection connection = tcp_connection(4 * small_buffers);
  const int sender = connection.client.get();
  Watch watch(sender, EPOLLOUT);
  seen.events("idle", "EPOLLOUT asked for, nothing sent yet", watch.wait());
  const auto note_queued = [&](const std::string& name, const char* what, std::uint32_t events) {
    seen.note(name + "_queued_bytes", fmt::format("bytes in the buffer, {}", what),
              unacknowledged(sender));
    seen.events(name, fmt::format("EPOLLOUT asked for, {}", what), events);
  };
  std::size_t sent = 0;
  bool stays = false;
  while (!stays && watch.wait(silence) != 0) {
    sent += std::size_t(std::max<std::ptrdiff_t>(write_now(sender, 4096), 0));
    // On its way is not in the buffer for long; what stays, stays there.
    stays = !eventually([&] { return unacknowledged(sender) == 0; }, silence);
  }
  note_queued("partly", "partly filled", watch.wait());
  sent += fill(sender);
  note_queued("full", "full", watch.wait(silence));
  for (std::size_t read = 0; watch.wait(silence / 10) == 0 && read < sent;) {
    read += std::size_t(std::max<std::ptrdiff_t>(read_now(connection.server.get(), 1024), 0));
  }
  note_queued("again", "when it has been full and has room again", watch.wait());
}

void observe_delivery(Context&, Evidence& seen) {
  const Connection slow = tcp_connection(small_buffers);
  const std::size_t taken = fill(slow.client.get());
  seen.note("taken_bytes", "bytes taken by send, the peer not reading", taken);
  seen.note("still_here_bytes", "bytes that have not arrived", unacknowledged(slow.client.get()));
  take(slow.server.get(), taken);
  seen.note("all_arrived", "all has arrived once the peer has read",
            eventually([&] { return unacknowledged(slow.client.get()) == 0; }));
  Connection lost = tcp_connection(small_buffers);
  const std::size_t sent = fill(lost.client.get());
  seen.note("lost_bytes", "bytes taken by send, and in no peer's hands when it reset",
            double(sent - unread(lost.server.get())));
  reset(lost.server);
  await("the reset had come", [&] { return write_now(lost.client.get(), 1) < 0; });
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const FileDescriptor client = tcp_client_of(listener.get());
  seen.note("not_accepted_bytes", "bytes of 1,000 taken on a connection that nobody accepted",
            write_now(client.get(), 1000));
}

// How often this thread has gone to sleep of its own accord.
double times_slept() {
  rusage usage{};
  check(::getrusage(RUSAGE_THREAD, &usage), "getrusage");
  return double(usage.ru_nvcsw);
}

// Runs `wait`, which returns the number of system calls that it took until data came, in a thread,
// and lets data come only after 300 ms.
template <typename Wait>
void observe_waiting(Evidence& seen, const std::string& name, Wait wait) {
  const Connection connection = tcp_connection();
  const auto wake = [&] { static_cast<void>(write_now(connection.client.get(), 1)); };
  std::array<std::atomic<double>, 3> used{};
  const Background thread(
      [&] {
        const auto before = thread_cpu_time();
        const double sleeps = times_slept();
        used[0] = double(wait(connection.server.get()));
        used[1] = times_slept() - sleeps;
        used[2] = std::chrono::duration<double, std::milli>(thread_cpu_time() - before).count();
      },
      wake);
  static_cast<void>(thread.ended_within(5 * silence));
  wake();
  await("the data was noticed", [&] { return thread.ended_within(at_once); });
  seen.note(name + "_calls", "system calls of " + name, used[0]);
  seen.note(name + "_voluntary_switches", "times that " + name + " went to sleep", used[1]);
  seen.note(name + "_cpu_ms", "CPU time in ms, nothing happens for 300 ms, of " + name, used[2]);
}

void observe_silent_time(Context&, Evidence& seen) {
  observe_waiting(seen, "busy", [](int fd) {
    long calls = 1;
    char byte = 0;
    while (::recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) ++calls;
    return calls;
  });
  observe_waiting(seen, "select", [](int fd) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return ::select(fd + 1, &set, nullptr, nullptr, nullptr);
  });
}

constexpr int copied_bytes = 128 * 1024;

// Blocking reads of as much as is there: their CPU time, and how often one went to sleep.
void observe_read(Evidence& seen, const std::string& name, std::size_t count) {
  const Connection connection = tcp_connection(4 * copied_bytes);
  Watch watch(connection.server.get(), EPOLLIN);
  std::vector<char> buffer(count);
  std::vector<double> cpu_us;
  double sleeps = 0;
  for (int i = 0; i < 15; ++i) {
    deliver(connection.client.get(), connection.server.get(), count);
    await("it was reported", [&] { return watch.wait() != 0; });
    const double slept = times_slept();
    // To read that clock is a system call itself, and no shorter than a small read.
    const auto before_nothing = thread_cpu_time();
    const auto begin = thread_cpu_time();
    const ssize_t got = ::recv(connection.server.get(), buffer.data(), count, 0);
    const auto used = (thread_cpu_time() - begin) - (begin - before_nothing);
    cpu_us.push_back(std::max(std::chrono::duration<double, std::micro>(used).count(), 0.01));
    sleeps += times_slept() - slept;
    if (got != ssize_t(count)) throw std::runtime_error("a read was short");
  }
  seen.measure(name + "_cpu_us", fmt::format("CPU in µs of a read of {} bytes", count),
               std::move(cpu_us));
  seen.note(name + "_sleeps", fmt::format("of 15 reads of {} bytes went to sleep", count), sleeps);
}

void observe_reads(Context&, Evidence& seen) {
  observe_read(seen, "small", 64);
  observe_read(seen, "large", copied_bytes);
  // Another reader is faster, so that what was ready is so no more.
  const Connection connection = tcp_connection();
  const int server = connection.server.get();
  Watch watch(server, EPOLLIN);
  deliver(connection.client.get(), server, 1);
  seen.events("ready", "data came", watch.wait(patience));
  take(server, 1);
  const Background reader([&] { echo_once(server); }, [&] { end(connection); });
  seen.note("taken_sleeps", "another has read it: a blocking read sleeps", reader.falls_asleep());
}

// A pseudo-terminal in packet mode reports changes of state as EPOLLPRI (ioctl_tty(2), TIOCPKT).
void observe_terminal(Evidence& seen) {
  const FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) return;
  char name[64];
  if (::ptsname_r(master.get(), name, sizeof name) != 0) return;
  const FileDescriptor terminal(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  const int on = 1;
  if (!terminal || ::ioctl(master.get(), TIOCPKT, &on) != 0) return;
  Watch watch(master.get(), EPOLLPRI);
  seen.events("terminal_before", "a pseudo-terminal in packet mode", watch.wait(silence));
  check(::tcflush(terminal.get(), TCIFLUSH), "tcflush");
  seen.events("terminal_flushed", "a pseudo-terminal, its input was flushed", watch.wait(silence));
}

void observe_urgent(Context&, Evidence& seen) {
  const Connection connection = tcp_connection();
  const int client = connection.client.get();
  const int server = connection.server.get();
  Watch watch(server, EPOLLIN | EPOLLPRI);
  deliver(client, server, 10);
  seen.events("plain", "TCP, plain data", watch.wait(patience));
  take(server, 10);
  check(::send(client, "abc", 3, MSG_OOB | MSG_NOSIGNAL), "send MSG_OOB");
  await("the peer had acknowledged all", [&] { return unacknowledged(client) == 0; });
  seen.events("urgent", "TCP, three bytes sent with MSG_OOB", watch.wait(patience));
  char bytes[3];
  seen.note("urgent_read_bytes", "of three sent as urgent, urgent",
            double(::recv(server, bytes, sizeof bytes, MSG_OOB | MSG_DONTWAIT)));
  seen.note("urgent_in_stream_bytes", "of three, in the stream", read_now(server, sizeof bytes));
  observe_terminal(seen);
}

}  // namespace

std::span<const Test> waiting_tests() noexcept {
  static constexpr std::array all{
      Test{"wait-timeout", observe_timeouts},
      Test{"one-stream", observe_one_stream},
      Test{"four-events", observe_buffers},
      Test{"out-means-empty", observe_room},
      Test{"send-is-not-delivery", observe_delivery},
      Test{"select-is-busy-polling", observe_silent_time},
      Test{"readiness-is-synchronous", observe_reads},
      Test{"pri-is-oob", observe_urgent},
  };
  return all;
}

}  // namespace echomux::claims
