// Where what the program prints and writes goes: nothing is lost or written over in silence.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "cli/command.hpp"
#include "echo/socket.hpp"
#include "echo/system_call.hpp"
#include "harness/machine/listeners.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/text_width.hpp"
#include "harness/text/whole_file.hpp"
#include "tests/support/odd.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Runs a line of a shell, in which $E is the program.
Captured shell(const std::string& line, int stream = STDERR_FILENO) {
  return run_and_capture(
      {.arguments = {"sh", "-c", "E=" + std::string(ECHOMUX_PROGRAM) + "; " + line}}, stream,
      patience);
}

TEST(StandardStreams, TellWhenTheyAreFull) {
  for (const std::string command : {"list", "doctor", "claims --list", "reproduce list", "--help",
                                    "bench --help", "--version"}) {
    const Captured full = shell("$E " + command + " > /dev/full");
    EXPECT_EQ(full.end.exit_status, exit_failure) << command;
    EXPECT_THAT(full.text, HasSubstr("No space left on device")) << command;
  }
}

TEST(StandardStreams, TellAtTheEndOfServeWhenTheyAreFull) {
  const FileDescriptor full(check(::open("/dev/full", O_WRONLY | O_CLOEXEC), "open /dev/full"));
  Pipe err = make_pipe();
  Program serve({"serve", "epoll_lt", "--port", "0"},
                {.in = -1, .out = full.get(), .err = err.write_end.get()});
  err.write_end.reset();
  ASSERT_TRUE(eventually(patience, [&] {
    const Sockets own = sockets_of({serve.pid()});
    return std::ranges::any_of(listeners().value_or(std::vector<Listener>()),
                               [&](const Listener& one) { return own.inodes.contains(one.inode); });
  }));
  serve.send_signal(SIGTERM);
  EXPECT_EQ(serve.wait(), exit_failure);
  EXPECT_THAT(read_all(err.read_end.get()), HasSubstr("No space left on device"));
}

TEST(StandardStreams, AreNobodyElsesWhenTheyWereClosed) {
  const ServerProcess server(odd("plain"));
  const std::string address = server.endpoint().to_string();
  EXPECT_EQ(shell("$E list >&-").end.exit_status, exit_failure);
  // Its socket must not become its stdout: it would send itself the echo without end.
  const Captured client = shell("echo hello | $E client " + address + " >&-");
  EXPECT_EQ(client.end.exit_status, exit_failure);
  EXPECT_THAT(client.text, HasSubstr("write to stdout"));
  EXPECT_EQ(shell("$E client " + address + " <&-").end.exit_status, exit_ok);
  EXPECT_EQ(shell("$E list >/dev/null 2>&-", STDOUT_FILENO).end.exit_status, exit_ok);
}

TEST(StandardStreams, AreWrittenToTheirEndsThoughTheyDoNotBlock) {
  Pipe pipe = make_pipe();
  set_nonblocking(pipe.write_end.get());
  ::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, 4096);
  Program list({"print", "schema"}, {.in = -1, .out = pipe.write_end.get(), .err = -1});
  pipe.write_end.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // so that the pipe is full
  const std::string text = read_all(pipe.read_end.get());
  EXPECT_EQ(list.wait(), exit_ok);
  EXPECT_EQ(text, run_program({"print", "schema"}).out);
}

TEST(Client, GivesUpOnAServerThatNeverEndsItsSide) {
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const std::string address = local_endpoint(listener.get()).to_string();
  const Finished run = run_program({"client", address}, "hello");
  EXPECT_EQ(run.status, exit_failure);
  EXPECT_THAT(run.err, HasSubstr("0 of 5 bytes came back"));
}

class Output : public ::testing::Test {
 protected:
  [[nodiscard]] std::string place(const std::string& name) const {
    return (directory_ / name).string();
  }
  static std::vector<std::string> bench(const std::string& output,
                                        const std::vector<std::string>& further = {}) {
    std::vector<std::string> arguments{
        "bench",      "--backends", "epoll_lt", "--idle",      "0",  "--repetitions", "1",
        "--duration", "60ms",       "--no-pin", "--let-sleep", "-o", output};
    arguments.insert(arguments.end(), further.begin(), further.end());
    return arguments;
  }
  TemporaryDirectory directory_;
};

TEST_F(Output, IsNeverWrittenOverUnlessToldTo) {
  const ServerProcess server(odd("plain"));
  const std::vector<std::string> swarm{"swarm",    server.endpoint().to_string(),
                                       "-d",       "50ms",
                                       "--warmup", "0",
                                       "-o",       place("swarm.txt"),
                                       "--hgrm",   place("swarm.hgrm")};
  for (const auto& [command, file] :
       {std::pair{bench(place("run.json")), place("run.json")},
        std::pair{swarm, place("swarm.txt")},
        std::pair{std::vector<std::string>{"report", place("run.json"), "-o", place("page.html")},
                  place("page.html")},
        std::pair{
            std::vector<std::string>{"claims", "short-read-is-drained", "-o", place("claims.json")},
            place("claims.json")}}) {
    SCOPED_TRACE(command.front());
    EXPECT_EQ(run_program(command).status, exit_ok);
    const std::string first = file_text(file);
    EXPECT_THAT(first, Not(IsEmpty()));
    const Finished again = run_program(command);
    EXPECT_EQ(again.status, exit_usage);
    EXPECT_THAT(again.err, AllOf(HasSubstr("is there already"), HasSubstr("--force")));
    EXPECT_EQ(file_text(file), first);
    std::vector<std::string> forced = command;
    forced.emplace_back("--force");
    EXPECT_EQ(run_program(forced).status, exit_ok);
  }
  // The page of another run counts, too.
  std::filesystem::remove(place("run.json"));
  EXPECT_EQ(run_program(bench(place("run.json"))).status, exit_usage);
  EXPECT_EQ(run_program(bench(place("run.json"), {"--no-report"})).status, exit_ok);
}

TEST_F(Output, WaitsForNobodyToReadFromAPipe) {
  const std::string pipe = place("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const Finished run = run_program(bench(pipe));
  EXPECT_EQ(run.status, exit_failure);
  EXPECT_THAT(run.err, HasSubstr("nobody reads from this pipe"));
  const ServerProcess server(odd("plain"));
  const Finished swarm =
      run_program({"swarm", server.endpoint().to_string(), "-d", "50ms", "-o", pipe});
  EXPECT_EQ(swarm.status, exit_failure);
  EXPECT_THAT(swarm.err, HasSubstr("nobody reads from this pipe"));
  // One who reads gets all of it.
  const FileDescriptor reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const std::vector<std::string> to_pipe{"swarm", server.endpoint().to_string(), "-d", "50ms", "-o",
                                         pipe};
  EXPECT_EQ(run_program(to_pipe).status, exit_ok);
  EXPECT_THAT(read_all(reader.get()), HasSubstr("verdict"));
}

TEST_F(Output, IsNoStreamOfTheRunsOwn) {
  const std::string command =
      "$E bench --backends epoll_lt --idle 0 --repetitions 1 --duration "
      "60ms --no-report -o ";
  EXPECT_EQ(shell(command + "/dev/stdout > " + place("out")).end.exit_status, exit_usage);
  EXPECT_EQ(shell(command + "- > " + place("out")).end.exit_status, exit_usage);
  EXPECT_EQ(shell("cd " + directory_.path().string() + " && $E claims short-read-is-drained -o -")
                .end.exit_status,
            exit_usage);
  EXPECT_EQ(file_text(place("-")), "");
}

TEST_F(Output, IsOneFileForEachThingThatIsWritten) {
  const ServerProcess server(odd("plain"));
  std::filesystem::create_symlink(directory_.path(), directory_ / "link");
  for (const std::string other : {"same", "./same", "link/same", "link/./same"}) {
    const Captured ran = shell("cd " + directory_.path().string() + " && $E swarm " +
                               server.endpoint().to_string() + " -d 50ms -o same --hgrm " + other);
    EXPECT_EQ(ran.end.exit_status, exit_usage) << other;
  }
}

// Whatever this run may do with a file, another that writes it comes first.
TEST_F(Output, LeavesAFileToTheRunThatWritesIt) {
  const std::string file = place("run.json");
  EXPECT_EQ(run_program(bench(file)).status, exit_ok);
  std::vector<std::string> resume{"bench", "--resume", file};
  std::vector<std::string> longer = bench(file, {"--force", "--fresh"});
  longer[std::ranges::find(longer, "60ms") - longer.begin()] = "20s";
  Program running(longer, {.in = -1, .out = -1, .err = -1});
  ASSERT_TRUE(eventually(patience, [&] { return is_held(file); }));
  for (const std::vector<std::string>& command : {bench(file, {"--force"}), bench(file), resume}) {
    const Finished run = run_program(command);
    EXPECT_EQ(run.status, exit_usage) << run.err;
    EXPECT_THAT(run.err, HasSubstr("another run's"));
  }
  running.send_signal(SIGINT);
  EXPECT_EQ(running.wait(), exit_interrupted);
  EXPECT_EQ(run_program(bench(file, {"--force"})).status, exit_ok);
}

TEST_F(Output, LeavesANameToTheRunThatHoldsIt) {
  const std::string file = place("held.json");
  const FileDescriptor held(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  const Finished run = run_program(bench(file));
  EXPECT_EQ(run.status, exit_usage);
  EXPECT_THAT(run.err, HasSubstr("another run's"));
  EXPECT_THAT(file_text(file), IsEmpty());
}

TEST_F(Output, SaysWhichFolderItMakes) {
  const Finished run = run_program(bench(place("new/folder/run.json"), {"--no-report"}));
  EXPECT_EQ(run.status, exit_ok);
  EXPECT_THAT(run.err, HasSubstr("made the folder " + place("new/folder")));
}

TEST_F(Output, OfSwarmIsLookedAtBeforeTheLoad) {
  const Finished run = run_program({"swarm", "127.0.0.1:1", "-o", "/proc/nowhere/result"});
  EXPECT_EQ(run.status, exit_failure);
  EXPECT_THAT(run.err, HasSubstr("cannot write the result to /proc/nowhere/result"));
}

// A line of progress that is longer than the terminal would leave a part of it behind.
TEST_F(Output, KeepsItsProgressWithinTheTerminal) {
  constexpr unsigned short columns = 40;
  Terminal terminal = open_terminal();
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  check(::ioctl(terminal.terminal.get(), TIOCSWINSZ, &size), "TIOCSWINSZ");
  std::vector<std::string> arguments = bench(place("run.json"), {"--no-report"});
  arguments[2] = "none";
  arguments.insert(arguments.end(),
                   {"--server", "ein sehr langer Name 漢字漢字漢字漢字漢字漢字漢字=" +
                                    std::string(ODD_SERVER) + " {port} plain"});
  Program program(arguments, {.in = -1, .out = -1, .err = terminal.terminal.get()});
  EXPECT_EQ(program.wait(), exit_ok);
  set_nonblocking(terminal.keyboard.get());
  std::string text(65'536, '\0');
  text.resize(static_cast<std::size_t>(
      check(::read(terminal.keyboard.get(), text.data(), text.size()), "read the terminal")));
  std::size_t shown = 0;
  for (std::size_t at = 0; (at = text.find("\r\x1b[K", at)) != std::string::npos; at += 4) {
    const std::size_t end = text.find_first_of("\r\n", at + 4);
    if (end == std::string::npos || text.compare(end, 3, "\r\x1b[") != 0) continue;  // it stays
    const std::string line = text.substr(at + 4, end - at - 4);
    EXPECT_LT(display_width(line), columns) << line;
    ++shown;
  }
  EXPECT_GT(shown, 1U) << text;
}

}  // namespace
}  // namespace echomux
