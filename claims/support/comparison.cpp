#include "claims/support/comparison.hpp"

#include "harness/text/number_text.hpp"

namespace echomux::claims {

Standing standing(const MedianInterval& ratio, double material) {
  if (surely_above(ratio, 1) && ratio.median >= material) return Standing::dearer;
  if (surely_below(ratio, 1) && ratio.median <= 1 / material) return Standing::cheaper;
  if (surely_above(ratio, 1 / material) && surely_below(ratio, material)) return Standing::alike;
  return Standing::unclear;
}

bool surely_above(const MedianInterval& ratio, double bound) {
  return ratio.bounds && ratio.bounds->low > bound;
}

bool surely_below(const MedianInterval& ratio, double bound) {
  return ratio.bounds && ratio.bounds->high < bound;
}

std::string times(const MedianInterval& ratio) {
  return reader_number(ratio) + " times";
}

Finding cannot_tell(const std::string& seen) {
  return {Verdict::not_testable_here,
          seen + "; the interval allows for both answers, so these rounds can't tell"};
}

}  // namespace echomux::claims
