"""Checks of predictions, by a fresh measurement."""

import functools
import json
import pathlib
import subprocess
import tempfile

from verdict import CannotCheck, Verdict

# How far a prediction may be from what is measured: for counts, as a share of what is measured, or so
# many where that is more, for on a busy machine more than one is ready at a time; for CPU time, which
# moves with the machine, as a factor.
COUNT_TOLERANCE = 0.1
SMALL_COUNT_TOLERANCE = 5
CPU_FACTOR = 2.0
# The crossover: where poll costs so many times what epoll_lt does; and how far from there the two
# sides are looked at.
CROSSOVER_RATIO = 2.0
CROSSOVER_SPREAD = 4
MOST_IDLE = 4000
# The share of the time for which client or server waits for a CPU, from which on it is the machine
# whose CPU time is measured.
TOO_BUSY = 0.02


@functools.cache
def bench(build, servers, idle, rate):
    """Measures, once for all answers, and returns the trials of each server at each number of idle connections."""
    program = build / "echomux"
    if not program.exists():
        raise CannotCheck(f"{program} has not been built; './run exercise NAME' builds it")
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder) / "results.json"
        finished = subprocess.run(
            [program, "bench", "--fresh", "--backends", ",".join(servers), "--idle",
             ",".join(map(str, idle)), "--rate", str(rate), "--repetitions", "3", "--duration",
             "500ms", "--warmup", "100ms", "--no-report", "-o", results],
            capture_output=True, text=True, check=False)
        if finished.returncode != 0 or not results.exists():
            raise CannotCheck(f"the measurement failed: {finished.stderr.strip()}")
        document = json.loads(results.read_text(encoding="utf-8"))
    trials = {}
    for trial in document["trials"]:
        if trial["outcome"] != "measured" or trial["verdict"] == "invalid":
            continue
        waited = max(trial["load"]["client"]["run_queue_share"],
                     trial["cost"]["run_queue_share"] or 0)
        trials.setdefault((trial["server"], trial["idle_connections"]), []).append(
            {**trial["cost"], "waited": waited})
    missing = [f"{server} beside {count} idle" for server in servers for count in idle
               if (server, count) not in trials]
    if missing:
        raise CannotCheck(f"not measurable now: no valid measurement of {', '.join(missing)}; is the "
                          "machine busy, or its limit low ('echomux doctor')?")
    return trials

# Why a count is another one, for each server, and whether too many were said.
TOO_FEW = "The kernel only says how many are ready, so each that is watched is looked at, idle or not"
TOO_MANY = "Each that is watched is looked at once in a wake-up: there are no more than connections"
WHY_COUNT = {
    ("select", False): TOO_FEW, ("poll", False): TOO_FEW,
    ("select", True): TOO_MANY, ("poll", True): TOO_MANY,
    ("epoll_lt", False): "At least the one that is ready is looked at",
    ("epoll_lt", True): "The kernel keeps the list, and epoll_wait returns only those that are ready",
}


def scanned_per_wait(costs):
    scanned = sum(cost["counters"]["descriptors_scanned"] for cost in costs)
    return scanned / max(1, sum(cost["counters"]["waits"] for cost in costs))


def cpu_us_per_request(costs):
    """The least of the trials: what disturbs one, such as a cache that others have used, only adds."""
    return min(cost["cpu_us_per_request"] for cost in costs)


def disproved(trials, sentence):
    """The verdict on an answer that isn't what was measured, if the machine let that be measured."""
    waited = max(cost["waited"] for costs in trials.values() for cost in costs)
    if waited > TOO_BUSY:
        raise CannotCheck(f"not measurable now: client or server waited {waited:.0%} of the time for a "
                          "CPU; try again when the machine is idle")
    return Verdict(False, sentence)


def read_answers(path, names):
    try:
        answers = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotCheck(f"{path} can't be read: {error}") from error
    for name in names:
        value = answers.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise CannotCheck(f"{path.name} needs a number, 0 or more, for \"{name}\"")
    return answers


def check_idle(path, build):
    """Exercise 11: what is looked at in each wake-up, and what that costs."""
    servers = ("select", "poll", "epoll_lt")
    answers = read_answers(path, [*(f"{name}_scanned" for name in servers), "poll_over_epoll_cpu"])
    trials = bench(build, servers, (500,), 200)
    costs = {server: found for (server, _), found in trials.items()}
    for server in servers:
        said = answers[f"{server}_scanned"]
        measured = scanned_per_wait(costs[server])
        if abs(said - measured) > max(SMALL_COUNT_TOLERANCE, COUNT_TOLERANCE * measured):
            sentence = (f"you said that {server} examines {said:g} descriptors in each wake-up beside "
                        f"500 idle connections; it was {measured:.0f}. {WHY_COUNT[server, said > measured]}")
            # On a busy machine more are ready at a time: that is all that epoll_lt looks at.
            return (disproved(trials, sentence) if server == "epoll_lt"
                    else Verdict(False, sentence))
    said = answers["poll_over_epoll_cpu"]
    measured = cpu_us_per_request(costs["poll"]) / cpu_us_per_request(costs["epoll_lt"])
    if not measured / CPU_FACTOR <= said <= measured * CPU_FACTOR:
        why = ("A request has costs that do not grow: the CPU time grows less than the count"
               if said > measured else "Each descriptor that is examined takes a little of the CPU")
        return disproved(trials, f"you said that poll uses {said:g} times epoll_lt's CPU per request "
                       f"beside 500 idle connections; it was {measured:.1f} times, and {CPU_FACTOR:g} "
                       f"times more or less would do. {why}: draw a line through the table's rows")
    return Verdict(True, f"the counts are right, and poll used {measured:.1f} times epoll_lt's CPU "
                   f"where you said {said:g}")


def check_crossover(path, build):
    """Exercise 13: from how many idle connections on poll costs twice what epoll_lt does."""
    said = int(read_answers(path, ["idle_connections"])["idle_connections"])
    below, above = said // CROSSOVER_SPREAD, said * CROSSOVER_SPREAD
    if above > MOST_IDLE:
        return Verdict(False, f"you said {said}, but long before that many idle connections poll "
                       f"costs {CROSSOVER_RATIO:g} times what epoll_lt does: look at the rows of the "
                       "table between which the ratio passes it")
    trials = bench(build, ("poll", "epoll_lt"), tuple(sorted({below, above})), 1000)

    def ratio(idle):
        return (cpu_us_per_request(trials["poll", idle]) /
                cpu_us_per_request(trials["epoll_lt", idle]))

    if ratio(below) >= CROSSOVER_RATIO:
        return disproved(trials, f"you said {said}, but beside {below} idle connections poll already "
                       f"costs {ratio(below):.1f} times what epoll_lt does: the crossover is lower")
    if ratio(above) <= CROSSOVER_RATIO:
        return disproved(trials, f"you said {said}, but beside {above} idle connections poll still "
                       f"costs only {ratio(above):.1f} times what epoll_lt does: the crossover is "
                       "higher")
    return Verdict(True, f"poll costs {ratio(below):.1f} times what epoll_lt does beside {below} "
                   f"idle connections and {ratio(above):.1f} times beside {above}, so {said} lies "
                   "between")


CHECKS = {"idle": check_idle, "crossover": check_crossover}


def check(rule, path, build):
    return CHECKS[rule](path, build)
