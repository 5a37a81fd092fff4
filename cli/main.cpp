#include <exception>
#include <iostream>

#include "cli/command.hpp"

// The echomux program: parses the command line and runs the chosen subcommand.
int main(int argc, char** argv) {
  using namespace echomux;
  CLI::App app{
      "echomux: what blocking I/O, threads, busy polling, select, poll and epoll really cost.\n"
      "Seven TCP echo servers behind one interface, and a harness that compares them."};
  app.name("echomux");
  app.set_version_flag("--version", ECHOMUX_VERSION);
  app.require_subcommand(1);
  app.footer("'echomux COMMAND --help' tells more about a command. Start with: echomux bench");

  Action action;
  add_bench_command(app, action);
  add_show_command(app, action);
  add_report_command(app, action);
  add_swarm_command(app, action);
  add_compare_command(app, action);
  add_reproduce_command(app, action);
  add_claims_command(app, action);
  add_doctor_command(app, action);
  add_list_command(app, action);
  add_serve_command(app, action);
  add_client_command(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 numbers its errors; here every mistake on the command line is one status.
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  try {
    return action();
  } catch (const UsageError& error) {
    std::cerr << "echomux: " << error.what() << '\n';
    return exit_usage;
  } catch (const std::exception& error) {
    std::cerr << "echomux: " << error.what() << '\n';
    return exit_failure;
  }
}
