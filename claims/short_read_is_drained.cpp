// After a read that returned less than asked, is anything left that no further edge will tell of?
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace short_read_is_drained_claim {

constexpr std::size_t sent = 100;
constexpr std::size_t asked = 4096;

// Takes the edge, reads once, asks for another edge, and only then looks whether something was
// left. The end of the stream, which a read tells by returning 0, counts as something.
void observe_case(Evidence& evidence, const std::string& name, const std::string& what, Watch& edge,
                  int fd) {
  note_events(evidence, name + "_events", what + ", the edge", edge.wait(patience));
  evidence.note(name + "_read_bytes", what + ", a read of 4,096 bytes returned",
                double(read_now(fd, asked)));
  const bool told = edge.wait(silence) != 0;
  evidence.note(name + "_left", what + ", something was left and no edge told of it",
                !told && read_now(fd, asked) >= 0);
}

void observe(Laboratory&, Evidence& evidence) {
  {
    const Pipe pipe;
    Watch edge(pipe.read_end.get(), EPOLLIN | EPOLLET);
    deliver(pipe.write_end.get(), pipe.read_end.get(), sent);
    observe_case(evidence, "pipe", "pipe", edge, pipe.read_end.get());
  }
  const auto tcp = [&](const std::string& name, const std::string& what, auto send_more) {
    const Connection connection = tcp_connection();
    const int server = connection.server.get();
    Watch edge(server, EPOLLIN | EPOLLET | EPOLLRDHUP);
    deliver(connection.client.get(), server, sent);
    send_more(connection.client.get(), server);
    observe_case(evidence, name, what, edge, server);
  };
  tcp("tcp", "TCP", [](int, int) {});
  tcp("urgent", "TCP with an urgent byte between", [](int client, int /*server*/) {
    check(::send(client, "!", 1, MSG_OOB | MSG_NOSIGNAL), "send MSG_OOB");
    check(::send(client, "more", 4, MSG_NOSIGNAL), "send");
    await("the peer had acknowledged all", [&] { return unacknowledged(client) == 0; });
  });
  tcp("end", "TCP, the end had come too", [](int client, int server) {
    check(::shutdown(client, SHUT_WR), "shutdown");
    await("the end had arrived", [&] { return tcp_state(server) == TCP_CLOSE_WAIT; });
  });
  const Connection packets = unix_connection(SOCK_DGRAM);
  Watch edge(packets.server.get(), EPOLLIN | EPOLLET);
  for (int i = 0; i < 2; ++i) {
    check(::send(packets.client.get(), "packet", 6, MSG_NOSIGNAL), "send");
  }
  observe_case(evidence, "datagram", "two datagrams", edge, packets.server.get());
}

Finding decide(const Evidence& seen) {
  const auto left = [&](const std::string& name) {
    if (events(seen, name + "_events") == 0 || seen.value(name + "_read_bytes") <= 0) {
      throw std::out_of_range(name + ": there was no edge, or nothing to read");
    }
    return seen.value(name + "_read_bytes") < double(asked) && seen.yes(name + "_left");
  };
  if (left("pipe") || left("tcp")) {
    return {Verdict::refuted,
            fmt::format("of {} bytes that had come a read of {} left some", sent, asked)};
  }
  std::string counter_cases;
  for (const auto& [name, what] :
       {std::pair{"urgent", "an urgent byte ends a read early"},
        std::pair{"end",
                  "an end of the stream that had come with the data was still to be read, as only "
                  "EPOLLRDHUP in the event had told"},
        std::pair{"datagram", "a datagram ends a read early"}}) {
    if (left(name)) counter_cases += (counter_cases.empty() ? "" : "; ") + std::string(what);
  }
  const std::string plain = "plain data of a pipe and of TCP was drained by a short read";
  if (counter_cases.empty()) return {Verdict::holds, plain + ", and all other cases were too"};
  return {Verdict::holds_within_limits,
          plain + ", but no further edge told of what was left here: " + counter_cases};
}

}  // namespace short_read_is_drained_claim

Claim short_read_is_drained() {
  return {.id = "short-read-is-drained",
          .sentence = "A read shorter than asked means drained: no need to read until EAGAIN",
          .sources = "003",
          .method =
              "Edge-triggered, one read of more than has come; then whether a further edge "
              "tells of anything, and whether anything was left: for plain data in a pipe "
              "and over TCP, for TCP data with an urgent byte between, for TCP data whose "
              "end has come as well, and for two datagrams.",
          .decision =
              "Refuted if plain data is left behind; within limits if one of the other "
              "three is, without an edge that tells of it; else it holds.",
          .observe = short_read_is_drained_claim::observe,
          .decide = short_read_is_drained_claim::decide};
}

}  // namespace echomux::claims
