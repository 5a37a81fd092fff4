#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "echo/socket.hpp"
#include "harness/load/swarm_text.hpp"

namespace echomux {

// How a peer leaves.
enum class Ending : std::uint8_t {
  close,             // orderly, with all echoes back
  half_close,        // ends its direction as soon as all is sent, and reads up to the server's end
  reset,             // with a RST segment, when all echoes are back
  reset_in_the_way,  // the same as soon as all is sent, whatever is still to come back
};

inline constexpr std::uint64_t without_end = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::chrono::nanoseconds for_good = std::chrono::hours(24);

// What one peer does, from its connect(2) to its end.
struct PeerScript {
  std::string kind;         // under which its fate is counted
  std::uint64_t bytes = 0;  // sends in all
  std::size_t message_bytes = 64;
  // Message k is due k times this after the phase is over, which begins with the connect; zero: as
  // soon as `outstanding` allows.
  std::chrono::nanoseconds interval{0};
  std::chrono::nanoseconds phase{0};
  std::uint64_t outstanding = without_end;          // bytes that may be without an echo
  bool urgent = false;                              // each send is marked as urgent (MSG_OOB)
  bool reads = true;                                // false: never
  bool reads_late = false;                          // nothing until all is sent, or no more can be
  std::size_t read_bytes = SwarmText::chunk_bytes;  // at most, at a time
  std::chrono::nanoseconds read_interval{0};        // from one time to the next
  std::chrono::nanoseconds lingers{0};              // silent when all is echoed, before it leaves
  Ending ending = Ending::close;
  int buffer_bytes = 0;  // of the socket, for each direction; 0: the system's choice
};

// What became of all peers of a kind.
struct PeerTally {
  std::uint64_t started = 0;
  std::uint64_t completed = 0;  // did all that their script says, and got every byte back
  std::uint64_t lost = 0;       // the server ended or reset the connection too early
  std::uint64_t wrong = 0;      // another byte came back than was sent, or one too many
  std::uint64_t stuck = 0;      // waited for the server in vain for the crowd's patience
  std::uint64_t abandoned = 0;  // reset by abandon() before they were through
  std::uint64_t bytes_checked = 0;

  [[nodiscard]] std::uint64_t failed() const noexcept { return lost + wrong + stuck; }
  void add(const PeerTally& other) noexcept;
};

// Clients of one echo server in one thread: each follows its script, and every byte that comes back
// is compared with what was sent. Not for sharing between threads. All functions throw
// std::runtime_error or std::system_error when a limit of this machine is met.
class Crowd {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Crowd(const Endpoint& server,
                 std::chrono::nanoseconds patience = std::chrono::seconds(10));

  // Starts one more peer.
  void add(const PeerScript& script);

  // Does what is to be done until then, or until no peer is left if that comes first.
  void run_until(Clock::time_point end);

  // Tells the peers that would go on that it is time to leave in order: no further message, and no
  // further lingering. Those that never read are reset.
  void retire();

  // Resets every connection at once.
  void abandon();

  // Peers that have not left yet; and of these, those that the kernel has connected.
  [[nodiscard]] std::size_t size() const noexcept { return peers_.size(); }
  [[nodiscard]] std::size_t connected() const noexcept { return connected_; }

  [[nodiscard]] const std::map<std::string, PeerTally>& tallies() const noexcept {
    return tallies_;
  }
  // What went wrong first, with kind and offset; empty if nothing has.
  [[nodiscard]] const std::string& first_failure() const noexcept { return first_failure_; }

 private:
  // The one of a tally's counts that a peer ends up in.
  using Fate = std::uint64_t PeerTally::*;

  struct Peer {
    FileDescriptor socket;
    PeerScript script;
    std::uint64_t number = 0;  // never used again
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint32_t interest = 0;  // as epoll knows it
    bool connected = false;
    bool full = false;  // a send found no room: so it reads, late or not
    bool half_closed = false;
    bool lingering = false;
    Clock::time_point begin;
    Clock::time_point next_read;
    Clock::time_point leaves;
    Clock::time_point last_progress;
    Clock::time_point timer;  // of its earliest entry in timers_
  };

  struct Timer {
    Clock::time_point when;
    std::uint64_t number;
    friend bool operator<(const Timer& a, const Timer& b) noexcept { return a.when > b.when; }
  };

  void advance(std::uint64_t number, std::uint32_t events);
  bool connect_ended(Peer& peer, std::uint32_t events);
  bool send_some(Peer& peer, Clock::time_point now);
  bool receive_some(Peer& peer, Clock::time_point now);
  bool accept_bytes(Peer& peer, std::span<const std::byte> bytes);
  bool leave_if_done(Peer& peer, Clock::time_point now);
  void wait_for_more(Peer& peer, Clock::time_point now);
  void set_timer(Peer& peer, Clock::time_point when);
  void end(Peer& peer, Fate fate, const std::string& why = {});
  void end_stuck_peers(Clock::time_point now);
  [[nodiscard]] static std::uint64_t messages_due(const Peer& peer, Clock::time_point now) noexcept;
  [[nodiscard]] static bool wants_to_read(const Peer& peer) noexcept;
  [[nodiscard]] static std::uint64_t may_send_up_to(const Peer& peer,
                                                    Clock::time_point now) noexcept;

  Endpoint server_;
  std::chrono::nanoseconds patience_;
  FileDescriptor epoll_;
  SwarmText text_;
  std::unordered_map<std::uint64_t, Peer> peers_;
  std::priority_queue<Timer> timers_;
  std::array<epoll_event, 256> events_{};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(SwarmText::chunk_bytes);
  std::map<std::string, PeerTally> tallies_;
  std::string first_failure_;
  std::uint64_t next_number_ = 0;
  std::size_t connected_ = 0;
  Clock::time_point next_check_;
};

}  // namespace echomux
