#include "harness/load/hdr_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/hdr_encoding.hpp"
#include "tests/support/program.hpp"

namespace echomux {
namespace {

using std::chrono::nanoseconds;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

LatencyHistogram of(const std::vector<std::int64_t>& values) {
  LatencyHistogram histogram;
  for (const std::int64_t value : values) histogram.record(nanoseconds(value));
  return histogram;
}

LatencyHistogram random_histogram(std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> distribution(11, 2);
  LatencyHistogram histogram;
  for (int i = 0; i < count; ++i) {
    histogram.record(nanoseconds(static_cast<std::int64_t>(distribution(random))));
  }
  return histogram;
}

// Histograms that differ in what is hard about them.
std::vector<LatencyHistogram> examples() {
  return {of({}),
          of({0}),
          of({2'000, 2'047, 2'048, 2'049, 4'095, 4'096}),
          of({1'000, 2'000, 3'000, 5'000'000, LatencyHistogram::largest_ns}),
          of(std::vector<std::int64_t>(1000, 123'456'789)),
          random_histogram(1, 100'000)};
}

void expect_same_counts(const LatencyHistogram& one, const LatencyHistogram& other) {
  EXPECT_EQ(one.count(), other.count());
  EXPECT_TRUE(std::ranges::equal(one.counts(), other.counts()));
}

// What `histogram` has become is told by its buckets: everything but the maximum and the mean is
// exact, and these are within a bucket.
void expect_same_to_its_buckets(const LatencyHistogram& decoded,
                                const LatencyHistogram& histogram) {
  expect_same_counts(decoded, histogram);
  EXPECT_GE(decoded.max(), histogram.max());
  const auto near = [](nanoseconds value) { return static_cast<double>(value.count()) * 0.001; };
  EXPECT_NEAR(static_cast<double>(decoded.max().count()),
              static_cast<double>(histogram.max().count()), near(histogram.max()));
  EXPECT_NEAR(static_cast<double>(decoded.mean().count()),
              static_cast<double>(histogram.mean().count()), near(histogram.mean()) + 1);
  for (const double percent : {0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    EXPECT_EQ(std::min(decoded.percentile(percent), histogram.max()),
              histogram.percentile(percent));
  }
}

TEST(HdrFormat, ReadsBackWhatItHasWritten) {
  for (const LatencyHistogram& histogram : examples()) {
    const std::string text = to_hdr_v2(histogram);
    const LatencyHistogram decoded = from_hdr_v2(text);
    expect_same_to_its_buckets(decoded, histogram);
    EXPECT_EQ(to_hdr_v2(decoded), text);
    EXPECT_EQ(to_hgrm(decoded), to_hgrm(histogram));
  }
}

TEST(HdrFormat, BeginsAsHistogramLogsDo) {
  EXPECT_TRUE(to_hdr_v2(LatencyHistogram()).starts_with("HISTFAAAA"));
}

TEST(HdrFormat, PrintsTheDistributionAsHdrHistogramDoes) {
  EXPECT_EQ(to_hgrm(of({1'000, 2'000, 3'000, 5'000'000})),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 0.100000000000          1           1.11\n"
            "       1.000 0.200000000000          1           1.25\n"
            "       2.000 0.300000000000          2           1.43\n"
            "       2.000 0.400000000000          2           1.67\n"
            "       2.000 0.500000000000          2           2.00\n"
            "       3.001 0.550000000000          3           2.22\n"
            "       3.001 0.600000000000          3           2.50\n"
            "       3.001 0.650000000000          3           2.86\n"
            "       3.001 0.700000000000          3           3.33\n"
            "       3.001 0.750000000000          3           4.00\n"
            "    5001.215 0.775000000000          4           4.44\n"
            "    5001.215 1.000000000000          4\n"
            "#[Mean    =     1251.292, StdDeviation   =     2163.837]\n"
            "#[Max     =     5001.215, Total count    =            4]\n"
            "#[Buckets =           26, SubBuckets     =         2048]\n");
}

void expect_refused(const std::string& text, const char* why) {
  EXPECT_THAT([&] { (void)from_hdr_v2(text); }, ThrowsMessage<std::runtime_error>(HasSubstr(why)));
}

TEST(HdrFormat, ReadsCountsByTheirEncoding) {
  // Two zeros, one value; a zero by itself; 64 values, which take two bytes.
  const LatencyHistogram histogram =
      from_hdr_v2(Encoding{.counts = {"\x03\x02\x00\x80\x01", 5}}.text());
  expect_same_counts(histogram, [] {
    LatencyHistogram expected = of({2});
    for (int i = 0; i < 64; ++i) expected.record(nanoseconds(4));
    return expected;
  }());
  EXPECT_EQ(from_hdr_v2(Encoding{.counts = ""}.text()).count(), 0U);
}

TEST(HdrFormat, HoldsAsManyAsCanBeCounted) {
  // 2^63 - 1 in the first bucket: nine bytes, of which the last has eight bits.
  const std::string most = "\xfe\xff\xff\xff\xff\xff\xff\xff\xff";
  const LatencyHistogram histogram = from_hdr_v2(Encoding{.counts = most}.text());
  EXPECT_EQ(histogram.count(), (std::uint64_t{1} << 63) - 1);
  expect_same_counts(from_hdr_v2(to_hdr_v2(histogram)), histogram);
  expect_refused(Encoding{.counts = most + '\x02'}.text(), "more values than");
  // One value above so many that their share is one to the precision of a double: it ends.
  const std::string nearly = "\xfc\xff\xff\xff\xff\xff\xff\xff\xff";
  EXPECT_THAT(to_hgrm(from_hdr_v2(Encoding{.counts = nearly + '\x02'}.text())),
              HasSubstr("1.000000000000 9223372036854775807\n"));
}

TEST(HdrFormat, RefusesWhatIsNotBase64) {
  const std::string text = to_hdr_v2(of({5}));
  expect_refused("", "too early");
  expect_refused("====", "base64");
  expect_refused(text + "\n", "base64");
  expect_refused(text + "=", "base64");
  expect_refused("!" + text.substr(1), "base64");
  expect_refused("AA=A", "base64");
  expect_refused("AB==", "stray bits");
}

TEST(HdrFormat, RefusesOtherCookiesLengthsAndSettings) {
  const std::string good = "\x02";
  EXPECT_EQ(from_hdr_v2(Encoding{.counts = good}.text()).count(), 1U);
  expect_refused(wrapped("", 0x1c849302), "begins otherwise");
  expect_refused(Encoding{.counts = good, .cookie = 0x1c849301}.text(), "begins otherwise");
  expect_refused(Encoding{.counts = good, .offset = 1}.text(), "another range");
  expect_refused(Encoding{.counts = good, .digits = 2}.text(), "another range");
  expect_refused(Encoding{.counts = good, .lowest = 1000}.text(), "another range");
  expect_refused(Encoding{.counts = good, .highest = 1000}.text(), "another range");
  expect_refused(Encoding{.counts = good, .ratio = 0}.text(), "another range");
  expect_refused(Encoding{.counts = good, .missing = 1}.text(), "as long as it says");
  expect_refused(wrapped(big_endian(0x1c849313, 4)), "too early");
  const std::string compressed = deflated("anything");
  expect_refused(base64(big_endian(0x1c849314, 4) + big_endian(99, 4) + compressed),
                 "as long as it says");
  expect_refused(
      base64(big_endian(0x1c849314, 4) + big_endian(compressed.size() + 1, 4) + compressed + "x"),
      "more after");
}

TEST(HdrFormat, RefusesCountsThatDoNotFit) {
  constexpr std::size_t buckets = LatencyHistogram::bucket_count;
  EXPECT_EQ(from_hdr_v2(Encoding{.counts = std::string(buckets, '\x02')}.text()).count(), buckets);
  expect_refused(Encoding{.counts = std::string(buckets + 1, '\x02')}.text(), "more counts");
  expect_refused(Encoding{.counts = std::string(buckets + 1, '\0')}.text(), "more counts");
  // A run of 2^63 zeros, whose length has no opposite, and a count that breaks off.
  expect_refused(Encoding{.counts = "\xff\xff\xff\xff\xff\xff\xff\xff\xff"}.text(), "more counts");
  expect_refused(Encoding{.counts = "\x80"}.text(), "too early");
}

TEST(HdrFormat, RefusesWhatWouldGrowWithoutBound) {
  std::string zeros;
  zeros.resize(50'000'000);
  expect_refused(wrapped(zeros), "longer than any");
}

TEST(HdrFormat, RefusesEveryTruncation) {
  const std::string text = to_hdr_v2(of({1'000, 2'000, 3'000, 5'000'000}));
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_THROW((void)from_hdr_v2(text.substr(0, length)), std::runtime_error) << length;
  }
}

// Whether what the text has become is refused or read, it does no harm.
TEST(HdrFormat, IsNotHarmedByFlippedBits) {
  std::mt19937_64 random(2);
  const std::string text = to_hdr_v2(random_histogram(3, 200));
  int read = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = text;
    char& hit = damaged[random() % damaged.size()];
    hit = static_cast<char>(hit ^ static_cast<char>(1U << random() % 8));
    try {
      const LatencyHistogram histogram = from_hdr_v2(damaged);
      ++read;
      expect_same_counts(from_hdr_v2(to_hdr_v2(histogram)), histogram);
      EXPECT_THAT(to_hgrm(histogram), HasSubstr("#[Buckets"));
    } catch (const std::runtime_error&) {
      // As it should be.
    }
  }
  EXPECT_LT(read, 20);  // zlib's checksum tells nearly always
}

// HdrHistogram's own class, as far as this machine has it: why not, or nothing.
constexpr const char* jar = "/usr/share/java/hdrhistogram.jar";
std::string why_no_java() {
  if (!std::filesystem::exists(jar)) {
    return "not installed: libhdrhistogram-java";
  }
  const char* variable = std::getenv("PATH");
  std::istringstream path(variable != nullptr ? variable : "");
  for (std::string directory; std::getline(path, directory, ':');) {
    if (::access((directory + "/javac").c_str(), X_OK) == 0) return "";
  }
  return "not installed: a JDK";
}

// What DecodeHistogram prints about these lines.
std::istringstream decoded_by_java(const std::string& lines) {
  const Finished java =
      run_program({"-XX:TieredStopAtLevel=1", "-cp", jar, DECODE_HISTOGRAM_JAVA}, lines, "java");
  EXPECT_EQ(java.status, 0) << java.err;
  return std::istringstream(java.out);
}

// Percentiles, maximum, mean and count as Java has found them.
void expect_figures_of(const LatencyHistogram& histogram, const std::string& line) {
  std::istringstream figures(line);
  for (const double percent : {50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    std::int64_t value = -1;
    figures >> value;
    // Java gives the top of the bucket, and the histogram no more than its maximum.
    EXPECT_EQ(std::min(nanoseconds(value), histogram.max()), histogram.percentile(percent));
    EXPECT_LE(static_cast<double>(value),
              static_cast<double>(histogram.percentile(percent).count()) * 1.001);
  }
  double mean = -1;
  std::uint64_t count = 0;
  figures >> mean >> count;
  EXPECT_NEAR(mean, static_cast<double>(histogram.mean().count()), mean * 0.001 + 1);
  EXPECT_EQ(count, histogram.count());
}

// Equal but for the last digit of numbers, which may be rounded otherwise.
void expect_same_line(const std::string& line, const std::string& other) {
  std::istringstream words(line);
  std::istringstream other_words(other);
  std::string word;
  std::string other_word;
  while (words >> word) {
    ASSERT_TRUE(other_words >> other_word) << line << "\n" << other;
    char* end = nullptr;
    const double number = std::strtod(word.c_str(), &end);
    if (end == word.c_str()) {
      EXPECT_EQ(word, other_word);
    } else {
      const bool share = word.find('.') != std::string::npos && number <= 1;
      EXPECT_NEAR(number, std::strtod(other_word.c_str(), nullptr),
                  share ? 1.1e-12 : 1e-9 * number + 0.0011)
          << line << "\n"
          << other;
    }
  }
  EXPECT_FALSE(other_words >> other_word) << line << "\n" << other;
  EXPECT_EQ(line.size(), other.size());
}

TEST(HdrFormat, MeansTheSameToHdrHistogramItself) {
  if (const std::string why = why_no_java(); !why.empty()) GTEST_SKIP() << why;
  std::string lines;
  for (const LatencyHistogram& histogram : examples()) lines += to_hdr_v2(histogram) + "\n";
  std::istringstream output = decoded_by_java(lines);
  std::string line;
  for (const LatencyHistogram& histogram : examples()) {
    ASSERT_TRUE(std::getline(output, line));
    expect_figures_of(histogram, line);
    ASSERT_TRUE(std::getline(output, line));
    expect_same_counts(from_hdr_v2(line), histogram);
    std::istringstream rows(to_hgrm(histogram));
    for (std::string row; std::getline(rows, row);) {
      ASSERT_TRUE(std::getline(output, line));
      expect_same_line(row, line);
    }
  }
  EXPECT_FALSE(std::getline(output, line));
}

}  // namespace
}  // namespace echomux
