// What can be asked of a server only in the process that it runs in: how it bears a failed
// allocation, a listener with a high number, a socket of another family.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <exception>
#include <thread>

#include "cli/backends.hpp"
#include "echo/echo_session.hpp"
#include "echo/system_call.hpp"
#include "tests/conformance/conformance.hpp"
#include "tests/support/array_memory.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

Endpoint any_port() {
  return resolve("127.0.0.1", 0);
}

FileDescriptor listener_for(const Backend& backend) {
  return listen_on(any_port(), backend.shares_port ? PortUse::opens : PortUse::alone);
}

// A server in a thread of this process. The destructor stops it.
class ServerThread {
 public:
  // `allocation` is the one of the server's thread that fails, counted from 1; 0 for none.
  ServerThread(const Backend& backend, FileDescriptor listener, int allocation = 0)
      : thread_([this, &backend, allocation,
                 socket = std::move(listener)](const std::stop_token& stop) mutable {
          const FailingAllocation failing(allocation);
          try {
            backend.serve(std::move(socket), stop, {}, stats_);
          } catch (...) {
            error_ = std::current_exception();
          }
          allocation_has_failed_ = failing.has_failed();
        }) {}

  void stop() {
    thread_.request_stop();
    thread_.join();
  }

  [[nodiscard]] std::uint64_t counter(std::string_view name) const {
    const CounterSnapshot snapshot = stats_.snapshot();
    for (std::size_t i = 0; i < counter_fields.size(); ++i) {
      if (counter_fields[i].name == name) return snapshot[i];
    }
    throw std::logic_error("no such counter");
  }

  // After stop(): what has ended it, and whether the allocation came that was to fail.
  [[nodiscard]] std::exception_ptr error() const { return error_; }
  [[nodiscard]] bool allocation_has_failed() const { return allocation_has_failed_; }

 private:
  ServerStats stats_;
  std::exception_ptr error_;
  bool allocation_has_failed_ = false;
  std::jthread thread_;
};

class EveryServer : public ::testing::TestWithParam<Backend> {};

bool is_served(const Endpoint& server) {
  try {
    Peer peer(server);
    const bool served = peer.exchange("served?") == "served?";
    peer.reset();
    return served;
  } catch (const std::exception&) {
    return false;  // turned away
  }
}

// Each allocation in turn fails. It may end a server that is being set up, and turn a newcomer
// away; nothing else.
TEST_P(EveryServer, OutlivesEachAllocationThatFails) {
  // Beyond 64 descriptors select's sets need another word.
  constexpr int peers = 40;
  for (int allocation = 1;; ++allocation) {
    SCOPED_TRACE("allocation " + std::to_string(allocation));
    FileDescriptor listener = listener_for(GetParam());
    const Endpoint endpoint = local_endpoint(listener.get());
    ServerThread server(GetParam(), std::move(listener), allocation);
    std::vector<Peer> inside;
    for (int i = 0; i < peers; ++i) {
      try {
        Peer peer(endpoint);
        EXPECT_EQ(peer.exchange("served?"), "served?");
        if (GetParam().max_connections != 1) inside.push_back(std::move(peer));
      } catch (const std::exception&) {
        if (server.counter("accepted") == 0) break;  // it has not been set up; else turned away
      }
    }
    for (Peer& peer : inside) EXPECT_EQ(peer.exchange("still"), "still");
    const bool set_up = server.counter("accepted") > 0;
    if (set_up) {
      // Not left in TIME_WAIT: these are many.
      for (Peer& peer : inside) peer.reset();
      // The allocation may be this one's.
      EXPECT_TRUE(is_served(endpoint) || is_served(endpoint));
    }
    server.stop();
    ASSERT_TRUE(server.error() == nullptr || !set_up) << "the server has ended";
    if (!server.allocation_has_failed()) return;
  }
}

// While accepting is paused, those who leave may be all that had high numbers, but for the
// listener.
TEST_P(EveryServer, HearsItsListenerAgainWhateverItsNumber) {
  if (GetParam().max_connections == 1) GTEST_SKIP() << "it has one peer at a time";
  constexpr int high = 300;
  FileDescriptor listener = listener_for(GetParam());
  const Endpoint endpoint = local_endpoint(listener.get());
  listener.reset(check(::fcntl(listener.get(), F_DUPFD_CLOEXEC, high), "fcntl"));
  ServerThread server(GetParam(), std::move(listener));
  std::optional<Peer> first(endpoint);
  EXPECT_EQ(first->exchange("first"), "first");
  // Made before there are no more descriptors to be had.
  const FileDescriptor second(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const rlim_t before =
      set_soft_limit(::getpid(), RLIMIT_NOFILE, lowest_free_descriptor(::getpid()));
  check(::connect(second.get(), endpoint.raw(), endpoint.length), "connect");
  // A call that sleeps in accept4 has its number already.
  EXPECT_TRUE(eventually(patience, [&] {
    return server.counter("accept_pauses") > 0 || server.counter("accepted") == 2;
  }));
  first.reset();
  EXPECT_TRUE(eventually(patience, [&] { return server.counter("accepted") == 2; }));
  set_soft_limit(::getpid(), RLIMIT_NOFILE, before);
  EXPECT_TRUE(is_served(endpoint));
}

INSTANTIATE_TEST_SUITE_P(Backends, EveryServer, ::testing::ValuesIn(all_backends()),
                         name_of_server);

// A peer whose input ends just where its budget for a turn does is asked once more in the next
// turn, to which no event has woken the server.
TEST(EpollEt, CountsNoEmptyWakeUpWithoutAnEvent) {
  const std::string input = make_data(4 * scratch_bytes, 1);
  FileDescriptor listener = listen_on(any_port());
  const Endpoint endpoint = local_endpoint(listener.get());
  // Inherited by the peer's socket: all of it is there before the server begins, and finds room.
  const int room = 16 * static_cast<int>(input.size());
  for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE}) {
    if (::setsockopt(listener.get(), SOL_SOCKET, option, &room, sizeof room) < 0) {
      GTEST_SKIP() << "only root may have buffers of this size";
    }
  }
  Peer peer(endpoint);
  peer.send_all(input);
  ASSERT_TRUE(eventually(patience, [&] { return peer.delivered(); }));
  ServerThread server(*find_backend("epoll_et"), std::move(listener));
  EXPECT_TRUE(same_bytes(peer.receive(input.size()), input));
  EXPECT_TRUE(eventually(patience, [&] { return server.counter("eagain") > 0; }));
  EXPECT_EQ(server.counter("recv_calls"), 5U);
  EXPECT_EQ(server.counter("empty_wakeups"), 0U);
}

}  // namespace
}  // namespace echomux
