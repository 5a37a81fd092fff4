// What happens at the limits: no descriptor, no thread, no bit in the set to be had.

#include <algorithm>
#include <chrono>

#include "tests/support/bytes.hpp"
#include "tests/support/conformance.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

// Far below what a server that spins uses in a second, even where it has to share its CPU, and far
// above what some attempts per second cost.
constexpr std::chrono::milliseconds not_spinning{200};

// The undefined-behaviour sanitizer, which here goes with the one of addresses, checks pointers
// with the help of a pipe. Without descriptors for that it calls good pointers bad and ends the
// server.
constexpr const char* sanitizer_needs_descriptors = "the sanitizer itself needs descriptors";

// Those that are still connected and have an answer to read.
std::vector<Peer*> those_with_answer(std::vector<Peer>& peers) {
  std::vector<Peer*> chosen;
  for (Peer& peer : peers) {
    if (peer.fd() >= 0 && peer.answered()) chosen.push_back(&peer);
  }
  return chosen;
}

TEST_P(Conformance, ServesThoseWhoWaitForADescriptorInTheirTurn) {
  if (under_address_sanitizer) GTEST_SKIP() << sanitizer_needs_descriptors;
  constexpr std::size_t limit = 64;
  constexpr std::size_t count = 100;
  start({}, limit);
  descriptors_without_peers();
  const std::size_t capacity = concurrent(free_descriptors(server().pid(), limit));
  std::vector<Peer> peers = connect(count);
  for (std::size_t i = 0; i < count; ++i) peers[i].send_all(make_data(100, i));
  // As many are served as there are descriptors, and the others wait without being harmed.
  EXPECT_TRUE(eventually(patience, [&] { return those_with_answer(peers).size() == capacity; }))
      << those_with_answer(peers).size() << " served instead of " << capacity;
  if (!one_at_a_time()) {
    EXPECT_TRUE(eventually(patience, [&] { return counter("accept_pauses") > 0; }));
  }
  if (!GetParam().never_sleeps) {
    EXPECT_LT(cpu_time_of_a_while(), not_spinning) << "it spins for want of descriptors";
  }
  EXPECT_EQ(those_with_answer(peers).size(), capacity);

  // Whoever is served leaves, until everybody has been.
  for (std::size_t served = 0; served < count;) {
    ASSERT_TRUE(eventually(patience, [&] { return !those_with_answer(peers).empty(); }))
        << "nobody is served any more after " << served << " peers";
    for (Peer* const peer : those_with_answer(peers)) {
      const auto i = static_cast<std::size_t>(peer - peers.data());
      EXPECT_TRUE(same_bytes(peer->receive(100), make_data(100, i))) << "at peer " << i;
      peer->close();
      ++served;
    }
  }
}

// Descriptors may come free without any connection of this server ending: another thread may close
// one or, as here, the limit may be raised. Nothing tells the server of it.
TEST_P(Conformance, NoticesDescriptorsThatComeFreeElsewhere) {
  if (under_address_sanitizer) GTEST_SKIP() << sanitizer_needs_descriptors;
  const rlim_t before = use_up_descriptors();
  Peer peer(endpoint());
  peer.send_all("anybody?");
  ASSERT_TRUE(eventually(patience, [&] { return counter("accept_pauses") > 0; }));
  const auto used = cpu_time_of_a_while();
  if (!GetParam().never_sleeps) {
    EXPECT_LT(used, not_spinning) << "it spins for want of descriptors";
  }
  EXPECT_FALSE(peer.answered());
  set_soft_limit(server().pid(), RLIMIT_NOFILE, before);
  EXPECT_EQ(peer.receive(8, promptly), "anybody?");
}

TEST_P(Conformance, StopsWhileOutOfDescriptors) {
  if (under_address_sanitizer) GTEST_SKIP() << sanitizer_needs_descriptors;
  use_up_descriptors();
  const Peer peer(endpoint());
  ASSERT_TRUE(eventually(patience, [&] { return counter("accept_pauses") > 0; }));
  stop();
}

std::vector<Backend> only(std::string_view name) {
  const Backend* const backend = find_backend(name);
  return backend == nullptr ? std::vector<Backend>{} : std::vector<Backend>{*backend};
}

std::string name_of(const ::testing::TestParamInfo<Backend>& test) {
  return std::string(test.param.name);
}

class SelectLimit : public Conformance {
 protected:
  // Both ends need descriptors beyond the 1,024 that an fd_set has room for.
  static bool can_have(rlim_t descriptors) { return raise_own_descriptor_limit() > descriptors; }
};

TEST_P(SelectLimit, TurnsAwayWhoDoesNotFitTheSet) {
  constexpr std::size_t count = 1100;
  if (!can_have(count + 100)) GTEST_SKIP() << "the limit of open files is too low (ulimit -Hn)";
  std::vector<Peer> peers = connect(count);
  ASSERT_TRUE(eventually(patience, [&] { return counter("accepted") == count; }));
  const std::uint64_t turned_away = counter("turned_away");
  EXPECT_GT(turned_away, 0U);
  // Nobody who is inside has sent anything yet, so the only answer there can be is the end.
  const auto ended = [&] {
    return static_cast<std::uint64_t>(std::ranges::count_if(peers, &Peer::ended));
  };
  EXPECT_TRUE(eventually(patience, [&] { return ended() == turned_away; }))
      << ended() << " ended instead of " << turned_away;
  std::erase_if(peers, [](const Peer& peer) { return peer.ended(); });
  EXPECT_GT(peers.size(), 1000U);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::string data = make_data(100, i);
    ASSERT_TRUE(same_bytes(peers[i].exchange(data), data)) << "at peer " << i;
  }
  // When one leaves there is a place again.
  peers.pop_back();
  ASSERT_TRUE(eventually(patience, [&] { return counter("closed") >= 1; }));
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

TEST_P(SelectLimit, ServesMoreThanFitTheSetWhenToldTo) {
  constexpr std::size_t count = 1500;
  if (!can_have(count + 100)) GTEST_SKIP() << "the limit of open files is too low (ulimit -Hn)";
  start({"--select-limit", "none"});
  std::vector<Peer> peers = connect(count);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < count; ++i) peers[i].send_all(make_data(100, i));
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(same_bytes(peers[i].receive(100), make_data(100, i))) << "at peer " << i;
    }
  }
  EXPECT_EQ(counter("turned_away"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Backends, SelectLimit, ::testing::ValuesIn(only("select")), name_of);

class ThreadLimit : public Conformance {};

TEST_P(ThreadLimit, TurnsAwayWhoCannotHaveAThread) {
  if (under_sanitizer) GTEST_SKIP() << "a sanitizer needs address space itself";
  if (under_faults()) GTEST_SKIP() << "to keep what a short send leaves takes memory itself";
  // With the one there is no room for anything, with the other only for no thread's stack.
  for (const rlim_t slack : {rlim_t{0}, rlim_t{1024} * 1024}) {
    std::vector<Peer> inside = connect_idle(3);
    const pid_t pid = server().pid();
    const rlim_t before = set_soft_limit(pid, RLIMIT_AS, address_space(pid) + slack);
    Peer outside(endpoint());
    EXPECT_TRUE(eventually(patience, [&] { return outside.ended(); }));
    for (Peer& peer : inside) EXPECT_EQ(peer.exchange("still"), "still");
    // A snapshot is wanted most when memory is short, so it must need none.
    EXPECT_EQ(counter("turned_away"), 1U);
    set_soft_limit(pid, RLIMIT_AS, before);
    EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
    // A server that has had threads keeps their stacks for others, so the next round needs another.
    stop();
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, ThreadLimit, ::testing::ValuesIn(only("threaded")), name_of);

}  // namespace
}  // namespace echomux
