#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/text/field.hpp"

namespace echomux {

// What a server's processes have used, from /proc (proc(5)) and clock_getcpuclockid(3).

// All that a process and its descendants have used until now. Differences between two readings say
// what happened in between.
struct ProcessReading {
  // CPU time in user and kernel mode: of each living process to the nanosecond, all its threads
  // included, ended ones too, plus what its ended children used, to the clock tick. Of a thread
  // that is running at this moment, the kernel knows the time up to its last timer interrupt.
  std::chrono::nanoseconds cpu{};
  // The same in clock ticks (sysconf(_SC_CLK_TCK) of them are a second), in user and kernel mode.
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  // How often its threads have left a CPU, of their own accord and not. A thread that has ended is
  // lost to these two and to run_queue_delay, which may therefore shrink from reading to reading.
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  // How long its threads have been ready to run and waited for a CPU. 0 where the kernel doesn't
  // keep /proc/PID/schedstat.
  std::chrono::nanoseconds run_queue_delay{};
  // Minor and major ones, ended children's included.
  std::uint64_t page_faults = 0;
  std::uint64_t resident_bytes = 0;  // a page that two processes share counts twice
  std::uint64_t threads = 0;
  std::size_t processes = 0;
  std::vector<int> cpus;  // those that any of its threads may run on, in ascending order

  // Adds what was used until another moment; what there is at one moment becomes the other's. The
  // difference of two such sums is the sum of what happened in between.
  void add(const ProcessReading& other);
};

// How much of it to read. Without the threads' own figures, the context switches and the run queue
// delay stay 0, and `cpus` are those of each process's main thread. That takes some 10 us for each
// process; with them it is some 20 us for each thread.
enum class Detail { cpu_only, everything };

// What the root of a tree is: one of its processes, or the guardian of all others, which takes over
// those whose parents have ended (guardian.hpp). It isn't one of them, and only what those have
// used counts for whose end it has waited.
enum class Root { process, guardian };

// Reads what `root` and its living descendants have used so far. None once root has ended, waited
// for or not, or a guardian has nobody left. Without a guardian, a process whose parent has ended
// belongs to the tree no more; what it uses is lost, and so is what a child used that was never
// waited for (SIGCHLD ignored). A child that ends during the reading may be missing in this one,
// but is never counted twice.
[[nodiscard]] std::optional<ProcessReading> read_process_tree(pid_t root,
                                                              Detail detail = Detail::everything,
                                                              Root kind = Root::process);

// One worker's part of that: of a thread or a process that serves connections as others beside it
// do.
struct WorkerCost {
  std::optional<std::uint64_t> connections;  // at the end; none where all have them in common
  double requests_share = 0;
  // By the requests that it has answered; none where it has answered none.
  std::optional<double> cpu_us_per_request;
  std::optional<double> switches_per_request;
  std::optional<double> busy_share;  // of a CPU
};

template <typename Visit>
void for_each_field(Of<WorkerCost>, Visit visit) {
  visit({"connections", "Open at the end; null where the workers have them in common."},
        &WorkerCost::connections);
  visit({"requests_share", "Of those that all workers have answered."},
        &WorkerCost::requests_share);
  visit({"cpu_us_per_request", "Its own CPU time over the requests that it has answered."},
        &WorkerCost::cpu_us_per_request);
  visit({"switches_per_request", "How often it left its CPU, or was taken from it."},
        &WorkerCost::switches_per_request);
  visit({"busy_share", "Its own CPU time over the time that passed: 1 is a whole CPU."},
        &WorkerCost::busy_share);
}

// What a trial cost the server's processes, all of them together, in the measured time.
struct ServerCost {
  std::uint64_t requests = 0;
  double cpu_us_per_request = 0;
  double busy_share = 0;
  // In the rounds of a row that was measured in slices; none where no floor was.
  std::optional<double> cpu_ratio_to_floor;
  std::optional<double> cpu_ratio_to_empty_floor;
  std::vector<double> slice_cpu_us_per_request;  // by round
  // The rest is there where it could be had; else `unavailable` says because of what.
  std::optional<double> user_us_per_request;
  std::optional<double> system_us_per_request;
  std::optional<double> voluntary_switches_per_request;
  std::optional<double> involuntary_switches_per_request;
  std::optional<double> run_queue_share;
  std::optional<double> page_faults_per_request;  // none in files of before it was counted
  std::optional<double> resident_bytes_per_connection;
  std::optional<double> kernel_bytes_per_connection;
  double steal_share = 0;
  std::uint64_t threads = 0;
  std::uint64_t processes = 0;
  std::vector<int> cpus;
  std::map<std::string, std::uint64_t> counters;
  std::optional<double> worker_imbalance;  // none without workers
  std::vector<WorkerCost> workers;
  std::map<std::string, std::string> unavailable;

  // How often the server counted this for each request. Throws std::out_of_range when it doesn't.
  [[nodiscard]] double counted_per_request(const std::string& counter) const {
    return static_cast<double>(counters.at(counter)) / static_cast<double>(requests);
  }
  // By its counters; none when it doesn't report any.
  [[nodiscard]] std::optional<double> scanned_per_request() const;
  [[nodiscard]] std::optional<double> system_calls_per_request() const;
};

template <typename Visit>
void for_each_field(Of<ServerCost>, Visit visit) {
  constexpr std::string_view ticks =
      "the same time, in the proportion of clock ticks (utime, stime of /proc/PID/stat)";
  constexpr std::string_view status = "/proc/PID/task/*/status over the measured time";
  visit({"requests", "That the costs are divided by."}, &ServerCost::requests);
  visit({.name = "cpu_us_per_request",
         .explanation = "The CPU time of the server's processes over the measured time, divided by "
                        "the requests answered in it.",
         .title = "Service demand",
         .unit = "µs of CPU per request",
         .head = "CPU µs/req",
         .source = "the CPU clocks of all processes of the server (clock_getcpuclockid(3)) over "
                   "the measured time, divided by the requests answered in it",
         .former = "server_cpu_us_per_request",
         .places = {.csv = 4, .table = 3, .ledger = 3, .page = 1},
         .form = Form::interval},
        &ServerCost::cpu_us_per_request);
  visit(
      {.name = "cpu_ratio_to_floor",
       .explanation = "The CPU time per request over that of the floor beside as many idle "
                      "connections, in the same rounds.",
       .title = "CPU per request over the floor's",
       .unit = "times",
       .head = "× floor",
       .source = "CPU time per request over that of the floor in the same rounds, by median polish",
       .since = 3,
       .places = {.csv = 18, .table = 4, .ledger = 4, .page = 9},
       .form = Form::ratio},
      &ServerCost::cpu_ratio_to_floor);
  visit({.name = "cpu_ratio_to_empty_floor",
         .explanation = "The same over a floor without any idle connections: by this, rows can be "
                        "compared.",
         .title = "CPU per request over the empty floor's",
         .unit = "times",
         .head = "× empty floor",
         .source = "likewise, of a floor without idle connections in the same rounds",
         .since = 3,
         .places = {.csv = 19, .ledger = 5},
         .form = Form::ratio},
        &ServerCost::cpu_ratio_to_empty_floor);
  visit({.name = "slice_cpu_us_per_request",
         .explanation = "The same in each round; empty where it was measured in one window.",
         .since = 3},
        &ServerCost::slice_cpu_us_per_request);
  visit({.name = "busy_share",
         .explanation = "The server's CPU time over the time that passed: 1 is a whole CPU.",
         .title = "CPU busy",
         .unit = "of one CPU",
         .head = "CPU busy",
         .source = "the same time over the wall-clock time: 1 is one CPU",
         .former = "server_busy_share",
         .places = {.csv = 5, .table = 5, .ledger = 8, .page = 8},
         .form = Form::percent},
        &ServerCost::busy_share);
  visit({.name = "user_us_per_request",
         .head = "user µs/req",
         .source = ticks,
         .places = {.csv = 9, .ledger = 6}},
        &ServerCost::user_us_per_request);
  visit({.name = "system_us_per_request",
         .head = "system µs/req",
         .source = ticks,
         .places = {.csv = 10, .ledger = 7}},
        &ServerCost::system_us_per_request);
  visit({.name = "voluntary_switches_per_request",
         .explanation = "How often its threads left their CPU to wait.",
         .head = "switches/req",
         .source = status,
         .places = {.csv = 11, .ledger = 9}},
        &ServerCost::voluntary_switches_per_request);
  visit({.name = "involuntary_switches_per_request",
         .explanation = "How often its threads were taken from their CPU.",
         .head = "preemptions/req",
         .source = status,
         .places = {.csv = 12, .ledger = 10}},
        &ServerCost::involuntary_switches_per_request);
  visit({.name = "run_queue_share",
         .explanation = "Of the time, summed over its threads.",
         .source = "/proc/PID/task/*/schedstat over the measured time",
         .places = {.ledger = 11}},
        &ServerCost::run_queue_share);
  visit({.name = "page_faults_per_request",
         .explanation = "How often its processes touched a page that was not mapped.",
         .head = "faults/req",
         .source = "minor and major page faults (minflt, majflt, cminflt, cmajflt of "
                   "/proc/PID/stat) over the measured time",
         .since = 3,
         .places = {.csv = 17, .ledger = 17}},
        &ServerCost::page_faults_per_request);
  visit({.name = "scanned_per_request",
         .explanation = "How many descriptors the server or the kernel looked at, by the server's "
                        "own count.",
         .title = "Descriptors examined",
         .unit = "per request",
         .head = "scanned/req",
         .places = {.csv = 7, .table = 7, .page = 5},
         .written = false},
        &ServerCost::scanned_per_request);
  visit({.name = "calls_per_request",
         .head = "calls/req",
         .places = {.csv = 8, .table = 8, .ledger = 12},
         .written = false},
        &ServerCost::system_calls_per_request);
  visit({.name = "resident_bytes_per_connection",
         .explanation = "Resident memory of the server with all connections open, less that before "
                        "the first.",
         .title = "Memory",
         .unit = "bytes per connection",
         .head = "bytes/conn",
         .source = "resident memory (/proc/PID/statm) with all connections open, minus before the "
                   "first",
         .places = {.csv = 13, .ledger = 15, .page = 6}},
        &ServerCost::resident_bytes_per_connection);
  visit(
      {.name = "kernel_bytes_per_connection",
       .explanation = "The kernel's own memory for both ends of a connection.",
       .title = "Kernel memory",
       .unit = "bytes per connection",
       .head = "kernel bytes/conn",
       .source = "Slab, KernelStack and PageTables of /proc/meminfo likewise: of the whole system, "
                 "and so of both ends",
       .places = {.csv = 14, .ledger = 16, .page = 7}},
      &ServerCost::kernel_bytes_per_connection);
  visit({.name = "steal_share",
         .explanation = "Of the time of the CPUs that the server may use.",
         .source = "/proc/stat, of the CPUs that the client or the server may use",
         .places = {.ledger = 20}},
        &ServerCost::steal_share);
  visit({.name = "threads", .head = "threads", .places = {.csv = 15, .ledger = 18}},
        &ServerCost::threads);
  visit({"processes"}, &ServerCost::processes);
  visit({"cpus", "That the server may use."}, &ServerCost::cpus);
  visit({.name = "counters",
         .explanation = "The server's own; empty when it reports none.",
         .source = "the server's own, its snapshot at the end minus that at the begin",
         .places = {.ledger = 13}},
        &ServerCost::counters);
  visit({.name = "worker_imbalance",
         .explanation = "Of the requests that each worker has answered, the most over the mean: 1 "
                        "is an even share. Null without workers.",
         .title = "Busiest worker over the mean",
         .unit = "times",
         .head = "imbalance",
         .source = "the bytes that each worker has received, by the server's own count",
         .since = 6,
         .places = {.csv = 20, .ledger = 21},
         .form = Form::ratio},
        &ServerCost::worker_imbalance);
  visit({.name = "workers",
         .explanation = "Each thread or process that serves connections beside others.",
         .source = "the same, and /proc/TID/schedstat and status of each",
         .since = 6},
        &ServerCost::workers);
  visit({"unavailable", "Why a figure is missing."}, &ServerCost::unavailable);
}

// Divides what happened between two readings by `cost.requests`, but for the memory.
void divide_by_requests(const ProcessReading& begin, const ProcessReading& end, Detail detail,
                        std::chrono::nanoseconds measured_time, ServerCost& cost);

// A process with more threads than this is read without their own figures while a load is on:
// reading them would keep the client's CPU from the load for longer than a few milliseconds.
constexpr std::uint64_t most_threads_read = 200;

// `root`, unless it is a guardian, and its living descendants, parents before their children. Empty
// once root has ended.
[[nodiscard]] std::vector<pid_t> process_tree(pid_t root, Root kind = Root::process);

// The memory that the kernel uses for its own objects (sockets and epoll entries among them), for
// the stacks that threads have in it, and for page tables: of the whole system. None where the
// kernel doesn't tell, as gVisor's /proc/meminfo doesn't.
[[nodiscard]] std::optional<std::uint64_t> kernel_memory_bytes();

}  // namespace echomux
