#include "echo/stop_event.hpp"

#include <sys/eventfd.h>

#include <utility>

#include "echo/system_call.hpp"

namespace echomux {

StopEvent::StopEvent(std::stop_token token)
    : event_(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      on_stop_(std::move(token), [fd = event_.get()] {
        // Fails only when the count would overflow, and then the descriptor is readable already.
        static_cast<void>(::eventfd_write(fd, 1));
      }) {}

}  // namespace echomux
