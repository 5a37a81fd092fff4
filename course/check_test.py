#!/usr/bin/env python3
"""Whether the check of an exercise tells right from wrong: it has to pass the solution, and to fail each
answer that is wrong on purpose, the starter included, with a sentence that names its cause. It looks at
course/solutions alone, and never at what a student writes.

  check_test.py BUILD EXERCISE         tests these: the solution, and one wrong answer, which the commit's
                                       hash chooses; with ECHOMUX_ALL_ANSWERS set, all of them
  check_test.py BUILD --table          prints what each wrong answer is told, for all exercises

Exit status: 0 it does; 1 it does not; 77 the machine is too busy to measure.
"""

import concurrent.futures
import datetime
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "course" / "checks"))
sys.dont_write_bytecode = True

import answers as kept  # noqa: E402
import measured  # noqa: E402
import server  # noqa: E402
from verdict import CannotCheck, NotOnThisMachine  # noqa: E402

SKIPPED = 77
# For wrong answers, which fail by keeping a check waiting.
IMPATIENCE = 3
# For solutions, which make nobody wait; a busy machine may.
PATIENCE = 20
# They wait more than they compute.
AT_A_TIME = 4


def verdict_of(answer, build):
    """What the check says of one answer."""
    folder = ROOT / "course" / ("" if answer.exercise == kept.EIGHTH else "exercises") / answer.exercise
    rules = server.rules_of(folder)
    if "measured" in rules:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
            file.write(answer.text)
            file.flush()
            return measured.check(rules["measured"], pathlib.Path(file.name), build)
    program = server.Program(build / "course" / "answers" / "server", answer.full_name)
    patience = IMPATIENCE if answer.says else PATIENCE
    if "steps" in rules:
        # Of what is wrong, only the step that should find it: the solution passes all of them.
        first = re.search(r"next is step (\d)", answer.says[0])[1] if answer.says else 0
        return server.check_steps(rules["steps"], build, program, patience, first=int(first))
    return server.check(rules, build, program, patience, kept.uses_threads(answer.text))


def turn():
    """A number that is another one with each commit; without git, with each day."""
    head = subprocess.run(["git", "rev-parse", "--short=7", "HEAD"], cwd=ROOT, capture_output=True,
                          text=True, check=False).stdout.strip()
    return int(head, 16) if head else datetime.date.today().toordinal()


def chosen(answers):
    """Those that are tested this time."""
    taking_turns = [answer for answer in answers if not answer.always]
    this_time = taking_turns[turn() % len(taking_turns)]
    return [answer for answer in answers if answer.always or answer is this_time]


def test(exercise, build, all_of_them):
    """Yields each answer of an exercise with what its check says, and what is wrong with that."""
    answers = kept.of_exercise(exercise)
    if not all_of_them:
        answers = chosen(answers)
    # A measurement is one for all, and alone.
    with concurrent.futures.ThreadPoolExecutor(1 if "{" == answers[0].text[0] else AT_A_TIME) as pool:
        for answer, verdict in zip(answers, pool.map(lambda one: tried(one, build), answers)):
            if isinstance(verdict, CannotCheck):
                yield answer, str(verdict), None
                continue
            said = verdict.text()
            missing = [words for words in answer.says if words not in said]
            wrong = (f"it should be {'wrong' if answer.says else 'solved'}"
                     if verdict.solved == bool(answer.says) else
                     f"it should say: {missing[0]}" if missing else "")
            yield answer, said if wrong else verdict.headline(), wrong


def without_a_step(build):
    """The checks of the suite that no step of the eighth server has."""
    rules = server.rules_of(ROOT / "course" / kept.EIGHTH)
    named = {name for step in rules["steps"] for name in step["checks"]}
    return sorted(set(server.all_checks(build)) - named)


def tried(answer, build):
    try:
        return verdict_of(answer, build)
    except CannotCheck as reason:
        return reason


def main():
    build, *rest = sys.argv[1:]
    table = rest == ["--table"]
    all_of_them = "ECHOMUX_ALL_ANSWERS" in os.environ
    failed = skipped = False
    if kept.EIGHTH in rest and (missing := without_a_step(pathlib.Path(build))):
        print(f"course/{kept.EIGHTH}/checks.json has no step for {', '.join(missing)}")
        failed = True
    for exercise in kept.exercises() if table else rest:
        for answer, said, wrong in test(exercise, pathlib.Path(build), table or all_of_them):
            if table and answer.says:
                print(f"| {exercise} | {answer.name}: {answer.about} | {said.splitlines()[0]} |",
                      flush=True)
            elif not table:
                print(f"{answer.full_name}: {said}" + (f"\n  WRONG: {wrong}" if wrong else ""), flush=True)
            failed = failed or bool(wrong)
            skipped = skipped or wrong is None
    return 1 if failed else SKIPPED if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
