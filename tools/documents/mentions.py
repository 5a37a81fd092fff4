"""Whether what documents name between backticks exists."""

import re

from documents import links, markdown, others, sources, tree

FUNCTION = re.compile(r"^(?:::)?([A-Za-z_][\w:]*)\(\)$")
MEMBER = re.compile(r"^(?:echomux::)?([A-Za-z_]\w*)::(~?[A-Za-z_]\w*)(?:\(\))?$")
EXTENSIONS = "cpp|hpp|py|js|css|html|json|md|svg|png|dat|gp|txt|lua|java|cmake|sh"
FILE = re.compile(rf"^[\w.*/{{}},-]+\.(?:{EXTENSIONS})$")
PLACEHOLDER = re.compile(r"(?<![A-Za-z])[A-Z]{2,}(?![a-z])|[*{}<>…]")
# Words in capitals that are files' own names.
NOT_PLACEHOLDERS = re.compile(r"README|CHANGELOG|CONTRIBUTING|SECURITY|LICENSE|CMakeLists")


def mentions(text):
    """Pairs of line number and what stands between backticks."""
    lines = dict(markdown.split(text)[0])
    whole = "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))
    for match in links.CODE.finditer(whole):
        yield (whole.count("\n", 0, match.start()) + 1,
               " ".join(match.group().strip("`").split()))


def check(document, commands):
    problems = []
    for number, mention in mentions(tree.read(document)):
        problems += [f"{document}:{number}: `{mention}`: {problem}; correct the text, or if it is "
                     f"another's, add it to {others.FILE}"
                     for problem in _problems(mention, document, commands)]
    return problems


def _problems(mention, document, commands):
    member, function = MEMBER.match(mention), FUNCTION.match(mention)
    if member:
        ours = sources.has_member(*member.groups())
        if not ours and "::".join(member.groups()) not in others.names("symbols"):
            return [f"no {member.group(1)} with a {member.group(2)} in the sources"]
        return []
    if function:
        name = function.group(1).split("::")[-1]
        if name not in sources.words() and name not in others.names("symbols"):
            return [f"no {name} in the sources"]
        return []
    if FILE.match(mention):
        placeholder = PLACEHOLDER.search(NOT_PLACEHOLDERS.sub("", mention))
        if not (placeholder or mention.startswith("/") or mention in others.names("files")
                or sources.is_file(mention, document)):
            return [f"there is no file {mention}"]
        return []
    first = mention.split()[0] if mention.split() else ""
    if first in ("echomux", "./run") or first.startswith(("build/", "tools/", "tests/")):
        return commands.check_line(mention, strict=False)
    unknown = [option for option in sources.OPTION.findall(mention) if option not in
               commands.help.all_options() | sources.options_in_code() | others.names("options")]
    return [f"no program of ours knows the option {option}" for option in unknown]


def check_fences(document, commands):
    """The commands of ```sh fences; of plain fences, the lines that begin with one of ours."""
    problems = []
    for fence in markdown.split(tree.read(document))[1]:
        strict = fence.language in ("sh", "bash", "shell")
        if not strict and fence.language not in ("", "console"):
            continue
        for number, line in enumerate(fence.lines, fence.first_line):
            if fence.language == "console" and not line.startswith("$ "):
                continue
            if not strict and not re.match(r"(\$ )?(echomux|\./run|build/|tools/)", line):
                continue
            problems += [f"{document}:{number}: {problem}; correct the line"
                         for problem in commands.check_line(line, strict)]
    return problems
