#include "harness/load/outcome.hpp"

#include "harness/text/words.hpp"

namespace echomux {

std::string_view to_string(RunEnd end) noexcept {
  return word_of(end,
                 {"completed", "starved", "refused", "server_gone", "corrupted", "interrupted"});
}

std::string_view to_string(OutcomeKind kind) noexcept {
  return word_of(kind,
                 {"measured", "starved", "over_limit", "not_possible", "failed", "interrupted"});
}

OutcomeKind kind_of(RunEnd end) noexcept {
  switch (end) {
    case RunEnd::completed:
      return OutcomeKind::measured;
    case RunEnd::starved:
      return OutcomeKind::starved;
    case RunEnd::interrupted:
      return OutcomeKind::interrupted;
    case RunEnd::refused:
    case RunEnd::server_gone:
    case RunEnd::corrupted:
    case RunEnd::not_run:
      break;
  }
  return OutcomeKind::failed;
}

}  // namespace echomux
