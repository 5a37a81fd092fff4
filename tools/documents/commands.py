"""Whether the commands that documents name exist, and take the options that they are shown with."""

import pathlib
import re

from documents import others, shell, sources, tree

class Commands:
    def __init__(self, program):
        self.help = sources.Help(program)
        self._build = pathlib.Path(program).parent

    def check(self, words, strict):
        """What is wrong with a command: texts. Unless strict, only commands of ours count."""
        name, rest = words[0], words[1:]
        if name in ("echomux", "build/echomux", "./build/echomux"):
            return self._echomux(rest)
        if name == "./run":
            return self._run(rest)
        if name.startswith(("build/", "./build/")):
            return self._built(name, rest)
        if "/" in name and not name.startswith(("/", "<")):
            path = name.removeprefix("./")
            if (tree.ROOT / path).exists():
                return self._known_options(rest)
            return [f"there is no {path}"] if strict else []
        if strict and name not in others.names("commands") and not self._is_built(name):
            return [f"'{name}' is no command of ours; if it is another's, add it to [commands] in "
                    f"{others.FILE}"]
        return []

    def _echomux(self, words):
        subcommand = next((word for word in words if not word.startswith("-")), None)
        if subcommand and subcommand.isupper():
            return []  # a placeholder
        if subcommand and subcommand not in self.help.subcommands():
            return [f"echomux has no subcommand '{subcommand}'; it has "
                    f"{', '.join(sorted(self.help.subcommands()))}"]
        known = self.help.options(subcommand)
        return [f"echomux {subcommand or ''} has no option {option} (see its --help)"
                for option in _options(words) if option not in known]

    def _run(self, words):
        if not words or words[0].startswith("-") or words[0].isupper():
            return []
        known = self.help.run_commands()
        if words[0] not in known and words[0] != "help":
            return [f"./run has no command '{words[0]}'; it has {', '.join(sorted(known))}"]
        passed_on = re.search(r"arguments go to\s+'echomux (\w+)'", known.get(words[0], ""))
        if passed_on:
            return self._echomux([passed_on.group(1), *words[1:]])
        return self._known_options(words[1:])

    def _built(self, name, words):
        if not self._is_built(name.partition("build/")[2]):
            return [f"CMakeLists.txt builds no {name.rpartition('/')[2]}"]
        return self._known_options(words)

    def _is_built(self, name):
        target = re.escape(name.rpartition("/")[2])
        return ((self._build / name).is_file()
                or any(re.search(rf"(?<![\w./-]){target}(?![\w./-])", tree.read(name))
                       for name in tree.files("CMakeLists.txt")))

    def _known_options(self, words):
        known = sources.options_in_code() | others.names("options")
        return [f"no program of ours knows the option {option}" for option in _options(words)
                if option not in known]

    def check_line(self, line, strict):
        line = re.sub(r"\s#.*$|^#.*$", "", line).removeprefix("$ ")
        line = re.sub(r"\s{3,}\S.*$", "", line) if not strict else line  # what is said of it beside
        return [problem for words in shell.commands(line) for problem in self.check(words, strict)]


def _options(words):
    return [match.group() for word in words if (match := sources.OPTION.match(word))]
