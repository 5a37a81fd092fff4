// All micro-benchmarks in one program; Google Benchmark's usual flags work, such as
// --benchmark_filter=select, --benchmark_format=json and --benchmark_out=FILE.
#include <benchmark/benchmark.h>

namespace echomux::micro {
void add_wait_calls();
void add_set_up();
void add_wake_ups();
}  // namespace echomux::micro

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  echomux::micro::add_wait_calls();
  echomux::micro::add_set_up();
  echomux::micro::add_wake_ups();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
