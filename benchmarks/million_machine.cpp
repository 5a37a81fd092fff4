#include "benchmarks/million_machine.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "harness/machine/loopback.hpp"
#include "harness/machine/machine.hpp"
#include "harness/machine/memory.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/text/number_text.hpp"

namespace echomux {
namespace {

// Both ends of a connection take about so much of the kernel's memory and the programs'.
constexpr std::uint64_t bytes_per_connection = 11'500;
// Of 127.0.0.0/8, that a client uses one after the other.
constexpr std::uint64_t addresses = 254;

}  // namespace

std::vector<Bound> bounds(std::size_t processes, std::uint64_t descriptors) {
  const Machine machine = describe_machine();
  std::vector<Bound> all;
  const auto add = [&](std::string what, std::optional<std::uint64_t> limit, std::uint64_t taken,
                       std::uint64_t each) {
    if (!limit) return;
    all.push_back({fmt::format("{}: {}", what, count_in_words(std::size_t(*limit))),
                   (*limit - std::min(*limit, taken)) / each});
  };
  add("bytes of memory that may be taken", usable_memory_bytes(), 0, bytes_per_connection);
  add(fmt::format("descriptors of {} processes", processes), processes * descriptors, 0, 1);
  if (!machine.system_root) {
    add("open files (fs.file-max)", machine.limits.file_max, machine.files_open, 2);
  }
  add("epoll watches (fs.epoll.max_user_watches)", machine.limits.epoll_watches, 0, 2);
  add("tracked connections (nf_conntrack_max)", machine.limits.tracked_connections,
      machine.limits.tracked_connections_taken.value_or(0), 1);
  const std::uint64_t ports = client_ports().value_or(28'232);
  add("client ports of the loopback addresses",
      machine.limits.loopback_ports ? ports : std::min(ports, std::uint64_t{10'000}) * addresses, 0,
      1);
  return all;
}

double busy_seconds() {
  const std::string text = proc::read_file("/proc/stat").value_or("");
  const std::vector<std::string_view> words = proc::words(text.substr(0, text.find('\n')));
  double ticks = 0;
  for (const std::size_t field : {1U, 2U, 3U, 6U, 7U}) {  // but idle, iowait and steal: proc(5)
    if (field < words.size()) ticks += static_cast<double>(proc::number(words[field]));
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t sockets_in_use() {
  const std::string text = proc::read_file("/proc/net/sockstat").value_or("");
  const auto line = proc::field(text, "TCP");
  const std::vector<std::string_view> words = proc::words(line.value_or(""));
  return words.size() > 1 ? proc::number(words[1]) : 0;
}

std::uint64_t resident_bytes(const std::vector<std::unique_ptr<IdleHolder>>& holders) {
  std::uint64_t sum = 0;
  for (const auto& holder : holders) {
    const auto client = read_process_tree(holder->pid(), Detail::cpu_only);
    if (client) sum += client->resident_bytes;
  }
  return sum;
}

}  // namespace echomux
