"""Whether every relative link and anchor of a document leads somewhere."""

import functools
import posixpath
import re
import unicodedata

from documents import markdown, tree

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^([a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
NAMED = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")


def slug(heading):
    """The anchor that a heading has on GitHub."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    kept = [c for c in text.lower() if c in " -_" or unicodedata.category(c)[0] in "LNM"]
    return "".join(kept).replace(" ", "-")


@functools.cache
def anchors(document):
    found, times = set(), {}
    for _, line in markdown.split(tree.read(document))[0]:
        found.update(NAMED.findall(line))
        heading = HEADING.match(line)
        if heading:
            name = slug(heading.group(1))
            count = times.get(name, 0)
            times[name] = count + 1
            found.add(f"{name}-{count}" if count else name)
    return found


def targets(text):
    """Pairs of line number and target; a link may go on in the next line."""
    lines = dict(markdown.split(text)[0])
    whole = "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))
    # Not what is code, which may look like a link.
    whole = CODE.sub(lambda match: re.sub(r"[^\n]", "_", match.group()), whole)
    for pattern in (LINK, REFERENCE):
        for match in pattern.finditer(whole):
            yield whole.count("\n", 0, match.start(1)) + 1, match.group(1)


def check(document):
    problems = []
    for number, target in targets(tree.read(document)):
        if ELSEWHERE.match(target):
            continue
        path, _, anchor = target.partition("#")
        place = f"{document}:{number}"
        to = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
        to = document if not path else to
        if to.startswith("../") or not (tree.ROOT / to).exists():
            problems.append(f"{place}: the link {target} leads nowhere: there is no {to}; "
                            "correct it")
        elif anchor and to.endswith(".md") and anchor not in anchors(to):
            problems.append(f"{place}: {to} has no heading for #{anchor}; it has: "
                            f"{', '.join('#' + one for one in sorted(anchors(to)))}")
    return problems
