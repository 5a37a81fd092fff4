#!/usr/bin/env python3
"""Whether every term of the glossary is in its place, explained, and says where it is seen."""

import pathlib
import re
import sys

GLOSSARY = pathlib.Path(__file__).resolve().parent / "glossary.md"
# Terms that the lessons rely on.
NEEDED = ("readiness", "level-triggered", "edge-triggered", "backlog", "half-close", "RST",
          "open loop", "closed loop", "coordinated omission", "service demand", "thundering herd",
          "C10K", "Little's law", "short write", "EAGAIN", "EMFILE", "FD_SETSIZE", "socket", "port",
          "TCP", "handshake", "segment", "Nagle", "CLOSE-WAIT", "wait queue", "errno")


def problems(text):
    entries = re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    terms = [term for term, _ in entries]
    yield from (f"'{term}' is missing" for term in NEEDED if term not in terms)
    for before, after in zip(terms, terms[1:]):
        if before.lower() >= after.lower():
            yield f"'{after}' stands behind '{before}'"
    for term, body in entries:
        parts = body.strip().split("\n\n")
        if len(parts) != 2 or not parts[1].startswith("*Seen in:* "):
            yield f"'{term}' needs one paragraph, and one that begins with '*Seen in:*'"
        elif not re.search(r"\]\(|`", parts[1]):
            yield f"'{term}' must name a file or a command where it is seen"


def main():
    found = list(problems(GLOSSARY.read_text(encoding="utf-8")))
    print("\n".join(f"glossary.md: {problem}" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
