#include "cli/doctor_hosts.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include "cli/command.hpp"
#include "cli/values.hpp"
#include "echo/socket.hpp"
#include "harness/machine/addresses.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/spawned_process.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

using std::chrono::system_clock;

// Of one host: to reach it, and to answer.
constexpr std::chrono::seconds patience_with_a_host{20};
// For loads that are begun by --start-at. (echomux-mpi compares the clocks itself.)
constexpr double clock_ms_worth_mentioning = 10;

struct Host {
  std::string name;
  std::size_t slots = 1;
  std::map<std::string, std::string> answers = {};  // to the questions below, by their names
  std::vector<std::string> subnets = {};
  std::string unreachable = {};  // why; empty: it answered
  double clock_ms = 0;           // ahead of this host's
  double clock_uncertainty_ms = 0;

  [[nodiscard]] std::string answer(const std::string& question) const {
    const auto found = answers.find(question);
    return found == answers.end() ? std::string() : found->second;
  }
};

std::size_t number_in(std::string_view text, std::size_t otherwise) {
  std::size_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? value : otherwise;
}

// As Open MPI has it: a name, and perhaps slots=N; behind a '#' is a comment.
std::vector<Host> read_hostfile(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error(fmt::format("cannot read {}", file));
  std::vector<Host> hosts;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Host host;
    if (!(words >> host.name)) continue;
    for (std::string word; words >> word;) {
      if (word.starts_with("slots=")) host.slots = number_in(std::string_view(word).substr(6), 1);
    }
    hosts.push_back(std::move(host));
  }
  if (hosts.empty()) {
    throw UsageError(fmt::format("{} names no host; write one a line, such as: h1 slots=1", file));
  }
  return hosts;
}

// What is asked of a host, for a shell there. Each answer is a line "name=…".
std::string questions(const std::string& program, const std::vector<std::string>& here,
                      std::uint16_t port) {
  return fmt::format(
      "echo time=$(date +%s.%N); echo limit=$(ulimit -Hn); echo cpus=$(getconf _NPROCESSORS_ONLN); "
      "echo user=$(id -u); echo program=$('{0}' --version 2>&1 | tail -n 1); "
      "for a in $(ip -o -4 addr show scope global 2>/dev/null | awk '{{print $4}}'); do echo "
      "subnet=$a; done; "
      "for a in {1}; do timeout 3 bash -c \": >/dev/tcp/$a/{2}\" 2>/dev/null && echo reaches=$a && "
      "break; "
      "done; echo asked=all",
      program, joined(here, " "), port);
}

// "10.77.0.3/24" is in the network "10.77.0.0/24".
std::string network_of(const std::string& address) {
  const std::size_t slash = std::min(address.find('/'), address.size());
  const std::size_t bits =
      number_in(std::string_view(address).substr(std::min(slash + 1, address.size())), 32);
  std::uint32_t value = 0;
  std::istringstream numbers(address.substr(0, slash));
  for (std::string part; std::getline(numbers, part, '.');) {
    value = value << 8U | static_cast<std::uint32_t>(number_in(part, 0) & 255U);
  }
  if (bits < 32) value &= ~(~std::uint32_t{0} >> bits);
  return fmt::format("{}.{}.{}.{}/{}", value >> 24U, value >> 16U & 255U, value >> 8U & 255U,
                     value & 255U, bits);
}

void ask(Host& host, const std::string& rsh, const std::string& what) {
  std::vector<std::string> words = split_command(rsh, "--rsh");
  words.push_back(host.name);
  words.push_back(what);
  const system_clock::time_point before = system_clock::now();
  const Captured answered =
      run_and_capture({.arguments = words, .streams = {.err = Streams::inherited}}, STDOUT_FILENO,
                      patience_with_a_host);
  const system_clock::time_point after = system_clock::now();
  std::istringstream lines(answered.text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals);
    if (name == "subnet") {
      host.subnets.push_back(network_of(line.substr(equals + 1)));
    } else {
      host.answers[name] = line.substr(equals + 1);
    }
  }
  if (!host.answers.contains("asked")) {
    host.unreachable = answered.exec_error != 0 ? fmt::format("cannot run {}", words.front())
                       : answered.too_long
                           ? fmt::format("no answer within {} s", patience_with_a_host.count())
                           : fmt::format("{} ended with status {}", words.front(),
                                         answered.end.exit_status.value_or(-1));
    return;
  }
  const std::chrono::duration<double> half = (after - before) / 2;
  const std::chrono::duration<double> middle = before.time_since_epoch() + half;
  host.clock_ms = 1000 * (std::strtod(host.answer("time").c_str(), nullptr) - middle.count());
  host.clock_uncertainty_ms = 1000 * half.count();
}

// What to tell of the hosts, and what to do about it.
class Findings {
 public:
  explicit Findings(const std::vector<Host>& hosts) : hosts_(hosts) {}

  int tell() {
    for (const Host& host : hosts_) tell_of(host);
    tell_of_networks();
    if (std::ranges::any_of(hosts_, [](const Host& host) { return host.answer("user") == "0"; })) {
      note("root runs this: mpirun refuses that unless it is told otherwise",
           "mpirun --allow-run-as-root …");
    }
    note("the ranks need no CPU of their own each, and mpirun binds them to one unless told not to",
         "mpirun --bind-to none --map-by node …");
    if (!failed_) std::cout << "ok     All hosts can take part.\n";
    return failed_ ? exit_failure : exit_ok;
  }

 private:
  void note(const std::string& sentence, const std::string& remedy = {}) {
    std::cout << fmt::format("note   {}.\n", sentence);
    if (!remedy.empty()) std::cout << fmt::format("       -> {}\n", remedy);
  }
  void fail(const std::string& sentence, const std::string& remedy) {
    failed_ = true;
    std::cout << fmt::format("limit  {}.\n       -> {}\n", sentence, remedy);
  }

  void tell_of(const Host& host) {
    if (!host.unreachable.empty()) {
      fail(fmt::format("{} can't be reached: {}", host.name, host.unreachable),
           fmt::format("ssh {} true  # without a password; or name another launcher with --rsh",
                       host.name));
      return;
    }
    if (const std::string program = host.answer("program"); program != version_line()) {
      fail(fmt::format("{} has another program: '{}', and here it is '{}'", host.name, program,
                       version_line()),
           "install the same one in the same place on all hosts");
    }
    if (host.answer("reaches").empty()) {
      fail(fmt::format("{} reaches this host at no port that the system gives away, and mpirun's "
                       "daemons must: is there a firewall?",
                       host.name),
           "open a range, and say it: mpirun --mca oob_tcp_dynamic_ipv4_ports 46000-46100 --mca "
           "btl_tcp_port_min_v4 46200 --mca btl_tcp_port_range_v4 100 …");
    }
    const std::size_t cpus = number_in(host.answer("cpus"), host.slots);
    if (host.slots > cpus) {
      note(fmt::format("{} has {} slots and {} CPUs", host.name, host.slots, cpus),
           "mpirun --oversubscribe …");
    }
    const double beyond = std::abs(host.clock_ms) - host.clock_uncertainty_ms;
    if (beyond > clock_ms_worth_mentioning) {
      note(fmt::format(
               "the clock of {} is {} ms {} of this host's, so that --start-at means another "
               "moment there (echomux-mpi compares clocks by itself)",
               host.name, whole_number(std::abs(host.clock_ms)),
               host.clock_ms > 0 ? "ahead" : "behind"),
           "chronyc tracking");
    }
  }

  // With several networks MPI may choose one on which the hosts don't find each other.
  void tell_of_networks() {
    std::vector<std::string> common;
    bool several = false;
    for (const Host& host : hosts_) {
      if (!host.unreachable.empty()) continue;
      several = several || host.subnets.size() > 1;
      if (common.empty()) common = host.subnets;
      std::erase_if(common, [&](const std::string& network) {
        return std::ranges::count(host.subnets, network) == 0;
      });
    }
    if (several && !common.empty()) {
      note("some hosts are in several networks, and MPI may choose one that the others don't reach",
           fmt::format("mpirun --mca btl_tcp_if_include {0} --mca oob_tcp_if_include {0} …",
                       common.front()));
    }
  }

  const std::vector<Host>& hosts_;
  bool failed_ = false;
};

}  // namespace

int examine_hosts(const std::string& file, const std::string& rsh) {
  std::vector<Host> hosts = read_hostfile(file);
  const FileDescriptor listener = listen_on(resolve("0.0.0.0", 0));
  const std::string program = (own_program().parent_path() / "echomux-mpi").string();
  const std::string what =
      questions(program, own_addresses(), local_endpoint(listener.get()).port());
  Table table({Table::left("host"), Table::right("slots"), Table::right("CPUs"),
               Table::right("descriptors"), Table::right("clock ms"), Table::left("networks"),
               Table::left("program")});
  for (Host& host : hosts) {
    if (::isatty(STDERR_FILENO) == 1) std::cerr << fmt::format("asking {} …\n", host.name);
    ask(host, rsh, what);
    const bool answered = host.unreachable.empty();
    table.add(
        {host.name, std::to_string(host.slots), host.answer("cpus"), host.answer("limit"),
         answered ? fmt::format("{:+.0f} ± {:.0f}", host.clock_ms, host.clock_uncertainty_ms) : "",
         joined(host.subnets, ", "), host.answer("program")});
  }
  std::cout << table.print() << '\n';
  const int status = Findings(hosts).tell();
  std::cout << std::flush;
  return status;
}

}  // namespace echomux
