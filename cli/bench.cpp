#include <memory>

#include "cli/bench_plan.hpp"
#include "cli/bench_run.hpp"
#include "cli/bench_servers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/signal_thread.hpp"

namespace echomux {

Command bench_command() {
  const auto to = std::make_shared<BenchArguments>();
  std::vector<Option> options = plan_options(*to);
  std::vector<std::string> plan;
  plan.reserve(options.size());
  for (const Option& option : options) plan.push_back(names_of(option).back());
  options.insert(
      options.end(),
      {{"--resume", "Go on with the run in this results file, where it was interrupted",
        file(&to->resume), plan},
       {"--format", "What to print on stdout",
        one_of(&to->format, {"text", "markdown", "csv", "json"})},
       force_option(to->force),
       {"--no-report", "Don't make the page to look at, which else is put beside the results file",
        &to->no_report},
       {"--strict", "Exit with status 3 when a trial isn't valid", &to->strict}});
  return {"bench", "Compare the servers beside many idle connections", options,
          "Progress goes to stderr, the table to stdout, every trial to the results file as soon "
          "as it is done.\nThe floor is a bare epoll loop: what the system calls alone cost.\nExit "
          "status: 0 measured, 1 a server or the run failed, 2 wrong use, 3 not valid with "
          "--strict, 130 interrupted.",
          [to] {
            const Interruption interruption;
            const auto sweep = [](const SweepTask& task) {
              run_sweep(task.plan, task.servers, floor_server(), task.done, task.observer,
                        task.stop);
            };
            return run_bench(*to, sweep, interruption.token());
          }};
}

}  // namespace echomux
