// What peers may expect of each other: that the others, many or wild as they may be, do no harm.

#include "tests/conformance/conformance.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/flood.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

constexpr std::size_t kibibyte = 1024;

TEST_P(Conformance, ServesManyPeersAtOnce) {
  const std::vector<std::string> data = distinct_data(slowed_down ? 200 : 500, 2000);
  std::vector<Peer> peers = connect(data.size());
  for (std::size_t i = 0; i < peers.size(); ++i) peers[i].send_all(data[i]);
  // Ends of input let also a server come round that has only one peer at a time.
  for (Peer& peer : peers) peer.half_close();
  for (std::size_t i = 0; i < peers.size(); ++i) {
    ASSERT_TRUE(same_bytes(peers[i].read_to_end(), data[i])) << "at peer " << i;
  }
}

TEST_P(Conformance, KeepsManyOpenStreamsApart) {  // with faults
  if (one_at_a_time()) GTEST_SKIP() << "this server has one peer at a time, by design";
  const std::vector<std::string> data = distinct_data(slowed_down ? 200 : 500, 500);
  std::vector<Peer> peers = connect(data.size());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < peers.size(); ++i) peers[i].send_all(data[i]);
    // Backwards, so that the first to be answered is not the first to be read.
    for (std::size_t i = peers.size(); i-- > 0;) {
      ASSERT_TRUE(same_bytes(peers[i].receive(data[i].size()), data[i])) << "at peer " << i;
    }
  }
}

// Peers that send without reading. The server has to stop reading them, for whatever it read would
// have to be kept; and must lose nothing over it.
TEST_P(ConformanceFillsMemory, HoldsLittleForPeersThatDoNotRead) {
  const std::size_t count = concurrent(slowed_down ? 10 : 50);
  const std::string_view shared = more_than_fits();
  std::vector<std::string_view> data;
  // Each peer's stream is another part of the same bytes, which saves gigabytes.
  for (std::size_t i = 0; i < count; ++i) data.push_back(shared.substr(i * 4099));

  // One alone first: of a server that keeps whatever comes, the others would have gigabytes.
  {
    Peer alone(endpoint(), small_buffers);
    const std::uint64_t at_first = resident_memory(server().pid());
    ASSERT_LT(alone.push_until_stalled(shared), shared.size())
        << "nothing ever held it back, and the server has grown by "
        << resident_memory(server().pid()) - at_first << " bytes";
  }
  const std::uint64_t before = resident_memory(server().pid());
  std::vector<Peer> peers = connect(count, small_buffers);
  const std::vector<std::size_t> pushed = push_until_stalled(peers, data);
  const std::uint64_t after = resident_memory(server().pid());

  // The slack is for the allocator and the server's own start.
  const std::uint64_t allowed = count * GetParam().stalled_peer_bytes + 4096 * kibibyte;
  if (!slowed_down) {
    EXPECT_LE(after, before + allowed) << "in bytes, for " << count << " peers";
  }
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_LT(pushed[i], data[i].size()) << "nothing ever held peer " << i << " back";
    peers[i].half_close();
  }
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(same_bytes(peers[i].read_to_end(), data[i].substr(0, pushed[i])))
        << "at peer " << i;
  }
}

TEST_P(Conformance, AStalledPeerHoldsUpNoOther) {
  if (one_at_a_time()) GTEST_SKIP() << "this server has one peer at a time, by design";
  const Stalled stalled = stall();
  EXPECT_EQ(Peer(endpoint()).exchange("still there?"), "still there?");
}

TEST_P(Conformance, SurvivesResets) {  // with faults
  const std::size_t baseline = descriptors_without_peers();
  Peer before(endpoint());
  if (!one_at_a_time()) {
    EXPECT_EQ(before.exchange("before"), "before");
  } else {
    before.close();
  }
  // In the backlog or shortly after, after an echo, with an echo unread, and in mid-transfer.
  for (int i = 0; i < 20; ++i) {
    Peer(endpoint()).reset();
    Peer echoed(endpoint());
    EXPECT_EQ(echoed.exchange("x"), "x");
    echoed.reset();
    Peer unread(endpoint());
    unread.send_all("unread");
    unread.reset();
  }
  stall().peer.reset();

  EXPECT_EQ(Peer(endpoint()).exchange("after"), "after");
  if (!one_at_a_time()) {
    EXPECT_EQ(before.exchange("unharmed"), "unharmed");
    before.close();
  }
  expect_descriptors(baseline);
}

// To send to a peer that has ended its direction and then reset the connection fails with EPIPE
// and, unless it is told not to, raises a signal that ends the process.
TEST_P(Conformance, SurvivesAPeerThatIsGoneBeforeItsEcho) {
  Peer peer(endpoint());
  EXPECT_EQ(peer.exchange("first"), "first");
  freeze();
  peer.send_all("anybody there?");
  peer.half_close();
  ASSERT_TRUE(eventually(patience, [&] { return peer.delivered(); }));
  peer.reset();
  thaw();
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
  if (!GetParam().reports_counters) return;
  EXPECT_TRUE(eventually(patience, [&] { return counter("closed") == 2; }));
  EXPECT_EQ(counter("peer_errors"), 1U);
}

TEST_P(ConformanceOfOurs, ClosesEveryConnectionThatCameAndWent) {
  const std::size_t baseline = descriptors_without_peers();
  const std::uint64_t before = counter("closed");
  const std::uint64_t count = slowed_down ? 1000 : 5000;
  for (std::uint64_t i = 0; i < count; ++i) Peer(endpoint()).close();
  EXPECT_TRUE(eventually(patience, [&] { return counter("closed") == before + count; }))
      << counter("closed") - before << " closed instead of " << count;
  EXPECT_EQ(counter("accepted"), before + count);
  expect_descriptors(baseline);
}

// Descriptor numbers are used again at once: a new peer must not inherit what an old one was owed.
TEST_P(Conformance, GivesNoPeerWhatAnotherWasOwed) {
  for (int i = 0; i < 2; ++i) {
    stall().peer.reset();
    const std::string data = make_data(1000, 10);
    Peer fresh(endpoint());
    fresh.send_all(data);
    fresh.half_close();
    EXPECT_TRUE(same_bytes(fresh.read_to_end(), data));
  }
}

TEST_P(Conformance, AnswersAQuietPeerDuringAFlood) {  // with faults
  if (one_at_a_time()) GTEST_SKIP() << "this server has one peer at a time, by design";
  Peer quiet(endpoint());
  const Flood flood(endpoint(), 4);
  ASSERT_TRUE(eventually(patience, [&] { return flood.echoed_bytes() > 0; }));
  for (int i = 0; i < 200; ++i) {
    const std::string ping = make_data(16, static_cast<std::uint64_t>(i));
    ASSERT_TRUE(same_bytes(quiet.exchange(ping), ping)) << "in round trip " << i;
  }
  // A newcomer gets in as well.
  EXPECT_EQ(Peer(endpoint()).exchange("new"), "new");
  EXPECT_FALSE(flood.broken());
}

TEST_P(ConformanceOfOurs, CountsWhatItDoes) {
  const std::vector<std::string> data = distinct_data(10, 1000);
  std::vector<Peer> peers;
  std::uint64_t bytes = 0;
  for (const std::string& mine : data) {
    if (one_at_a_time()) peers.clear();
    EXPECT_TRUE(same_bytes(peers.emplace_back(endpoint()).exchange(mine), mine));
    bytes += mine.size();
  }
  // Each count follows its deed, which the peer may see first.
  EXPECT_TRUE(eventually(patience, [&] { return counter("bytes_sent") == bytes; }));
  EXPECT_EQ(counter("bytes_received"), bytes);
  EXPECT_EQ(counter("accepted"), data.size());
  EXPECT_EQ(counter("closed"), data.size() - peers.size());
  peers.clear();
  EXPECT_TRUE(eventually(patience, [&] { return counter("closed") == data.size(); }));
  EXPECT_EQ(counter("bytes_sent"), bytes);
  EXPECT_EQ(counter("turned_away"), 0U);
  EXPECT_EQ(counter("peer_errors"), 0U);
}

TEST_P(ConformanceOfOurs, CountsAResetAsAPeersError) {
  Peer peer(endpoint());
  EXPECT_EQ(peer.exchange("x"), "x");
  peer.reset();
  EXPECT_TRUE(eventually(patience, [&] { return counter("closed") == 1; }));
  EXPECT_EQ(counter("peer_errors"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Backends, ConformanceFillsMemory,
                         ::testing::ValuesIn(servers_under_test()), name_of_server);
INSTANTIATE_TEST_SUITE_P(Peers, ConformanceFillsMemory, ::testing::ValuesIn(peers_under_test()),
                         name_of_server);

}  // namespace
}  // namespace echomux
