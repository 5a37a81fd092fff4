// What does an echo cost that switches its interest to EPOLLOUT after reading and back after
// writing, against one that writes at once; and when is the switch needed?
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/echo_in_thread.hpp"
#include "echo/system_call.hpp"
#include "harness/text/number_text.hpp"
#include "reproduce/watched.hpp"

namespace echomux::claims {
namespace interest_flip_claim {

constexpr double material = 1.1;
// Whether a send that found no room is followed by EPOLLOUT once the peer has read, and not before.
bool needed_when_full() {
  const micro::Watched connection(micro::Kind::tcp, 1);
  const int server = connection.readers()[0].get();
  const int client = connection.writers()[0].get();
  const std::vector<char> block(std::size_t{64} * 1024);
  std::vector<char> in(block.size());
  while (::send(server, block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  const bool refused = errno == EAGAIN;
  const FileDescriptor epoll(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  epoll_event event{};
  event.events = EPOLLOUT;
  check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, server, &event), "epoll_ctl");
  const bool silent = ::epoll_wait(epoll.get(), &event, 1, 0) == 0;
  bool reported = false;
  for (int read = 0; !reported && read < 1000; ++read) {
    while (::recv(client, in.data(), in.size(), MSG_DONTWAIT) > 0) {
    }
    reported = ::epoll_wait(epoll.get(), &event, 1, 10) == 1;
  }
  return refused && silent && reported;
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  laboratory.progress("an echo that switches its interest, and one that doesn't");
  std::array<EchoInThread, 4> echoes{EchoInThread(1, false), EchoInThread(1, true),
                                     EchoInThread(50, false), EchoInThread(50, true)};
  std::array<std::vector<double>, 4> us;
  bench.in_turn(echoes.size(), [&](std::size_t i) { us[i].push_back(echoes[i].message_us()); });
  evidence.measure("us_at_once_1", "CPU per message, one waiting, answered at once", us[0]);
  evidence.measure("us_flipping_1", "the same with the interest switched twice", us[1]);
  evidence.measure("us_at_once_50", "CPU per message, 50 waiting, answered at once", us[2]);
  evidence.measure("us_flipping_50", "the same with the interest switched twice", us[3]);
  evidence.note("calls_at_once", "system calls per message, answered at once, one waiting",
                echoes[0].calls_per_message());
  evidence.note("calls_flipping", "the same with the interest switched twice",
                echoes[1].calls_per_message());
  evidence.note("needed_when_full", "after a send without room EPOLLOUT tells when there is some",
                needed_when_full() ? 1 : 0);
}

Finding decide(const Evidence& evidence) {
  const MedianInterval lone = evidence.ratio("us_flipping_1", "us_at_once_1");
  const MedianInterval many = evidence.ratio("us_flipping_50", "us_at_once_50");
  const std::string seen = fmt::format(
      "an echo that writes at once needs no switch: {} system calls for a message instead of {}; "
      "switching costs {} the CPU with one message waiting, {} with 50; after a send without room "
      "EPOLLOUT {}",
      reader_number(evidence.value("calls_at_once")),
      reader_number(evidence.value("calls_flipping")), times(lone), times(many),
      evidence.yes("needed_when_full") ? "is what tells of room" : "doesn't come");
  if (surely_below(lone, material) && surely_below(many, material)) return {Verdict::holds, seen};
  if (standing(lone, material) != Standing::dearer &&
      standing(many, material) != Standing::dearer) {
    return cannot_tell(seen);
  }
  if (!evidence.yes("needed_when_full")) return {Verdict::refuted, seen};
  return {Verdict::holds_within_limits,
          seen + ": the key where the peer reads slowly, a cost everywhere else"};
}

}  // namespace interest_flip_claim

Claim interest_flip() {
  return {
      .id = "interest-flip",
      .sentence =
          "Switching EPOLLIN to EPOLLOUT after reading and back after writing is the key to "
          "echoing (what does it cost against writing at once?)",
      .sources = "000",
      .method =
          "the same echo loop with and without the switch, over TCP connections of this "
          "process, one or 50 of them with a message; its CPU and system calls per message, in "
          "nine rounds in turn; and whether EPOLLOUT comes after a send that found no room",
      .decision =
          "it holds when the switch costs surely less than a tenth. When it costs more, it is "
          "the key only within limits, where a send finds no room and EPOLLOUT tells when there "
          "is some; without that it is refuted",
      .observe = interest_flip_claim::observe,
      .decide = interest_flip_claim::decide};
}

}  // namespace echomux::claims
