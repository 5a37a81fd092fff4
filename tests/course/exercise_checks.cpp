// What exercises of the course ask for beyond the conformance suite. For 'course/check', which
// names the server in ECHOMUX_TEST_SERVERS.

#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "echo/system_call.hpp"
#include "harness/server/process_meter.hpp"
#include "tests/conformance/conformance.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

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

// The CPU time is that of a second. On a machine that has others to serve, a server that never
// sleeps gets little, too; but it never leaves its CPU of its own accord.
TEST_P(Conformance, UsesLittleCpuWhileItsPeersAreIdle) {
  const std::vector<Peer> peers = connect_idle(100);
  const auto sleeps = [this] { return read_process_tree(server().pid())->voluntary_switches; };
  const std::uint64_t before = sleeps();
  EXPECT_LT(cpu_time_of_a_while(), 200ms) << "of CPU time in a second in which nobody said a word";
  EXPECT_GT(sleeps(), before) << "it never slept";
}

TEST_P(Conformance, AnswersWithoutMuchDelay) {
  constexpr int rounds = 100;
  const std::vector<Peer> idle = connect_idle(100);
  Peer peer(endpoint());
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i) ASSERT_EQ(peer.exchange("x"), "x");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, rounds * 20ms)
      << "for " << rounds << " echoes, one after the other";
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

// How long as many messages take, asked by so many peers at the same time.
std::chrono::nanoseconds time_of_messages(std::vector<Peer>& peers, std::size_t messages) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < messages / peers.size(); ++i) {
    for (Peer& peer : peers) peer.send_all("x");
    for (Peer& peer : peers) EXPECT_EQ(peer.receive(1), "x");
  }
  return std::chrono::steady_clock::now() - begin;
}

// Each message takes some work, in which its thread sleeps: two threads do as much in about half of
// the time, on one CPU, too. A busy machine may keep them from it in some rounds.
TEST_P(Conformance, LetsTwoThreadsWork) {
  constexpr std::size_t messages = 200;
  std::vector<Peer> alone = connect_idle(1);
  std::vector<Peer> peers = connect_idle(4);
  double best = 1;
  for (int round = 0; round < 10 && best > 0.75; ++round) {
    const auto one_by_one = time_of_messages(alone, messages);
    const auto together = time_of_messages(peers, messages);
    best = std::min(best, std::chrono::duration<double>(together) / one_by_one);
  }
  EXPECT_LE(best, 0.75) << "of the time that one peer takes, with four that ask at the same time";
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
