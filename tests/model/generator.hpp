#pragma once

#include <cstdint>

#include "tests/model/script.hpp"

namespace echomux::model {

// The largest script that a generator makes.
struct ScriptSize {
  std::size_t peers = 20;
  std::size_t steps = 200;
};

// A random script, always the same for the same seed and size. Some have one peer or two and some
// many; sizes go from one byte to several times what the socket buffers hold.
[[nodiscard]] Script generate(std::uint64_t seed, const ScriptSize& size = {});

}  // namespace echomux::model
