#include "report/palette.hpp"

#include <array>

#include "generated/page_parts.hpp"
#include "harness/text/json.hpp"

namespace echomux {
namespace {

constexpr std::array<std::string_view, 6> kinds{"other",   "floor",    "busy",
                                                "threads", "scanning", "epoll"};

// The line of that name, or of the server whose name is before a colon; none where there is
// neither.
const Json* find_line(std::string_view name) {
  static const Json palette = Json::parse(page::palette);
  for (const std::string_view wanted : {name, name.substr(0, name.find(':'))}) {
    for (const Json& line : palette.at("lines")) {
      if (line.at("name").get<std::string>() == wanted) return &line;
    }
  }
  return nullptr;
}

}  // namespace

LineKind line_kind(std::string_view name) {
  const Json* const line = find_line(name);
  if (line == nullptr) return LineKind::other;
  const auto kind = line->at("kind").get<std::string>();
  std::size_t index = 0;
  while (kinds.at(index) != kind) ++index;
  return static_cast<LineKind>(index);
}

std::string line_colour(std::string_view name) {
  const Json* const line = find_line(name);
  return line == nullptr ? "#6b6b6b" : line->at("colour").get<std::string>();
}

}  // namespace echomux
