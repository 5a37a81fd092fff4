// Stopping from every state, and sleeping in every state in which there is nothing to do.

#include <gmock/gmock.h>

#include <chrono>
#include <utility>

#include "tests/conformance/conformance.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/flood.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

constexpr std::size_t idle_peers = 100;

TEST_P(Conformance, StopsWhileIdle) {
  for (const int signal : {SIGTERM, SIGINT}) {
    start();
    stop(signal);
  }
}

TEST_P(Conformance, StopsWithIdlePeers) {
  for (const int signal : {SIGTERM, SIGINT}) {
    std::vector<Peer> peers = connect_idle(idle_peers);
    stop(signal);
    for (const Peer& peer : peers) EXPECT_TRUE(peer.ended());
  }
}

TEST_P(Conformance, StopsInMidTransfer) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const Stalled stalled = stall();
    stop(signal);
  }
}

// A peer that is cut off by the stop has done nothing wrong.
TEST_P(ConformanceOfOurs, CountsNoErrorOfAPeerThatItsStopCutsOff) {
  start({"--stats", "json"});
  std::vector<Peer> peers = connect(concurrent(3), small_buffers);
  const std::vector<std::string_view> data(peers.size(), more_than_fits());
  static_cast<void>(push_until_stalled(peers, data));
  EXPECT_THAT(stop(), ::testing::HasSubstr(R"("peer_errors":0,)"));
}

TEST_P(Conformance, StopsDuringAFlood) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const Flood flood(endpoint(), concurrent(4));
    ASSERT_TRUE(eventually(patience, [&] { return flood.echoed_bytes() > 0; }));
    stop(signal);
  }
}

TEST_P(Conformance, SleepsWithoutPeers) {
  descriptors_without_peers();  // has come so far that it serves
  expect_asleep();
}

TEST_P(Conformance, SleepsWhileItsPeersAreIdle) {
  const std::vector<Peer> peers = connect_idle(idle_peers);
  expect_asleep();
}

// A server that went on watching for input it has no room for, or for room it has no use for, would
// be woken up without end.
TEST_P(Conformance, SleepsWhileAPeerDoesNotRead) {
  const Stalled stalled = stall();
  expect_asleep();
}

// The end of input is a condition that lasts; it must not keep a server awake that has yet to send.
TEST_P(ConformanceFillsBuffers, SleepsWhileAPeerThatSaidItsLastDoesNotRead) {
  if (GetParam().name == "blocking" || GetParam().name == "threaded") {
    GTEST_SKIP() << "it sleeps in send itself, and watches nothing meanwhile";
  }
  const std::string_view bytes = more_than_fits();
  // The end can't overtake the bytes before it, so no more of them may be sent than the server's
  // kernel takes. Where a busy machine has made that more, it is tried again.
  for (int attempts = 5;; --attempts) {
    start();
    Peer peer(endpoint(), small_buffers);
    // A server that is out of something when the peer comes may need longer than the stall below.
    ASSERT_TRUE(eventually(patience, [&] { return counter("accepted") == 1; }));
    // Until nothing comes through twice in a row, for once the kernel may just be making its buffer
    // larger.
    std::string_view rest = bytes;
    const auto sent = [&] { return bytes.size() - rest.size(); };
    std::uint64_t echoed = 0;
    for (std::uint64_t before = 1; echoed != before;) {
      ASSERT_FALSE(rest.empty()) << "nothing ever held it back";
      peer.send_all(rest.substr(0, 65'536));
      rest.remove_prefix(65'536);
      if (eventually(stalled_after, [&] { return counter("bytes_sent") == sent(); })) continue;
      before = std::exchange(echoed, counter("bytes_sent"));
    }
    peer.half_close();
    if (eventually(patience / 6, [&] { return peer.delivered(); })) {
      EXPECT_GT(counter("bytes_received"), counter("bytes_sent"));
      expect_asleep();
      EXPECT_TRUE(same_bytes(peer.read_to_end(), bytes.substr(0, sent())));
      return;
    }
    ASSERT_GT(attempts, 1) << "its end never arrives";
    stop();
  }
}

// Once everything has been sent there is always room to send, of which nobody wants to hear.
TEST_P(Conformance, SleepsAfterAPeerHasCaughtUp) {
  auto [peer, pushed] = stall();
  EXPECT_TRUE(same_bytes(peer.receive(pushed.size()), pushed));
  expect_asleep();
  EXPECT_EQ(peer.exchange("and on"), "and on");
}

INSTANTIATE_TEST_SUITE_P(Backends, ConformanceFillsBuffers,
                         ::testing::ValuesIn(servers_under_test()), name_of_server);

}  // namespace
}  // namespace echomux
