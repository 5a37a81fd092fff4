#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/backends.hpp"
#include "cli/command.hpp"

namespace echomux {
namespace {

int list_as_json() {
  auto list = nlohmann::ordered_json::array();
  for (const Backend& backend : backends()) {
    nlohmann::ordered_json entry{{"name", backend.name},
                                 {"summary", backend.summary},
                                 {"limit", backend.limit},
                                 {"max_connections", nullptr},
                                 {"never_sleeps", backend.never_sleeps}};
    if (backend.max_connections) entry["max_connections"] = *backend.max_connections;
    list.push_back(std::move(entry));
  }
  std::cout << list.dump(2) << '\n';
  return exit_ok;
}

int list_as_text() {
  for (const Backend& backend : backends()) {
    std::cout << fmt::format("{:<10} {} (limit: {})\n", backend.name, backend.summary,
                             backend.limit);
  }
  return exit_ok;
}

}  // namespace

void add_list_command(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand("list", "List the servers and their limits");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print JSON");
  command->callback([json, &action] { action = *json ? list_as_json : list_as_text; });
}

}  // namespace echomux
