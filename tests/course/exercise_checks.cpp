// What exercises of the course ask for beyond the conformance suite. For 'course/check', which
// names the server in ECHOMUX_TEST_SERVERS.

#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>
#include <thread>

#include "echo/system_call.hpp"
#include "harness/server/process_meter.hpp"
#include "tests/conformance/conformance.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/flood.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

// The most that a request may cost, by counter: "NAME=NUMBER,…" in ECHOMUX_TEST_COUNTS.
std::map<std::string, double> most_per_request() {
  const char* const given = std::getenv("ECHOMUX_TEST_COUNTS");
  if (given == nullptr) throw std::runtime_error("ECHOMUX_TEST_COUNTS is not set");
  std::map<std::string, double> most;
  std::istringstream list(given);
  for (std::string one; std::getline(list, one, ',');) {
    const std::size_t equals = one.find('=');
    most[one.substr(0, equals)] = std::stod(one.substr(equals + 1));
  }
  return most;
}

// One message after the other, beside peers that are silent. Counts are the same on every machine.
TEST_P(Conformance, CostsFewCalls) {
  constexpr int requests = 100;
  const std::vector<Peer> idle = connect_idle(100);
  Peer peer(endpoint());
  ASSERT_EQ(peer.exchange("x"), "x");
  std::map<std::string, std::uint64_t> before;
  for (const auto& [name, most] : most_per_request()) before[name] = counter(name);
  for (int i = 0; i < requests; ++i) ASSERT_EQ(peer.exchange("x"), "x");
  for (const auto& [name, most] : most_per_request()) {
    EXPECT_LE(static_cast<double>(counter(name) - before[name]) / requests, most)
        << name << " for each message that came and went";
  }
}

// All of its peers speak, more than one at a time, and it is stopped meanwhile. For a server that
// is built with a sanitizer: few peers, since that slows it down.
TEST_P(Conformance, KeepsItsThreadsApart) {
  std::vector<Peer> peers = connect_idle(20);
  for (int round = 0; round < 3; ++round) {
    for (Peer& peer : peers) peer.send_all(make_data(100, 7));
    for (Peer& peer : peers) ASSERT_TRUE(same_bytes(peer.receive(100), make_data(100, 7)));
  }
  const Flood flood(endpoint(), 4);
  ASSERT_TRUE(eventually(patience, [&] { return flood.echoed_bytes() > 1'000'000; }));
  peers.erase(peers.begin(), peers.begin() + 10);  // some leave while others come
  peers.emplace_back(endpoint());
  stop();
}

// What it received and has not sent is at most what one receive takes, however much is sent to it.
TEST_P(Conformance, HoldsOneBufferForAPeerThatDoesNotRead) {
  constexpr std::uint64_t most = 1'000'000;
  const std::uint64_t before = resident_memory(server().pid());
  const Stalled stalled = stall();
  EXPECT_LE(resident_memory(server().pid()), before + most) << "bytes of memory";
  EXPECT_LE(counter("bytes_received"), counter("bytes_sent") + most) << "bytes sent";
}

// A turn in which nothing has moved is followed by a rest. How many turns there are is counted by
// their calls, so a slow machine changes nothing.
TEST_P(Conformance, RestsAfterATurnInWhichNothingMoved) {
  constexpr std::size_t silent = 100;
  const std::vector<Peer> peers = connect_idle(silent);
  const auto sleeps = [this] { return read_process_tree(server().pid())->voluntary_switches; };
  const std::uint64_t calls = counter("recv_calls");
  const std::uint64_t slept = sleeps();
  ASSERT_TRUE(eventually(patience, [&] { return counter("recv_calls") > calls + 20 * silent; }));
  const std::uint64_t turns = (counter("recv_calls") - calls) / silent;
  EXPECT_GE(2 * (sleeps() - slept), turns) << "rests, and so many turns";
}

// Somebody waits who can't be let in. Counted, so that it is seen on a busy machine, too.
TEST_P(Conformance, StaysAsleepWithoutDescriptors) {
  use_up_descriptors();
  const std::uint64_t before = counter("accept_calls");
  const Peer peer(endpoint());
  ASSERT_TRUE(eventually(patience, [&] { return counter("accept_calls") > before; }));
  const std::uint64_t calls = counter("accept_calls");
  static_cast<void>(cpu_time_of_a_while());
  EXPECT_LT(counter("accept_calls"), calls + 1000) << "tries in a second, each of them in vain";
}

// Newcomers are accepted, whatever becomes of them.
TEST_P(Conformance, AcceptsNewcomers) {
  const std::vector<Peer> peers = connect(3);
  EXPECT_TRUE(eventually(patience, [&] { return counter("accepted") == peers.size(); }))
      << counter("accepted") << " of " << peers.size() << " have been accepted";
}

// They stay connected, though nobody has answered them yet.
TEST_P(Conformance, KeepsItsPeers) {
  const std::vector<Peer> peers = connect(3);
  EXPECT_TRUE(eventually(patience, [&] { return counter("accepted") == peers.size(); }));
  const std::uint64_t watched = counter("interest_changes");
  EXPECT_GE(watched, 2 + peers.size()) << "calls of epoll_ctl: two at the start, one for each peer";
  EXPECT_TRUE(std::ranges::none_of(peers, &Peer::ended)) << "a peer was closed at once";
}

// A stack is reserved, though not used, for every thread that has not been joined: commonly 8 MiB.
TEST_P(Conformance, KeepsNoStacksOfThreadsThatEnded) {
  constexpr std::uint64_t mebibyte = 1024UL * 1024;
  constexpr std::uint64_t count = 2000;
  const auto come_and_go = [this](std::uint64_t peers) {
    for (std::uint64_t i = 0; i < peers; ++i) {
      ASSERT_EQ(Peer(endpoint()).exchange("x"), "x");
    }
  };
  come_and_go(50);
  const std::uint64_t before = address_space(server().pid());
  come_and_go(count);
  EXPECT_LT(address_space(server().pid()), before + count * mebibyte)
      << "in bytes of address space, after " << count << " peers that came and went";
}

// For how long a server's threads have waited for a CPU that others had, in all.
std::chrono::nanoseconds waited_for_cpu(pid_t pid) {
  std::chrono::nanoseconds sum{};
  for (const auto& [thread, wait] : waits_for_cpu(pid)) sum += wait;
  return sum;
}

// Of the second in which nobody says a word, only the time counts in which the server could have
// had a CPU: others on the machine change nothing.
TEST_P(Conformance, UsesLittleCpuWhileItsPeersAreIdle) {
  const std::vector<Peer> peers = connect_idle(100);
  const auto sleeps = [this] { return read_process_tree(server().pid())->voluntary_switches; };
  const std::uint64_t before = sleeps();
  const auto waited_before = waited_for_cpu(server().pid());
  const auto used = cpu_time_of_a_while();
  const auto waited = waited_for_cpu(server().pid()) - waited_before;
  EXPECT_GT(sleeps(), before) << "it never slept";
  EXPECT_LT(used, (1s - std::min<std::chrono::nanoseconds>(waited, 900ms)) / 5)
      << "of CPU time in a second in which nobody said a word";
}

// What one peer says is answered in the next turn at the latest: so a turn and its rest may take 20
// ms.
TEST_P(Conformance, AnswersWithoutMuchDelay) {
  constexpr std::size_t silent = 100;
  const std::vector<Peer> peers = connect_idle(silent);
  const auto waited_before = waited_for_cpu(server().pid());
  const std::uint64_t calls = counter("recv_calls");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually(patience, [&] {
    return counter("recv_calls") >= calls + 20 * silent ||
           std::chrono::steady_clock::now() - begin > 1s;
  }));
  const auto time =
      std::chrono::steady_clock::now() - begin - (waited_for_cpu(server().pid()) - waited_before);
  const double turns = static_cast<double>(counter("recv_calls") - calls) / silent;
  EXPECT_LE(std::chrono::duration<double>(time).count() / std::max(turns, 1.0), 0.020)
      << "seconds for a turn through its peers";
  Peer peer(endpoint());
  EXPECT_EQ(peer.exchange("x"), "x");
}

TEST_P(Conformance, ScansOnlyThosePeersWhoAreThere) {
  const std::size_t baseline = descriptors_without_peers();
  for (int round = 0; round < 5; ++round) {
    const std::vector<Peer> leaving = connect_idle(100);
  }
  expect_descriptors(baseline);
  Peer peer(endpoint());
  ASSERT_EQ(peer.exchange("x"), "x");
  const std::uint64_t scanned = counter("descriptors_scanned");
  const std::uint64_t waits = counter("waits");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(peer.exchange("x"), "x");
  const double per_wait = static_cast<double>(counter("descriptors_scanned") - scanned) /
                          static_cast<double>(counter("waits") - waits);
  EXPECT_LT(per_wait, 10.0) << "entries looked at in each call, with one peer there and 500 gone";
}

// Whoever stays must keep his own place, whoever leaves.
TEST_P(Conformance, KeepsThoseApartWhoStay) {
  std::vector<Peer> peers = connect_idle(60);
  for (std::size_t round = 0; peers.size() > 1; ++round) {
    for (std::size_t i = 0; i < peers.size(); ++i) peers[i].send_all(make_data(50, round + i));
    for (std::size_t i = peers.size(); i-- > 0;) {
      ASSERT_TRUE(same_bytes(peers[i].receive(50), make_data(50, round + i))) << "at peer " << i;
    }
    // And one alone, so that nobody is served by the way.
    for (Peer& peer : peers) ASSERT_EQ(peer.exchange("alone"), "alone") << "in round " << round;
    // Every third leaves, the first among them.
    std::size_t place = 0;
    std::erase_if(peers, [&](const Peer&) { return place++ % 3 == 0; });
  }
}

// Bytes that wait to be received here.
std::size_t received(const std::vector<Peer>& peers) {
  std::size_t sum = 0;
  for (const Peer& peer : peers) {
    int bytes = 0;
    check(::ioctl(peer.fd(), FIONREAD, &bytes), "ioctl FIONREAD");
    sum += static_cast<std::size_t>(bytes);
  }
  return sum;
}

// Greedy peers whose bytes lie there when a quiet one speaks. A server that serves each to its end
// answers the quiet one last; one whose turns have an end answers it before. That this is seen
// before the others are served, too, is a matter of who runs when: hence several rounds.
TEST_P(Conformance, AnswersAQuietPeerBesideGreedyOnes) {
  // Fits the window as long as nobody reads, and what is sent back in small pieces fits, too.
  constexpr std::size_t each = 20'000;
  const std::string bytes = make_data(each, 12);
  std::vector<Peer> greedy = connect_idle(8);
  Peer quiet(endpoint());
  Peer last(endpoint());
  ASSERT_EQ(quiet.exchange("x"), "x");
  bool fair = false;
  for (int round = 0; round < 20 && !fair; ++round) {
    // If the server is held up in the midst of a turn, then in that of somebody else.
    ASSERT_EQ(last.exchange("x"), "x");
    freeze();
    for (Peer& peer : greedy) peer.send_all(bytes);
    ASSERT_TRUE(
        eventually(patience, [&] { return std::ranges::all_of(greedy, &Peer::delivered); }));
    quiet.send_all("x");
    ASSERT_TRUE(eventually(patience, [&] { return quiet.delivered(); }));
    thaw();
    ASSERT_EQ(quiet.receive(1), "x");
    fair = received(greedy) < greedy.size() * each;
    for (Peer& peer : greedy) ASSERT_TRUE(same_bytes(peer.receive(each), bytes));
  }
  EXPECT_TRUE(fair) << "the quiet peer was answered only when all others had been served";
}

// A peer that came and went left a deadline behind. It must close nobody who is there later.
TEST_P(Conformance, ClosesNobodyForAPeerThatHasGone) {
  constexpr auto limit = 400ms;
  start({"--idle-timeout", std::to_string(limit.count()) + "ms"});
  { EXPECT_EQ(Peer(endpoint()).exchange("x"), "x"); }
  ASSERT_TRUE(eventually(patience, [&] { return counter("closed") == 1; }));
  // In its place, and its descriptor's number, is somebody who speaks all the time.
  Peer newcomer(endpoint());
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < 2 * limit) {
    ASSERT_EQ(newcomer.exchange("still"), "still");
    std::this_thread::sleep_for(limit / 20);
  }
  newcomer.close();
  // And once more with nobody there.
  std::this_thread::sleep_for(2 * limit);
  EXPECT_EQ(Peer(endpoint()).exchange("next"), "next");
}

TEST_P(Conformance, ClosesAPeerThatSaysNothing) {
  start({"--idle-timeout", "300ms"});
  const Peer silent(endpoint());
  EXPECT_TRUE(eventually(patience, [&] { return silent.ended(); }));
}

// What comes back for it, as one line.
std::string answer_to(Peer& peer, std::string_view command, std::size_t bytes) {
  peer.send_all(command);
  return peer.receive(bytes);
}

// Sends these bytes, and waits until the server has taken them: so no others come together with
// them.
void send_by_itself(Peer& peer, std::string_view bytes,
                    const std::function<std::uint64_t()>& receive_calls) {
  const std::uint64_t before = receive_calls();
  peer.send_all(bytes);
  EXPECT_TRUE(eventually(patience, [&] { return receive_calls() > before; }));
}

TEST_P(Conformance, TakesACommandInOnePiece) {
  Peer peer(endpoint());
  EXPECT_EQ(answer_to(peer, "1 hello\n", 6), "hello\n");
  EXPECT_EQ(answer_to(peer, "2 hello\n", 6), "olleh\n");
  EXPECT_EQ(answer_to(peer, "3\n", 2), "3\n");
  EXPECT_EQ(answer_to(peer, "4 what\n", 2), "?\n");
  EXPECT_EQ(answer_to(peer, "1 hello\r\n", 6), "hello\n");
  EXPECT_EQ(answer_to(peer, "\n", 2), "?\n");
}

TEST_P(Conformance, TakesCommandsThatComeInPieces) {
  Peer peer(endpoint());
  const std::string_view command = "2 hello\n";
  for (const char byte : command) {
    send_by_itself(peer, {&byte, 1}, [this] { return counter("recv_calls"); });
  }
  EXPECT_EQ(peer.receive(6), "olleh\n");
  EXPECT_EQ(answer_to(peer, "3\n", 2), "2\n") << "commands were counted";
}

TEST_P(Conformance, TakesSeveralCommandsFromOnePiece) {
  Peer peer(endpoint());
  EXPECT_EQ(answer_to(peer, "1 one\n2 two\n3\n1 th", 10), "one\nowt\n3\n");
  EXPECT_EQ(answer_to(peer, "ree\n", 6), "three\n");
  // As long as a line may be.
  const std::string text(4'000, 'x');
  EXPECT_EQ(answer_to(peer, "1 " + text + "\n", text.size() + 1), text + "\n");
}

// It gets the descriptor number of the other.
TEST_P(Conformance, KeepsNothingOfAPeerThatHasGone) {
  for (int i = 0; i < 3; ++i) {
    Peer gone(endpoint());
    send_by_itself(gone, "1 left", [this] { return counter("recv_calls"); });
    const std::uint64_t closed = counter("closed");
    gone.close();
    ASSERT_TRUE(eventually(patience, [&] { return counter("closed") > closed; }));
    Peer newcomer(endpoint());
    EXPECT_EQ(answer_to(newcomer, "1 new\n", 4), "new\n");
    newcomer.close();
    ASSERT_TRUE(eventually(patience, [&] { return counter("closed") > closed + 1; }));
  }
}

// Each message takes 200 us of work, in which its thread sleeps: if only one thread works at a
// time, so many messages take at least as many times that, however fast the machine is. A busy
// machine may keep two threads from being faster in some rounds.
TEST_P(Conformance, LetsTwoThreadsWork) {
  constexpr std::chrono::microseconds work{200};
  constexpr int rounds = 200;
  std::vector<Peer> peers = connect_idle(16);
  std::chrono::nanoseconds best = 1s;
  for (int round = 0; round < rounds && best >= work * peers.size(); ++round) {
    freeze();
    for (Peer& peer : peers) peer.send_all("x");
    const auto begin = std::chrono::steady_clock::now();
    thaw();
    for (Peer& peer : peers) EXPECT_EQ(peer.receive(1), "x");
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - begin);
  }
  EXPECT_LT(best, work * peers.size())
      << "for " << peers.size() << " messages, which is what one thread at a time takes";
}

TEST_P(Conformance, KeepsTheCommandsOfPeersApart) {
  Peer one(endpoint());
  Peer other(endpoint());
  const auto receive_calls = [this] { return counter("recv_calls"); };
  send_by_itself(one, "1 fir", receive_calls);
  send_by_itself(other, "1 sec", receive_calls);
  EXPECT_EQ(answer_to(one, "st\n", 6), "first\n");
  EXPECT_EQ(answer_to(other, "ond\n", 7), "second\n");
}

TEST_P(Conformance, EndsWithALineThatNeverEnds) {
  Peer endless(endpoint());
  const std::string bytes(10'000, 'x');
  EXPECT_TRUE(eventually(patience, [&] {
    try {
      static_cast<void>(endless.try_send(bytes));
      return endless.ended();
    } catch (const std::exception&) {
      return true;  // reset, since there were bytes that nobody had read
    }
  })) << "the server goes on taking it";
  Peer other(endpoint());
  EXPECT_EQ(answer_to(other, "1 still\n", 6), "still\n");
}

}  // namespace
}  // namespace echomux
