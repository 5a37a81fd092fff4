#include "cli/command.hpp"
#include "cli/documents.hpp"
#include "harness/machine/build_info.hpp"

// The echomux program: parses the command line and runs the chosen subcommand.
int main(int argc, char** argv) {
  using namespace echomux;
  Command program{
      "echomux",
      "echomux: what blocking I/O, threads, busy polling, select, poll and epoll really cost.\n"
      "Seven TCP echo servers behind one interface, and a harness that compares them.",
      {},
      "'echomux COMMAND --help' tells more about a command. Start with: echomux bench",
      {},
      {bench_command(), show_command(), draw_command(), report_command(), swarm_command(),
       merge_command(), compare_command(), reproduce_command(), claims_command(), predict_command(),
       doctor_command(), list_command(), serve_command(), client_command(), guess_command(),
       try_command()},
      version_line()};
  program.commands.push_back(print_command(program));
  return parse_and_run(program, argc, argv);
}
