// How much of a long message comes back from a server that reads once per event?
#include <fmt/core.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/watch.hpp"

namespace echomux::claims {
namespace et_single_read_stalls_claim {

constexpr std::size_t message = std::size_t{64} * 1024;
constexpr int rounds_of_each = 6;

struct EchoLoop {
  std::uint32_t mode;  // EPOLLET or 0
  bool until_empty;    // read until there is no more, or once
};

// The server of the listings: wait, receive up to 1,024 bytes, send them back.
void serve(int socket, EchoLoop loop, const std::atomic<bool>& stop) {
  Watch watch(socket, EPOLLIN | loop.mode);
  char buffer[1024];
  while (!stop) {
    if (watch.wait(silence / 4) == 0) continue;
    do {
      const ssize_t count = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count <= 0) break;
      // The buffers hold the whole message, so that this doesn't block.
      ::send(socket, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL);
    } while (loop.until_empty);
  }
}

// All that comes back until nothing has come for the time `silence`.
std::size_t echoed(int client) {
  std::size_t sum = 0;
  Watch watch(client, EPOLLIN);
  while (watch.wait(2 * silence) != 0) {
    const std::ptrdiff_t count = read_now(client, message);
    if (count <= 0) break;
    sum += static_cast<std::size_t>(count);
  }
  return sum;
}

void observe_loop(Evidence& evidence, const std::string& name, EchoLoop loop) {
  std::vector<double> back;
  std::vector<double> after_nudge;
  for (int i = 0; i < rounds_of_each; ++i) {
    const Connection connection = tcp_connection();
    std::atomic<bool> stop = false;
    const Background server([&] { serve(connection.server.get(), loop, stop); },
                            [&] {
                              stop = true;
                              ::shutdown(connection.server.get(), SHUT_RDWR);
                            });
    const std::vector<char> bytes(message, 'x');
    ::send(connection.client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    back.push_back(double(echoed(connection.client.get())));
    ::send(connection.client.get(), "y", 1, MSG_NOSIGNAL);
    after_nudge.push_back(double(echoed(connection.client.get())));
  }
  evidence.measure(name + "_echoed_bytes", name + ": of a message of 64 KiB came back",
                   std::move(back));
  evidence.measure(name + "_nudged_bytes", name + ": and when one byte more was sent",
                   std::move(after_nudge));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_loop(evidence, "et_once", {.mode = EPOLLET, .until_empty = false});
  observe_loop(evidence, "et_drain", {.mode = EPOLLET, .until_empty = true});
  observe_loop(evidence, "lt_once", {.mode = 0, .until_empty = false});
}

Finding decide(const Evidence& seen) {
  const double whole = message;
  if (seen.value("et_drain_echoed_bytes") != whole || seen.value("lt_once_echoed_bytes") != whole) {
    return {Verdict::not_testable_here,
            "not even the loops that must echo everything did: the machine is too slow for this"};
  }
  const double once = seen.value("et_once_echoed_bytes");
  const double nudged = seen.value("et_once_nudged_bytes");
  const std::string back = fmt::format(
      "with one read of 1,024 bytes per edge {} of 65,536 bytes came back, and {} more when one "
      "byte more was sent; with reading until EAGAIN, or level-triggered, all came back",
      once, nudged);
  if (once >= whole) return {Verdict::refuted, back};
  return {nudged > 0 ? Verdict::holds : Verdict::holds_within_limits, back};
}

}  // namespace et_single_read_stalls_claim

Claim et_single_read_stalls() {
  return {.id = "et-single-read-stalls",
          .sentence =
              "Under ET a single recv per event loses the rest of a long message until "
              "more arrives (as the listings of 001 and 002 do)",
          .sources = "001 002",
          .method =
              "An echo server that reads up to 1,024 bytes once per event is sent 64 KiB, and "
              "then one byte; and for comparison one that reads until EAGAIN, and one that "
              "is level-triggered. Six rounds of each.",
          .decision =
              "Holds if in the median round less than all came back, and more of it after "
              "the one byte; within limits if that byte didn't help; refuted if all came "
              "back. It can only be told where the other two echoed everything.",
          .observe = et_single_read_stalls_claim::observe,
          .decide = et_single_read_stalls_claim::decide};
}

}  // namespace echomux::claims
