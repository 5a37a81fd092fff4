"""Checks of a server that a student writes, by running it as the conformance suite does."""

import concurrent.futures
import dataclasses
import json
import os
import re
import subprocess

from verdict import CannotCheck, NotOnThisMachine, Result, Verdict

# What a check may take before it counts as hanging.
LIMIT_S = 120
# They wait more than they compute.
AT_A_TIME = 3
# What a sanitizer may take to print what it has found, in which the server does not move.
REPORT_S = 30
# How many failures of a step are waited for before its other checks are left for later.
FAILURES_SHOWN = 3

CONFORMANCE = "conformance_test"
OWN = "exercise_checks"

# What a server with threads has to pass besides, built with a sanitizer: it is loaded by many peers, and
# stopped meanwhile.
UNDER_LOAD = "Conformance.KeepsItsThreadsApart"
SANITIZED = [
    {
        "check": UNDER_LOAD,
        "program": OWN,
        "build": "thread",
        "wrong": "built with the thread sanitizer, your server does not pass under load",
        "because": [
            [r"data race[^$]*?#0 [^\n]*Counter", "two threads write the same set of counters, and a "
             "count is lost when both add at the same time: a ThreadCounters gives each thread its own"],
            ["data race", "two threads use the same memory at the same time, and one of them writes it: "
             "the thread sanitizer names both places"],
            ["heap-use-after-free", "a thread uses something that another one has freed"],
        ],
    },
    {
        "check": UNDER_LOAD,
        "program": OWN,
        "build": "address",
        "wrong": "built with the address sanitizer, your server does not pass under load",
        "because": [
            ["stack-use-after-(return|scope)", "a thread still uses the server's members when run() has "
             "returned: wait for all threads first"],
            ["use-after-free", "your server uses something after it has been freed: the address "
             "sanitizer names both places"],
            ["buffer-overflow", "your server reads or writes beyond the end of something"],
        ],
    },
]


# What any check may come to.
EVERYWHERE = [
    [r"run\(\) has returned while", "run() returned while threads were still at work: wait for each of "
     "them first, since they use the server's members"],
]


@dataclasses.dataclass
class Program:
    """A server to be checked. `answer` names one of several in the same program, or is empty."""

    path: os.PathLike
    answer: str = ""

    def built(self, sanitizer):
        return self.path if not sanitizer else self.path.with_name(f"{self.path.name}_{sanitizer}")


def rules_of(folder):
    """What an exercise's checks are."""
    return json.loads((folder / "checks.json").read_text(encoding="utf-8"))


def needed(path):
    if not path.exists():
        raise CannotCheck(f"{path} has not been built; './run exercise NAME' builds it")
    return path


def run(build, entry, server, like, patience):
    """Runs one check, or several with ':' between them. None when all passed, else what they printed."""
    program = needed(build / entry.get("program", CONFORMANCE))
    path = needed(server.built(entry.get("build", "")))
    if "build" in entry:
        patience = max(patience, REPORT_S)
    environment = {**os.environ, "ECHOMUX_TEST_SERVERS": f"{like}={path}",
                   "ECHOMUX_TEST_PATIENCE": str(1000 * patience), "ECHOMUX_ANSWER": server.answer,
                   "TSAN_OPTIONS": "halt_on_error=1",
                   "ASAN_OPTIONS": "detect_stack_use_after_return=1:detect_leaks=0"}
    if "counts" in entry:
        environment["ECHOMUX_TEST_COUNTS"] = ",".join(f"{name}={most}"
                                                      for name, most in entry["counts"].items())
    checks = entry["check"].split(":")
    filters = ":".join(f"Backends/{check}/{like}" for check in checks)
    try:
        finished = subprocess.run([program, f"--gtest_filter={filters}"], env=environment,
                                  capture_output=True, text=True, check=False, errors="replace",
                                  timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"nothing came of it within {LIMIT_S} seconds"
    if "[  SKIPPED ] 1 test" in finished.stdout:
        why = re.search(r": Skipped\n(.*)", finished.stdout)
        raise NotOnThisMachine(f"{entry['check']} can't be run on this machine: "
                               f"{why[1] if why else finished.stdout}")
    if finished.returncode == 0:
        if f"[  PASSED  ] {len(checks)} test" not in finished.stdout:
            raise CannotCheck(f"{program.name} has no check {entry['check']}")
        return None
    return finished.stdout + finished.stderr


def evidence(output):
    """The lines of a failed check that say what was seen; of a sanitizer's report, those that name the
    student's file."""
    if "Sanitizer: " in output:
        named = re.compile(r"#\d+ (.+?)(?:\(.*\))? (?:\S*/course/)?(\S*(?:server\.cpp|\d\d-[\w-]+/[\w-]+):\d+)")
        seen = []
        for line in output.splitlines():
            if re.search(r"Sanitizer: |^  [A-Z].* (by|in) (main )?thread|^(READ|WRITE) of", line):
                seen.append(line.strip().split(" (pid=")[0])
            elif found := named.search(line):
                seen.append(f"  {found[1]} at {found[2]}")
        return "\n".join(seen[:14])
    lines = [line for line in output.splitlines()
             if line.strip() and not line.startswith(("[", "Note:", "Running", " 1 FAILED"))
             and not re.match(r"\S+\.cpp:\d+: Failure$", line)
             and "FAILED TEST" not in line]
    return "\n".join(lines[:14])


def cause(entry, output):
    """The sentence that names the cause: of the first words that the output has, or the check's own."""
    for seen, sentence in [*EVERYWHERE, *entry.get("because", [])]:
        if re.search(seen, output):
            return sentence
    return entry["wrong"]


def check(rules, build, server, patience, has_threads=False, all_of_them=False):
    """Runs the checks of one exercise in their order, up to the first that fails, or all of them."""
    verdict = Verdict(True, rules["solved"])
    for entry in [*rules["checks"], *(SANITIZED if has_threads else [])]:
        name = entry["check"] + (f" under the {entry['build']} sanitizer" if "build" in entry else "")
        points = entry.get("points", 1)
        try:
            said = run(build, entry, server, rules["like"], patience)
        except NotOnThisMachine as reason:
            if not all_of_them:
                raise
            verdict.results.append(Result(name, None, str(reason), points))
            continue
        sentence = "passed" if said is None else cause(entry, said)
        verdict.results.append(Result(name, said is None, sentence, points))
        if said is not None and verdict.solved:
            verdict = Verdict(False, sentence, name, evidence(said), verdict.results)
        if said is not None and not all_of_them:
            break
    return verdict


def outcomes(build, server, patience, entries, failures_shown):
    """The output of each check by its name: None for one that passed, the reason for one that this
    machine can't run. Begins no more of them when enough have failed."""
    ended, failures = {}, 0
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        waiting, running = list(entries), {}
        while running or (waiting and failures < failures_shown):
            while waiting and len(running) < AT_A_TIME and failures < failures_shown:
                entry = waiting.pop(0)
                running[pool.submit(run, build, entry, server, "eighth", patience)] = entry["check"]
            done, _ = concurrent.futures.wait(running,
                                              return_when=concurrent.futures.FIRST_COMPLETED)
            for one in done:
                name = running.pop(one)
                try:
                    ended[name] = one.result()
                except NotOnThisMachine as reason:
                    ended[name] = reason
                failures += isinstance(ended[name], str)
    return ended


def all_checks(build):
    """The names of the suite's checks that every server has to pass."""
    listed = subprocess.run([needed(build / CONFORMANCE), "--gtest_list_tests",
                             "--gtest_filter=Backends/Conformance*"],
                            env={**os.environ, "ECHOMUX_TEST_SERVERS": "epoll_lt"},
                            capture_output=True, text=True, check=True).stdout
    suite, names = "", []
    for begins_suite, name in re.findall(r"^(Backends/|  )(\w+)", listed, re.MULTILINE):
        suite = name if begins_suite.strip() else suite
        names += [] if begins_suite.strip() else [f"{suite}.{name}"]
    return names


def check_steps(steps, build, server, patience, all_of_them=False, first=0):
    """The checks of each step, step by step, up to the first step of which one fails, or all. From step
    `first` on: those before it are known to be done."""
    verdict = Verdict(True, "all steps are done: your server passes all checks of the suite")
    count = sum(len(step["checks"]) for step in steps)
    passed = 0
    for number, step in enumerate(steps):
        if number < first:
            passed += len(step["checks"])
            continue
        entries = [{"check": name, "program": OWN if name in step.get("own", []) else CONFORMANCE}
                   for name in step["checks"]]
        ended = outcomes(build, server, patience, entries,
                         len(entries) if all_of_them else FAILURES_SHOWN)
        failed = [name for name in step["checks"] if isinstance(ended.get(name), str)]
        for name, said in ended.items():
            verdict.results.append(Result(
                f"step {number}: {name}", None if isinstance(said, NotOnThisMachine) else said is None,
                "passed" if said is None else str(said) if isinstance(said, Exception)
                else step["wrong"]))
        passed += sum(said is None for said in ended.values())
        if failed and verdict.solved:
            done = f"step {number - 1} is done" if number > 0 else "nothing is done yet"
            left = len(entries) - len(ended)
            sentence = (f"{done}; next is step {number}, {step['title']}: "
                        f"{sum(said is None for said in ended.values())} of its {len(entries)} checks "
                        f"pass" + (f" and {left} were left for later" if left else "") +
                        f", and {passed} of {count} so far. Begin with {failed[0]}: {step['wrong']}")
            verdict = Verdict(False, sentence, failed[0], evidence(ended[failed[0]]), verdict.results)
        if failed and not all_of_them:
            break
    unable = sum(result.passed is None for result in verdict.results)
    if unable:
        verdict.sentence += f"; {unable} checks can't be run on this machine"
    return verdict
