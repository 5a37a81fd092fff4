#include "claims/claims_run.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "claims/measurements.hpp"
#include "claims/rules.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"
#include "harness/text/words.hpp"

namespace echomux::claims {
namespace {

constexpr std::string_view incomplete = "the evidence is incomplete";

std::vector<Figure> figures_of(const Tested& tested) {
  return figures(*tested.claim, tested.evidence, true);
}

std::string first_figure(const Tested& tested) {
  const std::vector<Figure> all = figures_of(tested);
  return all.empty() ? "" : fmt::format("{}: {}", all.front().what, all.front().value);
}

// The reason with the figure that stands for it.
std::string because(const Tested& tested) {
  const std::string figure = first_figure(tested);
  const std::string suffix = figure.empty() ? "" : fmt::format(" ({})", figure);
  const std::string& reason = tested.finding.because;
  return reason.ends_with(suffix) ? reason : reason + suffix;
}

// What decides, with a line for each rule.
std::string rules_in_words(const Claim& claim, std::string_view begin, std::string_view code) {
  std::string out;
  for (const Rule& rule : parse_rules(claim.rules)) {
    out += fmt::format(
        "{}{} {}: {}\n", begin, to_string(rule.verdict),
        rule.condition.empty() ? "otherwise" : fmt::format("if {0}{1}{0}", code, rule.condition),
        rule.reason);
  }
  return out;
}

// What was tested, of one theme or of all, in the order of the ledger.
std::vector<const Tested*> in_order(const ClaimsRun& run, std::string_view theme = {}) {
  std::vector<const Tested*> found;
  for (const Claim& claim : claims()) {
    const auto tested = std::ranges::find(run.tested, &claim, &Tested::claim);
    if (tested == run.tested.end() || (!theme.empty() && claim.theme != theme)) continue;
    found.push_back(&*tested);
  }
  return found;
}

}  // namespace

Finding decide(const Claim& claim, const Evidence& evidence) {
  try {
    return follow_rules(claim, evidence);
  } catch (const std::exception& error) {
    return {Verdict::not_testable_here, fmt::format("{}: {}", incomplete, error.what())};
  }
}

Tested test_claim(const Claim& claim, Context& context) {
  Tested tested{.claim = &claim, .evidence = {}, .finding = {}, .seconds = 0};
  const auto begin = std::chrono::steady_clock::now();
  try {
    measure_for(claim, context, tested.evidence);
    if (claim.observe != nullptr) claim.observe(context, tested.evidence);
    tested.finding = decide(claim, tested.evidence);
  } catch (const std::exception& error) {
    tested.finding = {Verdict::not_testable_here,
                      fmt::format("the test could not be made: {}", error.what())};
  }
  tested.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return tested;
}

std::string method_in_words(const Claim& claim) {
  return claim.method + measurements_in_words(claim);
}

std::string in_words(const Tested& tested, bool working) {
  const Claim& claim = *tested.claim;
  std::string out = fmt::format("{}: {}\n  \"{}\"\n", claim.id, to_string(tested.finding.verdict),
                                claim.sentence);
  out += fmt::format("  because  {}\n", tested.finding.because);
  for (const Figure& figure : figures_of(tested)) {
    out += fmt::format("  seen     {}: {}\n", figure.what, figure.value);
  }
  out += fmt::format("  tried    {}\n", method_in_words(claim));
  out += fmt::format("  said by  {}\n", claim.sources);
  if (!working) return out;
  out += rules_in_words(claim, "  decided  ", "");
  Table table({Table::left({}, 34, 4), Table::left({}, 28, 1), Table::left({}, 0, 1)});
  for (const Observation& observation : tested.evidence.observations()) {
    const Figure one = figure(observation);
    table.add({observation.name, one.value, one.what});
  }
  return out + table.print() + fmt::format("  in {:.1f} s\n", tested.seconds);
}

std::string summary(std::span<const Tested> tested) {
  std::string out = fmt::format("{} claims:", tested.size());
  std::string_view separator = " ";
  for (const std::string& verdict : words_of<Verdict>()) {
    const auto count = std::ranges::count_if(
        tested, [&](const Tested& one) { return to_string(one.finding.verdict) == verdict; });
    if (count == 0) continue;
    out += fmt::format("{}{} {}", separator, count, verdict);
    separator = ", ";
  }
  return out + ".";
}

std::string ledger(const ClaimsRun& run) {
  Table table({Table::left("claim"), Table::left("verdict"), Table::left("figure")});
  for (const Tested* const tested : in_order(run)) {
    const Claim& claim = *tested->claim;
    table.add({fmt::format("<a id=\"{0}\"></a>[{0}]({1}.md#{0}): {2}", claim.id, claim.theme,
                           claim.sentence),
               fmt::format("**{}**", to_string(tested->finding.verdict)), first_figure(*tested)});
  }
  const Machine& machine = run.machine;
  return table.print(TableFormat::markdown) +
         fmt::format("\n{} Tested at commit `{}` on {}: {}, {} CPUs, {}.\n", summary(run.tested),
                     run.build.git_commit, run.started, machine.cpu_model, machine.cpus_usable,
                     machine.kernel);
}

std::string page(const ClaimsRun& run, std::string_view theme) {
  std::string out;
  for (const Tested* const tested : in_order(run, theme)) {
    const Claim& claim = *tested->claim;
    out += fmt::format("{}## {}\n\n\"{}\"\n\n", out.empty() ? "" : "\n", claim.id, claim.sentence);
    out +=
        fmt::format("**{}**: {}.\n\n", to_string(tested->finding.verdict), tested->finding.because);
    Table table({Table::left("seen"), Table::left("figure")});
    for (const Figure& figure : figures_of(*tested)) table.add({figure.what, figure.value});
    if (!table.empty()) out += table.print(TableFormat::markdown) + "\n";
    out += fmt::format("- Tried: {}.\n- Said by: {}.\n", method_in_words(claim), claim.sources);
    out += rules_in_words(claim, "- Verdict: ", "`");
  }
  return out;
}

Json to_json(const ClaimsRun& run) {
  Json json;
  json["started"] = run.started;
  json["command"] = run.command;
  json["build"] = to_json(run.build);
  json["machine"] = to_json(run.machine);
  json["claims"] = Json::array();
  for (const Tested& tested : run.tested) {
    const Claim& claim = *tested.claim;
    Json one;
    one["id"] = claim.id;
    one["theme"] = claim.theme;
    one["sentence"] = claim.sentence;
    one["sources"] = claim.sources;
    one["method"] = method_in_words(claim);
    one["decision"] = rules_in_words(claim, "", "");
    one["verdict"] = to_string(tested.finding.verdict);
    one["because"] = because(tested);
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

ClaimsRun claims_run_from(const Json& json) {
  try {
    ClaimsRun run;
    json.at("started").get_to(run.started);
    json.at("command").get_to(run.command);
    run.build = build_from(json.at("build"));
    run.machine = machine_from(json.at("machine"));
    for (const Json& one : json.at("claims")) {
      const auto id = one.at("id").get<std::string>();
      const auto claim = std::ranges::find(claims(), id, &Claim::id);
      if (claim == claims().end()) throw std::runtime_error("there is no claim '" + id + "'");
      Tested& tested = run.tested.emplace_back();
      tested.claim = &*claim;
      one.at("seconds").get_to(tested.seconds);
      for (const Json& observation : one.at("evidence")) {
        tested.evidence.measure(observation.at("name").get<std::string>(),
                                observation.at("what").get<std::string>(),
                                observation.at("values").get<std::vector<double>>());
      }
      tested.finding = decide(*claim, tested.evidence);
      // A test that could not be made has left too little to decide from. The file says why.
      if (one.at("verdict") == to_string(Verdict::not_testable_here) &&
          (tested.finding.verdict != Verdict::not_testable_here ||
           tested.finding.because.starts_with(incomplete))) {
        tested.finding = {Verdict::not_testable_here, one.at("because").get<std::string>()};
      }
    }
    return run;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("not what 'echomux claims -o' writes: {}", error.what()));
  }
}

}  // namespace echomux::claims
