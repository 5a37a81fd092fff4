// What is made from the description of the command line, beside the command line itself. Each has
// its own rules for what must be escaped.
#include "cli/documents.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "harness/results/results_file.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

bool is_flag(const Option& option) {
  return std::holds_alternative<bool*>(option.value.to);
}

bool takes_commas(const Option& option) {
  return takes_several(option.value) && !option.value.repeated && !is_positional(option);
}

// What stands for the value where it isn't a choice.
std::string value_name(const Option& option) {
  if (is_positional(option)) return names_of(option).front();
  return option.value.file ? "FILE" : "VALUE";
}

// All options: those that the parser adds, too.
std::vector<Option> options_of(const Command& command) {
  static bool unused = false;
  std::vector<Option> options{{"-h,--help", "Print this help message and exit", &unused}};
  if (!command.version.empty()) {
    options.push_back({"--version", "Display program version information and exit", &unused});
  }
  options.insert(options.end(), command.options.begin(), command.options.end());
  return options;
}

// With each of the characters replaced by what stands beside it.
std::string escape(std::string_view text,
                   std::initializer_list<std::pair<char, std::string_view>> replacements) {
  std::string escaped;
  for (const char c : text) {
    const auto* const found =
        std::ranges::find(replacements, c, &std::pair<char, std::string_view>::first);
    escaped += found == replacements.end() ? std::string(1, c) : std::string(found->second);
  }
  return escaped;
}

// --- the manual page ---

// A hyphen would be typeset as a dash that no shell understands.
std::string troff(std::string_view text) {
  return escape(text, {{'\\', "\\e"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'\n', "\n.br\n"}});
}

std::string man_value(const Option& option) {
  // An option says its choices where others have a name; an argument has a name, and lists them.
  std::string value = option.value.choices.empty() || is_positional(option)
                          ? fmt::format("\\fI{}\\fR", troff(value_name(option)))
                          : troff(joined(option.value.choices, "|"));
  if (takes_commas(option)) return value + ",...";
  return takes_several(option.value) ? value + "..." : value;
}

std::string man_option(const Option& option) {
  std::string head = is_positional(option) ? man_value(option) : "";
  if (!is_positional(option)) {
    for (const std::string& name : names_of(option)) {
      head += fmt::format("{}\\fB{}\\fR", head.empty() ? "" : ", ", troff(name));
    }
    if (!is_flag(option)) head += " " + man_value(option);
  }
  std::string body = option.help;
  if (is_positional(option) && !option.value.choices.empty()) {
    body += fmt::format(": {}", joined(option.value.choices, ", "));
  }
  if (const std::string shown = default_text(option.value); !shown.empty()) {
    body += fmt::format(" (default: {})", shown);
  }
  const auto& [needs, excludes] = std::tie(option.needs, option.excludes);
  if (!needs.empty()) body += fmt::format(". Needs {}", joined(needs, ", "));
  if (!excludes.empty()) body += fmt::format(". Not with {}", joined(excludes, ", "));
  return fmt::format(".TP\n{}\n{}\n", head, troff(body));
}

std::string man_command(const Command& program, const Command& command) {
  std::string synopsis;
  for (const Option& option : command.options) {
    if (!is_positional(option)) continue;
    synopsis += is_required(option) ? " " + man_value(option) : " [" + man_value(option) + "]";
  }
  std::string page = fmt::format(".SS \"{} {} [options]{}\"\n{}.\n", troff(program.name),
                                 command.name, synopsis, troff(command.help));
  for (const Option& option : options_of(command)) page += man_option(option);
  if (!command.footer.empty()) page += ".PP\n" + troff(command.footer) + "\n";
  return page;
}

// In section 1, as troff with the macros of man(7).
std::string man_page(const Command& program) {
  // "NAME: what it is.\nMore": the form in which makewhatis(8) wants the first line.
  const std::size_t colon = program.help.find(": ");
  const std::size_t line = program.help.find(".\n");
  std::string page = fmt::format(
      ".TH \"{}\" 1 \"\" \"{}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n"
      ".I COMMAND\n[\\fIoptions\\fR]\n.SH DESCRIPTION\n{}\n.PP\n{}\n",
      escape(program.name, {}), troff(program.version), program.name,
      troff(program.help.substr(colon + 2, line - colon - 2)), program.name,
      troff(program.help.substr(line + 2)), troff(program.footer));
  for (const Option& option : options_of(program)) page += man_option(option);
  page += ".SH COMMANDS\n";
  for (const Command& command : program.commands) page += man_command(program, command);
  return page;
}

// --- bash ---

// To be sourced by bash.
std::string bash_completion(const Command& program) {
  // One line for what stands before the cursor in a command, and one for the command's other words.
  std::string cases;
  std::vector<std::string> first;
  const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  for (const Command& command : program.commands) {
    std::vector<std::string> words;
    std::string files;
    for (const Option& option : options_of(command)) {
      const Value& value = option.value;
      append(words, is_positional(option) ? value.offered : names_of(option));
      if (is_positional(option)) {
        if (value.file) files = " files=yes";
      } else if (!is_flag(option)) {
        cases += fmt::format("    {0}:{1}) words='{2}'{3}{4} ;;\n", command.name,
                             joined(names_of(option), " | " + command.name + ":"),
                             joined(value.offered, " "), takes_commas(option) ? " list=yes" : "",
                             value.file ? " files=yes" : "");
      }
    }
    cases += fmt::format("    {}:*) words='{}'{} ;;\n", command.name, joined(words, " "), files);
    first.push_back(command.name);
  }
  for (const Option& option : options_of(program)) append(first, names_of(option));
  return fmt::format(R"(# Completes the command line of {0} in bash: '{0} print bash' made it.
_{0}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
  local command= words= files= list= kept=
  # bash takes --option=value for three words.
  [[ $before == '=' ]] && before=${{COMP_WORDS[COMP_CWORD - 2]}}
  [[ $word == '=' ]] && word=
  (( COMP_CWORD > 1 )) && command=${{COMP_WORDS[1]}}
  case $command:$before in
{1}    :*) words='{2}' ;;
  esac
  [[ $list ]] && kept=${{word%"${{word##*,}}"}}
  mapfile -t COMPREPLY < <(compgen -P "$kept" -W "$words" -- "${{word#"$kept"}}")
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O ${{#COMPREPLY[@]}} COMPREPLY < <(compgen -f -- "$word")
  fi
}}
complete -F _{0} {0}
)",
                     program.name, cases, joined(first, " "));
}

// --- zsh ---

// What is put between single quotes, where brackets and colons divide.
std::string zsh(std::string_view text) {
  return escape(text, {{'\'', "'\\''"}, {'\\', "\\\\"}, {'[', "\\["}, {']', "\\]"}, {':', "\\:"}});
}

std::string zsh_action(const Option& option) {
  if (option.value.file) return "_files";
  if (option.value.offered.empty()) return "";
  const std::string words = joined(option.value.offered, " ");
  return takes_commas(option) ? fmt::format("{{_values -s , {} {}}}", value_name(option), words)
                              : "(" + words + ")";
}

// The words that _arguments takes for the option, one for each of its names.
std::string zsh_option(const Option& option) {
  const std::string message = fmt::format("{}:{}", value_name(option), zsh_action(option));
  if (is_positional(option)) {
    return fmt::format(" \\\n        '{}:{}'", takes_several(option.value) ? "*" : "", message);
  }
  const std::vector<std::string> names = names_of(option);
  std::vector<std::string> excluded = option.excludes;
  // An option that may be repeated doesn't exclude itself.
  if (!takes_several(option.value)) excluded.insert(excluded.end(), names.begin(), names.end());
  std::string words;
  for (const std::string& name : names) {
    words += fmt::format(" \\\n        '{}{}{}[{}]{}'",
                         excluded.empty() ? "" : fmt::format("({})", joined(excluded, " ")),
                         takes_several(option.value) ? "*" : "", name, zsh(option.help),
                         is_flag(option) ? "" : ":" + message);
  }
  return words;
}

// To be put into zsh's function path as _NAME.
std::string zsh_completion(const Command& program) {
  std::string commands;
  std::string cases;
  for (const Command& command : program.commands) {
    commands += fmt::format(" \\\n        '{}:{}'", command.name, zsh(command.help));
    cases += fmt::format("    {}) _arguments", command.name);
    for (const Option& option : options_of(command)) cases += zsh_option(option);
    cases += " ;;\n";
  }
  std::string options;
  for (const Option& option : options_of(program)) options += zsh_option(option);
  return fmt::format(R"(#compdef {0}
# Completes the command line of {0} in zsh: '{0} print zsh' made it.
_{0}() {{
  local curcontext="$curcontext" state line
  local -a commands=({1})
  _arguments -C{2} \
        '1:command:->command' '*::argument:->argument'
  [[ $state == command ]] && _describe command commands
  [[ $state == argument ]] && case $words[1] in
{3}  esac
}}
if [[ $funcstack[1] == _{0} ]]; then _{0} "$@"; else compdef _{0} {0}; fi
)",
                     program.name, commands, options, cases);
}

}  // namespace

Command print_command(const Command& program) {
  const auto what = std::make_shared<std::string>();
  Command command{
      "print",
      "Print the manual page, what a shell needs, or the schema of results files",
      {{"WHAT", "man, bash, zsh or schema", one_of(what.get(), {"man", "bash", "zsh", "schema"})}},
      "",
      [program, what] {
        std::cout << (*what == "man"    ? man_page(program)
                      : *what == "bash" ? bash_completion(program)
                      : *what == "zsh"  ? zsh_completion(program)
                                        : results_schema())
                  << std::flush;
        if (!std::cout) throw std::runtime_error("cannot write to stdout");
        return exit_ok;
      }};
  command.hidden = true;
  return command;
}

}  // namespace echomux
