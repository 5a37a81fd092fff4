#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "tests/model/runner.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux::model {

// A script that still fails, and how many runs it took to find it.
struct Shrunk {
  Script script;
  std::size_t runs = 0;
};

// Makes a script that fails smaller for as long as that goes on and the time is not over: leaves
// out whole peers, then steps in chunks and one by one (delta debugging), then makes sizes smaller.
// `fails` runs a script against a fresh server and says whether it fails.
[[nodiscard]] Shrunk shrink(Script failing, const std::function<bool(const Script&)>& fails,
                            std::chrono::milliseconds limit);

struct SearchLimits {
  // How long a server may keep a peer waiting before that counts as a failure.
  std::chrono::milliseconds answer = patience;
  // The same while a failing script is made smaller, where most runs wait in vain. The result is
  // then held against the first one.
  std::chrono::milliseconds answer_while_shrinking =
      std::chrono::milliseconds(under_sanitizer ? 2000 : 500);
  std::chrono::milliseconds shrinking = std::chrono::seconds(30);
};

// A script that a server failed, made small.
struct Finding {
  Script original;
  Failure original_failure;
  Script script;  // the same as the original where nothing smaller failed again
  Failure failure;
  std::size_t runs = 0;  // that making it smaller took
};

// Runs the script and, when the server fails, makes it small. None when the server did everything
// right. Throws as run() does.
[[nodiscard]] std::optional<Finding> search(const Script& script, const Target& target,
                                            const SearchLimits& limits = {});

// For a reader: what the server did, the short script and how to run it again. `origin` says where
// the script came from, such as "seed 7".
[[nodiscard]] std::string in_words(const Finding& finding, const Target& target,
                                   const std::string& origin);

}  // namespace echomux::model
