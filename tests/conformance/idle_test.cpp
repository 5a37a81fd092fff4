// serve --idle-timeout: who neither sends nor takes anything is closed, and nobody else.

#include <algorithm>
#include <chrono>
#include <functional>
#include <system_error>
#include <thread>

#include "tests/conformance/conformance.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/flood.hpp"
#include "tests/support/network_namespace.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds timeout{600};

class IdleTimeout : public Conformance {
 protected:
  ServerProcess& start_with(std::chrono::milliseconds limit) {
    return start({"--idle-timeout", std::to_string(limit.count()) + "ms"});
  }

  [[nodiscard]] bool soon_idle_closed(std::uint64_t count) {
    return eventually(patience, [&] { return counter("idle_closed") >= count; });
  }

  // For peers that first fill all buffers, which takes its time on a busy machine.
  static std::chrono::milliseconds long_timeout() {
    return (slowed_down || under_faults() ? 15 : 8) * stalled_after;
  }

  // Fills every buffer between here and the server, until that owes the peer what it can't send. It
  // has accepted the peer by then, and one stall isn't the last: a window that was closed may take
  // its time to open again. Returns how many bytes went in.
  std::size_t fill(Peer& peer) {
    EXPECT_EQ(peer.exchange("x"), "x");
    std::string_view rest = more_than_fits();
    EXPECT_TRUE(eventually(patience, [&] {
      rest.remove_prefix(peer.push_until_stalled(rest, stalled_after / 3));
      return counter("bytes_received") > counter("bytes_sent");
    }));
    EXPECT_FALSE(rest.empty());
    return more_than_fits().size() - rest.size();
  }

  // A peer that the server owes something.
  struct Filled {
    Peer peer;
    std::size_t bytes;                // that went in
    std::chrono::milliseconds limit;  // the server's time-out
  };

  // Starts a server and has it owe a peer something, which it has not closed yet. A window that
  // takes its time to open may take longer than the time-out: then a longer one is tried.
  Filled start_and_fill(std::chrono::milliseconds limit = long_timeout()) {
    for (;; limit *= 2) {
      start_with(limit);
      Peer peer(endpoint(), small_buffers);
      try {
        const std::size_t bytes = fill(peer);
        return {std::move(peer), bytes, limit};
      } catch (const std::system_error&) {
        if (!soon_idle_closed(1)) throw;
      }
      stop();
    }
  }

  // Has a peer act now and then, for so long: this is about time, and so time must pass. False
  // where this test was itself held up for as long as `limit`, and the peer may have been closed
  // for it.
  static bool acts_in_time(Clock::duration limit, Clock::duration pause, Clock::duration so_long,
                           const std::function<void()>& act) {
    const auto began = Clock::now();
    Clock::duration longest_gap{};
    auto last = began;
    const auto note_gap = [&] {
      longest_gap = std::max(longest_gap, Clock::now() - last);
      last = Clock::now();
    };
    try {
      while (last - began < so_long) {
        act();
        std::this_thread::sleep_for(pause);
        note_gap();
      }
    } catch (const std::exception&) {
      note_gap();
      if (longest_gap < limit) throw;
    }
    return longest_gap < limit;
  }

  // Fails the test unless the connection ends in a reset: a peer whose echo isn't complete must not
  // take the end of it for the whole.
  static void expect_reset(Peer& peer) {
    try {
      static_cast<void>(peer.read_to_end());
      ADD_FAILURE() << "an orderly end, although bytes are missing";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::connection_reset);
    }
  }
};

class IdleTimeoutFillsBuffers : public IdleTimeout {};

TEST_P(IdleTimeout, ClosesAQuietPeerAndNotBeforeItsTime) {
  start_with(timeout);
  for (const std::string& said : {std::string(), std::string("hello")}) {
    const std::uint64_t before = counter("idle_closed");
    const auto began = Clock::now();
    Peer peer(endpoint());
    EXPECT_EQ(peer.exchange(said), said);
    ASSERT_TRUE(eventually(patience, [&] { return peer.ended(); }));
    EXPECT_GE(Clock::now() - began, timeout);
    EXPECT_EQ(peer.read_to_end(), "") << "not an orderly end";
    EXPECT_TRUE(eventually(patience, [&] { return counter("idle_closed") == before + 1; }));
  }
  EXPECT_EQ(counter("closed"), 2U);
  EXPECT_EQ(counter("peer_errors"), 0U);
}

TEST_P(IdleTimeout, ClosesOnlyThePeersThatAreQuiet) {
  // On a machine that is too busy for one time-out, a longer one is tried.
  for (auto limit = timeout;; limit *= 2) {
    start_with(limit);
    Peer moving(endpoint());
    std::vector<Peer> quiet;
    if (!one_at_a_time()) quiet = connect_idle(5);
    const bool in_time =
        acts_in_time(limit, limit / 4, 3 * limit, [&] { EXPECT_EQ(moving.exchange("."), "."); });
    if (in_time) {
      EXPECT_EQ(moving.exchange("still"), "still");
      EXPECT_TRUE(soon_idle_closed(quiet.size()));
      EXPECT_EQ(counter("idle_closed"), quiet.size());
      EXPECT_TRUE(std::ranges::all_of(quiet, &Peer::ended));
      return;
    }
    stop();
  }
}

TEST_P(IdleTimeout, ClosesNobodyInFullFlow) {
  start_with(timeout);
  const Flood flood(endpoint(), concurrent(4));
  ASSERT_TRUE(eventually(patience, [&] { return flood.echoed_bytes() > 0; }));
  static_cast<void>(cpu_time_of_a_while());
  EXPECT_FALSE(flood.broken());
  EXPECT_EQ(counter("idle_closed"), 0U);
}

TEST_P(IdleTimeoutFillsBuffers, ClosesAPeerThatDoesNotRead) {
  Peer peer = start_and_fill().peer;
  EXPECT_TRUE(soon_idle_closed(1));
  expect_reset(peer);
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

TEST_P(IdleTimeoutFillsBuffers, ClosesAPeerThatOnlyEndedItsDirection) {
  Peer peer = start_and_fill().peer;
  peer.half_close();
  EXPECT_TRUE(soon_idle_closed(1));
  expect_reset(peer);
}

// The kernel takes more to send only when a third of its buffer is free, which at this pace takes
// longer than the time-out. The peer moves all the same.
TEST_P(IdleTimeoutFillsBuffers, LetsAPeerReadAsSlowlyAsItLikes) {
  for (auto limit = long_timeout();; limit *= 2) {
    Filled filled = start_and_fill(limit);
    limit = filled.limit;
    Peer& peer = filled.peer;
    const std::size_t pushed = filled.bytes;
    const std::string_view bytes = more_than_fits();
    peer.half_close();
    constexpr std::size_t piece = 30'000;
    std::size_t received = 0;
    const bool in_time = acts_in_time(limit / 2, limit / 15, 2 * limit, [&] {
      EXPECT_TRUE(same_bytes(peer.receive(piece), bytes.substr(received, piece)));
      received += piece;
    });
    if (in_time) {
      EXPECT_TRUE(same_bytes(peer.read_to_end(), bytes.substr(received, pushed - received)));
      EXPECT_EQ(counter("idle_closed"), 0U);
      return;
    }
    stop();
  }
}

// The server has sent all of it, and owes nothing any more: what the peer still has to read lies in
// the kernel's buffer.
TEST_P(IdleTimeoutFillsBuffers, LetsAPeerReadSlowlyWhatTheKernelHolds) {
  for (auto limit = long_timeout();; limit *= 2) {
    Filled filled = start_and_fill(limit);
    limit = filled.limit;
    Peer& peer = filled.peer;
    const std::size_t pushed = filled.bytes;
    const std::string_view bytes = more_than_fits();
    std::size_t received = 0;
    const auto receive = [&](std::size_t count) {
      count = std::min(count, pushed - received);
      EXPECT_TRUE(same_bytes(peer.receive(count), bytes.substr(received, count)));
      received += count;
    };
    while (counter("bytes_sent") < counter("bytes_received")) receive(30'000);
    const std::size_t piece = (pushed - received) / 30;
    const bool in_time = acts_in_time(limit / 2, limit / 15, 2 * limit, [&] { receive(piece); });
    if (in_time) {
      receive(pushed);
      EXPECT_EQ(peer.exchange("still"), "still");
      EXPECT_EQ(counter("idle_closed"), 0U);
      return;
    }
    stop();
  }
}

TEST_P(IdleTimeout, ClosesNobodyWithoutTheOption) {
  std::vector<Peer> peers = connect_idle(10);
  static_cast<void>(cpu_time_of_a_while());
  for (std::size_t i = 0; i < concurrent(peers.size()); ++i) {
    EXPECT_EQ(peers[i].exchange("still"), "still");
  }
  EXPECT_EQ(counter("idle_closed"), 0U);
  EXPECT_EQ(counter("closed"), 0U);
}

TEST_P(IdleTimeout, ClosesAHundredAndSleepsAfterwards) {
  constexpr std::chrono::milliseconds short_timeout{500};
  start_with(short_timeout);
  const std::size_t baseline = descriptors_without_peers();
  // One at a time, each begins to be idle when the one before has ended.
  const std::size_t count = one_at_a_time() ? 3 : 100;
  const std::vector<Peer> peers = connect(count);
  EXPECT_TRUE(soon_idle_closed(count));
  EXPECT_EQ(counter("idle_closed"), count);
  expect_descriptors(baseline);
  EXPECT_TRUE(std::ranges::all_of(peers, &Peer::ended));
  // Nobody is there to be looked at: the time-out wakes nobody.
  expect_asleep();
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

// What came while the server was held up is no fault of those who sent it.
TEST_P(IdleTimeout, HoldsItsOwnAbsenceAgainstNobody) {
  start_with(timeout);
  std::vector<Peer> peers = connect_idle(concurrent(20));
  freeze();
  for (Peer& peer : peers) peer.send_all("while away");
  std::this_thread::sleep_for(2 * timeout);
  thaw();
  for (Peer& peer : peers) EXPECT_EQ(peer.receive(10), "while away");
  EXPECT_EQ(counter("idle_closed"), 0U);
}

// A peer that is gone without a word, as by a pulled cable: no end and no reset ever comes.
TEST_P(IdleTimeoutFillsBuffers, ClosesPeersThatVanished) {
  const std::string why_not = NetworkNamespace::why_not();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  NetworkNamespace network;
  std::vector<Peer> vanishing;
  // One with its echo under way, and one that has all of it.
  vanishing.push_back(start_and_fill().peer);
  const std::size_t baseline = open_descriptors(server().pid()) - 1;
  if (!one_at_a_time()) {
    EXPECT_EQ(vanishing.emplace_back(endpoint()).exchange("x"), "x");
  }
  network.set_loopback(false);
  EXPECT_TRUE(soon_idle_closed(vanishing.size()));
  expect_descriptors(baseline);
  network.set_loopback(true);
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

INSTANTIATE_TEST_SUITE_P(Backends, IdleTimeout, ::testing::ValuesIn(all_backends()),
                         name_of_server);
INSTANTIATE_TEST_SUITE_P(Backends, IdleTimeoutFillsBuffers, ::testing::ValuesIn(all_backends()),
                         name_of_server);

}  // namespace
}  // namespace echomux
