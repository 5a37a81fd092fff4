#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/backends.hpp"
#include "tests/faults/fault_page.hpp"

namespace echomux {

// When a fault strikes.
enum class FaultWhen : std::uint8_t {
  first,   // at the first call
  every,   // at every n-th
  random,  // at random, with a seed
  always,  // at every call, for a while
  set_up,  // at the first call, while the server sets itself up
};

// Loops of a server that has several: as many on any machine.
inline constexpr int loops_under_faults = 2;

inline constexpr std::array all_times{FaultWhen::first, FaultWhen::every, FaultWhen::random,
                                      FaultWhen::always, FaultWhen::set_up};
[[nodiscard]] std::string_view name_of(FaultWhen when);

// Whom a fault may harm.
enum class FaultHarm : std::uint8_t {
  nobody,     // it passes, and a delayed peer loses nothing
  its_peer,   // the one connection it strikes
  newcomers,  // the same, of connections that have only just come
  server,     // without what has failed there can be no server, which must say so
};

// One cell of the matrix: this fault, in this call of this backend, at these times.
struct FaultCell {
  const Backend* backend = nullptr;
  FaultCall call = FaultCall::recv;
  std::string fault;  // an error's name, "short" or "everything"
  FaultWhen when = FaultWhen::first;
  FaultHarm harm = FaultHarm::nobody;
  std::string not_applicable;  // why there is nothing to try; empty when there is
  std::string rule;            // for the shim (fault_page.hpp); if several, those that harm first
  std::size_t rules = 1;       // how many of them harm somebody, or the one that there is
  std::string strace;          // the same for strace's --inject; empty where it can't do that
};

// The faults of the matrix, in the order of its rows.
inline constexpr std::array<std::string_view, 11> fault_names{
    "EINTR",      "EAGAIN", "short",        "ENOBUFS", "ENOMEM", "ENOSPC",
    "ECONNRESET", "EPIPE",  "ECONNABORTED", "EMFILE",  "ENFILE"};

// All cells, in the order of backends, calls, faults and times, those that aren't applicable
// included. Random ones get the seed.
[[nodiscard]] std::vector<FaultCell> fault_cells(std::uint64_t seed);

// Everything that can happen to a peer or the server while it serves, all of it at random: for each
// backend as many cells as said, with seeds from `seed` on.
[[nodiscard]] std::vector<FaultCell> storm_cells(std::uint64_t seed, std::size_t count);

// All faults at once that a server must bear without anybody losing anything, as one specification
// for the shim (fault_page.hpp) in that backend's way. `when` is "first", each at the first call it
// can strike; "every", each at every n-th with an n of its own; or "random", or "random=SEED".
// Throws std::invalid_argument for anything else.
[[nodiscard]] std::string recoverable_faults(const Backend& backend, std::string_view when);

// "poll/recv/EINTR/every", or "poll/everything/random/SEED".
[[nodiscard]] std::string name_of(const FaultCell& cell);

[[nodiscard]] inline std::string_view name_of(FaultCall call) {
  return fault_call_names[static_cast<std::size_t>(call)];
}

}  // namespace echomux
