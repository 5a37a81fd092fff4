#include "gallery/gallery.hpp"

#include <sys/select.h>

#include <algorithm>
#include <array>

namespace echomux {
namespace {

using Serve = void(FileDescriptor, std::stop_token, const ServerOptions&, ServerStats&);

}  // namespace

// One line each in both: the two are compiled from the same name.
namespace broken {
Serve serve_one_recv;
Serve serve_short_write;
Serve serve_blocking_descriptor;
Serve serve_epollout_always;
Serve serve_fd_setsize;
Serve serve_leak_on_reset;
Serve serve_error_ends_server;
Serve serve_emfile_spin;
Serve serve_retry_send;
Serve serve_stale_events;
Serve serve_wait_for_hup;
Serve serve_deaf_accept;
Serve serve_unbounded_buffer;
Serve serve_sigpipe;
}  // namespace broken

namespace mended {
Serve serve_one_recv;
Serve serve_short_write;
Serve serve_blocking_descriptor;
Serve serve_epollout_always;
Serve serve_fd_setsize;
Serve serve_leak_on_reset;
Serve serve_error_ends_server;
Serve serve_emfile_spin;
Serve serve_retry_send;
Serve serve_stale_events;
Serve serve_wait_for_hup;
Serve serve_deaf_accept;
Serve serve_unbounded_buffer;
Serve serve_sigpipe;
}  // namespace mended

namespace {

constexpr Backend broken_twin(std::string_view name, Serve* serve) {
  return {.name = name,
          .summary = "broken on purpose",
          .limit = "open descriptors (ulimit -n)",
          .serve = serve};
}

constexpr Backend mended_twin(std::string_view name, Serve* serve) {
  Backend twin = broken_twin(name, serve);
  twin.summary = "the same without its bug";
  return twin;
}

constexpr Backend with_fd_setsize(Backend twin) {
  twin.limit = "descriptors below FD_SETSIZE (1024)";
  twin.max_connections = FD_SETSIZE;
  return twin;
}

constexpr std::array exhibits{
    Exhibit{.name = "one_recv",
            .symptom =
                "answers to long messages stop in the middle, and go on when the peer sends more",
            .bug = "edge-triggered, it receives once per event, and the rest of a long message "
                   "waits until more arrives",
            .caught_by = "EchoesMoreThanAllBuffersHold",
            .broken = broken_twin("broken_one_recv", &broken::serve_one_recv),
            .mended = mended_twin("mended_one_recv", &mended::serve_one_recv)},
    Exhibit{
        .name = "short_write",
        .symptom = "bytes in the middle of a long stream are missing when the peer reads slowly",
        .bug = "it takes every send for a whole one, and forgets what the kernel had no room for",
        .caught_by = "EchoesMoreThanAllBuffersHold",
        .broken = broken_twin("broken_short_write", &broken::serve_short_write),
        .mended = mended_twin("mended_short_write", &mended::serve_short_write)},
    Exhibit{
        .name = "blocking_descriptor",
        .symptom =
            "a peer that falls silent keeps all others waiting until it speaks again or leaves",
        .bug =
            "accepted sockets are left blocking, and it receives until an EAGAIN that never comes",
        .caught_by = "KeepsManyOpenStreamsApart",
        .broken = broken_twin("broken_blocking_descriptor", &broken::serve_blocking_descriptor),
        .mended = mended_twin("mended_blocking_descriptor", &mended::serve_blocking_descriptor)},
    Exhibit{.name = "epollout_always",
            .symptom = "every byte is right, and the CPU is busy as long as anybody is connected",
            .bug = "it watches for room to send, of which there is nearly always some, while it "
                   "has nothing to send",
            .caught_by = "SleepsWhileItsPeersAreIdle",
            .broken = broken_twin("broken_epollout_always", &broken::serve_epollout_always),
            .mended = mended_twin("mended_epollout_always", &mended::serve_epollout_always)},
    Exhibit{.name = "fd_setsize",
            .symptom = "it ends at about the thousandth connection",
            .bug = "it puts descriptors into an fd_set that has no bit for them",
            .caught_by = "ServesOrTurnsAwayMoreThanAnFdSetHolds",
            .broken = broken_twin("broken_fd_setsize", &broken::serve_fd_setsize),
            .mended = with_fd_setsize(mended_twin("mended_fd_setsize", &mended::serve_fd_setsize))},
    Exhibit{
        .name = "leak_on_reset",
        .symptom = "after days or weeks it accepts nobody any more",
        .bug =
            "a connection that ends with an error is forgotten, but its descriptor is not closed",
        .caught_by = "SurvivesResets",
        .broken = broken_twin("broken_leak_on_reset", &broken::serve_leak_on_reset),
        .mended = mended_twin("mended_leak_on_reset", &mended::serve_leak_on_reset)},
    Exhibit{.name = "error_ends_server",
            .symptom = "now and then it ends, and says only that a connection was reset",
            .bug = "an error of one connection is thrown as far as main",
            .caught_by = "SurvivesResets",
            .broken = broken_twin("broken_error_ends_server", &broken::serve_error_ends_server),
            .mended = mended_twin("mended_error_ends_server", &mended::serve_error_ends_server)},
    Exhibit{.name = "emfile_spin",
            .symptom = "when too many are connected, the CPU is busy with nothing",
            .bug = "out of descriptors, it goes on watching the listener, which stays ready",
            .caught_by = "NoticesDescriptorsThatComeFreeElsewhere",
            .broken = broken_twin("broken_emfile_spin", &broken::serve_emfile_spin),
            .mended = mended_twin("mended_emfile_spin", &mended::serve_emfile_spin)},
    Exhibit{.name = "retry_send",
            .symptom = "when one peer stops reading, nobody is served any more",
            .bug = "it tries again and again to send to the one peer that has no room",
            .caught_by = "AStalledPeerHoldsUpNoOther",
            .broken = broken_twin("broken_retry_send", &broken::serve_retry_send),
            .mended = mended_twin("mended_retry_send", &mended::serve_retry_send)},
    Exhibit{.name = "stale_events",
            .symptom = "rarely, a newcomer is closed before it has said a word",
            .bug = "an event of a connection that was closed in the same turn is taken for one of "
                   "a newcomer that got the same descriptor number",
            .caught_by = "ClosesNoNewcomerForOneThatLeft",
            .broken = broken_twin("broken_stale_events", &broken::serve_stale_events),
            .mended = mended_twin("mended_stale_events", &mended::serve_stale_events)},
    Exhibit{.name = "wait_for_hup",
            .symptom =
                "peers that have left stay connected, and those that await the end wait for ever",
            .bug = "it waits for EPOLLHUP to clean up, which comes only after its own end",
            .caught_by = "AnswersAnEmptyStreamWithItsEnd",
            .broken = broken_twin("broken_wait_for_hup", &broken::serve_wait_for_hup),
            .mended = mended_twin("mended_wait_for_hup", &mended::serve_wait_for_hup)},
    Exhibit{
        .name = "deaf_accept",
        .symptom =
            "once, for a moment, it had too many descriptors open; since then it accepts nobody",
        .bug = "it stops watching the listener when descriptors run out, and starts again only "
               "when a connection of its own ends",
        .caught_by = "NoticesDescriptorsThatComeFreeElsewhere",
        .broken = broken_twin("broken_deaf_accept", &broken::serve_deaf_accept),
        .mended = mended_twin("mended_deaf_accept", &mended::serve_deaf_accept)},
    Exhibit{.name = "unbounded_buffer",
            .symptom = "its memory grows without end while a peer sends without reading",
            .bug = "it receives whatever comes, and keeps what it can not send",
            .caught_by = "HoldsLittleForPeersThatDoNotRead",
            .broken = broken_twin("broken_unbounded_buffer", &broken::serve_unbounded_buffer),
            .mended = mended_twin("mended_unbounded_buffer", &mended::serve_unbounded_buffer)},
    Exhibit{
        .name = "sigpipe",
        .symptom = "now and then it is gone, without a word",
        .bug = "it sends to a peer that is gone without MSG_NOSIGNAL, and SIGPIPE ends the process",
        .caught_by = "SurvivesAPeerThatIsGoneBeforeItsEcho",
        .broken = broken_twin("broken_sigpipe", &broken::serve_sigpipe),
        .mended = mended_twin("mended_sigpipe", &mended::serve_sigpipe)},
};

}  // namespace

std::span<const Exhibit> gallery() noexcept {
  return exhibits;
}

const Exhibit* find_exhibit(std::string_view server) noexcept {
  const auto* const found = std::ranges::find_if(exhibits, [&](const Exhibit& exhibit) {
    return exhibit.broken.name == server || exhibit.mended.name == server;
  });
  return found == exhibits.end() ? nullptr : found;
}

}  // namespace echomux
