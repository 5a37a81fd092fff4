#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "harness/load/hdr_format.hpp"
#include "harness/results/cell_histograms.hpp"
#include "harness/results/trial_rows.hpp"
#include "tests/support/complaint.hpp"
#include "tests/support/sample_results.hpp"

namespace echomux {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The same but for the order of members.
bool alike(const Json& one, const Json& other) {
  if (one.is_object() && other.is_object()) {
    return one.size() == other.size() && std::ranges::all_of(one.items(), [&](const auto& member) {
             const Json* const found = other.find(member.first);
             return found != nullptr && alike(member.second, *found);
           });
  }
  return one.is_array() && other.is_array() ? std::ranges::equal(one, other, alike) : one == other;
}

TEST(TrialRows, AreTheSameObjectsAgain) {
  const char* const lists[] = {
      "[]",
      R"([{"a": 1}])",
      R"([{"a": 1, "b": {"c": 2, "d": {"e": "x"}}}, {"a": 1, "b": null}])",
      R"([{"a": null}, {"a": 3}, {}])",
      R"([{"a": true, "b": "x"}, {"a": false, "b": 4}])",
      R"([{"a": {}, "b": [1, {"c": 2}]}, {"a": {"x": 1.5}, "b": []}, {"a": {"x.y": 1, "": 2}}])"};
  for (const char* const text : lists) {
    const Json list = Json::parse(text);
    EXPECT_TRUE(alike(objects_of(rows_of(list)), list)) << rows_of(list);
    EXPECT_TRUE(alike(objects_of(Json::parse(in_lines(rows_of(list)))), list)) << text;
  }
  EXPECT_EQ(rows_of(Json::parse(lists[2])), Json::parse(R"({
    "same": {"a": 1}, "columns": ["b.c", "b.d.e", "b"], "words": {"b.d.e": ["x"]},
    "rows": [[2, 0, false], [false, false, null]]})"));
}

TEST(TrialRows, SayWhatIsWrong) {
  const auto about = [](const std::string& columns, const std::string& rows,
                        const std::string& word = "x") {
    return complaint<JsonError>([&] {
      return objects_of(Json::parse(R"({"same": {}, "columns": )" + columns +
                                    R"(, "words": {"b": [")" + word + R"("]}, "rows": )" + rows +
                                    "}"));
    });
  };
  EXPECT_EQ(about(R"(["a"])", "[[1], [2]]"), "");
  EXPECT_EQ(about(R"(["a"])", "[[1], [2, 3]]"), "a row has 2 values for 1 columns");
  EXPECT_NE(about(R"(["b"])", "[[0], [1]]"), "");
  EXPECT_NE(about(R"(["b"])", R"([["x"]])"), "");
  EXPECT_NE(about(R"(["b", "b.c"])", "[[0, 1]]"), "");
  EXPECT_NE(about("[4]", "[[1]]"), "");
  EXPECT_EQ(about("[\"a" + std::string(1'000'000, '.') + "\"]", "[[1]]"),
            "the name of a column has too many parts");
  // A small file that would fill the memory.
  std::string many = "[0]";
  for (int i = 0; i < 70; ++i) many += ",[0]";
  EXPECT_EQ(about(R"(["b"])", "[" + many + "]", std::string(1'000'000, 'x')),
            "its rows are too large");
}

// Four trials of one cell with a latency of their own each, the last of which doesn't count.
Results one_cell() {
  Results results;
  add_cell(results, "poll", 0, 4, [](Trial& trial) {
    LatencyHistogram latency;
    latency.record(microseconds(trial.repetition));
    trial.load->histogram_v2 = trial.load->histogram_uncorrected_v2 = to_hdr_v2(latency);
    trial.cost->cpu_us_per_request = 1.0 / static_cast<double>(trial.repetition);
    trial.cost->slice_cpu_us_per_request = {1, 2};
    if (trial.repetition == 4) trial.judgement.add(Verdict::invalid, "odd", "it was odd");
  });
  return results;
}

std::uint64_t latencies_in(const Results& results) {
  const auto sum = latencies_of(results.trials.front().cell, results).from_due;
  return sum ? sum->count() : 0;
}

TEST(CellHistograms, AreTheSumOfTheTrialsThatCount) {
  Results results = one_cell();
  EXPECT_EQ(latencies_in(results), 3U);
  add_histograms(results);
  ASSERT_EQ(results.histograms.size(), 1U);
  EXPECT_THAT(results.histograms[0].repetitions, ElementsAre(1, 2, 3));
  EXPECT_EQ(from_hdr_v2(results.histograms[0].histogram_v2).count(), 3U);
  EXPECT_EQ(from_hdr_v2(results.histograms[0].histogram_v2).percentile(0), microseconds(1));
  for (const Trial& trial : results.trials) EXPECT_EQ(trial.load->histogram_v2, "");
  const std::string before = results_json(results);
  add_histograms(results);
  EXPECT_EQ(results_json(results), before);
  // A run that goes on has one more.
  results.trials.push_back(one_cell().trials.front());
  results.trials.back().repetition = 5;
  EXPECT_EQ(latencies_in(results), 4U);
  add_histograms(results);
  EXPECT_THAT(results.histograms[0].repetitions, ElementsAre(1, 2, 3, 5));
  // One that is measured anew makes the sum another.
  results.trials.front() = one_cell().trials.front();
  EXPECT_EQ(latencies_in(results), 0U);
}

TEST(CellHistograms, OfASingleTrialAreItsOwn) {
  Results results = one_cell();
  results.trials.resize(1);
  const std::string before = results_json(results);
  add_histograms(results);
  EXPECT_EQ(results_json(results), before);
}

TEST(CompactResults, SayTheSameInAFractionOfTheRoom) {
  for (Results results : {sample_results(), one_cell()}) {
    const std::string compact = compact_results_json(results);
    std::istringstream text(compact);
    const Results read = parse_results(text);
    EXPECT_LT(2 * compact.size(), results_json(results).size());
    add_histograms(results);
    for (Trial& trial : results.trials) {
      if (trial.cost) trial.cost->slice_cpu_us_per_request.clear();
    }
    Json json = Json::parse(results_json(results));
    Json again = Json::parse(results_json(read));
    // A third has six digits.
    if (results.trials[2].cost) {
      EXPECT_EQ(read.trials.at(2).cost->cpu_us_per_request, 0.333333);
      again["trials"].at(2).at("cost")["cpu_us_per_request"] = 1.0 / 3;
    }
    for (Json* const side : {&json, &again}) side->erase("summary");
    EXPECT_TRUE(alike(again, json)) << again << "\n" << json;
    EXPECT_EQ(compact_results_json(read), compact);
  }
}

}  // namespace
}  // namespace echomux
