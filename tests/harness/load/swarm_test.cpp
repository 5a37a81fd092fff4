#include "harness/load/swarm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "epoll_lt/epoll_lt_server.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

// A correct server on a thread of this process.
class GoodServer {
 public:
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  FileDescriptor listener_ = listen_on(resolve("127.0.0.1", 0));
  Endpoint endpoint_ = local_endpoint(listener_.get());
  ServerStats stats_;
  std::jthread thread_{[this](std::stop_token stop) {
    serve_epoll_lt(std::move(listener_), std::move(stop), {}, stats_);
  }};
};

// A server with one fault: each connection gets a thread that echoes `faultless` bytes properly and
// then does to each further chunk what `mistreat` says; false ends the connection.
class FaultyServer {
 public:
  using Mistreat = std::function<bool(int socket, std::vector<char>& chunk)>;

  FaultyServer(std::size_t faultless, Mistreat mistreat)
      : faultless_(faultless), mistreat_(std::move(mistreat)) {}

  ~FaultyServer() {
    stopping_ = true;
    ::shutdown(listener_.get(), SHUT_RD);
    acceptor_.join();
    for (const FileDescriptor& socket : sockets_) ::shutdown(socket.get(), SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
  }
  FaultyServer(const FaultyServer&) = delete;
  FaultyServer& operator=(const FaultyServer&) = delete;

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  void accept_peers() {
    while (!stopping_) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      sockets_.emplace_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    std::size_t echoed = 0;
    for (;;) {
      std::vector<char> chunk(4096);
      const ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
      if (count <= 0) return;
      chunk.resize(static_cast<std::size_t>(count));
      if (echoed >= faultless_ && !mistreat_(fd, chunk)) {
        ::shutdown(fd, SHUT_RDWR);
        return;
      }
      echoed += static_cast<std::size_t>(count);
      if (::send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL) < 0) return;
    }
  }

  std::size_t faultless_;
  Mistreat mistreat_;
  std::atomic<bool> stopping_ = false;
  FileDescriptor listener_ = listen_on(resolve("127.0.0.1", 0));
  Endpoint endpoint_ = local_endpoint(listener_.get());
  std::vector<FileDescriptor> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_{[this] { accept_peers(); }};
};

SwarmOptions short_load(const Endpoint& server) {
  SwarmOptions options;
  options.server = server;
  options.load.active_connections = 3;
  options.load.requests_per_second = 500;
  options.load.warmup = 20ms;
  options.load.duration = 300ms;
  options.load.timeout = 500ms;
  return options;
}

TEST(Swarm, OpenLoopSendsWhatItOffers) {
  const GoodServer server;
  SwarmOptions options = short_load(server.endpoint());
  options.load.idle_connections = 50;
  const SwarmResult result = run_swarm(options);
  EXPECT_EQ(result.outcome.reason, RunEnd::completed);
  EXPECT_EQ(result.idle_confirmed, 50U);
  EXPECT_EQ(result.active_confirmed, 3U);
  EXPECT_EQ(result.connections_lost, 0U);
  // 500 a second for 300 ms, every one of them answered or accounted for.
  EXPECT_NEAR(static_cast<double>(result.latency.count()), 150, 1);
  EXPECT_EQ(result.requests_unanswered, 0U);
  EXPECT_GE(result.measured_requests, 149U);
}

TEST(Swarm, ClosedLoopKeepsEveryConnectionBusy) {
  const GoodServer server;
  SwarmOptions options = short_load(server.endpoint());
  options.load.requests_per_second = 0;
  const SwarmResult result = run_swarm(options);
  EXPECT_EQ(result.outcome.reason, RunEnd::completed);
  EXPECT_GT(result.window_requests, 100U);
}

TEST(Swarm, CarriesMessagesLargerThanAnyBuffer) {
  const GoodServer server;
  SwarmOptions options = short_load(server.endpoint());
  options.load.requests_per_second = 0;
  options.load.message_bytes = std::size_t{1} << 20;
  SwarmResult result = run_swarm(options);
  // On a busy machine one of them may take longer than a short window.
  while (result.window_requests == 0 && options.load.duration < patience) {
    options.load.duration *= 2;
    result = run_swarm(options);
  }
  EXPECT_EQ(result.outcome.reason, RunEnd::completed) << result.outcome.sentence;
  EXPECT_GT(result.window_requests, 0U);
}

TEST(Swarm, CallsBackAtBothEndsOfTheWindow) {
  const GoodServer server;
  SwarmOptions options = short_load(server.endpoint());
  std::vector<std::string> calls;
  options.on_window_begin = [&] { calls.emplace_back("begin"); };
  options.on_window_end = [&] { calls.emplace_back("end"); };
  static_cast<void>(run_swarm(options));
  EXPECT_THAT(calls, ::testing::ElementsAre("begin", "end"));
}

TEST(Swarm, FindsAWrongByteAndSaysWhere) {
  const FaultyServer server(1000, [](int, std::vector<char>& chunk) {
    chunk.front() = static_cast<char>(chunk.front() ^ 1);
    return true;
  });
  const SwarmResult result = run_swarm(short_load(server.endpoint()));
  EXPECT_EQ(result.outcome.reason, RunEnd::corrupted);
  EXPECT_THAT(result.outcome.sentence,
              ::testing::MatchesRegex("connection [0-2]: a wrong byte came back at offset 10[0-9]+ "
                                      "of its stream"));
}

TEST(Swarm, FindsThatTooMuchCameBack) {
  const FaultyServer server(1000, [](int, std::vector<char>& chunk) {
    chunk.push_back('!');
    return true;
  });
  const SwarmResult result = run_swarm(short_load(server.endpoint()));
  EXPECT_EQ(result.outcome.reason, RunEnd::corrupted);
}

TEST(Swarm, CountsAnswersThatNeverCome) {
  // Too little comes back, and then nothing more: the connection starves.
  const FaultyServer server(1000, [](int, std::vector<char>& chunk) {
    chunk.pop_back();
    return true;
  });
  const SwarmResult result = run_swarm(short_load(server.endpoint()));
  EXPECT_EQ(result.outcome.reason == RunEnd::corrupted || result.requests_unanswered > 0, true);
}

TEST(Swarm, GivesUpOnAServerThatAnswersNothing) {
  const FaultyServer server(0, [](int fd, std::vector<char>& chunk) {
    // Swallow everything until the connection ends.
    while (::recv(fd, chunk.data(), chunk.size(), 0) > 0) {
    }
    return false;
  });
  const SwarmResult result = run_swarm(short_load(server.endpoint()));
  EXPECT_EQ(result.outcome.reason, RunEnd::starved);
  EXPECT_EQ(result.active_confirmed, 0U);
}

TEST(Swarm, NoticesWhenTheServerEndsConnections) {
  const FaultyServer refusing(0, [](int, std::vector<char>&) { return false; });
  EXPECT_EQ(run_swarm(short_load(refusing.endpoint())).outcome.reason, RunEnd::refused);
  const FaultyServer leaving(1000, [](int, std::vector<char>&) { return false; });
  const SwarmResult result = run_swarm(short_load(leaving.endpoint()));
  EXPECT_EQ(result.outcome.reason, RunEnd::server_gone);
  EXPECT_EQ(result.connections_lost, 3U);
}

TEST(Swarm, CountsLatencyFromWhenAMessageWasDue) {
  // Every answer takes 20 ms on one connection that should send every 10 ms: the queue grows, and
  // only the time since each was due shows it.
  const FaultyServer server(1, [](int fd, std::vector<char>&) {
    timeval limit{.tv_sec = 0, .tv_usec = 20'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char none = 0;
    static_cast<void>(::recv(fd, &none, 1, MSG_PEEK));  // nothing comes: wakes after 20 ms
    limit.tv_usec = 0;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return true;
  });
  SwarmOptions options = short_load(server.endpoint());
  options.load.active_connections = 1;
  options.load.requests_per_second = 100;
  options.load.duration = 400ms;
  const SwarmResult result = run_swarm(options);
  ASSERT_EQ(result.outcome.reason, RunEnd::completed);
  EXPECT_LT(result.latency_uncorrected.percentile(50), result.latency.percentile(50));
  EXPECT_GT(result.latency.max(), 150ms);
}

TEST(Swarm, StopsWhenAsked) {
  const GoodServer server;
  SwarmOptions options = short_load(server.endpoint());
  options.load.duration = 1min;
  std::stop_source stop;
  options.on_window_begin = [&] { stop.request_stop(); };
  EXPECT_EQ(run_swarm(options, stop.get_token()).outcome.reason, RunEnd::interrupted);
}

TEST(Swarm, SaysThatNobodyListens) {
  FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const Endpoint closed = local_endpoint(listener.get());
  listener.reset();
  EXPECT_EQ(run_swarm(short_load(closed)).outcome.reason, RunEnd::refused);
}

}  // namespace
}  // namespace echomux
