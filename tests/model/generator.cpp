#include <algorithm>
#include <array>
#include <random>

#include "tests/model/script.hpp"

namespace echomux::model {
namespace {

constexpr std::size_t kibibyte = 1024;
// Where a peer stalls depends on how far the kernel lets the buffers grow; this is beyond it for
// peers with small ones. A script may send it twice: more would fill the system's TCP memory when
// several scripts run at the same time.
constexpr std::size_t stall_bytes = 8192 * kibibyte;
constexpr int most_stalls = 2;

struct Weight {
  Action action;
  unsigned weight;
};
constexpr std::array while_open{
    Weight{Action::send, 30},      Weight{Action::read, 22},  Weight{Action::exchange, 8},
    Weight{Action::drain, 6},      Weight{Action::urgent, 3}, Weight{Action::stall, 4},
    Weight{Action::half_close, 7}, Weight{Action::close, 3},  Weight{Action::reset, 5},
};
constexpr std::array after_half_close{
    Weight{Action::read, 10}, Weight{Action::drain, 4}, Weight{Action::expect_end, 10},
    Weight{Action::close, 2}, Weight{Action::reset, 3},
};

class Generator {
 public:
  Generator(std::uint64_t seed, const ScriptSize& size) : random_(seed), size_(size) {}

  Script make() {
    // A third of them with few peers, to which more happens.
    const std::size_t few = std::min<std::size_t>(size_.peers, 3);
    peers_.resize(1 + below(one_in(3) ? few : size_.peers));
    const std::size_t steps = size_.steps / 20 + below(size_.steps) + 1;
    while (script_.size() < std::min(steps, size_.steps)) add_step();
    return std::move(script_);
  }

 private:
  enum class State : std::uint8_t { away, open, half_closed };

  // The distributions of the standard library differ from one to another; a seed must not.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  bool one_in(std::size_t chances) { return below(chances) == 0; }

  // As often below ten as between 100,000 and a million.
  std::size_t bytes() {
    std::size_t bound = 10;
    for (std::size_t digits = below(6); digits > 0; --digits) bound *= 10;
    return 1 + below(bound);
  }

  // Sizes at which servers and kernels change their ways, and those one off.
  std::size_t edge() {
    constexpr std::array edges{std::size_t{1460}, 4 * kibibyte, 64 * kibibyte, 128 * kibibyte};
    return edges[below(edges.size())] - 1 + below(3);
  }

  template <std::size_t count>
  Action draw(const std::array<Weight, count>& weights) {
    unsigned sum = 0;
    for (const Weight& entry : weights) sum += entry.weight;
    std::size_t at = below(sum);
    for (const Weight& entry : weights) {
      if (at < entry.weight) return entry.action;
      at -= entry.weight;
    }
    return weights.front().action;
  }

  void add_step() {
    // Seldom, and not for long: nothing can be expected of a frozen server.
    if (one_in(frozen_ ? 5 : 40)) {
      frozen_ = !frozen_;
      script_.push_back({.action = frozen_ ? Action::freeze : Action::thaw});
      return;
    }
    const std::size_t peer = below(peers_.size());
    State& state = peers_[peer];
    if (state == State::away) {
      state = State::open;
      add_connect(peer);
      return;
    }
    Step step{.action = state == State::open ? draw(while_open) : draw(after_half_close),
              .peer = peer};
    if (step.action == Action::stall && ++stalls_ > most_stalls) step.action = Action::send;
    if (form_of(step.action).has_bytes) step.bytes = one_in(8) ? edge() : bytes();
    if (step.action == Action::stall) step.bytes = stall_bytes;
    if (step.action == Action::half_close) state = State::half_closed;
    if (step.action == Action::close || step.action == Action::reset ||
        step.action == Action::expect_end) {
      state = State::away;
    }
    script_.push_back(step);
  }

  void add_connect(std::size_t peer) {
    Step step{.action = Action::connect, .peer = peer};
    constexpr std::array<int, 3> sizes{8192, 32'768, 131'072};
    if (one_in(2)) step.send_buffer = sizes[below(sizes.size())];
    if (one_in(2)) step.receive_buffer = sizes[below(sizes.size())];
    script_.push_back(step);
  }

  std::mt19937_64 random_;
  ScriptSize size_;
  std::vector<State> peers_;
  Script script_;
  int stalls_ = 0;
  bool frozen_ = false;
};

}  // namespace

Script generate(std::uint64_t seed, const ScriptSize& size) {
  return Generator(seed, size).make();
}

}  // namespace echomux::model
