// The place for the results fails in mid-sweep: nothing that was measured is lost.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "echo/system_call.hpp"
#include "harness/results/results_file.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/whole_file.hpp"
#include "tests/support/background_bench.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/traces.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::size_t trials = 8;

class BenchDisk : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path results_path() const { return place_ / "results.json"; }

  BackgroundBench sweep() {
    return {results_path(),
            {"--backends", "epoll_lt", "--idle", "0,1,2,3,4,5,6,7", "--repetitions", "1"}};
  }

  // The table is printed all the same, and what went wrong is told, with a way out of it.
  void check_that_it_told(const Finished& run, const std::string& why) const {
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.out, HasSubstr("7 idle connections"));
    EXPECT_THAT(run.err, AllOf(HasSubstr("cannot write the results to " + results_path().string()),
                               HasSubstr(why), HasSubstr("echomux bench --resume")));
  }

  static void check_that_all_is_written(const Finished& run, const std::filesystem::path& path) {
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(read_results(path).trials, SizeIs(trials));
  }

  // What the file had is there still, and a resumed run completes it.
  void check_that_it_goes_on(std::size_t at_least) const {
    const Results kept = read_results(results_path());
    EXPECT_GE(kept.trials.size(), at_least);
    EXPECT_LT(kept.trials.size(), trials);
    const Finished resumed = run_program({"bench", "--resume", results_path().string()});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    const Results after = read_results(results_path());
    ASSERT_THAT(after.trials, SizeIs(trials));
    for (std::size_t i = 0; i < kept.trials.size(); ++i) {
      EXPECT_EQ(after.trials[i].load->latency_us.mean, kept.trials[i].load->latency_us.mean);
    }
  }

  TemporaryDirectory directory_;
  std::filesystem::path place_ = directory_ / "place";
};

// A disk of its own, where that is permitted.
class BenchSmallDisk : public BenchDisk {
 protected:
  void SetUp() override {
    if (const std::string why_not = SmallDisk::why_not(); !why_not.empty()) GTEST_SKIP() << why_not;
    std::filesystem::create_directory(place_);
    disk_.emplace(place_, 1024);
  }

  std::optional<SmallDisk> disk_;
};

TEST_F(BenchSmallDisk, KeepsWhatItHasWhenItBecomesFull) {
  BackgroundBench bench = sweep();
  bench.await_trials(2);
  disk_->fill();
  const Finished run = bench.finish();
  check_that_it_told(run, "No space left on device");
  EXPECT_THAT(names_in(place_), ElementsAre("filler", "results.json"));
  disk_->make_room();
  check_that_it_goes_on(1);
}

TEST_F(BenchSmallDisk, WritesEverythingWhenThereIsRoomAgain) {
  BackgroundBench bench = sweep();
  bench.await_trials(2);
  disk_->fill();
  bench.await_trials(5);
  // What is in the file by then stays there, whatever comes.
  EXPECT_GE(read_results(results_path()).trials.size(), 1U);
  disk_->make_room();
  const Finished run = bench.finish();
  check_that_all_is_written(run, results_path());
  // Told when it began, once, because then it can still be mended; and when it was over.
  const std::size_t first = run.err.find("cannot write the results");
  ASSERT_NE(first, std::string::npos) << run.err;
  EXPECT_LT(first, run.err.find("[5/8]"));
  EXPECT_EQ(run.err.find("cannot write the results", first + 1), std::string::npos) << run.err;
  EXPECT_THAT(run.err, HasSubstr("can be written again"));
}

TEST_F(BenchSmallDisk, KeepsWhatItHasWhenItBecomesReadOnly) {
  BackgroundBench bench = sweep();
  bench.await_trials(2);
  disk_->set_read_only(true);
  const Finished run = bench.finish();
  check_that_it_told(run, "Read-only file system");
  EXPECT_THAT(names_in(place_), Not(::testing::Contains("results.json.part")));
  disk_->set_read_only(false);
  check_that_it_goes_on(1);
}

TEST_F(BenchSmallDisk, WritesEverythingWhenItMayWriteAgain) {
  BackgroundBench bench = sweep();
  bench.await_trials(2);
  disk_->set_read_only(true);
  bench.await_trials(5);
  disk_->set_read_only(false);
  const Finished run = bench.finish();
  check_that_all_is_written(run, results_path());
}

TEST_F(BenchSmallDisk, TellsBothWhenItIsInterruptedAndCannotWrite) {
  BackgroundBench bench = sweep();
  bench.await_trials(2);
  disk_->fill();
  bench.await_trials(4);
  bench.send_signal(SIGTERM);
  const Finished run = bench.finish();
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out, HasSubstr("idle connections"));
  EXPECT_THAT(run.err, HasSubstr("No space left on device"));
  disk_->make_room();
  check_that_it_goes_on(1);
}

TEST_F(BenchDisk, MakesItsDirectoryAgainWhenThatIsRemoved) {
  BackgroundBench bench = sweep();
  bench.await_trials(3);
  // In one step: a file may be written into it at this moment.
  const std::filesystem::path gone = directory_ / "gone";
  std::filesystem::rename(place_, gone);
  std::filesystem::remove_all(gone);
  const Finished run = bench.finish();
  check_that_all_is_written(run, results_path());
  EXPECT_THAT(names_in(place_), ElementsAre("results.html", "results.json"));
}

TEST_F(BenchDisk, WritesEverythingToADirectoryThatTookItsPlace) {
  BackgroundBench bench = sweep();
  bench.await_trials(3);
  const std::filesystem::path aside = directory_ / "aside";
  std::filesystem::rename(place_, aside);
  std::filesystem::create_directory(place_);
  const Finished run = bench.finish();
  check_that_all_is_written(run, results_path());
  // What had been written before is left alone.
  EXPECT_GE(read_results(aside / "results.json").trials.size(), 2U);
}

TEST_F(BenchDisk, KeepsWhatItHasWhenAFileTakesThePlaceOfItsDirectory) {
  BackgroundBench bench = sweep();
  bench.await_trials(3);
  const std::filesystem::path aside = directory_ / "aside";
  std::ofstream(aside) << "in the way";
  // In one step: bench makes its directory anew when it finds none.
  check(::renameat2(AT_FDCWD, place_.c_str(), AT_FDCWD, aside.c_str(), RENAME_EXCHANGE),
        "renameat2");
  const Finished run = bench.finish();
  check_that_it_told(run, "Not a directory");
  EXPECT_EQ(file_text(place_), "in the way");
  std::filesystem::remove(place_);
  std::filesystem::rename(aside, place_);
  check_that_it_goes_on(2);
}

TEST_F(BenchDisk, TellsThatItsTableCouldNotBePrinted) {
  const FileDescriptor full(check(::open("/dev/full", O_WRONLY | O_CLOEXEC), "open /dev/full"));
  const Pipe err = make_pipe();
  Program bench({"bench", "--backends", "epoll_lt", "--idle", "0", "--duration", "50ms",
                 "--repetitions", "1", "-o", results_path().string()},
                {.in = -1, .out = full.get(), .err = err.write_end.get()});
  EXPECT_EQ(bench.wait(), 1);
  EXPECT_THAT(read_results(results_path()).trials, SizeIs(1));
}

// Root could put a file in the place of /dev/null.
TEST_F(BenchDisk, LeavesAPipeAPipe) {
  ASSERT_EQ(::mkfifo(place_.c_str(), 0600), 0);
  const FileDescriptor reader(check(::open(place_.c_str(), O_RDWR | O_CLOEXEC), "open the pipe"));
  write_whole_file(place_, "whole", "results");
  EXPECT_TRUE(std::filesystem::is_fifo(place_));
  std::array<char, 16> text{};
  EXPECT_EQ(::read(reader.get(), text.data(), text.size()), 5);
  EXPECT_THAT(names_in(directory_.path()), ElementsAre("place"));
}

TEST_F(BenchDisk, LeavesALinkALink) {
  std::filesystem::create_symlink("elsewhere", place_);
  write_whole_file(place_, "whole", "results");
  EXPECT_TRUE(std::filesystem::is_symlink(place_));
  EXPECT_EQ(file_text(directory_ / "elsewhere"), "whole");
  EXPECT_THAT(names_in(directory_.path()), ElementsAre("elsewhere", "place"));
}

// A result that can't be written whole leaves the one before as it was.
TEST_F(BenchSmallDisk, SwarmKeepsAnEarlierResult) {
  ServerProcess server(serve_command(ECHOMUX_PROGRAM, "epoll_lt"));
  const std::string output = (place_ / "swarm.txt").string();
  const std::vector<std::string> swarm{
      "swarm", server.endpoint().to_string(), "-d", "100ms", "--warmup", "0", "--force", "-o",
      output};
  EXPECT_EQ(run_program(swarm).status, 0);
  const std::string before = file_text(output);
  EXPECT_FALSE(before.empty());
  disk_->fill();
  const Finished run = run_program(swarm);
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("cannot write the result to " + output),
                             HasSubstr("No space left on device")));
  EXPECT_EQ(file_text(output), before);
  EXPECT_THAT(names_in(place_), ElementsAre("filler", "swarm.txt"));
}

}  // namespace
}  // namespace echomux
