"""What names there are in the tree: symbols, files and options."""

import functools
import re
import subprocess

from documents import tree

CODE = (".cpp", ".hpp", ".py", ".js", ".cmake", "CMakeLists.txt", ".lua", ".java", ".json")
SCRIPTS = ("course/check", "run", *(f"tools/jobs/{path.name}" for path in (tree.ROOT / "tools/jobs").iterdir()),
           "tools/weave", "tools/traces", "tools/transcripts", "tools/names",
           "tests/faults/conformance_table")
WORD = re.compile(r"[A-Za-z_]\w*")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


@functools.cache
def text():
    """All code there is, by file. Not the list of names that aren't ours, nor what is data."""
    names = [name for name in tree.files(*CODE)
             if not name.startswith(("results/", "tests/fuzz/corpus/", "tools/documents/others"))
             and not name.startswith("tests/tools/")]
    names += [name for name in SCRIPTS if (tree.ROOT / name).is_file()]
    return {name: tree.read(name) for name in names}


@functools.cache
def words():
    return set().union(*(WORD.findall(code) for code in text().values()))


@functools.cache
def files():
    return tree.files("")


def is_file(path, document):
    """Whether there is such a file or folder, said from the root, from the document's folder, or by
    the end of its path."""
    here = tree.ROOT / document
    return ((tree.ROOT / path).exists() or (here.parent / path).exists()
            or any(("/" + name).endswith("/" + path.lstrip("./")) for name in files()))


def has_member(class_name, member):
    """Whether Class::member is ours: a file that defines the one has the other."""
    defined = re.compile(rf"\b(?:class|struct|enum class|enum|union|namespace)\s+{class_name}\b")
    used = re.compile(rf"\b{member}\b")
    return any(f"{class_name}::{member}" in code or (defined.search(code) and used.search(code))
               for code in text().values())


@functools.cache
def options_in_code():
    """Every '--option' that the code mentions, be it to take it or to give it to others."""
    return set().union(*(OPTION.findall(code) for code in text().values()))


class Help:
    """What programs say of themselves."""

    def __init__(self, program):
        self._program = program

    @functools.cache
    def _help(self, *words):
        done = subprocess.run([*words, "--help"], cwd=tree.ROOT, capture_output=True, text=True,
                              timeout=30, check=False)
        return done.stdout + done.stderr

    @functools.cache
    def subcommands(self):
        listed = self._help(self._program).partition("Subcommands:")[2]
        return set(re.findall(r"^  (\w+)  ", listed, re.MULTILINE))

    def options(self, subcommand=None):
        """Of one subcommand, and those of the program itself."""
        found = set(OPTION.findall(self._help(self._program))) | {"--help"}
        if subcommand in self.subcommands():
            found |= set(OPTION.findall(self._help(self._program, subcommand)))
        return found

    @functools.cache
    def all_options(self):
        return set().union(self.options(), *(self.options(one) for one in self.subcommands()))

    @functools.cache
    def run_commands(self):
        """Of ./run, with what each says of itself."""
        text_ = self._help("./run")
        return dict(re.findall(r"^  ([a-z-]+) +(\S.*(?:\n {11}.*)*)", text_, re.MULTILINE))
