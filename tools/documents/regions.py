"""The regions of the sources that documents show.

  // lesson: NAME      begins one
  // end lesson        ends it
"""

import re
import textwrap

from documents import tree

BEGIN = re.compile(r"^\s*// lesson: (\S+)\s*$")
END = re.compile(r"^\s*// end lesson\s*$")
NEARLY = re.compile(r"^\s*//+\s*(lesson:|lesson \S+$|end[- ]?lesson)", re.IGNORECASE)


class Regions:
    def __init__(self):
        self.problems = []
        self._text = {}  # (file, region) -> its lines as text
        self._shown = set()
        for name in tree.files(*tree.SOURCES):
            self._read(name)

    def _read(self, name):
        lines, open_region, begun = [], None, 0
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            begin = BEGIN.match(line)
            place = f"{name}:{number}"
            if begin and open_region:
                self.problems.append(f"{place}: region '{begin.group(1)}' begins within "
                                     f"'{open_region}'; end that one first with '// end lesson'")
            if begin:
                open_region, begun, lines = begin.group(1), number, []
                if (name, open_region) in self._text:
                    self.problems.append(f"{place}: a second region '{open_region}' in this file; "
                                         "give it a name of its own")
            elif END.match(line):
                if not open_region:
                    self.problems.append(f"{place}: '// end lesson' without a '// lesson: NAME' "
                                         "above it; remove it or begin the region")
                else:
                    self._keep(name, open_region, begun, lines)
                open_region = None
            elif NEARLY.match(line):
                self.problems.append(f"{place}: write the marker as '// lesson: NAME' "
                                     "or '// end lesson'")
            else:
                lines.append(line)
        if open_region:
            self.problems.append(f"{name}:{begun}: region '{open_region}' has no end; "
                                 "put '// end lesson' after its last line")

    def _keep(self, name, region, begun, lines):
        text = textwrap.dedent("\n".join(lines)).strip("\n")
        if not text:
            self.problems.append(f"{name}:{begun}: region '{region}' is empty")
        self._text[name, region] = text

    def show(self, name, region):
        """The text of a region, which counts as shown from now on."""
        if (name, region) not in self._text:
            tree.read(name)
            there = ", ".join(sorted(known for file, known in self._text if file == name))
            raise tree.Problem(f"{name} has no region '{region}' (it has {there or 'none'}); mark "
                               f"it there with '// lesson: {region}' and '// end lesson'")
        self._shown.add((name, region))
        return self._text[name, region]

    def not_shown(self):
        return [f"{name}: no document shows region '{region}'; put '<!-- code: {name} {region} -->'"
                " and '<!-- end code -->' into one, or remove its two marker lines"
                for name, region in self._text if (name, region) not in self._shown]
