#include "tests/faults/recoverable.hpp"

#include <array>
#include <stdexcept>

namespace echomux {
namespace {

struct Recoverable {
  std::string_view call_and_fault;
  int interval;
  std::string_view probability;
};

// Each shortage while accepting makes most servers pause for 100 ms, which is no fault of theirs:
// the suite makes thousands of connections, and still expects them to be served in time.
constexpr std::array recoverable{
    Recoverable{"recv:EINTR", 3, "0.03"},         Recoverable{"recv:EAGAIN", 5, "0.03"},
    Recoverable{"recv:short", 2, "0.03"},         Recoverable{"send:EINTR", 3, "0.03"},
    Recoverable{"send:EAGAIN", 5, "0.03"},        Recoverable{"send:short", 2, "0.03"},
    Recoverable{"accept4:EINTR", 3, "0.03"},      Recoverable{"accept4:EAGAIN", 5, "0.03"},
    Recoverable{"accept4:EMFILE", 503, "0.001"},  Recoverable{"accept4:ENFILE", 701, "0.001"},
    Recoverable{"accept4:ENOBUFS", 907, "0.001"}, Recoverable{"accept4:ENOMEM", 1009, "0.001"},
    Recoverable{"epoll_wait:EINTR", 2, "0.1"},    Recoverable{"poll:EINTR", 2, "0.1"},
    Recoverable{"poll:ENOMEM", 7, "0.02"},        Recoverable{"select:EINTR", 2, "0.1"},
    Recoverable{"select:ENOMEM", 7, "0.02"},
};

}  // namespace

std::string recoverable_faults(const Backend& backend, std::string_view when) {
  const std::string_view kind = when.substr(0, when.find('='));
  const std::string_view seed = kind == when ? "1" : when.substr(kind.size() + 1);
  std::string rules;
  for (const Recoverable& fault : recoverable) {
    if (!rules.empty()) rules += ';';
    rules += std::string(fault.call_and_fault) + ":";
    if (when == "first") {
      rules += "first=1";
    } else if (when == "every") {
      rules += "every=" + std::to_string(fault.interval);
    } else if (kind == "random" && !seed.empty()) {
      // A digit more for each, so that they don't all strike together.
      rules += "random=" + std::string(fault.probability) + ",seed=" + std::string(seed) +
               std::to_string(&fault - recoverable.data());
    } else {
      throw std::invalid_argument("'" + std::string(when) +
                                  "' is neither first nor every nor random nor random=SEED");
    }
    if (backend.never_sleeps) rules += ",ready";
  }
  return rules;
}

}  // namespace echomux
