#include "cli/mystery.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "gallery/gallery.hpp"
#include "harness/text/field_json.hpp"
#include "harness/text/json.hpp"
#include "harness/text/whole_file.hpp"

namespace echomux {
namespace {

constexpr std::size_t most_points = 10;
constexpr std::size_t points_of_a_hint = 2;
constexpr std::size_t points_of_a_mistake = 2;

// The mystery that runs or ran last, and what has been done about it. Its seed alone says which
// exhibit it is.
struct Mystery {
  std::uint64_t seed = 0;
  std::size_t hints = 0;     // that were asked for
  std::size_t mistakes = 0;  // wrong guesses
  std::size_t points = 0;    // 0: not found out yet
};

template <typename Visit>
void for_each_field(Of<Mystery>, Visit visit) {
  visit({"seed"}, &Mystery::seed);
  visit({"hints"}, &Mystery::hints);
  visit({"mistakes"}, &Mystery::mistakes);
  visit({"points"}, &Mystery::points);
}

const Exhibit& exhibit_of(std::uint64_t seed) {
  return gallery()[std::mt19937_64(seed)() % gallery().size()];
}

constexpr std::string_view no_state =
    "there is nowhere to remember a mystery: set XDG_STATE_HOME to a folder that can be written to";

void remember(const Mystery& mystery) {
  for (const std::filesystem::path& folder : state_folders()) {
    try {
      return write_whole_file(folder / "mystery.json", json_of(mystery).dump(2) + '\n',
                              "the mystery's state");
    } catch (const std::runtime_error&) {
      continue;  // the next folder may do
    }
  }
  throw std::runtime_error(std::string(no_state));
}

std::optional<Mystery> recall() {
  for (const std::filesystem::path& folder : state_folders()) {
    std::ifstream file(folder / "mystery.json");
    if (!file) continue;
    try {
      Mystery mystery;
      read_json(Json::parse(file), mystery);
      return mystery;
    } catch (const JsonError&) {
      throw std::runtime_error(fmt::format("{} is not what 'serve mystery' wrote: remove it",
                                           (folder / "mystery.json").string()));
    }
  }
  return std::nullopt;
}

struct GuessOptions {
  std::string name;
  std::string because;
  bool hint = false;
};

int give_hint(Mystery mystery) {
  const auto& hints = exhibit_of(mystery.seed).hints;
  if (mystery.hints == hints.size()) {
    std::cout << "These are all the hints that there are.\n";
  } else if (mystery.points == 0) {
    ++mystery.hints;
    remember(mystery);
  }
  for (std::size_t i = 0; i < mystery.hints; ++i) {
    std::cout << fmt::format("hint {} of {} ({}): {}\n", i + 1, hints.size(), hints[i].seen_with,
                             hints[i].text);
  }
  return exit_ok;
}

bool shows_it(const Exhibit& exhibit, const std::string& observation) {
  return std::ranges::find(exhibit.hints, observation, &Hint::seen_with) != exhibit.hints.end();
}

// What it comes to: hints and mistakes cost, and so does a name without what shows it.
std::size_t points_for(const Mystery& mystery, bool shown) {
  const std::size_t lost =
      mystery.hints * points_of_a_hint + mystery.mistakes * points_of_a_mistake;
  const std::size_t left = std::max(most_points - std::min(lost, most_points), std::size_t{2});
  return shown ? left : left / 2;
}

int found_out(Mystery mystery, const std::string& because) {
  const Exhibit& exhibit = exhibit_of(mystery.seed);
  const bool shown = shows_it(exhibit, because);
  if (mystery.points == 0) {
    mystery.points = points_for(mystery, shown);
    remember(mystery);
  }
  std::cout << fmt::format("right: {}. Its bug: {}.\n", exhibit.name, exhibit.bug);
  if (!shown) {
    std::cout << (because.empty() ? "Say what showed it next time: --because. "
                                  : fmt::format("But {} doesn't show it. ", because))
              << "That costs half of the points.\n";
  }
  std::cout << fmt::format("{} of {} points, after {} hint{} and {} wrong guess{}.\n",
                           mystery.points, most_points, mystery.hints,
                           mystery.hints == 1 ? "" : "s", mystery.mistakes,
                           mystery.mistakes == 1 ? "" : "es")
            << fmt::format("Its page is gallery/{}/README.md. Without its bug: echomux serve {}\n",
                           exhibit.name, exhibit.mended.name);
  return exit_ok;
}

int guess(const GuessOptions& options) {
  if (options.hint == !options.name.empty()) {
    throw UsageError("give the NAME that you think it has, or --hint");
  }
  const std::optional<Mystery> last = recall();
  if (!last) throw UsageError("no mystery has run yet; start one with: echomux serve mystery");
  Mystery mystery = *last;
  if (options.hint) return give_hint(mystery);
  const auto guessed = std::ranges::find(gallery(), options.name, &Exhibit::name);
  const Exhibit& exhibit = exhibit_of(mystery.seed);
  if (&*guessed == &exhibit) return found_out(mystery, options.because);
  if (mystery.points == 0) {
    ++mystery.mistakes;
    remember(mystery);
  }
  std::cout << fmt::format("wrong: this is what is seen of {}: {}.\nOf the mystery: {}.\n",
                           guessed->name, guessed->symptom, exhibit.symptom);
  return exit_failure;
}

}  // namespace

decltype(Backend::serve) begin_mystery(std::optional<std::uint64_t> seed) {
  const std::optional<Mystery> last = recall();
  const bool at_random = !seed;
  std::random_device random;
  std::uniform_int_distribution<std::uint64_t> any(1, most_mystery_seeds);
  while (!seed || (at_random && last && &exhibit_of(*seed) == &exhibit_of(last->seed))) {
    seed = any(random);
  }
  const Mystery mystery = last && last->seed == *seed ? *last : Mystery{.seed = *seed};
  remember(mystery);
  std::cerr << fmt::format(
      "echomux: mystery {0}: {1}\n"
      "echomux: which bug is it? 'echomux list --gallery' has the names, 'echomux guess --hint' a "
      "hint; the same server again: --seed {0}\n",
      mystery.seed, exhibit_of(mystery.seed).symptom);
  return exhibit_of(mystery.seed).broken.serve;
}

Command guess_command() {
  const auto to = std::make_shared<GuessOptions>();
  std::vector<std::string> names;
  for (const Exhibit& exhibit : gallery()) names.emplace_back(exhibit.name);
  return {"guess",
          "Say which bug the server has that 'serve mystery' runs or ran last",
          {{"[NAME]", "The exhibit that it is", one_of(&to->name, names)},
           {"--because", "What has shown it to you",
            one_of(&to->because, {observations.begin(), observations.end()})},
           {"--hint", "Tell more of what one would see, and with what; the first is from outside",
            &to->hint}},
          fmt::format("Of {} points, each hint costs {}, and each wrong guess {}. Without what has "
                      "shown it, there is half of the rest.",
                      most_points, points_of_a_hint, points_of_a_mistake),
          [to] { return guess(*to); }};
}

}  // namespace echomux
