#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "echo/socket.hpp"
#include "harness/text/field.hpp"

namespace echomux {

class Json;

// When the messages of an open loop are due.
enum class Arrivals : std::uint8_t {
  uniform,  // message k at start + k / rate
  poisson,  // independently of each other, as from many users who know nothing of one another
};
[[nodiscard]] std::string_view to_string(Arrivals arrivals) noexcept;

// What messages are made of.
enum class Payload : std::uint8_t {
  text,    // each is one line, and ends with '\n': servers that echo line by line answer, too
  binary,  // any bytes
};
[[nodiscard]] std::string_view to_string(Payload payload) noexcept;

// One of several shares of a load, which clients on several hosts or in several processes put on
// together.
struct Part {
  static constexpr std::size_t most = 100'000;
  std::size_t index = 0;  // counts from zero
  std::size_t count = 1;

  // "2/3" is the second of three.
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Part&, const Part&) = default;
};

// How many of `total` things, dealt out in turn to `count`, the one at `index` gets.
[[nodiscard]] constexpr std::size_t share_of(std::size_t total, std::size_t index,
                                             std::size_t count) noexcept {
  return total / count + (index < total % count ? 1 : 0);
}

// What can be asked of a server.
struct Load {
  std::size_t idle_connections = 0;     // opened, confirmed by one echo each, then silent
  std::size_t active_connections = 10;  // exchange messages
  std::size_t message_bytes = 64;
  Payload payload = Payload::text;
  std::size_t pipeline = 1;  // messages that an active connection has outstanding at most
  // In all, over the active connections: messages are due when the schedule says so, whatever the
  // server does (open loop). Zero: each connection sends as soon as an echo is back (closed loop).
  double requests_per_second = 0;
  Arrivals arrivals = Arrivals::uniform;
  std::uint64_t seed = 1;  // of random arrivals
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(200);
  std::chrono::nanoseconds duration = std::chrono::seconds(1);
  // An answer that takes longer counts as timed out. With no progress for this long the server
  // counts as starving its peers, and the run ends.
  std::chrono::nanoseconds timeout = std::chrono::seconds(2);
  std::size_t threads = 1;            // that share the connections between them
  double connections_per_second = 0;  // opened at most this fast; zero: as fast as they confirm
  // The addresses to connect from, in turn, any port. None: the system's choice, and further
  // addresses of the loopback network when one has no ports left.
  std::vector<Endpoint> sources;
  bool confirm_idle = true;  // false: an idle connection counts once the kernel has connected it
  bool reconnect = false;    // a new connection for every message, one outstanding at most
  // All figures here are the whole load's. A client puts on its part alone: connections are
  // numbered over all parts and dealt out to them in turn, and each keeps the schedule that it has
  // in the whole. So all parts together are the same arrival process as the whole in one client.
  Part part;

  [[nodiscard]] std::size_t connections() const noexcept {
    return idle_connections + active_connections;
  }
  // The part's own.
  [[nodiscard]] std::size_t own_idle() const noexcept {
    return share_of(idle_connections, part.index, part.count);
  }
  [[nodiscard]] std::size_t own_active() const noexcept {
    return share_of(active_connections, part.index, part.count);
  }
};

// How a field of a load is asked for with swarm's options, and said of a load.
struct Asked {
  // Of a count, which may be any where there are none, or of a time in nanoseconds.
  struct Bounds {
    constexpr Bounds() = default;
    constexpr Bounds(std::int64_t from, std::int64_t to) : least(from), most(to) {}
    constexpr Bounds(std::chrono::nanoseconds from, std::chrono::nanoseconds to)
        : least(from.count()), most(to.count()) {}
    std::int64_t least = 0;
    std::int64_t most = 0;
  };
  std::string_view option;  // its names, as in Option::names
  std::string_view help;
  Bounds bounds = {};
  // What is said of a load where it isn't as it is by default, with "{}" for its value.
  std::string_view words = {};
};
struct LoadField : Field {
  Asked asked;
};

// One that bench has too, for all of its trials.
struct AskedOfBench {
  std::string_view option;
  std::string_view help;
  std::string_view name;  // in the JSON of a plan
  int since = 2;          // the schema_version from which on it is there
};
struct TrialField : LoadField {
  AskedOfBench of_bench;
};

// The order is that of help, JSON and CSV alike. Where two runs differ in a field that has a title,
// a comparison says so.
template <typename Visit>
void for_each_field(Of<Load>, Visit visit) {
  using namespace std::chrono_literals;
  constexpr std::int64_t most = 1'000'000;
  visit(
      LoadField{
          {"idle"},
          {"--idle", "Connections held open that do nothing", {0, most}, "beside {} idle ones"}},
      &Load::idle_connections);
  visit(TrialField{{{.name = "connections", .title = "active connections"},
                    {"-c,--connections", "Active connections", {1, most}}},
                   {"--active", "Active connections (default: 10)", "active_connections"}},
        &Load::active_connections);
  visit(LoadField{{"rate"},
                  {"-R,--rate",
                   "Requests per second in all, sent when they are due whatever the server does "
                   "(open loop); 0: as fast as answers come (closed loop)"}},
        &Load::requests_per_second);
  visit(TrialField{{{"arrivals"},
                    {"--arrivals", "When the messages of an open loop are due", {}, "{} arrivals"}},
                   {"--arrivals", "When the messages of an open loop are due", "arrivals", 3}},
        &Load::arrivals);
  visit(TrialField{{{.name = "size", .title = "message bytes"},
                    {"--size", "Bytes per message, 1 to 1048576", {1, 1'048'576}}},
                   {"--size", "Bytes per message (default: 64)", "message_bytes"}},
        &Load::message_bytes);
  visit(TrialField{{{.name = "payload", .title = "payload"},
                    {"--payload",
                     "Of messages: text is a line each, which servers that go by lines echo, too; "
                     "binary is any bytes",
                     {},
                     "{} payload"}},
                   {"--payload", "Of messages: a line of text each, or any bytes (default: text)",
                    "payload", 4}},
        &Load::payload);
  visit(TrialField{{{"pipeline"},
                    {"--pipeline",
                     "Messages outstanding per connection at most",
                     {1, 10'000},
                     "{} messages outstanding per connection"}},
                   {"--pipeline", "Messages outstanding per connection at most", "pipeline", 3}},
        &Load::pipeline);
  visit(
      TrialField{
          {{"reconnect"},
           {"--reconnect", "A new connection per request", {}, "a new connection per request"}},
          {"--reconnect", "A new connection per request", "reconnect", 3}},
      &Load::reconnect);
  visit(LoadField{{"confirm_idle"},
                  {"!--no-confirm", "Don't have idle connections confirmed by one echo each"}},
        &Load::confirm_idle);
  visit(TrialField{{{"threads"}, {"-t,--threads", "Client threads", {1, 256}}},
                   {"--threads", "Client threads (default: 1)", "threads", 3}},
        &Load::threads);
  visit(TrialField{{{"connect_rate"},
                    {"--connect-rate",
                     "Connections opened per second at most; 0: as fast as the server takes them"}},
                   {"--connect-rate",
                    "Connections opened per second at most (default: as the server takes them)",
                    "connect_rate", 3}},
        &Load::connections_per_second);
  visit(TrialField{{{"source_ips"},
                    {"--source-ip", "Address to connect from; repeat it for more, used in turn"}},
                   {"--source-ip", "Address to connect from; repeat it for more, used in turn",
                    "source_ips", 3}},
        &Load::sources);
  visit(TrialField{{{.name = "duration_seconds", .title = "seconds measured per trial"},
                    {"-d,--duration", "How long to measure", {10ms, 24h}}},
                   {"--duration", "Time measured per trial", "duration_seconds"}},
        &Load::duration);
  visit(TrialField{{{"warmup_seconds"}, {"--warmup", "Load before that", {0ms, 1h}}},
                   {"--warmup", "Time under load before that", "warmup_seconds"}},
        &Load::warmup);
  visit(TrialField{{{"timeout_seconds"},
                    {"--timeout",
                     "Later answers count as timed out; without any for this long the run ends",
                     {1ms, 1h}}},
                   {"--timeout", "Without any answer for this long a server starves its peers",
                    "timeout_seconds"}},
        &Load::timeout);
  visit(LoadField{{"seed"}, {"--seed", "Of random arrivals"}}, &Load::seed);
  visit(LoadField{{"part"},
                  {"--part",
                   "I/N: put on the I-th of N equal shares of this load; others put on the rest at "
                   "the same time",
                   {},
                   "part {} of it from here"}},
        &Load::part);
}

// Reads what Endpoint::to_string() says of an address to connect from, whose port is 0. Throws
// std::invalid_argument.
void read_text(const std::string& text, Endpoint& source);
// Reads what Part::to_string() says. Throws std::invalid_argument, with a sentence for the user.
void read_text(const std::string& text, Part& part);

// One object with every field, times in seconds.
[[nodiscard]] Json to_json(const Load& load);

// "10 active connections exchange 64-byte messages for 1 s after 0.2 s of warm-up", and what else
// isn't as it is by default: ", 4 messages outstanding per connection".
[[nodiscard]] std::string load_in_words(const Load& load);

}  // namespace echomux
