// The parts that all servers share, one by one: descriptors, addresses, listening and accepting.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include "echo/idle_timer.hpp"
#include "echo/system_call.hpp"
#include "select/descriptor_set.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/connection.hpp"
#include "tests/support/network_namespace.hpp"
#include "tests/support/repeating_alarm.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

TEST(IdleTimer, WithoutATimeOutNeverHasToLook) {
  IdleTimer timer(0ns);
  EXPECT_FALSE(timer.is_due());
  EXPECT_EQ(timer.wait_ms(true, false), -1);
}

TEST(IdleTimer, LooksAtMostFourTimesInTheTimeOut) {
  IdleTimer timer(20ms);
  const auto began = std::chrono::steady_clock::now();
  for (int look = 0; look < 5; ++look) {
    while (!timer.is_due()) {
      EXPECT_GE(timer.wait_ms(true, false), 1);
      EXPECT_LE(timer.wait_ms(true, false), 5);
      EXPECT_EQ(timer.wait_ms(false, false), -1);
    }
  }
  // A session that was new at the first look is idle at the fifth.
  EXPECT_GE(std::chrono::steady_clock::now() - began, 20ms);
}

TEST(IdleTimer, LetsNoPauseOfAcceptingDelayALook) {
  const auto wait_ms = [](std::chrono::milliseconds idle_timeout, bool any_peers) {
    IdleTimer timer(idle_timeout);
    static_cast<void>(timer.is_due());
    return timer.wait_ms(any_peers, true);
  };
  const auto retry = static_cast<int>(accept_retry_interval.count());
  EXPECT_LE(wait_ms(20ms, true), 5);
  EXPECT_EQ(wait_ms(20ms, false), retry);
  EXPECT_EQ(wait_ms(24h, true), retry);
  EXPECT_EQ(wait_ms(0ms, true), retry);
}

TEST(IdleTimer, RoundsNothingDown) {
  EXPECT_EQ(time_between_looks(0ns), 0ns);
  EXPECT_EQ(time_between_looks(1ns), 1ns);
  EXPECT_EQ(time_between_looks(1001ns), 251ns);
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

FileDescriptor any_descriptor() {
  return FileDescriptor(check(::eventfd(0, EFD_CLOEXEC), "eventfd"));
}

TEST(DescriptorSet, GrowsAndHasNoneBeyondItsEnd) {
  DescriptorSet set;
  set.make_room_for(0);
  EXPECT_FALSE(set.contains(3));
  set.remove(3);
  set.add(3);
  EXPECT_TRUE(set.contains(3));
  EXPECT_FALSE(set.contains(70));
  set.add(70);
  EXPECT_TRUE(set.contains(70));
  EXPECT_TRUE(set.contains(3));
  set.remove(3);
  EXPECT_FALSE(set.contains(3));
}

TEST(DescriptorSet, HasRoomInUnitsOfTheKernel) {
  DescriptorSet set;
  set.make_room_for(100);
  set.add(99);
  EXPECT_TRUE(FD_ISSET(99, set.raw()));
  set.make_room_for(50);  // there is room already, and it stays
  EXPECT_TRUE(set.contains(99));
}

TEST(FileDescriptor, IsEmptyUntilItHoldsOne) {
  const FileDescriptor empty;
  EXPECT_EQ(empty.get(), -1);
  EXPECT_FALSE(empty);
  EXPECT_TRUE(any_descriptor());
  // Zero is a descriptor like any other.
  FileDescriptor zero(0);
  EXPECT_TRUE(zero);
  EXPECT_EQ(zero.release(), 0);
}

TEST(FileDescriptor, ClosesWhatItHolds) {
  int number = -1;
  {
    const FileDescriptor fd = any_descriptor();
    number = fd.get();
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptor, MovingHandsItOver) {
  FileDescriptor first = any_descriptor();
  const int number = first.get();
  FileDescriptor second(std::move(first));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that it is empty is the point.
  EXPECT_EQ(second.get(), number);

  FileDescriptor third = any_descriptor();
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_TRUE(is_open(number));
  EXPECT_EQ(third.get(), number);
}

TEST(FileDescriptor, SurvivesBeingMovedToItself) {
  FileDescriptor fd = any_descriptor();
  const int number = fd.get();
  FileDescriptor& same = fd;
  fd = std::move(same);
  EXPECT_EQ(fd.get(), number);
  EXPECT_TRUE(is_open(number));
}

TEST(FileDescriptor, ReleasedIsNotClosed) {
  int number = -1;
  {
    FileDescriptor fd = any_descriptor();
    number = fd.release();
    EXPECT_FALSE(fd);
  }
  EXPECT_TRUE(is_open(number));
  FileDescriptor(number).reset();
  EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptor, ClosesExactlyOnce) {
  FileDescriptor fd = any_descriptor();
  const int number = fd.get();
  fd.reset();
  EXPECT_FALSE(fd);
  // The lowest free number is given out first, so this is the same again.
  const FileDescriptor other = any_descriptor();
  ASSERT_EQ(other.get(), number);
  fd.reset();
  EXPECT_TRUE(is_open(number)) << "a second reset() closed somebody else's descriptor";
}

// What parsing `text` says is wrong with it; empty when it is accepted.
std::string complaint_about(const std::string& text) {
  return complaint<std::invalid_argument>([&] { return parse_endpoint(text); });
}

TEST(Endpoint, ReadsAndWritesIpv4AndIpv6InBrackets) {
  for (const auto& [text, family, port] :
       {std::tuple("127.0.0.1:7777", AF_INET, 7777), std::tuple("1.2.3.4:1", AF_INET, 1),
        std::tuple("127.0.0.1:65535", AF_INET, 65535), std::tuple("[::1]:7777", AF_INET6, 7777)}) {
    const Endpoint endpoint = parse_endpoint(text);
    EXPECT_EQ(endpoint.family(), family) << text;
    EXPECT_EQ(endpoint.port(), port) << text;
    EXPECT_EQ(endpoint.to_string(), text);
  }
}

TEST(Endpoint, ResolvesNames) {
  try {
    static_cast<void>(resolve("localhost", 80));
  } catch (const std::invalid_argument&) {
    GTEST_SKIP() << "this system knows no localhost (/etc/hosts)";
  }
  EXPECT_TRUE(parse_endpoint("localhost:7777").is_loopback());
  EXPECT_EQ(resolve("localhost", 80).port(), 80);
}

TEST(Endpoint, SaysThatItHasNoAddress) {
  EXPECT_EQ(Endpoint{}.to_string(), "(no address)");
}

TEST(Endpoint, KnowsLoopbackAddresses) {
  for (const char* const host : {"127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(resolve(host, 1).is_loopback()) << host;
  }
  for (const char* const host :
       {"0.0.0.0", "128.0.0.1", "::", "::2", "2001:db8::1", "0:0:1::1", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(resolve(host, 1).is_loopback()) << host;
  }
}

TEST(Endpoint, SaysWhatIsWrongWithAnAddress) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "has no port"},
      {"localhost", "has no port"},
      {":7777", "has no host"},
      {"[]:7777", "has no host"},
      {"::1:7777", "without brackets"},
      {"127.0.0.1:", "between 1 and 65535"},
      {"127.0.0.1:0", "between 1 and 65535"},
      {"127.0.0.1:65536", "between 1 and 65535"},
      {"127.0.0.1:-1", "between 1 and 65535"},
      {"127.0.0.1:+1", "between 1 and 65535"},
      {"127.0.0.1: 1", "between 1 and 65535"},
      {"127.0.0.1:http", "between 1 and 65535"},
      {"127.0.0.1:80x", "between 1 and 65535"},
  };
  for (const auto& [text, what] : cases) {
    const std::string complaint = complaint_about(text);
    EXPECT_NE(complaint.find(what), std::string::npos) << text << ": " << complaint;
    EXPECT_NE(complaint.find("HOST:PORT"), std::string::npos) << text << ": " << complaint;
  }
}

TEST(Endpoint, SaysThatAHostIsUnknown) {
  // Too long for a label of a domain name, so it is refused without any server being asked.
  const std::string host(70, 'x');
  const std::string complaint = complaint_about(host + ":7777");
  EXPECT_NE(complaint.find("cannot resolve the host '" + host), std::string::npos) << complaint;
  EXPECT_NE(complaint.find("try 127.0.0.1"), std::string::npos) << complaint;
}

int option(int socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  check(::getsockopt(socket, level, name, &value, &length), "getsockopt");
  return value;
}

TEST(ListenOn, HandsItsOptionsToAcceptedPeers) {
  const Connection connection;
  ASSERT_TRUE(connection.socket);
  EXPECT_EQ(option(connection.socket.get(), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(connection.socket.get(), SOL_SOCKET, SO_OOBINLINE), 1);
  EXPECT_NE(::fcntl(connection.socket.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(connection.listener.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ListenOn, NamesBindWhenThePortIsTaken) {
  const FileDescriptor first = listen_on(resolve("127.0.0.1", 0));
  try {
    static_cast<void>(listen_on(local_endpoint(first.get())));
    FAIL() << "two sockets listen on one port";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::address_in_use);
    EXPECT_NE(std::string(error.what()).find("bind"), std::string::npos) << error.what();
  }
}

TEST(ListenOn, TakesAPortAgainThatHasOldConnections) {
  Endpoint endpoint;
  {
    Connection connection;
    endpoint = local_endpoint(connection.listener.get());
    // The end that closes first keeps the port in TIME_WAIT.
    connection.socket.reset();
    EXPECT_EQ(connection.peer.read_to_end(), "");
  }
  EXPECT_EQ(local_endpoint(listen_on(endpoint).get()).port(), endpoint.port());
}

// The system may allow a longer one than SOMAXCONN was when this was compiled.
TEST(ListenOn, HasTheLongestBacklogThatTheSystemAllows) {
  const std::string why_not = NetworkNamespace::why_not();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  NetworkNamespace network;
  network.set("net/core/somaxconn", "12345");
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  tcp_info info{};
  socklen_t size = sizeof info;
  check(::getsockopt(listener.get(), IPPROTO_TCP, TCP_INFO, &info, &size), "TCP_INFO");
  EXPECT_EQ(info.tcpi_sacked, 12345U);  // of a listener: its backlog
}

TEST(TurnAway, TellsEachReasonOnce) {
  Counters counters;
  ::testing::internal::CaptureStderr();
  for (const char* const why : {"one reason", "another", "one reason", "another"}) {
    turn_away(counters, why);
  }
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(told, '\n'), 2) << told;
  EXPECT_NE(told.find("another"), std::string::npos) << told;
  EXPECT_EQ(counters.turned_away.value(), 4U);
}

TEST(AcceptPeer, SaysThatNobodyWaits) {
  const FileDescriptor listener = local_listener();
  Counters counters;
  const AcceptResult result = accept_peer(listener.get(), SocketMode::nonblocking, counters);
  EXPECT_EQ(result.status, AcceptStatus::none_waiting);
  EXPECT_FALSE(result.socket);
  EXPECT_EQ(counters.accept_calls.value(), 1U);
  EXPECT_EQ(counters.accepted.value(), 0U);
}

TEST(AcceptPeer, GivesASocketOfTheModeAskedFor) {
  for (const SocketMode mode : {SocketMode::blocking, SocketMode::nonblocking}) {
    const FileDescriptor listener = local_listener();
    const Peer peer(local_endpoint(listener.get()));
    Counters counters;
    const AcceptResult result = accept_peer(listener.get(), mode, counters);
    ASSERT_EQ(result.status, AcceptStatus::accepted);
    const bool nonblocking = (::fcntl(result.socket.get(), F_GETFL) & O_NONBLOCK) != 0;
    EXPECT_EQ(nonblocking, mode == SocketMode::nonblocking);
    EXPECT_EQ(counters.accepted.value(), 1U);
  }
}

TEST(AcceptPeer, ComesBackWhenASignalInterruptsIt) {
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  Counters counters;
  const RepeatingAlarm alarm;
  const AcceptResult result = accept_peer(listener.get(), SocketMode::blocking, counters);
  EXPECT_EQ(result.status, AcceptStatus::try_again);
  EXPECT_EQ(counters.interrupted.value(), 1U);
}

}  // namespace
}  // namespace echomux
