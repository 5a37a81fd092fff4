#include "harness/results/results_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/text/json.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/json_place.hpp"
#include "tests/support/sample_results.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A file that is gone when the test is over.
class TemporaryFile {
 public:
  [[nodiscard]] std::filesystem::path path() const { return directory_ / "results.json"; }
  void fill(std::string_view text) const { std::ofstream(path()) << text; }

  // Why the file isn't read.
  [[nodiscard]] std::string complaint() const {
    return echomux::complaint([this] { return read_results(path()); });
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
  const Results written = sample_results();
  Json json = Json::parse(results_json(written));
  EXPECT_EQ(json.at("started"), written.context.started);
  EXPECT_EQ(json.at("command"), Json(written.context.command));
  EXPECT_EQ(build_from(json.at("build")), written.context.build);
  EXPECT_EQ(machine_from(json.at("machine")), written.context.machine);
  EXPECT_EQ(json.at("cpu_plan"), written.context.cpu_plan);
  EXPECT_EQ(json.at("client_ceiling_rps"), 123'456.75);
  EXPECT_EQ(json.at("plan"), Json::parse(R"({
    "servers": [
      {"name": "poll", "backend": "poll", "options": [], "command": ""},
      {"name": "epoll_lt", "backend": "epoll_lt", "options": ["--x", "1"], "command": ""},
      {"name": "blocking", "backend": "blocking", "options": [], "command": ""},
      {"name": "mine", "backend": "", "options": [], "command": "./mine 0"}],
    "idle_connections": [1000], "rates": [1000], "active_connections": 11,
    "arrivals": "uniform", "message_bytes": 65, "payload": "text", "pipeline": 1, "reconnect": false,
    "threads": 1, "connect_rate": 0, "source_ips": [],
    "duration_seconds": 2.5, "warmup_seconds": 0.123456789, "timeout_seconds": 3,
    "repetitions": 1, "slice_seconds": 0, "descriptors": 77, "start_timeout_seconds": 10,
    "seed": 18446744073709551615, "pin": false, "server_cpus": [1, 3], "keep_awake": true, "count_system_calls": true})"));
  Json& trial = json.at("trials").at(1);
  EXPECT_EQ(trial.at("load"), to_json(*written.trials[1].load));
  trial.erase("load");
  EXPECT_EQ(trial, Json::parse(R"({
    "server": "epoll_lt", "idle_connections": 1000, "rate": 1000, "repetition": 1,
    "active_connections": 10, "outcome": "measured", "note": "", "verdict": "suspect",
    "reasons": [{"verdict": "suspect", "code": "drift", "sentence": "it rose"},
                {"verdict": "saturated", "code": "saturated", "sentence": "it was busy"}],
    "cost": {"requests": 1000, "cpu_us_per_request": 8, "cpu_ratio_to_floor": null,
             "cpu_ratio_to_empty_floor": null, "slice_cpu_us_per_request": [], "busy_share": 0.008,
             "user_us_per_request": 1.5, "system_us_per_request": 6.5,
             "voluntary_switches_per_request": 0.75, "involuntary_switches_per_request": 0.125,
             "run_queue_share": 0.0625, "page_faults_per_request": 0.375,
             "resident_bytes_per_connection": 321, "kernel_bytes_per_connection": 4321,
             "steal_share": 0.03125, "threads": 3, "processes": 2, "cpus": [0, 5],
             "counters": {"descriptors_scanned": 1000, "recv_calls": 1000, "send_calls": 1000,
                          "waits": 1000},
             "worker_imbalance": 1.25,
             "workers": [{"connections": 7, "requests_share": 0.625, "cpu_us_per_request": 5,
                          "switches_per_request": 0.5, "busy_share": 0.25}],
             "unavailable": {"something": "it isn't there"}}, "parts": []})"));
  EXPECT_TRUE(json.at("trials").at(0).at("cost").at("user_us_per_request").is_null());
  EXPECT_EQ(json.at("trials").at(2).at("outcome"), "starved");
  EXPECT_TRUE(json.at("trials").at(2).at("cost").is_null());
  EXPECT_EQ(json.at("trials").at(3), Json::parse(R"({
    "server": "mine", "idle_connections": 1000, "rate": 1000, "repetition": 2,
    "active_connections": 0, "outcome": "failed", "note": "it said: \"no\", and left",
    "verdict": "invalid", "reasons": [{"verdict": "invalid", "code": "failed",
                                       "sentence": "it said: \"no\", and left"}],
    "load": null, "cost": null, "parts": []})"));
  EXPECT_EQ(json.at("system_calls"), Json::parse(R"([
    {"server": "poll", "idle_connections": 1000, "rate": 1000, "per_request": 3.25,
     "unavailable": ""},
    {"server": "epoll_lt", "idle_connections": 1000, "rate": 1000, "per_request": null,
     "unavailable": "tracefs is not mounted"}])"));
}

TEST(ResultsFile, TellsWhatASummaryIsMadeOf) {
  const Json json = Json::parse(results_json(sample_results()));
  EXPECT_EQ(json.at("schema_version"), 8);
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
  for (const char* const version : {"1", "9", "\"2\"", "null", "2.5"}) {
    file.fill(std::string(R"({"schema_version": )") + version + "}");
    EXPECT_THAT(file.complaint(), HasSubstr(std::string("its schema_version is ") + version +
                                            ", this program reads 2 to 8"));
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
  expect_missed("/machine/limits");
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
  // Nor what version 8 tells of the code, and of cells.
  json = Json::parse(written);
  json["schema_version"] = 7;
  find_place(json, "/build")->erase("code_digest");
  json.erase("histograms");
  file.fill(json.dump());
  EXPECT_EQ(read_results(file.path()).context.build.code_digest, "");
  EXPECT_EQ(build_from(json.at("build")).git_commit, sample_results().context.build.git_commit);
  // Nor what version 7 tells of several clients.
  json = Json::parse(written);
  json["schema_version"] = 6;
  find_place(json, "/trials/1")->erase("parts");
  find_place(json, "/trials/1/load")->erase("window_skew_ms");
  find_place(json, "/trials/1/load/client")->erase("taken_ms");
  find_place(json, "/trials/1/load/connections")->erase("probe_unanswered");
  file.fill(json.dump());
  EXPECT_TRUE(read_results(file.path()).trials[1].parts.empty());
  // Nor what version 6 tells of workers.
  json = Json::parse(written);
  json["schema_version"] = 5;
  find_place(json, "/plan")->erase("server_cpus");
  for (const char* const name : {"workers", "worker_imbalance"}) {
    find_place(json, "/trials/1/cost")->erase(name);
  }
  file.fill(json.dump());
  EXPECT_TRUE(read_results(file.path()).trials[1].cost->workers.empty());
  // Nor what version 5 tells of the machine.
  json = Json::parse(written);
  json["schema_version"] = 4;
  for (const char* const name : {"system_root", "memory_usable_bytes"}) {
    find_place(json, "/machine")->erase(name);
  }
  file.fill(json.dump());
  EXPECT_EQ(read_results(file.path()).context.machine.memory_usable_bytes, std::nullopt);
  // Nor what version 4 has that version 3 hadn't: then all messages were binary.
  json = Json::parse(written);
  json["schema_version"] = 3;
  for (const char* const name : {"payload", "descriptors", "start_timeout_seconds"}) {
    find_place(json, "/plan")->erase(name);
  }
  find_place(json, "/machine")->erase("cpu_quota");
  file.fill(json.dump());
  EXPECT_EQ(read_results(file.path()).context.plan.load.payload, Payload::binary);
  find_place(json, "/trials/1/load/client")->erase("steal_share");
  file.fill(json.dump());
  EXPECT_THAT(file.complaint(), HasSubstr("\"steal_share"));
}

TEST(ResultsFile, RejectsValuesThatCannotBe) {
  struct Case {
    std::vector<const char*> places;
    Json values;
    const char* complaint;
  };
  const std::vector<Case> cases{
      {{"/trials/0/outcome", "/trials/0/verdict", "/trials/1/reasons/0/verdict",
        "/trials/0/load/end"},
       Json::array({"magnificent"}),
       "magnificent"},
      {{"/machine/kernel"}, Json::array({6}), "a number stands where a string should"},
      {{"/plan/warmup_seconds", "/plan/duration_seconds", "/plan/timeout_seconds"},
       Json::array({-1.0, 1e7, 1e300}),
       "is no time that is measured for"},
      // A conversion of any of these would be undefined, or another number.
      {{"/plan/repetitions", "/plan/idle_connections/0", "/trials/0/repetition",
        "/trials/1/cost/requests", "/trials/1/cost/cpus/0", "/trials/1/load/requests",
        "/trials/1/idle_connections", "/trials/1/cost/counters/waits"},
       Json::array({1e300, -5.5, 2.5, -1e9}),
       "is no whole number in its range"}};
  const TemporaryFile file;
  const Json complete = Json::parse(results_json(sample_results()));
  for (const Case& one : cases) {
    for (const char* const place : one.places) {
      for (const Json& value : one.values) {
        Json json = complete;
        *find_place(json, place) = value;
        file.fill(json.dump());
        EXPECT_THAT(file.complaint(),
                    AllOf(HasSubstr("not a results file"), HasSubstr(one.complaint)))
            << place;
      }
    }
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
  const std::string both = open + std::string(depth, ']');
  for (const std::string& text : {open, both, R"({"schema_version": )" + both + "}",
                                  R"({"schema_version": 2, "started": )" + both + "}"}) {
    file.fill(text);
    EXPECT_THAT(file.complaint(), HasSubstr("not a results file"));
  }
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
  EXPECT_THAT(complaint([] { write_results("/proc/nowhere/results.json", sample_results()); }),
              HasSubstr("cannot write the results to /proc/nowhere"));
}

}  // namespace
}  // namespace echomux
