// What has the peer got when send has returned?
#include <fmt/core.h>
#include <sys/socket.h>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"
#include "echo/socket.hpp"

namespace echomux::claims {
namespace send_is_not_delivery_claim {

constexpr int small_buffers = 16 * 1024;
constexpr std::size_t message = 1000;

// A peer that doesn't read: what its kernel can't hold stays here.
void observe_slow_peer(Evidence& evidence) {
  const Connection connection = tcp_connection(small_buffers);
  const int sender = connection.client.get();
  const std::size_t taken = fill(sender);
  evidence.note("taken_bytes", "taken by send, the peer not reading", double(taken));
  evidence.note("still_here_bytes", "of them the peer's kernel doesn't have",
                double(unacknowledged(sender)));
  take(connection.server.get(), taken);
  evidence.note("all_arrived", "all has arrived once the peer has read",
                eventually([&] { return unacknowledged(sender) == 0; }));
}

// A peer that goes away without having read anything.
void observe_lost(Evidence& evidence) {
  Connection connection = tcp_connection(small_buffers);
  const std::size_t taken = fill(connection.client.get());
  const std::size_t there = unread(connection.server.get());
  reset(connection.server);
  evidence.note("lost_bytes", "taken by send, and in no peer's hands when it reset",
                double(taken - there));
  await("the reset had come", [&] { return write_now(connection.client.get(), 1) < 0; });
}

// A server that has not even accepted the connection.
void observe_not_accepted(Evidence& evidence) {
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const FileDescriptor client = tcp_client_of(listener.get());
  evidence.note("not_accepted_bytes", "taken by send on a connection that nobody has accepted",
                double(write_now(client.get(), message)));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_slow_peer(evidence);
  observe_lost(evidence);
  observe_not_accepted(evidence);
}

Finding decide(const Evidence& seen) {
  if (seen.value("taken_bytes") <= 0 || !seen.yes("all_arrived")) {
    return {Verdict::not_testable_here, "nothing was taken, or never arrived at all"};
  }
  const double here = seen.value("still_here_bytes");
  const double lost = seen.value("lost_bytes");
  const std::string details = fmt::format(
      "of {} bytes that send had taken the peer's kernel lacked {}; {} were lost when a peer "
      "reset; "
      "on a connection that nobody had accepted send took {} of {}",
      seen.value("taken_bytes"), here, lost, seen.value("not_accepted_bytes"), message);
  if (here > 0 && lost > 0) return {Verdict::holds, details};
  const bool partly = here > 0 || lost > 0 || seen.value("not_accepted_bytes") > 0;
  return {partly ? Verdict::holds_within_limits : Verdict::refuted, details};
}

}  // namespace send_is_not_delivery_claim

Claim send_is_not_delivery() {
  return {.id = "send-is-not-delivery",
          .sentence =
              "That send returned says only that the data is in a buffer, not that the "
              "peer has it",
          .sources = "003",
          .method =
              "Over TCP as much is sent as send takes, to a peer that doesn't read (SIOCOUTQ "
              "tells what has not arrived), to one that then resets, and on a connection "
              "that has not been accepted.",
          .decision =
              "Holds if send took bytes that had not arrived, and such that never did; "
              "within limits if only one of the three cases shows it; refuted if what send "
              "takes is always there.",
          .observe = send_is_not_delivery_claim::observe,
          .decide = send_is_not_delivery_claim::decide};
}

}  // namespace echomux::claims
