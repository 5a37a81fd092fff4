// The program as its users meet it: arguments, output, exit status.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "echo/server_stats.hpp"
#include "echo/system_call.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/json.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/connection.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/program.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

TEST(CommandLine, ListsEveryBackendWithItsSummary) {
  const Finished list = run_program({"list"});
  EXPECT_EQ(list.status, exit_ok);
  for (const Backend& backend : all_backends()) {
    EXPECT_THAT(list.out, HasSubstr(std::string(backend.name)));
    EXPECT_THAT(list.out, HasSubstr(std::string(backend.summary)));
  }
}

TEST(CommandLine, ListsEveryBackendAsJson) {
  const Finished list = run_program({"list", "--json"});
  EXPECT_EQ(list.status, exit_ok);
  const Json json = Json::parse(list.out);
  ASSERT_EQ(json.size(), all_backends().size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const Backend& backend = all_backends()[i];
    EXPECT_EQ(json[i].at("name"), backend.name);
    EXPECT_EQ(json[i].at("summary"), backend.summary);
    EXPECT_EQ(json[i].at("limit"), backend.limit);
    EXPECT_EQ(json[i].at("never_sleeps"), backend.never_sleeps);
    EXPECT_EQ(json[i].at("max_connections").is_null(), !backend.max_connections.has_value());
    if (backend.max_connections) {
      EXPECT_EQ(json[i].at("max_connections"), *backend.max_connections);
    }
  }
}

TEST(CommandLine, DoctorTellsWhatEveryBackendCanCarryHere) {
  const Finished doctor = run_program({"doctor"});
  EXPECT_EQ(doctor.status, exit_ok);
  EXPECT_THAT(doctor.err, IsEmpty());
  for (const Backend& backend : all_backends()) {
    EXPECT_THAT(doctor.out, HasSubstr("\n" + std::string(backend.name) + " "));
  }
}

TEST(CommandLine, DoctorsJsonAgreesWithTheSystem) {
  const Finished doctor = run_program({"doctor", "--format", "json"});
  EXPECT_EQ(doctor.status, exit_ok);
  const Json json = Json::parse(doctor.out);
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  if (descriptors.rlim_max != RLIM_INFINITY) {
    EXPECT_EQ(json.at("machine").at("limits").at("descriptors_hard"), descriptors.rlim_max);
  }
  ASSERT_EQ(json.at("backends").size(), all_backends().size());
  for (std::size_t i = 0; i < all_backends().size(); ++i) {
    const Json& row = json.at("backends")[i];
    EXPECT_EQ(row.at("backend"), all_backends()[i].name);
    const auto connections = row.at("max_connections").get<std::uint64_t>();
    EXPECT_LT(connections, descriptors.rlim_max);
    if (all_backends()[i].max_connections) {
      EXPECT_LE(connections, *all_backends()[i].max_connections);
    }
  }
  for (const Json& observation : json.at("observations")) {
    EXPECT_THAT(observation.at("level").get<std::string>(), MatchesRegex("ok|note|limit"));
    EXPECT_THAT(observation.at("sentence").get<std::string>(), Not(IsEmpty()));
  }
}

TEST(CommandLine, HasAllSevenBackends) {
  for (const char* const name :
       {"blocking", "threaded", "busy_poll", "select", "poll", "epoll_lt", "epoll_et"}) {
    EXPECT_NE(find_backend(name), nullptr) << name;
  }
  EXPECT_EQ(find_backend("epoll"), nullptr);
  EXPECT_EQ(find_backend(""), nullptr);
}

TEST(CommandLine, NamesTheBackendsWhenOneIsUnknown) {
  const Finished serve = run_program({"serve", "kqueue", "--port", "0"});
  EXPECT_EQ(serve.status, exit_usage);
  EXPECT_THAT(serve.out, IsEmpty());
  EXPECT_THAT(serve.err, HasSubstr("kqueue"));
  for (const Backend& backend : all_backends()) {
    EXPECT_THAT(serve.err, HasSubstr(std::string(backend.name)));
  }
}

TEST(CommandLine, ReproduceMeasuresNothingThatItCannotWrite) {
  // A device is no directory, not even for root; nothing is measured before that is known.
  const Finished unwritable = run_program({"reproduce", "all", "-o", "/dev/null/figures"});
  EXPECT_EQ(unwritable.status, exit_failure);
  EXPECT_THAT(unwritable.out, IsEmpty());
  EXPECT_THAT(unwritable.err,
              StartsWith("echomux: cannot write the figures to /dev/null/figures/"));
  EXPECT_THAT(unwritable.err, HasSubstr("choose another place with -o"));
}

TEST(CommandLine, ReproduceCanBeInterrupted) {
  PipedProgram program({"reproduce", "libevent-1-active"});
  EXPECT_THAT(read_line(program.err()), StartsWith("figure 1 of 1 (about "));
  program.send_signal(SIGINT);
  EXPECT_EQ(program.wait(), exit_interrupted);
}

TEST(CommandLine, Helps) {
  const Finished all = run_program({"--help"});
  EXPECT_EQ(all.status, exit_ok);
  EXPECT_THAT(all.err, IsEmpty());
  for (const std::string command : {"list", "serve", "client"}) {
    EXPECT_THAT(all.out, HasSubstr(command));
    const Finished one = run_program({command, "--help"});
    EXPECT_EQ(one.status, exit_ok) << command;
    EXPECT_THAT(one.out, HasSubstr("--help"));
  }
  const std::string serve = run_program({"serve", "--help"}).out;
  for (const std::string& name : backend_names()) EXPECT_THAT(serve, HasSubstr(name));
}

TEST(CommandLine, TellsItsVersion) {
  const Finished version = run_program({"--version"});
  EXPECT_EQ(version.status, exit_ok);
  EXPECT_THAT(
      version.out,
      MatchesRegex("echomux [0-9]+\\.[0-9]+\\.[0-9]+ \\(commit (unknown|[0-9a-f]+(-dirty)?), "
                   "code [0-9a-f]+, [A-Za-z]*, package .+\\)\n"));
}

ServerCommand serve_any(const std::vector<std::string>& options = {}) {
  return serve_command(ECHOMUX_PROGRAM, any_backend, options);
}

TEST(Serve, SaysWhereItListens) {
  for (const Backend& backend : all_backends()) {
    const std::string name(backend.name);
    PipedProgram serve({"serve", name, "--port", "0"});
    const std::string line = read_line(serve.out());
    const std::string start = "echomux: " + name + " listening on ";
    ASSERT_THAT(line, StartsWith(start + "127.0.0.1:"));
    const std::string where = line.substr(start.size(), line.size() - start.size() - 1);
    EXPECT_EQ(Peer(parse_endpoint(where)).exchange("x"), "x");
    serve.send_signal(SIGTERM);
    EXPECT_EQ(serve.wait(promptly), exit_ok);
  }
}

TEST(Serve, ListensOnThePortAskedFor) {
  // A port that has just been free; that another program takes it meanwhile is possible, but not
  // several times in a row.
  for (int attempt = 0; attempt < 5; ++attempt) {
    const std::uint16_t port = local_endpoint(local_listener().get()).port();
    const PipedProgram serve({"serve", any_backend, "--port", std::to_string(port)});
    std::string line;
    try {
      line = read_line(serve.out());
    } catch (const std::runtime_error&) {
      continue;
    }
    EXPECT_THAT(line, HasSubstr("127.0.0.1:" + std::to_string(port) + "\n"));
    return;
  }
  FAIL() << "no port could be listened on";
}

TEST(Serve, SaysWhatToDoWhenThePortIsTaken) {
  const FileDescriptor listener = local_listener();
  const std::string port = std::to_string(local_endpoint(listener.get()).port());
  const Finished serve = run_program({"serve", any_backend, "--port", port});
  EXPECT_EQ(serve.status, exit_failure);
  EXPECT_THAT(serve.err, HasSubstr("127.0.0.1:" + port + " is taken"));
  EXPECT_THAT(serve.err, HasSubstr("--port 0"));
  EXPECT_THAT(serve.out, IsEmpty());
}

TEST(Serve, PrintsItsCountersAsOneJsonObjectWhenItStops) {
  ServerProcess server(serve_any({"--stats", "json"}));
  EXPECT_EQ(Peer(server.endpoint()).exchange("hello"), "hello");
  EXPECT_TRUE(eventually(patience, [&] { return server.counters().value().at("closed") == 1; }));
  EXPECT_EQ(server.stop().exit_status, exit_ok);
  const Json json = Json::parse(server.output());
  EXPECT_EQ(json.at("backend"), any_backend);
  for (const CounterField& field : counter_fields) {
    EXPECT_TRUE(json.at(std::string(field.name)).is_number_unsigned()) << field.name;
  }
  EXPECT_EQ(json.at("bytes_sent"), 5);
  EXPECT_EQ(json.size(), counter_fields.size() + 1);
}

TEST(Serve, PrintsItsCountersAsTextWhenItStops) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, std::vector<std::string>{"--stats", "text"}}) {
    ServerProcess server(serve_any(options));
    EXPECT_EQ(Peer(server.endpoint()).exchange("hello"), "hello");
    EXPECT_EQ(server.stop().exit_status, exit_ok);
    const std::string output = server.output();
    EXPECT_THAT(output, StartsWith("echomux: " + std::string(any_backend) + " stopped\n"));
    EXPECT_THAT(output, ::testing::ContainsRegex("\n  bytes_sent +5\n"));
    for (const CounterField& field : counter_fields) {
      EXPECT_THAT(output, HasSubstr("\n  " + std::string(field.name) + " "));
    }
  }
}

TEST(Serve, StopsThoughNobodyReadsItsOutput) {
  for (const bool closed : {true, false}) {
    Pipe out = make_pipe();
    const int capacity = check(::fcntl(out.write_end.get(), F_SETPIPE_SZ, 4096), "F_SETPIPE_SZ");
    Program serve({"serve", any_backend, "--port", "0"},
                  {.in = -1, .out = out.write_end.get(), .err = STDERR_FILENO});
    static_cast<void>(read_line(out.read_end.get()));
    if (closed) {
      out = {};
    } else {
      const std::string filling(static_cast<std::size_t>(capacity), '.');
      ASSERT_EQ(::write(out.write_end.get(), filling.data(), filling.size()), capacity);
    }
    serve.send_signal(SIGUSR1);
    serve.send_signal(SIGTERM);
    EXPECT_EQ(serve.wait(promptly), exit_ok) << closed;
  }
}

std::string address_of(const ServerProcess& server) {
  return server.endpoint().to_string();
}

TEST(Client, CarriesEveryByteOfAPipe) {
  const ServerProcess server(serve_any());
  // To a person "q" means to quit; in a pipe it is data.
  const std::string input = make_data(3'000'000, 13) + "\nq\n" + make_data(1'000'000, 14);
  const Finished client = run_program({"client", address_of(server)}, input);
  EXPECT_EQ(client.status, exit_ok);
  EXPECT_TRUE(same_bytes(client.out, input));
  EXPECT_THAT(client.err, IsEmpty());
}

TEST(Client, CarriesShortInputs) {
  const ServerProcess server(serve_any());
  for (const std::string input : {"", "q\n", "no end of line"}) {
    const Finished client = run_program({"client", address_of(server)}, input);
    EXPECT_EQ(client.status, exit_ok);
    EXPECT_EQ(client.out, input);
  }
}

TEST(Client, TalksWithAPersonUntilQ) {
  if (::access("/dev/pts/ptmx", F_OK) != 0) GTEST_SKIP() << "no /dev/pts is mounted here";
  const ServerProcess server(serve_any());
  const Terminal terminal = open_terminal();
  PipedProgram client({"client", address_of(server)}, terminal.terminal.get());
  EXPECT_THAT(read_line(client.err()), HasSubstr("q quits"));
  for (const std::string line : {"Hello\n", "Hi\n", "quit\n", "\n"}) {
    const auto length = static_cast<ssize_t>(line.size());
    ASSERT_EQ(::write(terminal.keyboard.get(), line.data(), line.size()), length);
    EXPECT_EQ(read_line(client.out()), line);
  }
  ASSERT_EQ(::write(terminal.keyboard.get(), "q\n", 2), 2);
  EXPECT_EQ(read_all(client.out()), "");
  EXPECT_EQ(client.wait(), exit_ok);
}

TEST(Client, QuitsAtAPersonsEndOfInput) {
  if (::access("/dev/pts/ptmx", F_OK) != 0) GTEST_SKIP() << "no /dev/pts is mounted here";
  const ServerProcess server(serve_any());
  const Terminal terminal = open_terminal();
  PipedProgram client({"client", address_of(server)}, terminal.terminal.get());
  // Ctrl-D, the terminal's default for the end of input.
  ASSERT_EQ(::write(terminal.keyboard.get(), "bye\n\x04", 5), 5);
  EXPECT_EQ(read_all(client.out()), "bye\n");
  EXPECT_EQ(client.wait(), exit_ok);
}

TEST(Client, SaysThatNobodyListens) {
  // Bound but not listening: nobody else can take the port, and connections are refused.
  const Endpoint any = resolve("127.0.0.1", 0);
  const FileDescriptor socket(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  check(::bind(socket.get(), any.raw(), any.length), "bind");
  const std::string address = local_endpoint(socket.get()).to_string();
  const Finished client = run_program({"client", address});
  EXPECT_EQ(client.status, exit_failure);
  EXPECT_THAT(client.err, HasSubstr("cannot connect to " + address));
  EXPECT_THAT(client.err, HasSubstr("echomux serve"));
}

TEST(Client, FailsWhenTheServerLeavesBeforeAllIsEchoed) {
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const std::jthread rude_server([fd = listener.get()] {
    const FileDescriptor peer(::accept(fd, nullptr, nullptr));
    std::array<char, 5> request{};
    static_cast<void>(::recv(peer.get(), request.data(), request.size(), MSG_WAITALL));
  });
  const std::string address = local_endpoint(listener.get()).to_string();
  const Finished client = run_program({"client", address}, "hello");
  EXPECT_EQ(client.status, exit_failure);
  EXPECT_THAT(client.err, HasSubstr("0 of 5 bytes"));
}

}  // namespace
}  // namespace echomux
