// What is reported to somebody who has asked for nothing?
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace hup_err_unasked_claim {

void observe_pipe(Evidence& evidence) {
  Pipe no_writer;
  Watch reader(no_writer.read_end.get(), 0);
  deliver(no_writer.write_end.get(), no_writer.read_end.get(), 1);
  note_events(evidence, "pipe_data", "a pipe with data", reader.wait(silence));
  no_writer.write_end.reset();
  note_events(evidence, "pipe_no_writer", "a pipe whose writer is gone", reader.wait(silence));
  Pipe no_reader;
  Watch writer(no_reader.write_end.get(), 0);
  no_reader.read_end.reset();
  note_events(evidence, "pipe_no_reader", "a pipe whose reader is gone", writer.wait(silence));
}

void observe_tcp(Evidence& evidence) {
  {
    const Connection ended = tcp_connection();
    Watch watch(ended.server.get(), 0);
    check(::shutdown(ended.client.get(), SHUT_WR), "shutdown");
    await("the end had arrived", [&] { return tcp_state(ended.server.get()) == TCP_CLOSE_WAIT; });
    note_events(evidence, "tcp_half_closed", "TCP, the peer ended its direction",
                watch.wait(silence));
    check(::shutdown(ended.server.get(), SHUT_WR), "shutdown");
    note_events(evidence, "tcp_both_ended", "TCP, both directions ended", watch.wait(silence));
  }
  Connection broken = tcp_connection();
  Watch watch(broken.server.get(), 0);
  Watch spent(broken.server.get(), EPOLLIN | EPOLLONESHOT);
  deliver(broken.client.get(), broken.server.get(), 1);
  note_events(evidence, "oneshot_fired", "TCP with EPOLLONESHOT, data", spent.wait(patience));
  reset(broken.client);
  note_events(evidence, "tcp_reset", "TCP, the peer reset", watch.wait(patience));
  note_events(evidence, "oneshot_reset", "TCP, the peer reset, EPOLLONESHOT spent",
              spent.wait(silence));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_pipe(evidence);
  observe_tcp(evidence);
}

Finding decide(const Evidence& seen) {
  const auto told = [&](const char* name, std::uint32_t bits) {
    return (events(seen, name) & bits) == bits;
  };
  if (events(seen, "oneshot_fired") == 0) {
    return {Verdict::not_testable_here, "data that came wasn't reported even where asked for"};
  }
  if (events(seen, "pipe_data") != 0 || events(seen, "tcp_half_closed") != 0) {
    return {Verdict::not_testable_here, "events that nobody asked for came for other reasons too"};
  }
  const bool hup = told("pipe_no_writer", EPOLLHUP) && told("tcp_both_ended", EPOLLHUP);
  const bool err = told("pipe_no_reader", EPOLLERR);
  if (!hup || !err || !told("tcp_reset", EPOLLHUP | EPOLLERR)) {
    return {Verdict::refuted,
            fmt::format("asked for nothing, a pipe without writer reported {}, one without reader "
                        "{}, a reset connection {}",
                        events_in_words(events(seen, "pipe_no_writer")),
                        events_in_words(events(seen, "pipe_no_reader")),
                        events_in_words(events(seen, "tcp_reset")))};
  }
  const std::string all = "asked for nothing, pipes and TCP sockets reported EPOLLHUP and EPOLLERR";
  if (events(seen, "oneshot_reset") != 0) return {Verdict::holds, all};
  return {Verdict::holds_within_limits,
          all + "; but a socket whose EPOLLONESHOT was spent did not even report a reset"};
}

}  // namespace hup_err_unasked_claim

Claim hup_err_unasked() {
  return {.id = "hup-err-unasked",
          .sentence = "EPOLLERR and EPOLLHUP are reported whether or not asked for",
          .sources = "000 003",
          .method =
              "Pipe ends and TCP sockets are watched for no events at all, while data comes, "
              "the other end of a pipe is closed, both directions of a connection end, and a "
              "peer resets; and also with EPOLLONESHOT, after its event.",
          .decision =
              "Refuted if one of them stays silent; within limits if only the socket whose "
              "EPOLLONESHOT is spent does. Data and a half-close must not be reported, or "
              "the experiment proves nothing.",
          .observe = hup_err_unasked_claim::observe,
          .decide = hup_err_unasked_claim::decide};
}

}  // namespace echomux::claims
