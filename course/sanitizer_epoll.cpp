// For servers that are built with the thread sanitizer. It knows that EPOLL_CTL_ADD hands something
// over to the thread that epoll_wait wakes up, but not that EPOLL_CTL_MOD does; so it is told here.
// The linker puts these in front of the two calls (--wrap).
#include <sanitizer/tsan_interface.h>
#include <sys/epoll.h>

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
int __real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int __real_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms);

// The thread that is woken up after the call sees what was done before it.
static char handed_over;

int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  __tsan_release(&handed_over);
  return __real_epoll_ctl(epoll, operation, fd, event);
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms) {
  const int ready = __real_epoll_wait(epoll, events, most, timeout_ms);
  __tsan_acquire(&handed_over);
  return ready;
}
}
// NOLINTEND(bugprone-reserved-identifier)
