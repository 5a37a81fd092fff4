#include "cli/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a mistake on the command line says.
std::string message_of(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

std::size_t count(std::string_view text) {
  return parse_count(text, "--idle", 1, 2'000'000);
}

// A text need not be followed by anything that could be read.
TEST(ParseCount, LooksAtNothingBehindItsText) {
  for (const std::string_view words : {"nano", "inf1", "-nan1", "infinity"}) {
    EXPECT_THAT(message_of([&] { static_cast<void>(count(words.substr(0, words.size() - 1))); }),
                HasSubstr("is not a whole number"));
  }
}

TEST(ParseCount, TakesWholeNumbersAndMultiples) {
  EXPECT_EQ(count("250"), 250U);
  EXPECT_EQ(count("10k"), 10'000U);
  EXPECT_EQ(count("10K"), 10'000U);
  EXPECT_EQ(count("1m"), 1'000'000U);
  EXPECT_EQ(count("1M"), 1'000'000U);
  EXPECT_EQ(count("2.5k"), 2500U);
  // 1.001 times 1000 is less than 1001 in doubles.
  EXPECT_EQ(count("1.001k"), 1001U);
  EXPECT_EQ(count("1.000003m"), 1'000'003U);
}

TEST(ParseCount, KeepsItsBounds) {
  EXPECT_EQ(count("1"), 1U);
  EXPECT_EQ(count("2m"), 2'000'000U);
  EXPECT_THROW(count("0"), UsageError);
  EXPECT_THROW(count("2000001"), UsageError);
  EXPECT_EQ(parse_count("0", "--idle", 0, 5), 0U);
}

TEST(ParseCount, RejectsAnythingElse) {
  for (const char* const text : {"", "k", "1.5", "0.5k1", "-1", "+1", " 1", "1 ", "1g", "1kk",
                                 "0x10", "1e3", "inf", "nan", "1,000", "ten"}) {
    EXPECT_THROW(count(text), UsageError) << text;
  }
  EXPECT_THROW(count(std::string(400, '9')), UsageError);
  EXPECT_EQ(message_of([] { count("ten"); }),
            "--idle: 'ten' is not a whole number from 1 to 2000000; write such as 250, 10k or 1m");
}

TEST(ParseRate, TakesFractionsAndMultiples) {
  EXPECT_EQ(parse_rate("0", "--rate"), 0);
  EXPECT_EQ(parse_rate("0.5", "--rate"), 0.5);
  EXPECT_EQ(parse_rate("1k", "--rate"), 1000);
  EXPECT_EQ(parse_rate("2.5k", "--rate"), 2500);
  EXPECT_EQ(parse_rate("100m", "--rate"), 100e6);
}

TEST(ParseRate, RejectsAnythingElse) {
  for (const char* const text : {"", "-1", "-0.5", "100.1m", "1/s", "1e3", "inf", "nan", "k"}) {
    EXPECT_THROW(static_cast<void>(parse_rate(text, "--rate")), UsageError) << text;
  }
  EXPECT_THAT(message_of([] { static_cast<void>(parse_rate("fast", "--rate")); }),
              HasSubstr("--rate: 'fast' is not a rate"));
}

nanoseconds time_of(std::string_view text) {
  return parse_time(text, "--for", 1ns, 24h);
}

TEST(ParseTime, TakesEveryUnit) {
  EXPECT_EQ(time_of("7ns"), 7ns);
  EXPECT_EQ(time_of("250us"), 250us);
  EXPECT_EQ(time_of("500ms"), 500ms);
  EXPECT_EQ(time_of("30s"), 30s);
  EXPECT_EQ(time_of("30"), 30s);
  EXPECT_EQ(time_of("2m"), 2min);
  EXPECT_EQ(time_of("2min"), 2min);
  EXPECT_EQ(time_of("1h"), 1h);
  EXPECT_EQ(time_of("1.5s"), 1500ms);
  EXPECT_EQ(time_of("0.1"), 100ms);
}

TEST(ParseTime, KeepsItsBounds) {
  EXPECT_EQ(parse_time("1ms", "--for", 1ms, 1s), 1ms);
  EXPECT_EQ(parse_time("1s", "--for", 1ms, 1s), 1s);
  EXPECT_EQ(message_of([] { static_cast<void>(parse_time("999us", "--for", 1ms, 90s)); }),
            "--for: '999us' is not a time from 1ms to 90s; write such as 500ms, 30s or 2m");
  EXPECT_THROW(static_cast<void>(parse_time("1001ms", "--for", 1ms, 1s)), UsageError);
}

TEST(ParseTime, RejectsAnythingElse) {
  for (const char* const text : {"", "s", "-1s", "1 s", "1d", "1S", "1e3s", "inf", "soon"}) {
    EXPECT_THROW(static_cast<void>(time_of(text)), UsageError) << text;
  }
}

TEST(TimeText, IsShort) {
  EXPECT_EQ(time_text(0ns), "0s");
  EXPECT_EQ(time_text(999ns), "999ns");
  EXPECT_EQ(time_text(1us), "1us");
  EXPECT_EQ(time_text(250us), "250us");
  EXPECT_EQ(time_text(1500us), "1.5ms");
  EXPECT_EQ(time_text(1500ms), "1.5s");
  EXPECT_EQ(time_text(90s), "90s");
  EXPECT_EQ(time_text(2h), "2h");
}

TEST(TimeText, IsWhatParseTimeTakes) {
  for (const nanoseconds time :
       {nanoseconds(1ns), nanoseconds(1500ns), nanoseconds(20us), nanoseconds(2500us),
        nanoseconds(30s), nanoseconds(90min), nanoseconds(3h)}) {
    EXPECT_EQ(time_of(time_text(time)), time) << time_text(time);
  }
}

std::vector<std::string> split(std::string_view command) {
  return split_command(command, "--command");
}

TEST(SplitCommand, SplitsAtBlankSpace) {
  EXPECT_THAT(split("server --port  0"), ElementsAre("server", "--port", "0"));
  EXPECT_THAT(split(" \tserver\n0\t"), ElementsAre("server", "0"));
  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split("  \n"), IsEmpty());
}

TEST(SplitCommand, KeepsWhatIsQuotedTogether) {
  EXPECT_THAT(split(R"('my server' "a  b")"), ElementsAre("my server", "a  b"));
  EXPECT_THAT(split(R"(a'b c'd"e f")"), ElementsAre("ab cde f"));
  EXPECT_THAT(split(R"(a '' "" b)"), ElementsAre("a", "", "", "b"));
  EXPECT_THAT(split(R"("it's" '"')"), ElementsAre("it's", "\""));
}

TEST(SplitCommand, KnowsEscapes) {
  EXPECT_THAT(split(R"(my\ server \' \" \\)"), ElementsAre("my server", "'", "\"", "\\"));
  EXPECT_THAT(split(R"("a \" \\ \n")"), ElementsAre(R"(a " \ \n)"));
  EXPECT_THAT(split(R"('a\' \a)"), ElementsAre("a\\", "a"));
}

TEST(SplitCommand, KnowsNothingElseOfAShell) {
  EXPECT_THAT(split("$HOME *;`a`|b>c&#d"), ElementsAre("$HOME", "*;`a`|b>c&#d"));
}

TEST(SplitCommand, RejectsWhatIsNotClosed) {
  EXPECT_THAT(message_of([] { static_cast<void>(split("a 'b")); }),
              HasSubstr("--command: a quote in 'a 'b' is not closed"));
  EXPECT_THROW(static_cast<void>(split(R"(a "b\")")), UsageError);
  EXPECT_THAT(message_of([] { static_cast<void>(split("a\\")); }),
              HasSubstr("--command: 'a\\' ends in the middle of an escape"));
}

}  // namespace
}  // namespace echomux
