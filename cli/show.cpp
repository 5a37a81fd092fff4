#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "report/report.hpp"

namespace echomux {

void add_show_command(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand("show", "Print the table of a results file again");
  const auto path = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("text");
  command->add_option("FILE", *path, "A results file of 'echomux bench'")->required();
  const auto ledger = std::make_shared<bool>(false);
  command->add_option("--format", *format, "How to print it")
      ->check(CLI::IsMember({"text", "markdown", "csv", "json"}))
      ->capture_default_str();
  command->add_flag("--ledger", *ledger,
                    "Print where the time and the memory went instead, and where each figure is "
                    "from");
  command->callback([path, format, ledger, &action] {
    action = [path, format, ledger] {
      const Results results = read_results(*path);
      std::cout << (*ledger ? cost_ledger(results) : report(results, report_format(*format)));
      return exit_ok;
    };
  });
}

}  // namespace echomux
