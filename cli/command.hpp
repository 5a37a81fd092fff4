#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/load/outcome.hpp"

namespace echomux {

// Exit statuses of every subcommand.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_valid =
    3;  // measured, but not to be trusted; asked for with --strict
inline constexpr int exit_interrupted = 130;
// That of a run which went so; `doubted`: --strict is given, and a figure isn't to be trusted.
[[nodiscard]] constexpr int exit_status(OutcomeKind kind, bool doubted = false) noexcept {
  if (kind == OutcomeKind::interrupted) return exit_interrupted;
  if (kind == OutcomeKind::failed) return exit_failure;
  return doubted ? exit_not_valid : exit_ok;
}
// The kind of a run of many parts: was it stopped, and has any of them failed?
[[nodiscard]] constexpr OutcomeKind kind_of_all(bool interrupted, bool any_failed) noexcept {
  if (interrupted) return OutcomeKind::interrupted;
  return any_failed ? OutcomeKind::failed : OutcomeKind::measured;
}

// Thrown for a mistake on the command line that only a subcommand can see; ends with exit_usage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where values of type T go; only the first form shows what is there before as the default.
template <typename T>
using Into = std::variant<T*, std::optional<T>*, std::vector<T>*>;

// Values in a form of this program's own, which cli/values.hpp parses once the command line as a
// whole is in order.
struct Count {  // 250, 10k, 1m
  Into<std::size_t> to;
  std::size_t least;
  std::size_t most;
};
struct Rate {  // per second: 0.5, 2.5k
  Into<double> to;
};
struct Duration {  // 500ms, 30s, 2m
  Into<std::chrono::nanoseconds> to;
  std::chrono::nanoseconds least;
  std::chrono::nanoseconds most;
};
// Words that are taken one after the other, when the command line as a whole is in order. A word
// that isn't one of them is refused with std::invalid_argument, whose sentence the user gets.
struct Words {
  std::function<void(const std::string& word)> take;
  std::string shown{};  // as the default
};
// A whole number as it is: digits alone. (k and m are for what is counted.)
struct Number {
  using To = std::variant<std::uint16_t*, std::uint64_t*, std::optional<std::uint64_t>*>;
  template <typename T>
  requires std::constructible_from<To, T*> Number(T* target)
      : to(target) {}  // NOLINT(google-explicit-constructor)
  To to;
};
// A decimal number. A default out of its bounds isn't shown.
struct Real {
  double* to;
  double least;
  double most;
};

// What may be given for an option, and where it goes. What is there before is the default, which
// help shows. A bool is a flag. A vector takes several values, in one word with commas.
struct Value {
  using Target = std::variant<bool*, std::string*, std::vector<std::string>*, Number, Real, Count,
                              Rate, Duration, Words>;

  template <typename To>
  requires std::constructible_from<Target, To> Value(To target)
      : to(std::move(target)) {}  // NOLINT(google-explicit-constructor)

  Target to;
  std::vector<std::string> choices;  // all that may be written
  std::vector<std::string> offered;  // what a shell offers; without choices there is more
  bool file = false;                 // a shell offers the names of files
  std::string when_empty;            // what is wrong with an empty word; empty: nothing is
  bool repeated = false;             // the option is repeated for each value; no commas
  bool default_shown = true;
};
// The value with one of these set.
[[nodiscard]] Value one_of(Value value, const std::vector<std::string>& choices);
[[nodiscard]] Value offer(Value value, std::vector<std::string> words);
[[nodiscard]] Value file(Value value, std::string when_empty = {});
[[nodiscard]] Value repeated(Value value);

// An option, "-o,--output"; a flag that makes its bool false, "!--no-pin"; a positional that must
// be given, "FILE"; or one that need not be, "[ID]".
struct Option {
  std::string names;
  std::string help;
  Value value;
  // By the last name of each; what is excluded also excludes.
  std::vector<std::string> excludes{};
  std::vector<std::string> needs{};
};

// The program or one of its subcommands. What its options and action refer to must live as long;
// the action holds it, where nothing else does.
struct Command {
  std::string name;
  std::string help;
  std::vector<Option> options;
  std::string footer;  // below the help; empty: that of the program
  // What the parsed command line asks for; returns the exit status. May throw UsageError, or any
  // other exception for a failed run (exit_failure).
  std::function<int()> action;
  std::vector<Command> commands{};  // one of them must be chosen
  std::string version{};            // what --version prints; empty: there is no such option
  bool hidden = false;              // not in the program's help
};

// Parses the command line and runs what it asks for. Returns the exit status; says on stderr what
// is wrong with the command line, or what an action has thrown.
int parse_and_run(const Command& program, int argc, const char* const* argv);

// {"-o", "--output"} of an option, {"FILE"} of a positional.
[[nodiscard]] std::vector<std::string> names_of(const Option& option);
[[nodiscard]] bool is_positional(const Option& option);
[[nodiscard]] bool is_required(const Option& option);
[[nodiscard]] bool takes_several(const Value& value);

// The default as help shows it; empty: none.
[[nodiscard]] std::string default_text(const Value& value);

// The subcommands of echomux.
[[nodiscard]] Command bench_command();
[[nodiscard]] Command show_command();
[[nodiscard]] Command draw_command();
[[nodiscard]] Command report_command();
[[nodiscard]] Command swarm_command();
[[nodiscard]] Command compare_command();
[[nodiscard]] Command merge_command();
[[nodiscard]] Command reproduce_command();
[[nodiscard]] Command claims_command();
[[nodiscard]] Command predict_command();
[[nodiscard]] Command doctor_command();
[[nodiscard]] Command list_command();
[[nodiscard]] Command serve_command();
[[nodiscard]] Command client_command();
[[nodiscard]] Command guess_command();
[[nodiscard]] Command try_command();

}  // namespace echomux
