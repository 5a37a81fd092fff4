#include "report/explanations.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "harness/text/number_text.hpp"
#include "report/palette.hpp"

namespace echomux {
namespace {

using Cells = std::vector<CellSummary>;

const CellSummary* find_measured(const Cells& cells, std::string_view server, std::size_t idle,
                                 double rate) {
  const auto found = std::ranges::find_if(cells, [&](const CellSummary& cell) {
    return cell.cell.server == server && cell.cell.idle_connections == idle &&
           cell.cell.rate == rate && cell.used > 0;
  });
  return found == cells.end() ? nullptr : &*found;
}

bool any_tail_is_the_machines(const Results& results) {
  return std::ranges::any_of(results.trials, [](const Trial& trial) {
    return std::ranges::count(trial.judgement.reasons, "tail_not_the_servers", &Reason::code) > 0;
  });
}

std::string explain_statistics(const Results& results) {
  const std::size_t repetitions = results.context.plan.repetitions;
  std::string text = "Latency counts from when each message was due, not from when it was sent. ";
  if (std::ranges::none_of(results.trials,
                           [](const Trial& trial) { return trial.parts.empty() || trial.cost; })) {
    return text +
           "What the server itself used isn't known: it was not started here. Percentiles are of "
           "all requests together.";
  }
  text += "CPU is that of the server's processes alone. ";
  const bool counted = std::ranges::any_of(results.system_calls, [](const SystemCallCount& count) {
    return count.per_request.has_value();
  });
  text += counted ? "Calls are counted by the kernel in a pass of their own, "
                  : "Calls are the server's own count, ";
  text += "scanned is the server's own count. ";
  if (any_tail_is_the_machines(results)) text += "Where p99 is the machine's, it isn't shown. ";
  if (results.context.plan.slice > std::chrono::nanoseconds(0)) {
    text +=
        "× floor is the CPU time per request over the floor's in the same rounds, with a 95 % "
        "interval that reckons with fresh processes in each repetition. ";
  }
  if (repetitions < 6) {
    text += fmt::format(
        "{} per cell: no interval below six, and small differences are chance.",
        repetitions == 1 ? "One trial" : fmt::format("The median of {} trials", repetitions));
  } else {
    text += fmt::format(
        "Medians of {} trials in random order with 95 % intervals; a * for each "
        "outlier, none of which is left out.",
        repetitions);
  }
  return text;
}

}  // namespace

std::vector<std::string> explain_scanning(const Cells& cells) {
  std::vector<std::string> sentences;
  for (const char* const scanning : {"select", "poll"}) {
    // Beside the most idle connections, and there where the difference is clearest.
    const CellSummary* widest = nullptr;
    const CellSummary* epoll = nullptr;
    for (const CellSummary& one : cells) {
      if (one.cell.server != scanning || one.used == 0) continue;
      const CellSummary* const other =
          find_measured(cells, "epoll_lt", one.cell.idle_connections, one.cell.rate);
      if (other == nullptr) continue;
      const auto weight = [](const CellSummary& cell) {
        return std::pair(cell.cell.idle_connections,
                         cell.median("scanned_per_request").value_or(0));
      };
      if (widest == nullptr || weight(one) > weight(*widest)) {
        widest = &one;
        epoll = other;
      }
    }
    if (widest == nullptr || !widest->median("scanned_per_request") ||
        !epoll->median("scanned_per_request")) {
      continue;
    }
    const auto cpu = [](const CellSummary& cell) { return *cell.median("cpu_us_per_request"); };
    sentences.push_back(fmt::format(
        "Beside {} idle connections {} had {} descriptors examined per request and used {} µs of "
        "CPU for it; epoll_lt {} and {} µs. That is {} times epoll_lt's CPU.",
        widest->cell.idle_connections, scanning,
        figure_in_words(widest->median("scanned_per_request")), figure_in_words(cpu(*widest)),
        figure_in_words(epoll->median("scanned_per_request")), figure_in_words(cpu(*epoll)),
        figure_in_words(cpu(*widest) / cpu(*epoll))));
  }
  return sentences;
}

std::vector<std::string> explain_verdicts(const Cells& cells) {
  std::vector<std::string> sentences;
  constexpr std::size_t most_named = 4;
  struct Group {
    std::string code;
    std::string text;
    std::vector<std::string> cells;
  };
  std::vector<Group> groups;
  for (const CellSummary& cell : cells) {
    for (const Reason& reason : cell.judgement.reasons) {
      // Figures that are none the worse for something are to be told of it all the same. What
      // befell few of the trials isn't, and the rest says itself in the table.
      const bool noted = reason.code == "ended_on_reset" || reason.code == "beside_floor_alone";
      if (reason.verdict != Verdict::suspect && reason.verdict != Verdict::invalid && !noted) {
        continue;
      }
      const std::string name =
          fmt::format("{} beside {} idle at {}", cell.cell.server, cell.cell.idle_connections,
                      rate_in_words(cell.cell.rate));
      const auto group = std::ranges::find(groups, reason.code, &Group::code);
      if (group == groups.end()) {
        groups.push_back({reason.code,
                          fmt::format("{}, {}: {} ({})", to_string(reason.verdict), reason.code,
                                      name, reason.sentence),
                          {name}});
      } else if (group->cells.back() != name) {
        group->cells.push_back(name);
        if (group->cells.size() <= most_named) group->text += "; " + name;
      }
    }
  }
  for (const Group& group : groups) {
    const std::size_t more = group.cells.size() - std::min(group.cells.size(), most_named);
    sentences.push_back(group.text + (more > 0 ? fmt::format("; and {} more cells.", more) : "."));
  }
  return sentences;
}

namespace {

// Of the gallery's servers, whose names say what they are, and where to read about them.
void explain_gallery(const Results& results, std::vector<std::string>& sentences) {
  constexpr std::string_view broken = "broken_";
  constexpr std::string_view mended = "mended_";
  for (const ServerSpec& server : results.context.plan.servers) {
    const std::string_view name = server.backend;
    if (name.starts_with(broken)) {
      sentences.push_back(fmt::format("{} is broken on purpose: gallery/{}/README.md.", server.name,
                                      name.substr(broken.size())));
    } else if (name.starts_with(mended)) {
      sentences.push_back(fmt::format("{} is {}{} without its bug.", server.name, broken,
                                      name.substr(mended.size())));
    }
  }
}

}  // namespace

std::vector<std::string> caveats(const Results& results, const Cells& cells) {
  std::vector<std::string> sentences;
  explain_gallery(results, sentences);
  const auto any = [&](auto predicate) { return std::ranges::any_of(cells, predicate); };
  if (any([](const CellSummary& c) { return c.outcome.kind == OutcomeKind::starved; })) {
    sentences.emplace_back(
        "starved: peers were connected but got no answer in time; the remark says how far the "
        "server came. It may serve one peer at a time, and an idle peer is never done; or what it "
        "has for its peers is used up, such as threads, descriptors or its backlog.");
  }
  if (any([](const CellSummary& c) { return c.judgement.verdict == Verdict::saturated; })) {
    sentences.emplace_back(
        "saturated: the server's CPU, or one of its workers, was at least 95 % busy (90 % in "
        "slices), as busy_poll's "
        "always is. It may "
        "still answer every request, later: it finds more of them at each wake-up and shares the "
        "cost among them.");
  }
  const Limit most = results.context.machine.limits.descriptors_hard;
  if (const auto& few = results.context.plan.descriptors; few && most && *few < *most) {
    sentences.push_back(fmt::format(
        "The servers given with --server may open {} descriptors each, the suite's own {}; "
        "--descriptors changes that.",
        *few, *most));
  }
  const bool pinned = results.context.cpu_plan.starts_with("pinned");
  std::vector<std::string> threads;
  for (const CellSummary& cell : cells) {
    const std::string& server = cell.cell.server;
    if (line_kind(server) == LineKind::threads && std::ranges::count(threads, server) == 0) {
      threads.push_back(server);
    }
  }
  if (pinned && results.context.plan.server_cpus.size() < 2 && !threads.empty()) {
    sentences.push_back(
        fmt::format("{} on one CPU like the others, which denies {} parallelism; --server-cpus "
                    "shows the other side, or --no-pin.",
                    list_in_words(threads) + (threads.size() > 1 ? " run" : " runs"),
                    threads.size() > 1 ? "them their" : "it its"));
  }
  if (!results.context.machine.hypervisor.empty()) {
    sentences.emplace_back(
        "This is a virtual machine, which loses its CPU to others for milliseconds at a time: p99 "
        "then says more about the machine than about the server. Compare p50 and CPU µs/req.");
  }
  sentences.push_back(explain_statistics(results));
  return sentences;
}

}  // namespace echomux
