// What libFuzzer calls with each input; FUZZ_TARGET is the function that it is for.
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  echomux::fuzz::FUZZ_TARGET({data, size});
  return 0;
}
