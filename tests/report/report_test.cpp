#include "report/report.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "harness/bench/summary.hpp"
#include "harness/text/text_width.hpp"
#include "report/cost_chart.hpp"
#include "tests/support/sample_results.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST(Report, FitsTheTerminal) {
  for (const std::size_t width : {60U, 80U, 120U}) {
    std::istringstream lines(report(sample_results(), ReportFormat::text, width));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
  const std::string narrow = report(sample_results(), ReportFormat::text, 60);
  EXPECT_THAT(narrow, AllOf(HasSubstr("CPU µs/req"), Not(HasSubstr("scanned/req"))));
  EXPECT_THAT(report(sample_results(), ReportFormat::text, 300), HasSubstr("scanned/req"));
}

TEST(Report, ShowsNoTailThatIsTheMachines) {
  Results results = sample_results();
  for (Trial& trial : results.trials) {
    trial.judgement.add(Verdict::suspect, "tail_not_the_servers", "the machine's");
  }
  EXPECT_THAT(report(results, ReportFormat::text), HasSubstr("machine's"));
  EXPECT_THAT(report(results, ReportFormat::csv), Not(HasSubstr("machine's")));
}

TEST(CostChart, HasABarForEachServer) {
  const std::string chart = cost_chart(sample_results(), 60);
  EXPECT_THAT(chart, AllOf(HasSubstr("CPU µs per request beside 1,000 idle connections"),
                           HasSubstr("poll"), HasSubstr("epoll_lt"), HasSubstr("█")));
  std::istringstream lines(chart);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 60U) << line;
  Results alone = sample_results();
  alone.trials.resize(1);
  EXPECT_EQ(cost_chart(alone, 60), "");
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
  add_cell(results, "poll", 100, repetitions, [](Trial& trial) {
    const auto i = static_cast<double>(trial.repetition);
    trial.load->latency_us.p50 = i == 7 ? 500 : 50 + 0.5 * i;
  });
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
              HasSubstr("saturated: the server's CPU, or one of its workers"));
  EXPECT_THAT(text_report(results), HasSubstr("Calls are the server's own count"));
  results.system_calls = {{{"poll", 100, 1000}, 3, {}}};
  EXPECT_THAT(text_report(results), HasSubstr("Calls are counted by the kernel"));
}

TEST(Report, EscapesWhatWouldBreakAMarkdownTable) {
  Results results = sample_results();
  results.trials.at(2).outcome.sentence = "a | b || <script>";
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
  results.trials.at(1).outcome.sentence = "\"quoted\"";
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
    EXPECT_THAT(text, HasSubstr(unwrapped(fmt::format("{}: {}", figure, source))));
  }
}

TEST(CostLedger, HasARowOfEachCellWithFigures) {
  const std::string text = cost_ledger(sample_results());
  EXPECT_EQ(row_of(text, "poll"), "poll 1000 1000 80 - - 0.08 - - 3 - - - 1 0 - 3.2");
  EXPECT_EQ(row_of(text, "epoll_lt"),
            "epoll_lt 1000 1000 8 1.5 6.5 0.008 0.75 0.125 3 321 4321 0.375 3 0 1.25 -");
  EXPECT_EQ(row_of(text, "blocking"), "no row of blocking");
}

TEST(OneLine, SaysHowATrialWent) {
  Trial trial = clean_trial();
  EXPECT_EQ(one_line(trial), "p50 50.0 µs, p99 100 µs, 8.0 µs of CPU per request");
  trial.judgement.add(Verdict::suspect, "drift", "it rose");
  trial.outcome.sentence = "a note";
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
