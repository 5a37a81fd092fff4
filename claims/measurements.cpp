#include "claims/measurements.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "claims/rules.hpp"
#include "echo/system_call.hpp"
#include "harness/bench/rounds.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"

namespace echomux::claims {
namespace {

// One way of loading a server.
struct Asked {
  std::string_view suffix = {};  // of the observations' names
  std::size_t active = 10;
  double rate = 0;  // requests per second in all; zero: each asks again as soon as it is answered
  std::size_t peers = 0;  // silent connections
  std::size_t bytes = 64;
  bool reconnect = false;
  int duration_ms = 100;
};

// One measurement: each contender under each load, in rounds in turn.
struct Row {
  std::string_view name;
  std::string_view contenders;
  std::string_view metrics;
  std::vector<Asked> loads;
  std::size_t how_often = rounds;
};

// The large messages are more than the socket buffers take: the server must wait for room.
constexpr std::size_t large = std::size_t{4} << 20;
constexpr std::size_t medium = std::size_t{64} << 10;
// So many silent connections stay open from round to round, to a server that goes on.
constexpr std::size_t crowd = 100;

const std::vector<Row>& table() {
  static const std::vector<Row> rows{
      {"idle",
       "select poll epoll_lt threaded",
       "cpu_us",
       {{.suffix = "_none", .rate = 1000},
        {.suffix = "_few", .rate = 1000, .peers = crowd},
        {.suffix = "_many", .rate = 1000, .peers = 1000}}},
      {"reconnect",
       "epoll_lt threaded",
       "cpu_us",
       {{.suffix = "_lasting"},
        {.suffix = "_anew", .reconnect = true},
        {.suffix = "_lasting_64k", .bytes = medium},
        {.suffix = "_anew_64k", .bytes = medium, .reconnect = true}}},
      {"active",
       "select poll epoll_lt",
       "cpu_us ready",
       {{.suffix = "_at_once", .active = 500},
        {.suffix = "_now_and_then", .active = 500, .rate = 1000}}},
      {"edges",
       "epoll_lt epoll_et",
       "cpu_us calls",
       {{.suffix = "_small"},
        {.suffix = "_large", .active = 4, .bytes = large, .duration_ms = 200}},
       15},
      {"coroutines", "epoll_lt coroutines", "cpu_us", {{.active = 50}}, 21},
      {"frames", "epoll_lt coroutines", "bytes", {{.peers = 2000}}},
      {"silence", "busy_poll epoll_lt", "idle_share cpu_us p50_us", {{.peers = 10}}},
      {"handing_over", "epoll_lt reactor_workers", "cpu_us", {Asked{}}, 11},
      {"libraries", "floor libev libuv asio libevent", "cpu_us", {{.active = 50}}, 11},
  };
  return rows;
}

const Row& row_named(std::string_view name) {
  const auto found = std::ranges::find(table(), name, &Row::name);
  if (found == table().end()) throw std::logic_error("no measurement " + std::string(name));
  return *found;
}

std::string in_words(const Asked& asked) {
  std::string out = fmt::format("{} active", reader_number(asked.active));
  if (asked.rate > 0) out += fmt::format(" with {} requests/s", reader_number(asked.rate));
  out += fmt::format(", {}", asked.bytes >= large    ? "4 MiB"
                             : asked.bytes == medium ? "64 KiB"
                                                     : "64 bytes");
  if (asked.reconnect) out += ", a connection for each message";
  if (asked.peers > 0) out += fmt::format(", beside {} idle", reader_number(asked.peers));
  return out;
}

// The share that a server uses of the CPU it can have, in a tenth of a second in which nobody sends
// anything. While it waits for other programs to leave the CPU to it, it can have none.
double idle_share(const ServerProcess& server) {
  const auto reading = [&] { return read_process_tree(server.pid()).value_or(ProcessReading{}); };
  const auto begin = std::chrono::steady_clock::now();
  const ProcessReading before = reading();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const ProcessReading after = reading();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  const std::chrono::duration<double> used = after.cpu - before.cpu;
  const std::chrono::duration<double> waited = after.run_queue_delay - before.run_queue_delay;
  return used / std::max(time - waited, std::chrono::duration<double>(0.001));
}

struct Metric {
  std::string_view name;
  std::string_view words;
  double (*of)(const Measurement& measured);
};

double counted(const Measurement& measured, std::initializer_list<const char*> counters) {
  double sum = 0;
  for (const char* const counter : counters) {
    sum += measured.complete_cost().counted_per_request(counter);
  }
  return sum;
}

constexpr std::array metrics{
    Metric{"idle_share", "share of a CPU, nobody sends,", nullptr},
    Metric{"cpu_us", "CPU per request",
           [](const Measurement& one) { return one.complete_cost().cpu_us_per_request; }},
    Metric{"calls", "system calls per request",
           [](const Measurement& one) {
             return counted(one, {"waits", "recv_calls", "send_calls", "interest_changes"});
           }},
    Metric{
        "ready", "descriptors ready at a wait",
        [](const Measurement& one) { return counted(one, {"events"}) / counted(one, {"waits"}); }},
    Metric{"p50_us", "median latency",
           [](const Measurement& one) { return to_us(one.result.latency.percentile(50)); }},
    Metric{"bytes", "resident memory per connection",
           [](const Measurement& one) {
             const auto& each = one.complete_cost().resident_bytes_per_connection;
             if (!each) throw std::runtime_error("too few connections to divide memory by");
             return *each;
           }},
};

// A server under one of the loads. One with a crowd of silent peers goes on from round to round.
struct Place {
  std::string server;
  const Asked* asked;
  std::unique_ptr<ServerProcess> standing = {};
  std::map<std::string_view, std::vector<double>> values = {};
};

// One round of a place: all metrics of the row.
void measure_place(const Bench& bench, const Row& row, Place& place) {
  Load load = short_load(place.asked->active);
  load.requests_per_second = place.asked->rate;
  load.message_bytes = place.asked->bytes;
  load.reconnect = place.asked->reconnect;
  load.duration = std::chrono::milliseconds(place.asked->duration_ms);
  const bool memory = row.metrics == "bytes";
  if (memory) load.idle_connections = bench.as_many_as_possible(place.asked->peers, 1);
  std::unique_ptr<ServerProcess> fresh;
  if (!place.standing) fresh = std::make_unique<ServerProcess>(bench.command(place.server));
  ServerProcess& server = place.standing ? *place.standing : *fresh;
  IdlePeers silent;
  if (fresh && !memory) silent.open(server.endpoint(), place.asked->peers);
  const auto wanted = proc::words(row.metrics);
  const double share = wanted.front() == "idle_share" ? idle_share(server) : 0;
  const Measurement measured = measure(server, load);
  for (const Metric& metric : metrics) {
    if (std::ranges::find(wanted, metric.name) == wanted.end()) continue;
    place.values[metric.name].push_back(metric.of != nullptr ? metric.of(measured) : share);
  }
}

// Measures a row of the table: all that is compared between servers is measured here.
void measure_row(const Row& row, Context& context, Evidence& seen) {
  const Bench bench(context);
  std::vector<Place> places;
  IdlePeers idle;
  for (const std::string_view server : proc::words(row.contenders)) {
    // What isn't built here can't be measured; the claim's rules say what follows.
    if (!std::filesystem::exists(bench.command(server).arguments.front())) continue;
    for (const Asked& asked : row.loads) {
      Place& place = places.emplace_back(Place{std::string(server), &asked});
      if (asked.peers < crowd || row.metrics == "bytes") continue;
      place.standing = std::make_unique<ServerProcess>(bench.command(server));
      // This process holds one end of each, to four servers.
      idle.open(place.standing->endpoint(), bench.as_many_as_possible(asked.peers, 10));
    }
  }
  bench.in_turn(
      places.size(),
      [&](std::size_t i) {
        context.progress(fmt::format("{}, {}", places[i].server, in_words(*places[i].asked)));
        measure_place(bench, row, places[i]);
      },
      row.how_often);
  for (const Place& place : places) {
    const std::string of = fmt::format("{}, {}", place.server, in_words(*place.asked));
    for (const auto& [metric, values] : place.values) {
      const std::string_view what = std::ranges::find(metrics, metric, &Metric::name)->words;
      seen.measure(fmt::format("{}_{}{}", metric, place.server, place.asked->suffix),
                   fmt::format("{} of {}", what, of), values);
    }
  }
}

}  // namespace

Bench::Bench(const Context& context)
    : context_(context),
      descriptors_(raise_descriptor_limit()),
      cpus_(plan_cpus(true, true)),
      awake_(cpus_.usable),
      on_client_cpu_(cpus_.client) {}

ServerCommand Bench::command(std::string_view backend) const {
  const std::filesystem::path peer = backend == "floor" ? floor_program() : peer_program(backend);
  const bool ours = row_named("libraries").contenders.find(backend) == std::string_view::npos;
  ServerCommand command =
      ours ? serve_command(context_.program, backend)
           : ServerCommand{.arguments = {peer, "{port}"}, .echoes_all_bytes = true};
  command.cpus = cpus_.server;
  return command;
}

std::size_t Bench::as_many_as_possible(std::size_t wanted, std::size_t ends) const noexcept {
  constexpr std::uint64_t spare = 128;
  const std::uint64_t left = descriptors_ > spare ? descriptors_ - spare : 0;
  return std::min<std::size_t>(wanted, left / ends);
}

Load short_load(std::size_t active_connections) {
  Load load;
  load.active_connections = active_connections;
  load.warmup = std::chrono::milliseconds(20);
  load.duration = std::chrono::milliseconds(100);
  return load;
}

void Bench::in_turn(std::size_t contenders, const std::function<void(std::size_t)>& measure,
                    std::size_t how_often) const {
  run_rounds(
      contenders, how_often, [&](std::size_t contender, std::size_t) { measure(contender); },
      context_.stop);
  if (context_.stop.stop_requested()) throw std::runtime_error("it was interrupted");
}

void IdlePeers::open(const Endpoint& server, std::size_t count) {
  constexpr std::size_t most_at_once = 64;  // few enough for any backlog
  const std::size_t end = sockets_.size() + count;
  for (std::size_t next = sockets_.size(); next < end; ++next) {
    char byte = 'x';
    while (sockets_.size() < std::min(end, next + most_at_once)) {
      const FileDescriptor& socket = sockets_.emplace_back(
          check(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
      set_time_limit(socket.get(), std::chrono::seconds(5));
      check(::connect(socket.get(), server.raw(), server.length), "connect");
      check(::send(socket.get(), &byte, 1, MSG_NOSIGNAL), "send");
    }
    if (check(::recv(sockets_[next].get(), &byte, 1, 0), "recv") == 1) continue;
    throw std::runtime_error("the server ended a connection that was to stay idle");
  }
}

void measure_in_turn(const Bench& bench, const std::vector<Contender>& contenders, Evidence& seen,
                     std::size_t how_often) {
  std::vector<std::vector<double>> values(contenders.size());
  bench.in_turn(
      contenders.size(), [&](std::size_t i) { values[i].push_back(contenders[i].value()); },
      how_often);
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    seen.measure(contenders[i].name, contenders[i].what, values[i]);
  }
}

const Evidence& shared_measurement(Context& context, std::string_view name,
                                   const std::function<void(Evidence& seen)>& measure) {
  const auto found = context.shared.find(name);
  if (found != context.shared.end()) return found->second;
  Evidence seen;
  measure(seen);
  return context.shared.emplace(name, std::move(seen)).first->second;
}

void measure_for(const Claim& claim, Context& context, Evidence& seen) {
  for (const std::string_view name : proc::words(claim.measures)) {
    const Evidence& shared = shared_measurement(context, name, [&](Evidence& fresh) {
      if (name == "waits") return measure_waits(context, fresh);
      if (name == "memory") return measure_memory(context, fresh);
      measure_row(row_named(name), context, fresh);
    });
    for (const std::string& shown : names_shown(claim)) {
      if (!shared.has(shown) || seen.has(shown)) continue;
      seen.measure(shown, shared.find(shown).what, shared.find(shown).values);
    }
  }
}

std::string measurements_in_words(const Claim& claim) {
  std::string out;
  for (const std::string_view name : proc::words(claim.measures)) {
    const auto row = std::ranges::find(table(), name, &Row::name);
    if (row == table().end()) continue;
    out += fmt::format(". In {} rounds in turn:", row->how_often);
    std::string_view separator = " ";
    for (const Asked& asked : row->loads) {
      out += fmt::format("{}{}", separator, in_words(asked));
      separator = "; ";
    }
  }
  return out;
}

}  // namespace echomux::claims
