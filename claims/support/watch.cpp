#include "claims/support/watch.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include "echo/system_call.hpp"

namespace echomux::claims {

FileDescriptor Watch::make() {
  return FileDescriptor(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
}

int Watch::control(int operation, int fd, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
}

void Watch::add(int fd, std::uint32_t events) {
  errno = control(EPOLL_CTL_ADD, fd, events);
  if (errno != 0) throw_errno("epoll_ctl EPOLL_CTL_ADD");
}

void Watch::change(int fd, std::uint32_t events) {
  errno = control(EPOLL_CTL_MOD, fd, events);
  if (errno != 0) throw_errno("epoll_ctl EPOLL_CTL_MOD");
}

std::uint32_t Watch::wait(std::chrono::milliseconds limit) {
  epoll_event event{};
  int count = 0;
  do {
    count = ::epoll_wait(epoll_.get(), &event, 1, static_cast<int>(limit.count()));
  } while (count < 0 && errno == EINTR);
  return check(count, "epoll_wait") == 0 ? 0 : event.events;
}

std::string events_in_words(std::uint32_t events) {
  static constexpr std::array<std::pair<std::uint32_t, std::string_view>, 6> names{{
      {EPOLLIN, "EPOLLIN"},
      {EPOLLPRI, "EPOLLPRI"},
      {EPOLLOUT, "EPOLLOUT"},
      {EPOLLRDHUP, "EPOLLRDHUP"},
      {EPOLLHUP, "EPOLLHUP"},
      {EPOLLERR, "EPOLLERR"},
  }};
  std::string words;
  for (const auto& [bit, name] : names) {
    if ((events & bit) == 0) continue;
    if (!words.empty()) words += '|';
    words += name;
  }
  return words.empty() ? "nothing" : words;
}

void note_events(Evidence& evidence, std::string_view name, std::string_view what,
                 std::uint32_t events) {
  evidence.note(name, std::string(what) + ": " + events_in_words(events), events);
}

std::uint32_t events(const Evidence& evidence, std::string_view name) {
  return static_cast<std::uint32_t>(evidence.value(name));
}

}  // namespace echomux::claims
