#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "cli/command.hpp"
#include "harness/load/hdr_format.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/json.hpp"
#include "tests/support/network_namespace.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

ServerCommand odd_server(const std::string& mode) {
  return {.arguments = {ODD_SERVER, "{port}", mode}};
}

// Runs `echomux swarm` with a short load on an echo server that does what `mode` says.
class SwarmCommand : public ::testing::Test {
 protected:
  Finished swarm(const std::string& mode, const std::vector<std::string>& further) {
    const ServerProcess server(odd_server(mode));
    return swarm_at(server, further);
  }

  static Finished swarm_at(const ServerProcess& server, const std::vector<std::string>& further) {
    std::vector<std::string> arguments{"swarm", server.endpoint().to_string(), "--warmup", "50ms"};
    for (const auto& [option, value] : {std::pair{"-c", "4"}, {"-d", "300ms"}}) {
      if (std::ranges::find(further, option) != further.end()) continue;
      arguments.insert(arguments.end(), {option, value});
    }
    arguments.insert(arguments.end(), further.begin(), further.end());
    return run_program(arguments);
  }

  // The JSON of a run, and its exit status in `status_`.
  Json swarm_json(const std::string& mode, std::vector<std::string> further) {
    further.insert(further.end(), {"--format", "json"});
    const Finished run = swarm(mode, further);
    status_ = run.status;
    err_ = run.err;
    return Json::parse(run.out);
  }

  int status_ = -1;
  std::string err_;
};

TEST_F(SwarmCommand, HoldsIdleConnectionsUntilItsInputEnds) {
  const Finished text = swarm("plain", {"--idle", "50", "--hold"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("all open: 50 connections are held until"),
                              HasSubstr("50 of 50 idle held")));
  const Finished json = swarm("plain", {"--idle", "50", "--hold", "--format", "json"});
  ASSERT_THAT(json.out, StartsWith("all open\n{"));
  const Json report = Json::parse(json.out.substr(json.out.find('{')));
  EXPECT_EQ(report.at("connections").at("idle_held"), 50);
  EXPECT_EQ(report.at("verdict"), "valid");
  EXPECT_EQ(swarm("refuse", {"--idle", "50", "--hold"}).status, 1);
  EXPECT_EQ(swarm("plain", {"--hold"}).status, 2);
}

// The rest of a day is long.
TEST_F(SwarmCommand, EndsWhileItWaitsForItsStart) {
  const ServerProcess server(odd_server("plain"));
  const auto soon = std::chrono::system_clock::now() + std::chrono::hours(2);
  PipedProgram swarm({"swarm", server.endpoint().to_string(), "--start-at",
                      std::to_string(std::chrono::system_clock::to_time_t(soon))});
  EXPECT_THAT(read_line(swarm.err()), HasSubstr("waiting: the load begins in"));
  swarm.send_signal(SIGINT);
  EXPECT_EQ(swarm.wait(), exit_interrupted);
}

TEST_F(SwarmCommand, BeginsWhenItIsTold) {
  const ServerProcess server(odd_server("plain"));
  const auto soon = std::chrono::system_clock::now() + std::chrono::seconds(2);
  const double start = std::chrono::duration<double>(soon.time_since_epoch()).count();
  const Finished run = swarm_at(server, {"--start-at", std::to_string(start), "--format", "json"});
  EXPECT_EQ(run.status, exit_ok) << run.err;
  const Json json = Json::parse(run.out);
  // With 50 ms of warm-up before its window.
  EXPECT_NEAR(json.at("window_began_unix_s").get<double>(), start + 0.05, 0.5);
  EXPECT_GE(json.at("window_began_unix_s").get<double>(), start + 0.0499);
}

TEST_F(SwarmCommand, ReportsEveryFieldOfAnOpenLoop) {
  const Json result = swarm_json("plain", {"-R", "1k", "--idle", "30", "--size", "100"});
  EXPECT_EQ(status_, exit_ok);
  EXPECT_NEAR(result.at("requests").get<double>(), 300, 3);
  EXPECT_EQ(result.at("offered_rps"), 1000);
  EXPECT_GT(result.at("achieved_rps").get<double>(), 800);
  for (const char* const latency : {"latency_us", "latency_uncorrected_us"}) {
    double last = 0;
    for (const char* const field : {"p50", "p90", "p99", "p99_9", "p99_99", "max"}) {
      const auto value = result.at(latency).at(field).get<double>();
      EXPECT_GE(value, last) << field;
      last = value;
    }
    EXPECT_GT(result.at(latency).at("mean").get<double>(), 0);
  }
  EXPECT_GE(result.at("latency_us").at("p50").get<double>(),
            result.at("latency_uncorrected_us").at("p50").get<double>());
  const Json& connections = result.at("connections");
  EXPECT_EQ(connections.at("active"), 4);
  EXPECT_EQ(connections.at("idle_requested"), 30);
  EXPECT_EQ(connections.at("idle_held"), 30);
  EXPECT_EQ(connections.at("lost"), 0);
  for (const char* const field : {"cpu_us_per_request", "schedule_lag_us_p99", "steal_share",
                                  "run_queue_share", "longest_gap_us"}) {
    EXPECT_GE(result.at("client").at(field).get<double>(), 0) << field;
  }
  EXPECT_TRUE(result.at("verdict").is_string());
  EXPECT_TRUE(result.at("reasons").is_array());
  const LatencyHistogram decoded = from_hdr_v2(result.at("histogram_v2").get<std::string>());
  EXPECT_EQ(decoded.count(), result.at("requests").get<std::uint64_t>());
  EXPECT_NEAR(static_cast<double>(decoded.percentile(50).count()) / 1000,
              result.at("latency_us").at("p50").get<double>(), 0.5);
}

TEST_F(SwarmCommand, TakesEveryKindOfLoad) {
  for (const std::vector<std::string>& load :
       {std::vector<std::string>{},
        {"--pipeline", "8"},
        {"--pipeline", "3", "-R", "2k"},
        {"-t", "2"},
        {"-t", "3", "-R", "1k", "--idle", "7"},
        {"--arrivals", "poisson", "-R", "1k"},
        {"--reconnect"},
        {"--reconnect", "-R", "500"},
        {"--no-confirm", "--idle", "20"},
        {"--size", "1", "--payload", "binary"},
        {"--size", "1m", "-c", "1", "-d", "2s"},
        {"--size", "70000", "--pipeline", "4"},
        {"--connect-rate", "200", "--idle", "20"},
        {"--source-ip", "127.0.0.2", "--source-ip", "127.0.0.3", "--idle", "5"}}) {
    SCOPED_TRACE(::testing::PrintToString(load));
    const Json result = swarm_json("plain", load);
    EXPECT_EQ(status_, exit_ok) << err_;
    EXPECT_GT(result.at("requests").get<double>(), 0);
    EXPECT_EQ(result.at("unanswered"), 0);
    EXPECT_EQ(result.at("connections").at("lost"), 0);
    EXPECT_EQ(result.at("connections").at("idle_held"),
              result.at("connections").at("idle_requested"));
  }
}

TEST_F(SwarmCommand, OpensNoFasterThanItIsTold) {
  const Json result = swarm_json("plain", {"--connect-rate", "100", "--idle", "46"});
  // The first of 50 is opened at once, the last 490 ms later.
  EXPECT_GE(result.at("connections").at("open_ms").get<double>(), 480);
}

TEST_F(SwarmCommand, FindsWhatAServerDoesWrong) {
  struct Case {
    const char* mode;
    std::vector<std::string> load;
    const char* verdict;
    const char* reason;
  };
  for (const Case& wrong : {
           Case{"corrupt=5000", {}, "invalid", "corrupt: connection"},
           Case{"extra=640", {}, "invalid", "corrupt: connection"},
           // The last byte of the tenth message, after the two that confirmed the connection.
           Case{"short=641", {"--timeout", "300ms"}, "invalid", "short_echo: 4 connections"},
           Case{"silent", {"--timeout", "300ms"}, "starved", "starved: "},
           Case{"refuse", {}, "invalid", "refused: "},
           Case{"reset=5", {}, "invalid", "server_gone: "},
           Case{"die=50", {}, "invalid", "server_gone: "},
           Case{"accept-only=2", {"--timeout", "300ms"}, "starved", "2 of 4 active"},
           Case{"drop-idle=50",
                {"--idle", "20", "-R", "1k"},
                "invalid",
                "idle_lost: the server "
                "ended 20 of 20"},
       }) {
    SCOPED_TRACE(wrong.mode);
    const Json result = swarm_json(wrong.mode, wrong.load);
    EXPECT_EQ(status_, exit_failure);
    EXPECT_EQ(result.at("verdict"), wrong.verdict);
    EXPECT_THAT(result.at("reasons").get<std::vector<std::string>>(),
                Contains(HasSubstr(wrong.reason)));
  }
}

TEST_F(SwarmCommand, SaysWhichByteWasWrong) {
  const Json result = swarm_json("corrupt=5000", {"-c", "1"});
  EXPECT_THAT(result.at("detail").get<std::string>(),
              HasSubstr("connection 0: a wrong byte came back at offset 4999"));
}

TEST_F(SwarmCommand, KnowsWhenItIsTheLimitItself) {
  const ServerProcess server(serve_command(ECHOMUX_PROGRAM, "epoll_lt"));
  const Finished run = swarm_at(server, {"-R", "20m", "--pipeline", "100", "--format", "json"});
  const Json result = Json::parse(run.out);
  EXPECT_EQ(result.at("verdict"), "invalid");
  EXPECT_THAT(result.at("reasons").get<std::vector<std::string>>(),
              Contains(::testing::AnyOf(HasSubstr("client_overloaded"),
                                        HasSubstr("achieved_below_offered"))));
}

TEST_F(SwarmCommand, PrintsInEveryFormat) {
  const Finished text = swarm("plain", {"-R", "500"});
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("p99.99"), HasSubstr("from when it was due"), HasSubstr("verdict")));
  EXPECT_THAT(text.out, Not(HasSubstr("\x1b")));  // not a terminal
  const Finished csv = swarm("plain", {"-R", "500", "--format", "csv"});
  std::istringstream lines(csv.out);
  std::string names;
  std::string values;
  std::getline(lines, names);
  std::getline(lines, values);
  EXPECT_THAT(names, AllOf(HasSubstr("latency_us_p99"), HasSubstr("verdict")));
  EXPECT_EQ(std::ranges::count(names, ','), std::ranges::count(values, ','));
  EXPECT_FALSE(std::getline(lines, values));
  const Finished quiet = swarm("plain", {"--format", "quiet"});
  EXPECT_EQ(quiet.status, exit_ok);
  EXPECT_THAT(quiet.out + quiet.err, IsEmpty());
}

TEST_F(SwarmCommand, WritesToFiles) {
  const TemporaryDirectory directory;
  const std::string result = directory / "result.json";
  const std::string hgrm = directory / "result.hgrm";
  const Finished run =
      swarm("plain", {"-R", "500", "--format", "json", "-o", result, "--hgrm", hgrm});
  EXPECT_EQ(run.status, exit_ok) << run.err;
  EXPECT_THAT(run.out, IsEmpty());
  std::ifstream json_file(result);
  EXPECT_TRUE(Json::parse(json_file).contains("histogram_v2"));
  std::ifstream hgrm_file(hgrm);
  std::string first;
  std::getline(hgrm_file, first);
  EXPECT_THAT(first, HasSubstr("Percentile TotalCount"));
  EXPECT_EQ(swarm("plain", {"-o", "/proc/nowhere"}).status, exit_failure);
}

TEST_F(SwarmCommand, AttacksNobody) {
  // An address of the block that is kept for documentation (RFC 5737): nobody's.
  const Finished run = run_program({"swarm", "192.0.2.1:7"});
  EXPECT_EQ(run.status, exit_usage);
  EXPECT_THAT(run.err, HasSubstr("--remote"));
}

TEST_F(SwarmCommand, SaysThatNoServerIsThere) {
  // A port that was free a moment ago.
  const FileDescriptor probe = listen_on(resolve("127.0.0.1", 0));
  const std::string address = local_endpoint(probe.get()).to_string();
  ::shutdown(probe.get(), SHUT_RDWR);
  const Finished run = run_program({"swarm", address, "--format", "json"});
  EXPECT_EQ(run.status, exit_failure);
  EXPECT_THAT(run.err, HasSubstr("Connection refused"));
}

// Each connection to the same server needs a source port of its own, and this network has few.
TEST_F(SwarmCommand, SaysThatSourcePortsHaveRunOut) {
  const std::string why_not = NetworkNamespace::why_not();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  NetworkNamespace network;
  network.set("net/ipv4/ip_local_port_range", "50000 50009");
  const ServerProcess server(odd_server("plain"));
  const Finished run = swarm_at(server, {"--idle", "50", "--source-ip", "127.0.0.1"});
  EXPECT_EQ(run.status, exit_failure);
  EXPECT_THAT(run.err, HasSubstr("cannot connect to 127.0.0.1:"));
  EXPECT_THAT(run.err, HasSubstr("give it further addresses with --source-ip"));
  // Each further address has as many ports again, and nothing of the failure is left.
  std::vector<std::string> enough{"--idle", "50"};
  for (int i = 1; i <= 10; ++i) {
    enough.insert(enough.end(), {"--source-ip", "127.0.1." + std::to_string(i)});
  }
  EXPECT_EQ(swarm_at(server, enough).status, exit_ok);
}

TEST_F(SwarmCommand, IsStrictOnRequest) {
  const std::vector<std::string> hopeless{"-R", "20m", "--pipeline", "100", "--format", "quiet"};
  const ServerProcess server(odd_server("plain"));
  std::vector<std::string> strict = hopeless;
  strict.emplace_back("--strict");
  const int lenient = swarm_at(server, hopeless).status;
  const int status = swarm_at(server, strict).status;
  EXPECT_THAT(lenient, ::testing::AnyOf(exit_ok, exit_failure));
  EXPECT_THAT(status, ::testing::AnyOf(exit_not_valid, exit_failure));
}

// Where nobody listens, the system may give a client the very port that it wants to connect to.
TEST_F(SwarmCommand, IsNotItsOwnServer) {
  if (const std::string why_not = NetworkNamespace::why_not(); !why_not.empty()) {
    GTEST_SKIP() << why_not;
  }
  NetworkNamespace network;
  network.set_loopback(true);
  network.set("net/ipv4/ip_local_port_range", "40001 40001");
  const std::string nobody = "127.0.0.1:40001";
  const Finished swarm =
      run_program({"swarm", nobody, "-c", "1", "-d", "50ms", "--warmup", "0", "--format", "json"});
  EXPECT_EQ(swarm.status, exit_failure);
  EXPECT_THAT(swarm.out, HasSubstr("connected to itself"));
  const Finished client = run_program({"client", nobody}, "hello");
  EXPECT_EQ(client.status, exit_failure);
  EXPECT_THAT(client.err, HasSubstr("Connection refused"));
}

TEST_F(SwarmCommand, FindsAServerByWhatPeopleWrite) {
  const ServerProcess server(odd_server("plain"));
  const std::string port = std::to_string(server.endpoint().port());
  for (const std::string host :
       {"localhost:", "0.0.0.0:", "tcp://127.0.0.1:", "http://localhost:"}) {
    const std::string address = host + port + (host.starts_with("http") ? "/" : "");
    const Finished run = run_program({"swarm", address, "-c", "2", "-d", "50ms", "--warmup", "0"});
    EXPECT_EQ(run.status, exit_ok) << address << run.err;
    EXPECT_THAT(run.out, StartsWith("127.0.0.1:" + port)) << address;
  }
}

// In a closed loop nothing is due while the client doesn't run, so that the latencies don't tell.
TEST_F(SwarmCommand, TellsThatItStoodStill) {
  const ServerProcess server(odd_server("plain"));
  for (const std::string rate : {"0", "200"}) {
    PipedProgram swarm({"swarm", server.endpoint().to_string(), "-c", "1", "-R", rate, "-d", "6s",
                        "--warmup", "0", "--format", "json"});
    while (read_line(swarm.err()).find("running") == std::string::npos) {
    }
    swarm.send_signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    swarm.send_signal(SIGCONT);
    const Json result = Json::parse(read_all(swarm.out()));
    EXPECT_EQ(swarm.wait(), exit_ok);
    EXPECT_THAT(result.at("reasons").get<std::vector<std::string>>(),
                Contains(StartsWith("client_stood_still")))
        << rate;
  }
}

TEST_F(SwarmCommand, KeepsItsFiguresWhenInterrupted) {
  const ServerProcess server(odd_server("plain"));
  PipedProgram swarm(
      {"swarm", server.endpoint().to_string(), "-d", "1h", "--warmup", "0", "--format", "json"});
  // The first line of progress tells that the load is on.
  while (read_line(swarm.err()).find("running") == std::string::npos) {
  }
  swarm.send_signal(SIGINT);
  const Json result = Json::parse(read_all(swarm.out()));
  EXPECT_EQ(swarm.wait(), exit_interrupted);
  EXPECT_EQ(result.at("verdict"), "invalid");
  EXPECT_THAT(result.at("reasons").at(0).get<std::string>(), StartsWith("interrupted"));
  EXPECT_GT(result.at("requests").get<double>(), 0);
}

}  // namespace
}  // namespace echomux
