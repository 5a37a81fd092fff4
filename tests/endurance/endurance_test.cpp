// A soak in seconds: sound servers pass it, and each way of going wrong with time is found. And a
// few hostile peers: a well-behaved one beside them gets all of its bytes, and the server's memory
// keeps its bound. No time is asserted: the latency of a sound server on a busy machine is nobody's
// fault.
#include <gtest/gtest.h>

#include <random>

#include "tests/endurance/hostile_trial.hpp"
#include "tests/endurance/soak.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;
using Verdict = SoakSeries::Verdict;

EnduranceTarget ours(const std::string& name) {
  return target_of(name, false);
}

EnduranceTarget odd(const std::string& mode) {
  EnduranceTarget target{.name = mode};
  target.command.arguments = {ODD_SERVER, "{port}", mode};
  return target;
}

SoakOptions briefly() {
  SoakOptions options;
  options.duration = 4s;
  options.window = options.duration / 12;
  options.sample_interval = 50ms;
  options.time_to_clean_up = promptly;
  return options;
}

std::string failures_of(const SoakRecord& record) {
  std::string text;
  for (const std::string& failure : record.failures) text += failure + "\n";
  return text;
}

TEST(Soak, PassesSoundServers) {
  SoakOptions options = briefly();
  // So that a busy machine, too, lets some peers come to their ends.
  options.duration = 4 * promptly;
  options.window = options.duration / 12;
  const SoakResult result = run_soak(options, {ours("epoll_et"), ours("blocking")});
  const auto verdicts = judge_soak(result, "");
  for (std::size_t i = 0; i < 2; ++i) {
    const SoakRecord& record = result.servers.at(i);
    EXPECT_EQ(failures_of(record), "") << record.name;
    // A sanitizer's allocator has memory of its own.
    EXPECT_TRUE(under_sanitizer || !verdicts.at(i).failed) << soak_table(result, verdicts);
    EXPECT_GT(record.churn.sum().completed, 0U);
    EXPECT_GT(record.requests, 0U);
    EXPECT_GE(record.samples.size(), 10U);
    ASSERT_TRUE(record.after.has_value());
    EXPECT_EQ(record.after->descriptors, record.before.descriptors);
    EXPECT_EQ(record.after->accepted, record.after->closed);
  }
  EXPECT_FALSE(result.interrupted);
}

TEST(Soak, FindsLeakedDescriptors) {
  const SoakResult result = run_soak(briefly(), {odd("leak-descriptor=3")});
  EXPECT_NE(failures_of(result.servers.at(0)).find("descriptors before all peers"),
            std::string::npos);
  EXPECT_TRUE(judge_soak(result, "").at(0).failed);
}

TEST(Soak, FindsLeakedMemory) {
  if (under_sanitizer) GTEST_SKIP() << "its allocator has memory of its own";
  const SoakResult result = run_soak(briefly(), {odd("leak-memory=100000")});
  const SoakVerdict verdict = judge_soak(result, "").at(0);
  EXPECT_EQ(verdict.of("memory").verdict, Verdict::not_flat);
  EXPECT_TRUE(verdict.failed);
}

TEST(SoakRunsAlone, FindsAServerThatSlowsDown) {
  EnduranceTarget server = odd("slowing=10ms");
  server.churn = false;
  SoakOptions options = briefly();
  options.duration *= 2;
  options.window *= 2;
  options.requests_per_second = 10;
  // In one soak of seconds a busy machine may hide it.
  for (int chances = 3; chances > 0; --chances) {
    const SoakResult result = run_soak(options, {server});
    const SoakVerdict verdict = judge_soak(result, "").at(0);
    if (verdict.of("p50").verdict != Verdict::not_flat && chances > 1) continue;
    EXPECT_EQ(verdict.of("p50").verdict, Verdict::not_flat) << soak_table(result, {verdict});
    EXPECT_FALSE(verdict.all_flat());
    return;
  }
}

TEST(Soak, FindsWrongBytesAndAnEarlyEnd) {
  for (const char* mode : {"corrupt=200", "die=100"}) {
    const SoakResult result = run_soak(briefly(), {odd(mode)});
    EXPECT_TRUE(judge_soak(result, "").at(0).failed) << mode;
    EXPECT_FALSE(result.servers.at(0).failures.empty());
    EXPECT_LT(result.duration, patience + 4s);
  }
}

TEST(Soak, KeepsWhatThereIsWhenInterrupted) {
  std::stop_source stop;
  SoakOptions options = briefly();
  options.duration = 1h;
  options.window = 300ms;
  options.on_progress = [&](const SoakProgress& progress) {
    if (progress.elapsed > 1s) stop.request_stop();
  };
  const SoakResult result = run_soak(options, {ours("poll")}, stop.get_token());
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(failures_of(result.servers.at(0)), "");
  EXPECT_GE(result.servers.at(0).samples.size(), 5U);
}

// A soak of 600 samples whose memory is what this says of each.
SoakResult with_memory(const std::function<double(std::size_t)>& of) {
  SoakResult result;
  result.servers.emplace_back().name = "made up";
  for (std::size_t i = 0; i < 600; ++i) {
    SoakSample& sample = result.servers[0].samples.emplace_back();
    sample.seconds = static_cast<double>(i);
    sample.anonymous_bytes = static_cast<std::uint64_t>(of(i));
  }
  return result;
}

Verdict memory_verdict(const std::function<double(std::size_t)>& of) {
  return judge_soak(with_memory(of), "").at(0).of("memory").verdict;
}

TEST(SoakVerdict, TellsALeakFromWavesAndFromTheWarmUp) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, 200'000);
  const double mib = 1024 * 1024;
  EXPECT_EQ(memory_verdict([&](std::size_t) { return 4 * mib + noise(random); }), Verdict::flat);
  EXPECT_EQ(memory_verdict([&](std::size_t i) {
              return (i < 150 ? static_cast<double>(i) / 50 : 3) * mib + mib + noise(random);
            }),
            Verdict::flat);
  EXPECT_EQ(memory_verdict([&](std::size_t i) {
              return 4 * mib + static_cast<double>(i) * 3'000 + noise(random);
            }),
            Verdict::not_flat);
  EXPECT_EQ(memory_verdict([&](std::size_t i) {
              return 4 * mib - static_cast<double>(i) * 3'000 + noise(random);
            }),
            Verdict::flat);
}

TEST(SoakVerdict, SaysSoWhenItIsTooShort) {
  SoakResult result = with_memory([](std::size_t) { return 1e6; });
  result.servers[0].samples.resize(5);
  EXPECT_EQ(judge_soak(result, "").at(0).of("memory").verdict, Verdict::too_short);
  EXPECT_EQ(judge_soak(result, "").at(0).of("p50").verdict, Verdict::too_short);
}

TEST(SoakVerdict, DividesLatencyByTheControls) {
  SoakResult result;
  for (const char* name : {"control", "server", "slowing"}) {
    SoakRecord& record = result.servers.emplace_back();
    record.name = name;
    for (int i = 0; i < 60; ++i) {
      // The machine slows all of them down; one of them slows down by itself.
      const double us = (50 + i) * (record.name == "slowing" ? 1 + i / 60.0 : 1);
      record.windows.push_back({{.requests = 1, .p50_us = us, .p99_us = us}, i * 10.0});
    }
  }
  const auto verdicts = judge_soak(result, "control");
  EXPECT_EQ(verdicts.at(0).of("p50").verdict, Verdict::not_flat);
  EXPECT_EQ(verdicts.at(1).of("p50").verdict, Verdict::flat);
  EXPECT_EQ(verdicts.at(2).of("p50").verdict, Verdict::not_flat);
}

HostileKind kind_of(const std::string& name) {
  for (const HostileKind& kind : hostile_kinds(100)) {
    if (kind.name == name) return kind;
  }
  throw std::invalid_argument("no such kind: " + name);
}

HostileTrial attempt(const EnduranceTarget& target, const std::string& kind) {
  return try_hostile(target, kind_of(kind), {.hostile_give_way = false});
}

class HostilePeers : public ::testing::TestWithParam<std::string> {};

TEST_P(HostilePeers, HarmNobodyElse) {
  if (under_sanitizer) GTEST_SKIP() << "its allocator has memory of its own";
  for (const char* kind : {"never read", "urgent data", "an hour's bytes"}) {
    const HostileTrial trial = attempt(ours(GetParam()), kind);
    EXPECT_EQ(trial.failure, "") << kind;
    EXPECT_TRUE(trial.beside.served()) << kind;
    EXPECT_LE(trial.memory_growth, trial.memory_bound) << kind;
    EXPECT_EQ(trial.hostile.wrong, 0U) << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, HostilePeers, ::testing::Values("epoll_lt", "threaded"),
                         [](const auto& test) { return test.param; });

TEST(HostileTrial, ChecksEveryByteOfAStream) {
  const HostileTrial trial = attempt(ours("epoll_et"), "an hour's bytes");
  EXPECT_EQ(trial.hostile.completed, 1U);
  EXPECT_EQ(trial.hostile.bytes_checked, 36'000'000U);
}

TEST(HostileTrial, SaysThatOneAtATimeStarves) {
  const HostileTrial trial = attempt(ours("blocking"), "trickle");
  EXPECT_EQ(trial.limit, "starved");
  EXPECT_EQ(trial.failure, "");
  EXPECT_TRUE(trial.after.served());
}

TEST(HostileTrial, FindsAServerAboveItsBound) {
  if (under_sanitizer) GTEST_SKIP() << "its allocator has memory of its own";
  EXPECT_NE(attempt(odd("leak-memory=2000000"), "trickle").failure.find("its memory grew by"),
            std::string::npos);
}

TEST(HostileTrial, FindsWrongBytes) {
  EXPECT_NE(attempt(odd("corrupt=1000"), "urgent data").failure, "");
}

}  // namespace
}  // namespace echomux
