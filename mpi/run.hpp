#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "mpi/lifelines.hpp"
#include "mpi/world.hpp"

namespace echomux {

// What every command here has beside its own options.
struct MpiArguments {
  std::size_t ranks = 0;          // as many as there must be; 0: any
  std::size_t measure_ranks = 0;  // of the clients; 0: all
  bool remote = false;
};
[[nodiscard]] std::vector<Option> mpi_options(MpiArguments& to);

// A rank while its command runs: it is told to end by a signal, and by rank 0's end.
class Attendance {
 public:
  // Each rank's stdout and stderr but rank 0's are put aside while the command line is parsed, so
  // that what is wrong with it is said once; here they are given back. Looks whether the world is
  // the one that was asked for, and all of its ranks are the same program: if not, rank 0 throws
  // UsageError, and the others have nothing to do.
  Attendance(World& world, const MpiArguments& arguments, std::stop_token signals);

  [[nodiscard]] bool has_work() const noexcept { return has_work_; }
  [[nodiscard]] std::stop_token stop() const noexcept { return stop_.get_token(); }
  // Has rank 0 look whether what is asked for can be done. True at all ranks when it can; else rank
  // 0 throws what `look` has thrown, and the others have nothing to do.
  [[nodiscard]] bool agree(const std::function<void()>& look);
  // All leave together, when all is done. Throws Stopped.
  void leave();
  // At rank 0, which ranks were lost: "rank 2 on h3 was lost". Empty: none.
  [[nodiscard]] std::string lost() const;

 private:
  World& world_;
  bool has_work_ = true;
  std::vector<std::string> hosts_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> by_signal_;
  std::unique_ptr<Lifelines> lifelines_;
};

// The subcommands of echomux-mpi. `world` must outlive them.
[[nodiscard]] Command mpi_swarm_command(World& world);
[[nodiscard]] Command mpi_bench_command(World& world);

}  // namespace echomux
