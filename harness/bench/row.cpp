#include "harness/bench/row.hpp"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <thread>

#include "harness/bench/rounds.hpp"
#include "harness/bench/slices.hpp"
#include "harness/machine/keep_awake.hpp"
#include "harness/text/time_units.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// What comes first in a slice and isn't counted: a server that scans ten thousand sockets has lost
// them from the CPU's caches to those before it.
constexpr std::chrono::milliseconds slice_warmup{20};
// A server that uses more than this part of a CPU while nobody asks it for anything never rests.
constexpr double restless_share = 0.2;
constexpr std::chrono::milliseconds watched_at_rest{20};

// A server that takes part, with its connections open.
class Contender {
 public:
  Contender(const SweepServer& server, const Cell& cell, const SweepContext& context)
      : server_(server),
        context_(context),
        load_(load_of(cell, context.plan)),
        process_(start(server, context)),
        standing_(process_, load_, StandingLoad::Idle::apart, context.stop) {}

  void open() {
    standing_.open();
    rested_ = Clock::now();
    if (going_on() && never_rests()) {
      restless_ = true;
      send_signal(SIGSTOP);
    }
  }

  // True while it can be loaded further.
  [[nodiscard]] bool going_on() const { return standing_.going_on() && fit_; }
  // How long it had rested when it turned out that it had closed connections meanwhile, but had not
  // ended.
  [[nodiscard]] const std::optional<nanoseconds>& closed_at_rest() const { return closed_at_rest_; }

  void warm_up(nanoseconds duration) {
    in_turn([&] { standing_.warm_up(duration); });
  }

  void slice(nanoseconds window, std::size_t round) {
    in_turn([&] {
      const nanoseconds at_rest = Clock::now() - rested_;
      const StandingLoad::Slice slice = standing_.load(slice_warmup, window);
      if (slice.lost_at_rest) closed_at_rest_ = at_rest;
      fit_ = slice.drained && !slice.lost_at_rest;
      // Of a server that can't be told from who listens for it, there is nothing to compare.
      if (slice.requests > 0 && slice.time > window / 2 && slice.cpu_time > nanoseconds(0) &&
          process_.listens_itself()) {
        cpu_us_by_round_[round] = to_us(slice.cpu_time) / static_cast<double>(slice.requests);
      }
    });
  }

  SystemCallCount count_system_calls(const Cell& cell) {
    SystemCallCount count;
    in_turn([&] { count = echomux::count_system_calls(cell, standing_); });
    return count;
  }

  // Ends it, and says what it came to.
  void conclude(Trial& trial) {
    if (restless_) send_signal(SIGCONT);
    Measurement measurement = standing_.close();
    if (!measurement.outlived_load) closed_at_rest_.reset();
    echomux::conclude(trial, load_, figures_of(load_, std::move(measurement)), process_, server_,
                      context_);
    if (trial.cost) trial.cost->slice_cpu_us_per_request = cpu_us();
    // All that there was to know of it is known, and ten thousand threads take their time to end.
    note_end(trial, stop());
  }

  [[nodiscard]] const RoundCosts& cpu_us_by_round() const { return cpu_us_by_round_; }
  ServerExit stop() { return process_.stop(std::chrono::milliseconds(0)); }

 private:
  // Lets a restless server run for as long as `work` takes.
  template <typename Work>
  void in_turn(const Work& work) {
    if (restless_) send_signal(SIGCONT);
    work();
    if (restless_) send_signal(SIGSTOP);
    rested_ = Clock::now();
  }

  [[nodiscard]] bool never_rests() const {
    // Ours say so themselves.
    if (!server_.is_anybodys() || server_.never_sleeps) return server_.never_sleeps;
    const auto used = [&] {
      const auto reading = process_.read_processes(Detail::cpu_only);
      return reading ? reading->cpu : nanoseconds(0);
    };
    const nanoseconds before = used();
    std::this_thread::sleep_for(watched_at_rest);
    return to_seconds(used() - before) > restless_share * to_seconds(watched_at_rest);
  }

  void send_signal(int signal) const {
    for (const pid_t pid : process_.processes()) ::kill(pid, signal);
  }

  [[nodiscard]] std::vector<double> cpu_us() const {
    std::vector<double> values;
    for (const auto& [round, value] : cpu_us_by_round_) values.push_back(value);
    return values;
  }

  const SweepServer& server_;
  const SweepContext& context_;
  Load load_;
  ServerProcess process_;
  StandingLoad standing_;
  Clock::time_point rested_;
  std::optional<nanoseconds> closed_at_rest_;
  bool restless_ = false;
  bool fit_ = true;
  RoundCosts cpu_us_by_round_;
};

// A row while it is run.
class Row {
 public:
  Row(const SweepContext& context, const RowObserver& observer)
      : context_(context), observer_(observer) {}

  // Runs these of the task's contenders side by side.
  void run(std::vector<RowTask::Contender*> contenders, const std::optional<SweepServer>& floor,
           std::uint64_t seed) {
    for (RowTask::Contender* const one : contenders) members_.emplace_back().task = one;
    add_floors(floor);
    open();
    if (!stopped()) load(seed);
    for (Member& member : members_) conclude(member);
    divide_by_floors();
  }

  // Of those that can't stand beside others, and the reason.
  [[nodiscard]] const std::vector<std::pair<RowTask::Contender*, std::string>>& unfit() const {
    return unfit_;
  }

 private:
  struct Member {
    RowTask::Contender* task = nullptr;  // none: a floor that nobody has asked for
    RowTask::Contender own;              // in that case
    std::unique_ptr<Contender> server;   // none once it has left
    RoundCosts cpu_us_by_round;

    RowTask::Contender& contender() { return task != nullptr ? *task : own; }
  };

  [[nodiscard]] bool stopped() const { return context_.stop.stop_requested(); }

  // The one without idle connections is the last.
  void add_floors(const std::optional<SweepServer>& floor) {
    if (!floor || members_.empty()) return;
    RowTask::Contender further = members_.front().contender();
    further.server = &*floor;
    further.count_system_calls = false;
    if (std::ranges::none_of(members_,
                             [](Member& one) { return one.contender().server->is_floor; })) {
      members_.emplace_back().own = further;
    }
    further.trial.cell.idle_connections = 0;
    members_.emplace_back().own = further;
    has_floors_ = true;
  }

  // One after the other: the kernel's memory is that of the whole machine.
  void open() {
    for (Member& member : members_) {
      if (stopped()) return;
      RowTask::Contender& one = member.contender();
      if (member.task != nullptr) observer_.opening(one.trial);
      try {
        member.server = std::make_unique<Contender>(*one.server, one.trial.cell, context_);
        member.server->open();
      } catch (const std::exception& error) {
        set_aside(member, error.what());
        continue;
      }
      if (!member.server->going_on()) conclude(member);
    }
  }

  void load(std::uint64_t seed) {
    std::optional<KeepAwake> awake;
    if (context_.plan.keep_awake) awake.emplace(context_.cpus.usable);
    if (context_.plan.load.warmup > nanoseconds(0)) {
      for (Member& member : members_) {
        if (member.server) member.server->warm_up(context_.plan.load.warmup);
      }
    }
    const std::size_t rounds = rounds_of(context_.plan);
    const nanoseconds window = context_.plan.load.duration / rounds;
    std::size_t last_round = rounds;
    run_rounds(
        members_.size(), rounds,
        [&](std::size_t index, std::size_t round) {
          if (std::exchange(last_round, round) != round) observer_.round(round + 1, rounds);
          Member& member = members_[index];
          if (!member.server) return;
          try {
            member.server->slice(window, round);
          } catch (const std::exception& error) {
            set_aside(member, error.what());
            return;
          }
          if (!member.server->going_on()) conclude(member);
        },
        context_.stop, seed);
    for (Member& member : members_) {
      if (stopped() || !member.server || !member.contender().count_system_calls) continue;
      observer_.counted(member.server->count_system_calls(member.contender().trial.cell));
    }
  }

  // It can't go on here, and may do so alone.
  void set_aside(Member& member, const std::string& why) {
    Trial& trial = member.contender().trial;
    const ServerExit end = member.server ? member.server->stop() : ServerExit{};
    member.server.reset();
    fail(trial, OutcomeKind::failed, why);
    note_end(trial, end);
    if (member.task != nullptr) unfit_.emplace_back(member.task, why);
  }

  // It leaves the row, and its server ends.
  void conclude(Member& member) {
    RowTask::Contender& one = member.contender();
    if (!member.server) {
      if (stopped() && !one.trial.load) fail(one.trial, OutcomeKind::interrupted, "interrupted");
      return;
    }
    member.cpu_us_by_round = member.server->cpu_us_by_round();
    try {
      member.server->conclude(one.trial);
      if (const auto& at_rest = member.server->closed_at_rest();
          at_rest && member.task != nullptr) {
        const std::string why = fmt::format("closes idle connections after {:.1f} s; use --fresh",
                                            to_seconds(*at_rest));
        one.trial.outcome = {OutcomeKind::failed, one.trial.outcome.reason, why};
        one.trial.judgement = judge_trial(one.trial, {});
        unfit_.emplace_back(member.task, why);
      }
    } catch (const std::exception& error) {
      set_aside(member, error.what());
    }
    // What had all of its rounds before is a result.
    const bool whole = one.trial.load && one.trial.load->windows >= rounds_of(context_.plan);
    if (stopped() && !whole && one.trial.outcome.kind != OutcomeKind::over_limit) {
      fail(one.trial, OutcomeKind::interrupted, "interrupted");
    }
    member.server.reset();
  }

  // Each by the row's floor and by the one without idle connections, in the same rounds.
  void divide_by_floors() {
    if (!has_floors_) return;
    std::vector<RoundCosts> costs;
    for (const Member& member : members_) costs.push_back(member.cpu_us_by_round);
    const std::vector<std::optional<double>> effects = log_effects(costs);
    const auto floor = std::ranges::find_if(
        members_, [](Member& member) { return member.contender().server->is_floor; });
    const auto over = [](const std::optional<double>& above, const std::optional<double>& below) {
      return above && below ? std::optional(std::exp(*above - *below)) : std::nullopt;
    };
    for (std::size_t i = 0; i < members_.size(); ++i) {
      RowTask::Contender* const task = members_[i].task;
      if (task == nullptr || !task->trial.cost) continue;
      ServerCost& cost = *task->trial.cost;
      cost.cpu_ratio_to_floor =
          over(effects[i], effects[static_cast<std::size_t>(floor - members_.begin())]);
      cost.cpu_ratio_to_empty_floor = over(effects[i], effects.back());
    }
  }

  const SweepContext& context_;
  const RowObserver& observer_;
  std::vector<Member> members_;
  bool has_floors_ = false;
  std::vector<std::pair<RowTask::Contender*, std::string>> unfit_;
};

}  // namespace

std::size_t rounds_of(const SweepPlan& plan) {
  if (plan.slice <= nanoseconds(0)) return 1;
  const double rounds = to_seconds(plan.load.duration) / to_seconds(plan.slice);
  return static_cast<std::size_t>(std::max(1.0, std::round(rounds)));
}

void run_row(RowTask& task, const SweepContext& context, const RowObserver& observer) {
  std::vector<RowTask::Contender*> together;
  std::vector<std::pair<RowTask::Contender*, std::string>> alone;
  // The floor is always there.
  const Trial& any = task.contenders.front().trial;
  const std::uint64_t floors = task.floor ? memory_needed(any, *task.floor) : 0;
  const std::uint64_t room = task.memory_bytes.value_or(~std::uint64_t{0});
  std::uint64_t needed = floors;
  for (RowTask::Contender& contender : task.contenders) {
    const std::uint64_t its =
        contender.server->is_floor ? 0 : memory_needed(contender.trial, *contender.server);
    if (floors + its > room) {
      fail(contender.trial, OutcomeKind::not_possible,
           lacking_memory(floors + its, room, "with the floor beside it, "));
    } else if (needed + its <= room) {
      together.push_back(&contender);
      needed += its;
    } else {
      alone.emplace_back(&contender, "there is no room for all of them in memory");
    }
  }
  if (!together.empty()) {
    Row row(context, observer);
    row.run(together, task.floor, task.seed);
    if (together.size() > 1) std::ranges::copy(row.unfit(), std::back_inserter(alone));
  }
  for (const auto& [contender, why] : alone) {
    if (context.stop.stop_requested()) {
      // One that was kept apart for want of memory has no outcome yet.
      if (contender->trial.outcome.kind == OutcomeKind::measured && !contender->trial.load) {
        fail(contender->trial, OutcomeKind::interrupted, "interrupted");
      }
      continue;
    }
    Row row(context, observer);
    row.run({contender}, task.floor, task.seed);
    if (contender->trial.has_figures() && row.unfit().empty()) {
      contender->trial.judgement.add(
          Verdict::valid, "beside_floor_alone",
          fmt::format("it stood beside the floor alone, for beside the others: {}", why));
    }
  }
}

}  // namespace echomux
