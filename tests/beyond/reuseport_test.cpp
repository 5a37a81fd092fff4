// What several loops on one port are for, beyond what the conformance suite asks of every server:
// who gets whom, and what happens to the others when one of them ends or stands still.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <optional>
#include <set>

#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;

ServerCommand reuseport(const std::vector<std::string>& options) {
  return serve_command(ECHOMUX_PROGRAM, "reuseport", options);
}

std::vector<Peer> connect(const ServerProcess& server, std::size_t count) {
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < count; ++i) peers.emplace_back(server.endpoint());
  return peers;
}

std::uint64_t counter(ServerProcess& server, const std::string& name) {
  return server.counters().value().at(name);
}

// Its processes but the first, which serves nobody; waited for until there are so many.
std::vector<pid_t> children_of(const ServerProcess& server, std::size_t count) {
  std::vector<pid_t> children;
  EXPECT_TRUE(eventually(patience, [&] {
    children = process_tree(server.pid());
    std::erase(children, server.pid());
    return children.size() == count;
  }));
  children.resize(count);
  return children;
}

bool still_served(Peer& peer) {
  try {
    return peer.exchange("still") == "still";
  } catch (const std::exception&) {
    return false;
  }
}

std::size_t count_served(std::vector<Peer>& peers) {
  return static_cast<std::size_t>(std::ranges::count_if(peers, still_served));
}

// Which loop serves each peer: it alone has received that many bytes more.
std::vector<std::size_t> loops_of(ServerProcess& server, std::vector<Peer>& peers) {
  std::vector<std::size_t> loops;
  for (Peer& peer : peers) {
    static_cast<void>(server.counters());
    const auto before = server.counters_by_worker().at("bytes_received");
    EXPECT_EQ(peer.exchange("who?"), "who?");
    static_cast<void>(server.counters());
    const auto after = server.counters_by_worker().at("bytes_received");
    std::optional<std::size_t> loop;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (after[i] != before[i]) loop = i;
    }
    loops.push_back(loop.value());
  }
  return loops;
}

TEST(Reuseport, DealsConnectionsAsAFairDieWould) {
  constexpr std::size_t loops = 4;
  constexpr std::size_t connections = 800;
  for (const char* const kind : {"--workers", "--processes"}) {
    ServerProcess server(reuseport({kind, std::to_string(loops)}));
    std::vector<Peer> peers = connect(server, connections);
    EXPECT_EQ(count_served(peers), connections);
    EXPECT_EQ(counter(server, "accepted"), connections);
    const auto accepted = server.counters_by_worker().at("accepted");
    ASSERT_EQ(accepted.size(), loops);
    double chi_squared = 0;
    std::uint64_t sum = 0;
    for (const std::uint64_t count : accepted) {
      const double expected = double(connections) / loops;
      chi_squared += (double(count) - expected) * (double(count) - expected) / expected;
      sum += count;
    }
    EXPECT_EQ(sum, connections);
    // A fair die comes that far off in one of a million runs (three degrees of freedom).
    EXPECT_LT(chi_squared, 30.7) << ::testing::PrintToString(accepted);
  }
}

TEST(Reuseport, KeepsItsLimitOverAllLoops) {
  constexpr std::size_t most = 20;
  for (const char* const kind : {"--workers", "--processes"}) {
    ServerProcess server(reuseport({kind, "4", "--max-connections", std::to_string(most)}));
    std::vector<Peer> peers = connect(server, 200);
    EXPECT_TRUE(eventually(patience, [&] { return counter(server, "accepted") == 200; }));
    EXPECT_EQ(counter(server, "turned_away"), 200 - most);
    EXPECT_EQ(count_served(peers), most);
    // Then there is room for a newcomer again, in any loop.
    peers.clear();
    EXPECT_TRUE(eventually(patience, [&] { return counter(server, "closed") == most; }));
    EXPECT_EQ(Peer(server.endpoint()).exchange("next"), "next");
  }
}

TEST(Reuseport, TakesNoPortThatSomebodyHas) {
  const ServerProcess first(reuseport({}));
  for (const std::string server : {"reuseport", "epoll_lt"}) {
    const Finished second =
        run_program({"serve", server, "--port", std::to_string(first.endpoint().port())});
    EXPECT_EQ(second.status, 1);
    EXPECT_THAT(second.err, HasSubstr("is taken by another program"));
  }
}

TEST(ReuseportProcesses, ServeAsOneServer) {
  ServerProcess server(reuseport({"--processes", "3"}));
  EXPECT_EQ(children_of(server, 3).size(), 3U);
  std::vector<Peer> peers = connect(server, 30);
  const std::string data = make_data(300'000, 1);
  for (Peer& peer : peers) ASSERT_TRUE(same_bytes(peer.exchange(data), data));
  EXPECT_TRUE(eventually(
      patience, [&] { return counter(server, "bytes_sent") == peers.size() * data.size(); }));
  for (Peer& peer : peers) peer.half_close();
  for (Peer& peer : peers) EXPECT_EQ(peer.read_to_end(), "");
  EXPECT_TRUE(eventually(patience, [&] { return counter(server, "closed") == peers.size(); }));
  EXPECT_EQ(counter(server, "peer_errors"), 0U);
}

TEST(ReuseportProcesses, HaveMoreDescriptorsThanOneProcessMay) {
  constexpr rlim_t limit = 40;
  ServerCommand command = reuseport({"--processes", "6"});
  command.open_files = limit;
  ServerProcess server(command);
  // Six times thirty would fit if the hash were even, and so a hundred do.
  std::vector<Peer> peers = connect(server, 100);
  EXPECT_EQ(count_served(peers), peers.size());
}

TEST(ReuseportProcesses, OneThatIsKilledTakesItsOwnPeersAlone) {
  ServerProcess server(reuseport({"--processes", "4", "--max-connections", "60"}));
  std::vector<Peer> peers = connect(server, 60);
  const std::vector<std::size_t> loops = loops_of(server, peers);
  ::kill(children_of(server, 4)[1], SIGKILL);
  static_cast<void>(children_of(server, 3));
  std::uint64_t ended = 0;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    EXPECT_EQ(still_served(peers[i]), loops[i] != 1) << "peer " << i << " of loop " << loops[i];
    ended += loops[i] == 1 ? 1 : 0;
  }
  EXPECT_TRUE(eventually(patience, [&] {
    return counter(server, "accepted") - counter(server, "closed") == 60 - ended;
  }));
  // The places of its peers are free, and newcomers go to those that are left.
  std::vector<Peer> newcomers;
  EXPECT_TRUE(eventually(patience, [&] {
    newcomers = connect(server, ended);
    return count_served(newcomers) == ended;
  }));
  const ServerExit exit = server.stop();
  EXPECT_EQ(exit.exit_status, 0);
}

// The lesson of a stuck loop: it holds up its own peers, old and new, and nobody else's.
TEST(ReuseportProcesses, OneThatStandsStillHoldsUpItsOwnPeersAlone) {
  ServerProcess server(reuseport({"--processes", "4"}));
  std::vector<Peer> peers = connect(server, 60);
  const std::vector<std::size_t> loops = loops_of(server, peers);
  const pid_t stopped = children_of(server, 4)[2];
  ::kill(stopped, SIGSTOP);
  ASSERT_TRUE(eventually(patience, [&] { return is_stopped(stopped); }));
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (loops[i] != 2) {
      EXPECT_EQ(peers[i].exchange("on"), "on");
    } else {
      peers[i].send_all("on");
    }
  }
  ::kill(stopped, SIGCONT);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (loops[i] == 2) {
      EXPECT_EQ(peers[i].receive(2), "on");
    }
  }
}

TEST(ReuseportProcesses, EndInTimeThoughOneStandsStill) {
  ServerProcess server(reuseport({"--processes", "3"}));
  const std::vector<Peer> peers = connect(server, 30);
  const std::vector<pid_t> children = children_of(server, 3);
  ::kill(children[0], SIGSTOP);
  ASSERT_TRUE(eventually(patience, [&] { return is_stopped(children[0]); }));
  const ServerExit exit = server.stop();
  EXPECT_EQ(exit.exit_status, 0);
  EXPECT_FALSE(exit.killed_after_timeout);
  for (const Peer& peer : peers) EXPECT_TRUE(eventually(patience, [&] { return peer.ended(); }));
  for (const pid_t child : children) EXPECT_NE(::kill(child, 0), 0) << "it is still there";
}

// As Ctrl-C, a service manager or timeout(1) does: all of a group get the signal at once.
TEST(ReuseportProcesses, TakeAStopOfTheWholeGroupForAStop) {
  for (int i = 0; i < 10; ++i) {
    PipedProgram serve(
        {"serve", "reuseport", "--processes", "4", "--port", "0", "--stats", "json"});
    EXPECT_THAT(read_line(serve.out()), HasSubstr("listening on"));
    ::kill(-serve.pid(), SIGTERM);
    EXPECT_EQ(serve.wait(), 0);
    EXPECT_EQ(read_all(serve.err()), "");
    EXPECT_THAT(read_all(serve.out()), HasSubstr("\"accepted\":0"));
  }
}

TEST(ReuseportProcesses, FailWhenNoneIsLeft) {
  PipedProgram serve({"serve", "reuseport", "--processes", "2", "--port", "0"});
  EXPECT_THAT(read_line(serve.out()), HasSubstr("listening on"));
  std::vector<pid_t> children;
  ASSERT_TRUE(eventually(patience, [&] {
    children = process_tree(serve.pid());
    return children.size() == 3;
  }));
  // Each by itself: the parent goes on with the other.
  ::kill(children[1], SIGTERM);
  EXPECT_THAT(read_line(serve.err()), HasSubstr("has ended (signal 15); 1 go on"));
  ::kill(children[2], SIGKILL);
  EXPECT_EQ(serve.wait(), 1);
  EXPECT_THAT(read_all(serve.err()), HasSubstr("all processes of the server have ended"));
}

// One after the other would take two seconds each, in which nobody listens.
TEST(ReuseportProcesses, AreMissedAtOnceWhenEachIsTerminated) {
  ServerProcess server(reuseport({"--processes", "8", "--max-connections", "40"}));
  std::vector<Peer> peers = connect(server, 40);
  ASSERT_EQ(count_served(peers), 40U);
  const std::vector<pid_t> children = children_of(server, 8);
  ::kill(children[0], SIGTERM);
  std::uint64_t ended = 0;
  EXPECT_TRUE(eventually(patience, [&] {
    ended = static_cast<std::uint64_t>(
        std::ranges::count_if(peers, [](const Peer& peer) { return peer.ended(); }));
    return ended > 0 && counter(server, "closed") == ended;
  }));
  for (std::size_t i = 1; i < children.size(); ++i) ::kill(children[i], SIGTERM);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(server.ends_within(patience));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(8));
}

TEST(ReuseportProcesses, EndWithTheirParent) {
  std::vector<pid_t> children;
  {
    ServerProcess server(reuseport({"--processes", "3"}));
    EXPECT_EQ(Peer(server.endpoint()).exchange("x"), "x");
    children = children_of(server, 3);
    ::kill(server.pid(), SIGKILL);
    EXPECT_TRUE(server.ends_within(patience));
  }
  for (const pid_t child : children) {
    EXPECT_TRUE(eventually(patience, [&] { return ::kill(child, 0) != 0; }));
  }
}

TEST(ReuseportProcesses, AreRefusedWhereTheyMakeNoSense) {
  const Finished other = run_program({"serve", "epoll_lt", "--processes", "2"});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("epoll_lt has no --processes"));
  const Finished both = run_program({"serve", "reuseport", "--processes", "2", "--workers", "2"});
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.err, HasSubstr("leave one of them out"));
}

}  // namespace
}  // namespace echomux
