#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace echomux {

// What ended a load.
enum class RunEnd : std::uint8_t {
  completed,
  starved,      // no progress for the timeout
  refused,      // the server ended a connection before it had confirmed it, or didn't take it
  server_gone,  // all active connections of a thread were ended by the server
  corrupted,    // something else came back than was sent
  interrupted,  // it was asked to stop
  not_run,      // nothing: there was no load; has no word
};
[[nodiscard]] std::string_view to_string(RunEnd end) noexcept;

// What a run counts as.
enum class OutcomeKind : std::uint8_t {
  measured,
  starved,       // the server left peers without an answer
  over_limit,    // more connections than the server can serve by its nature
  not_possible,  // this machine's limits don't allow it
  failed,        // the server broke: it ended, lost connections or returned wrong bytes
  interrupted,
};
[[nodiscard]] std::string_view to_string(OutcomeKind kind) noexcept;
// What a load that ended so counts as, judging by its end alone.
[[nodiscard]] OutcomeKind kind_of(RunEnd end) noexcept;

// How a run went, from the client's threads to the last column of a table.
struct RunOutcome {
  OutcomeKind kind = OutcomeKind::measured;
  RunEnd reason = RunEnd::completed;
  std::string sentence{};  // one clause that says what happened, where something did

  // Takes note of what ended the load. The sentence stays.
  void end(RunEnd why) noexcept {
    kind = kind_of(why);
    reason = why;
  }
};

}  // namespace echomux
