#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/report.hpp"
#include "harness/results_file.hpp"
#include "harness/summary.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A file that is gone when the test is over.
class TemporaryFile {
 public:
  TemporaryFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "echomux-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFile() { std::filesystem::remove_all(directory_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

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
  std::filesystem::path directory_;
};

Trial measured_trial(const std::string& server, double cpu_us, std::uint64_t scanned) {
  Trial trial = clean_trial({server, 1000, 1000});
  trial.cost->cpu_us_per_request = cpu_us;
  trial.cost->busy_share = cpu_us / 1000;
  trial.cost->counters = {{"waits", 1000},
                          {"recv_calls", 1000},
                          {"send_calls", 1000},
                          {"descriptors_scanned", scanned}};
  return trial;
}

// A run with one trial of each kind, and with something in every field.
Results sample_results() {
  Results results;
  SweepPlan plan;
  plan.servers = {
      {.name = "poll", .backend = "poll", .options = {}, .command = {}},
      {.name = "epoll_lt", .backend = "epoll_lt", .options = {"--x", "1"}, .command = {}},
      {.name = "blocking", .backend = "blocking", .options = {}, .command = {}},
      {.name = "mine", .backend = {}, .options = {}, .command = "./mine 0"}};
  plan.idle_connections = {1000};
  plan.rates = {1000};
  plan.active_connections = 11;
  plan.message_bytes = 65;
  plan.warmup = std::chrono::nanoseconds(123'456'789);
  plan.duration = std::chrono::milliseconds(2500);
  plan.timeout = std::chrono::seconds(3);
  plan.seed = 0xffff'ffff'ffff'ffff;
  plan.pin = false;
  plan.count_system_calls = true;
  results.context = describe_run(plan, {"echomux", "bench", "--idle", "1000"});
  results.client_ceiling_rps = 123'456.75;
  results.trials.push_back(measured_trial("poll", 80, 1'012'000));
  results.trials.push_back(measured_trial("epoll_lt", 8, 1000));
  ServerCost& cost = *results.trials.back().cost;
  cost.user_us_per_request = 1.5;
  cost.system_us_per_request = 6.5;
  cost.voluntary_switches_per_request = 0.75;
  cost.involuntary_switches_per_request = 0.125;
  cost.run_queue_share = 0.0625;
  cost.resident_bytes_per_connection = 321;
  cost.kernel_bytes_per_connection = 4321;
  cost.steal_share = 0.03125;
  cost.threads = 3;
  cost.processes = 2;
  cost.cpus = {0, 5};
  cost.unavailable = {{"something", "it isn't there"}};
  results.trials.back().judgement.add(Verdict::suspect, "drift", "it rose");
  results.trials.back().judgement.add(Verdict::saturated, "saturated", "it was busy");

  Trial starved = clean_trial({"blocking", 1000, 1000});
  starved.outcome = TrialOutcome::starved;
  starved.note = "starved: 0 of 10 served";
  starved.load->end = SwarmEnd::starved;
  starved.load->requests = 0;
  starved.load->offered_rps.reset();
  starved.cost.reset();
  starved.judgement = judge(*starved.load);
  results.trials.push_back(starved);
  Trial failed;
  failed.cell = {"mine", 1000, 1000};
  failed.repetition = 2;
  failed.outcome = TrialOutcome::failed;
  failed.note = "it said: \"no\", and left";
  failed.judgement.add(Verdict::invalid, "failed", failed.note);
  results.trials.push_back(failed);
  results.system_calls = {{{"poll", 1000, 1000}, 3.25, {}},
                          {{"epoll_lt", 1000, 1000}, std::nullopt, "tracefs is not mounted"}};
  return results;
}

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
  EXPECT_EQ(plan.active_connections, 11U);
  EXPECT_EQ(plan.message_bytes, 65U);
  EXPECT_EQ(plan.warmup, written.context.plan.warmup);
  EXPECT_EQ(plan.duration, written.context.plan.duration);
  EXPECT_EQ(plan.timeout, written.context.plan.timeout);
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
  EXPECT_EQ(trial.cost->resident_bytes_per_connection, 321);
  EXPECT_EQ(trial.cost->kernel_bytes_per_connection, 4321);
  EXPECT_EQ(trial.cost->steal_share, 0.03125);
  EXPECT_EQ(trial.cost->threads, 3U);
  EXPECT_EQ(trial.cost->processes, 2U);
  EXPECT_THAT(trial.cost->cpus, ElementsAre(0, 5));
  EXPECT_EQ(trial.cost->counters, written.trials[1].cost->counters);
  EXPECT_EQ(trial.cost->unavailable, written.trials[1].cost->unavailable);
  EXPECT_EQ(read.trials[0].cost->user_us_per_request, std::nullopt);
  EXPECT_EQ(read.trials[2].outcome, TrialOutcome::starved);
  EXPECT_FALSE(read.trials[2].cost.has_value());
  EXPECT_FALSE(read.trials[3].load.has_value());
  EXPECT_EQ(read.trials[3].repetition, 2U);
  EXPECT_EQ(read.trials[3].note, written.trials[3].note);
  ASSERT_EQ(read.system_calls.size(), 2U);
  EXPECT_EQ(read.system_calls[0].cell, written.trials[0].cell);
  EXPECT_EQ(read.system_calls[0].per_request, 3.25);
  EXPECT_EQ(read.system_calls[1].per_request, std::nullopt);
  EXPECT_EQ(read.system_calls[1].unavailable, "tracefs is not mounted");
}

TEST(ResultsFile, TellsWhatASummaryIsMadeOf) {
  const Json json = Json::parse(results_json(sample_results()));
  EXPECT_EQ(json.at("schema_version"), 2);
  ASSERT_EQ(json.at("summary").size(), 4U);
  const Json& poll = json.at("summary").at(0);
  EXPECT_EQ(poll.at("server"), "poll");
  EXPECT_EQ(poll.at("system_calls_per_request"), 3.25);
  EXPECT_EQ(poll.at("metrics").at("server_cpu_us_per_request").at("median"), 80);
  EXPECT_TRUE(poll.at("metrics").at("server_cpu_us_per_request").at("low").is_null());
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
  for (const char* const version : {"1", "3", "\"2\"", "null", "2.5"}) {
    file.fill(std::string(R"({"schema_version": )") + version + "}");
    EXPECT_THAT(file.complaint(), HasSubstr(std::string("its schema_version is ") + version +
                                            ", this program reads 2"));
  }
}

TEST(ResultsFile, MissesEveryField) {
  const TemporaryFile file;
  const Json complete = Json::parse(results_json(sample_results()));
  const auto expect_missed = [&](const char* where, const std::string& unread = "") {
    const Json::json_pointer pointer(where);
    for (const auto& [key, ignored] : complete.at(pointer).items()) {
      if (key == unread || (key == "sources" && *where == '\0')) continue;
      Json without = complete;
      without.at(pointer).erase(key);
      file.fill(without.dump());
      EXPECT_THAT(file.complaint(),
                  AllOf(HasSubstr("not a results file"), HasSubstr("'" + key + "'")))
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
  // What came later than the first files of this version is not missed.
  expect_missed("/trials/1/load/client", "steal_share_by_cpu");
  expect_missed("/trials/1/load/connections");
  expect_missed("/trials/1/load/drift");
  expect_missed("/trials/1/load/latency_us");
  expect_missed("/trials/1/cost");
  expect_missed("/trials/1/reasons/0");
  expect_missed("/system_calls/0");
}

TEST(ResultsFile, RejectsWordsThatItDoesNotKnow) {
  const TemporaryFile file;
  for (const char* const where : {"/trials/0/outcome", "/trials/0/verdict",
                                  "/trials/1/reasons/0/verdict", "/trials/0/load/end"}) {
    Json json = Json::parse(results_json(sample_results()));
    json.at(Json::json_pointer(where)) = "magnificent";
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

TEST(ResultsFile, KeepsOddStrings) {
  const TemporaryFile file;
  Results results = sample_results();
  const std::string odd = "<script>alert(1)</script> | \"quoted\" \\ \t\n\x01 µs";
  results.trials.at(0).note = odd;
  results.context.plan.servers.at(3).command = odd;
  results.context.command.push_back(odd);
  write_results(file.path(), results);
  const Results read = read_results(file.path());
  EXPECT_EQ(read.trials.at(0).note, odd);
  EXPECT_EQ(read.context.plan.servers.at(3).command, odd);
  EXPECT_EQ(read.context.command.back(), odd);
}

TEST(ResultsFile, ReplacesWhatIsNoUtf8) {
  const TemporaryFile file;
  Results results = sample_results();
  results.trials.at(0).note = "a\xff\xc3";
  results.context.command.emplace_back("\x80");
  write_results(file.path(), results);
  const Results read = read_results(file.path());
  EXPECT_EQ(read.trials.at(0).note, "a\uFFFD\uFFFD");
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

// A text in one line, with single spaces.
std::string unwrapped(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

std::string text_report(const Results& results) {
  return unwrapped(report(results, ReportFormat::text));
}

// The line with a server's row of a table.
std::string row_of(const std::string& text, const std::string& server) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  " + server + " ") || line.starts_with("| " + server + " ")) {
      return unwrapped(line);
    }
  }
  return "no row of " + server;
}

TEST(Report, ExplainsTheDifferenceByTheRunsOwnFigures) {
  const std::string text = text_report(sample_results());
  EXPECT_THAT(text, HasSubstr("1000 idle connections, 1000 requests/s"));
  EXPECT_THAT(text, HasSubstr("poll had 1012 descriptors examined per request and used 80.0 µs"));
  EXPECT_THAT(text, HasSubstr("That is 10.0 times epoll_lt's CPU"));
  EXPECT_THAT(text, HasSubstr("starved: peers were connected but got no answer in time"));
}

TEST(Report, HasARowOfEachServer) {
  const std::string text = report(sample_results(), ReportFormat::text);
  // Calls are the kernel's count where there is one, else the server's own.
  EXPECT_EQ(row_of(text, "poll"), "poll 50.0 100 80.0 8 % 1000 1012 3.2");
  EXPECT_EQ(row_of(text, "epoll_lt"), "epoll_lt 50.0 100 8.0 1 % 1000 1.0 3.0 suspect: drift");
  EXPECT_EQ(row_of(text, "blocking"), "blocking - - - - - - - starved: 0 of 10 served");
  EXPECT_EQ(row_of(text, "mine"), "mine - - - - - - - it said: \"no\", and left, invalid: failed");
}

TEST(Report, SaysWhyACellIsNotToBeTrusted) {
  EXPECT_THAT(text_report(sample_results()),
              HasSubstr("suspect, drift: epoll_lt beside 1000 idle at 1000 requests/s (it rose)."));
}

TEST(Report, DescribesTheRun) {
  Results results = sample_results();
  results.context.machine.hypervisor.clear();
  EXPECT_THAT(text_report(results),
              HasSubstr("11 active connections exchange 65-byte messages for 2.5 s after 0.123457 "
                        "s of warm-up; not pinned"));
  EXPECT_THAT(text_report(results), Not(HasSubstr("virtual machine")));
  results.context.machine.hypervisor = "kvm";
  EXPECT_THAT(text_report(results), HasSubstr("This is a virtual machine"));
}

// A cell of as many trials, the last of which is an outlier.
Results repeated(std::size_t repetitions) {
  Results results;
  results.context.plan.servers = {
      {.name = "poll", .backend = "poll", .options = {}, .command = {}}};
  results.context.plan.idle_connections = {100};
  results.context.plan.rates = {1000};
  results.context.plan.repetitions = repetitions;
  for (std::size_t i = 1; i <= repetitions; ++i) {
    results.trials.push_back(clean_trial({"poll", 100, 1000}, i));
    results.trials.back().load->latency_us.p50 = i == 7 ? 500 : 50 + 0.5 * static_cast<double>(i);
  }
  return results;
}

TEST(Report, HasNoIntervalsBelowSixRepetitions) {
  EXPECT_THAT(text_report(repeated(1)), HasSubstr("One trial per cell: no interval below six"));
  EXPECT_THAT(text_report(repeated(5)),
              HasSubstr("The median of 5 trials per cell: no interval below six"));
  EXPECT_THAT(row_of(report(repeated(5), ReportFormat::text), "poll"),
              AllOf(HasSubstr("poll 51.5 100 "), Not(HasSubstr("["))));
}

TEST(Report, ShowsIntervalsAndOutliersFromSixRepetitionsOn) {
  EXPECT_THAT(text_report(repeated(6)), Not(HasSubstr("no interval")));
  EXPECT_THAT(row_of(report(repeated(6), ReportFormat::text), "poll"),
              HasSubstr("poll 51.8 [50.5, 53.0] 100 [100, 100] "));
  EXPECT_THAT(text_report(repeated(7)),
              HasSubstr("Medians of 7 trials in random order with 95 % intervals; a * for each"));
  EXPECT_THAT(row_of(report(repeated(7), ReportFormat::text), "poll"),
              HasSubstr("poll 52.0 [50.5, 500]* 100 [100, 100] "));
}

TEST(Report, SaysHowManyTrialsItsFiguresAreOf) {
  Results results = repeated(6);
  EXPECT_THAT(row_of(report(results, ReportFormat::text), "poll"), Not(HasSubstr("trials")));
  results.trials.at(0).judgement.add(Verdict::invalid, "client_overloaded", "busy");
  EXPECT_THAT(row_of(report(results, ReportFormat::text), "poll"), HasSubstr("5 of 6 trials"));
}

TEST(Report, MentionsEachStateThatItShows) {
  Results results = repeated(1);
  EXPECT_THAT(text_report(results), Not(HasSubstr("saturated")));
  results.trials.at(0).judgement.add(Verdict::saturated, "saturated", "busy");
  EXPECT_THAT(text_report(results),
              HasSubstr("saturated: the server's CPU was at least 95 % busy"));
  EXPECT_THAT(text_report(results), HasSubstr("Calls are the server's own count"));
  results.system_calls = {{{"poll", 100, 1000}, 3, {}}};
  EXPECT_THAT(text_report(results), HasSubstr("Calls are counted by the kernel"));
}

TEST(Report, EscapesWhatWouldBreakAMarkdownTable) {
  Results results = sample_results();
  results.trials.at(2).note = "a | b || <script>";
  const std::string row = row_of(report(results, ReportFormat::markdown), "blocking");
  EXPECT_THAT(row, HasSubstr("| a \\| b \\|\\| <script> |"));
  EXPECT_TRUE(row.starts_with("| blocking | - |")) << row;
  EXPECT_THAT(report(results, ReportFormat::markdown),
              HasSubstr("| server | p50 µs | p99 µs | CPU µs/req | CPU busy | req/s | scanned/req "
                        "| calls/req |  |\n| --- | ---: |"));
}

// The fields of each record of a CSV text.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> record{""};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        record.back() += text[i++];
      } else {
        quoted = !quoted;
      }
    } else if (text[i] == ',' && !quoted) {
      record.emplace_back();
    } else if (text[i] == '\n' && !quoted) {
      records.push_back(std::exchange(record, {""}));
    } else {
      record.back() += text[i];
    }
  }
  return records;
}

TEST(CsvReport, HasOneRowPerTrial) {
  Results results = sample_results();
  results.trials.at(0).cell.server = "a, \"b\"\nc";
  results.trials.at(1).note = "\"quoted\"";
  const auto records = parse_csv(report(results, ReportFormat::csv));
  ASSERT_EQ(records.size(), 1 + results.trials.size());
  for (const auto& record : records) EXPECT_EQ(record.size(), 8 + metrics().size());
  const std::vector<std::string>& header = records[0];
  const auto field = [&](std::size_t row, std::string_view name) {
    const auto column = std::ranges::find(header, name) - header.begin();
    return records.at(row).at(static_cast<std::size_t>(column));
  };
  EXPECT_EQ(field(1, "server"), "a, \"b\"\nc");
  EXPECT_EQ(field(1, "idle_connections"), "1000");
  EXPECT_EQ(field(1, "rate"), "1000");
  EXPECT_EQ(field(1, "latency_us_p50"), "50");
  EXPECT_EQ(field(1, "scanned_per_request"), "1012");
  EXPECT_EQ(field(1, "user_us_per_request"), "");
  EXPECT_EQ(field(2, "reasons"), "drift saturated");
  EXPECT_EQ(field(2, "verdict"), "suspect");
  EXPECT_EQ(field(2, "user_us_per_request"), "1.5");
  EXPECT_EQ(field(2, "note"), "\"quoted\"");
  EXPECT_EQ(field(3, "outcome"), "starved");
  EXPECT_EQ(field(3, "latency_us_p50"), "");
  EXPECT_EQ(field(4, "note"), "it said: \"no\", and left");
  EXPECT_EQ(field(4, "repetition"), "2");
}

TEST(CsvReport, KeepsEveryDigitOfARate) {
  Results results = repeated(1);
  results.trials.at(0).cell.rate = 1'234'567;
  EXPECT_EQ(parse_csv(report(results, ReportFormat::csv)).at(1).at(2), "1234567");
}

TEST(JsonReport, IsTheResultsFile) {
  const Results results = sample_results();
  EXPECT_EQ(report(results, ReportFormat::json), results_json(results));
}

TEST(Report, HasAFormatOfEachName) {
  EXPECT_EQ(report_format("text"), ReportFormat::text);
  EXPECT_EQ(report_format("markdown"), ReportFormat::markdown);
  EXPECT_EQ(report_format("csv"), ReportFormat::csv);
  EXPECT_EQ(report_format("json"), ReportFormat::json);
}

TEST(RateInWords, KnowsTheClosedLoop) {
  EXPECT_EQ(rate_in_words(2500), "2500 requests/s");
  EXPECT_EQ(rate_in_words(0.5), "0.5 requests/s");
  EXPECT_EQ(rate_in_words(1'234'567), "1234567 requests/s");
  EXPECT_EQ(rate_in_words(0), "full speed (closed loop)");
}

TEST(CostLedger, NamesMissingFiguresWithTheirReasons) {
  Results results = sample_results();
  results.trials.at(0).cost->unavailable = {{"user_us_per_request", "there were few ticks"},
                                            {"system_us_per_request", "there were few ticks"},
                                            {"run_queue_share", "threads ended"}};
  const std::string text = unwrapped(cost_ledger(results));
  EXPECT_THAT(text, HasSubstr("- unavailable: system_us_per_request, user_us_per_request, because "
                              "there were few ticks - "));
  EXPECT_THAT(text, HasSubstr("- unavailable: run_queue_share, because threads ended - "));
  EXPECT_THAT(text, HasSubstr("unavailable: something, because it isn't there"));
  EXPECT_THAT(text, HasSubstr("unavailable: calls/req (kernel), because tracefs is not mounted"));
  for (const auto& [figure, source] : ledger_sources()) {
    EXPECT_THAT(text, HasSubstr(unwrapped(figure + ": " + source)));
  }
}

TEST(CostLedger, HasARowOfEachCellWithFigures) {
  const std::string text = cost_ledger(sample_results());
  EXPECT_EQ(row_of(text, "poll"), "poll 1000 1000 80 - - 0.08 - - 3 - - 1 0 3.2");
  EXPECT_EQ(row_of(text, "epoll_lt"),
            "epoll_lt 1000 1000 8 1.5 6.5 0.008 0.75 0.125 3 321 4321 3 0 -");
  EXPECT_EQ(row_of(text, "blocking"), "no row of blocking");
}

TEST(OneLine, SaysHowATrialWent) {
  Trial trial = clean_trial();
  EXPECT_EQ(one_line(trial), "p50 50.0 µs, p99 100 µs, 8.0 µs of CPU per request");
  trial.judgement.add(Verdict::suspect, "drift", "it rose");
  trial.note = "a note";
  EXPECT_EQ(one_line(trial),
            "p50 50.0 µs, p99 100 µs, 8.0 µs of CPU per request, suspect (drift), a note");
  trial.judgement = {};
  trial.judgement.add(Verdict::saturated, "saturated", "it was busy");
  EXPECT_EQ(one_line(trial),
            "p50 50.0 µs, p99 100 µs, 8.0 µs of CPU per request, saturated, a note");
  trial.cost.reset();
  EXPECT_EQ(one_line(trial), "a note");
}

}  // namespace
}  // namespace echomux
