#!/usr/bin/env python3
"""The answers to the exercises that are kept: each solution, and what is wrong on purpose, its starter
included, as differences to the solution.

  answers.py list [EXERCISE…]           their names, and what each wrong one does
  answers.py text EXERCISE/NAME         prints that answer
  answers.py write FILE [--threads]     writes one source that has all servers; --threads: only those
                                        that use threads

In course/solutions/EXERCISE/wrong.txt a line '= NAME: what it does' begins an answer, or '=! NAME: …' one
that is tested each time. Lines with '> ' are words that its check must say, and the others are pieces of a difference without line numbers,
with '@@' between two of them. 'EXERCISE/solution' is the solution itself.
"""

import argparse
import dataclasses
import pathlib
import re
import sys

COURSE = pathlib.Path(__file__).resolve().parent.parent
SOLUTIONS = COURSE / "solutions"
EIGHTH = "eighth_backend"
SOLUTION = "solution"
STARTER = "starter"


@dataclasses.dataclass
class Answer:
    """`about` is what it does, `says` are words of its check; none: it is right. `always`: it is tested
    each time, while others take turns."""

    exercise: str
    name: str
    about: str
    says: list
    text: str
    always: bool = False

    @property
    def full_name(self):
        return f"{self.exercise}/{self.name}"


def uses_threads(source):
    """Whether a server's source text begins threads."""
    code = re.sub(r"//.*", "", source)
    return re.search(r"\bstd::(jthread|thread|async)\b|\bpthread_create\b", code) is not None


def file_of(folder):
    """What a student writes in the folder of an exercise."""
    return next(path for name in ("server.cpp", "eighth_server.cpp", "prediction.json")
                if (path := folder / name).exists())


def changed(text, piece, where):
    """The text with one piece of a difference applied, whose old lines stand in it once."""
    old = "".join(line[1:] + "\n" for line in piece if line[0] in " -")
    new = "".join(line[1:] + "\n" for line in piece if line[0] in " +")
    times = ("\n" + text).count("\n" + old)
    if times != 1:
        raise ValueError(f"{where}: these lines stand {times} times in the solution, and not once:\n" + old)
    return ("\n" + text).replace("\n" + old, "\n" + new)[1:]


def of_exercise(exercise):
    """Its solution, and then all that is kept wrong of it."""
    solution = file_of(SOLUTIONS / exercise).read_text(encoding="utf-8")
    answers = [Answer(exercise, SOLUTION, "the solution", [], solution, True)]
    notes = SOLUTIONS / exercise / "wrong.txt"
    for part in re.split(r"^=(?=!? )", notes.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, *lines = part.rstrip("\n").split("\n")
        name, about = head.lstrip("! ").split(": ", 1)
        says = [line[2:] for line in lines if line.startswith("> ")]
        pieces = [[]]
        for line in lines:
            if line.startswith("@@"):
                pieces.append([])
            elif not line.startswith("> "):
                pieces[-1].append(line or " ")
        text = solution
        for piece in filter(None, pieces):
            text = changed(text, piece, f"{exercise}/{name}")
        answers.append(Answer(exercise, name, about, says, text, head.startswith("!")))
    return answers


def exercises():
    return sorted(path.parent.name for path in SOLUTIONS.glob("*/wrong.txt"))


def find(full_name):
    exercise, name = full_name.split("/")
    return next(answer for answer in of_exercise(exercise) if answer.name == name)


def one_source(answers):
    """All servers in one source: what they include, once, then each in a namespace of its own, and a
    server that is the one which the environment names."""
    includes, bodies, rows = set(), [], []
    for number, answer in enumerate(answers):
        includes.update(re.findall(r"^#include .*", answer.text, re.MULTILINE))
        body = re.sub(r"^#include .*", "", answer.text, flags=re.MULTILINE)
        body = body.replace("serve_eighth(", "serve_exercise(")
        body = body.replace("namespace echomux {", f"namespace echomux::answer_{number} {{", 1)
        bodies.append(f'#line 1 "{answer.full_name}"\n{body}')
        rows.append(f'    {{"{answer.full_name}", &answer_{number}::serve_exercise}},')
    return "\n".join([
        "#include <cstdlib>", "#include <string_view>", *sorted(includes), *bodies,
        '#line 1 "answers"', "namespace echomux {", "namespace {",
        "struct Answer {", "  std::string_view name;", "  decltype(Backend::serve) serve;", "};",
        "constexpr Answer answers[] = {", *rows, "};", "}  // namespace",
        "void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,",
        "                    ServerStats& stats) {",
        '  const char* const chosen = std::getenv("ECHOMUX_ANSWER");',
        "  for (const Answer& answer : answers) {",
        "    if (chosen == nullptr || answer.name != chosen) continue;",
        "    return answer.serve(std::move(listener), std::move(stop), options, stats);",
        "  }", '  throw std::runtime_error("ECHOMUX_ANSWER names none of the answers");', "}",
        "}  // namespace echomux", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["list", "text", "write"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--threads", action="store_true")
    options = parser.parse_args()
    if options.what == "list":
        for exercise in options.names or exercises():
            for answer in of_exercise(exercise):
                print(f"{answer.full_name:<40} {answer.about}")
    elif options.what == "text":
        sys.stdout.write(find(options.names[0]).text)
    else:
        servers = [answer for exercise in exercises() for answer in of_exercise(exercise)
                   if "serve_" in answer.text and (not options.threads or uses_threads(answer.text))]
        pathlib.Path(options.names[0]).write_text(one_source(servers), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
