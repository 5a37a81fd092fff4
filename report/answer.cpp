#include "report/answer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "harness/bench/slices.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/words.hpp"
#include "report/palette.hpp"

namespace echomux {
namespace {

constexpr std::string_view cost_metric = "cpu_us_per_request";

bool takes_part(const CellSummary& cell) {
  const LineKind kind = line_kind(cell.cell.server);
  return kind != LineKind::floor && kind != LineKind::busy;
}

bool has_cost(const CellSummary& cell) {
  return cell.used > 0 && cell.judgement.verdict != Verdict::invalid && cell.median(cost_metric);
}

double cost(const CellSummary& cell) {
  return *cell.median(cost_metric);
}

// By which servers are compared: the ratio to the floor of the same rounds, where all have it.
double rank(const CellSummary& cell) {
  return cell.median(ratio_to_floor).value_or(cost(cell));
}

// "33" or "1.04".
std::string times(double ratio) {
  return ratio < 2 ? fmt::format("{:.2f}", ratio) : figure_in_words(ratio);
}

// The servers beside as many idle connections and at one rate.
struct Place {
  std::size_t idle = 0;
  double rate = 0;
  std::vector<const CellSummary*> measured;  // the cheapest first
  std::vector<const CellSummary*> absent;
};

std::vector<Place> places_of(const std::vector<CellSummary>& cells) {
  std::vector<Place> places;
  for (const CellSummary& cell : cells) {
    if (!takes_part(cell)) continue;
    auto place = std::ranges::find_if(places, [&](const Place& one) {
      return one.idle == cell.cell.idle_connections && one.rate == cell.cell.rate;
    });
    if (place == places.end()) {
      place = places.insert(places.end(), {cell.cell.idle_connections, cell.cell.rate, {}, {}});
    }
    (has_cost(cell) ? place->measured : place->absent).push_back(&cell);
  }
  for (Place& place : places) {
    std::ranges::stable_sort(place.measured, {},
                             [](const CellSummary* cell) { return rank(*cell); });
  }
  return places;
}

std::string where(const Place& place, bool name_rate) {
  const std::string beside =
      place.idle == 0 ? "with no idle connections"
                      : fmt::format("beside {} idle connections", count_in_words(place.idle));
  return name_rate ? fmt::format("{} at {}", beside, rate_in_words(place.rate)) : beside;
}

std::string why_absent(const CellSummary& cell) {
  if (cell.used > 0) return std::string(to_string(cell.judgement.verdict));
  const auto& [kind, reason, sentence] = cell.outcome;
  return kind == OutcomeKind::starved || sentence.empty() ? std::string(to_string(kind)) : sentence;
}

// "a request costs epoll_lt and epoll_et 29.9 to 31.0 µs of CPU and poll 979 (33 times as much)".
std::string costs(const Place& place) {
  const CellSummary& least = *place.measured.front();
  std::vector<std::string> alike;
  double least_alike = cost(least);
  double most_alike = cost(least);
  std::vector<std::string> dearer;
  for (const CellSummary* const cell : place.measured) {
    if (!told_apart(least, *cell)) {
      alike.push_back(cell->cell.server);
      least_alike = std::min(least_alike, cost(*cell));
      most_alike = std::max(most_alike, cost(*cell));
    } else {
      const bool saturated = cell->judgement.verdict == Verdict::saturated;
      dearer.push_back(fmt::format("{} {} ({} times as much{})", cell->cell.server,
                                   figure_in_words(cost(*cell)), times(rank(*cell) / rank(least)),
                                   saturated ? ", saturated" : ""));
    }
  }
  std::string text =
      fmt::format("a request costs {} {}", list_in_words(alike), figure_in_words(least_alike));
  if (figure_in_words(most_alike) != figure_in_words(least_alike)) {
    text += fmt::format(" to {}", figure_in_words(most_alike));
  }
  text += " µs of CPU";
  if (alike.size() > 1) text += ", too close to tell apart";
  if (!dearer.empty())
    text += fmt::format("{} {}", alike.size() > 1 ? ", but" : " and", list_in_words(dearer));
  return text;
}

std::string sentence_about(const Place& place, bool name_rate) {
  std::string text = where(place, name_rate);
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  text += " " + costs(place);
  std::vector<std::string> absent;
  absent.reserve(place.absent.size());
  for (const CellSummary* const cell : place.absent) {
    absent.push_back(fmt::format("{} ({})", cell->cell.server, why_absent(*cell)));
  }
  if (!absent.empty()) text += fmt::format("; without figures: {}", list_in_words(absent));
  return text;
}

// Every place where select or poll costs less than both of epoll's servers that are there.
std::vector<std::string> wins_of_scanning(const std::vector<Place>& places, bool name_rate) {
  std::vector<std::string> wins;
  for (const Place& place : places) {
    for (const CellSummary* const one : place.measured) {
      if (line_kind(one->cell.server) != LineKind::scanning) continue;
      std::size_t others = 0;
      const bool wins_here = std::ranges::all_of(place.measured, [&](const CellSummary* other) {
        if (line_kind(other->cell.server) != LineKind::epoll) return true;
        ++others;
        return told_apart(*one, *other);
      });
      if (wins_here && others > 0) {
        wins.push_back(fmt::format("{} {}", one->cell.server, where(place, name_rate)));
      }
    }
  }
  return wins;
}

}  // namespace

std::vector<std::string> answer(const std::vector<CellSummary>& cells) {
  std::vector<Place> places = places_of(cells);
  std::erase_if(places, [](const Place& place) { return place.measured.empty(); });
  if (places.empty()) return {"Nothing was measured that servers can be compared by."};
  const bool name_rate = std::ranges::any_of(
      places, [&](const Place& place) { return place.rate != places.front().rate; });
  // A rare request has a whole wait to itself, and is where waits differ most; many at once share
  // one. A closed loop, which has no rate, is as busy as can be.
  const auto rarity = [](const Place& place) {
    return place.rate > 0 ? -place.rate : -std::numeric_limits<double>::infinity();
  };
  const auto order = [&](const Place& a, const Place& b) {
    return std::pair(a.idle, rarity(a)) < std::pair(b.idle, rarity(b));
  };
  const auto [least, most] = std::ranges::minmax_element(places, order);
  std::vector<std::string> sentences{sentence_about(*most, name_rate) + "."};
  if (least == most) return sentences;
  sentences.push_back(sentence_about(*least, name_rate));
  const std::vector<std::string> wins = wins_of_scanning(places, name_rate);
  if (!wins.empty()) {
    sentences.back() += fmt::format("; cheaper than epoll: {}", list_in_words(wins));
  }
  sentences.back() += ".";
  return sentences;
}

}  // namespace echomux
