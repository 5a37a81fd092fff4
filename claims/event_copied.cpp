// May the epoll_event that was registered be changed, or go away, afterwards?
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace event_copied_claim {

constexpr std::uint64_t registrations = 16;

// How many of the registrations report the data that was registered with them. All are ready, and
// the one variable that they were registered from has been overwritten each time, and at the end.
std::size_t own_data(int epoll, epoll_event& variable, std::vector<Pipe>& pipes) {
  for (std::uint64_t i = 0; i < registrations; ++i) {
    variable.events = EPOLLIN;
    variable.data.u64 = i;
    check(::epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[i].read_end.get(), &variable), "epoll_ctl");
    deliver(pipes[i].write_end.get(), pipes[i].read_end.get(), 1);
  }
  variable.events = 0;
  variable.data.u64 = registrations;
  std::vector<epoll_event> reported(registrations);
  const int count = ::epoll_wait(epoll, reported.data(), int(registrations), 0);
  std::set<std::uint64_t> data;
  for (int i = 0; i < count; ++i) data.insert(reported[static_cast<std::size_t>(i)].data.u64);
  data.erase(registrations);
  return data.size();
}

void observe(Laboratory&, Evidence& evidence) {
  const FileDescriptor epoll(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno("mmap");
  std::vector<Pipe> pipes(registrations);
  evidence.note("registrations", "descriptors registered from one variable", registrations);
  evidence.note("own_data", "of them reported what was registered with them",
                double(own_data(epoll.get(), *static_cast<epoll_event*>(memory), pipes)));
  check(::munmap(memory, page), "munmap");
  std::vector<epoll_event> reported(registrations);
  evidence.note("after_unmap", "of them reported once the variable's memory was gone",
                ::epoll_wait(epoll.get(), reported.data(), int(registrations), 0));
  void* shared = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, epoll.get(), 0);
  evidence.note("mmap_errno", "errno of mmap of the epoll instance",
                shared == MAP_FAILED ? errno : 0);
  if (shared != MAP_FAILED) ::munmap(shared, page);
}

Finding decide(const Evidence& seen) {
  const double all = seen.value("registrations");
  const double own = seen.value("own_data");
  const double after = seen.value("after_unmap");
  const std::string details = fmt::format(
      "{} of {} registrations from one variable, overwritten each time, reported their own data, "
      "and {} after its memory was unmapped",
      own, all, after);
  if (own < all) return {Verdict::refuted, details};
  if (after < all) return {Verdict::holds_within_limits, details};
  return {Verdict::holds,
          details + (seen.value("mmap_errno") != 0
                         ? ": so nothing is shared, and an epoll instance can't even be mapped"
                         : "; yet an epoll instance can be mapped")};
}

}  // namespace event_copied_claim

Claim event_copied() {
  return {.id = "event-copied",
          .sentence =
              "The kernel copies the epoll_event, so one variable can serve for every "
              "registration (and what does that say of the mmap sentence?)",
          .sources = "002",
          .method =
              "Sixteen ready descriptors are registered from one variable, each with data of "
              "its own; the variable is overwritten, and then its memory unmapped. And mmap "
              "is tried on the epoll instance.",
          .decision =
              "Refuted if one reports other data than its own; within limits if all report "
              "their own, but not once the memory is gone; else it holds.",
          .observe = event_copied_claim::observe,
          .decide = event_copied_claim::decide};
}

}  // namespace echomux::claims
