#include "claims/rules.hpp"

#include <fmt/core.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "harness/machine/proc_file.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace {

using Named = std::pair<std::string_view, double>;

constexpr std::array event_names{Named{"in", EPOLLIN},   Named{"pri", EPOLLPRI},
                                 Named{"out", EPOLLOUT}, Named{"rdhup", EPOLLRDHUP},
                                 Named{"hup", EPOLLHUP}, Named{"err", EPOLLERR}};
constexpr std::array error_names{Named{"EAGAIN", EAGAIN},         Named{"EADDRINUSE", EADDRINUSE},
                                 Named{"ECONNRESET", ECONNRESET}, Named{"EEXIST", EEXIST},
                                 Named{"EINVAL", EINVAL},         Named{"EMFILE", EMFILE},
                                 Named{"ENODEV", ENODEV},         Named{"ENOMEM", ENOMEM},
                                 Named{"ENOSYS", ENOSYS},         Named{"EINTR", EINTR}};

std::vector<std::string> split(std::string_view text, std::string_view by) {
  std::vector<std::string> parts;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find(by);
    parts.emplace_back(proc::trimmed(text.substr(0, end)));
    if (end != std::string_view::npos) text.remove_prefix(end + by.size());
  }
  return parts;
}

// "(a,b)x_@" as "x_a" and "x_b".
std::vector<std::string> expanded(std::string_view word) {
  if (!word.starts_with('(')) return {std::string(word)};
  const std::size_t close = word.find(')');
  if (close == std::string_view::npos) throw std::invalid_argument("no ) in " + std::string(word));
  std::vector<std::string> all;
  for (const std::string& part : split(word.substr(1, close - 1), ",")) {
    std::string one(word.substr(close + 1));
    for (std::size_t at = 0; (at = one.find('@')) != one.npos;) one.replace(at, 1, part);
    all.push_back(std::move(one));
  }
  return all;
}

MedianInterval quantity(const std::string& name, const Evidence& evidence) {
  const std::size_t slash = name.find('/');
  return slash == std::string::npos ? evidence.interval(name)
                                    : evidence.ratio(name.substr(0, slash), name.substr(slash + 1));
}

bool compare(double value, std::string_view how, double bound) {
  const auto bits = [](double number) { return static_cast<std::uint32_t>(number); };
  if (how == "=") return value == bound;
  if (how == "!=") return value != bound;
  if (how == "<") return value < bound;
  if (how == "<=") return value <= bound;
  if (how == ">") return value > bound;
  if (how == ">=") return value >= bound;
  if (how == "has") return (bits(value) & bits(bound)) == bits(bound);
  if (how == "lacks") return (bits(value) & bits(bound)) == 0;
  throw std::invalid_argument("no comparison: " + std::string(how));
}

// A bound, or the observation of this name.
double bound_of(const std::string& text, const Evidence& evidence) {
  try {
    return bound_value(text);
  } catch (const std::invalid_argument&) {
    return evidence.value(text);
  }
}

// What stands behind the name in one part of a condition.
bool meets_one(const std::string& name, std::vector<std::string_view> rest,
               const Evidence& evidence) {
  if (rest.size() == 1 && rest[0] == "known") return evidence.has(name);
  const MedianInterval value = quantity(name, evidence);
  if (rest.empty()) return value.median != 0;
  const std::string last(rest.back());
  const double bound = bound_of(last, evidence);
  if (rest.size() == 2) return compare(value.median, rest[0], bound);
  const std::string how = rest.size() == 3 ? fmt::format("{} {}", rest[0], rest[1]) : "";
  const auto above = [&](double edge) { return value.bounds && value.bounds->low > edge; };
  const auto below = [&](double edge) { return value.bounds && value.bounds->high < edge; };
  if (how == "surely above") return above(bound);
  if (how == "surely below") return below(bound);
  if (how == "surely within") return above(1 / bound) && below(bound);
  if (how == "clearly above") return above(1) && value.median >= bound;
  if (how == "clearly below") return below(1) && value.median <= bound;
  if (how == "clearly off") {
    return (above(1) && value.median >= bound) || (below(1) && value.median <= 1 / bound);
  }
  throw std::invalid_argument("no condition: " + name + " " + std::string(rest.front()));
}

bool meets_part(std::string_view part, const Evidence& evidence) {
  std::vector<std::string_view> words = proc::words(part);
  const auto take = [&](std::string_view word) {
    if (words.size() < 2 || words.front() != word) return false;
    words.erase(words.begin());
    return true;
  };
  const bool turned = take("not");
  const bool any = take("any");
  if (!any) take("all");
  if (words.empty()) throw std::invalid_argument("an empty part of a condition");
  const bool optional = words.front().starts_with('~');
  std::vector<std::string> names = expanded(words.front().substr(optional ? 1 : 0));
  words.erase(words.begin());
  if (optional) {
    std::erase_if(names, [&](const std::string& name) {
      return !evidence.has(name.substr(0, name.find('/')));
    });
    if (names.empty()) return turned;
  }
  const auto met = [&](const std::string& name) { return meets_one(name, words, evidence); };
  return turned != (any ? std::ranges::any_of(names, met) : std::ranges::all_of(names, met));
}

Evidence with_derived(const Claim& claim, Evidence evidence) {
  if (claim.derive != nullptr) claim.derive(evidence);
  return evidence;
}

// The texts of two observations as one about their ratio: "CPU of poll ÷ select, 10 watched".
std::string ratio_in_words(const std::string& above, const std::string& below) {
  const std::vector<std::string> a = split(above, " ");
  const std::vector<std::string> b = split(below, " ");
  const std::size_t least = std::min(a.size(), b.size());
  std::size_t before = 0;
  while (before < least && a[before] == b[before]) ++before;
  std::size_t after = 0;
  while (after < least - before && a[a.size() - 1 - after] == b[b.size() - 1 - after]) ++after;
  std::string out;
  const auto add = [&](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
  for (std::size_t i = 0; i + after < a.size(); ++i) add(a[i]);
  if (out.ends_with(',')) out.pop_back();
  add("÷");
  for (std::size_t i = before; i + after < b.size(); ++i) add(b[i]);
  for (std::size_t i = a.size() - after; i < a.size(); ++i) add(a[i]);
  return out;
}

}  // namespace

void Evidence::events(std::string_view name, std::string_view what, std::uint32_t events) {
  note(name, std::string(what) + ": " + events_in_words(events), events);
}

void Evidence::measure(std::string_view name, std::string_view what, std::vector<double> values) {
  if (has(name)) throw std::logic_error("observed twice: " + std::string(name));
  if (values.empty()) throw std::logic_error("observed without a value: " + std::string(name));
  observations_.push_back({std::string(name), std::string(what), std::move(values)});
}

bool Evidence::has(std::string_view name) const noexcept {
  return std::ranges::find(observations_, name, &Observation::name) != observations_.end();
}

double Evidence::value(std::string_view name) const {
  return median(find(name).values);
}

MedianInterval Evidence::interval(std::string_view name) const {
  return median_interval(find(name).values);
}

MedianInterval Evidence::ratio(std::string_view numerator, std::string_view denominator) const {
  const std::vector<double>& above = find(numerator).values;
  const std::vector<double>& below = find(denominator).values;
  if (above.size() != below.size()) {
    throw std::out_of_range("not measured in the same rounds: " + std::string(numerator) + " and " +
                            std::string(denominator));
  }
  std::vector<double> ratios;
  ratios.reserve(above.size());
  for (std::size_t i = 0; i < above.size(); ++i) ratios.push_back(above[i] / below[i]);
  return median_interval(std::move(ratios));
}

const Observation& Evidence::find(std::string_view name) const {
  const auto found = std::ranges::find(observations_, name, &Observation::name);
  if (found == observations_.end()) {
    throw std::out_of_range("not observed: " + std::string(name));
  }
  return *found;
}

std::string events_in_words(std::uint32_t bits) {
  std::string words;
  for (const auto& [name, bit] : event_names) {
    if (!compare(bits, "has", bit)) continue;
    if (!words.empty()) words += '|';
    words += "EPOLL";
    for (const char c : name) words += static_cast<char>(c - 'a' + 'A');
  }
  return words.empty() ? "nothing" : words;
}

double bound_value(std::string_view text) {
  if (text.starts_with('-')) return -bound_value(text.substr(1));
  double sum = 0;
  for (const std::string& word : split(text, "+")) {
    const auto is_it = [&](const Named& one) { return one.first == word; };
    const auto event = std::ranges::find_if(event_names, is_it);
    const auto error = std::ranges::find_if(error_names, is_it);
    const std::size_t slash = word.find('/');
    if (event != event_names.end()) {
      sum += event->second;
    } else if (error != error_names.end()) {
      sum += error->second;
    } else {
      sum += std::stod(word) / (slash == std::string::npos ? 1 : std::stod(word.substr(slash + 1)));
    }
  }
  return sum;
}

std::vector<Rule> parse_rules(std::string_view rules) {
  constexpr std::array verdicts{
      std::pair{"holds", Verdict::holds}, std::pair{"limits", Verdict::holds_within_limits},
      std::pair{"refuted", Verdict::refuted}, std::pair{"untestable", Verdict::not_testable_here}};
  std::vector<Rule> parsed;
  for (const std::string& line : split(rules, "\n")) {
    const std::string word = line.substr(0, line.find(' '));
    const auto verdict =
        std::ranges::find_if(verdicts, [&](const auto& one) { return one.first == word; });
    const std::size_t colon = line.find(": ");
    const bool complete = verdict != verdicts.end() && colon != std::string::npos;
    const std::string when = complete ? line.substr(word.size() + 1, colon - word.size() - 1) : "";
    if (when != "else" && !when.starts_with("if ")) throw std::invalid_argument("no rule: " + line);
    parsed.push_back(
        {verdict->second, when == "else" ? "" : when.substr(3), line.substr(colon + 2)});
  }
  return parsed;
}

bool meets(std::string_view condition, const Evidence& evidence) {
  if (condition.empty()) return true;
  return std::ranges::any_of(split(condition, " or "), [&](const std::string& side) {
    return std::ranges::all_of(split(side, " and "),
                               [&](const std::string& part) { return meets_part(part, evidence); });
  });
}

Figure figure(const Observation& observation) {
  const double first = observation.values.front();
  // What note_events() has noted says in its text which events these were.
  const std::string told =
      ": " +
      (first >= 0 && first < 65'536 ? events_in_words(static_cast<std::uint32_t>(first)) : "?");
  if (observation.what.ends_with(told)) {
    return {observation.what.substr(0, observation.what.size() - told.size()), told.substr(2)};
  }
  if (observation.name.find("errno") != std::string::npos) {
    const auto error = std::ranges::find(error_names, first, &Named::second);
    return {observation.what, error != error_names.end() ? std::string(error->first)
                              : first == 0               ? "none"
                                                         : reader_number(first)};
  }
  if (std::ranges::count(observation.values, first) == std::ssize(observation.values)) {
    return {observation.what, reader_number(first)};
  }
  return {observation.what, reader_number(median_interval(observation.values))};
}

std::vector<Figure> figures(const Claim& claim, const Evidence& observed, bool partly) {
  const Evidence evidence = with_derived(claim, observed);
  std::vector<Figure> all;
  for (const std::string_view word : proc::words(claim.shows)) {
    const bool optional = word.starts_with('~');
    for (std::string name : expanded(word.substr(optional ? 1 : 0))) {
      const bool yes_or_no = name.ends_with('?');
      if (yes_or_no) name.pop_back();
      const std::size_t slash = name.find('/');
      const std::string above = name.substr(0, slash);
      const std::string below = slash == std::string::npos ? "" : name.substr(slash + 1);
      const bool there = evidence.has(above) && (below.empty() || evidence.has(below));
      if (!there && (optional || partly)) continue;
      const Observation& one = evidence.find(above);
      if (!below.empty()) {
        all.push_back({ratio_in_words(one.what, evidence.find(below).what),
                       reader_number(quantity(name, evidence)) + " times"});
      } else if (yes_or_no) {
        all.push_back({one.what, evidence.yes(above) ? "yes" : "no"});
      } else {
        all.push_back(figure(one));
      }
    }
  }
  return all;
}

std::vector<std::string> names_shown(const Claim& claim) {
  std::vector<std::string> names;
  for (const std::string_view word : proc::words(claim.shows)) {
    for (const std::string& figure : expanded(word.substr(word.starts_with('~') ? 1 : 0))) {
      for (std::string name : split(figure, "/")) {
        if (name.ends_with('?')) name.pop_back();
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
      }
    }
  }
  return names;
}

Finding follow_rules(const Claim& claim, const Evidence& evidence) {
  const Evidence all = with_derived(claim, evidence);
  Finding finding{Verdict::not_testable_here,
                  "the interval allows for both answers, so these rounds can't tell"};
  for (const Rule& rule : parse_rules(claim.rules)) {
    if (!meets(rule.condition, all)) continue;
    finding = {rule.verdict, rule.reason};
    break;
  }
  // A verdict without its figures would be an assertion.
  static_cast<void>(figures(claim, evidence, finding.verdict == Verdict::not_testable_here));
  return finding;
}

}  // namespace echomux::claims
