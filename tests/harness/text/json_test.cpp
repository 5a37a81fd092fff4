#include "harness/text/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <sstream>

#include "tests/support/complaint.hpp"

namespace echomux {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
constexpr auto lowest = std::numeric_limits<std::int64_t>::min();

template <typename T>
std::string complaint_about(const char* text) {
  return complaint<JsonError>([&] { return Json::parse(text).get<T>(); });
}

TEST(Json, WritesNumbersInTheirShortestForm) {
  const std::vector<std::pair<Json, const char*>> numbers{
      {0.1, "0.1"},
      {1e300, "1e+300"},
      {1000.0, "1000.0"},
      {-0.0, "-0.0"},
      {1.0 / 3, "0.3333333333333333"},
      {5e-324, "5e-324"},
      {7, "7"},
      {-7, "-7"},
      {largest, "18446744073709551615"},
      {lowest, "-9223372036854775808"},
      {std::numeric_limits<double>::infinity(), "null"},
      {std::nan(""), "null"}};
  for (const auto& [number, text] : numbers) {
    EXPECT_EQ(number.dump(), text);
    EXPECT_EQ(Json::parse(text).dump(), text);
  }
}

TEST(Json, ReadsNumbersAsTheyWereWritten) {
  EXPECT_EQ(Json::parse("18446744073709551615").get<std::uint64_t>(), largest);
  EXPECT_EQ(Json::parse("-9223372036854775808").get<std::int64_t>(), lowest);
  EXPECT_EQ(Json::parse("0.1").get<double>(), 0.1);
  EXPECT_EQ(Json::parse("-3").get<double>(), -3);
  EXPECT_EQ(Json::parse("18446744073709551616").get<double>(), 0x1p64);
  EXPECT_TRUE(Json(3).is_number_unsigned());
  EXPECT_FALSE(Json(-3).is_number_unsigned());
}

TEST(Json, RefusesANumberThatIsOutOfRange) {
  EXPECT_EQ(complaint_about<std::uint8_t>("255"), "");
  EXPECT_EQ(complaint_about<std::uint8_t>("256"), "256 is no whole number in its range");
  EXPECT_EQ(complaint_about<std::int8_t>("-128"), "");
  EXPECT_EQ(complaint_about<std::int8_t>("-129"), "-129 is no whole number in its range");
  EXPECT_EQ(complaint_about<std::int8_t>("128"), "128 is no whole number in its range");
  EXPECT_EQ(complaint_about<std::uint64_t>("-1"), "-1 is no whole number in its range");
  EXPECT_EQ(complaint_about<std::uint64_t>("1e19"), "1e+19 is no whole number in its range");
  EXPECT_EQ(complaint_about<int>("2.5"), "2.5 is no whole number in its range");
  EXPECT_EQ(complaint_about<std::int64_t>("9223372036854775808"),
            "9223372036854775808 is no whole number in its range");
}

TEST(Json, SaysWhatIsOfAnotherType) {
  EXPECT_EQ(complaint_about<double>("\"1\""), "a string stands where a number should");
  EXPECT_EQ(complaint_about<double>("true"), "true or false stands where a number should");
  EXPECT_EQ(complaint_about<int>("null"), "null stands where a whole number should");
  EXPECT_EQ(complaint_about<bool>("1"), "a number stands where true or false should");
  EXPECT_EQ(complaint_about<std::string>("[]"), "an array stands where a string should");
  EXPECT_EQ(complaint_about<std::vector<int>>("{}"), "an object stands where an array should");
  EXPECT_EQ((complaint_about<std::map<std::string, int>>("-1")),
            "a number stands where an object should");
}

TEST(Json, SaysWhatIsMissing) {
  Json json = Json::parse(R"({"list": [1, 2]})");
  EXPECT_EQ(complaint<JsonError>([&] { return json.at("machine"); }), "\"machine\" is missing");
  EXPECT_EQ(complaint<JsonError>([&] { return json.at("list").at(2); }), "element 2 is missing");
  EXPECT_EQ(complaint<JsonError>([&] { return json.at("list").at("x"); }),
            "an array stands where an object should");
  EXPECT_EQ(complaint<JsonError>([&] { json["list"]["x"] = 1; }),
            "an array stands where an object should");
  EXPECT_EQ(complaint<JsonError>([&] { json.push_back(1); }),
            "an object stands where an array should");
}

TEST(Json, SaysWhereTextIsNoJson) {
  for (const char* const text : {"", "{", "[1,]", "{} {}", "nul", "\"\xff\"", "[1e999]"}) {
    EXPECT_THAT(complaint<JsonError>([&] { return Json::parse(text); }),
                HasSubstr("json.exception"))
        << text;
  }
}

TEST(Json, RefusesWhatIsNestedTooDeeply) {
  const auto nested = [](std::size_t depth) {
    return complaint<JsonError>(
        [&] { return Json::parse(std::string(depth, '[') + std::string(depth, ']')); });
  };
  EXPECT_EQ(nested(17), "");
  EXPECT_EQ(nested(18), "it is nested too deeply");
  EXPECT_EQ(nested(1'000'000), "it is nested too deeply");
}

TEST(Json, KeepsTheOrderOfMembers) {
  Json json{{"z", 1}, {"a", nullptr}, {"m", {{"y", true}, {"b", "text"}}}};
  json["c"] = {1, "two"};
  json["z"] = 2;
  const char* const text = R"({"z":2,"a":null,"m":{"y":true,"b":"text"},"c":[1,"two"]})";
  EXPECT_EQ(json.dump(), text);
  EXPECT_EQ(Json::parse(text), json);
  json.erase("a");
  json.update({{"m", 0}, {"d", Json::array()}, {"e", Json::object()}});
  EXPECT_EQ(json.dump(), R"({"z":2,"m":0,"c":[1,"two"],"d":[],"e":{}})");
  EXPECT_EQ(Json::parse(R"({"a": 1, "b": 2, "a": 3})").dump(), R"({"a":3,"b":2})");
}

TEST(Json, TakesAMemberOfItselfForANewOne) {
  Json json{{"0", {{"a", "a text that is too long to lie in the string itself"}}}};
  for (int i = 1; i < 100; ++i) json[std::to_string(i)] = json[std::to_string(i - 1)];
  EXPECT_EQ(json.at("99"), json.at("0"));
}

TEST(Json, TellsAnObjectFromAnArrayOfPairs) {
  EXPECT_TRUE((Json{{"key", "value"}}).is_object());
  EXPECT_TRUE((Json{{"one", 1}, {"two", 2, 2}}).is_array());
  EXPECT_TRUE((Json{{1, 2}}).is_array());
  EXPECT_TRUE((Json{"key", "value"}).is_array());
  EXPECT_EQ(Json::array({{"key", "value"}}).dump(), R"([["key","value"]])");
}

TEST(Json, TakesAndGivesContainers) {
  const std::map<std::string, std::vector<int>> map{{"a", {1, 2}}, {"b", {}}};
  const Json json = map;
  EXPECT_EQ(json.dump(1), "{\n \"a\": [\n  1,\n  2\n ],\n \"b\": []\n}");
  EXPECT_EQ((json.get<std::map<std::string, std::vector<int>>>()), map);
  EXPECT_TRUE(Json(std::optional<int>()).is_null());
  EXPECT_EQ(Json::parse("null").get<std::optional<int>>(), std::nullopt);
  EXPECT_EQ(Json(std::optional(0.5)).get<std::optional<double>>(), 0.5);
  EXPECT_THAT(json.items(), ElementsAre(Pair("a", Json{1, 2}), Pair("b", Json::array())));
}

TEST(Json, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(Json("a\xff\xc3").dump(), "\"a\uFFFD\uFFFD\"");
  EXPECT_EQ((Json{{"\x80", "\u00b5\n"}}).dump(), "{\"\uFFFD\":\"\u00b5\\n\"}");
}

TEST(Json, ComparesNumbersByTheirWorth) {
  EXPECT_EQ(Json(15.0), 15);
  EXPECT_EQ(Json(-1), -1.0);
  EXPECT_NE(Json(-1), largest);
  EXPECT_NE(Json(1), true);
  EXPECT_NE(Json("1"), 1);
  EXPECT_NE(Json(), Json::array());
  EXPECT_NE((Json{{"a", 1}, {"b", 2}}), (Json{{"b", 2}, {"a", 1}}));
}

TEST(Json, IsReadFromAStreamAndPrintedToOne) {
  std::istringstream in("[1, {\"a\": false}]\n");
  std::ostringstream out;
  out << Json::parse(in);
  EXPECT_EQ(out.str(), R"([1,{"a":false}])");
}

}  // namespace
}  // namespace echomux
