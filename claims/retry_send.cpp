// A peer doesn't read for a while. What does another one feel, when the server retries its send
// until the slow one has taken everything, and when it keeps the rest and goes on?
#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/two_peer_server.hpp"
#include "echo/system_call.hpp"
#include "harness/text/number_text.hpp"
#include "reproduce/watched.hpp"

namespace echomux::claims {
namespace retry_send_claim {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds pause{50};
constexpr double material = 3;

bool comes(int fd, short what, std::chrono::milliseconds limit) {
  pollfd asked{.fd = fd, .events = what, .revents = 0};
  return check(::poll(&asked, 1, static_cast<int>(limit.count())), "poll") > 0;
}

// Sends until there has been no room for a while: now the server has as much for this peer as all
// buffers take, and it is stuck with it. Returns how much that was.
std::size_t send_without_reading(int fd) {
  const std::vector<char> block(std::size_t{64} * 1024);
  std::size_t sent = 0;
  while (comes(fd, POLLOUT, std::chrono::milliseconds(10))) {
    const ssize_t count = ::send(fd, block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  return sent;
}

void read_back(int fd, std::size_t bytes) {
  std::vector<char> in(std::size_t{64} * 1024);
  while (bytes > 0) {
    const ssize_t count = check(::recv(fd, in.data(), std::min(in.size(), bytes), 0), "recv");
    if (count == 0) throw std::runtime_error("the server ended a slow peer");
    bytes -= static_cast<std::size_t>(count);
  }
}

// The longest time that an echo took the steady peer, in milliseconds, while the other one didn't
// read for the pause and then took everything. With `slow` false the other one is silent.
double worst_echo_ms(Unsent unsent, bool slow, const std::optional<int>& cpu) {
  const micro::Watched connections(micro::Kind::tcp, 2);
  const int buffer = 64 * 1024;
  for (const auto* const ends : {&connections.readers(), &connections.writers()}) {
    for (const FileDescriptor& end : *ends) {
      set_time_limit(end.get(), std::chrono::seconds(5));
      check(::setsockopt(end.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer), "setsockopt");
      check(::setsockopt(end.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer), "setsockopt");
    }
  }
  const TwoPeerServer server(connections.readers()[0].get(), connections.readers()[1].get(), unsent,
                             cpu);
  const int other = connections.writers()[0].get();
  const int steady = connections.writers()[1].get();
  const std::size_t owed = slow ? send_without_reading(other) : 0;
  const Clock::time_point reads_again = Clock::now() + pause;
  std::chrono::duration<double, std::milli> worst{0};
  bool read = false;
  for (Clock::time_point sent = Clock::now(); !read && sent < reads_again; sent = Clock::now()) {
    check(::send(steady, "x", 1, MSG_NOSIGNAL), "send");
    if (!comes(steady, POLLIN, std::chrono::ceil<std::chrono::milliseconds>(reads_again - sent))) {
      read_back(other, owed);
      read = true;
    }
    char byte = 0;
    if (check(::recv(steady, &byte, 1, 0), "recv") != 1) throw std::runtime_error("lost a peer");
    worst = std::max<std::chrono::duration<double, std::milli>>(worst, Clock::now() - sent);
  }
  if (!read) read_back(other, owed);
  return worst.count();
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  laboratory.progress("a peer that doesn't read beside one that does");
  std::array<std::vector<double>, 3> ms;
  bench.in_turn(ms.size(), [&](std::size_t i) {
    ms[i].push_back(
        worst_echo_ms(i == 1 ? Unsent::keeps : Unsent::retries, i != 2, bench.server_cpu()));
  });
  evidence.note("pause_ms", "for how long the slow peer doesn't read",
                static_cast<double>(pause.count()));
  evidence.measure("worst_ms_retries", "longest echo of another peer, the server retries", ms[0]);
  evidence.measure("worst_ms_keeps", "the same, the server keeps the rest", ms[1]);
  evidence.measure("worst_ms_all_read", "the same, it retries, but nobody is slow", ms[2]);
}

Finding decide(const Evidence& evidence) {
  const MedianInterval retries = evidence.interval("worst_ms_retries");
  const MedianInterval ratio = evidence.ratio("worst_ms_retries", "worst_ms_keeps");
  const double pause_ms = evidence.value("pause_ms");
  const std::string seen = fmt::format(
      "while a peer doesn't read for {} ms, another one's longest echo takes {} ms when the server "
      "retries and {} ms when it keeps the rest; {} ms when nobody is slow",
      reader_number(pause_ms), reader_number(retries),
      reader_number(evidence.interval("worst_ms_keeps")),
      reader_number(evidence.interval("worst_ms_all_read")));
  if (standing(ratio, material) == Standing::dearer && surely_above(retries, pause_ms / 2)) {
    return {Verdict::refuted, seen + ": everybody waits for the slowest"};
  }
  if (standing(ratio, material) == Standing::dearer) {
    return {Verdict::holds_within_limits, seen + ": they wait, but not as long as the slow one"};
  }
  if (surely_below(ratio, material)) return {Verdict::holds, seen};
  return cannot_tell(seen);
}

}  // namespace retry_send_claim

Claim retry_send() {
  return {.id = "retry-send",
          .sentence =
              "When the peer reads slowly, retrying send until it takes everything is good enough "
              "(what do the other connections feel?)",
          .sources = "003",
          .method =
              "a server of two peers, one of which fills its buffers and doesn't read for 50 ms; "
              "the other sends one byte after the other, and its longest echo counts; nine rounds "
              "in turn with a server that retries, one that keeps the rest, and nobody slow",
          .decision =
              "refuted when the other's longest echo takes surely more than half of the pause and "
              "three times as long as with a server that keeps the rest; within limits when only "
              "the latter, and it holds when it is surely less than that",
          .observe = retry_send_claim::observe,
          .decide = retry_send_claim::decide};
}

}  // namespace echomux::claims
