#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/machine/machine.hpp"

namespace echomux {

class Json;

// Descriptors that a server has beside its connections when the shell gave it only the usual three:
// those, the listener, and what it takes signals and stop requests with.
inline constexpr std::uint64_t server_own_descriptors = 7;

// What the doctor must know of a server.
struct ServerTraits {
  std::string name;
  // The most connections it serves anywhere, what sets that limit, and how to lift it; an empty
  // command where nothing does.
  std::optional<std::uint64_t> max_connections;
  std::string limit;
  std::string lift;
  bool thread_per_connection = false;
};

// How many connections a server can have on a machine.
struct Capacity {
  std::string backend;
  std::uint64_t max_connections = 0;
  std::string limited_by;  // with the figure
  std::string lift;        // the command that lifts this limit; empty where none does

  friend bool operator==(const Capacity&, const Capacity&) = default;
};

template <typename Visit>
void for_each_field(Of<Capacity>, Visit visit) {
  visit({"backend"}, &Capacity::backend);
  visit({"max_connections"}, &Capacity::max_connections);
  visit({"limited_by"}, &Capacity::limited_by);
  visit({"lift"}, &Capacity::lift);
}

enum class Level : std::uint8_t {
  ok,
  note,   // to be known when figures are read or compared
  limit,  // a bench with the options it has by default can't be run in full
};

[[nodiscard]] std::string_view to_string(Level level) noexcept;

// What a machine means for measuring on it.
struct Observation {
  Level level = Level::ok;
  std::string what;      // one word
  std::string sentence;  // with the figure
  std::string command;   // what changes it; empty where there is nothing to do or to be done
};

template <typename Visit>
void for_each_field(Of<Observation>, Visit visit) {
  visit({"level"}, &Observation::level);
  visit({"what"}, &Observation::what);
  visit({"sentence"}, &Observation::sentence);
  visit({"command"}, &Observation::command);
}

struct Diagnosis {
  std::vector<Capacity> backends;  // in the order of the servers
  std::vector<Observation> observations;
};

// Judges a machine for a server and its client, both on it. A pure function of its arguments.
[[nodiscard]] Diagnosis diagnose(const Machine& machine, const std::vector<ServerTraits>& servers);

// {"machine": …, "backends": […], "observations": […]}
[[nodiscard]] Json to_json(const Machine& machine, const Diagnosis& diagnosis);

}  // namespace echomux
