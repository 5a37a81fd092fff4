#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace echomux {

// The memory that programs may still take: what the kernel calls available, or what is left to this
// process's control groups where that is less, and of it nine tenths. None where the system doesn't
// tell. Files in the page cache give way, and don't count. As told below `root`, which only tests
// set.
[[nodiscard]] std::optional<std::uint64_t> usable_memory_bytes(
    const std::filesystem::path& root = "/");

}  // namespace echomux
