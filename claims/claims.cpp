#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "claims/claim.hpp"
#include "generated/claims_text.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/text/words.hpp"

namespace echomux::claims {
namespace {

// Puts the rest of a line of claims.txt where its first word says.
void read_field(Claim& claim, std::string_view word, std::string_view rest) {
  const auto append = [](std::string& to, std::string_view text, const char* separator) {
    to += (to.empty() ? "" : separator) + std::string(text);
  };
  for (auto& [name, field] :
       {std::pair{"tried", &claim.method}, std::pair{"shows", &claim.shows},
        std::pair{"measures", &claim.measures}, std::pair{"said", &claim.sources}}) {
    if (name == word) return append(*field, rest, "; ");
  }
  append(claim.rules, std::string(word) + " " + std::string(rest), "\n");
}

// The lines of the text, with those that are indented further joined to the one before them.
std::vector<std::string> whole_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("    ") && !lines.empty()) {
      lines.back() += " " + std::string(proc::trimmed(line));
    } else if (!line.empty()) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  return word_of(verdict, {"holds", "holds within limits", "refuted", "not testable here"});
}

std::vector<Claim> read_claims(std::string_view text) {
  std::vector<Claim> claims;
  std::vector<std::pair<std::string, std::string>> sources;
  std::string theme;
  for (const std::string& line : whole_lines(text)) {
    const std::string_view words = proc::trimmed(line);
    const std::size_t colon = words.find(": ");
    const std::size_t blank = words.find(' ');
    if (blank == std::string_view::npos) throw std::invalid_argument("no claim: " + line);
    const auto rest = words.substr(blank + 1);
    if (line.starts_with("# ")) {
      theme = rest;
    } else if (line.front() != ' ' && colon == std::string_view::npos) {
      throw std::invalid_argument("no claim: " + line);
    } else if (line.front() != ' ' && theme.empty()) {
      sources.emplace_back(words.substr(0, colon), words.substr(colon + 2));
    } else if (line.front() != ' ') {
      Claim& claim = claims.emplace_back();
      claim.id = words.substr(0, colon);
      claim.theme = theme;
      claim.sentence = words.substr(colon + 2);
    } else if (claims.empty()) {
      throw std::invalid_argument("it belongs to no claim: " + line);
    } else if (words.starts_with("said ")) {
      for (const std::string_view key : proc::words(rest)) {
        const auto source =
            std::ranges::find(sources, key, [](const auto& one) { return one.first; });
        if (source == sources.end()) throw std::invalid_argument("no source: " + line);
        read_field(claims.back(), "said", source->second);
      }
    } else {
      read_field(claims.back(), words.substr(0, blank), rest);
    }
  }
  return claims;
}

std::span<const Claim> claims() {
  static const std::vector<Claim> all = [] {
    std::vector<Claim> read = read_claims(text::claims);
    for (const auto& tests : {waiting_tests(), edge_tests(), hang_up_tests(), limit_tests(),
                              registration_tests(), cost_tests()}) {
      for (const Test& test : tests) {
        const auto claim = std::ranges::find(read, test.claim, &Claim::id);
        if (claim == read.end()) throw std::logic_error("no claim " + std::string(test.claim));
        claim->observe = test.observe;
        claim->derive = test.derive;
      }
    }
    return read;
  }();
  return all;
}

std::vector<std::string> themes() {
  std::vector<std::string> names;
  for (const Claim& claim : claims()) {
    if (names.empty() || names.back() != claim.theme) names.push_back(claim.theme);
  }
  return names;
}

}  // namespace echomux::claims
