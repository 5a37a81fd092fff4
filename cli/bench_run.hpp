#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "cli/bench_plan.hpp"
#include "harness/bench/sweep.hpp"

namespace echomux {

// A sweep that is to be run: run_sweep() does it with the clients in this process.
struct SweepTask {
  const SweepPlan& plan;
  const std::vector<SweepServer>& servers;  // those of the plan, in its order
  const SweepDone& done;
  const SweepObserver& observer;
  std::stop_token stop;
};
using Sweeper = std::function<void(const SweepTask&)>;

// All that surrounds a sweep: plan, results file, progress, table and page. Returns the exit
// status. Ends early when a stop is requested. Throws UsageError, or what the sweep throws.
int run_bench(const BenchArguments& arguments, const Sweeper& sweep, const std::stop_token& stop);

}  // namespace echomux
