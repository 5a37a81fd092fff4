#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace echomux::model {

// What one step of a script does, to one peer or to the server. A peer reads only when a step says
// so, so every peer that has sent something is a slow reader until then. A step that isn't possible
// when its turn comes, such as sending after a half-close, is passed over: so whatever is left out
// of a script, the rest is a script too.
enum class Action : std::uint8_t {
  connect,     // PEER, or PEER SEND_BUFFER RECEIVE_BUFFER in bytes, 0: the system's choice
  send,        // PEER BYTES: offers that many at once; what the kernel doesn't take isn't sent
  urgent,      // PEER: sends one byte marked as urgent
  stall,       // PEER BYTES: sends up to that many without reading, until no more are taken
  exchange,    // PEER BYTES: sends that many and reads at the same time, until all is back
  read,        // PEER BYTES: reads that many, or all that is still to come back if that is less
  drain,       // PEER: reads all that is still to come back
  half_close,  // PEER: ends its direction of the stream
  expect_end,  // PEER: after a half-close, reads all that is still to come, and then the end
  close,       // PEER: closes, whatever is still to come back
  reset,       // PEER: throws the connection away with a RST segment
  freeze,      // stops the server's process in its tracks; its kernel goes on for it
  thaw,        // lets it go on
};

// How an action is written, and what stands behind it.
struct ActionForm {
  Action action;
  std::string_view name;
  bool has_peer;
  bool has_bytes;
};
[[nodiscard]] const ActionForm& form_of(Action action) noexcept;

struct Step {
  Action action = Action::connect;
  std::size_t peer = 0;
  std::size_t bytes = 0;
  // Of connect alone: SO_SNDBUF and SO_RCVBUF in bytes; 0 leaves the choice to the system.
  int send_buffer = 0;
  int receive_buffer = 0;

  friend bool operator==(const Step&, const Step&) = default;
};

using Script = std::vector<Step>;

// No more peers and bytes than these in one step: what a script asks for is held in memory.
inline constexpr std::size_t most_peers = 1000;
inline constexpr std::size_t most_bytes = std::size_t{64} * 1024 * 1024;

// "send 3 5000", without the end of the line.
[[nodiscard]] std::string to_text(const Step& step);
// One step a line.
[[nodiscard]] std::string to_text(const Script& script);

// Reads what to_text() writes; empty lines and lines that begin with '#' are passed over. Throws
// std::runtime_error, which names the line and what is wrong with it.
[[nodiscard]] Script parse_script(std::string_view text);

// The largest script that a generator makes.
struct ScriptSize {
  std::size_t peers = 20;
  std::size_t steps = 200;
};

// A random script, always the same for the same seed and size. Some have one peer or two and some
// many; sizes go from one byte to several times what the socket buffers hold.
[[nodiscard]] Script generate(std::uint64_t seed, const ScriptSize& size = {});

}  // namespace echomux::model
