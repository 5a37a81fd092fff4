#!/usr/bin/env python3
"""Marks against the forms that Classroom 50 and Gradescope publish, a students' copy, and the starters:
grading_test.py BUILD"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "course" / "checks"))
sys.dont_write_bytecode = True

import answers  # noqa: E402
import grade  # noqa: E402
from verdict import Result, Verdict  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop() if len(sys.argv) > 1 else ROOT / "build")
SCHEMAS = {"classroom50": "classroom50_result_v1.schema.json",
           "gradescope": "gradescope_results.schema.json"}
IN_PARTS = Verdict(False, "wrong", results=[Result("a", True, "passed"), Result("b", False, "why", 2),
                                            Result("by the clock", False, "slow", 0),
                                            Result("not here", None, "no memory", 3)])
VERDICTS = {"01-second-client": IN_PARTS, "13-crossover": Verdict(True, "right"), "16-commands": None}


def command(*arguments, folder=ROOT, **environment):
    return subprocess.run([folder / "course" / "check", *arguments], capture_output=True, text=True,
                          check=False, env={**os.environ, **environment})


class Marks(unittest.TestCase):
    def validate(self, form, mark):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("not installed: python3-jsonschema")
        schema = json.loads((HERE / SCHEMAS[form]).read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(mark)

    def test_are_of_the_published_forms(self):
        for form, make in grade.FORMS.items():
            for verdicts in (VERDICTS, {"16-commands": None}):
                with self.subTest(form=form):
                    self.validate(form, make(verdicts))

    def test_have_points_for_what_can_be_run_and_none_for_time(self):
        mark = grade.classroom50(VERDICTS)
        self.assertEqual((mark["score"], mark["max-score"]), (2, 4))
        self.assertEqual([test["score"] for test in mark["tests"]], [1, 0, 0, 0, 1, 0])
        mark = grade.gradescope(VERDICTS)
        self.assertEqual(mark["score"], sum(test["score"] for test in mark["tests"]))
        self.assertEqual(sum(test["max_score"] for test in mark["tests"]), 4)

    def test_name_who_it_is_as_the_runner_says(self):
        os.environ.update(CLASSROOM="net", OWNER="ada", SUBMISSION_TAG="submit/1")
        mark = grade.classroom50({"16-commands": None})
        self.assertEqual((mark["classroom"], mark["owner"], mark["submission"], mark["assignment"]),
                         ("net", "ada", "submit/1", "16-commands"))

    def test_of_a_solution_and_a_starter_by_the_command(self):
        server = BUILD / "course" / "answers" / "server"
        for answer, full in ((answers.SOLUTION, True), (answers.STARTER, False)):
            for form in SCHEMAS:
                done = command("16-commands", "--build", BUILD, "--server", server, "--answer",
                               f"16-commands/{answer}", "--json", form)
                self.assertEqual(done.returncode, 0, done.stderr)
                mark = json.loads(done.stdout)
                self.validate(form, mark)
                most = mark.get("max-score", sum(test.get("max_score", 0) for test in mark["tests"]))
                self.assertEqual(mark["score"] == most, full, done.stdout)

    def test_say_what_is_wrong_with_the_command_line(self):
        for arguments in (["--json"], ["--all", "16-commands"], ["99-none"], ["16-commands", "-o", "x"],
                          ["16-commands", "--json", "moodle"]):
            done = command(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertNotEqual(done.stderr, "")


class StudentsCopy(unittest.TestCase):
    def test_has_every_exercise_and_no_answer(self):
        with tempfile.TemporaryDirectory() as folder:
            to = pathlib.Path(folder) / "copy"
            make = [ROOT / "course" / "checks" / "for_students.py", to]
            subprocess.run(make, check=True, capture_output=True)
            self.assertEqual(subprocess.run(make, check=False, capture_output=True).returncode, 2)
            self.assertEqual(command(folder=to).stdout.count("not yet checked"), len(answers.exercises()))
            self.assertFalse((to / ".git").exists())
            self.assertEqual(list(to.rglob("wrong.txt")), [])
            for mended in to.glob("gallery/*/mended.hpp"):
                self.assertIn("until you mend it here", mended.read_text(encoding="utf-8"))
            texts = "\n".join(path.read_text(encoding="utf-8") for path in (to / "course").rglob("*")
                              if path.is_file())
            for exercise in answers.exercises():
                told = answers.find(f"{exercise}/{answers.STARTER}").text
                self.assertEqual(answers.file_of(next((to / "course").rglob(exercise))).read_text(), told)
                first = answers.of_exercise(exercise)[0].text.splitlines()[0]
                self.assertTrue(first == "{" or first not in texts, exercise)


class Starters(unittest.TestCase):
    """What stands in course/exercises is what solutions/NAME/wrong.txt has as the starter. A student has
    written there, and may: so only CI asks."""

    def test_are_as_they_are_given(self):
        if not os.environ.get("CI"):
            self.skipTest("a student may have written in course/exercises")
        for exercise in answers.exercises():
            folder = ROOT / "course" / ("" if exercise == answers.EIGHTH else "exercises") / exercise
            self.assertEqual(answers.file_of(folder).read_text(encoding="utf-8"),
                             answers.find(f"{exercise}/{answers.STARTER}").text, exercise)

    def test_have_at_least_three_that_are_wrong_beside_them(self):
        for exercise in answers.exercises():
            wrong = [answer for answer in answers.of_exercise(exercise) if answer.says]
            self.assertGreaterEqual(len(wrong), 3, exercise)


if __name__ == "__main__":
    unittest.main()
