#include "claims/support/background.hpp"

#include <unistd.h>

#include <iterator>
#include <string>
#include <utility>

#include "claims/support/streams.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux::claims {

Background::Background(std::function<void()> work, std::function<void()> release)
    : release_(std::move(release)), thread_([this, work = std::move(work)] {
        tid_ = ::gettid();
        try {
          work();
        } catch (...) {
          // Seen by what it has not done.
        }
        promise_.set_value();
      }) {}

Background::~Background() {
  if (!ended_within(at_once)) release_();
  thread_.join();
}

bool Background::ended_within(std::chrono::milliseconds limit) const {
  return end_.wait_for(limit) == std::future_status::ready;
}

bool Background::falls_asleep() const {
  await("a thread slept or ended", [&] { return ended_within(at_once) || sleeping(); });
  return !ended_within(silence) && sleeping();
}

bool Background::sleeping() const {
  if (tid_ == 0) return false;
  const std::string text =
      proc::read_file("/proc/self/task/" + std::to_string(tid_) + "/stat").value_or("");
  // The state follows the name, which is in parentheses and may itself hold some.
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.compare(name_end + 1, 2, " S") == 0;
}

}  // namespace echomux::claims
