#include <algorithm>

#include "harness/load/hdr_format.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/support/hdr_encoding.hpp"

namespace echomux::fuzz {
namespace {

void use(const LatencyHistogram& histogram) {
  const std::string text = to_hdr_v2(histogram);
  const LatencyHistogram again = from_hdr_v2(text);
  require(
      again.count() == histogram.count() && std::ranges::equal(again.counts(), histogram.counts()),
      "counts change when they are written again");
  require(to_hdr_v2(again) == text, "its text changes when it is read again");
  require(
      again.percentile(0) <= again.percentile(50) && again.percentile(50) <= again.percentile(100),
      "its percentiles aren't in order");
  require(to_hgrm(histogram) == to_hgrm(again), "its distribution changes");
}

}  // namespace

// The first byte says how much of the wrapping is made properly, for chance rarely gets past a
// checksum: none, compression and base64, or the header, too.
void fuzz_histogram(Input input) {
  Choices choices(input);
  const unsigned wrapping = choices.byte() % 3U;
  const std::string rest(choices.text(input.size()));
  const std::string text = wrapping == 0   ? rest
                           : wrapping == 1 ? wrapped(rest)
                                           : Encoding{.counts = rest}.text();
  LatencyHistogram histogram;
  try {
    histogram = from_hdr_v2(text);
  } catch (const std::runtime_error& refusal) {
    return;
  }
  use(histogram);
}

}  // namespace echomux::fuzz
