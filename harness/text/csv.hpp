#pragma once

#include <string>

namespace echomux {

// A value as one field of a line of CSV (RFC 4180).
[[nodiscard]] inline std::string csv_field(std::string text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  for (std::size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2) {
    text.insert(at, "\"");
  }
  return '"' + text + '"';
}

}  // namespace echomux
