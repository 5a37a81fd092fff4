// What one peer may expect of its stream: every byte, in order, whatever the peer does.

#include <chrono>
#include <numeric>

#include "echo/echo_session.hpp"
#include "tests/conformance/conformance.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

// A stall of this length is one for good, and no mere pause of a busy machine.
constexpr std::chrono::milliseconds long_enough{500};
// A small window at our end, lest the kernel's buffers alone take everything.
constexpr Peer::Buffers small_window{.send = 0, .receive = 65'536};

TEST_P(Conformance, EchoesEveryByteValue) {  // with faults
  std::string bytes(256, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  Peer peer(endpoint());
  EXPECT_TRUE(same_bytes(peer.exchange(bytes), bytes));
}

TEST_P(Conformance, EchoesBytesSentOneByOne) {  // with faults
  const std::string bytes = make_data(slowed_down ? 1000 : 4000, 2);
  Peer peer(endpoint());
  for (const char byte : bytes) peer.send_all({&byte, 1});
  EXPECT_TRUE(same_bytes(peer.receive(bytes.size()), bytes));
}

TEST_P(Conformance, AnswersEachByteBeforeTheNext) {  // with faults
  const std::string bytes = make_data(500, 3);
  Peer peer(endpoint());
  std::string echo;
  for (const char byte : bytes) echo += peer.exchange({&byte, 1});
  EXPECT_TRUE(same_bytes(echo, bytes));
}

TEST_P(Conformance, EchoesMoreThanAllBuffersHold) {
  const std::string_view bytes = more_than_fits();
  auto [peer, pushed] = stall(small_window, long_enough);
  EXPECT_TRUE(same_bytes(peer.exchange(bytes.substr(pushed.size()), bytes.size()), bytes));
}

// Bytes that come in pieces with pauses, each answered, and of sizes around those of buffers.
TEST_P(Conformance, EchoesPiecesOfAllSizes) {  // with faults
  Peer peer(endpoint());
  for (const std::size_t size : {1U, 7U, 1460U, 4096U, 65'535U, 65'536U, 65'537U, 300'000U}) {
    const std::string piece = make_data(size, size);
    EXPECT_TRUE(same_bytes(peer.exchange(piece), piece)) << "in a piece of " << size << " bytes";
  }
}

// As long as the buffer that a server reads into, so that no read tells by its length that it was
// the last one.
TEST_P(Conformance, EchoesExactlyWhatOneReadHolds) {  // with faults
  const std::string bytes = make_data(scratch_bytes, 5);
  Peer peer(endpoint());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(same_bytes(peer.exchange(bytes), bytes)) << i;
  EXPECT_EQ(peer.exchange("and more"), "and more");
}

TEST_P(Conformance, AnswersAnEmptyStreamWithItsEnd) {  // with faults
  Peer peer(endpoint());
  peer.half_close();
  EXPECT_EQ(peer.read_to_end(), "");
}

TEST_P(Conformance, SendsTheEchoBeforeItsOwnEnd) {  // with faults
  Peer peer(endpoint());
  peer.send_all("hello");
  peer.half_close();
  EXPECT_EQ(peer.read_to_end(), "hello");
}

TEST_P(Conformance, SendsWhatIsPendingAfterTheEndOfInput) {  // with faults
  auto [peer, pushed] = stall(small_window, long_enough);
  peer.half_close();
  EXPECT_TRUE(same_bytes(peer.read_to_end(), pushed));
}

// A peer whose data and end of input are there before the server has looked even once: no further
// event is going to announce the end.
TEST_P(Conformance, NoticesDataAndEndOfInputThatArriveTogether) {  // with faults
  // More than one receive takes is not possible here: it would not fit the window.
  for (const std::size_t size : {1U, 1000U, 40'000U}) {
    const std::string bytes = make_data(size, size);
    static_cast<void>(server());
    freeze();
    Peer peer(endpoint());
    peer.send_all(bytes);
    peer.half_close();
    ASSERT_TRUE(eventually(patience, [&] { return peer.delivered(); }));
    thaw();
    EXPECT_TRUE(same_bytes(peer.read_to_end(), bytes));
  }
}

TEST_P(Conformance, NoticesDataAndEndOfInputTogetherOnAnAcceptedConnection) {  // with faults
  for (const std::size_t size : {1U, 1000U, 40'000U}) {
    const std::string bytes = make_data(size, size);
    Peer peer(endpoint());
    EXPECT_EQ(peer.exchange("first"), "first");
    while_frozen(peer, [&] {
      peer.send_all(bytes);
      peer.half_close();
    });
    EXPECT_TRUE(same_bytes(peer.read_to_end(), bytes));
  }
}

// To an echo server an urgent byte is a byte like any other (RFC 6093), and in its place.
TEST_P(Conformance, EchoesUrgentDataInItsPlace) {  // with faults
  if (!GetParam().no_urgent_data.empty()) GTEST_SKIP() << GetParam().no_urgent_data;
  Peer peer(endpoint());
  peer.send_all("abc");
  peer.send_urgent('d');
  peer.send_all("ef");
  EXPECT_EQ(peer.receive(6), "abcdef");
  peer.send_urgent('g');
  EXPECT_EQ(peer.receive(1), "g");
  peer.half_close();
  EXPECT_EQ(peer.read_to_end(), "");
}

// A receive stops short of the mark of urgent data although more is there, so a short receive does
// not mean that nothing is left.
TEST_P(Conformance, EchoesWhatStandsBehindAnUrgentMark) {  // with faults
  if (!GetParam().no_urgent_data.empty()) GTEST_SKIP() << GetParam().no_urgent_data;
  Peer peer(endpoint());
  EXPECT_EQ(peer.exchange("first"), "first");
  while_frozen(peer, [&] {
    peer.send_all("abc");
    peer.send_urgent('d');
    peer.send_all("ef");
  });
  EXPECT_EQ(peer.receive(6), "abcdef");
}

TEST_P(Conformance, UrgentDataOfOnePeerHarmsNoOther) {  // with faults
  if (!GetParam().no_urgent_data.empty()) GTEST_SKIP() << GetParam().no_urgent_data;
  std::vector<Peer> peers = connect(2);
  if (!one_at_a_time()) {
    EXPECT_EQ(peers[1].exchange("before"), "before");
  }
  for (int i = 0; i < 100; ++i) peers[0].send_urgent('u');
  EXPECT_EQ(peers[0].receive(100), std::string(100, 'u'));
  peers[0].close();
  EXPECT_EQ(peers[1].exchange("after"), "after");
}

TEST_P(ConformanceOfOurs, ServesIpv6) {
  try {
    static_cast<void>(listen_on(resolve("::1", 0)));
  } catch (const std::exception&) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  start({"--host", "::1"});
  ASSERT_EQ(endpoint().family(), AF_INET6);
  Peer peer(endpoint());
  EXPECT_EQ(peer.exchange("six"), "six");
}

}  // namespace
}  // namespace echomux
