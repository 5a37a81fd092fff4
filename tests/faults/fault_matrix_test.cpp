// Every server with faults in its own system calls: a part of the matrix that './run faults' tries
// as a whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "tests/faults/fault_scenario.hpp"
#include "tests/faults/faulty_server.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {

// Lets GoogleTest name a cell where it prints a test's parameter.
static void PrintTo(const FaultCell& cell, std::ostream* out) {
  *out << name_of(cell);
}

namespace {

constexpr std::uint64_t seed = 1;

class Faults : public ::testing::TestWithParam<FaultCell> {};

TEST_P(Faults, AreBorne) {
  if (under_sanitizer) GTEST_SKIP() << "a sanitizer's library must be the first to be preloaded";
  const FaultResult result = try_cell(GetParam());
  EXPECT_EQ(result.verdict, FaultResult::Verdict::passed) << in_words(GetParam(), result);
}

// Two faults at once that no cell of the matrix has: out of descriptors, epoll_lt stops watching
// its listener, and that fails as well.
TEST(FaultsTogether, DontLetEpollLtSpin) {
  if (under_sanitizer) GTEST_SKIP() << "a sanitizer's library must be the first to be preloaded";
  FaultyServer server("epoll_lt", Injector::shim,
                      "accept4:EMFILE:every=1;epoll_ctl:ENOMEM:every=1");
  server.start();
  // Who is served knows that the server has set itself up.
  EXPECT_EQ(Peer(server.process().endpoint()).exchange("ready?"), "ready?");
  server.switch_on(true);
  Peer peer(server.process().endpoint());
  peer.send_all("anybody?");
  ASSERT_TRUE(eventually(patience, [&] { return server.injected(1) > 0; }));
  const auto before = server.process().cpu_time();
  // The point is what it does while nothing comes that it could do.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto after = server.process().cpu_time();
  ASSERT_TRUE(before && after);
  EXPECT_LT(*after - *before, std::chrono::milliseconds(200));
  server.switch_on(false);
  EXPECT_EQ(peer.receive(8), "anybody?");
}

// A backend, and the call that it waits with.
class FailedWaits : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

// An error that no wait call should ever have: to go on would be to spin.
TEST_P(FailedWaits, EndTheServerAndSayWhy) {
  if (under_sanitizer) GTEST_SKIP() << "a sanitizer's library must be the first to be preloaded";
  const auto& [backend, call] = GetParam();
  FaultyServer server(backend, Injector::shim, call + ":EPERM:first=1");
  server.start();
  const Peer peer(server.process().endpoint());
  ASSERT_TRUE(eventually(patience, [&] { return server.calls(FaultCall::accept4) > 0; }));
  server.switch_on(true);
  const Peer another(server.process().endpoint());  // wakes it, so that it waits once more
  EXPECT_TRUE(eventually(patience, [&] { return !server.process().running(); }));
  EXPECT_EQ(server.process().stop().exit_status, 1);
  EXPECT_EQ(server.injected(), 1U);
  EXPECT_NE(server.complaints().find(call + ": Operation not permitted"), std::string::npos)
      << server.complaints();
}

INSTANTIATE_TEST_SUITE_P(Matrix, FailedWaits,
                         ::testing::Values(std::pair("select", "select"), std::pair("poll", "poll"),
                                           std::pair("epoll_lt", "epoll_wait"),
                                           std::pair("epoll_et", "epoll_wait")),
                         [](const auto& test) { return test.param.first; });

// Of each call and fault the one time that asks most: always where that is possible, else every
// n-th; what goes wrong while setting up; and everything at once.
std::vector<FaultCell> a_part() {
  std::vector<FaultCell> cells = fault_cells(seed);
  std::erase_if(cells, [](const FaultCell& cell) { return !cell.not_applicable.empty(); });
  std::set<std::tuple<const Backend*, FaultCall, std::string>> with_always;
  for (const FaultCell& cell : cells) {
    if (cell.when == FaultWhen::always) with_always.emplace(cell.backend, cell.call, cell.fault);
  }
  std::erase_if(cells, [&](const FaultCell& cell) {
    return cell.when == FaultWhen::first || cell.when == FaultWhen::random ||
           (cell.when == FaultWhen::every &&
            with_always.contains({cell.backend, cell.call, cell.fault}));
  });
  std::ranges::move(storm_cells(seed, 1), std::back_inserter(cells));
  return cells;
}

INSTANTIATE_TEST_SUITE_P(Matrix, Faults, ::testing::ValuesIn(a_part()), [](const auto& test) {
  std::string name = name_of(test.param);
  std::ranges::replace(name, '/', '_');
  return name;
});

}  // namespace
}  // namespace echomux
