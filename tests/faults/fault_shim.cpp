// A library to preload into a server (LD_PRELOAD, ld.so(8)): it stands between the server and the C
// library and makes system calls fail as told (fault_page.hpp). Each fault leaves behind the state
// that the real one would:
//
// - Before any effect: EINTR, ENOMEM, ENOBUFS, ENOSPC, EMFILE, ENFILE. The call isn't made.
// - A short transfer is the real call with its length shortened: nothing is invented. A server
// under
//   edge triggering may take a short read for the last one, so the registration is renewed then, as
//   for EAGAIN.
// - ECONNRESET and EPIPE: the connection is really reset, by connect(2) to AF_UNSPEC, so that the
//   peer sees a RST; then the real call is made, and the error is the kernel's own.
// - ECONNABORTED really takes the connection from the backlog, and resets it.
// - EAGAIN, only on non-blocking sockets, says that bytes, room or a connection come a little
// later.
//   Under edge triggering their coming is an edge, so the registration is renewed (EPOLL_CTL_MOD),
//   which makes the kernel report whatever is ready: an EAGAIN without an edge after it would be
//   a lie that no server survives.
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>

#include "tests/faults/fault_page.hpp"
#include "tests/faults/fault_rules.hpp"

namespace echomux {
namespace {

// Asked by the bare system call, which is not counted.
bool is_ready(int fd, short events) {
  pollfd socket{.fd = fd, .events = events, .revents = 0};
  const timespec now{};
  const int saved = errno;
  const bool ready = ::syscall(SYS_ppoll, &socket, 1, &now, nullptr, 0) == 1;
  errno = saved;
  return ready;
}

class Shim {
 public:
  Shim() {
    const char* const text = std::getenv(fault_variable);
    rules_used_ = read_rules(text == nullptr ? "" : text, rules_);
    if (const char* const file = std::getenv(fault_page_variable)) {
      map_page(file);
    } else {
      own_page_.on = 1;
    }
  }

  // Counts a call, and returns the rule that it is to suffer from, if any. `fd` is -1 where
  // readiness means nothing, and otherwise waits for `events`.
  FaultRule* choose(FaultCall call, int fd = -1, short events = POLLIN) {
    if (!listening_) return nullptr;
    page_->calls[static_cast<std::size_t>(call)].fetch_add(1);
    if (page_->on == 0) return nullptr;
    for (std::size_t i = 0; i < rules_used_; ++i) {
      FaultRule& rule = rules_[i];
      if (rule.call != call || (rule.ready_only && fd >= 0 && !is_ready(fd, events))) continue;
      if (is_due(rule)) return &rule;
    }
    return nullptr;
  }

  void injected(const FaultRule& rule) {
    page_->injected[static_cast<std::size_t>(&rule - rules_.data())].fetch_add(1);
  }

  // The common case: the call isn't made, and fails.
  int fail(const FaultRule& rule) {
    injected(rule);
    errno = rule.error;
    return -1;
  }

  void now_listening() { listening_ = true; }

 private:
  void map_page(const char* file) {
    const int fd = ::open(file, O_RDWR | O_CLOEXEC);
    void* const memory =
        ::mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) refuse_faults(file);
    page_ = static_cast<FaultPage*>(memory);
  }

  std::array<FaultRule, max_fault_rules> rules_;
  std::size_t rules_used_ = 0;
  FaultPage own_page_;
  FaultPage* page_ = &own_page_;
  std::atomic<bool> listening_{false};
};

// Never destroyed: calls come until the very end of the process.
Shim& shim() {
  alignas(Shim) static std::array<std::byte, sizeof(Shim)> memory;
  static Shim* const instance = new (memory.data()) Shim;
  return *instance;
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  static auto* const call = next<int(int, int, int, epoll_event*)>("epoll_ctl");
  return call(epoll, operation, fd, event);
}

// What is registered with which epoll set, so that an edge can be made to come again.
struct Registration {
  int epoll;
  epoll_event event;
};
std::array<Registration, 16'384> registrations;

// Has an edge-triggered set report again what the socket is ready for. False when it can't.
bool renew_edge(int fd) {
  if (static_cast<std::size_t>(fd) >= registrations.size()) return false;
  Registration& registered = registrations[static_cast<std::size_t>(fd)];
  if ((registered.event.events & EPOLLET) == 0) return true;
  return real_epoll_ctl(registered.epoll, EPOLL_CTL_MOD, fd, &registered.event) == 0;
}

// Whether the socket may answer EAGAIN; prepares for what comes after it.
bool may_answer_eagain(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0 && renew_edge(fd);
}

// Resets the connection (tcp(7) doesn't say so, but this is what the kernel does with it). What
// the socket then has to report is ECONNRESET; for EPIPE, that is taken off it.
void reset_connection(int fd, int error) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  static_cast<void>(::connect(fd, &nowhere, sizeof nowhere));
  int pending = 0;
  socklen_t length = sizeof pending;
  if (error == EPIPE) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length);
}

// A transfer that suffers from `rule`; `transfer` makes the real call with a length.
template <typename Transfer>
ssize_t spoil(const FaultRule& rule, int fd, std::size_t length, Transfer transfer) {
  if (rule.error == 0) {
    if (length > 1) shim().injected(rule);
    const ssize_t result = transfer(length > 1 ? 1 : length);
    if (result > 0 && rule.call == FaultCall::recv) renew_edge(fd);
    return result;
  }
  if (rule.error == ECONNRESET || rule.error == EPIPE) {
    reset_connection(fd, rule.error);
    const ssize_t result = transfer(length);
    if (result < 0 && errno == rule.error) shim().injected(rule);
    return result;
  }
  if (rule.error == EAGAIN && !may_answer_eagain(fd)) return transfer(length);
  return shim().fail(rule);
}

// The connection goes as if its peer had given up.
void abort_connection(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd);
}

// poll(2) of the program itself, and not of the server: the thread that takes signals, and the
// question, without waiting, whether stdout has room.
bool is_programs_poll(int timeout_ms) {
  return timeout_ms == 0 || ::syscall(SYS_gettid) != ::getpid();
}

}  // namespace
}  // namespace echomux

using echomux::FaultCall;
using echomux::next;
using echomux::shim;

extern "C" {

int listen(int fd, int backlog) {
  static auto* const call = next<int(int, int)>("listen");
  const int result = call(fd, backlog);
  if (result == 0) shim().now_listening();
  return result;
}

ssize_t recv(int fd, void* buffer, size_t length, int flags) {
  static auto* const call = next<ssize_t(int, void*, size_t, int)>("recv");
  const auto real = [&](size_t count) { return call(fd, buffer, count, flags); };
  const auto* const rule = shim().choose(FaultCall::recv, fd);
  return rule == nullptr ? real(length) : echomux::spoil(*rule, fd, length, real);
}

// What recv(2) becomes where the compiler checks sizes (_FORTIFY_SOURCE).
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the C library's name
ssize_t __recv_chk(int fd, void* buffer, size_t length, size_t /*size*/, int flags) {
  return recv(fd, buffer, length, flags);
}

ssize_t send(int fd, const void* bytes, size_t length, int flags) {
  static auto* const call = next<ssize_t(int, const void*, size_t, int)>("send");
  const auto real = [&](size_t count) { return call(fd, bytes, count, flags); };
  const auto* const rule = shim().choose(FaultCall::send, fd, POLLOUT);
  return rule == nullptr ? real(length) : echomux::spoil(*rule, fd, length, real);
}

int accept4(int listener, sockaddr* address, socklen_t* address_length, int flags) {
  static auto* const call = next<int(int, sockaddr*, socklen_t*, int)>("accept4");
  const auto real = [&] { return call(listener, address, address_length, flags); };
  const auto* const rule = shim().choose(FaultCall::accept4, listener);
  if (rule == nullptr) return real();
  if (rule->error == EAGAIN && !echomux::may_answer_eagain(listener)) return real();
  if (rule->error != 0 && rule->error != ECONNABORTED) return shim().fail(*rule);
  const int fd = real();
  if (fd < 0) return fd;
  if (rule->error == 0) {
    shim().injected(*rule);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &rule->send_room, sizeof rule->send_room);
    return fd;
  }
  echomux::abort_connection(fd);
  return shim().fail(*rule);
}

int epoll_create1(int flags) {
  static auto* const call = next<int(int)>("epoll_create1");
  const auto* const rule = shim().choose(FaultCall::epoll_create1);
  return rule == nullptr ? call(flags) : shim().fail(*rule);
}

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (const auto* const rule = shim().choose(FaultCall::epoll_ctl)) return shim().fail(*rule);
  const int result = echomux::real_epoll_ctl(epoll, operation, fd, event);
  if (result == 0 && operation != EPOLL_CTL_DEL &&
      static_cast<std::size_t>(fd) < echomux::registrations.size()) {
    echomux::registrations[static_cast<std::size_t>(fd)] = {epoll, *event};
  }
  return result;
}

int epoll_wait(int epoll, epoll_event* events, int count, int timeout_ms) {
  static auto* const call = next<int(int, epoll_event*, int, int)>("epoll_wait");
  const auto* const rule = shim().choose(FaultCall::epoll_wait);
  return rule == nullptr ? call(epoll, events, count, timeout_ms) : shim().fail(*rule);
}

int eventfd(unsigned int count, int flags) {
  static auto* const call = next<int(unsigned int, int)>("eventfd");
  const auto* const rule = shim().choose(FaultCall::eventfd);
  return rule == nullptr ? call(count, flags) : shim().fail(*rule);
}

int poll(pollfd* watched, nfds_t count, int timeout_ms) {
  static auto* const call = next<int(pollfd*, nfds_t, int)>("poll");
  if (echomux::is_programs_poll(timeout_ms)) return call(watched, count, timeout_ms);
  const auto* const rule = shim().choose(FaultCall::poll);
  return rule == nullptr ? call(watched, count, timeout_ms) : shim().fail(*rule);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the C library's name
int __poll_chk(pollfd* watched, nfds_t count, int timeout_ms, size_t /*size*/) {
  return poll(watched, count, timeout_ms);
}

int select(int end, fd_set* readable, fd_set* writable, fd_set* exceptional, timeval* timeout) {
  static auto* const call = next<int(int, fd_set*, fd_set*, fd_set*, timeval*)>("select");
  const auto* const rule = shim().choose(FaultCall::select);
  return rule == nullptr ? call(end, readable, writable, exceptional, timeout) : shim().fail(*rule);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  static auto* const call =
      next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  // Unlike the others it returns its error.
  if (const auto* const rule = shim().choose(FaultCall::pthread_create)) {
    shim().fail(*rule);
    return rule->error;
  }
  return call(thread, attributes, start, argument);
}

}  // extern "C"
