#include "mpi/world.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <numeric>
#include <string_view>
#include <thread>

// MPI's C++ bindings are gone from the standard, and not needed.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

namespace echomux {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// Between two looks at a request: short at first, as for an answer that is on its way.
constexpr nanoseconds shortest_sleep = std::chrono::microseconds(20);
constexpr nanoseconds longest_sleep = std::chrono::milliseconds(2);
constexpr int pings = 20;

enum Tag : int { ping = 1, pong = 2 };

void check_mpi(int error, std::string_view call) {
  if (error == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(error, text.data(), &length);
  throw std::runtime_error(
      fmt::format("{}: {}", call, std::string_view(text.data(), std::size_t(length))));
}

// Sleeps between two looks until the request is done.
void wait(MPI_Request& request, const std::stop_token& stop, std::string_view call) {
  nanoseconds sleep = shortest_sleep;
  for (;;) {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
    if (done != 0) return;
    if (stop.stop_requested()) throw Stopped("told to stop while waiting for other ranks");
    std::this_thread::sleep_for(sleep);
    sleep = std::min(sleep * 2, longest_sleep);
  }
}

// One look after the other, because what is measured by how long it takes.
void wait_awake(MPI_Request& request, const std::stop_token& stop, std::string_view call) {
  for (int done = 0; done == 0;) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
    if (done == 0 && stop.stop_requested()) {
      throw Stopped("told to stop while waiting for other ranks");
    }
    if (done == 0) std::this_thread::yield();
  }
}

// Once this rank is told to stop it makes no further call: an earlier one may still be under way,
// whose buffers are gone.
void refuse_when_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Stopped("told to stop");
}

std::int64_t steady_ns() {
  return Steady::now().time_since_epoch().count();
}

}  // namespace

World::World(int& argc, char**& argv) {
  int provided = 0;
  check_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
}

World::~World() {
  if (has_left_) {
    MPI_Finalize();
  } else if (!stop_.stop_requested()) {
    std::cout << std::flush;
    std::cerr << std::flush;
    MPI_Abort(MPI_COMM_WORLD, status_);
  }
}

void World::leave() {
  barrier();
  has_left_ = true;
}

void World::barrier() {
  refuse_when_stopped(stop_);
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier");
  wait(request, stop_, "MPI_Ibarrier");
}

std::vector<std::string> World::gather(const std::string& own) {
  refuse_when_stopped(stop_);
  const auto length = static_cast<int>(own.size());
  std::vector<int> lengths(static_cast<std::size_t>(size_));
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(
      MPI_Igather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, MPI_COMM_WORLD, &request),
      "MPI_Igather");
  wait(request, stop_, "MPI_Igather");
  // MPI counts in int. Who alone knows the sum tells all of it.
  const auto sum = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  if (!broadcast(sum > std::numeric_limits<int>::max() ? "too much" : "").empty()) {
    throw std::runtime_error("what the ranks have to tell is more than 2 GiB; use fewer ranks");
  }
  std::vector<int> places(lengths.size());
  for (std::size_t i = 1; i < places.size(); ++i) places[i] = places[i - 1] + lengths[i - 1];
  std::string all(rank_ == 0 ? std::size_t(places.back() + lengths.back()) : 0, '\0');
  check_mpi(MPI_Igatherv(own.data(), length, MPI_CHAR, all.data(), lengths.data(), places.data(),
                         MPI_CHAR, 0, MPI_COMM_WORLD, &request),
            "MPI_Igatherv");
  wait(request, stop_, "MPI_Igatherv");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < places.size() && rank_ == 0; ++i) {
    texts.push_back(all.substr(std::size_t(places[i]), std::size_t(lengths[i])));
  }
  return texts;
}

std::string World::broadcast(std::string text) {
  refuse_when_stopped(stop_);
  auto length = static_cast<std::uint64_t>(text.size());
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibcast(&length, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD, &request), "MPI_Ibcast");
  wait(request, stop_, "MPI_Ibcast");
  text.resize(length);
  check_mpi(
      MPI_Ibcast(text.data(), static_cast<int>(length), MPI_CHAR, 0, MPI_COMM_WORLD, &request),
      "MPI_Ibcast");
  wait(request, stop_, "MPI_Ibcast");
  return text;
}

// As Cristian has it (1989): the other's answer is taken for the middle of the time that it took,
// and the shortest of several times is the one in which least can have gone wrong.
std::vector<World::Clock> World::compare_clocks() {
  refuse_when_stopped(stop_);
  std::vector<Clock> clocks;
  std::int64_t time = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  if (rank_ == 0) clocks.emplace_back();
  for (int other = 1; other < size_; ++other) {
    // Nobody waits awake while it is another's turn.
    barrier();
    if (rank_ != 0 && rank_ != other) continue;
    Clock best{nanoseconds(0), nanoseconds::max()};
    for (int i = 0; i < pings; ++i) {
      if (rank_ == other) {
        check_mpi(MPI_Irecv(&time, 1, MPI_INT64_T, 0, ping, MPI_COMM_WORLD, &request), "MPI_Irecv");
        wait_awake(request, stop_, "MPI_Irecv");
        time = steady_ns();
        check_mpi(MPI_Isend(&time, 1, MPI_INT64_T, 0, pong, MPI_COMM_WORLD, &request), "MPI_Isend");
        wait_awake(request, stop_, "MPI_Isend");
        continue;
      }
      const std::int64_t sent = steady_ns();
      check_mpi(MPI_Isend(&sent, 1, MPI_INT64_T, other, ping, MPI_COMM_WORLD, &request),
                "MPI_Isend");
      wait_awake(request, stop_, "MPI_Isend");
      check_mpi(MPI_Irecv(&time, 1, MPI_INT64_T, other, pong, MPI_COMM_WORLD, &request),
                "MPI_Irecv");
      wait_awake(request, stop_, "MPI_Irecv");
      const nanoseconds taken(steady_ns() - sent);
      if (taken / 2 < best.uncertainty) best = {nanoseconds(time - sent) - taken / 2, taken / 2};
    }
    if (rank_ == 0) clocks.push_back(best);
  }
  return clocks;
}

std::string wrong_size(int size, std::size_t asked) {
  const auto number_of = [](const char* name) {
    const char* const text = std::getenv(name);
    int value = 0;
    if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
    return value;
  };
  const auto differs = [&](int wanted, std::string_view who) {
    return fmt::format(
        "{} wants {} ranks, and this world has {}: is this program built for the MPI whose mpirun "
        "or srun has started it? (ldd $(command -v echomux-mpi) | grep mpi)",
        who, wanted, size);
  };
  if (asked > 0 && asked != static_cast<std::size_t>(size)) {
    return differs(static_cast<int>(asked), "--ranks");
  }
  for (const char* const name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (const int wanted = number_of(name); wanted > 0 && wanted != size) {
      return differs(wanted, name);
    }
  }
  // In an allocation this is also set where mpirun is told of fewer.
  const bool by_srun = std::getenv("SLURM_PROCID") != nullptr &&
                       number_of("OMPI_COMM_WORLD_SIZE") == 0 && number_of("PMI_SIZE") == 0;
  if (const int wanted = number_of("SLURM_NTASKS"); by_srun && wanted > 0 && wanted != size) {
    return differs(wanted, "SLURM_NTASKS");
  }
  return "";
}

std::string different_builds(const std::vector<std::string>& hosts,
                             const std::vector<std::string>& versions) {
  for (std::size_t i = 1; i < versions.size(); ++i) {
    if (versions[i] == versions[0]) continue;
    return fmt::format(
        "the ranks are different programs: {} on {}, {} on {}; install one of them "
        "everywhere",
        versions[0], hosts[0], versions[i], hosts[i]);
  }
  return "";
}

}  // namespace echomux
