#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "claims/evidence.hpp"

// Claims that people make about blocking I/O, select, poll and epoll, put to the test.
namespace echomux::claims {

enum class Verdict : std::uint8_t { holds, holds_within_limits, refuted, not_testable_here };
// "holds", "holds within limits", …
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

// What follows from the evidence.
struct Finding {
  Verdict verdict = Verdict::not_testable_here;
  std::string because;  // in a sentence
};

// What a claim's test may use of the outside. Tests run one after the other, on the main thread.
struct Context {
  std::string program;   // the echomux program, to run servers as processes of their own
  std::stop_token stop;  // asked by every test that takes longer than a second
  // Is told what the test is doing.
  std::function<void(std::string_view)> progress = [](std::string_view) {};
  // Measurements on which several claims rest, by name. Each is made when it is first asked for.
  std::map<std::string, Evidence, std::less<>> shared;
};

// One claim and its test. What claims.txt has of it is all text: claims/rules.hpp reads `shows` and
// `rules`, so what a reader sees is made from what decides.
struct Claim {
  std::string id;
  std::string theme;  // "hang-up": claims of one theme share a page, claims/hang-up.md
  std::string sentence;
  std::string sources;   // where it was read, by title
  std::string method;    // how it is tried, in a sentence
  std::string measures;  // names of measurements (claims/measurements.hpp), with blanks between
  std::string shows;     // the figures to show; the first one stands in the ledger
  std::string rules;     // a line each; the first one that is met decides
  // Puts what it observes into the evidence. Throws std::exception when it can't be set up, which
  // makes the claim not testable here. None for a claim that only measures.
  void (*observe)(Context& context, Evidence& evidence) = nullptr;
  // Adds figures that follow from other ones in the evidence. Mostly none.
  void (*derive)(Evidence& evidence) = nullptr;
};

// All claims, in the order of the ledger, theme by theme. They live as long as the program.
[[nodiscard]] std::span<const Claim> claims();
// The names of the themes, in the order of the ledger.
[[nodiscard]] std::vector<std::string> themes();
// Reads text as in claims.txt, without functions. Throws std::invalid_argument for any other text.
[[nodiscard]] std::vector<Claim> read_claims(std::string_view text);

// The functions of a claim, from the file of its theme.
struct Test {
  std::string_view claim;
  void (*observe)(Context& context, Evidence& evidence) = nullptr;
  void (*derive)(Evidence& evidence) = nullptr;
};
[[nodiscard]] std::span<const Test> waiting_tests() noexcept;
[[nodiscard]] std::span<const Test> edge_tests() noexcept;
[[nodiscard]] std::span<const Test> hang_up_tests() noexcept;
[[nodiscard]] std::span<const Test> limit_tests() noexcept;
[[nodiscard]] std::span<const Test> registration_tests() noexcept;
[[nodiscard]] std::span<const Test> cost_tests() noexcept;

}  // namespace echomux::claims
