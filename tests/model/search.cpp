#include "tests/model/search.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "tests/model/shrinker.hpp"

namespace echomux::model {

std::optional<Finding> search(const Script& script, const Target& target,
                              const SearchLimits& limits) {
  const std::optional<Failure> failure = run(script, target, limits.answer);
  if (!failure) return std::nullopt;
  Finding finding{script, *failure, script, *failure};
  // What comes after the failing step can't have caused it.
  const Script begin(script.begin(), script.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                          failure->step + 1, script.size())));
  // Impatience saves time, but may take a slow answer for none: then once more, with patience.
  for (const std::chrono::milliseconds limit : {limits.answer_while_shrinking, limits.answer}) {
    const auto fails = [&](const Script& candidate) {
      return run(candidate, target, limit).has_value();
    };
    Shrunk shrunk = shrink(begin, fails, limits.shrinking);
    finding.runs += shrunk.runs;
    if (const std::optional<Failure> again = run(shrunk.script, target, limits.answer)) {
      finding.script = std::move(shrunk.script);
      finding.failure = *again;
      break;
    }
  }
  return finding;
}

std::string in_words(const Finding& finding, const Target& target, const std::string& origin) {
  std::string text =
      fmt::format("{} failed with {}\n  {}\n", target.name, origin, finding.original_failure.what);
  text += fmt::format("{} of its {} steps are left after {} runs:\n  {}\n", finding.script.size(),
                      finding.original.size(), finding.runs, finding.failure.what);
  text += fmt::format("To run them again:\nbuild/model_run {} --script - <<'END'\n{}END\n",
                      target.name, to_text(finding.script));
  return text;
}

}  // namespace echomux::model
