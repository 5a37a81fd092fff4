// What a student meets: the client at a terminal, the notebook of predictions, the doctor's tools.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "cli/command.hpp"
#include "harness/server/server_process.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/program.hpp"
#include "tests/support/sample_results.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// The client with all that a person sees and types at one terminal, where what is typed shows.
class ClientAtATerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/dev/pts/ptmx", F_OK) != 0) GTEST_SKIP() << "no /dev/pts is mounted here";
    terminal_ = open_terminal();
  }

  void connect(const ServerProcess& server) {
    client_.emplace(
        std::vector<std::string>{"client", server.endpoint().to_string()},
        Streams{.in = terminal_.terminal.get(), .out = terminal_.terminal.get(), .err = -1});
  }

  // Types a line, which the terminal itself shows first.
  void type(const std::string& line) {
    ASSERT_EQ(::write(terminal_.keyboard.get(), (line + "\n").data(), line.size() + 1),
              static_cast<ssize_t>(line.size() + 1));
    ASSERT_EQ(next_line(), line + "\r\n");
  }
  [[nodiscard]] std::string next_line() const { return read_line(terminal_.keyboard.get()); }
  int wait() { return client_->wait(); }

 private:
  Terminal terminal_;
  std::optional<Program> client_;
};

TEST_F(ClientAtATerminal, MarksEachAnswerWithItsTime) {
  const ServerProcess server(serve_command(ECHOMUX_PROGRAM, "epoll_lt", {}));
  connect(server);
  for (const std::string line : {"hi", "", "two words"}) {
    type(line);
    EXPECT_THAT(next_line(), MatchesRegex("< " + line + "  [0-9.]+ m?s\r\n"));
  }
  type("q");
  EXPECT_EQ(wait(), exit_ok);
}

TEST_F(ClientAtATerminal, SaysThatThereIsNoAnswerYet) {
  const ServerProcess server(serve_command(ECHOMUX_PROGRAM, "blocking", {}));
  std::optional<Peer> first(server.endpoint());
  EXPECT_EQ(first->exchange("x"), "x");
  connect(server);
  type("hi");
  EXPECT_EQ(next_line(), "(no answer yet)\r\n");
  type("q");
  EXPECT_THAT(next_line(), HasSubstr("Ctrl-C leaves now"));
  first.reset();
  EXPECT_THAT(next_line(), MatchesRegex("< hi  [0-9.]+ s\r\n"));
  EXPECT_EQ(wait(), exit_ok);
}

class Predict : public ::testing::Test {
 protected:
  [[nodiscard]] Finished predict(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "predict");
    arguments.insert(arguments.end(), {"--file", notebook()});
    return run_program(arguments);
  }
  [[nodiscard]] std::string notebook() const { return (directory_ / "mine.json").string(); }
  [[nodiscard]] const TemporaryDirectory& directory() const { return directory_; }

 private:
  TemporaryDirectory directory_;
};

TEST_F(Predict, KeepsWhatWasExpectedBesideWhatWasMeasured) {
  const std::string figure = "poll/1000/scanned_per_request";
  const Finished kept = predict({figure, "about 500, or so"});
  EXPECT_EQ(kept.status, exit_ok);
  EXPECT_THAT(kept.err, HasSubstr("kept in " + notebook()));
  EXPECT_EQ(predict({"second", "no answer"}).status, exit_ok);
  EXPECT_THAT(predict({"--show"}).out, ContainsRegex("poll/1000.*about 500, or so +-\n"));

  EXPECT_EQ(predict({"second", "--saw", "none"}).status, exit_ok);
  Results results;
  add_cell(results, "poll", 1000, 1,
           [](Trial& trial) { trial = measured_trial("poll", 100, 1'010'000); });
  const std::string file = (directory() / "results.json").string();
  write_results(file, results);
  const std::string row = "about 500, or so +[0-9.]+ .1000 requests/s.\n";
  EXPECT_THAT(predict({"--show", "--results", file}).out,
              AllOf(ContainsRegex(row), ContainsRegex("second .*no answer +none\n")));
  EXPECT_THAT(predict({"--show"}).out, ContainsRegex(row));
  EXPECT_THAT(predict({"--show", "--format", "markdown"}).out, HasSubstr("| no answer | none |"));
}

TEST_F(Predict, ChangesNothingThatIsWritten) {
  EXPECT_EQ(predict({"second", "no answer"}).status, exit_ok);
  EXPECT_EQ(predict({"second", "--saw", "none"}).status, exit_ok);
  EXPECT_THAT(predict({"second", "I knew it"}).err, HasSubstr("was measured before"));
  EXPECT_THAT(predict({"--show"}).out, ContainsRegex("no answer +none\n.*I knew it +-\n"));
  EXPECT_EQ(predict({"second", "--saw", "one"}).status, exit_ok);
  const Finished again = predict({"second", "--saw", "two"});
  EXPECT_EQ(again.status, exit_usage);
  EXPECT_THAT(again.err, HasSubstr("has an answer already: one"));
}

TEST_F(Predict, SaysWhatItCanNotTake) {
  EXPECT_EQ(predict({}).status, exit_usage);
  EXPECT_THAT(predict({"second"}).err, HasSubstr("what you expect"));
  EXPECT_THAT(predict({"poll/1000", "x"}).err, HasSubstr("SERVER/IDLE/FIGURE"));
  EXPECT_THAT(predict({"poll/many/busy_share", "x"}).err, HasSubstr("many"));
  EXPECT_THAT(predict({"poll/1/speed", "x"}).err, HasSubstr("no metric 'speed'"));
  EXPECT_THAT(predict({"second", "--saw", "x"}).err, HasSubstr("nothing was predicted"));
  EXPECT_THAT(predict({"--show"}).err, HasSubstr("holds no prediction yet"));
  EXPECT_FALSE(std::filesystem::exists(notebook()));
  std::ofstream(notebook()) << "words";
  const Finished broken = predict({"second", "x"});
  EXPECT_EQ(broken.status, exit_failure);
  EXPECT_THAT(broken.err, HasSubstr("is no file of predictions"));
  EXPECT_EQ(file_text(notebook()), "words");
}

TEST(Doctor, NamesTheToolsOfTheCourseThatAreMissing) {
  const TemporaryDirectory folder;
  std::ofstream(folder / "top") << "#!/bin/sh\n";
  std::filesystem::permissions(folder / "top", std::filesystem::perms::owner_all);
  const Finished doctor = run_program({"PATH=" + folder.path().string(), ECHOMUX_PROGRAM, "doctor"},
                                      {}, "/usr/bin/env");
  EXPECT_EQ(doctor.status, exit_ok);
  EXPECT_THAT(doctor.out, AllOf(ContainsRegex("\ntop +yes "), ContainsRegex("\nstrace +no ")));
  EXPECT_THAT(doctor.out, ContainsRegex("\n-> .*apt-get install .*strace.*\n"));
}

}  // namespace
}  // namespace echomux
