#include "cli/peers.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "harness/server/programs.hpp"

namespace echomux {
namespace {

constexpr std::size_t kibibyte = 1024;

constexpr std::array everyone{
    Backend{.name = "libevent",
            .summary = "libevent: bufferevents",
            .reports_counters = false,
            .stalled_peer_bytes = 128 * kibibyte},
    Backend{.name = "libev", .summary = "libev: watchers", .reports_counters = false},
    Backend{.name = "libuv", .summary = "libuv: streams", .reports_counters = false},
    Backend{.name = "asio", .summary = "Asio: callbacks", .reports_counters = false},
    Backend{
        .name = "asio_coroutines", .summary = "Asio: C++20 coroutines", .reports_counters = false},
    Backend{.name = "go",
            .summary = "Go: a goroutine per peer",
            .reports_counters = false,
            .stalled_peer_bytes = 128 * kibibyte},
    Backend{.name = "node",
            .summary = "Node.js: a stream piped into itself",
            .reports_counters = false,
            .no_urgent_data = "Node.js has no way to set SO_OOBINLINE",
            .stalled_peer_bytes = 1024 * kibibyte},
    Backend{.name = "asyncio",
            .summary = "Python asyncio: a protocol",
            .reports_counters = false,
            .stalled_peer_bytes = 640 * kibibyte},
};

}  // namespace

std::span<const Backend> peers() noexcept {
  return everyone;
}

const Backend* find_peer(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(everyone, name, &Backend::name);
  return found == everyone.end() ? nullptr : found;
}

bool is_built(const Backend& peer) {
  return std::filesystem::exists(peer_program(peer.name));
}

ServerCommand peer_command(const Backend& peer) {
  return {.arguments = {peer_program(peer.name), "{port}"}, .echoes_all_bytes = true};
}

}  // namespace echomux
