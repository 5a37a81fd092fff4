// The figures that were measured within one process: descriptors of its own, no server, no network.
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <functional>

#include "echo/system_call.hpp"
#include "harness/bench/rounds.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"
#include "reproduce/figures.hpp"
#include "reproduce/waits.hpp"
#include "reproduce/watched.hpp"

namespace echomux {
namespace {

using micro::EpollLtWait;
using micro::Kind;
using micro::PollWait;
using micro::SelectWait;
using micro::Watched;

constexpr std::size_t rounds = 7;
// Each value is taken over at least this much CPU time and this many operations.
constexpr std::chrono::nanoseconds least_time = std::chrono::milliseconds(15);
constexpr int least_operations = 20;

// The CPU time of one monitoring operation, in microseconds: make one random descriptor ready, wait
// until it is told, read its byte.
template <typename Wait>
double operation_us(Watched& watched, Wait& wait) {
  int operations = 0;
  const std::chrono::nanoseconds begin = thread_cpu_time();
  std::chrono::nanoseconds spent{0};
  while (operations < least_operations || spent < least_time) {
    for (int i = 0; i < least_operations; ++i, ++operations) {
      watched.make_ready(1);
      if (wait.wait(true) != 1) throw std::runtime_error("not exactly one descriptor was ready");
      watched.drain();
    }
    spent = thread_cpu_time() - begin;
  }
  return to_us(spent) / operations;
}

// Where the limit of descriptors cuts off the published number, what is nearest to it is measured
// in its place, if it is within a twentieth.
std::int64_t nearest_possible(std::int64_t wanted) {
  const std::int64_t most = micro::most_pairs();
  if (wanted <= most) return wanted;
  return static_cast<double>(most) >= 0.95 * static_cast<double>(wanted) ? most : 0;
}

std::string too_many(std::int64_t wanted) {
  const auto text = [](std::int64_t count) { return reader_number(count); };
  return fmt::format("{} pairs take {} descriptors, and {} pairs are the most here", text(wanted),
                     text(2 * wanted), text(micro::most_pairs()));
}

// One place after the other, and at each in rounds over the lines. `nearest` gives how many are
// watched for a place, or zero if that can't be. `value` is one figure, by waiting in the way of
// one line: value(watched, wait).
template <typename Value>
void measure_lines(Figure& figure, Kind kind, const std::vector<std::int64_t>& places,
                   std::int64_t (*nearest)(std::int64_t), const Value& value,
                   const FigureRun& run) {
  for (const std::int64_t place : places) {
    const auto x = static_cast<double>(place);
    const std::int64_t count = nearest(place);
    if (count == 0) {
      for (const std::string& line : figure.lines) {
        figure.measured[line].not_possible[x] = {Obstacle::machine_limit, too_many(place)};
      }
      continue;
    }
    run.progress(fmt::format("{}: {} watched", figure.id, reader_number(count)));
    Watched watched(kind, count);
    SelectWait by_select(watched);
    PollWait by_poll(watched);
    EpollLtWait by_epoll(watched);
    const auto keep = [&](const char* line, double figure_of_round) {
      figure.measured[line].rounds[x].push_back(figure_of_round);
    };
    const std::array<std::function<void()>, 3> lines{
        [&] { keep("poll", value(watched, by_poll)); },
        [&] { keep("select", value(watched, by_select)); },
        [&] { keep("epoll", value(watched, by_epoll)); }};
    run_rounds(
        lines.size(), rounds, [&](std::size_t line, std::size_t) { lines[line](); }, run.stop);
  }
}

void measure_operations(Figure& figure, Kind kind, const std::vector<std::int64_t>& places,
                        double scale, const FigureRun& run) {
  measure_lines(
      figure, kind, places, nearest_possible,
      [scale](Watched& watched, auto& wait) { return operation_us(watched, wait) * scale; }, run);
}

// --- libevent's benchmark ---

// One run: `active` bytes start out at evenly spaced pairs, and each read passes one on to the next
// pair until `passes` have been; in microseconds until all have arrived.
template <typename Wait>
double run_passing(const Watched& watched, Wait& wait, const std::vector<std::size_t>& index_of,
                   int active, int passes) {
  const std::size_t spacing = watched.size() / static_cast<std::size_t>(active);
  const auto begin = std::chrono::steady_clock::now();
  int fired = 0;
  int arrived = 0;
  for (; fired < active; ++fired) {
    const auto& writer = watched.writers()[static_cast<std::size_t>(fired) * spacing];
    check(::write(writer.get(), "e", 1), "write");
  }
  int left = passes;
  while (arrived < fired) {
    wait.wait(true);
    for (const int fd : wait.ready) {
      char byte = 0;
      check(::read(fd, &byte, 1), "read");
      ++arrived;
      if (left == 0) continue;
      --left;
      ++fired;
      const std::size_t next = (index_of[static_cast<std::size_t>(fd)] + 1) % watched.size();
      check(::write(watched.writers()[next].get(), "e", 1), "write");
    }
  }
  return to_us(std::chrono::steady_clock::now() - begin);
}

// The median of 25 runs, as the source has it, is one round's value.
template <typename Wait>
double passing_us(const Watched& watched, Wait& wait, int active) {
  constexpr int runs = 25;
  constexpr int passes = 100;
  std::vector<std::size_t> index_of(static_cast<std::size_t>(watched.end()));
  for (std::size_t i = 0; i < watched.size(); ++i) {
    index_of[static_cast<std::size_t>(watched.readers()[i].get())] = i;
  }
  std::vector<double> times;
  times.reserve(runs);
  for (int i = 0; i < runs; ++i) {
    times.push_back(run_passing(watched, wait, index_of, active, passes));
  }
  return median_interval(times).median;
}

void measure_passing(Figure& figure, const std::vector<std::int64_t>& places, int active,
                     const FigureRun& run) {
  measure_lines(
      figure, Kind::socket_pair, places,
      [](std::int64_t place) { return place <= micro::most_pairs() ? place : 0; },
      [active](const Watched& watched, auto& wait) { return passing_us(watched, wait, active); },
      run);
}

void describe_tlpi_63_9(Figure& figure) {
  figure.title = "CPU seconds for 100,000 monitoring operations, one descriptor ready in each";
  figure.source = "M. Kerrisk, The Linux Programming Interface (2010), table 63-9; Linux 2.6.25";
  figure.method = "N pipes; each operation writes a byte to a random one, waits, reads it back";
  figure.differs =
      "fewer operations per value, scaled to 100,000; select beyond FD_SETSIZE has a larger bitmap";
  figure.axis = "watched";
  figure.axis_label = "pipes watched";
  figure.published_unit = figure.measured_unit = "CPU seconds per 100,000 operations";
  figure.lines = {"poll", "select", "epoll"};
  figure.published = {{"poll", {{10, 0.61}, {100, 2.9}, {1000, 35}, {10000, 990}}},
                      {"select", {{10, 0.73}, {100, 3.0}, {1000, 35}, {10000, 930}}},
                      {"epoll", {{10, 0.41}, {100, 0.42}, {1000, 0.53}, {10000, 0.66}}}};
}

void measure_tlpi_63_9(Figure& figure, const FigureRun& run) {
  const std::int64_t last = nearest_possible(10000);
  if (last != 0 && last != 10000) {
    figure.differs += fmt::format(
        "; {} pipes instead of 10,000, because more descriptors there "
        "aren't",
        reader_number(last));
  }
  measure_operations(figure, Kind::pipe, {10, 100, 1000, 10000}, 0.1, run);
  add_slopes(figure);
  add_ratios(figure, {"poll", "select"}, "epoll", {10.0, 100.0, 1000.0, 10000.0});
  figure.shapes.push_back(compare_crossing(figure, "epoll", "select"));
}

void describe_libevent_1_active(Figure& figure) {
  figure.title = "time until a byte that is passed on 100 times has arrived, one active";
  figure.source = "libevent's test/bench.c, as published by coroio (i7-12800H)";
  figure.method = "n socket pairs in one process; median of 25 runs";
  figure.differs = "seven rounds of these; io_uring and libevent itself are not part of this suite";
  figure.axis = "watched";
  figure.axis_label = "socket pairs watched";
  figure.published_unit = figure.measured_unit = "µs";
  figure.lines = {"select", "poll", "epoll"};
  figure.published = {{"select", {{1, 74}, {1024, 1302}, {16384, 26026}, {131072, 504405}}},
                      {"poll", {{1, 61}, {1024, 1098}, {16384, 23921}, {131072, 489171}}},
                      {"epoll", {{1, 64}, {1024, 100}, {16384, 134}, {131072, 124}}}};
}

void measure_libevent_1_active(Figure& figure, const FigureRun& run) {
  measure_passing(figure, {1, 1024, 8192, 16384, 131072}, 1, run);
  add_slopes(figure);
  add_ratios(figure, {"select", "poll"}, "epoll", {1.0, 1024.0, 16384.0, 131072.0});
}

void describe_libevent_100_active(Figure& figure) {
  figure.title = "time until 100 bytes, passed on 100 times in all, have arrived";
  figure.source = "libevent's test/bench.c, as published by coroio (i7-12800H)";
  figure.method = "n socket pairs in one process, 100 active; median of 25 runs";
  figure.differs =
      "seven rounds of these; how often bytes are passed on is not published, 100 here";
  figure.axis = "watched";
  figure.axis_label = "socket pairs watched";
  figure.published_unit = figure.measured_unit = "µs";
  figure.lines = {"select", "epoll", "poll"};
  figure.published = {{"select", {{256, 466}, {512, 618}, {1024, 948}, {16384, 4834}}},
                      {"epoll", {{256, 498}, {512, 660}, {1024, 879}, {16384, 1551}}}};
}

void measure_libevent_100_active(Figure& figure, const FigureRun& run) {
  measure_passing(figure, {128, 256, 512, 1024, 2048, 8192, 16384}, 100, run);
  figure.shapes.push_back(compare_crossing(figure, "select", "epoll"));
  add_ratios(figure, {"select"}, "epoll", {256.0, 512.0, 1024.0, 16384.0});
}

void describe_whatacold(Figure& figure) {
  figure.title = "time per call with one active TCP connection";
  figure.source = "whatacold, linux-multiplexing-comparison";
  figure.method = "N TCP connections, one of them active";
  figure.differs = "CPU time of write, wait and read together, both ends in one process";
  figure.axis = "watched";
  figure.axis_label = "TCP connections watched";
  figure.published_unit = "µs per call";
  figure.measured_unit = "µs of CPU per operation";
  figure.lines = {"select", "poll", "epoll"};
  figure.published = {{"select", {{1000, 419}, {15000, 6260}}},
                      {"poll", {{1000, 473}, {15000, 7255}}},
                      {"epoll", {{1000, 32}, {15000, 336}}}};
}

void measure_whatacold(Figure& figure, const FigureRun& run) {
  measure_operations(figure, Kind::tcp, {1000, 9000, 15000}, 1, run);
  add_slopes(figure);
  add_ratios(figure, {"select", "poll"}, "epoll", {1000.0, 15000.0});
}

}  // namespace

const FigureEntry tlpi_63_9{"tlpi-63-9", "Kerrisk, table 63-9: 100,000 monitoring operations", 5,
                            describe_tlpi_63_9, measure_tlpi_63_9};
const FigureEntry libevent_1_active{"libevent-1-active", "libevent's benchmark, one active", 60,
                                    describe_libevent_1_active, measure_libevent_1_active};
const FigureEntry libevent_100_active{"libevent-100-active", "libevent's benchmark, 100 active", 5,
                                      describe_libevent_100_active, measure_libevent_100_active};
const FigureEntry whatacold{"whatacold", "time per call with one active TCP connection", 6,
                            describe_whatacold, measure_whatacold};

}  // namespace echomux
