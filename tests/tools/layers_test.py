"""Who includes whom: a folder includes itself and what stands before it, and nothing else. And who
may know a server by its name."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))

from documents import tree  # noqa: E402 (it is found by that path)

SERVERS = "blocking threaded busy_poll select poll epoll_lt epoll_et coroutines reactor_workers reuseport".split()
# From the bottom up. What shares a line includes nothing of each other, so there can be no cycle.
LAYERS = [["echo", "tools"], [*SERVERS, "beyond", "peers", "gallery", "floor", "course"], ["harness/stats"], ["harness/text"],
          ["harness/machine"], ["harness/load"], ["harness/server"], ["harness/bench"],
          ["harness/results"], ["report"], ["reproduce"], ["claims"], ["cli"], ["mpi"], ["benchmarks"],
          ["tests"]]
RANKS = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}
# All that the harness has of the servers' side: sockets and descriptors.
FOR_THE_HARNESS = {f"echo/{name}.hpp" for name in ("file_descriptor", "socket", "stop_event",
                                                   "system_call")}
INCLUDE = re.compile(r'^#include "([^"]+/[^"]+)"', re.MULTILINE)
NAME = rf'"(?:{"|".join(SERVERS)}|eighth)(?: [^"]*)?"'
COMPARED = re.compile(rf'[!=]= (?:std::string\w*\()?{NAME}|(?:starts_with|contains)\({NAME}')
MAY_COMPARE = (*SERVERS, "beyond", "gallery", "course", "tests", "cli/backends.cpp")


def folder_of(name):
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == "harness" else parts[0]


def wrong_with(name, text):
    folder = folder_of(name)
    if folder not in RANKS:
        yield f"{folder} is in no layer; put it into LAYERS"
        return
    for included in INCLUDE.findall(text):
        other = folder_of(included)
        allowed = (other == folder or RANKS.get(other, len(LAYERS)) < RANKS[folder]
                   or other == "generated")
        if folder.startswith("harness/") and not other.startswith("harness/"):
            allowed = included in FOR_THE_HARNESS
        if not allowed:
            yield f"includes {included}, which doesn't stand below {folder}"
    if COMPARED.search(text) is not None and not name.startswith(MAY_COMPARE):
        yield "compares the name of a server; let cli/backends.cpp say what is so special about it"


def main():
    names = tree.files(".cpp", ".hpp")
    problems = [f"{name}: {problem}" for name in names for problem in wrong_with(name, tree.read(name))]
    print("\n".join(problems) or f"{len(names)} files include downwards alone")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
