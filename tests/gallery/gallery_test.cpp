// The conformance suite against the gallery: it catches each bug by the check that should, and has
// nothing to say against the mended twins.

#include "gallery/gallery.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/backends.hpp"
#include "echo/system_call.hpp"
#include "harness/text/json.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {

// Lets GoogleTest name an exhibit where it prints a test's parameter.
inline void PrintTo(const Exhibit& exhibit, std::ostream* out) {
  *out << exhibit.name;
}

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What each failed check has to say, so that it failed for the right reason.
// NOLINTNEXTLINE(cert-err58-cpp): without memory no test would run
const std::map<std::string_view, std::string> expected{
    {"one_recv", "while waiting to send or receive"},
    {"short_write", "while waiting to send or receive"},
    {"blocking_descriptor", "while waiting to receive"},
    {"epollout_always", "with nothing to do, the server woke up"},
    {"fd_setsize", "6\n  0\na signal ended the server"},
    {"leak_on_reset", "descriptors open instead of"},
    {"error_ends_server", "exit.exit_status\n    Which is: (1)\n  0"},
    {"emfile_spin", "it spins for want of descriptors"},
    {"retry_send", "while waiting to send or receive"},
    {"stale_events", "a newcomer that was let in was closed"},
    {"wait_for_hup", "while waiting to receive the end of the stream"},
    {"deaf_accept", "while waiting to receive"},
    {"unbounded_buffer", "nothing ever held it back, and the server has grown by"},
    {"sigpipe", "13\n  0\na signal ended the server"},
    {"one_accept", "while waiting to receive"},
    {"undrained_wakeup", "with nothing to do, the server woke up"},
    {"wrong_unit", "while waiting to receive"},
};

// A run of the whole suite takes about a minute, several times as long under a sanitizer.
constexpr std::chrono::minutes run_limit{9};

// What became of the checks of one run of the suite.
struct SuiteRun {
  int status = 0;
  std::size_t passed = 0;
  std::vector<std::string> skipped;
  std::vector<std::string> failed;
  std::string failures;  // all that they had to say
  std::string output;
};

// Runs the checks that match `filter` against one server. A wait in vain ends after `patience_ms`,
// or after what is usual where it is empty.
SuiteRun run_suite(std::string_view server, const std::string& filter,
                   const std::string& patience_ms) {
  const TemporaryDirectory directory;
  const std::filesystem::path results = directory / "results.json";
  const std::filesystem::path output = directory / "output";
  ::setenv("ECHOMUX_TEST_SERVERS", std::string(server).c_str(), 1);
  ::unsetenv("ECHOMUX_TEST_PATIENCE");
  if (!patience_ms.empty()) ::setenv("ECHOMUX_TEST_PATIENCE", patience_ms.c_str(), 1);
  const FileDescriptor file(
      check(::open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "open"));
  Program suite({"--gtest_filter=" + filter, "--gtest_output=json:" + results.string()},
                {.in = -1, .out = file.get(), .err = file.get()}, CONFORMANCE_TEST);
  SuiteRun run;
  // Throws if a signal has ended the suite: that a test dies doesn't prove that it has found
  // anything.
  run.status = suite.wait(run_limit);
  run.output = file_text(output);
  const auto json = Json::parse(file_text(results));
  for (const auto& checks : json.at("testsuites")) {
    for (const auto& one : checks.at("testsuite")) {
      const auto name = one.at("name").get<std::string>();
      if (one.at("result") == "SKIPPED") {
        run.skipped.push_back(name);
      } else if (!one.contains("failures")) {
        ++run.passed;
      } else {
        run.failed.push_back(name);
        for (const auto& failure : one.at("failures")) {
          run.failures += failure.at("failure").get<std::string>() + '\n';
        }
      }
    }
  }
  return run;
}

class Gallery : public ::testing::TestWithParam<Exhibit> {};
class GalleryTwin : public Gallery {};

TEST_P(Gallery, BrokenServerIsCaughtByItsCheck) {
  const std::string check =
      std::string(GetParam().caught_by) + '/' + std::string(GetParam().broken.name);
  const SuiteRun run = run_suite(GetParam().broken.name, "Backends/Conformance*." + check, "2000");
  if (!run.skipped.empty()) GTEST_SKIP() << "the check is itself skipped here:\n" << run.output;
  EXPECT_EQ(run.status, 1) << run.output;
  EXPECT_THAT(run.failed, ::testing::ElementsAre(check)) << run.output;
  EXPECT_THAT(run.failures, HasSubstr(expected.at(GetParam().name)));
}

// The twins turn away, by design, what the skipped ones are about; or the machine lacks something.
void expect_all_passed(const SuiteRun& run, std::size_t at_least) {
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_THAT(run.failed, IsEmpty());
  EXPECT_GE(run.passed, at_least) << run.output;
  EXPECT_LE(run.skipped.size(), under_sanitizer ? 10U : 2U) << run.output;
}

TEST_P(GalleryTwin, PassesTheSuite) {
  expect_all_passed(
      run_suite(GetParam().mended.name, "Backends/Conformance.*:Backends/ConformanceOfOurs.*", ""),
      30);
}

// Apart, for these fill the system's TCP memory.
class GalleryTwinFillsMemory : public Gallery {};

TEST_P(GalleryTwinFillsMemory, PassesTheTestsThatDo) {
  expect_all_passed(run_suite(GetParam().mended.name, "Backends/ConformanceFills*", ""), 2);
}

// Those whose check fills the memory, or doesn't.
std::vector<Exhibit> exhibits(bool filling) {
  std::vector<Exhibit> chosen;
  std::ranges::copy_if(gallery(), std::back_inserter(chosen), [&](const Exhibit& exhibit) {
    return (exhibit.name == "unbounded_buffer") == filling;
  });
  return chosen;
}

// One for each mended server: some exhibits have the same.
std::vector<Exhibit> each_mended_server() {
  std::vector<Exhibit> chosen;
  std::ranges::copy_if(gallery(), std::back_inserter(chosen), [&](const Exhibit& exhibit) {
    return std::ranges::none_of(
        chosen, [&](const Exhibit& other) { return other.mended.serve == exhibit.mended.serve; });
  });
  return chosen;
}

const auto name_of_exhibit = [](const auto& test) { return std::string(test.param.name); };
INSTANTIATE_TEST_SUITE_P(Exhibits, Gallery, ::testing::ValuesIn(exhibits(false)), name_of_exhibit);
INSTANTIATE_TEST_SUITE_P(FillsMemory, Gallery, ::testing::ValuesIn(exhibits(true)),
                         name_of_exhibit);
INSTANTIATE_TEST_SUITE_P(Exhibits, GalleryTwin, ::testing::ValuesIn(each_mended_server()),
                         name_of_exhibit);
INSTANTIATE_TEST_SUITE_P(Exhibits, GalleryTwinFillsMemory,
                         ::testing::ValuesIn(each_mended_server()), name_of_exhibit);

TEST(GalleryTable, NamesEachServerAfterItsFolder) {
  std::set<std::string_view> names;
  for (const Exhibit& exhibit : gallery()) {
    EXPECT_TRUE(names.insert(exhibit.name).second) << exhibit.name;
    EXPECT_EQ(exhibit.broken.name, "broken_" + std::string(exhibit.name));
    EXPECT_EQ(exhibit.mended.name, "mended_" + std::string(exhibit.name));
    EXPECT_NE(exhibit.broken.serve, exhibit.mended.serve);
    EXPECT_EQ(find_server(exhibit.broken.name), &exhibit.broken);
    EXPECT_EQ(find_backend(exhibit.broken.name), nullptr) << "it would run without being named";
    EXPECT_EQ(find_exhibit(exhibit.mended.name), &exhibit);
  }
  EXPECT_EQ(names.size(), expected.size());
  EXPECT_EQ(find_exhibit("epoll_lt"), nullptr);
}

}  // namespace
}  // namespace echomux
