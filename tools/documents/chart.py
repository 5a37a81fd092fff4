"""The chart of one server's cost beside idle connections, others in grey, and the picture of its
trace: both are drawn by the program."""

import json
import subprocess

from documents import tree

FOLDER = "results/figures"
DATA = f"{FOLDER}/idle-sweep.json"


class Sweep:
    """What the sweep over idle connections has measured."""

    def __init__(self):
        self.run = json.loads(tree.read(DATA))
        (self.figure,) = self.run["figures"]
        self._lines = {line["name"]: line for line in self.figure["lines"]}
        self.active = self.figure["load"]["active_connections"]
        self.rate = self.figure["load"]["requests_per_second"]

    def names(self):
        return list(self._lines)

    def _line(self, name):
        if name not in self._lines:
            raise tree.Problem(f"{DATA} has no server '{name}'; it has {', '.join(self._lines)}")
        return self._lines[name]

    def medians(self, name):
        return [(point["x"], point["median"]) for point in self._line(name)["measured"]]

    def not_possible(self, name):
        """By the reason: beside how many idle connections there is no figure."""
        reasons = {}
        for point in self._line(name)["not_possible"]:
            why = {"own_limit": point["why"]}.get(point["obstacle"], point["obstacle"])
            reasons.setdefault(why, []).append(point["x"])
        return reasons


def stem(backend):
    return f"cost-{backend}"


def figures():
    """What `echomux draw` is given for the picture of each figure, by its file."""
    return {str(path.with_suffix(".svg").relative_to(tree.ROOT)): [str(path.relative_to(tree.ROOT))]
            for path in sorted((tree.ROOT / FOLDER).glob("*.json"))}


def pictures(backend):
    """The same for each picture of a server."""
    return {f"{FOLDER}/{stem(backend)}.svg": [DATA, "--only", backend],
            f"{FOLDER}/trace-{backend}.svg": [f"results/traces/{backend}.txt"]}


def _drawn(program, arguments):
    """The picture's text; none where nothing is installed that draws."""
    done = subprocess.run([program, "draw", *arguments, "-o", "-"], cwd=tree.ROOT, text=True,
                          capture_output=True, check=False, timeout=120)
    if done.returncode != 0 and "no JavaScript engine" not in done.stderr:
        raise tree.Problem(f"'echomux draw {' '.join(arguments)}' failed: {done.stderr.strip()}")
    return done.stdout if done.returncode == 0 else None


def draw(program, wanted):
    for name, arguments in wanted.items():
        text = _drawn(program, arguments)
        if text is None:
            raise tree.Problem("no JavaScript engine is installed; install the package nodejs")
        (tree.ROOT / name).write_text(text, encoding="utf-8")


def check(program, backend):
    """Whether the pictures that are there were drawn from what is measured."""
    for name, arguments in pictures(backend).items():
        path = tree.ROOT / name
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        if not there or _drawn(program, arguments) not in (None, there):
            raise tree.Problem(f"{name} is not what {arguments[0]} says; draw it again: "
                               "tools/weave PROGRAM --draw")
