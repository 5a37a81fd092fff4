// What does one change of an epoll set cost among N others?
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/call_cost.hpp"
#include "claims/support/comparison.hpp"
#include "echo/system_call.hpp"
#include "harness/text/number_text.hpp"

namespace echomux::claims {
namespace ctl_tree_cost_claim {

constexpr std::array<std::size_t, 4> wanted{10, 100, 1000, 10'000};

// An epoll set with this many descriptors in it.
class Registered {
 public:
  explicit Registered(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      descriptors_.emplace_back(check(::eventfd(0, EFD_CLOEXEC), "eventfd"));
      control(EPOLL_CTL_ADD, i);
    }
  }
  // Takes one out, chosen at random so that the caches know it no better than any other, and puts
  // it back.
  void change_one() {
    const std::size_t chosen = random_() % descriptors_.size();
    control(EPOLL_CTL_DEL, chosen);
    control(EPOLL_CTL_ADD, chosen);
  }

 private:
  void control(int operation, std::size_t index) {
    epoll_event event{};
    event.events = EPOLLIN;
    check(::epoll_ctl(epoll_.get(), operation, descriptors_[index].get(), &event), "epoll_ctl");
  }

  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<FileDescriptor> descriptors_;
  std::minstd_rand random_{1};
};

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  laboratory.progress("changing epoll sets of 10 to 10,000 descriptors");
  std::array<std::size_t, 4> counts = wanted;
  constexpr std::size_t others = 10 + 100 + 1000;
  counts.back() = bench.as_many_as_possible(wanted.back() + others, 1);
  if (counts.back() < 3 * others) throw std::runtime_error("ulimit -n allows no large set");
  counts.back() -= others;
  std::vector<std::unique_ptr<Registered>> sets;
  sets.reserve(counts.size());
  for (const std::size_t count : counts) sets.push_back(std::make_unique<Registered>(count));
  std::array<std::vector<double>, 4> us;
  bench.in_turn(
      counts.size(),
      [&](std::size_t i) { us[i].push_back(call_us([&] { sets[i]->change_one(); })); },
      many_rounds);
  std::vector<double> doublings;
  doublings.reserve(counts.size());
  for (const std::size_t count : counts) doublings.push_back(std::log2(count));
  std::vector<double> slopes;
  for (std::size_t round = 0; round < many_rounds; ++round) {
    const std::array costs{us[0][round], us[1][round], us[2][round], us[3][round]};
    slopes.push_back(*least_squares_slope(doublings, costs));
  }
  evidence.note("smallest", "descriptors in the smallest set", static_cast<double>(counts.front()));
  evidence.note("largest", "descriptors in the largest set", static_cast<double>(counts.back()));
  const std::array<const char*, 4> names{"change_us_10", "change_us_100", "change_us_1000",
                                         "change_us_most"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    evidence.measure(names[i], fmt::format("EPOLL_CTL_DEL and ADD of one among {}", counts[i]),
                     std::move(us[i]));
  }
  evidence.measure("us_per_doubling", "what each doubling of the set adds", std::move(slopes));
}

Finding decide(const Evidence& evidence) {
  const double smallest = evidence.value("smallest");
  const double largest = evidence.value("largest");
  const MedianInterval growth = evidence.ratio("change_us_most", "change_us_10");
  const MedianInterval added = evidence.interval("us_per_doubling");
  const double logarithmic = std::log2(largest) / std::log2(smallest);
  const std::string seen = fmt::format(
      "taking one out and putting it back costs {} µs among {} and {} µs among {}: {}, where the "
      "logarithm grows {} times and the number {} times; {} µs more for each doubling",
      reader_number(evidence.value("change_us_10")), reader_number(smallest),
      reader_number(evidence.value("change_us_most")), reader_number(largest), times(growth),
      reader_number(logarithmic), reader_number(largest / smallest), reader_number(added));
  if (surely_above(growth, std::sqrt(largest / smallest))) return {Verdict::refuted, seen};
  if (surely_above(growth, 1) && surely_above(added, 0) && surely_below(growth, logarithmic)) {
    return {Verdict::holds, seen};
  }
  if (surely_below(growth, logarithmic)) {
    return {Verdict::holds_within_limits,
            seen + ": the tree doesn't show beside what a call costs anyway"};
  }
  if (surely_above(growth, logarithmic)) {
    return {Verdict::holds_within_limits,
            seen + ": more than the tree's depth, for it no longer fits into the caches"};
  }
  return cannot_tell(seen);
}

}  // namespace ctl_tree_cost_claim

Claim ctl_tree_cost() {
  return {.id = "ctl-tree-cost",
          .sentence = "Registrations live in a red-black tree: adding one costs O(log n)",
          .sources = "002",
          .method =
              "EPOLL_CTL_DEL and EPOLL_CTL_ADD of a random one of 10, 100, 1,000 and 10,000 "
              "registered eventfds (or as many as ulimit -n allows); CPU of the two calls, in 41 "
              "rounds in turn, and a line over log2 of the number in each round",
          .decision =
              "it holds when the cost surely grows, by no more than the logarithm does. Within "
              "limits when no growth shows, or it is more than that, as when the tree outgrows the "
              "caches; refuted when it surely grows by more than the square root of the number, "
              "which no logarithm explains",
          .observe = ctl_tree_cost_claim::observe,
          .decide = ctl_tree_cost_claim::decide};
}

}  // namespace echomux::claims
