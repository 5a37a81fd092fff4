#include "cli/load_options.hpp"

namespace echomux {

using namespace std::chrono_literals;

std::vector<Option> load_options(Load& load) {
  constexpr std::size_t most_connections = 1'000'000;
  return {
      {"--idle", "Connections held open that do nothing",
       Count{&load.idle_connections, 0, most_connections}},
      {"-c,--connections", "Active connections",
       Count{&load.active_connections, 1, most_connections}},
      {"-R,--rate",
       "Requests per second in all, sent when they are due whatever the server does (open loop); "
       "0: as fast as answers come (closed loop)",
       Rate{&load.requests_per_second}},
      {"-d,--duration", "How long to measure", Duration{&load.duration, 10ms, 24h}},
      {"--warmup", "Load before that", Duration{&load.warmup, 0ms, 1h}},
      {"-t,--threads", "Client threads", Count{&load.threads, 1, 256}},
      {"--size", "Bytes per message, 1 to 1048576", Count{&load.message_bytes, 1, 1'048'576}},
      {"--pipeline", "Messages outstanding per connection at most",
       Count{&load.pipeline, 1, 10'000}},
      {"--arrivals", "When the messages of an open loop are due",
       one_of(Words{[&load](const std::string& word) { load.arrivals = arrivals_from(word); },
                    std::string(to_string(load.arrivals))},
              {"uniform", "poisson"})},
      {"--seed", "Of random arrivals", &load.seed},
      {"--reconnect", "A new connection per request", &load.reconnect},
      {"--timeout", "Later answers count as timed out; without any for this long the run ends",
       Duration{&load.timeout, 1ms, 1h}},
      {"--connect-rate",
       "Connections opened per second at most; 0: as fast as the server takes them",
       Rate{&load.connections_per_second}},
      {"--source-ip", "Address to connect from; repeat it for more, used in turn",
       repeated(
           Words{[&load](const std::string& word) { load.sources.push_back(resolve(word, 0)); }})},
      {"!--no-confirm", "Don't have idle connections confirmed by one echo each",
       &load.confirm_idle}};
}

}  // namespace echomux
