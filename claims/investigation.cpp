#include "claims/investigation.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>

#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"

namespace echomux::claims {
namespace {

constexpr std::array verdicts{Verdict::holds, Verdict::holds_within_limits, Verdict::refuted,
                              Verdict::not_testable_here};

std::string counted(std::size_t count, Verdict verdict) {
  return fmt::format("{} {}", count, to_string(verdict));
}

// A yes or a count as it is, a measurement as its median with its interval.
std::string value_in_words(const Observation& observation) {
  if (observation.values.size() == 1) return reader_number(observation.values.front());
  return fmt::format("{} (median of {})", reader_number(median_interval(observation.values)),
                     observation.values.size());
}

std::string link_to(const Claim& claim) {
  std::string file(claim.id);
  std::ranges::replace(file, '-', '_');
  return fmt::format("[{}]({}.cpp)", claim.id, file);
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::holds_within_limits:
      return "holds within limits";
    case Verdict::refuted:
      return "refuted";
    case Verdict::not_testable_here:
      return "not testable here";
  }
  return "unknown";
}

Finding decide(const Claim& claim, const Evidence& evidence) {
  try {
    return claim.decide(evidence);
  } catch (const std::exception& error) {
    return {Verdict::not_testable_here,
            fmt::format("the evidence is incomplete: {}", error.what())};
  }
}

Tested put_to_the_test(const Claim& claim, Laboratory& laboratory) {
  Tested tested{.claim = &claim, .evidence = {}, .finding = {}, .seconds = 0};
  const auto begin = std::chrono::steady_clock::now();
  try {
    if (claim.observe != nullptr) claim.observe(laboratory, tested.evidence);
    tested.finding = decide(claim, tested.evidence);
  } catch (const std::exception& error) {
    tested.finding = {Verdict::not_testable_here,
                      fmt::format("the experiment could not be made: {}", error.what())};
  }
  tested.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return tested;
}

std::string in_words(const Tested& tested, bool working) {
  const Claim& claim = *tested.claim;
  std::string out = fmt::format("{}: {}\n  \"{}\"\n", claim.id, to_string(tested.finding.verdict),
                                claim.sentence);
  const bool documents = claim.sources.find_first_of("0123456789") == 0;
  out += fmt::format("  said by  {}{}\n", documents ? "source documents " : "", claim.sources);
  out += fmt::format("  done     {}\n", claim.method);
  out += fmt::format("  seen     {}\n", tested.finding.because);
  if (!working) return out;
  out += fmt::format("  decided  {}\n", claim.decision);
  Table table({Table::left({}, 34, 4), Table::left({}, 28, 1), Table::left({}, 0, 1)});
  for (const Observation& observation : tested.evidence.observations()) {
    table.add({observation.name, value_in_words(observation), observation.what});
  }
  out += table.print() + fmt::format("  in {:.1f} s\n", tested.seconds);
  return out;
}

std::string summary(std::span<const Tested> tested) {
  std::string out = fmt::format("{} sentences:", tested.size());
  std::string_view separator = " ";
  for (const Verdict verdict : verdicts) {
    const auto count = static_cast<std::size_t>(std::ranges::count_if(
        tested, [&](const Tested& one) { return one.finding.verdict == verdict; }));
    if (count == 0) continue;
    out += fmt::format("{}{}", separator, counted(count, verdict));
    separator = ", ";
  }
  return out + ".";
}

std::string ledger(const Investigation& investigation) {
  Table table({Table::left("sentence"), Table::left("verdict"), Table::left("evidence"),
               Table::left("said by")});
  for (const Tested& tested : investigation.tested) {
    table.add({fmt::format("{}: {}", link_to(*tested.claim), tested.claim->sentence),
               fmt::format("**{}**", to_string(tested.finding.verdict)), tested.finding.because,
               std::string(tested.claim->sources)});
  }
  const Machine& machine = investigation.machine;
  return table.print(TableFormat::markdown) +
         fmt::format("\n{} Tested at commit `{}` on {}: {}, {} CPUs, {}.\n",
                     summary(investigation.tested), investigation.build.git_commit,
                     investigation.started, machine.cpu_model, machine.cpus_usable, machine.kernel);
}

Json to_json(const Investigation& investigation) {
  Json json;
  json["started"] = investigation.started;
  json["command"] = investigation.command;
  json["build"] = to_json(investigation.build);
  json["machine"] = to_json(investigation.machine);
  json["claims"] = Json::array();
  for (const Tested& tested : investigation.tested) {
    Json one;
    one["id"] = tested.claim->id;
    one["sentence"] = tested.claim->sentence;
    one["sources"] = tested.claim->sources;
    one["method"] = tested.claim->method;
    one["decision"] = tested.claim->decision;
    one["verdict"] = to_string(tested.finding.verdict);
    one["because"] = tested.finding.because;
    one["seconds"] = tested.seconds;
    one["evidence"] = Json::array();
    for (const Observation& observation : tested.evidence.observations()) {
      one["evidence"].push_back(
          {{"name", observation.name}, {"what", observation.what}, {"values", observation.values}});
    }
    json["claims"].push_back(std::move(one));
  }
  return json;
}

Investigation investigation_from(const Json& json) {
  try {
    Investigation investigation;
    json.at("started").get_to(investigation.started);
    json.at("command").get_to(investigation.command);
    investigation.build = build_from(json.at("build"));
    investigation.machine = machine_from(json.at("machine"));
    for (const Json& one : json.at("claims")) {
      const auto id = one.at("id").get<std::string>();
      const auto claim = std::ranges::find(claims(), id, &Claim::id);
      if (claim == claims().end()) throw std::runtime_error("there is no claim '" + id + "'");
      Tested& tested = investigation.tested.emplace_back();
      tested.claim = &*claim;
      one.at("seconds").get_to(tested.seconds);
      for (const Json& observation : one.at("evidence")) {
        tested.evidence.measure(observation.at("name").get<std::string>(),
                                observation.at("what").get<std::string>(),
                                observation.at("values").get<std::vector<double>>());
      }
      // A claim that could not be tested stays so, for reasons of its own.
      const bool failed = one.at("verdict") == to_string(Verdict::not_testable_here);
      tested.finding =
          failed ? Finding{Verdict::not_testable_here, one.at("because").get<std::string>()}
                 : decide(*claim, tested.evidence);
    }
    return investigation;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("not what 'echomux claims -o' writes: {}", error.what()));
  }
}

}  // namespace echomux::claims
