"""Names in documents that belong to others: see others.txt."""

import functools

from documents import tree

FILE = "tools/documents/others.txt"


@functools.cache
def _sections():
    sections, words = {}, None
    for line in tree.read(FILE).splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), set())
        elif line:
            words.update(line.split())
    return sections


def names(section):
    return _sections()[section]
