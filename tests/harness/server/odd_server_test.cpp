// The odd server does what it says: only then does a test prove something that has the harness meet
// it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/server/process_meter.hpp"
#include "harness/server/server_process.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/child.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

const std::string& request() {
  static const std::string bytes = make_data(64, 1);
  return bytes;
}

ServerCommand odd_with(std::vector<std::string> arguments) {
  ServerCommand command;
  command.arguments = std::move(arguments);
  command.arguments.insert(command.arguments.begin(), ODD_SERVER);
  return command;
}

ServerCommand odd(const std::string& mode) {
  return odd_with({"{port}", mode});
}

bool ends(const Peer& peer) {
  return eventually(patience, [&] { return peer.ended(); });
}

TEST(OddServer, EchoesAsPlain) {
  const ServerProcess server(odd("plain"));
  Peer one(server.endpoint());
  Peer other(server.endpoint());
  const std::string data = make_data(100'000, 2);
  EXPECT_EQ(one.exchange("a"), "a");
  EXPECT_TRUE(same_bytes(other.exchange(data), data));
  EXPECT_TRUE(same_bytes(one.exchange(request()), request()));
  one.half_close();
  EXPECT_EQ(one.read_to_end(), "");
}

TEST(OddServer, TakesItsPortInAnyPlace) {
  for (const auto& arguments : {std::vector<std::string>{"plain", "{port}"},
                                {"--port", "{port}", "plain", "--size", "10"}}) {
    const ServerProcess server(odd_with(arguments));
    EXPECT_EQ(Peer(server.endpoint()).exchange("a"), "a");
  }
  EXPECT_THROW(ServerProcess(odd("odd")), std::runtime_error);
  EXPECT_THROW(ServerProcess(odd("die")), std::runtime_error);
}

TEST(OddServer, StallsWhenItSays) {
  constexpr milliseconds stall(300);
  constexpr milliseconds period(600);
  const ServerProcess server(odd("stall=300ms/600ms"));
  Peer peer(server.endpoint());
  int in_stall = 0;
  const auto until = Clock::now() + 3 * period;
  while (Clock::now() < until) {
    const nanoseconds sent = Clock::now().time_since_epoch();
    ASSERT_EQ(peer.exchange(request()), request());
    const nanoseconds answered = Clock::now().time_since_epoch();
    // No answer comes out of a stall. The last one before may be a moment on its way.
    if (sent % period < stall) {
      ++in_stall;
      EXPECT_GE(answered, sent - sent % period + stall);
    }
  }
  // One request waits through each stall, for none is sent before it has been answered.
  EXPECT_LE(in_stall, 4);
}

TEST(OddServer, DelaysEachRequestByItself) {
  const ServerProcess server(odd("delay=200ms"));
  std::vector<Peer> peers;
  peers.reserve(20);
  for (int i = 0; i < 20; ++i) peers.emplace_back(server.endpoint());
  const auto begin = Clock::now();
  EXPECT_EQ(peers[0].exchange("a"), "a");  // not a request
  for (Peer& peer : peers) peer.send_all(request());
  EXPECT_EQ(peers[0].receive(64), request());
  EXPECT_GE(Clock::now() - begin, milliseconds(200));
  for (std::size_t i = 1; i < peers.size(); ++i) EXPECT_EQ(peers[i].receive(64), request());
  EXPECT_LT(Clock::now() - begin, milliseconds(20 * 200)) << "one after the other";
}

TEST(OddServer, BurnsCpuTimeForEachRequest) {
  const ServerProcess server(odd("burn=5ms"));
  Peer peer(server.endpoint());
  EXPECT_EQ(peer.exchange("a"), "a");
  const nanoseconds before = server.cpu_time().value();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(peer.exchange(request()), request());
  // What it has used may be known only to the last timer interrupt.
  const nanoseconds used = server.cpu_time().value() - before;
  EXPECT_GE(used, milliseconds(100) - milliseconds(10));
  EXPECT_LE(used, milliseconds(100 + (under_sanitizer ? 100 : 20)));
}

TEST(OddServer, BurnsItInAChild) {
  const ServerProcess server(odd("burn-child=5ms"));
  Peer peer(server.endpoint());
  EXPECT_EQ(peer.exchange("a"), "a");
  const nanoseconds alone = server.cpu_time().value();
  const auto before = read_process_tree(server.pid());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(peer.exchange(request()), request());
  const auto after = read_process_tree(server.pid());
  ASSERT_TRUE(before.has_value() && after.has_value());
  EXPECT_EQ(after->processes, 2U);
  EXPECT_GE(after->cpu - before->cpu, milliseconds(100) - milliseconds(10));
  EXPECT_LE(server.cpu_time().value() - alone, milliseconds(10));
}

TEST(OddServer, DropsIdlePeers) {
  const ServerProcess server(odd("drop-idle=3"));
  Peer active(server.endpoint());
  Peer silent(server.endpoint());
  Peer confirmed(server.endpoint());
  EXPECT_EQ(confirmed.exchange("a"), "a");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(active.exchange(request()), request());
  EXPECT_FALSE(confirmed.ended());
  EXPECT_EQ(active.exchange(request()), request());
  EXPECT_TRUE(ends(confirmed));
  EXPECT_TRUE(ends(silent));
  EXPECT_EQ(active.exchange(request()), request());
}

TEST(OddServer, CorruptsTheNthByte) {
  const ServerProcess server(odd("corrupt=100"));
  for (int i = 0; i < 2; ++i) {
    Peer peer(server.endpoint());
    EXPECT_EQ(peer.exchange(request()), request());
    const std::string wrong = peer.exchange(request());
    for (std::size_t at = 0; at < 64; ++at) EXPECT_EQ(wrong[at] != request()[at], at == 35) << at;
    EXPECT_EQ(peer.exchange(request()), request());
  }
}

TEST(OddServer, LeavesAByteOut) {
  const ServerProcess server(odd("short=70"));
  Peer peer(server.endpoint());
  EXPECT_EQ(peer.exchange(request()), request());
  EXPECT_EQ(peer.exchange("0123456789", 9), "012345789");
  EXPECT_EQ(peer.exchange("abc"), "abc");
  peer.half_close();
  EXPECT_EQ(peer.read_to_end(), "");
}

TEST(OddServer, SendsAByteTooMany) {
  const ServerProcess server(odd("extra=70"));
  Peer peer(server.endpoint());
  EXPECT_EQ(peer.exchange(request()), request());
  EXPECT_EQ(peer.exchange("0123456789", 11), "012345?6789");
  EXPECT_EQ(peer.exchange("abc"), "abc");
  peer.half_close();
  EXPECT_EQ(peer.read_to_end(), "");
}

TEST(OddServer, KeepsSilent) {
  const ServerProcess server(odd("silent"));
  Peer peer(server.endpoint());
  peer.send_all(request());
  peer.half_close();
  EXPECT_EQ(peer.read_to_end(), "");
}

TEST(OddServer, Refuses) {
  const ServerProcess server(odd("refuse"));
  Peer peer(server.endpoint());
  EXPECT_TRUE(ends(peer));
  EXPECT_TRUE(server.running());
}

TEST(OddServer, ResetsAConnection) {
  const ServerProcess server(odd("reset=2"));
  Peer peer(server.endpoint());
  Peer other(server.endpoint());
  EXPECT_EQ(peer.exchange(request()), request());
  EXPECT_EQ(other.exchange(request()), request());
  EXPECT_EQ(peer.exchange(request()), request());
  EXPECT_THROW(static_cast<void>(peer.read_to_end()), std::system_error);
  EXPECT_EQ(other.exchange(request()), request());
}

TEST(OddServer, DiesAfterSoManyRequests) {
  ServerProcess server(odd("die=3"));
  Peer peer(server.endpoint());
  Peer other(server.endpoint());
  EXPECT_EQ(other.exchange("a"), "a");
  for (Peer* one : {&peer, &other, &peer}) EXPECT_EQ(one->exchange(request()), request());
  EXPECT_TRUE(ends(other));
  EXPECT_TRUE(eventually(patience, [&] { return !server.running(); }));
  EXPECT_EQ(server.stop().exit_status, 7);
}

TEST(OddServer, LeaksDescriptors) {
  const ServerProcess server(odd("leak-descriptor=2"));
  // The end of the stream comes when it has closed this connection and those before it.
  const auto visit = [&] {
    Peer peer(server.endpoint());
    peer.half_close();
    EXPECT_EQ(peer.read_to_end(), "");
  };
  visit();
  const std::size_t before = open_descriptors(server.pid());
  for (int i = 0; i < 10; ++i) visit();
  EXPECT_EQ(open_descriptors(server.pid()), before + 5);
}

TEST(OddServer, LeaksMemory) {
  if (under_sanitizer) GTEST_SKIP() << "its allocator has memory of its own";
  const ServerProcess server(odd("leak-memory=1000000"));
  const std::uint64_t before = resident_memory(server.pid());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Peer(server.endpoint()).exchange("a"), "a");
  EXPECT_GE(resident_memory(server.pid()), before + 9'000'000);
}

TEST(OddServer, SlowsDown) {
  const ServerProcess server(odd("slowing=100ms"));
  Peer peer(server.endpoint());
  const auto time_of_one = [&] {
    const auto begin = Clock::now();
    EXPECT_EQ(peer.exchange("a"), "a");
    return Clock::now() - begin;
  };
  const auto begin = Clock::now();
  while (Clock::now() - begin < milliseconds(500)) time_of_one();
  EXPECT_GE(time_of_one(), milliseconds(50));
}

TEST(OddServer, ServesTheFirstOnly) {
  const ServerProcess server(odd("accept-only=2"));
  std::vector<Peer> peers;
  peers.reserve(4);
  for (int i = 0; i < 4; ++i) peers.emplace_back(server.endpoint());
  for (Peer& peer : peers) peer.send_all(request());
  EXPECT_EQ(peers[0].receive(64), request());
  EXPECT_EQ(peers[1].receive(64), request());
  EXPECT_EQ(peers[0].exchange(request()), request());
  EXPECT_FALSE(peers[2].answered());
  EXPECT_FALSE(peers[3].answered());
  // Whoever was served leaves no place to others.
  peers[1].close();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(peers[0].exchange(request()), request());
  EXPECT_FALSE(peers[2].answered());
}

TEST(OddServer, EndsOnSigterm) {
  for (const char* mode : {"plain", "delay=1ms", "burn-child=1ms"}) {
    ServerProcess server(odd(mode));
    Peer peer(server.endpoint());
    EXPECT_EQ(peer.exchange("a"), "a");
    const ServerExit exit = server.stop();
    EXPECT_EQ(exit.signal, SIGTERM) << mode;
    EXPECT_FALSE(exit.killed_after_timeout) << mode;
    EXPECT_TRUE(ends(peer)) << mode;
  }
}

TEST(OddServer, EndsWithItsParent) {
  const Endpoint endpoint = [] {
    const FileDescriptor probe = listen_on(resolve("127.0.0.1", 0));
    return local_endpoint(probe.get());
  }();
  const std::string port = std::to_string(endpoint.port());
  std::optional<Child> parent(std::in_place, [&port](const Child::Line& line) {
    if (::fork() == 0) ::execl(ODD_SERVER, ODD_SERVER, port.c_str(), "burn-child=1ms", nullptr);
    line.await();
  });
  std::optional<Peer> peer;
  ASSERT_TRUE(eventually(patience, [&] {
    try {
      peer.emplace(endpoint);
    } catch (const std::system_error&) {
    }
    return peer.has_value();
  }));
  EXPECT_EQ(peer->exchange("a"), "a");
  parent.reset();
  EXPECT_TRUE(ends(*peer));
}

}  // namespace
}  // namespace echomux
