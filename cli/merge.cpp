#include <fmt/core.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "harness/results/merged_results.hpp"
#include "harness/results/results_file.hpp"
#include "harness/text/json.hpp"
#include "harness/text/words.hpp"
#include "report/report.hpp"

namespace echomux {
namespace {

struct MergeArguments {
  std::vector<std::string> files;
  std::string name;
  std::string format = "text";
  std::string output;
  bool force = false;
  bool strict = false;
};

// The first field in which the two loads differ, where they ought to be the same; empty: none.
std::string difference(const Load& one, const Load& other, bool parts_of_one) {
  const Json a = to_json(one);
  const Json b = to_json(other);
  for (const auto& [name, value] : a.items()) {
    const bool may_differ = name == "part" || name == "source_ips" || name == "threads";
    const bool of_one_load = name == "idle" || name == "connections" || name == "rate" ||
                             name == "seed" || name == "connect_rate";
    if (may_differ || (of_one_load && !parts_of_one) || value == b.at(name)) continue;
    return fmt::format("{} is {} and {}", name, value.dump(), b.at(name).dump());
  }
  return "";
}

// Throws UsageError for files that aren't those of one load.
void check(const std::vector<ClientFile>& clients) {
  const ClientFile& first = clients.front();
  for (std::size_t i = 1; i < clients.size(); ++i) {
    const ClientFile& other = clients[i];
    if (other.load.part.count != first.load.part.count) {
      throw UsageError(fmt::format(
          "{} is part {} of a load, and {} part {}: these are no parts of "
          "one",
          first.file, first.load.part.to_string(), other.file, other.load.part.to_string()));
    }
    const std::string different = difference(first.load, other.load, first.load.part.count > 1);
    if (!different.empty()) {
      throw UsageError(
          fmt::format("{} and {} were not put on together: {}", first.file, other.file, different));
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (same_file(clients[k].file, other.file)) {
        throw UsageError(fmt::format("{} and {} are the same file", clients[k].file, other.file));
      }
      if (first.load.part.count > 1 && clients[k].load.part == other.load.part) {
        throw UsageError(fmt::format("{} and {} are both part {}", clients[k].file, other.file,
                                     other.load.part.to_string()));
      }
    }
  }
}

void warn(const std::vector<ClientFile>& clients) {
  for (const ClientFile& client : clients) {
    const ClientFile& first = clients.front();
    if (client.program != first.program) {
      std::cerr << fmt::format("echomux: warning: {} is by {}, {} by {}\n", first.file,
                               first.program, client.file, client.program);
    }
    if (client.server != first.server) {
      std::cerr << fmt::format("echomux: warning: {} is of {}, {} of {}\n", first.file,
                               first.server, client.file, client.server);
    }
  }
}

// Those parts that no file is of.
std::vector<std::string> missing(const std::vector<ClientFile>& clients) {
  Part part = clients.front().load.part;
  std::vector<std::string> names;
  for (part.index = 0; part.index < part.count; ++part.index) {
    if (part.count > 1 && std::ranges::none_of(clients, [&](const ClientFile& client) {
          return client.load.part == part;
        })) {
      names.push_back(part.to_string());
    }
  }
  return names;
}

Results merge(const std::vector<ClientFile>& clients, const std::string& name) {
  std::vector<LoadPart> parts;
  parts.reserve(clients.size());
  for (const ClientFile& client : clients) parts.push_back(client.part);
  LoadReport whole = merged(parts);
  Load load = clients.front().load;
  load.part = {};
  load.requests_per_second = whole.offered_rps.value_or(0);
  if (clients.size() == clients.front().load.part.count) {
    load.requests_per_second = clients.front().load.requests_per_second;  // not a sum of fractions
  }
  Results results = results_of_parts(name.empty() ? clients.front().server : name, load,
                                     std::move(whole), std::move(parts), own_command_line());
  if (const std::vector<std::string> lost = missing(clients); !lost.empty()) {
    results.trials.front().judgement.add(
        Verdict::suspect, "part_missing",
        fmt::format("there is no file of part{} {}: what these have put on and seen isn't here",
                    lost.size() > 1 ? "s" : "", joined(lost, ", ")));
  }
  return results;
}

int run(const MergeArguments& arguments) {
  if (!arguments.output.empty()) check_output(arguments.output, arguments.force, "results");
  std::vector<ClientFile> clients;
  clients.reserve(arguments.files.size());
  for (const std::string& file : arguments.files) clients.push_back(read_client_file(file));
  check(clients);
  warn(clients);
  const Results results = merge(clients, arguments.name);
  if (!arguments.output.empty()) write_results(arguments.output, results);
  std::cout << report(results, report_format(arguments.format)) << std::flush;
  if (!std::cout) throw std::runtime_error("cannot write the result to stdout");
  const Trial& trial = results.trials.front();
  const bool failed =
      std::ranges::any_of(trial.parts, [](const LoadPart& part) { return is_broken(part.load); });
  return exit_status(kind_of_all(trial.outcome.kind == OutcomeKind::interrupted, failed),
                     arguments.strict && trial.judgement.verdict != Verdict::valid);
}

}  // namespace

Command merge_command() {
  const auto to = std::make_shared<MergeArguments>();
  return {
      "merge",
      "Put together what several swarms saw of a load that each put on a part of",
      {{"FILE", "What 'echomux swarm --part I/N --format json -o FILE' has written, of each part",
        file(&to->files)},
       {"--name", "What the table calls the server (default: its address)", &to->name},
       {"--format", "What to print on stdout",
        one_of(&to->format, {"text", "markdown", "csv", "json"})},
       {"-o,--output", "Write the results to this file, for show, report and compare",
        file(&to->output)},
       force_option(to->force),
       {"--strict", "Exit with status 3 when the verdict isn't 'valid'", &to->strict}},
      "Histograms are added count by count: percentiles are those of all requests, exactly as "
      "if one client had sent them.\nExit status: 0 measured, 1 a part failed, 2 wrong use, 3 "
      "not valid with --strict.",
      [to] { return run(*to); }};
}

}  // namespace echomux
