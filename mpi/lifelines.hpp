#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "echo/socket.hpp"
#include "mpi/world.hpp"

namespace echomux {

// A TCP connection from each rank to rank 0. One that ends without a word is that of a rank that
// has died: who leaves in good order says so. MPI itself tells nobody. When a rank dies, mpirun
// tells all others to end, those of its own host first, and the others a second or two later, and
// then kills them: by these connections rank 0 knows at once who was lost, and the others end with
// rank 0. Where one can't be made, as behind a firewall, the run goes on without it.
class Lifelines {
 public:
  // Collective. `on_end` is called from a thread of its own when rank 0's end of the connection
  // has ended; never at rank 0.
  Lifelines(World& world, std::function<void()> on_end);
  ~Lifelines();
  Lifelines(const Lifelines&) = delete;
  Lifelines& operator=(const Lifelines&) = delete;

  // From now on the end of rank 0's connection means nothing: all is done.
  void let_go();

  // At rank 0, those ranks whose connections have ended.
  [[nodiscard]] std::vector<int> lost() const;

 private:
  std::vector<FileDescriptor>
      lines_;  // at rank 0 one for each rank, none for itself; else rank 0's
  std::jthread watcher_;
};

}  // namespace echomux
