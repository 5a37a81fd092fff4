#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "echo/backend.hpp"

namespace echomux {

// Every server of this suite, in the order of the lessons. An explicit table: to add a server is
// to add a line there.
[[nodiscard]] std::span<const Backend> backends() noexcept;

// Those beyond the seven, in the same form: what comes after the course.
[[nodiscard]] std::span<const Backend> beyond() noexcept;

// The seven, and those beyond them: all that must do what the conformance suite says.
[[nodiscard]] std::span<const Backend> all_backends() noexcept;

// The one of these of that name; nullptr when there is none.
[[nodiscard]] const Backend* find_backend(std::string_view name) noexcept;

// The server of that name among all that can be run: all_backends(), `eighth`, which a reader
// writes (course/eighth_backend), and those of gallery/, which are broken on purpose or mended.
// nullptr when there is none.
[[nodiscard]] const Backend* find_server(std::string_view name) noexcept;

// The names of the seven.
[[nodiscard]] std::vector<std::string> backend_names();

// The names of all_backends().
[[nodiscard]] std::vector<std::string> all_backend_names();

// The names of all that find_server() finds.
[[nodiscard]] std::vector<std::string> server_names();

// Where the names of the others are found, for errors.
inline constexpr std::string_view gallery_hint = "echomux list --gallery";

}  // namespace echomux
