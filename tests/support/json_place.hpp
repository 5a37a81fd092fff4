#pragma once

#include <string>
#include <string_view>

#include "harness/text/json.hpp"

namespace echomux {

// What stands at a place such as "/trials/0/note"; a null pointer where there is nothing.
inline Json* find_place(Json& json, std::string_view place) {
  Json* found = &json;
  while (found != nullptr && !place.empty()) {
    const std::string step(place.substr(1, place.find('/', 1) - 1));
    place.remove_prefix(step.size() + 1);
    if (found->is_object()) {
      found = found->contains(step) ? &found->at(step) : nullptr;
    } else {
      const bool is_index = step.find_first_not_of("0123456789") == std::string::npos;
      found = is_index && std::stoul(step) < found->size() ? &found->at(std::stoul(step)) : nullptr;
    }
  }
  return found;
}

}  // namespace echomux
