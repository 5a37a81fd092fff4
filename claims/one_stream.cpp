// Two peers, one thread that blocks in recv: who is served?
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/streams.hpp"

namespace echomux::claims {
namespace one_stream_claim {

// One byte back for each one byte that comes; false when there is nothing more to be had.
bool echo_once(int socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, 0) == 1 && ::send(socket, &byte, 1, MSG_NOSIGNAL) == 1;
}

struct TwoPeers {
  Connection silent = tcp_connection();
  Connection talking = tcp_connection();

  void end() const {
    ::shutdown(silent.client.get(), SHUT_RDWR);
    ::shutdown(talking.client.get(), SHUT_RDWR);
  }
  // Whether the talking one has its byte back within this time.
  [[nodiscard]] bool answered(std::chrono::milliseconds limit) const {
    return eventually([&] { return unread(talking.client.get()) == 1; }, limit);
  }
};

// Serves the two in turn with calls that block.
void observe_blocking(Evidence& evidence) {
  const TwoPeers peers;
  const Background thread(
      [&] {
        while (echo_once(peers.silent.server.get()) && echo_once(peers.talking.server.get())) {
        }
      },
      [&] { peers.end(); });
  deliver(peers.talking.client.get(), peers.talking.server.get(), 1);
  evidence.note("blocking_asleep", "the blocking thread sleeps, though a peer has sent",
                thread.falls_asleep());
  evidence.note("blocking_served", "that peer is answered within 0.3 s",
                peers.answered(5 * silence));
  static_cast<void>(write_now(peers.silent.client.get(), 1));
  evidence.note("blocking_served_later", "it is once the silent peer has sent, too",
                peers.answered(patience));
}

// Serves whichever of the two poll(2) tells of.
void observe_poll(Evidence& evidence) {
  const TwoPeers peers;
  const Background thread(
      [&] {
        std::array watched{
            pollfd{.fd = peers.silent.server.get(), .events = POLLIN, .revents = 0},
            pollfd{.fd = peers.talking.server.get(), .events = POLLIN, .revents = 0}};
        for (bool open = true; open && ::poll(watched.data(), watched.size(), -1) > 0;) {
          for (const pollfd& one : watched) open = open && (one.revents == 0 || echo_once(one.fd));
        }
      },
      [&] { peers.end(); });
  static_cast<void>(write_now(peers.talking.client.get(), 1));
  evidence.note("poll_served", "a thread with poll answers though the other peer is silent",
                peers.answered(patience));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_blocking(evidence);
  observe_poll(evidence);
}

Finding decide(const Evidence& seen) {
  if (!seen.yes("poll_served")) {
    return {Verdict::not_testable_here, "not even a thread that waits for both served the peer"};
  }
  if (seen.yes("blocking_served")) {
    return {Verdict::refuted, "the blocking thread served one peer while it waited for the other"};
  }
  if (!seen.yes("blocking_asleep") || !seen.yes("blocking_served_later")) {
    return {Verdict::not_testable_here, "the blocking thread served nobody, for other reasons"};
  }
  return {Verdict::holds,
          "while the thread slept in recv for a silent peer, another that had sent went "
          "unanswered until the silent one sent too; a thread with poll answered it at once"};
}

}  // namespace one_stream_claim

Claim one_stream() {
  return {.id = "one-stream",
          .sentence = "A blocking thread serves one stream at a time",
          .sources = "004",
          .method =
              "One thread serves two connections in turn with blocking calls; the second "
              "peer sends while the first is silent. Then the same with poll.",
          .decision =
              "Holds if the second is not answered for 0.3 s, but is when the first sends "
              "(an answer takes far less than a millisecond otherwise); refuted if it is. "
              "It can only be told where the thread with poll answers.",
          .observe = one_stream_claim::observe,
          .decide = one_stream_claim::decide};
}

}  // namespace echomux::claims
