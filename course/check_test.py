#!/usr/bin/env python3
"""Whether the check of an exercise tells its starter from its solution.

  check_test.py NAME starter|solution BUILD

Exit status 0: it does; 1: it does not; 77: the starter has been edited, or the machine is too busy to
measure, so nothing can be said of it.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = 77
# For starters, which fail by keeping a check waiting.
IMPATIENCE = "2"
# For solutions, which make nobody wait; a busy machine may.
PATIENCE = "20"


def folder_of(name):
    where = ROOT / "course" / "exercises" / name
    return where if where.exists() else ROOT / "course" / name


def edited(folder):
    """Whether somebody works on the exercise here. In CI nobody does."""
    if os.environ.get("CI"):
        return False
    status = subprocess.run(["git", "status", "--porcelain", "--", str(folder)], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    return status.returncode == 0 and status.stdout.strip() != ""


def checked(name, *options):
    return subprocess.run([ROOT / "course" / "check", name, *options], capture_output=True,
                          text=True, check=False)


def expected_failure(name):
    """What the starter's check must say: the name of a check, or some words of its sentence."""
    expectation = ROOT / "course" / "solutions" / name / "starter_fails.txt"
    return expectation.read_text(encoding="utf-8").strip()


def test_starter(name, build):
    found = checked(name, "--build", build, "--patience", IMPATIENCE)
    print(found.stdout + found.stderr)
    if "not measurable now" in found.stderr:
        sys.exit(SKIPPED)
    return found.returncode == 1 and expected_failure(name) in found.stdout


def test_solution(name, build):
    solution = ROOT / "course" / "solutions" / name
    if (solution / "prediction.json").exists():
        options = ["--answers", solution / "prediction.json"]
    else:
        options = ["--server", pathlib.Path(build) / "course" / "solutions" / name / "server"]
    found = checked(name, "--build", build, "--patience", PATIENCE, *options)
    print(found.stdout + found.stderr)
    if "not measurable now" in found.stderr:
        sys.exit(SKIPPED)
    return found.returncode == 0


def main():
    name, side, build = sys.argv[1:]
    if side == "solution":
        return 0 if test_solution(name, build) else 1
    if edited(folder_of(name)):
        print(f"{name} has been edited here, so its starter can't be tested")
        return SKIPPED
    return 0 if test_starter(name, build) else 1


if __name__ == "__main__":
    sys.exit(main())
