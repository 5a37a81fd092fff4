#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <sstream>

#include "harness/bench/summary.hpp"
#include "harness/results/compare.hpp"
#include "harness/results/results_file.hpp"
#include "harness/text/json.hpp"
#include "report/report.hpp"
#include "report/report_page.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/support/json_place.hpp"
#include "tests/support/sample_results.hpp"

namespace echomux::fuzz {
namespace {

// A good file that is the same on every machine, so that an input means the same everywhere.
Json good_file() {
  Results results = sample_results();
  results.context.started = "2026-01-01T00:00:00Z";
  results.context.build = {};
  results.context.machine = {};
  results.context.cpu_plan = "no plan";
  return Json::parse(results_json(results));
}

// Adds the places below one: of each value, and after the first in them, of what holds several.
void add_places(const Json& json, const std::string& place, std::vector<std::string>& places) {
  if (json.empty()) {
    for (std::string part = place; !part.empty(); part.resize(part.rfind('/'))) {
      if (std::ranges::find(places, part) == places.end()) places.push_back(part);
    }
  } else if (json.is_object()) {
    for (const auto& [key, inner] : json.items()) {
      add_places(inner, std::string(place).append("/").append(key), places);
    }
  } else {
    for (std::size_t i = 0; i < json.size(); ++i) {
      add_places(json.at(i), place + '/' + std::to_string(i), places);
    }
  }
}

double odd_number(std::uint8_t which) {
  constexpr double largest = std::numeric_limits<double>::max();
  constexpr double smallest = std::numeric_limits<double>::min();
  constexpr std::array numbers{0.0,     -0.0,     -1.0,     0.5, 1e-300, 1e300, 1e6,  1e19,
                               largest, smallest, -largest, 2.5, 100.0,  -1e9,  9e15, 1e5};
  return numbers[which % numbers.size()];
}

Json odd_integer(std::uint8_t which) {
  constexpr std::uint64_t one = 1;
  constexpr std::uint64_t largest_signed = std::numeric_limits<std::int64_t>::max();
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  constexpr std::array<std::uint64_t, 10> numbers{
      0, 1, 2, 1000, 99'999, one << 31U, one << 32U, one << 53U, largest_signed, largest};
  const std::uint64_t number = numbers[which % numbers.size()];
  return which < 128 ? Json(number) : Json(-static_cast<std::int64_t>(number >> 1U));
}

// Something else to put in the place of a value.
Json spoilt(const Json& value, Choices& choices) {
  switch (choices.byte() % 8) {
    case 0:
      return odd_number(choices.byte());
    case 1:
      return odd_integer(choices.byte());
    case 2:
      return choices.text(choices.byte());
    case 3:
      return nullptr;
    case 4:
      return (choices.byte() & 1U) != 0;
    case 5: {
      // Many of the same, or none.
      const Json element = value.is_array() && !value.empty() ? value.at(0) : value;
      return std::vector<Json>(choices.byte(), element);
    }
    case 6:
      return Json::object();
    default: {
      Json longer = value;
      if (value.is_object() && !value.empty()) {
        longer[choices.text(choices.byte() % 16)] = value.items().front().second;
      }
      return longer;
    }
  }
}

std::string spoilt_file(Choices choices) {
  static const Json good = good_file();
  static const std::vector<std::string> places = [] {
    std::vector<std::string> found;
    add_places(good, "", found);
    return found;
  }();
  Json file = good;
  while (!choices.done()) {
    const std::string& place = places[choices.two_bytes() % places.size()];
    // An earlier change may have taken the place away.
    if (Json* const value = find_place(file, place)) *value = spoilt(*value, choices);
  }
  return file.dump();
}

void use(const Results& results, bool with_page) {
  static_cast<void>(summarize(results));
  for (const ReportFormat format :
       {ReportFormat::text, ReportFormat::markdown, ReportFormat::csv, ReportFormat::json}) {
    require(!report(results, format).empty(), "there is nothing in its report");
  }
  static_cast<void>(cost_ledger(results));
  for (const Metric& metric : metrics()) static_cast<void>(compare(results, results, metric));
  if (with_page) static_cast<void>(report_page({{"one", results}, {"other", results}}));
  // What is written is read again, and is the same from then on.
  const std::string text = results_json(results);
  std::istringstream again(text);
  require(results_json(parse_results(again)) == text, "results change when they are written again");
}

}  // namespace

// The first byte: 0, a good file with other values put in; else the text itself.
void fuzz_results(Input input) {
  Choices choices(input);
  const bool as_it_is = !input.empty() && input.front() != 0;
  if (!as_it_is) static_cast<void>(choices.byte());
  std::istringstream file(as_it_is ? std::string(as_text(input)) : spoilt_file(choices));
  Results results;
  try {
    results = parse_results(file);
  } catch (const std::exception& refusal) {
    return;
  }
  // The page takes longer than all the rest: only for some.
  use(results, input.size() % 16 == 1);
}

}  // namespace echomux::fuzz
