#include "cli/capacity.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/select.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/backends.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

// Open descriptors that this program was started with, beside stdin, stdout and stderr. The servers
// that it starts have them, too.
std::uint64_t inherited_descriptors() {
  std::uint64_t count = 0;
  for (int fd = STDERR_FILENO + 1; fd < FD_SETSIZE; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ++count;
  }
  return count;
}

}  // namespace

std::vector<ServerTraits> server_traits() {
  std::vector<ServerTraits> servers;
  for (const Backend& backend : all_backends()) {
    ServerTraits server;
    server.name = backend.name;
    server.thread_per_connection = backend.thread_per_connection;
    if (backend.bound_by_fd_setsize) {
      // Its limit is on the numbers of descriptors, and it needs some itself.
      const std::uint64_t inherited = inherited_descriptors();
      server.max_connections = FD_SETSIZE - server_own_descriptors - inherited;
      server.limit = fmt::format("FD_SETSIZE {}, less {} descriptors of its own and {} inherited",
                                 FD_SETSIZE, server_own_descriptors, inherited);
      server.lift = "echomux bench --select-limit none";
    } else if (backend.max_connections) {
      server.max_connections = backend.max_connections;
      server.limit = "serves one peer at a time by nature";
    }
    servers.push_back(std::move(server));
  }
  return servers;
}

std::vector<std::string> beyond_capacity(const SweepPlan& plan, const Machine& machine) {
  const std::size_t asked =
      *std::ranges::max_element(plan.idle_connections) + plan.load.active_connections;
  std::vector<ServerTraits> traits = server_traits();
  for (ServerTraits& server : traits) {
    // One that is told to go beyond its own limit.
    if (std::ranges::any_of(plan.servers, [&](const ServerSpec& spec) {
          return spec.backend == server.name && std::ranges::count(spec.options, "none") > 0;
        })) {
      server.max_connections.reset();
    }
  }
  const Diagnosis diagnosis = diagnose(machine, traits);
  // What limits some of them, and whom.
  std::vector<std::pair<Capacity, std::vector<std::string>>> causes;
  for (std::size_t i = 0; i < traits.size(); ++i) {
    const Capacity& capacity = diagnosis.backends[i];
    const bool planned = std::ranges::any_of(
        plan.servers, [&](const ServerSpec& spec) { return spec.backend == capacity.backend; });
    // What a server can't do anywhere isn't this machine's.
    const bool by_itself = capacity.max_connections == traits[i].max_connections;
    if (!planned || by_itself || capacity.max_connections >= asked) continue;
    const auto same = std::ranges::find_if(
        causes, [&](const auto& cause) { return cause.first.limited_by == capacity.limited_by; });
    if (same != causes.end()) {
      same->second.push_back(capacity.backend);
    } else {
      causes.push_back({capacity, {capacity.backend}});
    }
  }
  std::vector<std::string> sentences;
  for (const auto& [capacity, names] : causes) {
    sentences.push_back(fmt::format("{} {} {} connections here, and {} are asked for: {}{}",
                                    list_in_words(names), names.size() > 1 ? "get" : "gets",
                                    capacity.max_connections, asked, capacity.limited_by,
                                    capacity.lift.empty() ? "" : "; lift it: " + capacity.lift));
  }
  return sentences;
}

}  // namespace echomux
