#include "harness/results/results_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/text/json.hpp"
#include "tests/support/json_place.hpp"
#include "tests/support/sample_results.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file that is gone when the test is over.
class TemporaryFile {
 public:
  [[nodiscard]] std::filesystem::path path() const { return directory_ / "results.json"; }
  void fill(std::string_view text) const { std::ofstream(path()) << text; }

  // Why the file isn't read.
  [[nodiscard]] std::string complaint() const {
    try {
      static_cast<void>(read_results(path()));
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "read without complaint";
  }

 private:
  TemporaryDirectory directory_;
};

TEST(ResultsFile, ComesBackAsItWasWritten) {
  const TemporaryFile file;
  const Results written = sample_results();
  write_results(file.path(), written);
  const Results read = read_results(file.path());
  EXPECT_EQ(results_json(read), results_json(written));
  // And nothing but the file is left behind.
  const std::filesystem::directory_iterator entries(file.path().parent_path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

// What the text of both might lack alike.
TEST(ResultsFile, HasEveryField) {
  const TemporaryFile file;
  const Results written = sample_results();
  write_results(file.path(), written);
  const Results read = read_results(file.path());
  EXPECT_EQ(read.context.started, written.context.started);
  EXPECT_EQ(read.context.command, written.context.command);
  EXPECT_EQ(read.context.build, written.context.build);
  EXPECT_EQ(read.context.machine, written.context.machine);
  EXPECT_EQ(read.context.cpu_plan, written.context.cpu_plan);
  const SweepPlan& plan = read.context.plan;
  ASSERT_EQ(plan.servers.size(), 4U);
  EXPECT_EQ(plan.servers[1].name, "epoll_lt");
  EXPECT_EQ(plan.servers[1].backend, "epoll_lt");
  EXPECT_THAT(plan.servers[1].options, ElementsAre("--x", "1"));
  EXPECT_EQ(plan.servers[3].command, "./mine 0");
  EXPECT_THAT(plan.idle_connections, ElementsAre(1000));
  EXPECT_THAT(plan.rates, ElementsAre(1000));
  EXPECT_EQ(plan.load.active_connections, 11U);
  EXPECT_EQ(plan.load.message_bytes, 65U);
  EXPECT_EQ(plan.load.warmup, written.context.plan.load.warmup);
  EXPECT_EQ(plan.load.duration, written.context.plan.load.duration);
  EXPECT_EQ(plan.load.timeout, written.context.plan.load.timeout);
  EXPECT_EQ(plan.repetitions, 1U);
  EXPECT_EQ(plan.seed, written.context.plan.seed);
  EXPECT_FALSE(plan.pin);
  EXPECT_TRUE(plan.count_system_calls);
  EXPECT_EQ(read.client_ceiling_rps, 123'456.75);
  ASSERT_EQ(read.trials.size(), 4U);
  const Trial& trial = read.trials[1];
  EXPECT_EQ(trial.cell, written.trials[1].cell);
  EXPECT_EQ(trial.active_connections, 10U);
  EXPECT_EQ(trial.judgement.verdict, Verdict::suspect);
  EXPECT_THAT(codes(trial.judgement), ElementsAre("drift", "saturated"));
  EXPECT_EQ(trial.judgement.reasons.at(1).verdict, Verdict::saturated);
  EXPECT_EQ(trial.judgement.reasons.at(1).sentence, "it was busy");
  ASSERT_TRUE(trial.load.has_value());
  EXPECT_EQ(to_json(*trial.load), to_json(*written.trials[1].load));
  ASSERT_TRUE(trial.cost.has_value());
  EXPECT_EQ(trial.cost->requests, 1000U);
  EXPECT_EQ(trial.cost->cpu_us_per_request, 8);
  EXPECT_EQ(trial.cost->busy_share, 0.008);
  EXPECT_EQ(trial.cost->user_us_per_request, 1.5);
  EXPECT_EQ(trial.cost->system_us_per_request, 6.5);
  EXPECT_EQ(trial.cost->voluntary_switches_per_request, 0.75);
  EXPECT_EQ(trial.cost->involuntary_switches_per_request, 0.125);
  EXPECT_EQ(trial.cost->run_queue_share, 0.0625);
  EXPECT_EQ(trial.cost->page_faults_per_request, 0.375);
  EXPECT_EQ(trial.cost->resident_bytes_per_connection, 321);
  EXPECT_EQ(trial.cost->kernel_bytes_per_connection, 4321);
  EXPECT_EQ(trial.cost->steal_share, 0.03125);
  EXPECT_EQ(trial.cost->threads, 3U);
  EXPECT_EQ(trial.cost->processes, 2U);
  EXPECT_THAT(trial.cost->cpus, ElementsAre(0, 5));
  EXPECT_EQ(trial.cost->counters, written.trials[1].cost->counters);
  EXPECT_EQ(trial.cost->unavailable, written.trials[1].cost->unavailable);
  EXPECT_EQ(read.trials[0].cost->user_us_per_request, std::nullopt);
  EXPECT_EQ(read.trials[2].outcome.kind, OutcomeKind::starved);
  EXPECT_FALSE(read.trials[2].cost.has_value());
  EXPECT_FALSE(read.trials[3].load.has_value());
  EXPECT_EQ(read.trials[3].repetition, 2U);
  EXPECT_EQ(read.trials[3].outcome.sentence, written.trials[3].outcome.sentence);
  ASSERT_EQ(read.system_calls.size(), 2U);
  EXPECT_EQ(read.system_calls[0].cell, written.trials[0].cell);
  EXPECT_EQ(read.system_calls[0].per_request, 3.25);
  EXPECT_EQ(read.system_calls[1].per_request, std::nullopt);
  EXPECT_EQ(read.system_calls[1].unavailable, "tracefs is not mounted");
}

TEST(ResultsFile, TellsWhatASummaryIsMadeOf) {
  const Json json = Json::parse(results_json(sample_results()));
  EXPECT_EQ(json.at("schema_version"), 3);
  ASSERT_EQ(json.at("summary").size(), 4U);
  const Json& poll = json.at("summary").at(0);
  EXPECT_EQ(poll.at("server"), "poll");
  EXPECT_EQ(poll.at("system_calls_per_request"), 3.25);
  EXPECT_EQ(poll.at("metrics").at("cpu_us_per_request").at("median"), 80);
  EXPECT_TRUE(poll.at("metrics").at("cpu_us_per_request").at("low").is_null());
  EXPECT_FALSE(poll.at("metrics").contains("user_us_per_request"));
  for (const auto& [figure, source] : ledger_sources()) {
    EXPECT_EQ(json.at("sources").at(figure), source);
  }
}

TEST(ResultsFile, SaysWhatIsWrongWithAFile) {
  const TemporaryFile file;
  EXPECT_THAT(file.complaint(), AllOf(HasSubstr("cannot read"), HasSubstr(file.path())));
  for (const char* const text :
       {"", "echomux", "[1, 2]", "{}", "null", R"({"schema_version": 2})",
        R"({"schema_version": 2, "started": 7})", "\xff\xfe", "{\"started\": \"\xff\"}"}) {
    file.fill(text);
    EXPECT_THAT(file.complaint(), AllOf(HasSubstr(file.path()), HasSubstr("not a results file")))
        << text;
  }
  for (const char* const version : {"1", "4", "\"2\"", "null", "2.5"}) {
    file.fill(std::string(R"({"schema_version": )") + version + "}");
    EXPECT_THAT(file.complaint(), HasSubstr(std::string("its schema_version is ") + version +
                                            ", this program reads 2 and 3"));
  }
}

TEST(ResultsFile, MissesEveryField) {
  const TemporaryFile file;
  const Json complete = Json::parse(results_json(sample_results()));
  const auto expect_missed = [&](const char* where, const std::string& unread = "") {
    Json whole = complete;
    for (const auto& [key, ignored] : find_place(whole, where)->items()) {
      if (key == unread || (key == "sources" && *where == '\0')) continue;
      Json without = complete;
      find_place(without, where)->erase(key);
      file.fill(without.dump());
      EXPECT_THAT(file.complaint(),
                  AllOf(HasSubstr("not a results file"), HasSubstr('"' + key + "\" is missing")))
          << where;
    }
  };
  expect_missed("", "summary");
  expect_missed("/plan");
  expect_missed("/plan/servers/0");
  expect_missed("/build");
  expect_missed("/machine");
  expect_missed("/trials/1");
  expect_missed("/trials/1/load");
  expect_missed("/trials/1/load/client");
  expect_missed("/trials/1/load/connections");
  expect_missed("/trials/1/load/drift");
  expect_missed("/trials/1/load/latency_us");
  expect_missed("/trials/1/cost");
  expect_missed("/trials/1/reasons/0");
  expect_missed("/system_calls/0");
}

TEST(ResultsFile, IsReadInTheVersionBefore) {
  const TemporaryFile file;
  const std::string written = results_json(sample_results());
  Json json = Json::parse(written);
  json["schema_version"] = 2;
  // What came later than the first files of that version is not missed.
  find_place(json, "/trials/1/load/client")->erase("steal_share_by_cpu");
  file.fill(json.dump());
  EXPECT_TRUE(results_json(read_results(file.path())) == written);
  find_place(json, "/trials/1/cost")->erase("page_faults_per_request");
  file.fill(json.dump());
  EXPECT_EQ(read_results(file.path()).trials[1].cost->page_faults_per_request, std::nullopt);
  find_place(json, "/trials/1/load/client")->erase("steal_share");
  file.fill(json.dump());
  EXPECT_THAT(file.complaint(), HasSubstr("\"steal_share\" is missing"));
}

TEST(ResultsFile, RejectsWordsThatItDoesNotKnow) {
  const TemporaryFile file;
  for (const char* const where : {"/trials/0/outcome", "/trials/0/verdict",
                                  "/trials/1/reasons/0/verdict", "/trials/0/load/end"}) {
    Json json = Json::parse(results_json(sample_results()));
    *find_place(json, where) = "magnificent";
    file.fill(json.dump());
    EXPECT_THAT(file.complaint(), AllOf(HasSubstr("not a results file"), HasSubstr("magnificent")));
  }
}

TEST(ResultsFile, SaysThatAFileIsCutOff) {
  const TemporaryFile file;
  const std::string text = results_json(sample_results());
  for (std::size_t length = 0; length + 2 < text.size(); length += text.size() / 23) {
    file.fill(std::string_view(text).substr(0, length));
    EXPECT_THAT(file.complaint(), HasSubstr("not a results file")) << length;
  }
}

TEST(ResultsFile, SurvivesHugeNesting) {
  const TemporaryFile file;
  constexpr std::size_t depth = 1'000'000;
  const std::string open(depth, '[');
  const std::string close(depth, ']');
  file.fill(open);
  EXPECT_THAT(file.complaint(), HasSubstr("not a results file"));
  file.fill(open + close);
  EXPECT_THAT(file.complaint(), HasSubstr("not a results file"));
  file.fill(R"({"schema_version": 2, "started": )" + open + close + "}");
  EXPECT_THAT(file.complaint(), HasSubstr("not a results file"));
}

TEST(ResultsFile, SurvivesHugeNestingOfItsVersion) {
  const TemporaryFile file;
  constexpr std::size_t depth = 1'000'000;
  file.fill(R"({"schema_version": )" + std::string(depth, '[') + std::string(depth, ']') + "}");
  EXPECT_THAT(file.complaint(), HasSubstr("not a results file"));
}

TEST(ResultsFile, RefusesAPlanBeyondAllMeasure) {
  const TemporaryFile file;
  Json json = Json::parse(results_json(sample_results()));
  json["plan"]["idle_connections"] = std::vector<std::size_t>(100'001, 1);
  file.fill(json.dump());
  EXPECT_THAT(file.complaint(), HasSubstr("its plan has more than 100000 cells"));
  json["plan"]["idle_connections"] = std::vector<std::size_t>(5'000, 1);
  json["plan"]["rates"] = std::vector<double>(50, 1);
  file.fill(json.dump());
  EXPECT_THAT(file.complaint(), HasSubstr("its plan has more than 100000 cells"));
}

TEST(ResultsFile, RefusesTimesThatNobodyMeasuresFor) {
  const TemporaryFile file;
  for (const char* const time : {"warmup_seconds", "duration_seconds", "timeout_seconds"}) {
    for (const double seconds : {-1.0, 1e7, 1e300}) {
      Json json = Json::parse(results_json(sample_results()));
      json["plan"][time] = seconds;
      file.fill(json.dump());
      EXPECT_THAT(file.complaint(), HasSubstr("is no time that is measured for"));
    }
  }
}

// A conversion of any of these would be undefined, or another number.
TEST(ResultsFile, RefusesWhatIsNoWholeNumber) {
  const TemporaryFile file;
  for (const char* const where :
       {"/plan/repetitions", "/plan/idle_connections/0", "/plan/message_bytes",
        "/trials/0/repetition", "/trials/1/cost/requests", "/trials/1/cost/cpus/0",
        "/trials/1/load/requests", "/trials/1/idle_connections", "/trials/1/cost/counters/waits"}) {
    for (const double number : {1e300, -5.5, 2.5, -1e9}) {
      Json json = Json::parse(results_json(sample_results()));
      *find_place(json, where) = number;
      file.fill(json.dump());
      EXPECT_THAT(file.complaint(), HasSubstr("is no whole number in its range")) << where;
    }
  }
}

TEST(ResultsFile, RefusesATooLargeFileWithoutReadingIt) {
  const TemporaryFile file;
  file.fill("{}");
  // All holes: it takes no room on the disk.
  std::filesystem::resize_file(file.path(), std::uintmax_t{65} * 1024 * 1024);
  EXPECT_THAT(file.complaint(), HasSubstr("it is too large"));
}

TEST(ResultsFile, KeepsOddStrings) {
  const TemporaryFile file;
  Results results = sample_results();
  const std::string odd = "<script>alert(1)</script> | \"quoted\" \\ \t\n\x01 µs";
  results.trials.at(0).outcome.sentence = odd;
  results.context.plan.servers.at(3).command = odd;
  results.context.command.push_back(odd);
  write_results(file.path(), results);
  const Results read = read_results(file.path());
  EXPECT_EQ(read.trials.at(0).outcome.sentence, odd);
  EXPECT_EQ(read.context.plan.servers.at(3).command, odd);
  EXPECT_EQ(read.context.command.back(), odd);
}

TEST(ResultsFile, ReplacesWhatIsNoUtf8) {
  const TemporaryFile file;
  Results results = sample_results();
  results.trials.at(0).outcome.sentence = "a\xff\xc3";
  results.context.command.emplace_back("\x80");
  write_results(file.path(), results);
  const Results read = read_results(file.path());
  EXPECT_EQ(read.trials.at(0).outcome.sentence, "a\uFFFD\uFFFD");
  EXPECT_EQ(read.context.command.back(), "\uFFFD");
  EXPECT_EQ(results_json(read), results_json(results));
}

TEST(ResultsFile, CreatesItsDirectoryAndReplacesAnOldFile) {
  const TemporaryFile file;
  const std::filesystem::path path = file.path().parent_path() / "a" / "b" / "results.json";
  write_results(path, sample_results());
  Results other = sample_results();
  other.trials.resize(1);
  write_results(path, other);
  EXPECT_EQ(read_results(path).trials.size(), 1U);
}

TEST(ResultsFile, SaysWhereItCannotWrite) {
  try {
    write_results("/proc/nowhere/results.json", sample_results());
    FAIL() << "wrote into /proc";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot write the results to /proc/nowhere"));
  }
}

}  // namespace
}  // namespace echomux
