#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/stats/statistics.hpp"

namespace echomux::claims {

// Something that a claim's test has seen or measured.
struct Observation {
  std::string name;            // in snake_case, with its unit last: "wait_us", "events_reported"
  std::string what;            // in words, for the reader: "epoll_wait, level-triggered, again"
  std::vector<double> values;  // one, or one for each round of a measurement; a yes is 1, a no 0
};

// "EPOLLIN|EPOLLRDHUP", or "nothing".
[[nodiscard]] std::string events_in_words(std::uint32_t events);

// All that a claim's test has seen, in the order in which it saw it. Names are unique.
class Evidence {
 public:
  // Something counted or noticed once.
  template <typename Number>
  void note(std::string_view name, std::string_view what, const Number& value) {
    measure(name, what, {static_cast<double>(value)});
  }
  // What epoll has reported, as a number and, in the text, in words.
  void events(std::string_view name, std::string_view what, std::uint32_t events);
  // Something measured in rounds. The rounds of several observations belong together by index when
  // they were measured in turn.
  void measure(std::string_view name, std::string_view what, std::vector<double> values);

  // The one of this name. Throws std::out_of_range, which says the name, when there is none.
  [[nodiscard]] const Observation& find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const noexcept;
  // The value of a note; for a measurement, its median. Throws as find() does, as do all below.
  [[nodiscard]] double value(std::string_view name) const;
  // The median and its 95 % interval (from six rounds on).
  [[nodiscard]] MedianInterval interval(std::string_view name) const;
  // The median, over the rounds, of `numerator` over `denominator`, each round by itself, with its
  // interval. Both must have the same number of rounds.
  [[nodiscard]] MedianInterval ratio(std::string_view numerator,
                                     std::string_view denominator) const;
  [[nodiscard]] bool yes(std::string_view name) const { return value(name) != 0; }

  [[nodiscard]] const std::vector<Observation>& observations() const noexcept {
    return observations_;
  }

 private:
  std::vector<Observation> observations_;
};

}  // namespace echomux::claims
