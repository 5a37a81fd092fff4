// Descriptions of commands become CLI11's: nothing else includes its header, which takes long to
// compile.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <new>
#include <system_error>

#include "cli/command.hpp"
#include "cli/standard_streams.hpp"
#include "cli/values.hpp"
#include "echo/system_call.hpp"

namespace echomux {
namespace {

// Those that are parsed last, by cli/values.hpp.
template <typename T>
concept Own = std::is_class_v<T> && requires(const T& value) {
  store(value, "", {});
};

void add_option(CLI::App& app, const Option& option) {
  const std::string names = CLI::detail::join(names_of(option));
  CLI::Option& added = *std::visit(
      [&]<typename To>(const To& to) {
        if constexpr (std::is_same_v<To, bool*>) {
          return app.add_flag(names, *to, option.help);
        } else if constexpr (std::is_same_v<To, Real>) {
          return app.add_option(names, *to.to, option.help)->check(CLI::Range(to.least, to.most));
        } else if constexpr (Own<To>) {
          return app.add_option(names, CLI::callback_t(), option.help)
              ->type_name(std::is_same_v<To, Number> ? "UINT" : "TEXT");
        } else {
          return app.add_option(names, *to, option.help);
        }
      },
      option.value.to);
  added.default_str(default_text(option.value))->required(is_required(option));
  if (takes_several(option.value)) added.expected(CLI::detail::expected_max_vector_size);
  if (option.value.repeated) {
    added.allow_extra_args(false);
  } else if (takes_several(option.value) && !is_positional(option)) {
    added.delimiter(',');
  }
  if (!option.value.choices.empty()) added.check(CLI::IsMember(option.value.choices));
  if (!option.value.when_empty.empty()) {
    added.check([what = option.value.when_empty](const std::string& word) {
      return word.empty() ? what : std::string();
    });
  }
}

void describe(CLI::App& app, const Command& command) {
  if (!command.footer.empty()) app.footer(command.footer);
  if (!command.commands.empty()) app.require_subcommand(1);
  for (const Option& option : command.options) add_option(app, option);
  for (const Option& option : command.options) {
    CLI::Option* const added = app.get_option(names_of(option).back());
    for (const std::string& other : option.needs) added->needs(app.get_option(other));
    for (const std::string& other : option.excludes) added->excludes(app.get_option(other));
    if (option.excludes.size() > 1) {  // which CLI11 would name in the order of their addresses
      added->option_text(added->get_type_name() +
                         " Excludes: " + CLI::detail::join(option.excludes, " "));
    }
  }
  for (const Command& below : command.commands) {
    CLI::App* const added = app.add_subcommand(below.name, below.help);
    if (below.hidden) added->group("");
    describe(*added, below);
  }
}

// Runs the command that has been chosen, with the values that are parsed last.
int run(const CLI::App& app, const Command& command) {
  for (const Command& below : command.commands) {
    const CLI::App* const chosen = app.get_subcommand(below.name);
    if (chosen->parsed()) return run(*chosen, below);
  }
  for (const Option& option : command.options) {
    const std::string name = names_of(option).back();
    const CLI::Option* const given = app.get_option(name);
    const auto store_own = [&](const auto& value) {
      if constexpr (Own<std::decay_t<decltype(value)>>) store(value, name, given->results());
    };
    if (given->empty()) continue;
    std::visit(store_own, option.value.to);
    if (option.names.starts_with('!')) {  // CLI11 has made it true, as its flags do
      bool& flag = *std::get<bool*>(option.value.to);
      flag = !flag;
    }
  }
  return command.action();
}

struct DefaultText {
  std::string operator()(const bool*) const { return {}; }
  std::string operator()(const std::string* text) const { return *text; }
  std::string operator()(const std::vector<std::string>* words) const {
    return words->empty() ? std::string() : "[" + CLI::detail::join(*words, ",") + "]";
  }
  std::string operator()(const std::chrono::nanoseconds* time) const { return time_text(*time); }
  template <typename T>
  std::string operator()(const T* value) const {
    return std::is_arithmetic_v<T> ? CLI::detail::to_string(*value) : std::string();
  }
  std::string operator()(const Real& real) const {
    return *real.to >= real.least && *real.to <= real.most ? operator()(real.to) : std::string();
  }
  std::string operator()(const Words& words) const { return words.shown; }
  std::string operator()(const Own auto& own) const { return std::visit(*this, own.to); }
};

}  // namespace

Value one_of(Value value, const std::vector<std::string>& choices) {
  value.offered = value.choices = choices;
  return value;
}
Value offer(Value value, std::vector<std::string> words) {
  value.offered = std::move(words);
  return value;
}
Value file(Value value, std::string when_empty) {
  value.file = true;
  value.when_empty = std::move(when_empty);
  return value;
}
Value repeated(Value value) {
  value.repeated = true;
  return value;
}

std::vector<std::string> names_of(const Option& option) {
  std::string names = option.names;
  std::erase_if(names, [](char c) { return c == '!' || c == '[' || c == ']'; });
  return CLI::detail::split(names, ',');
}

bool is_positional(const Option& option) {
  return !names_of(option).front().starts_with('-');
}

bool is_required(const Option& option) {
  return is_positional(option) && !option.names.starts_with('[');
}

bool takes_several(const Value& value) {
  if (value.repeated) return true;
  return std::visit(
      []<typename To>(const To& to) {
        if constexpr (std::is_same_v<To, Number>) return false;
        if constexpr (requires { to.to.index(); }) return to.to.index() == 2;  // the vector
        return std::is_same_v<To, std::vector<std::string>*>;
      },
      value.to);
}

std::string default_text(const Value& value) {
  return value.default_shown ? std::visit(DefaultText(), value.to) : std::string();
}

namespace {

// What to do about an error of the system's that says nothing of its cause.
std::string_view remedy(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return ": no more memory may be taken (ulimit -v and ulimit -d limit it)";
  }
  const auto* const system = dynamic_cast<const std::system_error*>(&error);
  if (system == nullptr) return "";
  if (system->code() == std::errc::too_many_files_open) {
    return "; raise the limit of open descriptors: ulimit -n";
  }
  if (system->code() == std::errc::resource_unavailable_try_again) {
    return ": no further thread is to be had; memory (ulimit -v) or processes (ulimit -u) are "
           "limited";
  }
  return system->code() == std::errc::not_enough_memory
             ? "; memory is limited (ulimit -v and ulimit -d)"
             : "";
}

int parse_and_act(const Command& program, int argc, const char* const* argv) {
  // Help names what isn't installed as it was called, with its folder.
  CLI::App app(program.help, program.version.empty() ? std::string() : program.name);
  if (!program.version.empty()) app.set_version_flag("--version", program.version);
  describe(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 numbers its errors; here every mistake on the command line is one status.
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  try {
    return run(app, program);
  } catch (const std::exception& error) {
    std::cerr << program.name << ": " << error.what() << remedy(error) << '\n';
    return dynamic_cast<const UsageError*>(&error) != nullptr ? exit_usage : exit_failure;
  }
}

}  // namespace

int parse_and_run(const Command& program, int argc, const char* const* argv) {
  StandardStreams streams;
  const int status = parse_and_act(program, argc, argv);
  const int error = streams.finish();
  if (error == 0 || status != exit_ok) return status;
  std::cerr << fmt::format("{}: cannot write to stdout: {}\n", program.name, error_text(error));
  return exit_failure;
}

}  // namespace echomux
