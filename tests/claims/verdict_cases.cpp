#include "tests/claims/verdict_cases.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace echomux::claims {
namespace {

Verdict verdict_of(const std::string& word) {
  static const std::map<std::string, Verdict> verdicts{
      {"holds", Verdict::holds},
      {"holds_within_limits", Verdict::holds_within_limits},
      {"refuted", Verdict::refuted},
      {"not_testable_here", Verdict::not_testable_here}};
  return verdicts.at(word);
}

// One name or number, with its sign.
double term(std::string_view text) {
  static const std::map<std::string_view, double> names{
      {"in", EPOLLIN},    {"out", EPOLLOUT},          {"pri", EPOLLPRI},
      {"hup", EPOLLHUP},  {"err", EPOLLERR},          {"rdhup", EPOLLRDHUP},
      {"EAGAIN", EAGAIN}, {"EADDRINUSE", EADDRINUSE}, {"ECONNRESET", ECONNRESET},
      {"EEXIST", EEXIST}, {"EINVAL", EINVAL},         {"EMFILE", EMFILE},
      {"ENODEV", ENODEV}, {"ENOMEM", ENOMEM},         {"ENOSYS", ENOSYS}};
  if (text.starts_with('-')) return -term(text.substr(1));
  const auto name = names.find(text);
  return name != names.end() ? name->second : std::stod(std::string(text));
}

double value(const std::string& text) {
  std::istringstream terms(text);
  double sum = 0;
  for (std::string one; std::getline(terms, one, '+');) sum += term(one);
  return sum;
}

// Nine rounds around a median that agree within two per cent, or that don't agree at all.
std::vector<double> rounds(double median, bool unsteady) {
  std::vector<double> factors{0.98, 1.02, 1.0, 0.99, 1.01, 1.0, 1.015, 0.985, 1.0};
  if (unsteady) factors = {0.05, 0.1, 0.2, 0.4, 1.0, 3.0, 9.0, 20.0, 40.0};
  for (double& factor : factors) factor *= median;
  return factors;
}

}  // namespace

Evidence VerdictCase::evidence_of(const Variant& variant) const {
  Values values = evidence;
  for (const auto& [name, other] : variant.changed) values.at(name) = other;
  Evidence all;
  for (const auto& [name, median] : values) {
    if (measured) {
      all.measure(name, "as in a test", rounds(median, variant.unsteady.contains(name)));
    } else {
      all.note(name, "as in a test", median);
    }
  }
  return all;
}

std::vector<VerdictCase> read_cases(std::string_view table, bool measured) {
  std::vector<VerdictCase> cases;
  std::istringstream lines{std::string(table)};
  VerdictCase::Variant next{};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    if (!line.empty() && line.front() != ' ') {
      cases.push_back({line, measured, {}, {}});
      continue;
    }
    while (words >> word) {
      VerdictCase& one = cases.back();
      if (word == "->") {
        words >> word;
        next.verdict = verdict_of(word);
        if (one.variants.empty()) one.evidence = std::exchange(next.changed, {});
        one.variants.push_back(std::exchange(next, {}));
      } else if (word.starts_with('~')) {
        next.unsteady.insert(word.substr(1));
      } else {
        const std::size_t equals = word.find('=');
        next.changed[word.substr(0, equals)] = value(word.substr(equals + 1));
      }
    }
  }
  if (!next.changed.empty()) throw std::invalid_argument("there is no verdict at the end");
  return cases;
}

}  // namespace echomux::claims
