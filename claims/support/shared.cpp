#include "claims/support/shared.hpp"

#include <algorithm>
#include <stdexcept>

namespace echomux::claims {

const Evidence& shared_measurement(Laboratory& laboratory, std::string_view name,
                                   void (*measure)(Laboratory& laboratory, Evidence& evidence)) {
  const auto found = laboratory.shared.find(name);
  if (found != laboratory.shared.end()) return found->second;
  Evidence evidence;
  measure(laboratory, evidence);
  return laboratory.shared.emplace(name, std::move(evidence)).first->second;
}

void keep(Evidence& evidence, const Evidence& shared,
          std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const auto found = std::ranges::find(shared.observations(), name, &Observation::name);
    if (found == shared.observations().end()) {
      throw std::out_of_range("nothing was observed of " + std::string(name));
    }
    evidence.measure(found->name, found->what, found->values);
  }
}

}  // namespace echomux::claims
