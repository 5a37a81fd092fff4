#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "claims/evidence.hpp"
#include "claims/support/streams.hpp"
#include "echo/file_descriptor.hpp"

namespace echomux::claims {

// An epoll instance, made to see what it reports about one descriptor. Throws std::system_error.
class Watch {
 public:
  Watch() = default;
  Watch(int fd, std::uint32_t events) { add(fd, events); }

  void add(int fd, std::uint32_t events);
  void change(int fd, std::uint32_t events);
  // epoll_ctl(2) with this operation, which may fail: the errno, 0 if it doesn't.
  [[nodiscard]] int control(int operation, int fd, std::uint32_t events) noexcept;

  // What is reported next, waiting for it this long at most: the events, 0 for nothing. With
  // several descriptors watched, those of the first that epoll_wait(2) tells.
  [[nodiscard]] std::uint32_t wait(std::chrono::milliseconds limit = at_once);

  [[nodiscard]] int fd() const noexcept { return epoll_.get(); }

 private:
  FileDescriptor epoll_ = make();

  static FileDescriptor make();
};

// "EPOLLIN|EPOLLRDHUP", or "nothing".
[[nodiscard]] std::string events_in_words(std::uint32_t events);

// Notes what was reported, as a number and, in `what`, in words.
void note_events(Evidence& evidence, std::string_view name, std::string_view what,
                 std::uint32_t events);
// What note_events() has noted.
[[nodiscard]] std::uint32_t events(const Evidence& evidence, std::string_view name);

}  // namespace echomux::claims
