#include "harness/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace echomux {
namespace {

constexpr std::string_view none = "-";

// One column of the table, from a trial that has figures.
struct Column {
  std::string_view title;
  std::string (*value)(const Trial&);
};

std::string number(std::optional<double> value) {
  if (!value) return std::string(none);
  // Three significant digits are more than such a measurement bears; whole numbers from 100 on.
  return *value >= 99.95 ? fmt::format("{:.0f}", *value) : fmt::format("{:.1f}", *value);
}

constexpr std::array columns{
    Column{"p50 µs", [](const Trial& t) { return number(t.latency_us.p50); }},
    Column{"p99 µs", [](const Trial& t) { return number(t.latency_us.p99); }},
    Column{"CPU µs/req", [](const Trial& t) { return number(t.server_cpu_us_per_request); }},
    Column{"CPU busy",
           [](const Trial& t) { return fmt::format("{:.0f} %", t.server_cpu_busy_share * 100); }},
    Column{"req/s", [](const Trial& t) { return fmt::format("{:.0f}", t.achieved_rps); }},
    Column{"scanned/req", [](const Trial& t) { return number(t.scanned_per_request()); }},
    Column{"calls/req", [](const Trial& t) { return number(t.system_calls_per_request()); }},
};

std::vector<std::string> row(const Trial& trial) {
  std::vector<std::string> cells{trial.server};
  for (const Column& column : columns) {
    cells.push_back(trial.requests > 0 ? column.value(trial) : std::string(none));
  }
  cells.push_back(trial.note);
  return cells;
}

std::vector<std::string> header() {
  std::vector<std::string> cells{"server"};
  for (const Column& column : columns) cells.emplace_back(column.title);
  cells.emplace_back("");
  return cells;
}

// How many columns a string takes on a terminal: its code points, for all that is printed here.
std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& cells : rows) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(cells[i]));
    }
  }
  std::string out;
  for (const auto& cells : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - display_width(cells[i]), ' ');
      const bool is_text = i == 0 || i + 1 == cells.size();
      line += " " + (is_text ? cells[i] + padding : padding + cells[i]) + " ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string markdown_table(const std::vector<std::vector<std::string>>& rows) {
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out += "|";
    for (const std::string& cell : rows[r]) {
      std::string escaped = cell;
      for (std::size_t at = 0; (at = escaped.find('|', at)) != std::string::npos; at += 2) {
        escaped.insert(at, "\\");
      }
      out += " " + escaped + " |";
    }
    out += "\n";
    if (r > 0) continue;
    out += "| --- |";
    for (std::size_t i = 1; i + 1 < rows[r].size(); ++i) out += " ---: |";
    out += " --- |\n";
  }
  return out;
}

const Trial* find_measured(const Results& results, std::string_view server, std::size_t idle) {
  const auto found = std::ranges::find_if(results.trials, [&](const Trial& trial) {
    return trial.server == server && trial.idle_connections == idle && trial.requests > 0;
  });
  return found == results.trials.end() ? nullptr : &*found;
}

// The idle counts in the order they were run.
std::vector<std::size_t> idle_counts(const Results& results) {
  std::vector<std::size_t> counts;
  for (const Trial& trial : results.trials) {
    if (std::ranges::find(counts, trial.idle_connections) == counts.end()) {
      counts.push_back(trial.idle_connections);
    }
  }
  return counts;
}

// Why select and poll differ from epoll, in this run's own figures.
void explain_scanning(const Results& results, std::vector<std::string>& sentences) {
  for (const char* const scanning : {"select", "poll"}) {
    const Trial* widest = nullptr;
    const Trial* epoll = nullptr;
    for (const std::size_t idle : idle_counts(results)) {
      const Trial* const one = find_measured(results, scanning, idle);
      const Trial* const other = find_measured(results, "epoll_lt", idle);
      if (one == nullptr || other == nullptr) continue;
      if (widest == nullptr || idle > widest->idle_connections) {
        widest = one;
        epoll = other;
      }
    }
    if (widest == nullptr || !widest->scanned_per_request() || !epoll->scanned_per_request())
      continue;
    sentences.push_back(fmt::format(
        "Beside {} idle connections {} had {} descriptors examined per request and used {} µs of "
        "CPU for it; epoll_lt {} and {} µs. That is {} times epoll_lt's CPU.",
        widest->idle_connections, scanning, number(widest->scanned_per_request()),
        number(widest->server_cpu_us_per_request), number(epoll->scanned_per_request()),
        number(epoll->server_cpu_us_per_request),
        number(widest->server_cpu_us_per_request / epoll->server_cpu_us_per_request)));
  }
}

std::vector<std::string> explanations(const Results& results) {
  std::vector<std::string> sentences;
  explain_scanning(results, sentences);
  const auto any = [&](auto predicate) { return std::ranges::any_of(results.trials, predicate); };
  if (any([](const Trial& t) { return t.outcome == TrialOutcome::starved; })) {
    sentences.emplace_back(
        "starved: peers were connected but got no answer for 2 seconds. A server that serves one "
        "peer at a time leaves the others waiting, and an idle peer is never done.");
  }
  if (any([](const Trial& t) { return t.saturated; })) {
    sentences.emplace_back(
        "saturated: the server's CPU was at least 95 % busy. It may still answer every request, "
        "later: it finds more of them at each wake-up and shares the cost among them.");
  }
  const bool pinned = results.context.cpu_plan.starts_with("pinned");
  if (pinned && any([](const Trial& t) { return t.server == "threaded"; })) {
    sentences.emplace_back(
        "threaded runs on one CPU like the others, which denies it its parallelism; --no-pin shows "
        "the other side.");
  }
  if (results.context.virtual_machine) {
    sentences.emplace_back(
        "This is a virtual machine, which loses its CPU to others for milliseconds at a time: p99 "
        "then says more about the machine than about the server. Compare p50 and CPU µs/req.");
  }
  sentences.emplace_back(
      "Latency counts from when each message was due, not from when it was sent. CPU is the server "
      "process's own; scanned and calls are its own counters over the measured time. One trial per "
      "cell: small differences are chance.");
  return sentences;
}

// Breaks a sentence into lines for a terminal.
std::string wrapped(const std::string& sentence) {
  constexpr std::size_t line_width = 98;
  std::string out;
  std::string line = "-";
  std::size_t begin = 0;
  while (begin < sentence.size()) {
    const std::size_t end = std::min(sentence.find(' ', begin), sentence.size());
    const std::string word = sentence.substr(begin, end - begin);
    if (display_width(line) + 1 + display_width(word) > line_width) {
      out += line + "\n";
      line = " ";
    }
    line += " " + word;
    begin = end + 1;
  }
  return out + line + "\n";
}

std::string load_in_words(const RunContext& context) {
  const std::string rate = context.requests_per_second > 0
                               ? fmt::format("{} requests/s in all", context.requests_per_second)
                               : std::string("as fast as echoes come back (closed loop)");
  return fmt::format(
      "{} active connections exchange {}-byte messages, {}, for {} s after {} s of warm-up",
      context.active_connections, context.message_bytes, rate, context.duration_seconds,
      context.warmup_seconds);
}

}  // namespace

std::string report(const Results& results, TableFormat format) {
  const RunContext& context = results.context;
  const bool markdown = format == TableFormat::markdown;
  std::string out =
      fmt::format("echomux {}, {}: {}, {}, {} CPUs{}{}\n{}; {}.\n", context.program_version,
                  context.started, context.kernel, context.cpu_model, context.cpus,
                  context.virtual_machine ? ", virtual machine" : "", markdown ? "  " : "",
                  load_in_words(context), context.cpu_plan);
  for (const std::size_t idle : idle_counts(results)) {
    const std::string title = fmt::format("{} idle connections", idle);
    out += markdown ? "\n**" + title + "**\n\n" : "\n" + title + "\n";
    std::vector<std::vector<std::string>> rows{header()};
    for (const Trial& trial : results.trials) {
      if (trial.idle_connections == idle) rows.push_back(row(trial));
    }
    out += markdown ? markdown_table(rows) : text_table(rows);
  }
  out += "\n";
  for (const std::string& sentence : explanations(results)) {
    out += markdown ? "- " + sentence + "\n" : wrapped(sentence);
  }
  return out;
}

std::string one_line(const Trial& trial) {
  if (trial.requests == 0) return trial.note;
  const std::string figures =
      fmt::format("p50 {} µs, {} µs of CPU per request", number(trial.latency_us.p50),
                  number(trial.server_cpu_us_per_request));
  return trial.note.empty() ? figures : figures + ", " + trial.note;
}

}  // namespace echomux
