#include "cli/bench_servers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "cli/backends.hpp"
#include "cli/peers.hpp"
#include "cli/values.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/server/programs.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

constexpr std::string_view floor_name = "floor";
// Names of several servers at once, for --backends.
constexpr std::string_view group_seven = "seven";
constexpr std::string_view group_beyond = "beyond";
constexpr std::string_view group_peers = "peers";
// Of CPUs, for servers that start as many threads or processes as they like.
constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();
// In the name of a server that is told to go beyond its own.
constexpr std::string_view no_limit = " (no limit)";

// "NAME=COMMAND": what the tables call it, and how it is started.
ServerSpec foreign_server(const std::string& text) {
  const std::size_t equals = text.find('=');
  ServerSpec spec;
  if (equals != std::string::npos && equals > 0) {
    spec = {text.substr(0, equals), "", {}, text.substr(equals + 1)};
  }
  const std::vector<std::string> words = split_command(spec.command, "--server");
  // What stands before '=' may as well be a part of the command.
  const bool misread = spec.name.find('/') != std::string::npos ||
                       spec.name.find(" -") != std::string::npos ||
                       (!words.empty() && words.front().starts_with("{port}"));
  if (words.empty() || misread) {
    throw UsageError(
        fmt::format("--server: '{}' is not NAME=COMMAND, with {{port}} where the server takes its "
                    "port; write such as --server mine='./my_server --port {{port}}'",
                    text));
  }
  if (std::ranges::any_of(spec.name, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; })) {
    throw UsageError("--server: a name has neither line ends nor other control characters");
  }
  if (spec.name == floor_name || find_server(spec.name) != nullptr ||
      find_peer(spec.name) != nullptr) {
    throw UsageError(
        fmt::format("--server: {} is the name of one of the suite's own; call yours "
                    "something else, such as my_{}",
                    spec.name, spec.name));
  }
  const std::string for_shell = find_shell_syntax(spec.command);
  if (for_shell.ends_with('=')) {
    throw UsageError(
        fmt::format("--server: '{0}' in '{1}' would set a variable in a shell, and none is "
                    "involved; write such as {2}='env {0}{{port}} ./my_server'",
                    for_shell, spec.command, spec.name));
  }
  if (!for_shell.empty()) {
    throw UsageError(fmt::format(
        "--server: '{}' in '{}' is for a shell, and none is involved; put it in quotes if it is "
        "meant as it is, or start a shell: {}=\"sh -c 'exec …'\"",
        for_shell, spec.command, spec.name));
  }
  return spec;
}

// What the tables call a server of this name: with its options, and more than once where it is to
// have different numbers of workers.
std::vector<std::string> in_tables(const std::string& name, const BenchArguments& arguments) {
  const Backend* const backend = find_backend(name);
  if (backend == nullptr) return {name};
  if (backend->bound_by_fd_setsize && arguments.select_limit == "none") {
    return {name + std::string(no_limit)};
  }
  if (!backend->has_workers) return {name};
  std::vector<std::string> all;
  if (backend->shares_port) {
    for (const std::size_t number : arguments.processes) {
      all.push_back(fmt::format("{}:{}p", name, number));
    }
  }
  std::vector<std::size_t> numbers = arguments.workers;
  if (numbers.empty() && all.empty()) {
    // As many as the server itself would choose, on the CPUs that it gets.
    const SweepPlan& plan = arguments.plan;
    const CpuPlan cpus = plan_cpus(plan.pin, false, plan.server_cpus);
    const std::size_t its = cpus.server.empty() ? cpus.usable.size() : cpus.server.size();
    numbers = {std::min(its, ServerOptions::most_workers)};
  }
  for (const std::size_t number : numbers) all.push_back(fmt::format("{}:{}", name, number));
  return all;
}

}  // namespace

std::vector<std::string> names_for_backends() {
  std::vector<std::string> names = server_names();
  for (const Backend& peer : peers()) names.emplace_back(peer.name);
  for (const std::string_view name :
       {floor_name, std::string_view("none"), group_seven, group_beyond, group_peers})
    names.emplace_back(name);
  return names;
}

std::vector<ServerSpec> choose_servers(const BenchArguments& arguments) {
  std::vector<std::string> names;
  // A group may name again what was named by itself.
  const auto add_group = [&](std::span<const Backend> group) {
    for (const Backend& backend : group) {
      if (std::ranges::count(names, backend.name) == 0 &&
          std::ranges::count(arguments.backends, backend.name) == 0) {
        names.emplace_back(backend.name);
      }
    }
  };
  const auto add_peers = [&] {
    std::vector<Backend> built;
    std::ranges::copy_if(peers(), std::back_inserter(built), is_built);
    if (built.empty()) throw UsageError("no peer is built here; build them with: ./run peers");
    add_group(built);
  };
  for (const std::string& name : arguments.backends) {
    if (name == group_seven) {
      add_group(backends());
    } else if (name == group_beyond) {
      add_group(beyond());
    } else if (name == group_peers) {
      add_peers();
    } else {
      names.push_back(name);
    }
  }
  if (names.empty()) {
    names.emplace_back(floor_name);
    add_group(backends());
  }
  std::vector<ServerSpec> specs;
  for (const std::string& name : names) {
    // A lone 'none' leaves the comparison to the foreign servers.
    if (name == "none" && names.size() == 1) continue;
    for (const std::string& each : in_tables(name, arguments)) specs.push_back(own_server(each));
  }
  if (!arguments.workers.empty() && std::ranges::none_of(names, [](const std::string& name) {
        const Backend* const backend = find_backend(name);
        return backend != nullptr && backend->has_workers;
      })) {
    throw UsageError(
        "--workers: none of these servers has any, or each says its own number; reuseport and "
        "reactor_workers take it");
  }
  if (!arguments.processes.empty() && std::ranges::none_of(names, [](const std::string& name) {
        const Backend* const backend = find_backend(name);
        return backend != nullptr && backend->shares_port;
      })) {
    throw UsageError("--processes: none of these servers runs in several; reuseport does");
  }
  for (const std::string& server : arguments.servers) specs.push_back(foreign_server(server));
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (specs[i].name == specs[k].name) {
        throw UsageError(
            fmt::format("two servers are called '{}'; give one another name", specs[i].name));
      }
    }
  }
  if (specs.empty()) throw UsageError("no server to measure; name one with --server");
  return specs;
}

SweepServer floor_server() {
  SweepServer floor;
  floor.command.arguments = {floor_program(), "{port}"};
  floor.command.echoes_all_bytes = true;
  floor.is_floor = true;
  return floor;
}

ServerSpec own_server(const std::string& name) {
  if (const std::size_t colon = name.find(':'); colon != std::string::npos) {
    const std::string server = name.substr(0, colon);
    std::string workers = name.substr(colon + 1);
    const Backend* const backend = find_backend(server);
    const bool is_known = backend != nullptr || server == floor_name ||
                          find_peer(server) != nullptr || find_server(server) != nullptr;
    if (!is_known) return {name, server, {}, ""};  // which is told to be unknown
    if (backend == nullptr || !backend->has_workers) {
      throw UsageError(
          fmt::format("'{}': {} has no workers; reuseport and reactor_workers do, such as {}:{}",
                      name, server, "reuseport", workers));
    }
    const bool processes = backend->shares_port && workers.ends_with('p');
    if (processes) workers.pop_back();
    static_cast<void>(parse_count(workers, name, 1, ServerOptions::most_workers));
    return {name, server, {processes ? "--processes" : "--workers", workers}, ""};
  }
  if (!name.ends_with(no_limit)) return {name, name, {}, ""};
  return {name, name.substr(0, name.size() - no_limit.size()), {"--select-limit", "none"}, ""};
}

SweepServer make_server(const ServerSpec& spec) {
  SweepServer server;
  if (spec.backend == floor_name) return floor_server();
  if (spec.backend.empty() && spec.command.empty()) {
    throw UsageError(
        fmt::format("{} was there when it was measured, and can't be started here", spec.name));
  }
  if (spec.backend.empty()) {
    server.command.arguments = split_command(spec.command, "--server");
    server.most_cpus = any_number;
    return server;
  }
  if (const Backend* const peer = find_peer(spec.backend)) {
    if (!is_built(*peer)) {
      throw UsageError(fmt::format("{} is not built here; build it with: ./run peers", peer->name));
    }
    server.command = peer_command(*peer);
    server.most_cpus = any_number;
    return server;
  }
  const Backend* const backend = find_server(spec.backend);
  if (backend == nullptr) {
    throw UsageError(fmt::format(
        "unknown server '{}'; choose from: floor, {}; a library's (echomux list --peers); or a "
        "broken one ({})",
        spec.backend, joined(all_backend_names(), ", "), gallery_hint));
  }
  server.command = serve_command(serving_program(), backend->name, spec.options);
  server.max_connections = backend->max_connections;
  server.never_sleeps = backend->never_sleeps;
  server.thread_per_connection = backend->thread_per_connection;
  server.hands_over = backend->has_workers && !backend->shares_port;
  if (backend->thread_per_connection || backend->has_workers) server.most_cpus = any_number;
  const auto workers = std::ranges::find_if(spec.options, [](const std::string& option) {
    return option == "--workers" || option == "--processes";
  });
  if (workers != spec.options.end()) {
    server.most_cpus = parse_count(*std::next(workers), *workers, 1, ServerOptions::most_workers) +
                       (server.hands_over ? 1 : 0);
  }
  if (std::ranges::find(spec.options, "none") != spec.options.end()) server.max_connections.reset();
  return server;
}

}  // namespace echomux
