#include "gallery/gallery.hpp"

#include <array>

namespace echomux {
namespace {

using Serve = void(FileDescriptor, std::stop_token, const ServerOptions&, ServerStats&);

}  // namespace

// One line each in both: the two are compiled from the same name.
namespace broken {
Serve serve_one_recv;
}  // namespace broken

namespace mended {
Serve serve_one_recv;
}  // namespace mended

namespace {

constexpr std::string_view limit = "open descriptors (ulimit -n)";

constexpr std::array exhibits{
    Exhibit{.name = "one_recv",
            .bug = "edge-triggered, it receives once per event, and the rest of a long message "
                   "waits until more arrives",
            .caught_by = "EchoesMoreThanAllBuffersHold",
            .broken = {.name = "broken_one_recv",
                       .summary = "BROKEN ON PURPOSE: one recv per edge",
                       .limit = limit,
                       .serve = &broken::serve_one_recv,
                       .max_connections = std::nullopt},
            .mended = {.name = "mended_one_recv",
                       .summary = "the same, and drains until EAGAIN",
                       .limit = limit,
                       .serve = &mended::serve_one_recv,
                       .max_connections = std::nullopt}},
};

}  // namespace

std::span<const Exhibit> gallery() noexcept {
  return exhibits;
}

}  // namespace echomux
