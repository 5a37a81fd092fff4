// What happens at the limits: no descriptor, no thread, no memory, no place in the backlog, no bit
// in the set to be had.

#include <sys/select.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <optional>

#include "tests/conformance/conformance.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

// Far below what a server that spins uses in a second, even where it has to share its CPU, and far
// above what some attempts per second cost.
constexpr std::chrono::milliseconds not_spinning{200};

// The undefined-behaviour sanitizer, which here goes with the one of addresses, checks pointers
// with the help of a pipe. Without descriptors for that it calls good pointers bad and ends the
// server. And valgrind keeps the highest below the limit to itself.
const bool observer_needs_descriptors = under_address_sanitizer || server_wrapper != nullptr;
constexpr const char* they_are_needed = "what looks on needs descriptors itself";
constexpr const char* too_few_descriptors = "the limit of open files is too low (ulimit -Hn)";

// Those that are still connected and have an answer to read.
std::vector<Peer*> those_with_answer(std::vector<Peer>& peers) {
  std::vector<Peer*> chosen;
  for (Peer& peer : peers) {
    if (peer.fd() >= 0 && peer.answered()) chosen.push_back(&peer);
  }
  return chosen;
}

TEST_P(ConformanceOfOurs, ServesThoseWhoWaitForADescriptorInTheirTurn) {
  if (observer_needs_descriptors) GTEST_SKIP() << they_are_needed;
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

  // A peer that is served leaves, until all have been.
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

// The same of any server, with nothing asked of its counters: some libraries close newcomers.
TEST_P(Conformance, ServesItsPeersWhileNewcomersFindNoDescriptor) {
  if (observer_needs_descriptors) GTEST_SKIP() << they_are_needed;
  if (one_at_a_time()) GTEST_SKIP() << "it has one peer";
  std::vector<Peer> peers = connect_idle(20);
  const rlim_t before = use_up_descriptors();
  std::vector<Peer> newcomers = connect(30);
  for (int round = 0; round < 3; ++round) {
    for (Peer& peer : peers) EXPECT_EQ(peer.exchange("still"), "still");
  }
  if (!GetParam().never_sleeps) {
    EXPECT_LT(cpu_time_of_a_while(), not_spinning) << "it spins for want of descriptors";
  }
  set_soft_limit(server().pid(), RLIMIT_NOFILE, before);
  newcomers.clear();
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

// Descriptors may come free without any connection of this server ending: another thread may close
// one or, as here, the limit may be raised. Nothing tells the server of it.
TEST_P(ConformanceOfOurs, NoticesDescriptorsThatComeFreeElsewhere) {
  if (observer_needs_descriptors) GTEST_SKIP() << they_are_needed;
  const rlim_t before = use_up_descriptors();
  Peer peer(endpoint());
  peer.send_all("anybody?");
  ASSERT_TRUE(eventually(patience, [&] { return counter("accept_pauses") > 0; }));
  const std::uint64_t calls = counter("accept_calls");
  const auto used = cpu_time_of_a_while();
  if (!GetParam().never_sleeps) {
    EXPECT_LT(used, not_spinning) << "it spins for want of descriptors";
    // The same where so many share the CPU that none gets much of it.
    EXPECT_LT(counter("accept_calls"), calls + 1000) << "it spins for want of descriptors";
  }
  EXPECT_FALSE(peer.answered());
  set_soft_limit(server().pid(), RLIMIT_NOFILE, before);
  EXPECT_EQ(peer.receive(8, promptly), "anybody?");
}

TEST_P(ConformanceOfOurs, StopsWhileOutOfDescriptors) {
  if (observer_needs_descriptors) GTEST_SKIP() << they_are_needed;
  use_up_descriptors();
  const Peer peer(endpoint());
  ASSERT_TRUE(eventually(patience, [&] { return counter("accept_pauses") > 0; }));
  stop();
}

// Fewer descriptors than it has open already: what it waits with may then refuse to (poll's
// EINVAL).
TEST_P(Conformance, KeepsItsPeersWhenItsLimitIsLowered) {
  if (observer_needs_descriptors) GTEST_SKIP() << they_are_needed;
  std::vector<Peer> peers = connect_idle(concurrent(50));
  const rlim_t before = set_soft_limit(server().pid(), RLIMIT_NOFILE, 10);
  for (int round = 0; round < 2; ++round) {
    for (Peer& peer : peers) EXPECT_EQ(peer.exchange("still"), "still");
  }
  set_soft_limit(server().pid(), RLIMIT_NOFILE, before);
  peers.clear();
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

// A newcomer that is served. One for whom there is no place yet is turned away, and comes again.
std::optional<Peer> newcomer(const Endpoint& endpoint) {
  std::optional<Peer> peer;
  const auto served = [&] {
    try {
      return peer.emplace(endpoint).exchange("newcomer") == "newcomer";
    } catch (const std::exception&) {
      return false;
    }
  };
  EXPECT_TRUE(eventually(patience, served)) << "nobody is let in any more";
  return peer;
}

std::uint64_t count_ended(const std::vector<Peer>& peers) {
  return static_cast<std::uint64_t>(std::ranges::count_if(peers, &Peer::ended));
}

TEST_P(ConformanceOfOurs, TurnsAwayMoreThanItsMaxConnections) {
  constexpr std::size_t most = 5;
  constexpr std::size_t beyond = 300;
  start({"--max-connections", std::to_string(most)});
  std::vector<Peer> inside = connect_idle(concurrent(most));
  const std::vector<Peer> outside = connect(beyond);
  // One at a time is less than the limit: who comes then waits, as always with such a server.
  const std::uint64_t turned_away = one_at_a_time() ? 0 : beyond;
  EXPECT_TRUE(eventually(patience, [&] { return count_ended(outside) == turned_away; }))
      << count_ended(outside) << " ended instead of " << turned_away;
  EXPECT_EQ(counter("turned_away"), turned_away);
  EXPECT_EQ(counter("closed"), 0U);
  for (Peer& peer : inside) EXPECT_EQ(peer.exchange("still"), "still");
  if (one_at_a_time()) return;
  // With one gone there is a place again, and only one.
  inside.pop_back();
  const auto next = newcomer(endpoint());
  const Peer one_too_many(endpoint());
  EXPECT_TRUE(eventually(patience, [&] { return one_too_many.ended(); }));
}

// A peer that has seen its connection closed may use the place at once.
TEST_P(ConformanceOfOurs, HasAPlaceForWhoComesWhenOneHasLeft) {
  start({"--max-connections", "1"});
  for (int i = 0; i < 200; ++i) {
    Peer peer(endpoint());
    peer.send_all("x");
    peer.half_close();
    ASSERT_EQ(peer.read_to_end(), "x") << "after " << i;
  }
  EXPECT_EQ(counter("turned_away"), 0U);
}

// A descriptor number is used again at once, and what the kernel has told of the old peer may be
// known to the server only after it has let the new one in.
TEST_P(ConformanceOfOurs, ClosesNoNewcomerForOneThatLeft) {
  if (one_at_a_time()) GTEST_SKIP() << "this server lets a newcomer in only when it is alone";
  constexpr std::size_t most = 5;
  start({"--max-connections", std::to_string(most)});
  std::vector<Peer> inside = connect_idle(most);
  freeze();
  // Whether there is a place for them depends on what the server finds out first.
  std::vector<Peer> newcomers = connect(2);
  inside[0].reset();
  inside[1].reset();
  thaw();
  std::uint64_t ended = 0;
  for (Peer& peer : newcomers) {
    try {
      EXPECT_EQ(peer.exchange("newcomer"), "newcomer");
    } catch (const std::exception&) {
      ++ended;
    }
  }
  EXPECT_EQ(ended, counter("turned_away")) << "a newcomer that was let in was closed";
  for (std::size_t i = 2; i < most; ++i) EXPECT_EQ(inside[i].exchange("still"), "still");
}

// For tests of another limit than select's own.
std::vector<std::string> beyond_fd_setsize(const Backend& backend) {
  if (backend.name != "select") return {};
  return {"--select-limit", "none"};
}

// More than an fd_set has bits for. Each is served or turned away, and none does harm.
TEST_P(ConformanceOfOurs, ServesOrTurnsAwayMoreThanAnFdSetHolds) {
  if (one_at_a_time()) GTEST_SKIP() << "this server has one peer at a time, by design";
  constexpr std::size_t count = FD_SETSIZE + 76;
  if (!enough_descriptors_for(count)) GTEST_SKIP() << too_few_descriptors;
  std::vector<Peer> peers = connect(count);
  ASSERT_TRUE(eventually(patience, [&] { return counter("accepted") == count; }));
  // Nobody who is inside has sent anything yet, so the only answer there can be is the end.
  EXPECT_TRUE(eventually(patience, [&] { return count_ended(peers) == counter("turned_away"); }));
  std::erase_if(peers, [](const Peer& peer) { return peer.ended(); });
  if (GetParam().max_connections.value_or(count) < count) {
    EXPECT_LT(peers.size(), count);
    EXPECT_GT(peers.size(), 1000U);
  }
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::string data = make_data(100, i);
    ASSERT_TRUE(same_bytes(peers[i].exchange(data), data)) << "at peer " << i;
  }
  // When one leaves there is a place again.
  peers.pop_back();
  ASSERT_TRUE(eventually(patience, [&] { return counter("closed") >= 1; }));
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

// No more address space, from one moment to the next. Each newcomer is then served or turned away,
// and those inside stay.
TEST_P(ConformanceOfOurs, SurvivesRunningOutOfMemory) {
  if (slowed_down) GTEST_SKIP() << "what looks on needs address space itself";
  if (under_faults()) GTEST_SKIP() << "to keep what a short send leaves takes memory itself";
  if (one_at_a_time()) GTEST_SKIP() << "it needs no memory for one more peer";
  constexpr std::size_t newcomers = 6000;
  if (!enough_descriptors_for(newcomers)) GTEST_SKIP() << too_few_descriptors;
  start(beyond_fd_setsize(GetParam()));
  std::vector<Peer> inside = connect_idle(3);
  const pid_t pid = server().pid();
  const rlim_t before = set_soft_limit(pid, RLIMIT_AS, address_space(pid));
  {
    std::vector<Peer> outside = connect(newcomers);
    EXPECT_TRUE(eventually(patience, [&] { return counter("accepted") == newcomers + 3; }));
    EXPECT_GT(counter("turned_away"), 0U);
    EXPECT_TRUE(
        eventually(patience, [&] { return count_ended(outside) == counter("turned_away"); }));
    for (Peer& peer : inside) EXPECT_EQ(peer.exchange("still"), "still");
  }
  set_soft_limit(pid, RLIMIT_AS, before);
  static_cast<void>(newcomer(endpoint()));
}

// How many connections the kernel keeps for a server that isn't looking: what the system allows; it
// lets in one more.
std::size_t backlog() {
  std::size_t most = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> most;
  return most;
}

// More peers than the backlog takes, while the server is held up. The kernel ignores those, who ask
// again and again by themselves; nobody is lost.
TEST_P(ConformanceOfOurs, ServesMoreThanTheBacklogTakesAfterwards) {
  constexpr std::size_t beyond = 50;
  const std::size_t count = backlog() + beyond;
  if (count > 10'000 || !enough_descriptors_for(count)) {
    GTEST_SKIP() << "a backlog of " << backlog() << " is too long for the limit of open files";
  }
  std::vector<std::string> options = beyond_fd_setsize(GetParam());
  // Each of several listeners has a backlog of its own.
  if (GetParam().shares_port) options = {"--workers", "1"};
  if (GetParam().max_connections.value_or(1) != 1 && options.empty()) {
    GTEST_SKIP() << "this server turns most of them away, by design";
  }
  start(options);
  std::vector<Peer> inside = connect_idle(concurrent(3));
  freeze();
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < count; ++i) peers.push_back(Peer::connecting(endpoint()));
  const auto connected = [&] {
    return static_cast<std::size_t>(std::ranges::count_if(peers, &Peer::connected));
  };
  EXPECT_TRUE(eventually(patience, [&] { return connected() >= backlog(); }));
  EXPECT_LT(connected(), count) << "the backlog takes more than expected";
  thaw();
  for (Peer& peer : inside) EXPECT_EQ(peer.exchange("still"), "still");
  inside.clear();
  // Those for whom there was no place get in by and by, in an order of their own.
  for (std::size_t i = 0; i < count; ++i) {
    peers[i].send_all(make_data(20, i));
    peers[i].half_close();
  }
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(same_bytes(peers[i].read_to_end(), make_data(20, i))) << "at peer " << i;
  }
  EXPECT_EQ(counter("peer_errors"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Backends, ConformanceOfOurs, ::testing::ValuesIn(servers_under_test()),
                         name_of_server);

std::vector<Backend> only(std::string_view name) {
  const Backend* const backend = find_backend(name);
  return backend == nullptr ? std::vector<Backend>{} : std::vector<Backend>{*backend};
}

class SelectLimit : public Conformance {};

TEST_P(SelectLimit, ServesMoreThanFitTheSetWhenToldTo) {
  constexpr std::size_t count = 1500;
  if (!enough_descriptors_for(count)) GTEST_SKIP() << too_few_descriptors;
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

INSTANTIATE_TEST_SUITE_P(Backends, SelectLimit, ::testing::ValuesIn(only("select")),
                         name_of_server);

class ThreadLimit : public Conformance {};

TEST_P(ThreadLimit, TurnsAwayWhoCannotHaveAThread) {
  if (slowed_down) GTEST_SKIP() << "what looks on needs address space itself";
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

INSTANTIATE_TEST_SUITE_P(Backends, ThreadLimit, ::testing::ValuesIn(only("threaded")),
                         name_of_server);

}  // namespace
}  // namespace echomux
