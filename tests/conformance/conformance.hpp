#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/backends.hpp"
#include "harness/server/server_process.hpp"
#include "tests/support/peer.hpp"

namespace echomux {

// Lets GoogleTest name a backend where it prints a test's parameter.
inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

// What every server of the suite must do. Each test meets its backend as a process of its own, the
// way users do; when the test is over, that process must stop in time and report success, which is
// so checked after everything else that a server can be put through.
class Conformance : public ::testing::TestWithParam<Backend> {
 protected:
  static void SetUpTestSuite();
  void TearDown() override;

  // Starts the server with these further options. `open_files` limits its descriptors.
  ServerProcess& start(const std::vector<std::string>& options = {},
                       std::optional<rlim_t> open_files = std::nullopt);
  // The running server; starts one without options when none is.
  ServerProcess& server();
  [[nodiscard]] const Endpoint& endpoint() { return server().endpoint(); }

  // Sends the signal, and fails the test unless the server then ends in time with status 0. The
  // next server() is a new one. Returns what the server printed at its end.
  std::string stop(int signal = SIGTERM);

  // Whether the servers run with faults injected into their system calls.
  [[nodiscard]] static bool under_faults();

  // Whether both sides may have descriptors for that many peers. raise_descriptor_limit() is called
  // before any server is started, which inherits what it gives.
  [[nodiscard]] static bool enough_descriptors_for(std::size_t peers);

  // True for a server that looks at its next peer when the one before has ended.
  [[nodiscard]] static bool one_at_a_time() { return GetParam().max_connections == 1; }
  // How many peers a test may expect to be served at the same time, out of `wanted`.
  [[nodiscard]] static std::size_t concurrent(std::size_t wanted) {
    return one_at_a_time() ? 1 : wanted;
  }

  // Connects that many peers.
  [[nodiscard]] std::vector<Peer> connect(std::size_t count, const Peer::Buffers& buffers = {});
  // Connects that many, and has each that can be served at the same time confirmed by one echo.
  [[nodiscard]] std::vector<Peer> connect_idle(std::size_t count);

  // One of the server's counters now. Throws when the server doesn't tell.
  [[nodiscard]] std::uint64_t counter(const std::string& name);

  // How many descriptors the server has open without any peer. A server says that it listens before
  // it has opened all that it needs, so this first has one peer served, and then gone again.
  std::size_t descriptors_without_peers();
  // Waits until the server has exactly that many descriptors open; fails the test if it never has.
  void expect_descriptors(std::size_t count);

  // Lets the running server open no more descriptors, and returns the limit it had before.
  rlim_t use_up_descriptors();

  // Stops the server in its tracks, and lets it go on. In between, its kernel still takes
  // connections and bytes, which it finds all at once afterwards.
  void freeze();
  void thaw();
  // Has a peer do something in between, all of which the server's kernel then holds.
  void while_frozen(const Peer& peer, const std::function<void()>& act);

  // More than the kernel may ever buffer between two ends: a receive buffer grows up to the 32 MiB
  // that systems commonly allow (tcp_rmem, tcp(7)).
  [[nodiscard]] static const std::string& more_than_fits();
  // A small window at a peer's end makes it stall soon.
  static constexpr Peer::Buffers small_buffers{.send = 65'536, .receive = 65'536};
  // A peer that has sent of these bytes, without reading, until nothing more was taken. Fails the
  // test where nothing ever holds it back.
  struct Stalled {
    Peer peer;
    std::string_view pushed;
  };
  [[nodiscard]] Stalled stall(const Peer::Buffers& buffers = small_buffers,
                              std::chrono::milliseconds quiet = stalled_after);

  // How much CPU time the server uses in a while in which nothing happens that it could do.
  [[nodiscard]] std::chrono::nanoseconds cpu_time_of_a_while();
  // Fails the test if the server does anything at all in a while in which there is nothing to do.
  // Of a backend that never sleeps, checks just that.
  void expect_asleep();

 private:
  std::optional<ServerProcess> server_;
};

// Those that need a server's counters or options, which a program of somebody else's may lack.
class ConformanceOfOurs : public Conformance {};

// Those tests that fill the buffers of a connection, or of so many that it is the system's TCP
// memory. cmake/helpers.cmake goes by these words in a suite's name: it lets no more of them run at
// a time than there is memory for.
class ConformanceFillsBuffers : public Conformance {};
class ConformanceFillsMemory : public Conformance {};

// The seven, unless the environment names others (see the definition).
[[nodiscard]] std::vector<Backend> servers_under_test();

// Those in peers/ that are built here.
[[nodiscard]] std::vector<Backend> peers_under_test();

// Names a test after its server.
[[nodiscard]] inline std::string name_of_server(const ::testing::TestParamInfo<Backend>& test) {
  return std::string(test.param.name);
}

// Each peer's bytes, different from every other peer's.
[[nodiscard]] std::vector<std::string> distinct_data(std::size_t peers, std::size_t bytes);

}  // namespace echomux
