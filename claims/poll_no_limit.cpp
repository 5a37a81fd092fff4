// How many entries does poll take?
#include <fmt/core.h>
#include <poll.h>
#include <sys/select.h>

#include <cerrno>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"

namespace echomux::claims {
namespace poll_no_limit_claim {

constexpr std::uint64_t more_than_select = std::uint64_t{2} * FD_SETSIZE;
constexpr std::uint64_t low_limit = 256;

// The errno of poll with this many entries, the last of which is `fd`; 0 when it reports that one
// and no other. Entries with the number -1 are passed over, so they stand for any others.
int poll_many(std::uint64_t entries, int fd) {
  std::vector<pollfd> watched(entries, pollfd{.fd = -1, .events = POLLIN, .revents = 0});
  watched.back().fd = fd;
  const int ready = ::poll(watched.data(), watched.size(), 0);
  if (ready < 0) return errno;
  return ready == 1 && watched.back().revents == POLLIN ? 0 : -1;
}

void observe(Laboratory&, Evidence& evidence) {
  const Pipe pipe;
  deliver(pipe.write_end.get(), pipe.read_end.get(), 1);
  const int fd = pipe.read_end.get();
  {
    const DescriptorLimit raised(more_than_select);
    evidence.note("raised_limit", "RLIMIT_NOFILE, raised", double(raised.limit()));
    evidence.note("errno_at_raised", "errno of poll with as many entries",
                  poll_many(raised.limit(), fd));
  }
  const DescriptorLimit lowered(low_limit);
  evidence.note("lowered_limit", "RLIMIT_NOFILE, lowered", double(lowered.limit()));
  evidence.note("errno_at_lowered", "errno of poll with as many entries",
                poll_many(lowered.limit(), fd));
  evidence.note("errno_above_lowered", "errno of poll with one entry more",
                poll_many(lowered.limit() + 1, fd));
}

Finding decide(const Evidence& seen) {
  if (seen.value("errno_at_lowered") != 0) {
    return {Verdict::not_testable_here, "poll failed even within the limits of the process"};
  }
  const double raised = seen.value("raised_limit");
  if (seen.value("errno_at_raised") != 0) {
    return {Verdict::refuted, fmt::format("poll failed with {} entries, no more than the process "
                                          "may have descriptors",
                                          raised)};
  }
  if (raised <= FD_SETSIZE) {
    return {Verdict::not_testable_here,
            fmt::format("RLIMIT_NOFILE is {} at most, so no fixed limit can be told", raised)};
  }
  const double above = seen.value("errno_above_lowered");
  if (above == 0) {
    return {Verdict::holds,
            fmt::format("poll took {} entries, and also more than RLIMIT_NOFILE", raised)};
  }
  return {Verdict::holds_within_limits,
          fmt::format("poll took {} entries, more than an fd_set holds, but with one more than "
                      "RLIMIT_NOFILE ({}) it failed{}: its limit is that of the process",
                      raised, seen.value("lowered_limit"), above == EINVAL ? " with EINVAL" : "")};
}

}  // namespace poll_no_limit_claim

Claim poll_no_limit() {
  return {.id = "poll-no-limit",
          .sentence = "poll has no limit on descriptors",
          .sources = "004",
          .method =
              "poll is called with twice as many entries as an fd_set has room for, and with "
              "exactly as many and one more than RLIMIT_NOFILE allows the process.",
          .decision =
              "Holds if all are taken; within limits if only more than RLIMIT_NOFILE are "
              "refused, which any process meets but can raise; refuted if a number within "
              "RLIMIT_NOFILE is refused.",
          .observe = poll_no_limit_claim::observe,
          .decide = poll_no_limit_claim::decide};
}

}  // namespace echomux::claims
