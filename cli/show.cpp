#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "report/report.hpp"

namespace echomux {

Command show_command() {
  struct Arguments {
    std::string path;
    std::string format = "text";
    bool ledger = false;
    bool hosts = false;
  };
  const auto to = std::make_shared<Arguments>();
  return {"show",
          "Print the table of a results file again",
          {{"FILE", "A results file of 'echomux bench'", file(&to->path)},
           {"--format", "How to print it; compact is JSON in a fifth of the room",
            one_of(&to->format, {"text", "markdown", "csv", "json", "compact"})},
           {"--ledger",
            "Print where the time and the memory went instead, and where each figure is from",
            &to->ledger},
           {"--hosts",
            "Print what each client host saw instead, where several put the load on",
            &to->hosts,
            {"--ledger"}}},
          "",
          [to] {
            const Results results = read_results(to->path);
            std::cout << (to->ledger ? cost_ledger(results)
                          : to->hosts
                              ? hosts_report(results)
                              : report(results, report_format(to->format), output_columns()));
            return exit_ok;
          }};
}

}  // namespace echomux
