// What nobody can mean is refused before anything is done, with a sentence that says what is wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.hpp"
#include "tests/support/program.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Options, and what each must not be.
struct Mistakes {
  std::vector<std::string> command;
  std::vector<std::vector<std::string>> further;
  std::vector<std::string> said{};  // of each
};

std::vector<Mistakes> all_mistakes() {
  const std::string long_name(70, 'x');
  const std::string nobodys = "127.0.0.1:1";
  const std::string odd_port = "epoll_lt=echo {port}";
  return {
      {{}, {{}, {"sevre"}, {"--sevre"}, {"serve"}, {"client"}, {"swarm"}, {"reproduce"}}},
      {{"list"}, {{"--yaml"}}},
      {{"doctor"}, {{"--format", "xml"}}},
      {{"serve", "epoll_lt"},
       {{"--port", "65536"},
        {"--port", "-1"},
        {"--port", "seven"},
        {"--port"},
        {"--port", "010"},
        {"--port", "0x10"},
        {"--port", "+7"},
        {"--port", " 7"}}},
      {{"bench", "--seed"},
       {{"-1"},
        {"18446744073709551616"},
        {"99999999999999999999"},
        {"0x10"},
        {"010"},
        {"+5"},
        {""}},
       {"--seed"}},
      {{"bench", "--backends", "none", "--server"},
       {{"x=srv {port} *"}, {"x=srv {port} # no"}, {"x=srv {port} [a]"}, {"x=(srv {port})"}},
       {"is for a shell"}},
      {{"bench", "--server"}, {{"floor=srv {port}"}, {"threaded=srv {port}"}}, {"the suite's own"}},
      {{"bench", "--server"},
       {{"a\nb=srv {port}"}, {"\x1b[31mx=srv {port}"}},
       {"control characters"}},
      {{"swarm"}, {{"[::1]"}}, {"has no port"}},
      {{"swarm"}, {{"127.0.0.1:17070:3"}, {"tcp:127.0.0.1:17070"}}, {"more than one colon"}},
      {{"swarm"}, {{"ws://127.0.0.1:17070/x"}}, {"has a path"}},
      {{"serve", "epoll_lt", "--port", "0"}, {{"--stats", "xml"}, {"--host", long_name}}},
      {{"serve", "select", "--port", "0"}, {{"--select-limit", "1"}}},
      {{"serve", "poll", "--port", "0", "--idle-timeout"},
       {{"0"}, {"-1s"}, {"9ms"}, {"25h"}, {"soon"}, {"2 s"}, {""}},
       {"--idle-timeout"}},
      {{"serve", "poll", "--port", "0", "--max-connections"},
       {{"0"}, {"-1"}, {"2.5"}, {"many"}, {""}},
       {"--max-connections"}},
      {{"client"}, {{"127.0.0.1:0"}, {"127.0.0.1:seven"}, {long_name + ":7777"}}},
      {{"client"}, {{"127.0.0.1"}}, {"HOST:PORT"}},
      {{"client"}, {{"::1:7777"}}, {"[::1]:7777"}},
      {{"swarm"}, {{"127.0.0.1"}}},
      {{"swarm", nobodys},
       {{"-c", "0"},
        {"-c", "many"},
        {"-R", "-5"},
        {"-d", "10 parsecs"},
        {"--size", "2m"},
        {"--size", "0"},
        {"-t", "8", "-c", "2"},
        {"--reconnect", "--pipeline", "2"},
        {"--source-ip", "::1"},
        {"--arrivals", "bursty"},
        {"--format", "xml"}}},
      {{"bench", "--backends", "epol"}, {{}}, {"'epol'", "epoll_lt"}},
      {{"bench", "--backends", "epoll_lt:2"}, {{}}, {"epoll_lt has no workers"}},
      {{"bench", "--backends"}, {{"floor:2"}, {"go:2"}, {"eighth:2"}}, {"has no workers"}},
      {{"bench", "--backends", "nosuch:2"}, {{}}, {"unknown server 'nosuch'"}},
      {{"bench", "--backends", "reuseport:2", "--workers", "3"}, {{}}, {"says its own number"}},
      {{"bench", "--backends"},
       {{"reuseport:0"}, {"reuseport:x"}, {"reuseport:9999"}},
       {"reuseport:"}},
      {{"bench", "--workers", "2", "--backends", "poll"}, {{}}, {"none of these servers has any"}},
      {{"bench", "--server-cpus", "8000"}, {{}}, {"may not use CPU 8000"}},
      {{"bench", "--server-cpus", "0", "--no-pin"}, {{}}, {"choose one"}},
      {{"serve", "epoll_lt", "--processes", "2"}, {{}}, {"has no --processes"}},
      {{"bench", "--idle", "10q"}, {{}}, {"'10q' is not a whole number"}},
      {{"bench", "--duration"}, {{"-1"}}},
      {{"bench"},
       {{"--threads", "20"}, {"--reconnect", "--pipeline", "2"}, {"--source-ip", "::1"}}},
      {{"bench", "--server"},
       {{"mine"}, {"mine="}, {"=echo {port}"}, {"mine=echo '{port}"}, {odd_port}}},
      // What only a shell could do.
      {{"bench", "--server"}, {{"mine=PORT={port} ./mine"}}, {"'PORT='", "env PORT={port}"}},
      {{"bench", "--server"},
       {{"mine=./mine {port} > log"},
        {"mine=./mine {port} &"},
        {"mine=./mine {port} 2>/dev/null"},
        {"mine=~/mine {port}"},
        {"mine=$HOME/mine {port}"},
        {"mine=cd x && ./mine {port}"}},
       {"sh -c"}},
      // A thousand, as some write it.
      {{"bench", "--idle"}, {{"1,000"}, {"1_000"}, {"1e3"}, {"007"}}, {"is not a whole number"}},
      {{"bench", "--rate"}, {{"1,000"}, {"1_000"}}, {"is not a rate"}},
      // The page would take the place of the results.
      {{"bench", "-o", "out.html"}, {{}}, {"out.json"}},
      {{"compare"}, {{"only-one.json"}}},
      {{"reproduce"}, {{"no-such-figure"}}, {"no figure 'no-such-figure'"}},
      {{"reproduce", "all", "-o"}, {{""}}},
      {{"report"}, {{}}},
      {{"draw"}, {{}}},
      {{"print"}, {{"html"}}},
  };
}

TEST(CommandLine, RefusesWhatItDoesNotUnderstand) {
  for (const Mistakes& mistakes : all_mistakes()) {
    for (const std::vector<std::string>& further : mistakes.further) {
      std::vector<std::string> arguments = mistakes.command;
      arguments.insert(arguments.end(), further.begin(), further.end());
      SCOPED_TRACE(::testing::PrintToString(arguments));
      const Finished run = run_program(arguments);
      EXPECT_EQ(run.status, exit_usage);
      EXPECT_THAT(run.err, Not(IsEmpty()));
      EXPECT_THAT(run.out, IsEmpty());
      for (const std::string& words : mistakes.said) EXPECT_THAT(run.err, HasSubstr(words));
    }
  }
}

}  // namespace
}  // namespace echomux
