#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <thread>

namespace echomux::claims {

// Something that is done in a thread of its own, so that it can be seen to block and still be
// ended: unless it has come to its end, the destructor calls `release`, which must let it, and then
// waits for that. What it throws is lost, but counts as its end.
class Background {
 public:
  Background(std::function<void()> work, std::function<void()> release);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Whether it comes to its end within this time. What it has written may be read then.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds limit) const;

  // Whether it falls asleep in the kernel and stays so for the time `silence`. Throws
  // std::runtime_error when it neither does nor ends.
  [[nodiscard]] bool falls_asleep() const;

 private:
  [[nodiscard]] bool sleeping() const;

  std::function<void()> release_;
  std::promise<void> promise_;
  std::future<void> end_ = promise_.get_future();
  std::atomic<pid_t> tid_ = 0;
  std::thread thread_;
};

}  // namespace echomux::claims
