#pragma once

#include <string>
#include <string_view>

#include "echo/backend.hpp"

namespace echomux {

// All faults at once that a server must bear without anybody losing anything, as one specification
// for the shim (fault_page.hpp) in that backend's way. `when` is "first", each at the first call it
// can strike; "every", each at every n-th with an n of its own; or "random", or "random=SEED".
// Throws std::invalid_argument for anything else.
[[nodiscard]] std::string recoverable_faults(const Backend& backend, std::string_view when);

}  // namespace echomux
