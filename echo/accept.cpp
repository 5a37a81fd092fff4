#include "echo/accept.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>

namespace echomux {

namespace {

// Whether this reason for turning a newcomer away is the first of its kind in this
// thread, which accepts.
bool is_news(std::string_view why) noexcept {
  thread_local std::array<std::string_view, 4> told{};  // more than any server has
  for (std::string_view& reason : told) {
    if (reason == why) return false;
    if (reason.empty()) {
      reason = why;
      return true;
    }
  }
  return false;
}

}  // namespace

AcceptResult accept_peer(int listener, SocketMode mode, Counters& counters) noexcept {
  const int flags = SOCK_CLOEXEC | (mode == SocketMode::nonblocking ? SOCK_NONBLOCK : 0);
  counters.accept_calls.add();
  const int fd = ::accept4(listener, nullptr, nullptr, flags);
  if (fd >= 0) {
    counters.accepted.add();
    return {AcceptStatus::accepted, FileDescriptor(fd)};
  }
  // lesson: accept-errors
  switch (errno) {
    case EAGAIN:
      return {AcceptStatus::none_waiting, {}};
    case EINTR:
      counters.interrupted.add();
      return {AcceptStatus::try_again, {}};
    // The peer gave up while it waited in the backlog, or the network reported an error of that
    // one connection, which accept(2) says to treat like EAGAIN by retrying.
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return {AcceptStatus::try_again, {}};
    // EMFILE, ENFILE, ENOBUFS and ENOMEM leave the connection in the backlog: trying again at once
    // would spin. An error that is not foreseen here gets the same patience, for ending the server
    // would harm all the peers it has.
    default:
      return {AcceptStatus::out_of_resources, {}};
  }
  // end lesson
}

void turn_away(Counters& counters, const char* why) noexcept {
  if (is_news(why)) {
    std::fprintf(stderr,
                 "echomux: %s: a newcomer is turned away, and so are others while that lasts "
                 "(turned_away counts them)\n",
                 why);
  }
  counters.turned_away.add();
}

}  // namespace echomux
