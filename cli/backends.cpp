#include "cli/backends.hpp"

#include <algorithm>
#include <array>

#include "epoll_lt/epoll_lt_server.hpp"
#include "poll/poll_server.hpp"

namespace echomux {
namespace {

constexpr std::string_view descriptor_limit = "open descriptors (ulimit -n)";

constexpr std::array all_backends{
    Backend{.name = "poll",
            .summary = "one thread sleeps in poll",
            .limit = descriptor_limit,
            .serve = &serve_poll,
            .max_connections = std::nullopt},
    Backend{.name = "epoll_lt",
            .summary = "one thread sleeps in epoll_wait, level-triggered",
            .limit = descriptor_limit,
            .serve = &serve_epoll_lt,
            .max_connections = std::nullopt},
};

}  // namespace

std::span<const Backend> backends() noexcept {
  return all_backends;
}

const Backend* find_backend(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(all_backends, name, &Backend::name);
  return found == all_backends.end() ? nullptr : found;
}

std::string backend_names() {
  std::string names;
  for (const Backend& backend : all_backends) {
    if (!names.empty()) names += ", ";
    names += backend.name;
  }
  return names;
}

}  // namespace echomux
