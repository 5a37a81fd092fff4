#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "harness/report.hpp"

namespace echomux {

void add_show_command(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand("show", "Print the table of a results file again");
  const auto path = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("text");
  command->add_option("FILE", *path, "A results file of 'echomux bench'")->required();
  command->add_option("--format", *format, "How to print it")
      ->check(CLI::IsMember({"text", "markdown"}))
      ->capture_default_str();
  command->callback([path, format, &action] {
    action = [path, format] {
      std::cout << report(read_results(*path),
                          *format == "text" ? TableFormat::text : TableFormat::markdown);
      return exit_ok;
    };
  });
}

}  // namespace echomux
