// Every server against a model of RFC 862, with scripts at random; and the model against servers
// that are known to be wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <random>

#include "cli/backends.hpp"
#include "tests/conformance/conformance.hpp"
#include "tests/model/echo_model.hpp"
#include "tests/model/search.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/program.hpp"

namespace echomux::model {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

constexpr std::size_t fixed_seeds = under_sanitizer ? 5 : 20;
constexpr std::size_t fresh_seeds = under_sanitizer ? 1 : 4;

class ModelTest : public ::testing::TestWithParam<Backend> {
 protected:
  // Tries the scripts of so many seeds.
  static void try_seeds(std::uint64_t first, std::size_t count) {
    const Target target = target_of(GetParam());
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
      const auto finding = search(generate(seed), target);
      if (finding) {
        FAIL() << in_words(*finding, target, "seed " + std::to_string(seed));
      }
    }
  }
};

TEST_P(ModelTest, PassesTheSameScriptsAlways) {
  try_seeds(1, fixed_seeds);
}

TEST_P(ModelTest, PassesScriptsThatNobodyHasSeen) {
  const std::uint64_t first = std::random_device()();
  std::cout << "seeds " << first << " to " << first + fresh_seeds - 1 << '\n';
  try_seeds(first, fresh_seeds);
}

INSTANTIATE_TEST_SUITE_P(Backends, ModelTest, ::testing::ValuesIn(all_backends()), name_of_server);

Target odd_target(const std::string& mode) {
  return {.name = "odd_server " + mode,
          .command = {.arguments = {ODD_SERVER, mode, "--port", "{port}", "--size", "1"}},
          .max_connections = std::numeric_limits<std::size_t>::max(),
          .stops_in_order = false};
}

// A way to be wrong, what the model says about it, and to how many steps its scripts shrink.
struct OddMode {
  std::string mode;
  std::string complaint;
  std::size_t most_steps;
};

void PrintTo(const OddMode& mode, std::ostream* out) {
  *out << mode.mode;
}

class OddModeTest : public ::testing::TestWithParam<OddMode> {};

// Some seeds don't come to what a server does wrong only under conditions, and on a busy machine
// what one has come to may not come again: then the next one is made small.
TEST_P(OddModeTest, IsCaughtAndShrinks) {
  const Target target = odd_target(GetParam().mode);
  const SearchLimits limits{
      .answer = std::chrono::milliseconds(under_sanitizer ? 4000 : 1000),
      .answer_while_shrinking = std::chrono::milliseconds(under_sanitizer ? 2000 : 200),
      .shrinking = std::chrono::minutes(2)};
  constexpr std::uint64_t most_seeds = 10;
  std::string too_long = "nothing noticed";
  for (std::uint64_t seed = 1; seed <= most_seeds; ++seed) {
    const auto finding = search(generate(seed), target, limits);
    if (!finding) continue;
    if (finding->script.size() > GetParam().most_steps) {
      too_long = in_words(*finding, target, "seed " + std::to_string(seed));
      continue;
    }
    EXPECT_THAT(finding->failure.what, HasSubstr(GetParam().complaint));
    std::cout << in_words(*finding, target, "seed " + std::to_string(seed));
    return;
  }
  FAIL() << too_long;
}

INSTANTIATE_TEST_SUITE_P(
    OddServers, OddModeTest,
    ::testing::Values(
        OddMode{"corrupt=5000", "came back as", 2}, OddMode{"short=5000", "", 2},
        OddMode{"extra=5000", "", 2}, OddMode{"silent", "nothing moved", 0},
        OddMode{"refuse", "", 0}, OddMode{"reset=5000", "", 2}, OddMode{"die=5000", "", 2},
        OddMode{"drop-idle=5000", "", 4}, OddMode{"accept-only=2", "", 3},
        // One thread whose sends wait for the peer: a peer that doesn't read stops all.
        OddMode{"plain", "nothing moved", 5}),
    [](const auto& test) {
      std::string name = test.param.mode.substr(0, test.param.mode.find('='));
      std::erase(name, '-');
      return name;
    });

// A stranger that does everything right raises no alarm.
TEST(Model, HasNothingAgainstASoundForeignServer) {
  const Target target = odd_target("delay=0us");
  for (std::uint64_t seed = 1; seed <= (under_sanitizer ? 2 : 10); ++seed) {
    const auto finding = search(generate(seed), target);
    ASSERT_FALSE(finding) << in_words(*finding, target, "seed " + std::to_string(seed));
  }
}

TEST(Model, KnowsEachWayToBeWrong) {
  ConnectionModel connection(7);
  const std::string bytes = connection.next(100);
  EXPECT_EQ(bytes, make_data(100, 7));
  connection.was_sent(10);
  EXPECT_EQ(connection.next(90), bytes.substr(10));
  connection.came_back(bytes.substr(0, 4));
  EXPECT_EQ(connection.owed(), 6U);
  const auto came_back = [&](const std::string& what) {
    return [&connection, what] { ConnectionModel(connection).came_back(what); };
  };
  EXPECT_THAT(came_back(bytes.substr(5, 2)), ThrowsMessage<Violation>(HasSubstr("byte 4 came")));
  EXPECT_THAT(came_back(bytes.substr(3, 2)), ThrowsMessage<Violation>(HasSubstr("byte 4 came")));
  EXPECT_THAT(came_back(ConnectionModel(8).next(4)), ThrowsMessage<Violation>(HasSubstr("byte 4")));
  EXPECT_THAT(came_back(bytes.substr(4, 7)),
              ThrowsMessage<Violation>(HasSubstr("more came back than the 10 bytes")));
  EXPECT_THAT([&] { connection.end_came(); },
              ThrowsMessage<Violation>(HasSubstr("6 of 10 bytes still to come")));
  connection.came_back(bytes.substr(4, 6));
  EXPECT_THAT([&] { connection.end_came(); },
              ThrowsMessage<Violation>(HasSubstr("had not ended its direction")));
  EXPECT_FALSE(connection.gone());
  connection.was_half_closed();
  connection.end_came();
  EXPECT_TRUE(connection.gone());
}

TEST(Model, KnowsWhoseTurnItIs) {
  ServerModel one(1);
  ServerModel many(100);
  for (ServerModel* const server : {&one, &many}) {
    server->add_connection();
    server->add_connection();
    EXPECT_TRUE(server->must_answer(0));
  }
  EXPECT_FALSE(one.must_answer(1));
  EXPECT_TRUE(many.must_answer(1));
  one.connection(0).was_half_closed();
  EXPECT_FALSE(one.must_answer(1));
  one.connection(0).end_came();
  EXPECT_TRUE(one.must_answer(1));
  one.was_frozen(true);
  EXPECT_FALSE(one.must_answer(1));
}

TEST(Model, ComparesCounters) {
  ServerModel server(100);
  ConnectionModel& whole = server.connection(server.add_connection());
  whole.was_sent(10);
  whole.came_back(whole.next(0) + make_data(10, 0));
  whole.was_half_closed();
  whole.end_came();
  ConnectionModel& cut = server.connection(server.add_connection());
  cut.was_sent(100);
  cut.came_back(make_data(20, 1));
  cut.was_closed();
  std::map<std::string, std::uint64_t> counters{{"accepted", 2},        {"closed", 2},
                                                {"turned_away", 0},     {"peer_errors", 1},
                                                {"bytes_received", 50}, {"bytes_sent", 40}};
  EXPECT_THAT(server.complaint(counters), IsEmpty());
  const auto with = [&](const std::string& name, std::uint64_t value) {
    auto changed = counters;
    changed.at(name) = value;
    return server.complaint(changed);
  };
  EXPECT_EQ(with("accepted", 3), "it counted 3 accepted instead of 2");
  EXPECT_EQ(with("closed", 1), "it counted 1 closed instead of 2");
  EXPECT_EQ(with("turned_away", 1), "it counted 1 turned_away instead of 0");
  EXPECT_EQ(with("peer_errors", 2), "it counted 2 peer_errors instead of 0 to 1");
  EXPECT_EQ(with("bytes_received", 29), "it counted 29 bytes_received instead of 30 to 110");
  EXPECT_EQ(with("bytes_received", 111), "it counted 111 bytes_received instead of 30 to 110");
  EXPECT_EQ(with("bytes_sent", 29), "it counted 29 bytes_sent instead of 30 to 50");
  EXPECT_EQ(with("bytes_sent", 51), "it counted 51 bytes_sent instead of 30 to 50");
}

TEST(Script, ComesBackAsItWasWritten) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Script script = generate(seed);
    EXPECT_EQ(parse_script(to_text(script)), script);
    EXPECT_EQ(generate(seed), script);
    EXPECT_NE(generate(seed + 1), script);
    EXPECT_LE(script.size(), ScriptSize().steps);
  }
  EXPECT_THAT(parse_script("# nothing\n\n  \n"), IsEmpty());
}

TEST(Script, SaysWhatIsWrongWithIt) {
  const auto expect_complaint = [](const char* text, const char* what) {
    EXPECT_THAT([&] { static_cast<void>(parse_script(text)); },
                ThrowsMessage<std::runtime_error>(HasSubstr(what)));
  };
  expect_complaint("connect 1\nsing 2", "line 2: there is no step 'sing'");
  expect_complaint("send 1", "line 1: 'send' takes PEER BYTES");
  expect_complaint("freeze 1", "'freeze' takes nothing");
  expect_complaint("connect 1 2", "'connect' takes PEER [SEND_BUFFER RECEIVE_BUFFER]");
  expect_complaint("drain x", "'x' is not a whole number up to 1000");
  expect_complaint("drain -1", "'-1' is not a whole number");
  expect_complaint("drain 1001", "'1001' is not a whole number");
  expect_complaint("send 1 99999999999", "is not a whole number up to");
}

// The generator comes to every step.
TEST(Generator, UsesEveryAction) {
  std::vector<bool> used;
  for (std::uint64_t seed = 1; seed <= fixed_seeds; ++seed) {
    for (const Step& step : generate(seed)) {
      const auto action = static_cast<std::size_t>(step.action);
      used.resize(std::max(used.size(), action + 1));
      used[action] = true;
    }
  }
  EXPECT_EQ(used, std::vector<bool>(static_cast<std::size_t>(Action::thaw) + 1, true));
}

// What fails needs no server to be made small: here, whatever has a certain part.
TEST(Shrinker, LeavesWhatIsNeeded) {
  const Script needed = parse_script("connect 3\nsend 3 600\nhalf_close 3\n");
  const auto fails = [](const Script& script) {
    bool sent = false;
    for (const Step& step : script) {
      sent = sent || (step.action == Action::send && step.peer == 3 && step.bytes >= 600);
      if (step.action == Action::half_close && step.peer == 3 && sent) {
        return script.front().action == Action::connect && script.front().peer == 3;
      }
    }
    return false;
  };
  Script script = parse_script("connect 3 8192 8192\nsend 3 100000\n");
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Script more = generate(seed);
    script.insert(script.end(), more.begin(), more.end());
  }
  script.push_back({.action = Action::half_close, .peer = 3});
  const Shrunk shrunk = shrink(script, fails, std::chrono::minutes(1));
  ASSERT_EQ(shrunk.script.size(), 3U) << to_text(shrunk.script);
  EXPECT_EQ(shrunk.script.front(), needed.front());
  EXPECT_EQ(shrunk.script.back(), needed.back());
  EXPECT_LT(shrunk.script[1].bytes, 1200U);
  EXPECT_LT(shrunk.runs, 1000U);
  // With no time left, it stays as it is.
  EXPECT_EQ(shrink(script, fails, std::chrono::milliseconds(0)).script, script);
}

}  // namespace
}  // namespace echomux::model
