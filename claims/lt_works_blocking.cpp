// A level-triggered echo server whose sockets block: how far does it go?
#include <sys/socket.h>

#include <atomic>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace lt_works_blocking_claim {

constexpr int small_buffers = 16 * 1024;
constexpr std::size_t message = std::size_t{8} * 1024;

struct TwoPeers {
  Connection one = tcp_connection(small_buffers);
  Connection other = tcp_connection(small_buffers);
};

// One recv and one send per event, both of which may block.
void serve(const TwoPeers& peers, const std::atomic<bool>& stop) {
  const Watch watch;
  for (const int fd : {peers.one.server.get(), peers.other.server.get()}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    check(::epoll_ctl(watch.fd(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
  char buffer[1024];
  while (!stop) {
    epoll_event event{};
    if (::epoll_wait(watch.fd(), &event, 1, int(silence.count()) / 4) != 1) continue;
    const ssize_t count = ::recv(event.data.fd, buffer, sizeof buffer, 0);
    if (count <= 0) return;
    ::send(event.data.fd, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  }
}

// Whether a whole message that this client sends comes back.
bool echoes(const Connection& connection, std::chrono::milliseconds limit) {
  const int client = connection.client.get();
  if (write_now(client, message) != std::ptrdiff_t{message}) return false;
  return eventually([&] { return unread(client) == message; }, limit);
}

void observe(Laboratory&, Evidence& evidence) {
  const TwoPeers peers;
  std::atomic<bool> stop = false;
  const Background server([&] { serve(peers, stop); },
                          [&] {
                            stop = true;
                            for (const Connection* one : {&peers.one, &peers.other}) {
                              ::shutdown(one->client.get(), SHUT_RDWR);
                              ::shutdown(one->server.get(), SHUT_RDWR);
                            }
                          });
  evidence.note("one_echoed", "8 KB come back to one peer", echoes(peers.one, patience));
  take(peers.one.client.get(), unread(peers.one.client.get()));
  evidence.note("other_echoed", "8 KB come back to another", echoes(peers.other, patience));
  take(peers.other.client.get(), unread(peers.other.client.get()));

  const std::size_t sent = fill(peers.one.client.get());
  evidence.note("unread_sent_bytes", "one peer sends without reading, and gets rid of",
                double(sent));
  evidence.note("other_echoed_beside", "8 KB come back to the other beside it",
                echoes(peers.other, 5 * silence));
  take(peers.one.client.get(), unread(peers.one.client.get()));
  const bool goes_on = eventually([&] {
    static_cast<void>(read_now(peers.one.client.get(), message));
    return unread(peers.other.client.get()) == message;
  });
  evidence.note("other_echoed_later", "they do once the first peer reads", goes_on);
}

Finding decide(const Evidence& seen) {
  if (!seen.yes("one_echoed") || !seen.yes("other_echoed")) {
    return {Verdict::refuted, "a blocking socket watched level-triggered did not even echo 8 KB"};
  }
  if (seen.yes("other_echoed_beside")) {
    return {Verdict::holds,
            "a level-triggered server with blocking sockets echoed to two peers, "
            "even beside one that doesn't read"};
  }
  if (!seen.yes("other_echoed_later")) {
    return {Verdict::not_testable_here, "the server did not go on when the peer read again"};
  }
  return {Verdict::holds_within_limits,
          "with one recv per event the server echoed to two peers, but one that sends and doesn't "
          "read put it to sleep in send, and the other went unanswered until it read"};
}

}  // namespace lt_works_blocking_claim

Claim lt_works_blocking() {
  return {.id = "lt-works-blocking",
          .sentence = "LT works with blocking sockets too",
          .sources = "003",
          .method =
              "A level-triggered echo server with blocking sockets, one recv and one send per "
              "event, serves two peers; then one of them sends without reading.",
          .decision =
              "Refuted if a message of 8 KB, which fits into any buffer, doesn't come back; "
              "within limits if none comes back to a peer within 0.3 s beside another that "
              "doesn't read, but does once that reads; else it holds.",
          .observe = lt_works_blocking_claim::observe,
          .decide = lt_works_blocking_claim::decide};
}

}  // namespace echomux::claims
