#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/command.hpp"
#include "cli/load_options.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"
#include "cli/terminal.hpp"
#include "cli/values.hpp"
#include "echo/socket.hpp"
#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "harness/bench/idle_holder.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/load/hdr_format.hpp"
#include "harness/load/load_report.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/listeners.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/csv.hpp"
#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"
#include "harness/text/time_units.hpp"
#include "harness/text/whole_file.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

using namespace std::chrono_literals;

struct SwarmArguments {
  Load load;
  Endpoint server;
  bool remote = false;
  bool strict = false;
  bool hold = false;
  bool force = false;
  std::string format = "text";
  std::string output;
  std::string hgrm;
  std::optional<std::chrono::system_clock::time_point> start_at;
};

// Throws UsageError for what can't be meant.
void check_target(const SwarmArguments& arguments) {
  const Endpoint& server = arguments.server;
  if (!is_of_this_machine(server) && !arguments.remote) {
    throw UsageError(
        fmt::format("{} is not on this machine, and a swarm is an attack on a server "
                    "whose owner didn't ask for it; --remote says that the server is yours",
                    server.to_string()));
  }
  if (arguments.hold && arguments.load.own_idle() == 0) {
    throw UsageError("--hold: there is nothing to hold; say how many connections with --idle");
  }
  check_combination(arguments.load, server.family(), "-c");
  if (!arguments.output.empty() && !arguments.hgrm.empty() &&
      same_file(arguments.output, arguments.hgrm)) {
    throw UsageError(
        fmt::format("-o and --hgrm: both would be {}; name two files", arguments.output));
  }
  if (!arguments.output.empty()) check_output(arguments.output, arguments.force, "result");
  if (!arguments.hgrm.empty()) {
    check_output(arguments.hgrm, arguments.force, "latency distribution");
  }
}

// Of all addresses of a name, such as localhost, the one where somebody listens; the first, where
// that can't be seen.
Endpoint choose_address(const std::string& text) {
  const std::vector<Endpoint> addresses = parse_endpoints(text);
  for (const Endpoint& address : addresses) {
    if (addresses.size() > 1 && listener_at(address)) return address;
  }
  return reached_from_here(addresses.front());
}

// --- what comes out ---

std::string latency_table(const LoadReport& report) {
  Table table(Table::columns(Table::left("latency µs", 22),
                             {"mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"}, 9, 1));
  const auto add = [&](const char* name, const LoadReport::Latency& latency) {
    std::vector<std::string> cells{name};
    for (const double value : {latency.mean, latency.p50, latency.p90, latency.p99, latency.p99_9,
                               latency.p99_99, latency.max}) {
      cells.push_back(fmt::format("{:.1f}", value));
    }
    table.add(std::move(cells));
  };
  add(report.offered_rps ? "from when it was due" : "from when it was sent", report.latency_us);
  if (report.offered_rps) add("from when it was sent", report.latency_uncorrected_us);
  return table.print();
}

// Bold, in green, yellow or red: ECMA-48, SGR.
std::string coloured(Verdict verdict) {
  const int colour = verdict == Verdict::valid ? 32 : verdict == Verdict::suspect ? 33 : 31;
  return fmt::format("\x1b[1m\x1b[{}m{}\x1b[0m", colour, to_string(verdict));
}

std::string as_text(const SwarmOptions& options, const LoadReport& report,
                    const Judgement& judgement, bool colour) {
  std::string out =
      fmt::format("{}: {}, {}\n", options.server.to_string(), load_in_words(options.load),
                  rate_in_words(options.load.requests_per_second));
  out += fmt::format(
      "  connections            {} of {} active, {} of {} idle held, {} lost; open after {:.0f} "
      "ms\n",
      report.active_confirmed, report.active, report.idle_held, report.idle_requested, report.lost,
      report.open_ms);
  out += fmt::format("  requests               {} answered, {} unanswered, {} timed out\n",
                     report.requests, report.unanswered, report.timed_out);
  out += report.offered_rps
             ? fmt::format("  rate                   {:.1f}/s of {:.1f}/s offered\n",
                           report.achieved_rps, *report.offered_rps)
             : fmt::format("  rate                   {:.1f}/s\n", report.achieved_rps);
  if (report.requests > 0) {
    out += latency_table(report);
    out += fmt::format(
        "  client                 {:.2f} µs of CPU per request, busy {}; behind its schedule "
        "p99 {:.0f} µs\n"
        "  taken from the client  steal {}, run queue {}, gaps {}, the longest "
        "{:.0f} µs\n",
        report.client_cpu_us_per_request, percent(report.client_busy_share),
        report.schedule_lag_us_p99, percent(report.steal_share, 1),
        percent(report.run_queue_share, 1), percent(report.gap_share, 1), report.longest_gap_us);
  }
  out +=
      fmt::format("  verdict                {}\n",
                  colour ? coloured(judgement.verdict) : std::string(to_string(judgement.verdict)));
  for (const Reason& reason : judgement.reasons) {
    out += fmt::format("    {}: {}\n", reason.code, reason.sentence);
  }
  return out;
}

// Without the reasons of the verdict.
Json figures_json(const SwarmOptions& options, const LoadReport& report,
                  const Judgement& judgement) {
  Json load{{"server", options.server.to_string()}};
  load.update(to_json(options.load));
  const Build build = build_info();
  Json json{{"host", host_name()},
            {"program", build.version + " " + build.git_commit},
            {"load", std::move(load)}};
  json.update(to_json(report));
  json["verdict"] = to_string(judgement.verdict);
  return json;
}

std::string as_json(const SwarmOptions& options, const LoadReport& report,
                    const Judgement& judgement) {
  Json json = figures_json(options, report, judgement);
  json["reasons"] = Json::array();
  for (const Reason& reason : judgement.reasons) {
    json["reasons"].push_back(fmt::format("{}: {}", reason.code, reason.sentence));
  }
  return json.dump(2) + "\n";
}

// One line of names and one of values: every figure of the JSON that is a number or a word.
std::string as_csv(const SwarmOptions& options, const LoadReport& report,
                   const Judgement& judgement) {
  const Json json = figures_json(options, report, judgement);
  std::vector<std::string> names;
  std::vector<std::string> values;
  const auto add = [&](const std::string& name, const Json& value) {
    if (value.is_array() || value.is_object() || name.starts_with("histogram")) return;
    names.push_back(name);
    const std::string text = value.is_string() ? value.get<std::string>()
                             : value.is_null() ? ""
                                               : value.dump();
    values.push_back(csv_field(text));
  };
  for (const auto& [name, value] : json.items()) {
    add(name, value);
    if (!value.is_object()) continue;
    for (const auto& [inner, inner_value] : value.items())
      add(fmt::format("{}_{}", name, inner), inner_value);
  }
  return joined(names, ",") + "\n" + joined(values, ",") + "\n";
}

// --- while it runs ---

// At a terminal one line that changes; elsewhere, such as in a log, a line every few seconds.
void show_progress(const SwarmProgress& progress, const ProgressLine& line) {
  static auto last = std::chrono::steady_clock::now();
  const auto now = std::chrono::steady_clock::now();
  if (!line.shown() && now - last < 2s) return;
  last = now;
  const std::string text =
      progress.until_start > 0ns
          ? fmt::format("waiting: the load begins in {:.0f} s", to_seconds(progress.until_start))
      : progress.opening ? fmt::format("opening: {} of {} connections", progress.connections_open,
                                       progress.connections)
                         : fmt::format("running: {:.1f} s, {} requests answered",
                                       to_seconds(progress.elapsed), progress.requests);
  if (line.shown()) {
    line.show(text);
  } else {
    std::cerr << text << '\n';
  }
}

// Until standard input ends, or a stop is requested.
void wait_for_end_of_input(const std::stop_token& stop) {
  const StopEvent stopped(stop);
  std::array<char, 512> ignored{};
  while (!stop.stop_requested()) {
    std::array<pollfd, 2> fds{pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                              pollfd{.fd = stopped.fd(), .events = POLLIN, .revents = 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[0].revents == 0) continue;
    const ssize_t count = ::read(STDIN_FILENO, ignored.data(), ignored.size());
    // A standard input that is closed or broken has ended, too.
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return;
  }
}

// Opens the idle connections, and closes them again when standard input ends.
SwarmResult hold(const SwarmOptions& options, const std::string& format,
                 const std::stop_token& stop) {
  Swarm swarm(options, stop);
  swarm.open();
  if (swarm.going_on()) {
    if (format == "json") std::cout << all_open << std::endl;
    if (format == "text") {
      std::cout << fmt::format("{}: {}: {} connections are held until standard input ends (Ctrl-D)",
                               options.server.to_string(), all_open, options.load.own_idle())
                << std::endl;
    }
    wait_for_end_of_input(stop);
  }
  return swarm.close();
}

int run(SwarmArguments arguments) {
  if (arguments.hold) arguments.load.active_connections = 0;
  if (arguments.output == "-") arguments.output.clear();  // stdout, where it goes by itself
  check_target(arguments);
  SwarmOptions options{.server = arguments.server,
                       .load = arguments.load,
                       .start_at = arguments.start_at,
                       .probe = arguments.load.payload == Payload::text && !arguments.hold};
  Interruption stop;
  raise_descriptor_limit();
  const ProgressLine progress;
  if (arguments.format != "quiet") {
    options.on_progress = [&](const SwarmProgress& state) { show_progress(state, progress); };
  }

  const SwarmResult result = arguments.hold ? hold(options, arguments.format, stop.token())
                                            : run_swarm(options, stop.token());
  if (arguments.format != "quiet") progress.clear();
  const LoadReport report = make_load_report(options.load, result);
  const Judgement judgement = judge(report);
  const bool to_terminal = arguments.output.empty() && ::isatty(STDOUT_FILENO) == 1;
  const bool colour = to_terminal && std::getenv("NO_COLOR") == nullptr;
  const std::string text = arguments.format == "json"  ? as_json(options, report, judgement)
                           : arguments.format == "csv" ? as_csv(options, report, judgement)
                           : arguments.format == "text"
                               ? as_text(options, report, judgement, colour)
                               : std::string();
  if (arguments.output.empty()) {
    std::cout << text << std::flush;
  } else {
    write_whole_file(arguments.output, text, "result");
  }
  if (!arguments.hgrm.empty()) {
    write_whole_file(arguments.hgrm, to_hgrm(result.latency), "latency distribution");
  }
  if (!std::cout) throw std::runtime_error("cannot write the result to stdout");
  if (!judgement.reasons.empty() && arguments.format != "text" && arguments.format != "quiet") {
    std::cerr << fmt::format("echomux: {}: {}\n", to_string(judgement.verdict),
                             judgement.reasons.front().sentence);
  }
  const bool interrupted = report.outcome.kind == OutcomeKind::interrupted;
  return exit_status(kind_of_all(interrupted, is_broken(report)),
                     arguments.strict && judgement.verdict != Verdict::valid);
}

std::vector<Option> options_into(SwarmArguments& to) {
  std::vector<Option> options = load_options(to.load);
  options.insert(options.begin(),
                 {"ADDRESS", "The server as HOST:PORT, such as 127.0.0.1:7777",
                  Words{[&to](const std::string& word) { to.server = choose_address(word); }}});
  options.insert(
      options.end(),
      {{"--remote", "Allow a server on another machine", &to.remote},
       {"--hold",
        "Only hold the idle connections, until standard input ends: something else loads the "
        "server meanwhile",
        &to.hold},
       {"--start-at",
        "Begin the load at this moment, as others do who put on their --part: 18:30:00, "
        "2026-11-28T18:30:00Z, or seconds since 1970",
        Words{[&to](const std::string& word) { to.start_at = parse_moment(word, "--start-at"); }},
        {"--hold"}},
       {"--strict", "Exit with status 3 when the verdict isn't 'valid'", &to.strict},
       {"--format", "What to print", one_of(&to.format, {"text", "json", "csv", "quiet"})},
       {"-o,--output", "Write it to this file instead of stdout", file(&to.output)},
       {"--hgrm", "Write the latency distribution to this file too, for HdrHistogram's plotter",
        file(&to.hgrm)},
       force_option(to.force)});
  return options;
}

}  // namespace

Command swarm_command() {
  const auto to = std::make_shared<SwarmArguments>();
  to->load.duration = 10s;
  to->load.warmup = 500ms;
  return {"swarm", "Put a load on any echo server and measure its latency", options_into(*to),
          "Numbers take k and m (10k), times ms, s, m and h (500ms). Every byte that comes back is "
          "checked.\nExit status: 0 measured, 1 the run failed, 2 wrong use, 3 not valid with "
          "--strict, 130 interrupted.",
          [to] { return run(*to); }};
}

}  // namespace echomux
