// A field that nobody has heard of is found wherever a struct is written or shown, by its one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/results/compare.hpp"
#include "harness/text/field_json.hpp"
#include "report/report.hpp"
#include "report/report_page.hpp"
#include "tests/support/sample_results.hpp"

namespace echomux {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

enum class Mood : std::uint8_t { calm, cross };
std::string_view to_string(Mood mood) {
  return mood == Mood::calm ? "calm" : mood == Mood::cross ? "cross" : "";
}

// Has a field of each kind.
struct MadeUp {
  Cell cell;
  double wobble_mm = 0;
  std::optional<std::uint64_t> hops;
  std::vector<Cell> others;
  double late = 1;
  Mood mood = Mood::calm;

  [[nodiscard]] double wobble_m() const { return wobble_mm / 1000; }
};

template <typename Visit>
void for_each_field(Of<MadeUp>, Visit visit) {
  visit({}, &MadeUp::cell);
  visit({"inner.wobble_mm", "How far it swings."}, &MadeUp::wobble_mm);
  visit({"inner.hops"}, &MadeUp::hops);
  visit({"mood"}, &MadeUp::mood);
  visit({"others"}, &MadeUp::others);
  visit({.name = "late", .since = 3}, &MadeUp::late);
  visit({"wobble_m"}, &MadeUp::wobble_m);
  visit({.name = "secret", .written = false}, &MadeUp::late);
}

MadeUp sample() {
  return {{"poll", 7, 1.5}, 2500, 3, {{"select", 8, 0}}, 0.5, Mood::cross};
}

TEST(MadeUpField, IsInJson) {
  const Json json = json_of(sample());
  EXPECT_EQ(json, Json::parse(R"({"server": "poll", "idle_connections": 7, "rate": 1.5,
      "inner": {"wobble_mm": 2500, "hops": 3}, "mood": "cross",
      "others": [{"server": "select", "idle_connections": 8, "rate": 0}], "late": 0.5, "wobble_m": 2.5})"));
}

TEST(MadeUpField, ComesBackFromJson) {
  MadeUp back;
  read_json(json_of(sample()), back);
  EXPECT_EQ(back.cell, sample().cell);
  EXPECT_EQ(back.wobble_mm, 2500);
  EXPECT_EQ(back.hops, 3);
  EXPECT_EQ(back.mood, Mood::cross);
  EXPECT_EQ(back.others, sample().others);
  EXPECT_EQ(back.late, 0.5);
  MadeUp none = sample();
  none.hops.reset();
  read_json(json_of(none), back);
  EXPECT_EQ(back.hops, std::nullopt);
}

TEST(MadeUpField, MayBeMissingInFilesOlderThanItself) {
  Json old = json_of(sample());
  old.erase("late");
  MadeUp back;
  read_json(old, back, 2);
  EXPECT_EQ(back.late, 1);
  EXPECT_EQ(back.wobble_mm, 2500);
  EXPECT_THROW(read_json(old, back, 3), JsonError);
  old.erase("mood");
  EXPECT_THROW(read_json(old, back, 2), JsonError);
}

TEST(MadeUpField, IsInTheSchema) {
  const Json schema = schema_of<MadeUp>();
  const Json& properties = schema.at("properties");
  EXPECT_THAT(schema.at("required").get<std::vector<std::string>>(),
              ElementsAre("server", "idle_connections", "rate", "inner", "mood", "others", "late",
                          "wobble_m"));
  EXPECT_EQ(properties.at("inner").at("properties").at("wobble_mm"),
            Json::parse(R"({"type": "number", "description": "How far it swings."})"));
  EXPECT_EQ(properties.at("inner").at("properties").at("hops"),
            Json::parse(R"({"type": ["integer", "null"], "minimum": 0})"));
  EXPECT_EQ(properties.at("mood").at("enum"), Json::array({"calm", "cross"}));
  EXPECT_EQ(properties.at("others").at("items"), schema_of<Cell>());
}

// Two sample runs that are summarised by the usual metrics and one that is the test's own.
class MadeUpMetric : public ::testing::Test {
 protected:
  MadeUpMetric() {
    metrics_.push_back(
        {.name = "hops_per_request",
         .field = {.name = "hops_per_request",
                   .explanation = "How far a request goes.",
                   .title = "Hopping",
                   .unit = "hops",
                   .head = "hops/req",
                   .places = {.csv = 99, .table = 99, .ledger = 99, .page = 99}},
         .value = [](const Trial& trial) { return trial.cost->cpu_us_per_request * 3; }});
    results_.metrics = &metrics_;
  }

  std::vector<Metric> metrics_ = metrics();
  Results results_ = sample_results();
};

TEST_F(MadeUpMetric, IsInTheSummaryAndItsSchema) {
  const Json json = Json::parse(results_json(results_));
  EXPECT_EQ(json.at("summary").at(0).at("metrics").at("hops_per_request").at("median"), 240);
  const auto named = [](const std::string& schema) {
    return Json::parse(schema)
        .at("properties")
        .at("summary")
        .at("items")
        .at("properties")
        .at("metrics")
        .at("propertyNames")
        .at("enum")
        .get<std::vector<std::string>>();
  };
  EXPECT_THAT(named(results_schema(metrics_)), Contains("hops_per_request"));
  EXPECT_THAT(named(results_schema()), Not(Contains("hops_per_request")));
}

TEST_F(MadeUpMetric, IsInTheTables) {
  const std::string csv = report(results_, ReportFormat::csv);
  EXPECT_THAT(csv.substr(0, csv.find('\n')), HasSubstr(",hops_per_request,note"));
  EXPECT_THAT(csv, HasSubstr(",240,\n"));
  for (const ReportFormat format : {ReportFormat::text, ReportFormat::markdown}) {
    EXPECT_THAT(report(results_, format), HasSubstr("hops/req"));
    EXPECT_THAT(report(results_, format), HasSubstr(" 240"));
  }
  EXPECT_THAT(cost_ledger(results_), HasSubstr("hops/req"));
  EXPECT_THAT(report(sample_results(), ReportFormat::text), Not(HasSubstr("hops/req")));
}

TEST_F(MadeUpMetric, IsInThePage) {
  const Json data = report_data({{"a run", results_}});
  const Json& last = data.at("metrics").at(data.at("metrics").size() - 1);
  EXPECT_EQ(last, Json::parse(R"({"name": "hops_per_request", "title": "Hopping", "unit": "hops",
      "explanation": "How far a request goes."})"));
  EXPECT_EQ(data.at("heads").at("hops_per_request"), "hops/req");
  const Json& cell = data.at("runs").at(0).at("cells").at(0);
  EXPECT_EQ(cell.at("metrics").at("hops_per_request").at("median"), 240);
}

TEST_F(MadeUpMetric, IsCompared) {
  const Comparison comparison = compare(results_, results_, metrics_.back());
  ASSERT_FALSE(comparison.cells.empty());
  EXPECT_EQ(comparison.cells.front().metric, "hops_per_request");
  EXPECT_EQ(to_json(comparison.cells.front()).at("median_b"), 240);
}

}  // namespace
}  // namespace echomux
