#include "echo/server_stats.hpp"

namespace echomux {
namespace {

void add_to(CounterSnapshot& sum, const Counters& counters) {
  for (std::size_t i = 0; i < counter_fields.size(); ++i) {
    sum[i] += (counters.*counter_fields[i].member).value();
  }
}

}  // namespace

CounterSnapshot ServerStats::snapshot() const {
  const std::lock_guard lock(mutex_);
  CounterSnapshot sum = ended_threads_;
  add_to(sum, main_);
  for (const Counters& thread : threads_) add_to(sum, thread);
  return sum;
}

ThreadCounters::ThreadCounters(ServerStats& stats) : stats_(stats) {
  const std::lock_guard lock(stats_.mutex_);
  own_ = stats_.threads_.emplace(stats_.threads_.end());
}

ThreadCounters::~ThreadCounters() {
  const std::lock_guard lock(stats_.mutex_);
  add_to(stats_.ended_threads_, *own_);
  stats_.threads_.erase(own_);
}

}  // namespace echomux
