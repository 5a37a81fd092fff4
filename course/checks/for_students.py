#!/usr/bin/env python3
"""Makes a copy of the repository for students, in which no answer is to be had: for_students.py DIR

Without git's history, the solutions, what is wrong on purpose, the mends of the gallery and the pages for
teachers. Each exercise is there as it is given, whatever has been written in this folder.
"""

import pathlib
import re
import shutil
import sys

COURSE = pathlib.Path(__file__).resolve().parent.parent
ROOT = COURSE.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

import answers  # noqa: E402
from documents import tree  # noqa: E402

LEFT_OUT = ("course/solutions/", "course/teachers.md",
            "course/check_test.py")
DOTFILES = (".clang-format", ".clang-tidy", ".gitignore", ".dockerignore")


def given_out(name):
    return not (name.startswith(LEFT_OUT) or re.match(r"results/bench-", name))


# What stands in place of an exhibit's mended.hpp.
UNMENDED = """#pragma once

#include "gallery/{0}/broken.hpp"

namespace echomux::{0} {{

// As broken as the other one, until you mend it here.
class Mended : public Broken {{
 public:
  using Broken::Broken;
}};

}}  // namespace echomux::{0}
"""


def without_answers(text):
    """A document without what leads to an answer: the gallery's mends, and links to what is left out."""
    text = re.sub(r"(?m)^## How it is mended\n.*?(?=^## |\Z)", "## How it is mended\n\nThat is for you to "
                  "find. Your mend goes into `mended.hpp`, where the exhibit has one.\n\n", text, flags=re.DOTALL)
    text = re.sub(r"(?m)^(One solution|A finished one) is in \[[^\n]*(\n[^\n]+)*\n", "", text)
    text = re.sub(r"(?m)^\|.*teachers\.md.*\n", "", text)
    text = text.replace("Teachers find timing, misunderstandings and marking in [teachers.md](teachers.md). ",
                        "")
    return text.rstrip("\n") + "\n"


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    to = pathlib.Path(sys.argv[1])
    if to.exists():
        print(f"{to} is there already: name a folder that isn't, or remove it", file=sys.stderr)
        return 2
    if not answers.SOLUTIONS.exists():
        print("this is a students' copy itself: make one from the whole repository", file=sys.stderr)
        return 2
    for name in [*tree.files(""), *DOTFILES]:
        if not given_out(name):
            continue
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, path)
        if name.endswith(".md"):
            path.write_text(without_answers(path.read_text(encoding="utf-8")), encoding="utf-8")
    for path in to.glob("gallery/*/mended.hpp"):
        path.write_text(UNMENDED.format(path.parent.name), encoding="utf-8")
    for exercise in answers.exercises():
        folder = to / "course" / ("" if exercise == answers.EIGHTH else "exercises") / exercise
        answers.file_of(folder).write_text(answers.find(f"{exercise}/{answers.STARTER}").text,
                                           encoding="utf-8")
    print(f"{to}: no solutions, no history; 'cd {to} && ./run exercise' lists the exercises")
    return 0


if __name__ == "__main__":
    sys.exit(main())
