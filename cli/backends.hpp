#pragma once

#include <span>
#include <string>
#include <string_view>

#include "echo/backend.hpp"

namespace echomux {

// Every server of this suite, in the order of the lessons. An explicit table: to add a server is
// to add a line there.
[[nodiscard]] std::span<const Backend> backends() noexcept;

// The backend of that name; nullptr when there is none.
[[nodiscard]] const Backend* find_backend(std::string_view name) noexcept;

// All names, comma-separated, for help texts and errors.
[[nodiscard]] std::string backend_names();

}  // namespace echomux
