// What does select's caller know after the call, and what does finding the ready ones cost it?
#include <fmt/core.h>
#include <sys/select.h>

#include <array>
#include <set>
#include <stdexcept>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/bench.hpp"
#include "claims/support/call_cost.hpp"
#include "claims/support/comparison.hpp"
#include "echo/system_call.hpp"
#include "harness/text/number_text.hpp"
#include "reproduce/watched.hpp"
#include "select/descriptor_set.hpp"

namespace echomux::claims {
namespace select_scans_after_claim {

constexpr std::size_t watched_count = 1000;
constexpr std::int64_t ready_count = 3;

int select_now(DescriptorSet& set, int end) {
  timeval now{};
  return check(::select(end, set.raw(), nullptr, nullptr, &now), "select");
}

// One FD_ISSET after the other, as everybody's loop does.
std::vector<int> find_set(const DescriptorSet& answer, int end) {
  std::vector<int> found;
  for (int fd = 0; fd < end; ++fd) {
    if (answer.contains(fd)) found.push_back(fd);
  }
  return found;
}

std::vector<int> really_ready(const micro::Watched& watched) {
  std::vector<int> ready;
  for (const FileDescriptor& reader : watched.readers()) {
    char byte = 0;
    if (::recv(reader.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1) ready.push_back(reader.get());
  }
  return ready;
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  laboratory.progress("what select tells");
  micro::Watched watched(micro::Kind::tcp, watched_count);
  watched.make_ready(ready_count);
  DescriptorSet all;
  for (const FileDescriptor& reader : watched.readers()) all.add(reader.get());
  const int end = watched.end();
  DescriptorSet answer = all;
  const int count = select_now(answer, end);
  evidence.note("ready", "of 1,000 watched, how many are ready", ready_count);
  evidence.note("select_returned", "what select returned", count);
  evidence.note("bits_tell_which", "the bits left in its set are the ready ones and no others",
                find_set(answer, end) == really_ready(watched) ? 1 : 0);
  std::vector<double> call;
  std::vector<double> scan;
  bench.in_turn(2, [&](std::size_t i) {
    if (i == 0) {
      call.push_back(call_us([&] {
        DescriptorSet set = all;
        select_now(set, end);
      }));
    } else {
      scan.push_back(call_us([&] {
        if (find_set(answer, end).size() != ready_count) throw std::runtime_error("lost a bit");
      }));
    }
  });
  std::vector<double> shares;
  for (std::size_t i = 0; i < rounds; ++i) shares.push_back(scan[i] / (scan[i] + call[i]));
  evidence.measure("call_us", "CPU of the call of select", std::move(call));
  evidence.measure("scan_us", "CPU of the caller's search through the bits", std::move(scan));
  evidence.measure("scan_share", "the search's share of both", std::move(shares));
}

Finding decide(const Evidence& evidence) {
  const MedianInterval share = evidence.interval("scan_share");
  const bool tells = evidence.yes("bits_tell_which");
  const std::string seen = fmt::format(
      "of 1,000 watched {} are ready: select returns {}, and its set {} which; the caller's search "
      "through the bits, without a system call, takes {} µs beside {} µs for the call, {} %",
      reader_number(evidence.value("ready")), reader_number(evidence.value("select_returned")),
      tells ? "says" : "doesn't say", reader_number(evidence.value("scan_us")),
      reader_number(evidence.value("call_us")), reader_number(100 * share.median));
  if (!tells) return {Verdict::holds, seen};
  if (surely_below(share, 0.25)) {
    return {Verdict::refuted, seen + ": the kernel scans everything, the caller only a bitmap"};
  }
  if (surely_above(share, 0.25)) {
    return {Verdict::holds_within_limits, seen + ": it says which, but finding them is dear"};
  }
  return cannot_tell(seen);
}

}  // namespace select_scans_after_claim

Claim select_scans_after() {
  return {.id = "select-scans-after",
          .sentence =
              "select says that something is ready, not which: the caller scans everything again",
          .sources = "004",
          .method =
              "select on 1,000 TCP connections, three of them ready: the bits it leaves are "
              "compared with what really can be read, and the CPU of the call with that of the "
              "caller's search through the bits, one by one, in nine rounds in turn",
          .decision =
              "it holds when the set doesn't tell which are ready. When it does, the caller still "
              "has to look through the set: within limits when that is surely a quarter of the "
              "whole or more, refuted when it is surely less",
          .observe = select_scans_after_claim::observe,
          .decide = select_scans_after_claim::decide};
}

}  // namespace echomux::claims
