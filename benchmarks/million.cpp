// What a million idle connections cost: opened, each confirmed by an echo, held, looked at again,
// and 1,000 active ones among them. './run million' runs it.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>

#include "benchmarks/million_machine.hpp"
#include "benchmarks/slab_caches.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"
#include "cli/terminal.hpp"
#include "harness/bench/measurement.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/machine.hpp"
#include "harness/machine/memory.hpp"
#include "harness/results/results_file.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/whole_file.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

struct Arguments {
  std::size_t connections = 1'000'000;
  std::size_t processes = 0;  // 0: as many as are needed
  std::chrono::nanoseconds hold = 60s;
  std::chrono::nanoseconds duration = 5s;
  std::string output;
  bool force = false;
};

// Of its descriptors, a process is to use this part: the hash is never quite even.
constexpr double descriptors_used = 0.91;
constexpr std::size_t active_connections = 1000;
constexpr double requests_per_second = 10'000;

struct StopRequested {};

Load idle_load(std::size_t connections, Part part = {}) {
  Load load;
  load.idle_connections = connections;
  load.active_connections = 0;
  load.timeout = 60s;
  load.part = part;
  return load;
}

class Million {
 public:
  Million(const Arguments& arguments, std::stop_token stop)
      : arguments_(arguments), stop_(std::move(stop)), connections_(arguments.connections) {
    const std::uint64_t limit = raise_descriptor_limit();
    own_ = static_cast<std::size_t>(descriptors_used * static_cast<double>(limit));
    processes_ = arguments.processes > 0
                     ? arguments.processes
                     : (connections_ + own_ - 1) / std::max<std::size_t>(own_, 1);
    processes_ = std::max<std::size_t>(processes_, 1);
  }

  // False when so many don't fit.
  bool fits() {
    std::uint64_t most = ~std::uint64_t{0};
    std::cout << fmt::format(
        "{} idle connections over {} processes of reuseport, from {} clients\n",
        count_in_words(connections_), processes_, processes_);
    for (const Bound& bound : bounds(processes_, own_)) {
      std::cout << fmt::format("  {} fit: {}\n", count_in_words(std::size_t(bound.most)),
                               bound.what);
      most = std::min(most, bound.most);
    }
    if (most >= connections_) return true;
    std::cerr << fmt::format("million: only {0} connections fit here: --connections {0}\n", most);
    return false;
  }

  // Has all clients reset what they hold at the same time, and waits for their ends.
  void abandon() noexcept {
    for (const auto& holder : holders_) holder->give_up();
    for (const auto& holder : holders_) {
      try {
        static_cast<void>(holder->close());
      } catch (const std::exception&) {
        // It has ended, without a report.
      }
    }
    holders_.clear();
  }

  Json run() {
    one_pair();
    ServerProcess server(
        serve_command(echomux_program(), "reuseport", {"--processes", std::to_string(processes_)}),
        30s, stop_);
    measure_active(server, "beside_none");
    const auto accepted_before = server.counters().value_or(Counters{})["accepted"];
    accepted_before_ = accepted_by_loop(server);
    const auto user_before = server.read_processes(Detail::cpu_only);
    const std::uint64_t sockets_before = sockets_in_use();
    const auto kernel_before = kernel_memory_bytes();
    const auto caches_before = slab_caches();

    open(server);
    tell_of_memory(server, user_before, kernel_before, caches_before);
    look(server, accepted_before, sockets_before, "opened");
    hold();
    look(server, accepted_before, sockets_before, "held");
    tell_of_evenness(server);
    measure_active(server, "beside_all");
    close();
    return std::move(json_);
  }

 private:
  using Counters = std::map<std::string, std::uint64_t>;
  using Holders = std::vector<std::unique_ptr<IdleHolder>>;

  static void row(const std::string& what, const std::string& figure) {
    std::cout << fmt::format("  {:<46} {}", what, figure) << std::endl;
  }

  void stop_if_asked() const {
    if (stop_.stop_requested()) throw StopRequested();
  }

  // As it was last told; empty where there are too many loops for that.
  static std::vector<std::uint64_t> accepted_by_loop(const ServerProcess& server) {
    const auto found = server.counters_by_worker().find("accepted");
    return found == server.counters_by_worker().end() ? std::vector<std::uint64_t>()
                                                      : found->second;
  }

  // What one server process and one client reach together.
  void one_pair() {
    const std::size_t count = std::min(connections_, own_);
    ServerProcess server(serve_command(echomux_program(), "reuseport", {"--processes", "1"}), 30s,
                         stop_);
    IdleHolder holder(server.endpoint(), idle_load(count));
    const auto begin = std::chrono::steady_clock::now();
    if (!holder.open(stop_)) give_up(holder, "one pair of processes");
    const double seconds = to_seconds(std::chrono::steady_clock::now() - begin);
    static_cast<void>(holder.close());
    one_pair_per_second_ = static_cast<double>(count) / seconds;
    json_["one_pair_opens_per_second"] = one_pair_per_second_;
    row("one pair of processes opens",
        fmt::format("{} connections/s ({} in {:.1f} s)", reader_number(one_pair_per_second_),
                    count_in_words(count), seconds));
  }

  [[noreturn]] void give_up(IdleHolder& holder, const std::string& who) {
    if (stop_.stop_requested()) {
      holder.give_up();
      throw StopRequested();
    }
    const LoadReport report = holder.close();
    throw std::runtime_error(fmt::format("{} could not open all connections ({}): {}", who,
                                         to_string(report.outcome.reason),
                                         report.outcome.sentence));
  }

  // Of the servers and the clients.
  [[nodiscard]] double own_seconds(const ServerProcess& server) const {
    const auto servers = server.read_processes(Detail::cpu_only);
    double sum = servers ? to_seconds(servers->cpu) : 0;
    for (const auto& holder : holders_) {
      sum += to_seconds(cpu_time_of(holder->pid()).value_or(std::chrono::nanoseconds(0)));
    }
    return sum;
  }

  void open(const ServerProcess& server) {
    const double busy_before = busy_seconds();
    const double own_before = own_seconds(server);
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < processes_; ++i) {
      stop_if_asked();
      holders_.push_back(std::make_unique<IdleHolder>(server.endpoint(),
                                                      idle_load(connections_, {i, processes_})));
    }
    for (std::size_t i = 0; i < holders_.size(); ++i) {
      progress_.show(fmt::format("opening: {} of {} clients have all of theirs", i, processes_));
      if (!holders_[i]->open(stop_)) {
        stop_if_asked();
        give_up(*holders_[i], fmt::format("client {} of {}", i + 1, processes_));
      }
    }
    progress_.clear();
    const double seconds = to_seconds(std::chrono::steady_clock::now() - begin);
    const double rate = static_cast<double>(connections_) / seconds;
    json_["opens_per_second"] = rate;
    json_["seconds_to_open"] = seconds;
    row(fmt::format("{} pairs open", processes_),
        fmt::format("{} connections/s ({} in {:.1f} s): {} of one pair's", reader_number(rate),
                    count_in_words(connections_), seconds,
                    ratio_in_words(rate / one_pair_per_second_, std::nullopt, 2)));
    // A program that looks at all descriptors of the machine, such as a monitor, has much to do
    // now.
    const double own = own_seconds(server) - own_before;
    const double others = std::max(busy_seconds() - busy_before - own, 0.0);
    json_["own_cpu_seconds_to_open"] = own;
    json_["others_cpu_seconds_to_open"] = others;
    row("  CPU time for it, and of other programs meanwhile",
        fmt::format("{:.1f} s, {:.1f} s", own, others));
  }

  void tell_of_memory(const ServerProcess& server, const std::optional<ProcessReading>& user_before,
                      std::optional<std::uint64_t> kernel_before,
                      const std::map<std::string, std::uint64_t>& caches_before) {
    const auto each = [&](std::uint64_t bytes, std::uint64_t before = 0) {
      return (static_cast<double>(bytes) - static_cast<double>(before)) /
             static_cast<double>(connections_);
    };
    const auto user = server.read_processes(Detail::cpu_only);
    if (user && user_before) {
      const double bytes = each(user->resident_bytes, user_before->resident_bytes);
      json_["server_bytes_per_connection"] = bytes;
      row("user memory per connection, servers", reader_number(bytes) + " bytes");
    }
    const double clients = each(resident_bytes(holders_));
    json_["client_bytes_per_connection"] = clients;
    row("user memory per connection, clients", reader_number(clients) + " bytes");
    const auto kernel = kernel_memory_bytes();
    if (kernel && kernel_before) {
      const double bytes = each(*kernel, *kernel_before);
      json_["kernel_bytes_per_connection"] = bytes;
      row("kernel memory per connection, both ends", reader_number(bytes) + " bytes, of which");
    }
    Json& caches = json_["kernel_caches"] = Json::array();
    for (const SlabGrowth& cache : growth(caches_before, slab_caches(), 16 * connections_)) {
      caches.push_back({{"name", cache.name}, {"bytes_per_connection", each(cache.bytes)}});
      row("  " + cache.name.substr(0, 44), reader_number(each(cache.bytes)) + " bytes");
    }
    if (caches_before.empty()) row("  by kind", "/proc/slabinfo can't be read: root may");
  }

  // Whether all are there: by what the servers have counted, and by what the kernel has.
  void look(ServerProcess& server, std::uint64_t accepted_before, std::uint64_t sockets_before,
            const std::string& when) {
    stop_if_asked();
    Counters counters = server.counters().value_or(Counters{});
    const std::uint64_t accepted = counters["accepted"] - accepted_before;
    const std::uint64_t open = counters["accepted"] - counters["closed"];
    const std::uint64_t sockets = sockets_in_use();
    json_[when] = Json{{"accepted", accepted}, {"open", open}, {"sockets_in_use", sockets}};
    row(when + ": accepted, and still open",
        fmt::format("{}, {}", count_in_words(accepted), count_in_words(open)));
    row(when + ": TCP sockets in use (sockstat)",
        fmt::format("{} ({} before)", count_in_words(sockets), count_in_words(sockets_before)));
    if (accepted != connections_ || open != connections_ ||
        sockets < sockets_before + 2 * connections_) {
      throw std::runtime_error("these are not all connections");
    }
  }

  void hold() {
    std::mutex mutex;
    std::condition_variable_any changed;
    const auto end = std::chrono::steady_clock::now() + arguments_.hold;
    for (auto now = std::chrono::steady_clock::now(); now < end && !stop_.stop_requested();
         now = std::chrono::steady_clock::now()) {
      progress_.show(fmt::format("holding them: {:.0f} s to go", to_seconds(end - now)));
      std::unique_lock lock(mutex);
      changed.wait_until(lock, stop_, std::min(end, now + 1s), [] { return false; });
    }
    progress_.clear();
    stop_if_asked();
  }

  void tell_of_evenness(const ServerProcess& server) {
    std::vector<std::uint64_t> own = accepted_by_loop(server);
    if (own.size() < 2 || own.size() != accepted_before_.size()) return;
    for (std::size_t i = 0; i < own.size(); ++i) own[i] -= accepted_before_[i];
    const auto [least, most] = std::ranges::minmax(own);
    const double loops = static_cast<double>(own.size());
    const double mean = static_cast<double>(connections_) / loops;
    double squares = 0;
    for (const std::uint64_t one : own) squares += std::pow(static_cast<double>(one) - mean, 2);
    const double deviation = std::sqrt(squares / loops);
    const double expected = std::sqrt(mean * (1 - 1 / loops));
    json_["loops"] = Json{{"mean", mean},
                          {"least", least},
                          {"most", most},
                          {"deviation", deviation},
                          {"deviation_by_arithmetic", expected}};
    row("connections of a loop",
        fmt::format("{} ± {} (by arithmetic ± {}), {} to {}", reader_number(mean),
                    reader_number(deviation), reader_number(expected), reader_number(least),
                    reader_number(most)));
  }

  void measure_active(ServerProcess& server, const std::string& when) {
    Load load;
    load.active_connections = active_connections;
    load.requests_per_second = requests_per_second;
    load.warmup = 1s;
    load.duration = arguments_.duration;
    load.timeout = 10s;
    const Measurement measured = measure(server, load, stop_);
    stop_if_asked();
    const double cpu_us = measured.complete_cost().cpu_us_per_request;
    const LoadReport report = make_load_report(load, measured.result);
    json_["active_" + when] = Json{{"cpu_us_per_request", cpu_us},
                                   {"latency_us_p50", report.latency_us.p50},
                                   {"latency_us_p99", report.latency_us.p99},
                                   {"requests", report.requests},
                                   {"unanswered", report.unanswered}};
    row(when == "beside_none" ? "a request of 1,000 active ones, beside none"
                              : "a request of 1,000 active ones, beside all",
        fmt::format("{} µs of the server's CPU; p50 {} µs, p99 {} µs", reader_number(cpu_us),
                    reader_number(report.latency_us.p50), reader_number(report.latency_us.p99)));
  }

  void close() {
    std::uint64_t held = 0;
    std::uint64_t lost = 0;
    while (!holders_.empty()) {
      stop_if_asked();
      progress_.show(fmt::format("closing: {} clients left", holders_.size()));
      const LoadReport report = holders_.back()->close();
      held += report.idle_held;
      lost += report.lost;
      holders_.pop_back();
    }
    progress_.clear();
    json_["held_at_the_end"] = held;
    row("still open at the end, as the clients found",
        fmt::format("{}, {} lost", count_in_words(held), count_in_words(lost)));
    if (held != connections_) throw std::runtime_error("the servers have ended some connections");
  }

  const Arguments& arguments_;
  std::stop_token stop_;
  std::size_t connections_;
  std::size_t own_ = 0;  // connections of a process, at most
  std::size_t processes_ = 0;
  double one_pair_per_second_ = 0;
  std::vector<std::uint64_t> accepted_before_;  // by each loop
  ProgressLine progress_;
  Holders holders_;
  Json json_ = Json::object();
};

int run(const Arguments& arguments) {
  const Interruption stop;
  if (!arguments.output.empty()) check_output(arguments.output, arguments.force, "results");
  Million million(arguments, stop.token());
  if (!million.fits()) return exit_failure;
  try {
    Json json{{"started", iso_time_now()},
              {"command", Json(own_command_line())},
              {"build", to_json(build_info())},
              {"machine", to_json(describe_machine())},
              {"connections", arguments.connections}};
    json.update(million.run());
    if (!arguments.output.empty()) {
      write_whole_file(arguments.output, json.dump(1) + "\n", "results");
    }
    return exit_ok;
  } catch (const StopRequested&) {
    million.abandon();
    std::cerr << "million: interrupted\n";
    return exit_interrupted;
  }
}

}  // namespace
}  // namespace echomux

int main(int argc, char** argv) {
  using namespace echomux;
  Arguments to;
  const Command program{
      "million",
      "What a million idle connections cost on this machine.",
      {{"--connections", "How many", Count{&to.connections, 1000, 1'000'000}},
       {"--processes", "Server processes, and as many clients (default: as the limit wants it)",
        Count{&to.processes, 0, 256}},
       {"--hold", "How long they are held before they are looked at again",
        Duration{&to.hold, std::chrono::nanoseconds(0), std::chrono::hours(24)}},
       {"--duration", "How long the active ones are measured",
        Duration{&to.duration, std::chrono::milliseconds(100), std::chrono::minutes(10)}},
       {"-o,--output", "Write the figures to this file, as JSON", file(&to.output)},
       force_option(to.force)},
      "It looks at memory and limits first. Ctrl-C ends it within seconds.",
      [&to] { return run(to); }};
  return parse_and_run(program, argc, argv);
}
