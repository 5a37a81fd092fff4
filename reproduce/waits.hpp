#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "echo/system_call.hpp"
#include "reproduce/watched.hpp"
#include "select/descriptor_set.hpp"

namespace echomux::micro {

// Each is one way of waiting for a set of descriptors. wait() returns how many are ready, leaves
// their numbers in `ready`, and adds to `scanned` how many had to be examined for that, by the
// kernel or by the loop that looks for them, which is a part of the cost.
class SelectWait {
 public:
  explicit SelectWait(const Watched& watched) : end_(watched.end()) {
    for (const FileDescriptor& reader : watched.readers()) set_.add(reader.get());
  }
  int wait(bool block) {
    answer_ = set_;  // select overwrites its argument, so this copy is part of its cost
    timeval now{};
    const int count = ::select(end_, answer_.raw(), nullptr, nullptr, block ? nullptr : &now);
    ready.clear();
    for (int fd = 0; fd < end_ && std::ssize(ready) < count; ++fd) {
      if (answer_.contains(fd)) ready.push_back(fd);
    }
    scanned += static_cast<std::uint64_t>(end_);
    return count;
  }
  std::vector<int> ready;
  std::uint64_t scanned = 0;

 private:
  DescriptorSet set_;
  DescriptorSet answer_;
  int end_;
};

class PollWait {
 public:
  explicit PollWait(const Watched& watched) {
    for (const FileDescriptor& reader : watched.readers()) {
      set_.push_back({.fd = reader.get(), .events = POLLIN, .revents = 0});
    }
  }
  int wait(bool block) {
    const int count = ::poll(set_.data(), set_.size(), block ? -1 : 0);
    ready.clear();
    for (std::size_t i = 0; std::ssize(ready) < count; ++i) {
      if (set_[i].revents != 0) ready.push_back(set_[i].fd);
    }
    scanned += set_.size();
    return count;
  }
  std::vector<int> ready;
  std::uint64_t scanned = 0;

 private:
  std::vector<pollfd> set_;
};

template <std::uint32_t Mode>
class EpollWait {
 public:
  explicit EpollWait(const Watched& watched) {
    for (const FileDescriptor& reader : watched.readers()) {
      epoll_event event{};
      event.events = EPOLLIN | Mode;
      event.data.fd = reader.get();
      check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, reader.get(), &event), "epoll_ctl");
    }
  }
  int wait(bool block) {
    const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                   block ? -1 : 0);
    ready.clear();
    for (int i = 0; i < count; ++i) {
      ready.push_back(events_[static_cast<std::size_t>(i)].data.fd);
    }
    scanned += static_cast<std::uint64_t>(std::max(count, 0));
    return count;
  }
  std::vector<int> ready;
  std::uint64_t scanned = 0;

 private:
  FileDescriptor epoll_{check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::vector<epoll_event> events_ = std::vector<epoll_event>(1024);
};

using EpollLtWait = EpollWait<0>;
using EpollEtWait = EpollWait<static_cast<std::uint32_t>(EPOLLET)>;

}  // namespace echomux::micro
