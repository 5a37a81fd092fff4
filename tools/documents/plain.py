"""Sentences that a reader whose second language is English may have to read twice.

Candidates are told, not decided: what is to stay is in plain.txt, by its first words.
"""

import re

from documents import markdown, tree

LONGEST = 30  # words
# ", for the …": mostly "because". What says whom or what something is for stands without a comma.
BECAUSE = re.compile(r"[,;:] for (?!example|instance|each|every|which|whom|what|as long|all)")
WHOEVER = re.compile(r"\bwh(?:oever|omever|ichever)\b", re.IGNORECASE)
BLOCK = re.compile(r"\s*(?:[-*+] |\d+\. |\||#|>|<|$)")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
END = re.compile(r"(?<=[.?!:;])(?:\*\*|\)|\")?\s+(?=[A-Z`*\[(\"0-9]|[a-z]+_)")
EXCEPTIONS = "tools/documents/plain.txt"


def paragraphs(text):
    """Pairs of a line number and the text that goes on from there: no fence, table or heading."""
    at, words, last = 0, [], -1
    generated = None
    for number, line in markdown.split(text)[0]:
        marker = re.match(r"<!-- (end )?(\w+)", line)
        if marker:
            generated = None if marker.group(1) else marker.group(2)
        if words and (number != last + 1 or BLOCK.match(line) or generated or marker):
            yield at, " ".join(words)
            words = []
        last = number
        if generated or marker or re.match(r"\s*(?:\||#|<|$)", line):
            continue
        if not words:
            at = number
        words.append(re.sub(r"^\s*(?:[-*+] |\d+\. |> )?", "", line).strip())
    if words:
        yield at, " ".join(words)


def sentences(paragraph):
    return [sentence.strip() for sentence in END.split(LINK.sub(r"\1", paragraph)) if sentence.strip()]


def complaints(sentence):
    bare = re.sub(r"`[^`]*`", "x", sentence)
    if (count := len(bare.split())) > LONGEST:
        yield f"{count} words in a sentence"
    if WHOEVER.search(bare):
        yield "say who"
    if BECAUSE.search(bare):
        yield "if 'for' means because, say because"


def exceptions():
    lines = tree.read(EXCEPTIONS).splitlines()
    return [line.split(": ", 1) for line in lines if line and not line.startswith("#")]


def check(document):
    stays = [begin for name, begin in exceptions() if name == document]
    problems = []
    for number, paragraph in paragraphs(tree.read(document)):
        for sentence in sentences(paragraph):
            if any(sentence.startswith(begin) for begin in stays):
                continue
            problems += [f"{document}:{number}: {complaint}: {sentence}; write it anew, or add its "
                         f"first words to {EXCEPTIONS}" for complaint in complaints(sentence)]
    return problems
