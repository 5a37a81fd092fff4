// EchoSession by itself: what it answers in each situation, and what it keeps. That whatever comes
// goes back, in whatever pieces it is taken, is held against a model in
// tests/fuzz/fuzz_session.cpp; what its peers see of it, in every server, is in tests/conformance.

#include "echo/echo_session.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>

#include "echo/system_call.hpp"
#include "tests/support/array_memory.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/connection.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/repeating_alarm.hpp"

namespace echomux {
namespace {

// A session at one end of a connection, whose other end is in the test's hands.
class EchoSessionTest : public ::testing::Test {
 protected:
  Outcome pump() { return session.pump({scratch.get(), scratch_bytes}, counters); }

  // Lets the session go on until it waits for something or ends, and says for what.
  Outcome pump_until_stuck() {
    Outcome outcome = Outcome::progressed;
    while (outcome == Outcome::progressed) outcome = pump();
    return outcome;
  }

  // Pushes more than the buffers of both ends hold, and returns how many bytes were taken until the
  // session wants to write.
  std::size_t fill() {
    std::size_t pushed = 0;
    while (!session.owes()) {
      const std::size_t sent = peer().try_send(std::string_view(bytes).substr(pushed));
      pushed += sent;
      static_cast<void>(pump());
    }
    return pushed;
  }

  Peer& peer() { return connection.peer; }

  Connection connection{SocketMode::nonblocking, {.send = 65'536, .receive = 65'536}};
  EchoSession session{std::move(connection.socket)};
  std::unique_ptr<std::byte[]> scratch = make_scratch();
  Counters counters;
  const std::string bytes = make_data(std::size_t{64} * 1024 * 1024, 12);
};

TEST_F(EchoSessionTest, WantsToReadWhenNothingHasCome) {
  EXPECT_EQ(pump(), Outcome::want_read);
  EXPECT_FALSE(session.owes());
  EXPECT_EQ(counters.recv_calls.value(), 1U);
  EXPECT_EQ(counters.send_calls.value(), 0U);
  EXPECT_EQ(counters.eagain.value(), 1U);
}

TEST_F(EchoSessionTest, EchoesWithOneReceiveAndOneSend) {
  peer().send_all("hello");
  EXPECT_EQ(pump(), Outcome::progressed);
  EXPECT_EQ(peer().receive(5), "hello");
  EXPECT_FALSE(session.owes());
  EXPECT_EQ(counters.recv_calls.value(), 1U);
  EXPECT_EQ(counters.send_calls.value(), 1U);
  EXPECT_EQ(counters.eagain.value(), 0U);
  EXPECT_EQ(counters.bytes_received.value(), 5U);
  EXPECT_EQ(counters.bytes_sent.value(), 5U);
  EXPECT_EQ(pump(), Outcome::want_read);
}

TEST_F(EchoSessionTest, ReceivesNoMoreThanItCanHold) {
  peer().send_all("hello");
  EXPECT_EQ(session.pump({scratch.get(), 2}, counters), Outcome::progressed);
  EXPECT_EQ(peer().receive(2), "he");
  EXPECT_EQ(pump(), Outcome::progressed);
  EXPECT_EQ(peer().receive(3), "llo");
}

TEST_F(EchoSessionTest, WantsToWriteWhenThereIsNoRoom) {
  fill();
  EXPECT_EQ(pump_until_stuck(), Outcome::want_write);
  EXPECT_TRUE(session.owes());
  // While something is owed the peer is not read, however much of it there is.
  const std::uint64_t receives = counters.recv_calls.value();
  EXPECT_EQ(pump(), Outcome::want_write);
  EXPECT_EQ(counters.recv_calls.value(), receives);
  EXPECT_LE(counters.bytes_received.value() - counters.bytes_sent.value(), scratch_bytes);
}

TEST_F(EchoSessionTest, HoldsNothingWhenNothingIsOwed) {
  const int arrays = living_arrays();
  const std::size_t pushed = fill();
  EXPECT_EQ(living_arrays(), arrays + 1);
  std::string echo;
  std::vector<char> buffer(100'000);
  while (echo.size() < pushed) {
    static_cast<void>(pump_until_stuck());
    // The loopback device delivers within the call that sends, so something is there now.
    echo.append(buffer.data(), peer().try_receive(buffer));
  }
  EXPECT_FALSE(session.owes());
  EXPECT_EQ(living_arrays(), arrays);
  EXPECT_TRUE(same_bytes(echo, std::string_view(bytes).substr(0, pushed)));
}

TEST_F(EchoSessionTest, LeavesItsSocketOpenUntilItIsDestroyed) {
  std::optional<EchoSession> own(std::move(session));
  peer().half_close();
  EXPECT_EQ(own->pump({scratch.get(), scratch_bytes}, counters), Outcome::closed);
  EXPECT_FALSE(peer().ended());
  own.reset();
  EXPECT_TRUE(eventually(patience, [&] { return peer().ended(); }));
}

TEST_F(EchoSessionTest, ClosesOnAResetWhileItOwes) {
  fill();
  ASSERT_EQ(pump_until_stuck(), Outcome::want_write);
  peer().reset();
  // Would be a SIGPIPE, and the end of this test, without MSG_NOSIGNAL.
  EXPECT_EQ(pump_until_stuck(), Outcome::closed);
  EXPECT_EQ(counters.closed.value(), 1U);
  EXPECT_EQ(counters.peer_errors.value(), 1U);
}

TEST_F(EchoSessionTest, ClosesWhenThereIsNoMemoryForWhatItOwes) {
  std::size_t pushed = 0;
  Outcome outcome = Outcome::progressed;
  {
    const NoMemoryForArrays shortage;
    while (outcome != Outcome::closed && pushed < bytes.size()) {
      pushed += peer().try_send(std::string_view(bytes).substr(pushed, scratch_bytes));
      outcome = pump();
    }
  }
  EXPECT_EQ(outcome, Outcome::closed);
  EXPECT_EQ(counters.closed.value(), 1U);
  EXPECT_EQ(counters.peer_errors.value(), 1U);
}

// Between Unix sockets a send to a peer that is gone fails at once (EPIPE).
TEST(EchoSession, ClosesWhenThePeerIsGoneBeforeTheEcho) {
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), "socketpair");
  EchoSession session{FileDescriptor(ends[0])};
  FileDescriptor other(ends[1]);
  ASSERT_EQ(::send(other.get(), "bye", 3, 0), 3);
  other.reset();
  Counters counters;
  const auto scratch = make_scratch();
  EXPECT_EQ(session.pump({scratch.get(), scratch_bytes}, counters), Outcome::closed);
  EXPECT_EQ(counters.bytes_received.value(), 3U);
  EXPECT_EQ(counters.bytes_sent.value(), 0U);
  EXPECT_EQ(counters.peer_errors.value(), 1U);
}

// An idle connection costs each server at least this; what the idle time-out needs is in it.
static_assert(sizeof(EchoSession) <= 24);

TEST_F(EchoSessionTest, GoesIdleAtTheFifthLookWithoutMovement) {
  for (int round = 0; round < 2; ++round) {
    peer().send_all("x");
    while (pump() != Outcome::progressed) {
    }
    for (int look = 0; look < 4; ++look) EXPECT_FALSE(session.has_gone_idle(counters)) << look;
  }
  EXPECT_EQ(counters.idle_closed.value(), 0U);
  EXPECT_TRUE(session.has_gone_idle(counters));
  EXPECT_EQ(counters.idle_closed.value(), 1U);
  EXPECT_EQ(counters.closed.value(), 1U);
  EXPECT_EQ(counters.peer_errors.value(), 0U);
}

TEST_F(EchoSessionTest, IsNotIdleWhileInputWaitsForIt) {
  for (int look = 0; look < 4; ++look) EXPECT_FALSE(session.has_gone_idle(counters));
  peer().send_all("x");
  ASSERT_TRUE(eventually(patience, [&] { return peer().delivered(); }));
  for (int look = 0; look < 4; ++look) EXPECT_FALSE(session.has_gone_idle(counters)) << look;
  EXPECT_EQ(pump(), Outcome::progressed);
  EXPECT_EQ(peer().receive(1), "x");
}

// The servers with blocking sockets must see a stop request when a signal interrupts them.
TEST(EchoSession, ComesBackWhenASignalInterruptsIt) {
  Connection connection(SocketMode::blocking);
  EchoSession session(std::move(connection.socket));
  Counters counters;
  const auto scratch = make_scratch();
  {
    const RepeatingAlarm alarm;
    EXPECT_EQ(session.pump({scratch.get(), scratch_bytes}, counters), Outcome::progressed);
  }
  EXPECT_EQ(counters.interrupted.value(), 1U);
  connection.peer.send_all("x");
  EXPECT_EQ(session.pump({scratch.get(), scratch_bytes}, counters), Outcome::progressed);
  EXPECT_EQ(connection.peer.receive(1), "x");
}

}  // namespace
}  // namespace echomux
