#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <iostream>

#include "cli/command.hpp"
#include "echo/file_descriptor.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/load/load.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/words.hpp"
#include "mpi/run.hpp"

// echomux-mpi: loads on many hosts, started by mpirun or srun.
namespace echomux {
namespace {

FileDescriptor kept_out;
FileDescriptor kept_err;

// Where nobody hears what rank 0 says, too.
void put_streams_aside() {
  kept_out.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  kept_err.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  const FileDescriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::dup2(nowhere.get(), STDOUT_FILENO);
  ::dup2(nowhere.get(), STDERR_FILENO);
}

void give_streams_back() {
  if (kept_out) ::dup2(kept_out.get(), STDOUT_FILENO);
  if (kept_err) ::dup2(kept_err.get(), STDERR_FILENO);
  kept_out.reset();
  kept_err.reset();
}

}  // namespace

std::vector<Option> mpi_options(MpiArguments& to) {
  constexpr std::size_t most = Part::most;
  return {{"--remote", "The servers and the network are yours, and may be loaded", &to.remote},
          {"--ranks", "How many ranks there must be, or nothing is done (default: any number)",
           Count{&to.ranks, 0, most}},
          {"--measure-ranks",
           "So many clients measure latencies, the others only load (default: all measure)",
           Count{&to.measure_ranks, 0, most}}};
}

Attendance::Attendance(World& world, const MpiArguments& arguments, std::stop_token signals)
    : world_(world), by_signal_(std::move(signals), [this] { stop_.request_stop(); }) {
  world.heed(stop());
  const std::string size = wrong_size(world.size(), arguments.ranks);
  // In worlds of one, each is a rank 0.
  if (!size.empty()) throw UsageError(size);
  hosts_ = world.gather(host_name());
  const std::string builds =
      world.broadcast(different_builds(hosts_, world.gather(version_line())));
  give_streams_back();
  has_work_ = builds.empty();
  if (!has_work_) world.leave();
  if (!has_work_ && world.rank() == 0) throw UsageError(builds);
  raise_descriptor_limit();  // as each has a connection to rank 0, too
  if (has_work_) {
    lifelines_ = std::make_unique<Lifelines>(world, [this] { stop_.request_stop(); });
  }
}

bool Attendance::agree(const std::function<void()>& look) {
  std::exception_ptr refusal;
  if (world_.rank() == 0) {
    try {
      look();
    } catch (...) {
      refusal = std::current_exception();
    }
  }
  const bool refused = !world_.broadcast(refusal ? "refused" : "").empty();
  if (refused) leave();
  if (refusal) std::rethrow_exception(refusal);
  return !refused;
}

void Attendance::leave() {
  if (lifelines_) lifelines_->let_go();
  world_.leave();
}

std::string Attendance::lost() const {
  std::vector<std::string> names;
  if (world_.rank() != 0 || !lifelines_) return "";
  for (const int rank : lifelines_->lost()) {
    names.push_back(fmt::format("rank {} on {}", rank, hosts_.at(static_cast<std::size_t>(rank))));
  }
  if (names.empty()) return "";
  return fmt::format("{} {} lost", list_in_words(names), names.size() > 1 ? "were" : "was");
}

}  // namespace echomux

int main(int argc, char** argv) {
  using namespace echomux;
  // MPI starts threads, which must not take the signals that a thread of ours is to take.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  try {
    World world(argc, argv);
    if (world.rank() != 0) put_streams_aside();
    Command program{
        "echomux-mpi",
        "echomux-mpi: echo servers under load from many hosts.\n"
        "Started on each by mpirun or srun; the servers and the load are those of echomux.",
        {},
        "mpirun --hostfile hosts echomux-mpi swarm SERVER:PORT --remote --idle 100k -c 200 -R 50k",
        {},
        {mpi_swarm_command(world), mpi_bench_command(world)},
        version_line()};
    bool ran = false;
    for (Command& command : program.commands) {
      command.action = [&ran, act = command.action] {
        ran = true;
        return act();
      };
    }
    const int status = parse_and_run(program, argc, argv);
    // All have the same words on their command lines, and so all come to the same.
    if (!ran) world.leave();
    world.end_with(status);
    return status;
  } catch (const std::exception& error) {
    std::cerr << fmt::format("echomux-mpi: {}\n", error.what());
    return exit_failure;
  }
}
