#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "claims/evidence.hpp"

// Sentences that people repeat about blocking I/O, select, poll and epoll, each put to the test by
// an experiment in a file of its own.
namespace echomux::claims {

enum class Verdict : std::uint8_t {
  holds,
  holds_within_limits,  // and the finding says which
  refuted,
  not_testable_here,  // and the finding says why
};
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;

// What follows from the evidence.
struct Finding {
  Verdict verdict = Verdict::not_testable_here;
  std::string because;  // what was seen, in a sentence or two, with its figures
};

// What an experiment may use of the outside. Experiments run one after the other, on the main
// thread; each may take a few seconds at most, for all of them end within three minutes.
struct Laboratory {
  std::string program;   // the echomux program, to run servers as processes of their own
  std::stop_token stop;  // asked by whatever takes longer than a second
  // Told what the experiment is doing, for those who wait.
  std::function<void(std::string_view)> progress = [](std::string_view) {};
  // Measurements on which several sentences rest, each made once, when it is first asked for
  // (claims/support/shared.hpp).
  std::map<std::string, Evidence, std::less<>> shared;
};

// One sentence and its experiment. `observe` measures or observes on this machine and puts all that
// it has seen into the evidence, and may throw std::system_error for what can't be set up, which
// makes the sentence not testable here. `decide` is a pure function of the evidence, so that tests
// can feed it evidence of every kind and the ledger can be checked against what was kept.
struct Claim {
  std::string_view id;
  std::string_view sentence;
  std::string_view sources;   // which of the source documents say so, by number
  std::string_view method;    // what is done, in one to three sentences
  std::string_view decision;  // the thresholds of the verdict and why they are where they are
  void (*observe)(Laboratory& laboratory, Evidence& evidence) = nullptr;
  Finding (*decide)(const Evidence& evidence) = nullptr;
};

// Every sentence, in the order of the ledger. Lives as long as the program.
[[nodiscard]] std::span<const Claim> claims() noexcept;

}  // namespace echomux::claims
