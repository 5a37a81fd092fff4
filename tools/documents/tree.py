"""The tree that the tools look at, and how they say what is wrong with it."""

import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = (".cpp", ".hpp")


class Problem(Exception):
    """Something out of step. Its text says what to do about it."""


def files(*suffixes):
    """All files with one of these suffixes ('' is every file), by their path from the root.

    Not a build's: folders called build… at the top, and those whose name begins with a dot.
    """
    found = []
    for folder, folders, names in os.walk(ROOT):
        here = pathlib.Path(folder).relative_to(ROOT)
        at_top = here == pathlib.Path(".")
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name != "__pycache__"
            and not (at_top and (name == "build" or name.startswith("build-"))))
        found += [(here / name).as_posix() for name in sorted(names) if name.endswith(suffixes)]
    return found


def documents():
    return files(".md")


def read(name):
    """A file of the tree, by its path from the root."""
    path = ROOT / name
    if not path.is_file():
        raise Problem(f"there is no file {name}; files are named by their path from the root")
    return path.read_text(encoding="utf-8")


def link_from(document, name):
    """The file of that name as a link in the document has it."""
    return os.path.relpath(name, os.path.dirname(document) or ".")


def mirror(folder, program):
    """Makes of an empty folder one that looks like the root, in which writing harms nothing.

    What is at the top is linked to, but for results/, where the programs write: that is copied. The
    program's own folder is build/, wherever it is.
    """
    for entry in ROOT.iterdir():
        if entry.name == "results":
            shutil.copytree(entry, os.path.join(folder, entry.name))
        elif entry.name != "build":
            os.symlink(entry, os.path.join(folder, entry.name))
    os.symlink(pathlib.Path(program).parent, os.path.join(folder, "build"))
