// The clients of the soak and of the hostile peers: each does what its script says, and notices
// when a server doesn't.
#include "harness/load/crowd.hpp"

#include <gtest/gtest.h>

#include "tests/support/odd.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;
using Clock = Crowd::Clock;

PeerScript script(std::uint64_t bytes) {
  return {.kind = "peer", .bytes = bytes};
}

PeerTally tally_of(Crowd& crowd, const PeerScript& one) {
  crowd.add(one);
  crowd.run_until(Clock::now() + 2 * patience);
  EXPECT_EQ(crowd.size(), 0U);
  return crowd.tallies().at("peer");
}

TEST(Crowd, ChecksEveryByteOfEveryKindOfPeer) {
  const ServerProcess server(odd("plain"));
  Crowd crowd(server.endpoint(), patience);
  std::vector<PeerScript> scripts(6, script(100'000));
  scripts[1].outstanding = scripts[1].message_bytes = 1'000;
  scripts[2].ending = Ending::half_close;
  scripts[2].reads_late = true;
  scripts[3].read_bytes = 30'000;
  scripts[3].read_interval = 1ms;
  scripts[4].ending = Ending::reset;
  scripts[5].message_bytes = 25'000;
  scripts[5].interval = 1ms;
  for (const PeerScript& one : scripts) crowd.add(one);
  crowd.run_until(Clock::now() + patience);
  const PeerTally& tally = crowd.tallies().at("peer");
  EXPECT_EQ(tally.completed, 6U) << crowd.first_failure();
  EXPECT_EQ(tally.bytes_checked, 600'000U);
}

TEST(Crowd, SendsUrgentBytesThatComeBackInTheirPlace) {
  const ServerProcess server(serve_command(ECHOMUX_PROGRAM, "epoll_et"));
  Crowd crowd(server.endpoint(), patience);
  PeerScript urgent = script(16'000);
  urgent.message_bytes = urgent.outstanding = 16;
  urgent.urgent = true;
  EXPECT_EQ(tally_of(crowd, urgent).completed, 1U) << crowd.first_failure();
  EXPECT_EQ(crowd.tallies().at("peer").bytes_checked, 16'000U);
}

TEST(Crowd, NoticesWhatAServerDoesWrong) {
  for (const char* mode : {"corrupt=100", "extra=1000", "short=100"}) {
    const ServerProcess server(odd(mode));
    Crowd crowd(server.endpoint(), 500ms);
    const PeerTally tally = tally_of(crowd, script(1'000));
    EXPECT_EQ(tally.wrong, 1U) << mode;
    EXPECT_NE(crowd.first_failure(), "");
  }
}

TEST(Crowd, NoticesPeersThatTheServerLeaves) {
  PeerScript idle = script(1);
  idle.lingers = for_good;
  for (const char* mode : {"refuse", "die=1"}) {
    const ServerProcess server(odd(mode));
    Crowd crowd(server.endpoint(), patience);
    crowd.add(idle);
    PeerScript visit = script(64);
    visit.kind = "visit";
    crowd.add(visit);
    crowd.run_until(Clock::now() + patience);
    EXPECT_EQ(crowd.tallies().at("peer").lost, 1U) << mode;
  }
  const ServerProcess silent(odd("silent"));
  Crowd crowd(silent.endpoint(), 100ms);
  EXPECT_EQ(tally_of(crowd, script(10)).stuck, 1U);
}

TEST(Crowd, RetiresWhoWouldGoOn) {
  const ServerProcess server(odd("plain"));
  Crowd crowd(server.endpoint(), patience);
  PeerScript steady = script(without_end);
  steady.outstanding = steady.message_bytes = 10;
  PeerScript idle = script(1);
  idle.lingers = for_good;
  crowd.add(steady);
  crowd.add(idle);
  crowd.run_until(Clock::now() + 20ms);
  EXPECT_EQ(crowd.size(), 2U);
  crowd.retire();
  crowd.run_until(Clock::now() + patience);
  EXPECT_EQ(crowd.tallies().at("peer").completed, 2U) << crowd.first_failure();
}

}  // namespace
}  // namespace echomux
