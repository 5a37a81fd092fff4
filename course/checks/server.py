"""Checks of a server that a student writes, by running it as the conformance suite does."""

import concurrent.futures
import os
import re
import subprocess

from verdict import CannotCheck, NotOnThisMachine, Verdict

# What a check may take before it counts as hanging.
LIMIT_S = 120
# They wait more than they compute.
AT_A_TIME = 3
# How many failures of the whole suite are waited for before the others are left for later.
FAILURES_SHOWN = 3

CONFORMANCE = "conformance_test"


def run(build, program_name, check, server, like, patience):
    """Runs one check. None when it passed, otherwise what it printed of its failure."""
    program = build / program_name
    for needed in (program, server):
        if not needed.exists():
            raise CannotCheck(f"{needed} has not been built; './run exercise NAME' builds it")
    environment = {**os.environ, "ECHOMUX_TEST_SERVERS": f"{like}={server}",
                   "ECHOMUX_TEST_PATIENCE": str(1000 * patience)}
    try:
        finished = subprocess.run([program, f"--gtest_filter=Backends/{check}/{like}"],
                                  env=environment, capture_output=True, text=True, check=False,
                                  timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"nothing came of it within {LIMIT_S} seconds"
    if "[  SKIPPED ] 1 test" in finished.stdout:
        why = re.search(r": Skipped\n(.*)", finished.stdout)
        raise NotOnThisMachine(f"{check} can't be run on this machine: "
                               f"{why[1] if why else finished.stdout}")
    if finished.returncode == 0:
        if "[  PASSED  ] 1 test" not in finished.stdout:
            raise CannotCheck(f"{program_name} has no check {check}")
        return None
    return evidence(finished.stdout, finished.stderr)


def evidence(output, errors):
    """The lines of a failed check that say what was seen."""
    lines = [line for line in output.splitlines()
             if line.strip() and not line.startswith(("[", "Note:", "Running", " 1 FAILED"))
             and not re.match(r"\S+\.cpp:\d+: Failure$", line)
             and "FAILED TEST" not in line]
    return "\n".join(lines[:12] + errors.splitlines()[:3])


def check(rules, build, server, patience):
    """Runs the checks of one exercise in their order, up to the first that fails."""
    for entry in rules["checks"]:
        said = run(build, entry.get("program", CONFORMANCE), entry["check"], server, rules["like"],
                   patience)
        if said is not None:
            return Verdict(False, entry["wrong"], entry["check"], said)
    return Verdict(True, rules["solved"])


def all_checks(build):
    """The names of the suite's checks that every server has to pass, in the suite's order."""
    program = build / CONFORMANCE
    if not program.exists():
        raise CannotCheck(f"{program} has not been built; './run exercise NAME' builds it")
    listed = subprocess.run([program, "--gtest_list_tests", "--gtest_filter=Backends/Conformance*"],
                            env={**os.environ, "ECHOMUX_TEST_SERVERS": "epoll_lt"},
                            capture_output=True, text=True, check=True).stdout
    suite, names = "", []
    for begins_suite, name in re.findall(r"^(Backends/|  )(\w+)", listed, re.MULTILINE):
        suite = name if begins_suite.strip() else suite
        names += [] if begins_suite.strip() else [f"{suite}.{name}"]
    return names


def outcomes(build, server, patience, checks):
    """Yields (name, what it printed) as checks end, None for one that passed, and the reason for one
    that this machine can't run. Begins no more of them when enough have failed."""
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        waiting = list(checks)
        running = {}
        while running or (waiting and failures < FAILURES_SHOWN):
            while waiting and len(running) < AT_A_TIME and failures < FAILURES_SHOWN:
                name = waiting.pop(0)
                running[pool.submit(run, build, CONFORMANCE, name, server, "eighth",
                                    patience)] = name
            done, _ = concurrent.futures.wait(running,
                                              return_when=concurrent.futures.FIRST_COMPLETED)
            for one in done:
                name = running.pop(one)
                try:
                    said = one.result()
                except NotOnThisMachine as reason:
                    said = reason
                failures += isinstance(said, str)
                yield name, said


def check_all(build, server, patience):
    """The whole suite. Ends early when enough has failed to go on with."""
    checks = all_checks(build)
    ended = dict(outcomes(build, server, patience, checks))
    passed = [name for name, said in ended.items() if said is None]
    failed = [name for name in checks if isinstance(ended.get(name), str)]
    unable = [said for said in ended.values() if isinstance(said, NotOnThisMachine)]
    sentence = f"{len(passed)} of {len(checks)} checks of the conformance suite pass"
    if unable:
        sentence += f"; {len(unable)} can't be run on this machine"
    if not failed:
        return Verdict(True, sentence)
    left = len(checks) - len(ended)
    sentence += f"; {len(failed)} fail" + (f", {left} were left for later" if left else "")
    return Verdict(False, f"{sentence}. Begin with {failed[0]}", failed[0], ended[failed[0]])
