#include "harness/bench/sweep.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>
#include <semaphore>
#include <span>
#include <stop_token>

#include "echo/system_call.hpp"
#include "harness/bench/program_watch.hpp"
#include "harness/bench/rounds.hpp"
#include "harness/bench/row.hpp"
#include "harness/bench/trial.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/cpu_claim.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/machine/memory.hpp"
#include "harness/machine/needs.hpp"
#include "harness/machine/tracepoint.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

// How long the signal that ends the harness may come after the one that ended its server.
constexpr std::chrono::milliseconds a_moment{100};

bool same_row(const ScheduledTrial& one, const ScheduledTrial& other) {
  return one.repetition == other.repetition && one.cell.rate == other.cell.rate &&
         one.cell.idle_connections == other.cell.idle_connections;
}

void wait_for_stop(const std::stop_token& stop, std::chrono::milliseconds limit) {
  std::binary_semaphore asked(0);
  const std::stop_callback wake(stop, [&] { asked.release(); });
  static_cast<void>(asked.try_acquire_for(limit));
}

// True when the trial need not be run, since it is known that it can't be. In a row memory is
// looked at for all of its servers together.
bool ruled_out(Trial& trial, const SweepServer& server, const SweepPlan& plan,
               std::uint64_t descriptor_limit) {
  const std::size_t connections = trial.cell.idle_connections + trial.active_connections;
  const std::size_t needed = connections + spare_descriptors;
  const std::uint64_t bytes = memory_needed(trial, server);
  std::optional<std::uint64_t> room;
  if (plan.slice == std::chrono::nanoseconds(0)) room = usable_memory_bytes();
  // A server that serves one peer at a time is run all the same: that it starves the others is its
  // lesson, not a limit that someone has set.
  if (server.max_connections > 1 && connections > *server.max_connections) {
    fail(trial, OutcomeKind::over_limit, fmt::format("limit {}", *server.max_connections));
  } else if (needed > descriptor_limit) {
    fail(
        trial, OutcomeKind::not_possible,
        fmt::format("not possible: needs {} descriptors, the limit is {} (raise it: ulimit -Hn {}, "
                    "as root)",
                    needed, descriptor_limit, needed));
  } else if (room && bytes > *room) {
    fail(trial, OutcomeKind::not_possible, lacking_memory(bytes, *room));
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string slices_in_words(const SweepPlan& plan) {
  if (plan.slice <= std::chrono::nanoseconds(0)) return "";
  const auto rounds = static_cast<double>(rounds_of(plan));
  return fmt::format(", in slices of {:g} ms in turn with the other servers",
                     to_us(plan.load.duration) / rounds / 1000);
}

CpuPlan plan_cpus(bool pin, bool keep_awake, const std::vector<int>& server) {
  CpuPlan plan;
  plan.usable = usable_cpus();
  if (!pin) {
    plan.explanation = "not pinned: server and client run on whichever CPU the system chooses";
  } else if (plan.usable.size() < 2) {
    plan.explanation = "not pinned: server and client share the only CPU there is";
  } else if (!may_choose_cpus()) {
    plan.explanation = "not pinned: the kernel refuses to let programs choose their CPUs here";
  } else {
    std::string remark;
    if (server.empty()) {
      const TwoCpus two = choose_two(plan.usable);
      plan.client = two.client;
      plan.server = {two.server};
      remark = two.remark;
    } else {
      plan.server = server;
      // One on a core of its own, where there is one.
      const auto distance = [&](int cpu) {
        if (std::ranges::count(server, cpu) > 0) return 0;
        return std::ranges::any_of(server, [&](int its) { return share_a_core(cpu, its); }) ? 1 : 2;
      };
      const int best = *std::ranges::max_element(plan.usable, {}, distance);
      if (distance(best) > 0) plan.client = best;
      if (distance(best) == 1) remark = ", which is a part of a core of the server's";
    }
    const std::string where =
        fmt::format("CPU{} {}", plan.server.size() > 1 ? "s" : "", fmt::join(plan.server, ", "));
    plan.explanation =
        plan.client
            ? fmt::format("pinned: server on {}, client on CPU {}{}", where, *plan.client, remark)
            : fmt::format("pinned: server on {}, which leave the client none", where);
    plan.usable = plan.server;
    if (plan.client) plan.usable.insert(plan.usable.begin(), *plan.client);
  }
  const std::string why_not = keep_awake ? why_not_kept_awake(plan.usable) : "";
  plan.explanation += !keep_awake       ? ", free to sleep"
                      : why_not.empty() ? ", kept awake by threads of idle priority"
                                        : ", free to sleep: " + why_not;
  return plan;
}

std::uint64_t descriptor_limit_at_start() {
  static const std::uint64_t at_start = [] {
    rlimit limit{};
    check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    return std::uint64_t{limit.rlim_cur};
  }();
  return at_start;
}

std::uint64_t raise_descriptor_limit() {
  static_cast<void>(descriptor_limit_at_start());  // for who asks later
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_cur;
}

std::vector<ScheduledTrial> schedule_trials(const SweepPlan& plan) {
  std::vector<ScheduledTrial> all;
  std::mt19937_64 random(plan.seed);
  const auto add_shuffled = [&](const std::vector<ScheduledTrial>& some) {
    for (const std::size_t i : random_order(some.size(), random)) all.push_back(some[i]);
  };
  const std::size_t rows = plan.idle_connections.size() * plan.rates.size();
  if (rows == 0) return all;
  for (std::size_t repetition = 1; repetition <= plan.repetitions; ++repetition) {
    std::vector<ScheduledTrial> one;
    std::vector<std::size_t> order = random_order(rows, random);
    // What most readers ask is answered first: what a request costs beside the most idle
    // connections, and beside the fewest.
    if (repetition == 1 && plan.slice > std::chrono::nanoseconds(0)) {
      const auto [fewest, most] = std::ranges::minmax(plan.idle_connections);
      std::ranges::stable_partition(order, [&, fewest = fewest, most = most](std::size_t row) {
        const std::size_t idle = plan.idle_connections[row / plan.rates.size()];
        return idle == fewest || idle == most;
      });
    }
    for (const std::size_t row : order) {
      const std::size_t idle = plan.idle_connections[row / plan.rates.size()];
      const double rate = plan.rates[row % plan.rates.size()];
      for (std::size_t i = 0; i < plan.servers.size(); ++i) {
        one.push_back({i, {plan.servers[i].name, idle, rate}, repetition});
      }
      if (plan.slice > std::chrono::nanoseconds(0)) add_shuffled(std::exchange(one, {}));
    }
    add_shuffled(one);
  }
  return all;
}

namespace {

std::vector<SweepServer> with_floor(std::vector<SweepServer> servers,
                                    const std::optional<SweepServer>& floor) {
  if (floor) servers.push_back(*floor);
  return servers;
}

// A sweep while it is run.
class Sweep {
 public:
  Sweep(const SweepPlan& plan, const std::vector<SweepServer>& servers,
        const std::optional<SweepServer>& floor, const SweepDone& done,
        const SweepObserver& observer, const std::stop_token& stop, TrialRunner runner)
      : servers_(servers),
        floor_(floor),
        done_(done),
        observer_(observer),
        context_{plan, plan_cpus(plan.pin, plan.keep_awake, plan.server_cpus),
                 done.client_ceiling_rps, stop},
        programs_(with_floor(servers, floor)),
        runner_(std::move(runner)) {
    for (const SystemCallCount& count : done.system_calls) counted_.push_back(count.cell);
    std::ranges::for_each(done.trials, [&](const Trial& trial) { note_measured(trial); });
  }

  void run() {
    if (context_.cpus.client) run_on_cpus({*context_.cpus.client});
    look_for_others();
    measure_ceiling();
    const std::vector<ScheduledTrial> schedule = schedule_trials(plan());
    // The trials of a row follow each other in a schedule of slices.
    for (auto next = schedule.begin(); next != schedule.end() && !stopped();) {
      const auto end = std::find_if_not(next, schedule.end(), [&](const ScheduledTrial& other) {
        return sliced() ? same_row(*next, other) : &other == &*next;
      });
      run_trials({next, end});
      next = end;
    }
    if (plan().count_system_calls) count_what_is_left();
  }

 private:
  [[nodiscard]] const SweepPlan& plan() const { return context_.plan; }
  [[nodiscard]] bool stopped() const { return context_.stop.stop_requested(); }
  [[nodiscard]] bool sliced() const { return plan().slice > std::chrono::nanoseconds(0); }

  void measure_ceiling() {
    if (context_.client_ceiling_rps || !floor_ || stopped()) return;
    try {
      context_.client_ceiling_rps = measure_client_ceiling(*floor_, context_);
      if (context_.client_ceiling_rps) observer_.ceiling(*context_.client_ceiling_rps);
    } catch (const std::exception& error) {
      // All that is lost without it is one reason for suspicion.
      if (!stopped()) observer_.no_ceiling(error.what());
    }
  }

  // Those that are not done yet, side by side where there are several.
  void run_trials(std::span<const ScheduledTrial> scheduled) {
    RowTask row;
    for (const ScheduledTrial& next : scheduled) {
      if (std::ranges::any_of(done_.trials, [&](const Trial& trial) {
            return trial.cell == next.cell && trial.repetition == next.repetition;
          })) {
        continue;
      }
      Trial trial;
      trial.cell = next.cell;
      trial.repetition = next.repetition;
      trial.active_connections = plan().load.active_connections;
      const SweepServer& server = servers_.at(next.server);
      if (ruled_out(trial, server, plan(), descriptor_limit_)) {
        observer_.before(trial);
        observer_.after(trial);
      } else if (!sliced()) {
        run_alone(trial, server);
      } else {
        row.contenders.push_back(
            {.trial = trial,
             .server = &server,
             .count_system_calls = plan().count_system_calls && !unavailable_ &&
                                   std::ranges::find(counted_, next.cell) == counted_.end()});
      }
    }
    if (!row.contenders.empty()) run_side_by_side(row, scheduled.front());
  }

  void run_side_by_side(RowTask& row, const ScheduledTrial& first) {
    row.floor = floor_;
    row.seed = plan().seed + first.repetition;
    row.memory_bytes = usable_memory_bytes();
    const auto counted = [&](const SystemCallCount& count) {
      counted_.push_back(count.cell);
      observer_.counted(count);
    };
    run_row(row, context_,
            {.opening = observer_.before, .round = observer_.round, .counted = counted});
    look_for_others();
    for (RowTask::Contender& contender : row.contenders) finish(contender.trial);
  }

  void run_alone(Trial& trial, const SweepServer& server) {
    observer_.before(trial);
    try {
      runner_(trial, server, context_);
    } catch (const std::exception& error) {
      // One server that can't be started or connected to must not cost the others their trials.
      fail(trial, OutcomeKind::failed, error.what());
    }
    // The signal that ends the harness may reach its server a moment earlier. A failure at that
    // time isn't the server's.
    if (trial.outcome.kind == OutcomeKind::failed) wait_for_stop(context_.stop, a_moment);
    const bool lost = std::ranges::count(trial.judgement.reasons, rank_lost, &Reason::code) > 0;
    if (stopped() && trial.outcome.kind != OutcomeKind::measured && !lost) {
      fail(trial, OutcomeKind::interrupted, "interrupted");
    }
    look_for_others();
    finish(trial);
  }

  void finish(Trial& trial) {
    if (const auto replaced = replaced_program(trial); replaced && trial.load) {
      trial.judgement.add(
          Verdict::suspect, "program_replaced",
          fmt::format("{} was replaced since the run began, so that there are trials of two "
                      "programs: begin again, and let builds end before",
                      *replaced));
    }
    if (trial.has_figures() && !others_.empty()) {
      trial.judgement.add(Verdict::suspect, "another_run",
                          "another run measures on the same CPUs at the same time: let one end "
                          "before the other begins");
    }
    note_measured(trial);
    observer_.after(trial);
  }

  // The server's own, or the floor's, by which it is divided.
  [[nodiscard]] std::optional<std::string> replaced_program(const Trial& trial) const {
    const auto spec = std::ranges::find(plan().servers, trial.cell.server, &ServerSpec::name);
    auto replaced = programs_.replaced(static_cast<std::size_t>(spec - plan().servers.begin()));
    return replaced || !floor_ ? replaced : programs_.replaced(servers_.size());
  }

  void look_for_others() {
    if (!claim_) return;
    others_ = claim_->shared();
    if (!others_.empty() && !std::exchange(others_told_, true)) observer_.shared_cpus(others_);
  }

  // Cells whose trials have shown that they can't be measured need none counted.
  void note_measured(const Trial& trial) {
    if (trial.has_figures() && std::ranges::find(measured_, trial.cell) == measured_.end()) {
      measured_.push_back(trial.cell);
    }
  }

  void count_what_is_left() {
    for (const Cell& cell : measured_) {
      if (stopped()) return;
      if (std::ranges::find(counted_, cell) != counted_.end()) continue;
      const auto spec = std::ranges::find(plan().servers, cell.server, &ServerSpec::name);
      const SweepServer& server =
          servers_.at(static_cast<std::size_t>(spec - plan().servers.begin()));
      const SystemCallCount count = unavailable_
                                        ? SystemCallCount{cell, std::nullopt, *unavailable_}
                                        : count_system_calls(cell, server, context_);
      // A pass that was cut off says nothing, and a resumed run is to do it again.
      if (!count.per_request && stopped()) return;
      observer_.counted(count);
    }
  }

  const std::vector<SweepServer>& servers_;
  const std::optional<SweepServer>& floor_;
  const SweepDone& done_;
  const SweepObserver& observer_;
  std::uint64_t descriptor_limit_ = raise_descriptor_limit();
  std::optional<std::string> unavailable_ = system_calls_uncountable();
  SweepContext context_;
  // Without a CPU of its own a run expects company.
  std::optional<CpuClaim> claim_ = !context_.cpus.server.empty()
                                       ? std::make_optional<CpuClaim>(context_.cpus.usable)
                                       : std::nullopt;
  std::vector<int> others_;
  bool others_told_ = false;
  ProgramWatch programs_;
  TrialRunner runner_;
  std::vector<Cell> measured_;
  std::vector<Cell> counted_;
};

}  // namespace

void run_sweep(const SweepPlan& plan, const std::vector<SweepServer>& servers,
               const std::optional<SweepServer>& floor, const SweepDone& done,
               const SweepObserver& observer, const std::stop_token& stop,
               const TrialRunner& run_alone) {
  Sweep(plan, servers, floor, done, observer, stop, run_alone ? run_alone : run_trial).run();
}

}  // namespace echomux
