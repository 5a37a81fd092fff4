#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/sweep.hpp"
#include "harness/load/load_report.hpp"
#include "harness/load/swarm.hpp"
#include "harness/machine/cpu.hpp"
#include "report/figure.hpp"

namespace echomux {

// Rounds in which every figure that is measured with servers goes over all its lines and places.
inline constexpr int served_rounds = 7;

// What a load cost a server.
struct Served {
  LoadReport report;
  double cpu_us_per_request = 0;
  std::optional<double> worker_imbalance;  // none without workers
  // Per wait, from the server's counters; zero where it reports none.
  double cpu_us_per_wait = 0;
  double scanned_per_wait = 0;
  double events_per_wait = 0;
};

// The bench that all of these figures share: pinned, kept awake, one server at a time. While there
// is one, the thread that made it keeps to the client's CPU.
class ServedBench {
 public:
  // `run` must live as long.
  explicit ServedBench(const FigureRun& run);

  // What keeps this line from being measured with so many connections; none: nothing.
  [[nodiscard]] std::optional<NotPossible> not_possible(const std::string& line,
                                                        std::size_t connections) const;

  // Starts the line's server, puts the load on it, and ends it. Throws std::exception.
  [[nodiscard]] Served measure(const std::string& line, const Load& load) const;

 private:
  const FigureRun& run_;
  std::uint64_t descriptors_;
  CpuPlan cpus_;
  OnCpu on_client_cpu_;
};

// Active connections that ask again as soon as they are answered, for a fifth of a second.
[[nodiscard]] Load closed_loop(std::size_t idle, std::size_t active, std::size_t bytes);

// Fills the figure: one value per line, place and round, all lines and places in each round.
// The server is that of the line's name, unless `server_at` names another at each place.
// `take` makes the value of a measurement; it is not kept when the load did not complete.
void measure_all(
    Figure& figure, const std::vector<double>& at, const std::function<Load(double)>& load_at,
    const std::function<double(const std::string& line, double place, const Served&)>& take,
    const FigureRun& run,
    const std::function<std::string(const std::string& line, double place)>& server_at =
        [](const std::string& line, double /*place*/) { return line; });

}  // namespace echomux
