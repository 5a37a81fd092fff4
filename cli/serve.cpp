#include <fmt/core.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/mystery.hpp"
#include "cli/signal_thread.hpp"
#include "echo/socket.hpp"
#include "echo/system_call.hpp"
#include "gallery/gallery.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

struct ServeOptions {
  std::string backend;
  std::string host = "127.0.0.1";
  std::uint16_t port = 7777;
  std::string stats = "text";
  std::string select_limit = "fd_setsize";
  std::optional<std::chrono::nanoseconds> idle_timeout;
  std::optional<std::size_t> max_connections;
  std::optional<std::size_t> workers;
  std::optional<std::size_t> processes;
  std::optional<std::uint64_t> seed;
  bool remote = false;
};

ServerOptions server_options_from(const ServeOptions& options) {
  ServerOptions chosen{.select_beyond_fd_setsize = options.select_limit == "none"};
  chosen.idle_timeout = options.idle_timeout.value_or(chosen.idle_timeout);
  chosen.max_connections = options.max_connections.value_or(chosen.max_connections);
  chosen.workers = options.workers.value_or(chosen.workers);
  chosen.processes = options.processes.value_or(chosen.processes);
  return chosen;
}

// Why something could not be written to stdout, but for a reader that has gone away: it is told at
// the end.
std::atomic<int> print_error = 0;

// Writes to stdout unless that would block: a server whose output nobody reads must still stop when
// it is told to. A pipe that is ready has room for PIPE_BUF bytes; everything here is shorter.
void print(std::string_view text) {
  pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) return;
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      if (errno != EPIPE && errno != EAGAIN) print_error = errno;
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
}

// Prints the counters. In a buffer of fixed size, because a snapshot may be asked for while there
// is no memory to be had, which is when it is wanted most.
class CounterPrinter {
 public:
  // One line, so that a reader knows where a snapshot ends.
  // Who asks by sigqueue(3) finds the number that came with the signal again: then nobody takes a
  // late answer for the next one.
  void print_json(const Backend& backend, const ServerStats& stats,
                  std::optional<int> asked = std::nullopt) {
    append(R"({{"backend":"{}")", backend.name);
    if (asked) append(R"(,"asked":{})", *asked);
    const CounterSnapshot snapshot = stats.snapshot();
    for (std::size_t i = 0; i < counter_fields.size(); ++i) {
      append(R"(,"{}":{})", counter_fields[i].name, snapshot[i]);
    }
    const std::size_t workers = backend.has_workers ? count_workers(stats) : 0;
    if (workers > 0 && workers <= most_workers_told) {
      append(R"(,"by_worker":{{)");
      for (const CounterField& field : by_worker) {
        append(R"({}"{}":[)", field.member == by_worker.front().member ? "" : ",", field.name);
        append_by_worker(stats, field);
        append("]");
      }
      append("}}");
    } else if (workers > 0) {
      append(R"(,"workers_untold":{})", workers);
    }
    append("}}\n");
    flush();
  }

  void print_text(const Backend& backend, const ServerStats& stats) {
    append("echomux: {} stopped\n", backend.name);
    const CounterSnapshot snapshot = stats.snapshot();
    for (std::size_t i = 0; i < counter_fields.size(); ++i) {
      append("  {:<20} {:>12}\n", counter_fields[i].name, snapshot[i]);
    }
    flush();
  }

 private:
  // More would not fit one line that a pipe takes at once (PIPE_BUF, pipe(7)).
  static constexpr std::size_t most_workers_told = 64;
  // What tells one worker from another.
  static constexpr std::array by_worker{CounterField{"thread_id", &Counters::thread_id},
                                        CounterField{"accepted", &Counters::accepted},
                                        CounterField{"turned_away", &Counters::turned_away},
                                        CounterField{"closed", &Counters::closed},
                                        CounterField{"bytes_received", &Counters::bytes_received}};

  static std::size_t count_workers(const ServerStats& stats) {
    std::size_t count = 0;
    stats.visit_threads([&](const Counters& /*worker*/) { ++count; });
    return count;
  }

  void append_by_worker(const ServerStats& stats, const CounterField& field) {
    bool first = true;
    stats.visit_threads([&](const Counters& worker) {
      append("{}{}", std::exchange(first, false) ? "" : ",", (worker.*field.member).value());
    });
  }

  template <typename... Arguments>
  void append(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    const std::span<char> room = std::span(buffer_).subspan(used_);
    const auto result =
        fmt::format_to_n(room.data(), room.size(), format, std::forward<Arguments>(arguments)...);
    used_ += std::min(result.size, room.size());
  }

  void flush() {
    print({buffer_.data(), used_});
    used_ = 0;
  }

  // 18 counters of at most 20 digits and their names, and those of the workers.
  std::array<char, PIPE_BUF> buffer_;
  std::size_t used_ = 0;
};

FileDescriptor listen_or_explain(const Endpoint& endpoint, PortUse use) {
  try {
    return listen_on(endpoint, use);
  } catch (const std::system_error& error) {
    const std::string where = endpoint.to_string();
    if (error.code() == std::errc::address_in_use && endpoint.port() == 0) {
      throw std::runtime_error(
          "no port is free of those that the system gives away (net.ipv4.ip_local_port_range)");
    }
    if (error.code() == std::errc::address_in_use) {
      throw std::runtime_error(fmt::format(
          "{} is taken by another program; choose another with --port N, or --port 0 for any free "
          "one ('ss -ltnp' shows who has it)",
          where));
    }
    if (error.code() == std::errc::permission_denied) {
      throw std::runtime_error(fmt::format(
          "no permission to listen on {}; ports below 1024 need privileges, choose --port 7777",
          where));
    }
    throw std::runtime_error(fmt::format("cannot listen on {}: {}", where, error.what()));
  }
}

// The server of that name; if it is one of the gallery, the user is told what he has. Which one a
// mystery is isn't chosen yet.
const Backend& find_or_explain(const ServeOptions& options) {
  static constexpr Backend mystery{.name = mystery_name, .summary = "one of the gallery's"};
  const bool is_mystery = options.backend == mystery_name;
  const Backend* const backend = is_mystery ? &mystery : find_server(options.backend);
  if (options.seed && !is_mystery) {
    throw UsageError("--seed chooses a mystery: serve mystery --seed 1");
  }
  if (backend == nullptr) {
    throw UsageError(fmt::format("unknown backend '{}'; choose one of: {}; or a broken one ({})",
                                 options.backend, joined(all_backend_names(), ", "), gallery_hint));
  }
  if (options.workers && !backend->has_workers) {
    throw UsageError(fmt::format("{} has no --workers: leave it out", backend->name));
  }
  if (options.processes && !backend->shares_port) {
    throw UsageError(fmt::format("{} has no --processes: leave it out", backend->name));
  }
  if (options.workers && options.processes) {
    throw UsageError("--processes takes the place of --workers: leave one of them out");
  }
  const Exhibit* const exhibit = find_exhibit(backend->name);
  if (exhibit == nullptr && !is_mystery) return *backend;
  if (options.idle_timeout) {
    throw UsageError(fmt::format(
        "{} has no --idle-timeout: the servers of the gallery are kept short; leave it out, or "
        "serve epoll_lt",
        backend->name));
  }
  if (exhibit != nullptr && backend == &exhibit->broken) {
    std::cerr << fmt::format("echomux: {} is broken on purpose: gallery/{}/README.md\n",
                             backend->name, exhibit->name);
  }
  return *backend;
}

int serve(const ServeOptions& options) {
  const Backend* const backend = &find_or_explain(options);
  Endpoint endpoint;
  try {
    endpoint = resolve(options.host, options.port);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  ServerOptions server_options = server_options_from(options);

  // A reader of our output that goes away is no reason to die.
  ::signal(SIGPIPE, SIG_IGN);
  ServerStats stats;
  std::stop_source stop;
  const SignalThread signals({SIGINT, SIGTERM, SIGUSR1}, [&](const signalfd_siginfo& signal) {
    if (signal.ssi_signo == SIGUSR1) {
      const bool numbered = signal.ssi_code == SI_QUEUE;
      CounterPrinter().print_json(*backend, stats,
                                  numbered ? std::optional(signal.ssi_int) : std::nullopt);
    } else {
      stop.request_stop();
    }
  });

  FileDescriptor listener =
      listen_or_explain(endpoint, backend->shares_port ? PortUse::opens : PortUse::alone);
  const Endpoint local = local_endpoint(listener.get());
  if (!local.is_loopback() && !options.remote) {
    std::cerr
        << "echomux: warning: " << local.to_string()
        << " is reachable from other machines, and anyone who reaches an echo server can make "
           "it send traffic back and hold connections: it is meant for a test network, and "
           "--max-connections and --idle-timeout bound what it gives\n";
  }
  const auto run = backend->serve != nullptr ? backend->serve : begin_mystery(options.seed);
  const auto say_where = [&] {
    print(fmt::format("echomux: {} listening on {}\n", backend->name, local.to_string()));
  };
  if (backend->shares_port) {
    server_options.on_listening = say_where;
  } else {
    say_where();
  }
  if (server_options.select_beyond_fd_setsize && backend->bound_by_fd_setsize) {
    print(
        "echomux: select watches descriptors beyond FD_SETSIZE with a larger bitmap, which "
        "portable "
        "programs can't\n");
  }

  run(std::move(listener), stop.get_token(), server_options, stats);
  if (options.stats == "json") {
    CounterPrinter().print_json(*backend, stats);
  } else {
    CounterPrinter().print_text(*backend, stats);
  }
  if (const int error = print_error; error != 0) {
    throw std::runtime_error("cannot write to stdout: " + error_text(error));
  }
  return exit_ok;
}

}  // namespace

Command serve_command() {
  const auto to = std::make_shared<ServeOptions>();
  // A time in which a busy machine still comes round to everybody.
  constexpr std::chrono::milliseconds least_idle_timeout{10};
  // More descriptors than that no process can have (fs.nr_open).
  constexpr std::size_t most_connections = std::size_t{1} << 30;
  std::vector<std::string> offered = server_names();
  offered.emplace_back(mystery_name);
  return {
      "serve",
      "Run one server until Ctrl-C",
      {{"BACKEND",
        fmt::format("One of: {}; or of the gallery; or {}: one of these, without its name",
                    joined(all_backend_names(), ", "), mystery_name),
        offer(&to->backend, offered)},
       {"--host", "Address to listen on", &to->host},
       {"--remote", "The network is yours: no warning that other machines reach this address",
        &to->remote},
       {"--port", "Port to listen on; 0 is the kernel's choice", &to->port},
       {"--stats", "How to print the counters when it stops", one_of(&to->stats, {"text", "json"})},
       {"--select-limit", "select only: 'none' watches descriptors beyond FD_SETSIZE too",
        one_of(&to->select_limit, {"fd_setsize", "none"})},
       {"--seed", "mystery only: the same one again as with this number [random]",
        Number{&to->seed}},
       {"--idle-timeout",
        "Close a peer that has neither sent nor taken anything for this long, or up to a quarter "
        "longer: 500ms, 30s, 2m [never]",
        Duration{&to->idle_timeout, least_idle_timeout, std::chrono::hours(24)}},
       {"--max-connections",
        "While so many are open, close newcomers at once; blocking has one at a time and leaves "
        "the others waiting [no limit]",
        Count{&to->max_connections, 1, most_connections}},
       {"--workers",
        "reactor_workers and reuseport only: threads that serve peers [as many as it may use CPUs]",
        Count{&to->workers, 1, ServerOptions::most_workers}},
       {"--processes",
        "reuseport only: processes instead of threads, each with as many descriptors as one may "
        "have",
        Count{&to->processes, 1, ServerOptions::most_workers}}},
      "SIGINT and SIGTERM stop it; SIGUSR1 prints a snapshot of its counters as JSON.",
      [to] { return serve(*to); }};
}

}  // namespace echomux
