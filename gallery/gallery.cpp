#include "gallery/gallery.hpp"

#include <sys/select.h>

#include <algorithm>

#include "gallery/blocking_descriptor/mended.hpp"
#include "gallery/deaf_accept/broken.hpp"
#include "gallery/emfile_spin/broken.hpp"
#include "gallery/epollout_always/broken.hpp"
#include "gallery/error_ends_server/broken.hpp"
#include "gallery/leak_on_reset/broken.hpp"
#include "gallery/one_accept/mended.hpp"
#include "gallery/one_recv/mended.hpp"
#include "gallery/retry_send/broken.hpp"
#include "gallery/short_write/broken.hpp"
#include "gallery/sigpipe/broken.hpp"
#include "gallery/sigpipe/mended.hpp"
#include "gallery/stale_events/mended.hpp"
#include "gallery/support/serve.hpp"
#include "gallery/unbounded_buffer/mended.hpp"
#include "gallery/undrained_wakeup/mended.hpp"
#include "gallery/wait_for_hup/broken.hpp"
#include "gallery/wrong_unit/broken.hpp"

namespace echomux {

namespace fd_setsize {
class Broken;
class Mended;
}  // namespace fd_setsize
extern template Serve serve_with<fd_setsize::Broken>;
extern template Serve serve_with<fd_setsize::Mended>;

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
            .symptom = "answers to long messages stop in the middle, and go on when the peer sends "
                       "more",
            .bug = "edge-triggered, it receives once per event, and the rest of a long message "
                   "waits until more arrives",
            .caught_by = "EchoesMoreThanAllBuffersHold",
            .hints =
                {{{"client",
                   "Send it one message of 4,000 bytes, and wait. Count the bytes that come back."},
                  {"ss",
                   "'ss -tn' shows a Recv-Q at the server's end that isn't 0, and stays, while the "
                   "server sleeps."},
                  {"strace",
                   "One recvfrom follows each epoll_wait, and it fills its buffer. Then the server "
                   "sleeps again."}}},
            .broken = broken_twin("broken_one_recv", &serve_with<one_recv::Broken>),
            .mended = mended_twin("mended_one_recv", &serve_with<one_recv::Mended>)},
    Exhibit{
        .name = "short_write",
        .symptom = "bytes in the middle of a long stream are missing when the peer reads slowly",
        .bug = "it takes every send for a whole one, and forgets what the kernel had no room "
               "for",
        .caught_by = "EchoesMoreThanAllBuffersHold",
        .hints =
            {{{"client",
               "Send it some megabytes before you read the first byte. Then compare what comes "
               "back."},
              {"counters",
               "bytes_sent stays below bytes_received, although nobody waits for anything."},
              {"strace",
               "A sendto returns less than its third argument, and the next call is a "
               "recvfrom."}}},
        .broken = broken_twin("broken_short_write", &serve_with<short_write::Broken>),
        .mended = mended_twin("mended_short_write", &serve_with<BufferedServer>)},
    Exhibit{
        .name = "blocking_descriptor",
        .symptom = "a peer that falls silent keeps all others waiting until it speaks again or "
                   "leaves",
        .bug = "accepted sockets are left blocking, and it receives until an EAGAIN that never "
               "comes",
        .caught_by = "KeepsManyOpenStreamsApart",
        .hints = {{{"client",
                    "Connect two clients, and have each say a line in turn. Who is answered, and "
                    "when?"},
                   {"ss",
                    "'ss -tn' shows bytes in the Recv-Q of every peer but one, while the server "
                    "uses no CPU."},
                   {"strace",
                    "The server sleeps in recvfrom, where one with an event loop sleeps in "
                    "epoll_wait."}}},
        .broken =
            broken_twin("broken_blocking_descriptor", &serve_with<blocking_descriptor::Broken>),
        .mended =
            mended_twin("mended_blocking_descriptor", &serve_with<blocking_descriptor::Mended>)},
    Exhibit{
        .name = "epollout_always",
        .symptom = "every byte is right, and the CPU is busy as long as anybody is connected",
        .bug = "it watches for room to send, of which there is nearly always some, while it "
               "has nothing to send",
        .caught_by = "SleepsWhileItsPeersAreIdle",
        .hints = {{{"top",
                    "Connect one client that says nothing, and look at 'top'. Then disconnect it."},
                   {"counters", "waits and events grow without end, and bytes_received doesn't."},
                   {"strace",
                    "Each epoll_wait returns at once, with EPOLLOUT for a peer that is owed "
                    "nothing."}}},
        .broken = broken_twin("broken_epollout_always", &serve_with<epollout_always::Broken>),
        .mended = mended_twin("mended_epollout_always", &serve_with<SessionServer>)},
    Exhibit{
        .name = "fd_setsize",
        .symptom = "it ends at about the thousandth connection",
        .bug = "it puts descriptors into an fd_set that has no bit for them",
        .caught_by = "ServesOrTurnsAwayMoreThanAnFdSetHolds",
        .hints = {{{"client",
                    "Have 'echomux swarm' hold 1,100 idle connections. At which does the server "
                    "end?"},
                   {"top",
                    "What the server says on stderr when it ends, and the signal that the shell "
                    "reports."},
                   {"strace",
                    "It sleeps in pselect6 or select. SIGABRT comes right after an accept4 that "
                    "returned 1024."}}},
        .broken = broken_twin("broken_fd_setsize", &serve_with<fd_setsize::Broken>),
        .mended =
            with_fd_setsize(mended_twin("mended_fd_setsize", &serve_with<fd_setsize::Mended>))},
    Exhibit{
        .name = "leak_on_reset",
        .symptom = "after days or weeks it accepts nobody any more",
        .bug = "a connection that ends with an error is forgotten, but its descriptor is not "
               "closed",
        .caught_by = "SurvivesResets",
        .hints = {{{"client",
                    "Connect and leave, a few hundred times: in order, and with a reset (SO_LINGER "
                    "of 0)."},
                   {"top",
                    "'ls /proc/PID/fd | wc -l' rises with each reset, and 'ss -tn' has no "
                    "connection for it."},
                   {"strace", "A recvfrom returns ECONNRESET, and no close follows it."}}},
        .broken = broken_twin("broken_leak_on_reset", &serve_with<leak_on_reset::Broken>),
        .mended = mended_twin("mended_leak_on_reset", &serve_with<BufferedServer>)},
    Exhibit{
        .name = "error_ends_server",
        .symptom = "now and then it ends, and says only that a connection was reset",
        .bug = "an error of one connection is thrown as far as main",
        .caught_by = "SurvivesResets",
        .hints = {{{"client",
                    "Leave with a reset (SO_LINGER of 0) while another client is connected."},
                   {"top", "What the server says on stderr when it ends, and its exit status."},
                   {"strace", "A recvfrom returns ECONNRESET, and exit_group(1) follows."}}},
        .broken = broken_twin("broken_error_ends_server", &serve_with<error_ends_server::Broken>),
        .mended = mended_twin("mended_error_ends_server", &serve_with<BufferedServer>)},
    Exhibit{
        .name = "emfile_spin",
        .symptom = "when too many are connected, the CPU is busy with nothing",
        .bug = "out of descriptors, it goes on watching the listener, which stays ready",
        .caught_by = "NoticesDescriptorsThatComeFreeElsewhere",
        .hints = {{{"top",
                    "Start it after 'ulimit -n 20', connect 30 idle clients, and look at 'top'."},
                   {"counters", "accept_pauses grows all the time, thousands of times a second."},
                   {"strace",
                    "epoll_wait reports the listener, accept4 returns EMFILE, and so on without a "
                    "pause."}}},
        .broken = broken_twin("broken_emfile_spin", &serve_with<emfile_spin::Broken>),
        .mended = mended_twin("mended_emfile_spin", &serve_with<SessionServer>)},
    Exhibit{
        .name = "retry_send",
        .symptom = "when one peer stops reading, nobody is served any more",
        .bug = "it tries again and again to send to the one peer that has no room",
        .caught_by = "AStalledPeerHoldsUpNoOther",
        .hints = {{{"client",
                    "Send it megabytes on one connection without reading, and a line on another."},
                   {"ss",
                    "'ss -tn' shows one connection with a large Send-Q, and all others with a "
                    "Recv-Q."},
                   {"strace",
                    "One sendto after the other returns EAGAIN, for the same descriptor."}}},
        .broken = broken_twin("broken_retry_send", &serve_with<retry_send::Broken>),
        .mended = mended_twin("mended_retry_send", &serve_with<BufferedServer>)},
    Exhibit{
        .name = "stale_events",
        .symptom = "rarely, a newcomer is closed before it has said a word",
        .bug = "an event of a connection that was closed in the same turn is taken for one of "
               "a newcomer that got the same descriptor number",
        .caught_by = "ClosesNoNewcomerForOneThatLeft",
        .hints =
            {{{"client",
               "Start it with --max-connections 2, and connect two clients. Stop it with SIGSTOP "
               "while two newcomers connect and then the two reset. Let it go on with SIGCONT."},
              {"counters", "closed counts one more than the peers that have left."},
              {"strace",
               "A number that accept4 has just returned is closed, with no recvfrom in "
               "between."}}},
        .broken = broken_twin("broken_stale_events", &serve_with<stale_events::Broken>),
        .mended = mended_twin("mended_stale_events", &serve_with<stale_events::Mended>)},
    Exhibit{
        .name = "wait_for_hup",
        .symptom = "peers that have left stay connected, and those that await the end wait for "
                   "ever",
        .bug = "it waits for EPOLLHUP to clean up, which comes only after its own end",
        .caught_by = "AnswersAnEmptyStreamWithItsEnd",
        .hints =
            {{{"client",
               "Say a line, end your direction (shutdown, 'nc -N'), and wait for the end of "
               "the answer."},
              {"ss",
               "'ss -tn' shows a CLOSE-WAIT at the server's end for each client that has left."},
              {"strace", "A recvfrom returns 0, an epoll_ctl follows, and no close."}}},
        .broken = broken_twin("broken_wait_for_hup", &serve_with<wait_for_hup::Broken>),
        .mended = mended_twin("mended_wait_for_hup", &serve_with<BufferedServer>)},
    Exhibit{
        .name = "deaf_accept",
        .symptom = "once, for a moment, it had too many descriptors open; since then it accepts "
                   "nobody",
        .bug = "it stops watching the listener when descriptors run out, and starts again only "
               "when a connection of its own ends",
        .caught_by = "NoticesDescriptorsThatComeFreeElsewhere",
        .hints = {{{"client",
                    "Take all descriptors away ('prlimit --pid PID --nofile=4:'), connect one "
                    "client, and give them back. How long does that client wait? A minute? Ten?"},
                   {"ss", "'ss -ltn' shows a Recv-Q at the listener that only grows."},
                   {"strace", "The server sleeps in epoll_wait, and its time-out is -1."}}},
        .broken = broken_twin("broken_deaf_accept", &serve_with<deaf_accept::Broken>),
        .mended = mended_twin("mended_deaf_accept", &serve_with<SessionServer>)},
    Exhibit{
        .name = "unbounded_buffer",
        .symptom = "its memory grows without end while a peer sends without reading",
        .bug = "it receives whatever comes, and keeps what it can not send",
        .caught_by = "HoldsLittleForPeersThatDoNotRead",
        .hints =
            {{{"client",
               "Send it 100 MB on one connection without reading. Does anything hold you back?"},
              {"top", "RES grows with every byte that such a peer sends."},
              {"ss",
               "'ss -tn' shows a Send-Q at the server's end that is full, and a Recv-Q that is "
               "empty."}}},
        .broken = broken_twin("broken_unbounded_buffer", &serve_with<unbounded_buffer::Broken>),
        .mended = mended_twin("mended_unbounded_buffer", &serve_with<unbounded_buffer::Mended>)},
    Exhibit{
        .name = "sigpipe",
        .symptom = "now and then it is gone, without a word",
        .bug = "it sends to a peer that is gone without MSG_NOSIGNAL, and SIGPIPE ends the "
               "process",
        .caught_by = "SurvivesAPeerThatIsGoneBeforeItsEcho",
        .hints = {{{"client",
                    "Stop it with SIGSTOP, send it a line, and leave. Then let it go on with "
                    "SIGCONT."},
                   {"top",
                    "The exit status that the shell reports, less 128: 'kill -l' knows its name."},
                   {"strace", "A sendto returns EPIPE, and a signal ends the process."}}},
        .broken = broken_twin("broken_sigpipe", &serve_with<sigpipe::Broken>),
        .mended = mended_twin("mended_sigpipe", &serve_with<sigpipe::Mended>)},
    Exhibit{
        .name = "one_accept",
        .symptom = "under a rush of newcomers, some are connected and not served, until another "
                   "one comes",
        .bug = "its listener is edge-triggered, and it accepts one peer per event",
        .caught_by = "ServesManyPeersAtOnce",
        .hints =
            {{{"client",
               "Stop it with SIGSTOP while 20 clients connect and say a line, then let it go "
               "on with SIGCONT. How many are answered?"},
              {"ss",
               "'ss -ltn' shows a Recv-Q at the listener that isn't 0, and stays, while the "
               "server sleeps."},
              {"strace",
               "One accept4 follows each event of the listener. Nothing calls it until EAGAIN."}}},
        .broken = broken_twin("broken_one_accept", &serve_with<one_accept::Broken>),
        .mended = mended_twin("mended_one_accept", &serve_with<one_accept::Mended>)},
    Exhibit{
        .name = "undrained_wakeup",
        .symptom = "from the first long transfer on, the CPU is busy, even when everybody has left",
        .bug = "a byte in a pipe wakes it, and nothing takes that byte out again",
        .caught_by = "SleepsAfterAPeerHasCaughtUp",
        .hints = {{{"top", "Send it some megabytes at once, read them, leave, and look at 'top'."},
                   {"counters",
                    "waits and events grow without end, and accepted less closed is 0."},
                   {"strace",
                    "Each epoll_wait returns EPOLLIN for the same descriptor, and no read of it "
                    "follows."}}},
        .broken = broken_twin("broken_undrained_wakeup", &serve_with<undrained_wakeup::Broken>),
        .mended = mended_twin("mended_undrained_wakeup", &serve_with<undrained_wakeup::Mended>)},
    Exhibit{
        .name = "wrong_unit",
        .symptom = "once, for a moment, it had too many descriptors open; then it accepted nobody "
                   "for more than a minute",
        .bug = "it gives epoll_wait a number of microseconds for one of milliseconds",
        .caught_by = "NoticesDescriptorsThatComeFreeElsewhere",
        .hints = {{{"client",
                    "Take all descriptors away ('prlimit --pid PID --nofile=4:'), connect one "
                    "client, and give them back. How long does that client wait? A minute? Ten?"},
                   {"ss",
                    "'ss -ltn' shows a Recv-Q at the listener that stays for more than a minute, "
                    "and then is gone."},
                   {"strace", "The server sleeps in epoll_wait, and its time-out is 100000."}}},
        .broken = broken_twin("broken_wrong_unit", &serve_with<wrong_unit::Broken>),
        .mended = mended_twin("mended_wrong_unit", &serve_with<SessionServer>)},
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
