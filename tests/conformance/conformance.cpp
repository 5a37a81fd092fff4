#include "tests/conformance/conformance.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "cli/peers.hpp"
#include "echo/system_call.hpp"
#include "harness/bench/sweep.hpp"
#include "harness/server/process_meter.hpp"
#include "tests/faults/fault_cells.hpp"
#include "tests/faults/faulty_server.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

// The programs of those servers under test that aren't echomux's own, by the name that each has
// here.
std::map<std::string, std::string, std::less<>>& programs() {
  static std::map<std::string, std::string, std::less<>> all;
  return all;
}

std::string program_of(std::string_view server) {
  const auto found = programs().find(server);
  return found == programs().end() ? ECHOMUX_PROGRAM : found->second;
}

// The length of a look at a server that should be doing nothing. Nothing can be awaited here: the
// point is that nothing comes.
constexpr std::chrono::milliseconds a_while{1000};

// "first", "every", "random" or "random=SEED" in this variable lets all servers run with every
// recoverable fault in their system calls, at these times.
const char* when_faults_strike() {
  return std::getenv("ECHOMUX_TEST_FAULTS");
}

}  // namespace

void Conformance::SetUpTestSuite() {
  // The servers inherit it, and so both sides can hold more than the usual 1,024.
  raise_descriptor_limit();
}

bool Conformance::enough_descriptors_for(std::size_t peers) {
  return raise_descriptor_limit() >= peers + 100;
}

bool Conformance::under_faults() {
  return when_faults_strike() != nullptr;
}

void Conformance::TearDown() {
  if (server_) stop();
  if (under_faults() && HasFailure()) {
    std::cout << "with injected faults: " << recoverable_faults(GetParam(), when_faults_strike())
              << '\n';
  }
}

ServerProcess& Conformance::start(const std::vector<std::string>& options,
                                  std::optional<rlim_t> open_files) {
  const Backend* const peer = find_peer(GetParam().name);
  ServerCommand command =
      peer != nullptr ? peer_command(*peer)
                      : serve_command(program_of(GetParam().name), GetParam().name, options);
  command.open_files = open_files;
  if (server_wrapper != nullptr) {
    std::istringstream words(server_wrapper);
    command.arguments.insert(command.arguments.begin(), std::istream_iterator<std::string>(words),
                             {});
  }
  if (under_faults()) {
    command.arguments = with_shim(recoverable_faults(GetParam(), when_faults_strike()),
                                  std::move(command.arguments));
  }
  return server_.emplace(command, patience);
}

ServerProcess& Conformance::server() {
  return server_ ? *server_ : start();
}

std::string Conformance::stop(int signal) {
  EXPECT_TRUE(server().running()) << "the server has ended by itself";
  const auto waits_before = waits_for_cpu(server().pid());
  const auto begin = std::chrono::steady_clock::now();
  ::kill(server().pid(), signal);
  // While it waits for a CPU, it is not the server that takes its time.
  const auto longest_wait = [&] {
    std::chrono::nanoseconds longest{};
    for (const auto& [thread, wait] : waits_for_cpu(server().pid())) {
      const auto before = waits_before.find(thread);
      longest = std::max(longest, before == waits_before.end() ? wait : wait - before->second);
    }
    return longest;
  };
  EXPECT_TRUE(eventually(patience, [&] {
    return !server().running() ||
           std::chrono::steady_clock::now() - begin > promptly + longest_wait();
  }));
  EXPECT_FALSE(server().running())
      << "signal " << signal << " did not stop the server within " << promptly.count() << " ms";
  // Collects the exit status; kills the server if it is still there.
  const ServerExit exit = server().stop(std::chrono::milliseconds(0));
  std::string output = server().output();
  server_.reset();
  EXPECT_EQ(exit.signal, 0) << "a signal ended the server";
  EXPECT_EQ(exit.exit_status, 0);
  return output;
}

std::vector<Peer> Conformance::connect(std::size_t count, const Peer::Buffers& buffers) {
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < count; ++i) peers.emplace_back(endpoint(), buffers);
  return peers;
}

std::vector<Peer> Conformance::connect_idle(std::size_t count) {
  std::vector<Peer> peers = connect(count);
  for (std::size_t i = 0; i < concurrent(count); ++i) {
    const std::string greeting = make_data(8, i);
    EXPECT_TRUE(same_bytes(peers[i].exchange(greeting), greeting));
  }
  return peers;
}

std::uint64_t Conformance::counter(const std::string& name) {
  const auto counters = server().counters();
  if (!counters) throw std::runtime_error("the server does not report its counters");
  return counters->at(name);
}

std::size_t Conformance::descriptors_without_peers() {
  Peer peer(endpoint());
  EXPECT_EQ(peer.exchange("ready?"), "ready?");
  // Answered by another thread than the one that serves, which has then begun its work, too.
  if (GetParam().reports_counters) static_cast<void>(counter("accepted"));
  const std::size_t count = open_descriptors(server().pid()) - 1;
  peer.close();
  expect_descriptors(count);
  return count;
}

void Conformance::expect_descriptors(std::size_t count) {
  const bool reached =
      eventually(patience, [&] { return open_descriptors(server().pid()) == count; });
  EXPECT_TRUE(reached) << "the server has " << open_descriptors(server().pid())
                       << " descriptors open instead of " << count;
}

rlim_t Conformance::use_up_descriptors() {
  const std::size_t without_peers = descriptors_without_peers();
  const pid_t pid = server().pid();
  const rlim_t before = set_soft_limit(pid, RLIMIT_NOFILE, lowest_free_descriptor(pid));
  // A server asleep in accept() has already set a number aside for the next peer, under the limit
  // of that time. That peer is let in and out. One that had not gone to sleep yet has none, and
  // pauses at once.
  if (GetParam().name == "blocking" || GetParam().name == "threaded") {
    const std::uint64_t accepted = counter("accepted");
    Peer peer(endpoint());
    EXPECT_TRUE(eventually(
        patience, [&] { return counter("accepted") > accepted || counter("accept_pauses") > 0; }));
    if (counter("accepted") > accepted) {
      EXPECT_EQ(peer.exchange("x"), "x");
      peer.close();
      expect_descriptors(without_peers);
    }
  }
  return before;
}

void Conformance::freeze() {
  check(::kill(server().pid(), SIGSTOP), "kill SIGSTOP");
  if (!eventually(patience, [&] { return is_stopped(server().pid()); })) {
    throw std::runtime_error("the server can't be stopped with SIGSTOP");
  }
}

void Conformance::thaw() {
  check(::kill(server().pid(), SIGCONT), "kill SIGCONT");
}

void Conformance::while_frozen(const Peer& peer, const std::function<void()>& act) {
  freeze();
  act();
  EXPECT_TRUE(eventually(patience, [&] { return peer.delivered(); }));
  thaw();
}

const std::string& Conformance::more_than_fits() {
  static const std::string bytes = make_data(std::size_t{64} * 1024 * 1024, 4);
  return bytes;
}

Conformance::Stalled Conformance::stall(const Peer::Buffers& buffers,
                                        std::chrono::milliseconds quiet) {
  Peer peer(endpoint(), buffers);
  const std::string_view bytes = more_than_fits();
  const std::string_view pushed = bytes.substr(0, peer.push_until_stalled(bytes, quiet));
  EXPECT_LT(pushed.size(), bytes.size()) << "nothing ever held the peer back";
  return {std::move(peer), pushed};
}

std::chrono::nanoseconds Conformance::cpu_time_of_a_while() {
  const auto before = server().cpu_time();
  std::this_thread::sleep_for(a_while);
  const auto after = server().cpu_time();
  if (!before || !after) throw std::runtime_error("the server has ended by itself");
  return *after - *before;
}

void Conformance::expect_asleep() {
  if (GetParam().never_sleeps) {
    EXPECT_GT(cpu_time_of_a_while(), a_while / 20) << "it is said never to sleep";
    return;
  }
  // The last things that happened may still be in their ways through the kernel. A server that
  // spins, or wakes up by a timer, has no quiet while however often it gets the chance.
  constexpr int chances = 5;
  // A process in which this doesn't change has slept all the time, or computed without a break.
  const auto switches_so_far = [&] {
    const ProcessReading reading = read_process_tree(server().pid()).value();
    return reading.voluntary_switches + reading.involuntary_switches;
  };
  std::uint64_t switches = 0;
  std::chrono::nanoseconds used{};
  for (int i = 0; i < chances; ++i) {
    const std::uint64_t before = switches_so_far();
    used = cpu_time_of_a_while();
    switches = switches_so_far() - before;
    // ThreadSanitizer adds a thread that wakes up all the time, and uses little.
    if (used < a_while / 10 && (switches == 0 || under_thread_sanitizer)) return;
  }
  ADD_FAILURE() << "with nothing to do, the server woke up " << switches << " times and used "
                << used.count() / 1000 << " us of CPU time within " << a_while.count() << " ms";
}

std::vector<std::string> distinct_data(std::size_t peers, std::size_t bytes) {
  std::vector<std::string> data;
  // Different lengths too, so that mixed-up ends are noticed.
  for (std::size_t i = 0; i < peers; ++i) data.push_back(make_data(bytes + i, i + 1));
  return data;
}

// All of the suite's, unless ECHOMUX_TEST_SERVERS names others, separated by commas: any that
// 'echomux serve' knows, or NAME=PROGRAM, which is run as 'PROGRAM serve NAME' and of which the
// same may be expected as of the server of that name.
std::vector<Backend> servers_under_test() {
  const char* const names = std::getenv("ECHOMUX_TEST_SERVERS");
  if (names == nullptr) return {all_backends().begin(), all_backends().end()};
  std::vector<Backend> servers;
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    const std::size_t equals = name.find('=');
    if (equals != std::string::npos) {
      programs()[name.substr(0, equals)] = name.substr(equals + 1);
      name.resize(equals);
    }
    const Backend* const server = find_server(name);
    if (server == nullptr) {
      std::cerr << "ECHOMUX_TEST_SERVERS: there is no server '" << name << "'\n";
      std::exit(2);
    }
    servers.push_back(*server);
  }
  return servers;
}

std::vector<Backend> peers_under_test() {
  std::vector<Backend> built;
  // Who names servers means these alone.
  if (std::getenv("ECHOMUX_TEST_SERVERS") != nullptr) return built;
  std::ranges::copy_if(peers(), std::back_inserter(built), is_built);
  return built;
}

INSTANTIATE_TEST_SUITE_P(Backends, Conformance, ::testing::ValuesIn(servers_under_test()),
                         name_of_server);
INSTANTIATE_TEST_SUITE_P(Peers, Conformance, ::testing::ValuesIn(peers_under_test()),
                         name_of_server);

}  // namespace echomux
