// What `echomux serve` says about its limits and about who can reach it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <exception>

#include "cli/command.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/server/server_process.hpp"
#include "tests/support/child.hpp"
#include "tests/support/connection.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ServeExposure, IsOnlyWhatTheUserAskedFor) {
  const Finished serve = serve_shortly(any_backend);
  EXPECT_THAT(serve.out, HasSubstr(" listening on 127.0.0.1:"));
  EXPECT_THAT(serve.err, IsEmpty());
  // All of 127.0.0.0/8 is this machine.
  EXPECT_THAT(serve_shortly(any_backend, {"--host", "127.0.0.2"}).err, IsEmpty());
}

TEST(ServeExposure, IsExplainedInASentence) {
  for (const std::string host : {"0.0.0.0", "::"}) {
    if (host == "::") {
      try {
        static_cast<void>(listen_on(resolve(host, 0)));
      } catch (const std::exception&) {
        continue;  // a machine without IPv6
      }
    }
    const Finished serve = serve_shortly(any_backend, {"--host", host});
    EXPECT_EQ(serve.status, exit_ok);
    EXPECT_THAT(serve.err, HasSubstr("reachable from other machines"));
    EXPECT_THAT(serve.err, HasSubstr("meant for a test network"));
    EXPECT_THAT(serve.err, HasSubstr("--max-connections and --idle-timeout"));
    EXPECT_EQ(std::ranges::count(serve.err, '\n'), 1) << serve.err;
  }
}

TEST(ServeLimits, TakeTimesAndCounts) {
  for (const std::string time : {"500ms", "2s", "1m", "24h", "10ms"}) {
    EXPECT_EQ(serve_shortly(any_backend, {"--idle-timeout", time}).status, exit_ok) << time;
  }
  for (const std::string count : {"1", "10k"}) {
    EXPECT_EQ(serve_shortly(any_backend, {"--max-connections", count}).status, exit_ok) << count;
  }
}

TEST(ServeLimits, SayOnceThatTheyTurnSomebodyAway) {
  PipedProgram serve(
      {"serve", "epoll_lt", "--port", "0", "--max-connections", "1", "--stats", "json"});
  const std::string line = read_line(serve.out());
  const Endpoint endpoint =
      parse_endpoint(line.substr(line.rfind(' ') + 1, line.rfind('\n') - line.rfind(' ') - 1));
  Peer inside(endpoint);
  EXPECT_EQ(inside.exchange("in"), "in");
  for (int i = 0; i < 3; ++i) {
    const Peer outside(endpoint);
    EXPECT_TRUE(eventually(patience, [&] { return outside.ended(); }));
  }
  serve.send_signal(SIGTERM);
  EXPECT_EQ(serve.wait(promptly), exit_ok);
  EXPECT_THAT(read_all(serve.out()), HasSubstr("\"turned_away\":3"));
  const std::string said = read_all(serve.err());
  EXPECT_THAT(said, HasSubstr("--max-connections are open: a newcomer is turned away"));
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST(ServeWorkers, AreAsManyAsTheUserAskedFor) {
  for (const std::size_t workers : {1U, 5U}) {
    PipedProgram serve(
        {"serve", "reactor_workers", "--port", "0", "--workers", std::to_string(workers)});
    const std::string tasks = "/proc/" + std::to_string(serve.pid()) + "/task";
    // And one for signals.
    EXPECT_TRUE(eventually(patience, [&] {
      return proc::numbers_in(tasks).size() == threads_from_the_start + 1 + workers;
    })) << workers;
    serve.send_signal(SIGTERM);
    EXPECT_EQ(serve.wait(promptly), exit_ok);
  }
  const Finished other = run_program({"serve", "epoll_lt", "--workers", "2"});
  EXPECT_EQ(other.status, exit_usage);
  EXPECT_THAT(other.err, HasSubstr("epoll_lt has no --workers"));
}

}  // namespace
}  // namespace echomux
