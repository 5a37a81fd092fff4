#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "claims/claim.hpp"
#include "generated/claims_text.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/text/words.hpp"

namespace echomux::claims {
namespace {

// Puts the rest of a line of claims.txt where its first word says.
void read_field(Claim& claim, const std::string& word, std::string_view rest) {
  if (word == "tried") claim.method = rest;
  if (word == "shows") claim.shows = rest;
  if (word == "measures") claim.measures = rest;
  if (word == "tried" || word == "shows" || word == "measures") return;
  claim.rules += (claim.rules.empty() ? "" : "\n") + word + " " + std::string(rest);
}

// The lines of the text, with those that are indented further joined to the one before them.
std::vector<std::string> whole_lines(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("    ") && !lines.empty()) {
      lines.back() += line.substr(3);
    } else if (!line.empty()) {
      lines.push_back(line);
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
  std::map<std::string_view, std::string_view> sources;
  std::string theme;
  const std::vector<std::string> lines = whole_lines(text);
  for (const std::string& line : lines) {
    const std::string_view words = proc::trimmed(line);
    const std::size_t blank = words.find(' ');
    const std::size_t colon = words.find(": ");
    const bool indented = line.front() == ' ';
    const bool titled = !indented && words[0] != '#';
    if (blank == words.npos || (titled && colon == words.npos) || (indented && claims.empty())) {
      throw std::invalid_argument("no claim: " + line);
    }
    const auto rest = words.substr(blank + 1);
    if (words[0] == '#') {
      theme = rest;
    } else if (titled && theme.empty()) {
      sources.emplace(words.substr(0, colon), words.substr(colon + 2));
    } else if (titled) {
      Claim& claim = claims.emplace_back();
      claim.id = words.substr(0, colon);
      claim.theme = theme;
      claim.sentence = words.substr(colon + 2);
    } else if (words.starts_with("said ")) {
      for (const std::string_view key : proc::words(rest)) {
        if (!sources.contains(key)) throw std::invalid_argument("no source: " + line);
        std::string& said = claims.back().sources;
        said += (said.empty() ? "" : "; ") + std::string(sources.at(key));
      }
    } else {
      read_field(claims.back(), std::string(words.substr(0, blank)), rest);
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
