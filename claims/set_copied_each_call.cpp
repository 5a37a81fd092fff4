// Is the set handed to the kernel at every call, and is the copying what makes the call dear? A
// pollfd with a negative descriptor is copied in and back out like any other, and then skipped; a
// bitmap of many zeros is copied like one of many ones. So copying can be had without the scan.
#include <fmt/core.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/select.h>

#include <array>
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
namespace set_copied_each_call_claim {

constexpr std::size_t watched_count = 1000;

// True when poll reads its array again at a second call that differs from the first in nothing but
// that the array can't be read any more.
bool poll_reads_again(int fd) {
  const std::size_t bytes = 4096;
  void* const page =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw_errno("mmap");
  auto* const set = static_cast<pollfd*>(page);
  *set = {.fd = fd, .events = POLLIN, .revents = 0};
  const int first = ::poll(set, 1, 0);
  check(::mprotect(page, bytes, PROT_NONE), "mprotect");
  const bool fault = ::poll(set, 1, 0) < 0 && errno == EFAULT;
  ::munmap(page, bytes);
  return first == 0 && fault;
}

double poll_us(std::vector<pollfd>& set) {
  return call_us([&] { check(::poll(set.data(), set.size(), 0), "poll"); });
}

// With the copy that select's caller has to make first, since the call overwrites its set.
double select_us(const DescriptorSet& all, int end) {
  DescriptorSet set;
  return call_us([&] {
    set = all;
    timeval now{};
    check(::select(end, set.raw(), nullptr, nullptr, &now), "select");
  });
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  const Bench bench(laboratory);
  laboratory.progress("copying a set without scanning it");
  const micro::Watched watched(micro::Kind::tcp, watched_count);
  std::vector<pollfd> real;
  DescriptorSet ones;
  DescriptorSet zeros;
  zeros.make_room_for(watched.end());
  for (const FileDescriptor& reader : watched.readers()) {
    real.push_back({.fd = reader.get(), .events = POLLIN, .revents = 0});
    ones.add(reader.get());
  }
  std::vector<pollfd> negative(watched_count, {.fd = -1, .events = POLLIN, .revents = 0});
  std::vector<pollfd> one{real.front()};
  DescriptorSet lone;
  lone.add(watched.readers().front().get());
  const int lone_end = watched.readers().front().get() + 1;
  evidence.note("poll_reads_again", "poll fails with EFAULT once its array can't be read",
                poll_reads_again(watched.readers().front().get()) ? 1 : 0);
  std::array<std::vector<double>, 6> us;
  bench.in_turn(us.size(), [&](std::size_t i) {
    us[i].push_back(i == 0   ? poll_us(real)
                    : i == 1 ? poll_us(negative)
                    : i == 2 ? poll_us(one)
                    : i == 3 ? select_us(ones, watched.end())
                    : i == 4 ? select_us(zeros, watched.end())
                             : select_us(lone, lone_end));
  });
  evidence.measure("poll_us_scanned", "poll, 1,000 connections: copied and scanned", us[0]);
  evidence.measure("poll_us_copied", "poll, 1,000 negative descriptors: copied only", us[1]);
  evidence.measure("poll_us_one", "poll, one connection", us[2]);
  evidence.measure("select_us_scanned", "select, the same 1,000 as bits", us[3]);
  evidence.measure("select_us_copied", "select, as many bits, none of them set", us[4]);
  evidence.measure("select_us_one", "select, one connection of a low number", us[5]);
  const auto share = [&](std::size_t copied, std::size_t scanned, std::size_t fixed) {
    std::vector<double> shares;
    for (std::size_t i = 0; i < rounds; ++i) {
      shares.push_back((us[copied][i] - us[fixed][i]) / (us[scanned][i] - us[fixed][i]));
    }
    return shares;
  };
  evidence.measure("poll_share_copied", "of what 1,000 cost more than one: without the scan",
                   share(1, 0, 2));
  evidence.measure("select_share_copied", "the same of select", share(4, 3, 5));
}

Finding decide(const Evidence& evidence) {
  const MedianInterval poll = evidence.interval("poll_share_copied");
  const MedianInterval select = evidence.interval("select_share_copied");
  const auto percent = [](const MedianInterval& share) {
    return reader_number(100 * share.median) + " %";
  };
  const std::string seen = fmt::format(
      "the set is {} read at every call, but of what 1,000 connections cost more than one, handing "
      "them over makes {} with poll and {} with select; asking each of them makes the rest",
      evidence.yes("poll_reads_again") ? "indeed" : "not", percent(poll), percent(select));
  if (!evidence.yes("poll_reads_again")) return {Verdict::refuted, seen};
  if (surely_above(poll, 0.5) && surely_above(select, 0.5)) return {Verdict::holds, seen};
  if (surely_below(poll, 0.25) && surely_below(select, 0.25)) return {Verdict::refuted, seen};
  if (surely_below(poll, 0.5) && surely_below(select, 0.5)) {
    return {Verdict::holds_within_limits, seen + ": it is a part of the cost, not the cost"};
  }
  return cannot_tell(seen);
}

}  // namespace set_copied_each_call_claim

Claim set_copied_each_call() {
  return {
      .id = "set-copied-each-call",
      .sentence =
          "select and poll hand the whole set to the kernel on every call; that copying is the "
          "cost",
      .sources = "001 003 004",
      .method =
          "poll with 1,000 connections against 1,000 negative descriptors, which are copied "
          "and skipped, and one connection; select with as many bits set, none, and one; and a "
          "second poll whose array has become unreadable",
      .decision =
          "it holds when the copying, an upper bound of it at that, is surely more than half of "
          "what the large set costs more than a small one; within limits below half; refuted "
          "below a quarter, when something else is the cost, or when the set isn't read again",
      .observe = set_copied_each_call_claim::observe,
      .decide = set_copied_each_call_claim::decide};
}

}  // namespace echomux::claims
