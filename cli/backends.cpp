#include "cli/backends.hpp"

#include <sys/select.h>

#include <algorithm>
#include <array>

#include "beyond/coroutines/coroutines_server.hpp"
#include "beyond/reactor_workers/reactor_workers_server.hpp"
#include "beyond/reuseport/reuseport_server.hpp"
#include "blocking/blocking_server.hpp"
#include "busy_poll/busy_poll_server.hpp"
#include "course/eighth_backend/eighth_server.hpp"
#include "epoll_et/epoll_et_server.hpp"
#include "epoll_lt/epoll_lt_server.hpp"
#include "gallery/gallery.hpp"
#include "poll/poll_server.hpp"
#include "select/select_server.hpp"
#include "threaded/threaded_server.hpp"

namespace echomux {
namespace {

constexpr std::size_t seven = 7;
constexpr std::string_view descriptor_limit = "open descriptors (ulimit -n)";

constexpr std::array everyone{
    Backend{.name = "blocking",
            .summary = "one thread, blocking calls, one peer at a time",
            .limit = "1 connection; the others wait in the backlog",
            .serve = &serve_blocking,
            .max_connections = 1},
    Backend{.name = "threaded",
            .summary = "a thread per peer, blocking calls",
            .limit = "threads and their memory, and open descriptors (ulimit -u, ulimit -n)",
            .serve = &serve_threaded,
            .thread_per_connection = true,
            // With a buffer to receive into and a stack.
            .stalled_peer_bytes = std::size_t{160} * 1024},
    Backend{.name = "busy_poll",
            .summary = "one thread asks every peer in turn and never sleeps",
            .limit = "open descriptors (ulimit -n); always uses a whole CPU",
            .serve = &serve_busy_poll,
            .never_sleeps = true},
    Backend{.name = "select",
            .summary = "one thread sleeps in select",
            .limit = "descriptors below FD_SETSIZE (1024), unless --select-limit none",
            .serve = &serve_select,
            .max_connections = FD_SETSIZE,
            .bound_by_fd_setsize = true},
    Backend{.name = "poll",
            .summary = "one thread sleeps in poll",
            .limit = descriptor_limit,
            .serve = &serve_poll},
    Backend{.name = "epoll_lt",
            .summary = "one thread sleeps in epoll_wait, level-triggered",
            .limit = descriptor_limit,
            .serve = &serve_epoll_lt},
    Backend{.name = "epoll_et",
            .summary = "one thread sleeps in epoll_wait, edge-triggered",
            .limit = descriptor_limit,
            .serve = &serve_epoll_et},
    // Beyond the seven.
    Backend{.name = "coroutines",
            .summary = "one thread sleeps in epoll_wait; each peer is a coroutine",
            .limit = descriptor_limit,
            .serve = &serve_coroutines},
    Backend{.name = "reactor_workers",
            .summary = "one thread sleeps in epoll_wait; workers read and write",
            .limit = descriptor_limit,
            .serve = &serve_reactor_workers,
            .has_workers = true},
    Backend{.name = "reuseport",
            .summary = "a loop for each CPU, each with a listener on the same port",
            .limit = "open descriptors (ulimit -n), with --processes N of each process",
            .serve = &serve_reuseport,
            .has_workers = true,
            .shares_port = true},
};

// Not one of these: what a reader of course/eighth_backend writes, a template until then.
constexpr Backend eighth{.name = "eighth",
                         .summary = "yours: one thread, epoll_wait, EPOLLONESHOT",
                         .limit = descriptor_limit,
                         .serve = &serve_eighth};

}  // namespace

std::span<const Backend> all_backends() noexcept {
  return everyone;
}

std::span<const Backend> backends() noexcept {
  return all_backends().first(seven);
}

std::span<const Backend> beyond() noexcept {
  return all_backends().subspan(seven);
}

const Backend* find_backend(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(everyone, name, &Backend::name);
  return found == everyone.end() ? nullptr : found;
}

const Backend* find_server(std::string_view name) noexcept {
  if (const Backend* const backend = find_backend(name)) return backend;
  if (name == eighth.name) return &eighth;
  for (const Exhibit& exhibit : gallery()) {
    for (const Backend* const twin : {&exhibit.broken, &exhibit.mended}) {
      if (twin->name == name) return twin;
    }
  }
  return nullptr;
}

std::vector<std::string> all_backend_names() {
  std::vector<std::string> names;
  names.reserve(everyone.size());
  for (const Backend& backend : everyone) names.emplace_back(backend.name);
  return names;
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names = all_backend_names();
  names.resize(seven);
  return names;
}

std::vector<std::string> server_names() {
  std::vector<std::string> names = all_backend_names();
  names.emplace_back(eighth.name);
  for (const Exhibit& exhibit : gallery()) {
    for (const Backend* const twin : {&exhibit.broken, &exhibit.mended}) {
      names.emplace_back(twin->name);
    }
  }
  return names;
}

}  // namespace echomux
