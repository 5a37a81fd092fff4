// What does the client itself cost? The swarm and wrk take turns as whole processes, on one CPU,
// against one server on the other: CPU time of the process, from start to end, per request. And, in
// the same rounds, how long 19,000 connections take to be opened and confirmed.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "harness/bench/ratio_program.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/json.hpp"

namespace {

using namespace echomux;
using namespace echomux::ratio_program;

struct Finished {
  std::string out;
  double cpu_us = 0;
};

// Runs a program to its end; its stderr is discarded.
Finished run(std::vector<std::string> arguments) {
  const std::string name = arguments.at(0);
  const Captured ran =
      run_and_capture({.arguments = std::move(arguments)}, STDOUT_FILENO, std::chrono::minutes(2));
  if (ran.end.exit_status != 0) {
    throw std::runtime_error(fmt::format("{} failed; is it installed?", name));
  }
  return {ran.text, std::chrono::duration<double, std::micro>(ran.end.cpu_time).count()};
}

std::vector<std::string> swarm_command(const Endpoint& server, std::vector<std::string> further) {
  std::vector<std::string> command{floor_program().parent_path() / "echomux", "swarm",
                                   server.to_string(), "--format", "json"};
  command.insert(command.end(), further.begin(), further.end());
  return command;
}

double swarm_cost(const Endpoint& server) {
  const Finished swarm =
      run(swarm_command(server, {"-c", "50", "-d", "1s", "--warmup", "0", "--size", "64"}));
  return swarm.cpu_us / Json::parse(swarm.out).at("requests").get<double>();
}

double wrk_cost(const Endpoint& server, const std::string& script) {
  const Finished wrk = run(
      {"wrk", "-t1", "-c50", "-d1s", "-s", script, fmt::format("http://{}/", server.to_string())});
  const std::size_t at = wrk.out.find(" requests in ");
  const std::size_t begin = at == std::string::npos ? at : wrk.out.rfind('\n', at) + 1;
  if (at == std::string::npos) throw std::runtime_error("wrk said: " + wrk.out);
  if (wrk.out.find("Non-2xx") != std::string::npos || wrk.out.find("errors") != std::string::npos) {
    throw std::runtime_error("wrk met errors: " + wrk.out);
  }
  return wrk.cpu_us / std::strtod(wrk.out.c_str() + begin, nullptr);
}

double seconds_to_open(const Endpoint& server) {
  const Finished swarm = run(swarm_command(
      server, {"--idle", "18999", "-c", "1", "-R", "1k", "-d", "50ms", "--warmup", "0"}));
  const auto json = Json::parse(swarm.out);
  if (json.at("connections").at("idle_held") != 18'999) throw std::runtime_error("some were lost");
  return json.at("connections").at("open_ms").get<double>() / 1000;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: client_cost SCRIPT    with benchmarks/wrk_echo.lua for SCRIPT\n";
    return 2;
  }
  prepare(
      "CPU of the client per request, 50 connections, closed loop, 64 bytes: swarm against wrk");
  for (const char* const name : {"floor", "epoll_lt"}) {
    ServerProcess server(server_command(name));
    const std::vector<std::string> clients{"swarm", "wrk", "open"};
    const Figures figures = paired_rounds(11, clients, [&](const std::string& client) {
      if (client == "open") return seconds_to_open(server.endpoint());
      return client == "swarm" ? swarm_cost(server.endpoint())
                               : wrk_cost(server.endpoint(), argv[1]);
    });
    std::cout << "  against " << name << '\n';
    report_figures(figures, {"swarm", "wrk"}, "us of CPU per request");
    report_ratio("swarm / wrk", ratios(figures, "swarm", "wrk"), Bound::at_most, 0.75);
    report_ratio("seconds until 19,000 are open and confirmed", figures.at("open"), Bound::at_most,
                 2);
  }
}
