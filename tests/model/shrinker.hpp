#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "tests/model/script.hpp"

namespace echomux::model {

// A script that still fails, and how many runs it took to find it.
struct Shrunk {
  Script script;
  std::size_t runs = 0;
};

// Makes a script that fails smaller for as long as that goes on and the time is not over: leaves
// out whole peers, then steps in chunks and one by one (delta debugging), then makes sizes smaller.
// `fails` runs a script against a fresh server and says whether it fails.
[[nodiscard]] Shrunk shrink(Script failing, const std::function<bool(const Script&)>& fails,
                            std::chrono::milliseconds limit);

}  // namespace echomux::model
