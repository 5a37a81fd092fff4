// What does an epoll instance cost in descriptors, and when are they given back?
#include <fmt/core.h>
#include <sys/epoll.h>

#include <cerrno>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace epoll_takes_fd_claim {

constexpr std::uint64_t descriptors_left = 8;

void observe(Laboratory&, Evidence& evidence) {
  const std::size_t before = open_descriptors();
  std::vector<FileDescriptor> instances;
  instances.emplace_back(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  evidence.note("taken_fds", "descriptors in /proc/self/fd more, with one instance",
                double(open_descriptors()) - double(before));

  // The next number that would be given out, so that the limit leaves a few.
  const int next = instances.back().get() + 1;
  const DescriptorLimit few(static_cast<std::uint64_t>(next) + descriptors_left);
  int error = 0;
  while (error == 0 && instances.size() <= 2 * descriptors_left) {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    error = fd < 0 ? errno : 0;
    if (fd >= 0) instances.emplace_back(fd);
  }
  evidence.note("made_instances", "instances made with few descriptors left",
                double(instances.size()));
  evidence.note("last_errno", "errno of the epoll_create1 that made no more", error);
  instances.clear();
  const FileDescriptor again(::epoll_create1(EPOLL_CLOEXEC));
  evidence.note("after_close_errno", "errno of epoll_create1 after closing all", again ? 0 : errno);
  evidence.note("after_close_fds", "descriptors then, more than at the start",
                double(open_descriptors()) - double(before));
}

Finding decide(const Evidence& seen) {
  const double taken = seen.value("taken_fds");
  if (taken < 1) return {Verdict::refuted, "an epoll instance took no descriptor"};
  const bool ran_out = seen.value("last_errno") == EMFILE;
  const bool given_back =
      seen.value("after_close_errno") == 0 && seen.value("after_close_fds") == 1;
  if (!given_back) {
    return {Verdict::refuted, "closing the instances did not give their descriptors back"};
  }
  const std::string one = fmt::format("an instance took {} descriptor; close gave it back", taken);
  if (!ran_out) {
    return {Verdict::holds_within_limits, one + "; but instances left open did not exhaust them"};
  }
  return {Verdict::holds, fmt::format("{}; instances left open made epoll_create1 fail with EMFILE "
                                      "after {}",
                                      one, seen.value("made_instances"))};
}

}  // namespace epoll_takes_fd_claim

Claim epoll_takes_fd() {
  return {.id = "epoll-takes-fd",
          .sentence = "An epoll instance takes a descriptor and leaks unless closed",
          .sources = "003",
          .method =
              "/proc/self/fd is counted before and after epoll_create1; then instances are "
              "made, with RLIMIT_NOFILE just above, until no more can be had, and closed.",
          .decision =
              "Holds if each takes a descriptor, instances left open end in EMFILE, and "
              "close gives them back; within limits if they never run out; refuted if none "
              "is taken, or close doesn't give it back.",
          .observe = epoll_takes_fd_claim::observe,
          .decide = epoll_takes_fd_claim::decide};
}

}  // namespace echomux::claims
