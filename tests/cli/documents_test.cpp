// The manual page and the completions against the help, which the same description makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

// The first group of each match, line by line.
std::vector<std::string> find_all(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern, std::regex::ECMAScript | std::regex::multiline);
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match) {
    found.push_back((*match)[1]);
  }
  return found;
}

// What the help names: the options of each command, and with an empty name the program's own.
std::map<std::string, std::vector<std::string>> options_in_help() {
  std::map<std::string, std::vector<std::string>> options;
  const std::string help = run_program({"--help"}).out;
  std::vector<std::string> commands = find_all(help, "^  ([a-z]+) ");
  EXPECT_GE(commands.size(), 11);
  commands.emplace_back();
  for (const std::string& command : commands) {
    const std::string text = command.empty() ? help : run_program({command, "--help"}).out;
    for (const std::string& names : find_all(text, "^  (-[^ ]+)")) {
      for (const std::string& name : find_all(names, "([^,]+)")) options[command].push_back(name);
    }
    for (const std::string& name : find_all(text, "^  ([A-Z]+) ")) options[command].push_back(name);
  }
  return options;
}

std::string printed(const std::string& what) {
  const Finished print = run_program({"print", what});
  EXPECT_EQ(print.status, exit_ok) << print.err;
  return print.out;
}

// From `begin` to the next `end`, without either.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  return text.substr(from, text.find(end, from + begin.size()) - from);
}

constexpr const char* shell_path = "/bin/bash";

bool is_installed(const std::string& program) {
  return run_program({"-c", "command -v " + program}, {}, shell_path).status == 0;
}

// What bash offers for the last of the words, in `directory`.
std::vector<std::string> offered_by_bash(std::vector<std::string> words,
                                         const std::string& directory = "/") {
  words.insert(words.begin(), {"-c",
                               R"(cd "$0" && source /dev/stdin && COMP_WORDS=(echomux "$@") &&
                                  COMP_CWORD=$# && _echomux && printf '%s\n' "${COMPREPLY[@]}")",
                               directory});
  const Finished bash = run_program(words, printed("bash"), shell_path);
  EXPECT_THAT(bash.err, IsEmpty());
  return find_all(bash.out, "^(.+)$");
}

TEST(Documents, AreHiddenFromTheHelp) {
  EXPECT_THAT(run_program({"--help"}).out, Not(HasSubstr("\n  print")));
}

TEST(ManPage, HasEveryCommandAndOption) {
  const std::string page = printed("man");
  for (const auto& [command, options] : options_in_help()) {
    const std::string part = command.empty()
                                 ? between(page, ".SH DESCRIPTION", ".SH COMMANDS")
                                 : between(page, ".SS \"echomux " + command + " ", ".SS");
    for (const std::string& option : options) {
      EXPECT_THAT(part, HasSubstr(std::regex_replace(option, std::regex("-"), "\\-"))) << command;
    }
  }
}

TEST(ManPage, IsSetWithoutAWarning) {
  if (!is_installed("groff")) GTEST_SKIP() << "not installed: groff";
  const Finished groff = run_program({"-c", "groff -ww -man -Tutf8"}, printed("man"), shell_path);
  EXPECT_THAT(groff.err, IsEmpty());
  EXPECT_THAT(groff.out, HasSubstr("Don't have idle connections confirmed"));
}

TEST(BashCompletion, OffersEveryCommandAndOption) {
  const std::vector<std::string> first = offered_by_bash({""});
  for (const auto& [command, options] : options_in_help()) {
    if (command.empty()) {
      EXPECT_THAT(first, IsSupersetOf(options));
      continue;
    }
    EXPECT_THAT(first, Contains(command));
    std::vector<std::string> named = options;
    std::erase_if(named, [](const std::string& name) { return !name.starts_with('-'); });
    EXPECT_THAT(offered_by_bash({command, "-"}), IsSupersetOf(named)) << command;
  }
}

TEST(BashCompletion, OffersWhatAnOptionTakes) {
  EXPECT_THAT(offered_by_bash({"bench", "--preset", "s"}), ElementsAre("standard"));
  EXPECT_THAT(offered_by_bash({"bench", "--preset", "=", "q"}), ElementsAre("quick"));
  EXPECT_THAT(offered_by_bash({"bench", "--format", "="}), Contains("markdown"));
  EXPECT_THAT(offered_by_bash({"bench", "--size", ""}), IsEmpty());
  EXPECT_THAT(offered_by_bash({"serve", ""}), IsSupersetOf(server_names()));
  EXPECT_THAT(offered_by_bash({"bench", "--backends", "poll,epoll_l"}),
              ElementsAre("poll,epoll_lt"));
}

TEST(BashCompletion, OffersFilesWhereOneIsWanted) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "run 1.json") << "{}";
  const auto offered = [&](const std::vector<std::string>& words) {
    return offered_by_bash(words, directory.path());
  };
  EXPECT_THAT(offered({"show", "ru"}), ElementsAre("run 1.json"));
  EXPECT_THAT(offered({"bench", "--resume", ""}), ElementsAre("run 1.json"));
  EXPECT_THAT(offered({"bench", "-o", ""}), ElementsAre("run 1.json"));
  EXPECT_THAT(offered({"serve", "ru"}), IsEmpty());
}

TEST(ZshCompletion, HasEveryCommandAndOption) {
  const std::string completion = printed("zsh");
  for (const auto& [command, options] : options_in_help()) {
    const std::string part = command.empty() ? between(completion, "_arguments -C", "1:command")
                                             : between(completion, "\n    " + command + ") ", ";;");
    for (const std::string& option : options) {
      EXPECT_THAT(part, HasSubstr(option + (option.starts_with('-') ? "[" : ":"))) << command;
    }
  }
}

TEST(Schema, IsTheOneInTheTree) {
  std::ifstream file(RESULTS_SCHEMA);
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(kept == printed("schema"))
      << "make it anew: build/echomux print schema >harness/results/results.schema.json";
}

// A terminal in which zsh reads what is typed, the completion key at the end, up to what it must
// add.
constexpr const char* typed_in_zsh = R"zsh(
zmodload zsh/zpty && zpty shell "TERM=dumb $ZSH_NAME -f -i" &&
zpty -w shell "autoload -U compinit; compinit -u -D; source $1; print RE''ADY" &&
zpty -r shell output '*READY*' &&
zpty -w -n shell "$2"$'\t' &&
zpty -r shell output "*$2*$3*"
)zsh";

TEST(ZshCompletion, CompletesWhatIsTyped) {
  if (!is_installed("zsh")) GTEST_SKIP() << "not installed: zsh";
  const TemporaryDirectory directory;
  const std::string file = directory / "_echomux";
  std::ofstream(file) << printed("zsh");
  const auto completes = [&](const std::string& typed, const std::string& rest) {
    return run_program({"-c", R"(zsh -f -c "$0" zsh "$@")", typed_in_zsh, file, typed, rest}, {},
                       shell_path)
        .status;
  };
  EXPECT_EQ(completes("echomux bench --preset q", "uick "), 0);
  EXPECT_EQ(completes("echomux bench --backends floor,busy", "_poll"), 0);
  EXPECT_EQ(completes("echomux show " + directory.path().string() + "/_ech", "omux "), 0);
}

}  // namespace
}  // namespace echomux
