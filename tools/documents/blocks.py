"""The generated blocks of a document: what stands between two comments, each a line of its own.

  <!-- KIND: ARGUMENTS -->
  …
  <!-- end KIND -->
"""

import inspect
import re

from documents import markdown, tree

BEGIN = re.compile(r"^<!-- ([a-z]+): (.*\S) -->$")
END = re.compile(r"^<!-- end ([a-z]+) -->$")
COMMENT = re.compile(r"^\s*<!--")


def filled(document, text, makers):
    """The document with every block made anew, and what is wrong with its markers.

    makers: by kind, a function of the document's path and the block's arguments. A block that can't
    be made stays as it is.
    """
    lines, problems = text.splitlines(), []
    out, position = [], 0
    for begin, end, kind, arguments in _blocks(document, text, makers, problems):
        out += lines[position:begin]  # with its begin comment
        position = begin
        try:
            out += ["", *_made(makers[kind], document, arguments).splitlines(), ""]
            position = end - 1
        except tree.Problem as problem:
            problems.append(f"{document}:{begin}: {problem}")
    return "\n".join(out + lines[position:]) + "\n", problems


def _made(maker, document, arguments):
    try:
        inspect.signature(maker).bind(document, *arguments)
    except TypeError as error:
        raise tree.Problem("too many or too few words in this marker; see tools/README.md"
                           ) from error
    return maker(document, *arguments)


def _blocks(document, text, makers, problems):
    """Each block: the numbers of its two comments' lines, its kind and its arguments."""
    blocks, seen, open_block = [], {}, None
    for number, line in markdown.split(text)[0]:
        begin, end = BEGIN.match(line), END.match(line)
        place = f"{document}:{number}"
        if begin and begin.group(1) in makers:
            if open_block:
                problems.append(f"{place}: a block begins within that of line {open_block[0]}; put "
                                f"'<!-- end {open_block[1]} -->' before it")
            open_block = (number, begin.group(1), begin.group(2).split())
            wanted = line
            if wanted in seen:
                problems.append(f"{place}: '{wanted}' is here a second time (first in line "
                                f"{seen[wanted]}); remove one of the two")
            seen[wanted] = number
        elif end and end.group(1) in makers:
            if not open_block or open_block[1] != end.group(1):
                problems.append(f"{place}: '{line}' ends nothing; put '<!-- {end.group(1)}: … -->' "
                                "before it or remove it")
            else:
                blocks.append((open_block[0], number, *open_block[1:]))
            open_block = None
        elif COMMENT.match(line):
            problems.append(f"{place}: '{line.strip()}' is no marker; the kinds are "
                            f"{', '.join(sorted(makers))}: see tools/README.md")
    if open_block:
        problems.append(f"{document}:{open_block[0]}: this block has no end; put "
                        f"'<!-- end {open_block[1]} -->' after it")
    return blocks
