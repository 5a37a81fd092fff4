// What does EPOLLPRI tell of?
#include <fcntl.h>
#include <fmt/core.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "claims/all_claims.hpp"
#include "claims/support/watch.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace pri_is_oob_claim {

void observe_tcp(Evidence& evidence) {
  const Connection connection = tcp_connection();
  const int client = connection.client.get();
  const int server = connection.server.get();
  Watch watch(server, EPOLLIN | EPOLLPRI);
  deliver(client, server, 10);
  note_events(evidence, "plain", "TCP, plain data", watch.wait(patience));
  take(server, 10);
  check(::send(client, "abc", 3, MSG_OOB | MSG_NOSIGNAL), "send MSG_OOB");
  await("the peer had acknowledged all", [&] { return unacknowledged(client) == 0; });
  note_events(evidence, "urgent", "TCP, three bytes sent with MSG_OOB", watch.wait(patience));
  char bytes[3];
  evidence.note("urgent_read_bytes", "recv with MSG_OOB of three bytes returned",
                double(::recv(server, bytes, sizeof bytes, MSG_OOB | MSG_DONTWAIT)));
  evidence.note("urgent_in_stream_bytes", "of them in the stream",
                double(read_now(server, sizeof bytes)));
}

// A pseudo-terminal in packet mode reports changes of state that way (ioctl_tty(2), TIOCPKT).
void observe_terminal(Evidence& evidence) {
  const FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) return;
  char name[64];
  if (::ptsname_r(master.get(), name, sizeof name) != 0) return;
  const FileDescriptor terminal(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  const int on = 1;
  if (!terminal || ::ioctl(master.get(), TIOCPKT, &on) != 0) return;
  Watch watch(master.get(), EPOLLPRI);
  note_events(evidence, "terminal_before", "a pseudo-terminal in packet mode", watch.wait(silence));
  check(::tcflush(terminal.get(), TCIFLUSH), "tcflush");
  note_events(evidence, "terminal_flushed", "and when its input was flushed", watch.wait(silence));
}

void observe(Laboratory&, Evidence& evidence) {
  observe_tcp(evidence);
  observe_terminal(evidence);
}

Finding decide(const Evidence& seen) {
  const auto told = [&](const char* name) { return (events(seen, name) & EPOLLPRI) != 0; };
  if (!told("urgent")) return {Verdict::refuted, "urgent data was not reported as EPOLLPRI"};
  if (told("plain")) return {Verdict::refuted, "plain data was reported as EPOLLPRI, too"};
  const double urgent = seen.value("urgent_read_bytes");
  const std::string tcp = fmt::format(
      "TCP reported urgent data so, and plain data not; of 3 bytes sent as urgent {} was urgent, "
      "{} "
      "were plain data of the stream",
      urgent, seen.value("urgent_in_stream_bytes"));
  if (seen.has("terminal_flushed") && told("terminal_flushed") && !told("terminal_before")) {
    return {Verdict::holds_within_limits,
            tcp +
                "; a pseudo-terminal reported so that its input was flushed: it stands for "
                "whatever is exceptional"};
  }
  return {urgent == 3 ? Verdict::holds : Verdict::holds_within_limits, tcp};
}

}  // namespace pri_is_oob_claim

Claim pri_is_oob() {
  return {.id = "pri-is-oob",
          .sentence = "EPOLLPRI reports urgent (out-of-band) data",
          .sources = "001 003",
          .method =
              "Plain data, and three bytes with MSG_OOB, are sent over TCP; and the input of "
              "a pseudo-terminal in packet mode is flushed.",
          .decision =
              "Refuted if urgent data isn't reported, or plain data is; within limits if "
              "something that is no urgent data is reported too, or not all bytes sent as "
              "urgent are; else it holds.",
          .observe = pri_is_oob_claim::observe,
          .decide = pri_is_oob_claim::decide};
}

}  // namespace echomux::claims
