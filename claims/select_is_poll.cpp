// Where select and poll are the same, and where they are not: cost with many watched, cost with few
// of high numbers, and what they tell.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/select.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/call_cost.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/shared.hpp"
#include "harness/text/number_text.hpp"
#include "reproduce/waits.hpp"

namespace echomux::claims {
namespace select_is_poll_claim {

constexpr double material = 1.5;

// A pipe whose writer has gone and that is empty: select calls it readable, poll says that it has
// been hung up.
bool poll_tells_hang_up() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  const FileDescriptor reader(ends[0]);
  ::close(ends[1]);
  pollfd asked{.fd = reader.get(), .events = POLLIN, .revents = 0};
  DescriptorSet set;
  set.add(reader.get());
  timeval now{};
  const int by_select =
      check(::select(reader.get() + 1, set.raw(), nullptr, nullptr, &now), "select");
  return by_select == 1 && ::poll(&asked, 1, 0) == 1 && asked.revents == POLLHUP;
}

// Ten pipes under high numbers, as a server has them when most of its descriptors belong to
// something else.
void measure_high_numbers(const Bench& bench, Evidence& evidence) {
  const micro::Watched low(micro::Kind::pipe, 10);
  const int first = static_cast<int>(std::min<std::uint64_t>(bench.descriptors(), 10'000)) - 16;
  std::vector<FileDescriptor> high;
  std::vector<pollfd> list;
  DescriptorSet set;
  for (const FileDescriptor& reader : low.readers()) {
    high.emplace_back(check(::fcntl(reader.get(), F_DUPFD_CLOEXEC, first), "fcntl F_DUPFD"));
    list.push_back({.fd = high.back().get(), .events = POLLIN, .revents = 0});
    set.add(high.back().get());
  }
  const int end = high.back().get() + 1;
  std::vector<double> select_us;
  std::vector<double> poll_us;
  bench.in_turn(2, [&](std::size_t i) {
    if (i == 0) {
      select_us.push_back(call_us([&] {
        DescriptorSet answer = set;
        timeval now{};
        check(::select(end, answer.raw(), nullptr, nullptr, &now), "select");
      }));
    } else {
      poll_us.push_back(call_us([&] { check(::poll(list.data(), list.size(), 0), "poll"); }));
    }
  });
  evidence.note("highest", "the highest of ten descriptors", end - 1);
  evidence.measure("select_us_high", "select on ten of the highest numbers", std::move(select_us));
  evidence.measure("poll_us_high", "poll on the same ten", std::move(poll_us));
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  keep(evidence, wait_costs(laboratory),
       {"wait_us_select_100_1", "wait_us_poll_100_1", "wait_us_select_1000_1",
        "wait_us_poll_1000_1", "wait_us_select_1000_1000", "wait_us_poll_1000_1000"});
  const Bench bench(laboratory);
  laboratory.progress("select and poll on ten descriptors of high numbers");
  measure_high_numbers(bench, evidence);
  evidence.note("hang_up_told_apart", "poll says POLLHUP where select says readable",
                poll_tells_hang_up() ? 1 : 0);
}

Finding decide(const Evidence& evidence) {
  const MedianInterval hundred = evidence.ratio("wait_us_select_100_1", "wait_us_poll_100_1");
  const MedianInterval thousand = evidence.ratio("wait_us_select_1000_1", "wait_us_poll_1000_1");
  const MedianInterval high = evidence.ratio("select_us_high", "poll_us_high");
  const std::string seen = fmt::format(
      "a wait of select costs {} what poll's does with 100 watched, {} with 1,000; but {} with ten "
      "descriptors numbered up to {}, for select goes by the highest number; a hang-up is {}",
      times(hundred), times(thousand), times(high), reader_number(evidence.value("highest")),
      evidence.yes("hang_up_told_apart") ? "told apart by poll alone" : "not told apart by poll");
  const auto differs = [](Standing one) {
    return one == Standing::dearer || one == Standing::cheaper;
  };
  const Standing at_hundred = standing(hundred, material);
  const Standing at_thousand = standing(thousand, material);
  if (differs(at_hundred) && differs(at_thousand)) return {Verdict::refuted, seen};
  if (differs(at_hundred) || differs(at_thousand)) return {Verdict::holds_within_limits, seen};
  if (at_hundred == Standing::unclear || at_thousand == Standing::unclear) return cannot_tell(seen);
  if (differs(standing(high, material)) || evidence.yes("hang_up_told_apart")) {
    return {Verdict::holds_within_limits,
            seen + ": the same way of waiting, but not the same to call"};
  }
  return {Verdict::holds, seen};
}

}  // namespace select_is_poll_claim

Claim select_is_poll() {
  return {.id = "select-is-poll",
          .sentence = "select and poll are in essence the same",
          .sources = "004",
          .method =
              "single waits on 100 and 1,000 TCP connections, and on ten pipes whose descriptors "
              "have the highest numbers allowed, up to 10,000; CPU of the call in nine rounds in "
              "turn; and what each says of a pipe without a writer",
          .decision =
              "the same is to differ by less than half in cost, surely, with many watched. Within "
              "limits when that is so, but ten high numbers cost one half as much again as the "
              "other, or only one tells a hang-up; refuted when they differ with 100 and with "
              "1,000 watched",
          .observe = select_is_poll_claim::observe,
          .decide = select_is_poll_claim::decide};
}

}  // namespace echomux::claims
