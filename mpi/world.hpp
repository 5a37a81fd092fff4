#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

namespace echomux {

// Thrown by everything that waits for other ranks once this one is told to stop.
class Stopped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The ranks of this run, MPI_COMM_WORLD. Every function but rank() and size() is collective: all
// ranks call it, in the same order. While one waits for the others it sleeps between two looks,
// since MPI's own blocking calls keep a CPU busy. Nothing here runs while a window is measured. For
// one thread. Errors of MPI are thrown as std::runtime_error.
class World {
 public:
  // Joins the others (MPI_Init_thread(3)). Signals that a thread takes (SignalThread) must be
  // blocked before, for MPI starts threads of its own.
  World(int& argc, char**& argv);
  // Ends MPI where all have left together. Else others may wait for this rank, or be gone: then
  // MPI ends all of them, as mpirun does when one dies.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const noexcept { return rank_; }
  [[nodiscard]] int size() const noexcept { return size_; }

  // From now on waiting ends with Stopped when this is requested.
  void heed(std::stop_token stop) { stop_ = std::move(stop); }

  void barrier();
  // Collective: from here on none waits for another.
  void leave();
  // What the process is about to end with, also when it has to end the others.
  void end_with(int status) noexcept { status_ = status; }

  // At rank 0 what each rank gives, in their order; nothing elsewhere.
  [[nodiscard]] std::vector<std::string> gather(const std::string& own);
  // What rank 0 gives, at all of them.
  [[nodiscard]] std::string broadcast(std::string text);

  // By how much a rank's steady clock is ahead of rank 0's, and how well that is known: half of the
  // shortest time in which a message went there and back.
  struct Clock {
    std::chrono::nanoseconds ahead{0};
    std::chrono::nanoseconds uncertainty{0};
  };
  // Of each rank, at rank 0; nothing elsewhere.
  [[nodiscard]] std::vector<Clock> compare_clocks();

 private:
  int rank_ = 0;
  int size_ = 1;
  bool has_left_ = false;
  int status_ = 1;
  std::stop_token stop_;
};

// What the launcher says of the size of the world, where it isn't that of the world that it has
// come to: as when a program that is built for one MPI is started by another's mpirun, which makes
// N worlds of one. `asked` is what the user says, 0 for nothing. Empty: all is well.
[[nodiscard]] std::string wrong_size(int size, std::size_t asked);

// Where two of these lines, one of each rank, aren't the same: a sentence that names both. Empty:
// all is well.
[[nodiscard]] std::string different_builds(const std::vector<std::string>& hosts,
                                           const std::vector<std::string>& versions);

}  // namespace echomux
