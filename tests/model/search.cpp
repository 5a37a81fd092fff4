#include "tests/model/search.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

namespace echomux::model {
namespace {

using Clock = std::chrono::steady_clock;

class Shrinker {
 public:
  Shrinker(Script failing, const std::function<bool(const Script&)>& fails,
           std::chrono::milliseconds limit)
      : script_(std::move(failing)), fails_(fails), deadline_(Clock::now() + limit) {}

  Shrunk run() {
    std::size_t before = 0;
    do {
      before = changes_;
      leave_out_peers();
      leave_out_steps();
      make_sizes_smaller();
    } while (changes_ != before && !late());
    return {std::move(script_), runs_};
  }

 private:
  [[nodiscard]] bool late() const { return Clock::now() >= deadline_; }

  // Keeps the candidate if it fails like the script that it comes from.
  bool keep_if_failing(Script candidate) {
    if (late()) return false;
    ++runs_;
    if (!fails_(candidate)) return false;
    script_ = std::move(candidate);
    ++changes_;
    return true;
  }

  void leave_out_peers() {
    std::set<std::size_t> peers;
    for (const Step& step : script_) {
      if (form_of(step.action).has_peer) peers.insert(step.peer);
    }
    if (peers.size() < 2) return;
    for (const std::size_t peer : peers) {
      Script candidate = script_;
      std::erase_if(candidate, [&](const Step& step) {
        return form_of(step.action).has_peer && step.peer == peer;
      });
      keep_if_failing(std::move(candidate));
    }
  }

  void leave_out_steps() {
    for (std::size_t chunk = std::max<std::size_t>(script_.size() / 2, 1);; chunk /= 2) {
      for (std::size_t at = 0; at < script_.size();) {
        Script candidate = script_;
        const auto begin = candidate.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min(chunk, script_.size() - at);
        candidate.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
        // When it was left out, the next chunk stands in its place.
        if (!keep_if_failing(std::move(candidate))) at += chunk;
        if (late()) return;
      }
      if (chunk <= 1) return;
    }
  }

  void make_sizes_smaller() {
    for (std::size_t at = 0; at < script_.size(); ++at) {
      const auto keep_with = [&](auto change) {
        Script candidate = script_;
        change(candidate[at]);
        return candidate != script_ && keep_if_failing(std::move(candidate));
      };
      keep_with([](Step& step) { step.send_buffer = step.receive_buffer = 0; });
      if (!form_of(script_[at].action).has_bytes || script_[at].bytes <= 1) continue;
      if (keep_with([](Step& step) { step.bytes = 1; })) continue;
      while (script_[at].bytes > 1 && keep_with([](Step& step) { step.bytes /= 2; })) {
      }
    }
  }

  Script script_;
  const std::function<bool(const Script&)>& fails_;
  Clock::time_point deadline_;
  std::size_t runs_ = 0;
  std::size_t changes_ = 0;
};

}  // namespace

Shrunk shrink(Script failing, const std::function<bool(const Script&)>& fails,
              std::chrono::milliseconds limit) {
  return Shrinker(std::move(failing), fails, limit).run();
}

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
