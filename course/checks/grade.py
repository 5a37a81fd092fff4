"""Marks of exercises in the forms that two services read: the result.json of Classroom 50
(classroom50/result/v1) and the results.json of Gradescope."""

import datetime
import json
import os
import pathlib
import tempfile

from verdict import Result


def rows_of(verdicts):
    """(exercise, result) of all checks. An exercise that could not be checked at all is one that says
    so, and is worth nothing; one without parts, such as a prediction, is worth one point."""
    for exercise, verdict in verdicts.items():
        if verdict is None:
            yield exercise, Result("check", None, "it could not be checked here: the log says why")
        elif verdict.results:
            for result in verdict.results:
                yield exercise, result
        else:
            yield exercise, Result("answer", verdict.solved, verdict.sentence)


def most(result):
    """What it counts: nothing where it can't be run."""
    return result.points if result.passed is not None else 0


def classroom50(verdicts):
    """Who and what it is about, its runner says in the environment, and sets right what is missing."""
    rows = list(rows_of(verdicts))
    given = os.environ.get
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    commit = given("COMMIT_URL") or "local"
    return {
        "schema": "classroom50/result/v1",
        "classroom": given("CLASSROOM") or "local",
        "assignment": given("ASSIGNMENT") or (next(iter(verdicts)) if len(verdicts) == 1 else "course"),
        "assignment_type": given("ASSIGNMENT_TYPE") or "individual",
        "owner": given("OWNER") or given("USERNAME") or "local",
        "submission": given("SUBMISSION_TAG") or "submit/local",
        "commit": commit,
        "release": given("RELEASE_URL") or "local",
        "review": given("REVIEW_URL") or commit,
        "datetime": now,
        "score": sum(most(result) for _, result in rows if result.passed),
        "max-score": sum(most(result) for _, result in rows),
        "tests": [{"test-name": f"{exercise}: {result.name}", "passed": result.passed is not False,
                   "score": most(result) if result.passed else 0, "max-score": most(result),
                   "message": result.sentence} for exercise, result in rows],
    }


def gradescope(verdicts):
    """Each check is a test that the student sees, with its sentence."""
    rows = list(rows_of(verdicts))
    return {
        "score": sum(most(result) for _, result in rows if result.passed),
        "output": "Points are for what the server does and for counts, and none for its speed.",
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": [{"name": f"{exercise}: {result.name}", "output": result.sentence,
                   "output_format": "text", "score": most(result) if result.passed else 0,
                   "max_score": most(result), "tags": [exercise], "visibility": "visible",
                   "status": "passed" if result.passed is not False else "failed"}
                  for exercise, result in rows],
        "extra_data": {"solved": [name for name, verdict in verdicts.items()
                                  if verdict and verdict.solved]},
    }


FORMS = {"classroom50": classroom50, "gradescope": gradescope}


def write(form, verdicts, path):
    """Prints the mark, or puts it into the file in one step. Returns the exit status."""
    text = json.dumps(FORMS[form](verdicts), indent=2) + "\n"
    if path is None:
        print(text, end="")
        return 0
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=pathlib.Path(path).resolve().parent,
                                     delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
    return 0
