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
  for (const Counters* const thread : threads_) add_to(sum, *thread);
  return sum;
}

// Memory is allocated and freed outside the lock, which many threads may want at the same time.
ThreadCounters::ThreadCounters(ServerStats& stats)
    : stats_(stats), own_(std::make_unique<Counters>()), counters_(own_.get()) {
  join();
}

ThreadCounters::ThreadCounters(ServerStats& stats, Counters& elsewhere)
    : stats_(stats), counters_(&elsewhere) {
  join();
}

void ThreadCounters::join() {
  std::list<const Counters*> place{counters_};
  place_ = place.begin();
  const std::lock_guard lock(stats_.mutex_);
  stats_.threads_.splice(stats_.threads_.end(), place);
}

ThreadCounters::~ThreadCounters() {
  std::list<const Counters*> ended;
  const std::lock_guard lock(stats_.mutex_);
  add_to(stats_.ended_threads_, *counters_);
  ended.splice(ended.end(), stats_.threads_, place_);
}

}  // namespace echomux
