"""What of Markdown the tools need: which lines are in a fence, and which are not."""

import dataclasses
import re

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*(\S*)")


@dataclasses.dataclass
class Fence:
    language: str
    first_line: int  # the number of the first line within it
    lines: list


def split(text):
    """The lines outside of fences, as pairs of their number and text; and the fences."""
    outside, fences, closing = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if closing is None and match:
            closing = match.group(1)
            fences.append(Fence(match.group(2), number + 1, []))
        elif closing is not None and line.strip().startswith(closing):
            closing = None
        elif closing is not None:
            fences[-1].lines.append(line)
        else:
            outside.append((number, line))
    return outside, fences
