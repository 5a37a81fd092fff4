#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace echomux {

// Bytes of the kernel's slab caches, by name (slabinfo(5)). Caches of objects of one size share
// their slabs, and are told together under the name of one: all names of such a one are in its name
// here, by the links in /sys/kernel/slab. Empty where the kernel doesn't tell, as to who isn't
// root.
[[nodiscard]] std::map<std::string, std::uint64_t> slab_caches();

struct SlabGrowth {
  std::string name;
  std::uint64_t bytes;
};
// By how much they have grown, the most first, those of less than `least_bytes` left out.
[[nodiscard]] std::vector<SlabGrowth> growth(const std::map<std::string, std::uint64_t>& before,
                                             const std::map<std::string, std::uint64_t>& after,
                                             std::uint64_t least_bytes);

}  // namespace echomux
