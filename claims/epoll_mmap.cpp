// Is there memory that epoll shares with its user? If so it would show in the process's map of
// memory, and events would need no address to be written to.
#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <string>

#include "claims/all_claims.hpp"
#include "echo/file_descriptor.hpp"
#include "echo/system_call.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux::claims {
namespace epoll_mmap_claim {

constexpr std::size_t page_bytes = 4096;

// An anonymous mapping of one page, or one of what a descriptor refers to; unmapped at the end.
class Mapping {
 public:
  explicit Mapping(int fd)
      : address_(::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE,
                        fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0)),
        error_(errno) {}
  ~Mapping() {
    if (*this) ::munmap(address_, page_bytes);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  explicit operator bool() const noexcept { return address_ != MAP_FAILED; }
  [[nodiscard]] void* get() const noexcept { return address_; }
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  void* address_;
  int error_;
};

bool map_of_memory_has(const char* name) {
  return proc::read_file("/proc/self/maps").value_or("").find(name) != std::string::npos;
}

void observe(Laboratory& /*laboratory*/, Evidence& evidence) {
  const FileDescriptor epoll(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  const FileDescriptor ready(check(::eventfd(1, EFD_CLOEXEC), "eventfd"));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 1;
  check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ready.get(), &event), "epoll_ctl");
  event.data.u64 = 2;  // Were it shared, the kernel would know.
  epoll_event on_stack{};
  const int count = check(::epoll_wait(epoll.get(), &on_stack, 1, 0), "epoll_wait");
  evidence.note("reported", "events that a wait reports of one ready descriptor", count);
  evidence.note("change_seen", "the event changed after epoll_ctl is what is reported",
                on_stack.data.u64 == 2 ? 1 : 0);

  const Mapping of_epoll(epoll.get());
  evidence.note("mmap_possible", "mmap of the epoll descriptor succeeds", of_epoll ? 1 : 0);
  evidence.note("mmap_enodev", "it fails with ENODEV",
                !of_epoll && of_epoll.error() == ENODEV ? 1 : 0);
  evidence.note("in_maps", "/proc/self/maps has a mapping named eventpoll after a wait",
                map_of_memory_has("eventpoll") ? 1 : 0);
  // What shared memory looks like there, so that its absence says something.
  const FileDescriptor memory(check(::memfd_create("claimed_sharing", MFD_CLOEXEC), "memfd"));
  check(::ftruncate(memory.get(), page_bytes), "ftruncate");
  const Mapping of_memory(memory.get());
  evidence.note("maps_show_sharing", "it does show memory that is shared: a memfd's",
                of_memory && map_of_memory_has("claimed_sharing") ? 1 : 0);

  // The kernel writes events to the address it is given, and nowhere when it can't.
  const Mapping page(-1);
  if (!page) throw_errno("mmap");
  check(::mprotect(page.get(), page_bytes, PROT_NONE), "mprotect");
  const bool fault =
      ::epoll_wait(epoll.get(), static_cast<epoll_event*>(page.get()), 1, 0) < 0 && errno == EFAULT;
  evidence.note("wait_faults", "epoll_wait into memory that can't be written fails with EFAULT",
                fault ? 1 : 0);
}

Finding decide(const Evidence& evidence) {
  const bool mapped = evidence.yes("mmap_possible") || evidence.yes("in_maps");
  const bool copied = evidence.yes("wait_faults") && !evidence.yes("change_seen");
  const char* const refusal = evidence.yes("mmap_enodev") ? "fails with ENODEV" : "fails";
  const bool sharing_shows = evidence.yes("maps_show_sharing");
  const std::string seen = fmt::format(
      "mmap of an epoll descriptor {}, /proc/self/maps shows {} of it, epoll_wait into unwritable "
      "memory {}, and a change of the event after epoll_ctl is {}",
      evidence.yes("mmap_possible") ? "succeeds" : refusal,
      evidence.yes("in_maps") ? "a mapping" : "no mapping",
      evidence.yes("wait_faults") ? "fails with EFAULT" : "succeeds",
      evidence.yes("change_seen") ? "reported" : "not seen");
  if (evidence.value("reported") != 1) {
    return {Verdict::not_testable_here, "epoll_wait didn't report a descriptor that is ready"};
  }
  if (!mapped && copied) {
    if (!sharing_shows) {
      return {Verdict::not_testable_here, "/proc/self/maps doesn't show what is shared"};
    }
    return {Verdict::refuted, seen + ": events are copied, both ways"};
  }
  if (mapped && !copied) return {Verdict::holds, seen};
  return {Verdict::holds_within_limits, seen + ": some of it is shared and some is copied"};
}

}  // namespace epoll_mmap_claim

Claim epoll_mmap() {
  return {.id = "epoll-mmap",
          .sentence = "epoll avoids copying by sharing memory with the kernel through mmap",
          .sources = "002",
          .method =
              "a registration whose event is changed afterwards, mmap of the epoll descriptor, the "
              "process's map of memory after a wait (and with a memfd, to see that sharing shows), "
              "and a wait into memory that can't be written",
          .decision =
              "it holds when a mapping exists and nothing is copied; refuted when there is no "
              "mapping, the kernel has its own copy of what was registered and writes events to "
              "the address each call gives; within limits when the signs disagree",
          .observe = epoll_mmap_claim::observe,
          .decide = epoll_mmap_claim::decide};
}

}  // namespace echomux::claims
