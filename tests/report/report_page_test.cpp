#include "report/report_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/load/hdr_format.hpp"
#include "harness/text/json.hpp"
#include "report/spectrum.hpp"
#include "tests/support/sample_figures.hpp"
#include "tests/support/sample_results.hpp"

namespace echomux {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

LatencyHistogram recorded(std::initializer_list<int> latencies_us) {
  LatencyHistogram histogram;
  for (const int latency : latencies_us) histogram.record(microseconds(latency));
  return histogram;
}

// One server beside no and 100 idle connections, two trials of each.
Results page_results(const std::string& server = "poll") {
  Results results;
  results.context.started = "2026-01-02T03:04:05Z";
  results.context.command = {"echomux", "bench"};
  results.context.cpu_plan = "pinned";
  for (const std::size_t idle : {0U, 100U}) {
    add_cell(results, server, idle, 2, [](Trial& trial) {
      trial.cost->cpu_us_per_request = static_cast<double>(10 * trial.repetition);
      trial.load->histogram_v2 =
          to_hdr_v2(recorded({50, 60, 70, static_cast<int>(200 * trial.repetition)}));
      trial.load->histogram_uncorrected_v2 = to_hdr_v2(recorded({40}));
    });
  }
  return results;
}

Json first_cell(const Json& data) {
  return data.at("runs").at(0).at("cells").at(0);
}

TEST(Spectrum, EndsWhereTheValuesEnd) {
  EXPECT_THAT(spectrum(LatencyHistogram()), IsEmpty());
  EXPECT_THAT(spectrum(recorded({7})), ElementsAre(Pair(1, ::testing::DoubleNear(7, 0.01))));
  LatencyHistogram thousand;
  for (int i = 1; i <= 1000; ++i) thousand.record(microseconds(i));
  const auto points = spectrum(thousand);
  EXPECT_EQ(points.front().first, 0);
  EXPECT_NEAR(points.front().second, 1, 0.01);
  EXPECT_EQ(points.back().first, 1);
  EXPECT_NEAR(points.back().second, 1000, 1);
  // The last but one is not beyond the slowest but one of a thousand.
  EXPECT_LT(points.at(points.size() - 2).first, 0.999);
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_LT(points[i - 1].first, points[i].first);
    EXPECT_LE(points[i - 1].second, points[i].second);
    EXPECT_NEAR(points[i].second, 1000 * points[i].first, 2);
  }
}

TEST(ReportData, HasEveryCellWithItsFigures) {
  const Json data = report_data({{"a.json", page_results()}});
  EXPECT_THAT(data.at("runs"), SizeIs(1));
  EXPECT_THAT(data.at("runs").at(0).at("cells"), SizeIs(2));
  const Json cell = first_cell(data);
  EXPECT_EQ(cell.at("server"), "poll");
  EXPECT_EQ(cell.at("idle_connections"), 0);
  const Json metric = cell.at("metrics").at("cpu_us_per_request");
  EXPECT_EQ(metric.at("median"), 15);
  EXPECT_TRUE(metric.at("low").is_null()) << "two trials bear no interval";
  EXPECT_EQ(metric.at("values"), Json::array({10.0, 20.0}));
  EXPECT_THAT(data.at("answer"), SizeIs(2));
  EXPECT_EQ(data.at("metrics").at(0).at("name"), "cpu_us_per_request");
  EXPECT_THAT(data.at("comparisons"), IsEmpty());
  EXPECT_EQ(data.at("servers").at(0).at("name"), "poll");
}

TEST(ReportData, AddsUpTheTrialsHistograms) {
  const Json cell = first_cell(report_data({{"a.json", page_results()}}));
  EXPECT_NEAR((cell.at("spectrum").end() - 1)->at(1).get<double>(), 400, 1);
  EXPECT_NEAR(cell.at("spectrum").at(0).at(1).get<double>(), 50, 0.1);
  EXPECT_NEAR((cell.at("spectrum_uncorrected").end() - 1)->at(1).get<double>(), 40, 0.1);
}

TEST(ReportData, GoesWithoutAHistogramThatCannotBeRead) {
  Results results = page_results();
  results.trials.front().load->histogram_v2 = "nonsense";
  const Json cell = first_cell(report_data({{"a.json", results}}));
  EXPECT_TRUE(cell.at("spectrum").is_null());
  EXPECT_FALSE(cell.at("spectrum_uncorrected").is_null());
}

TEST(ReportData, PrefersTheKernelsCountOfSystemCalls) {
  Results results = page_results();
  for (Trial& trial : results.trials) {
    trial.cost->counters = {{"recv_calls", 2000}, {"send_calls", 1000}, {"waits", 1000}};
  }
  const auto calls = [&] {
    return first_cell(report_data({{"a.json", results}}))
        .at("metrics")
        .at("system_calls_per_request")
        .at("median")
        .get<double>();
  };
  EXPECT_EQ(calls(), 4);
  results.system_calls = {{{"poll", 0, 1000}, 3.5, ""}};
  EXPECT_EQ(calls(), 3.5);
}

TEST(ReportData, SaysWhatIsMissingAndWhy) {
  Results results = page_results();
  results.trials.front().cost->unavailable = {{"user_us_per_request", "too few ticks"}};
  results.system_calls = {{{"poll", 0, 1000}, std::nullopt, "not permitted"}};
  const Json missing = report_data({{"a.json", results}}).at("runs").at(0).at("missing");
  ASSERT_THAT(missing, SizeIs(2));
  EXPECT_EQ(missing.at(0).at("reason"), "not permitted");
  EXPECT_EQ(missing.at(1).at("figures"), Json::array({"user_us_per_request"}));
}

TEST(ReportData, ComparesTheFirstRunWithEachOther) {
  Results other = page_results();
  other.context.machine.kernel = "Linux 7";
  const Json data =
      report_data({{"a.json", page_results()}, {"b.json", other}, {"c.json", page_results()}});
  ASSERT_THAT(data.at("comparisons"), SizeIs(2));
  EXPECT_EQ(data.at("comparisons").at(0).at("b"), "b.json");
  EXPECT_THAT(data.at("comparisons").at(0).at("differences").dump(), HasSubstr("Linux 7"));
  EXPECT_THAT(data.at("comparisons").at(1).at("differences"), IsEmpty());
  EXPECT_THAT(data.at("answer").at(2).get<std::string>(), HasSubstr("b.json: "));
}

TEST(ReportData, BearsARunOfWhichNothingWasMeasured) {
  Results results = page_results();
  results.trials.clear();
  const Json data = report_data({{"a.json", results}});
  EXPECT_THAT(data.at("runs").at(0).at("cells"), IsEmpty());
  EXPECT_THAT(data.at("metrics"), IsEmpty());
  EXPECT_THAT(data.at("answer"), SizeIs(1));
}

TEST(ReportData, HasClaimsAndFiguresWithoutTheirEvidence) {
  const Json claims = Json::parse(R"({"started": "s", "build": {}, "machine": {}, "claims": [
      {"id": "a", "sentence": "b", "verdict": "holds", "because": "c", "evidence": [1]}]})");
  const Json figures = Json::array({to_json(sample_context(), Json::array({Json(1)}))});
  const Json data = report_data({{"a.json", page_results()}}, {claims, figures});
  EXPECT_EQ(data.at("claims").at("claims").at(0),
            Json::parse(R"({"id": "a", "sentence": "b", "verdict": "holds", "because": "c"})"));
  EXPECT_EQ(data.at("figures"), figures);
  EXPECT_TRUE(report_data({{"a.json", page_results()}}).at("claims").is_null());
}

// The text between the data element's tags.
std::string data_in(const std::string& page) {
  const std::size_t begin = page.find('>', page.find("id=\"data\"")) + 1;
  return page.substr(begin, page.find("</script>", begin) - begin);
}

TEST(ReportPage, HoldsTheDataWhole) {
  const std::vector<LabelledResults> runs{{"a.json", page_results()}};
  EXPECT_EQ(Json::parse(data_in(report_page(runs))), report_data(runs));
}

TEST(ReportPage, ShowsHostileTextAsText) {
  const std::string hostile = "</script><script>alert(1)</script><!-- @STYLE@ @SCRIPT@ & \xff";
  const std::vector<LabelledResults> runs{{hostile, page_results(hostile)}};
  const std::string page = report_page(runs);
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(page, Not(HasSubstr("<!-- @")));
  const Json data = Json::parse(data_in(page));
  EXPECT_THAT(first_cell(data).at("server").get<std::string>(),
              HasSubstr("</script><script>alert(1)</script><!-- @STYLE@ @SCRIPT@ & "));
}

TEST(ReportPage, LeavesNoPlaceholder) {
  const std::string page = report_page({{"a.json", page_results()}});
  for (const char* const placeholder : {"@STYLE@", "@D3@", "@DATA@", "@SCRIPT@"}) {
    EXPECT_THAT(page, Not(HasSubstr(placeholder)));
  }
  EXPECT_THAT(page, HasSubstr("d3js.org v5"));
}

}  // namespace
}  // namespace echomux
