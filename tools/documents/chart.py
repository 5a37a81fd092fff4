"""The chart of one server's cost beside idle connections, others in grey, drawn with gnuplot."""

import json
import math
import re
import subprocess

from documents import tree

FOLDER = "results/figures"
DATA = f"{FOLDER}/idle-sweep.json"
GREY = "#c4c4c4"
GREY_TEXT = "#8a8a8a"
WIDTH, HEIGHT = 760, 448
LABEL_GAP = 15  # pixels between the names of two lines
PLOT = {"left": 66, "right": 630, "top": 74, "bottom": 352}


class Sweep:
    """What the sweep over idle connections has measured."""

    def __init__(self):
        self.run = json.loads(tree.read(DATA))
        (self.figure,) = self.run["figures"]
        self._lines = {line["name"]: line for line in self.figure["lines"]}
        load = re.match(r"(\d+) active connections, ([\d,]+) requests per second",
                        self.figure["method"])
        if not load:
            raise tree.Problem(f"{DATA}: its 'method' no longer says how many active connections "
                               "and requests per second there were; teach tools/documents/chart.py")
        self.active = int(load.group(1))
        self.rate = int(load.group(2).replace(",", ""))

    def names(self):
        return list(self._lines)

    def _line(self, name):
        if name not in self._lines:
            raise tree.Problem(f"{DATA} has no server '{name}'; it has {', '.join(self._lines)}")
        return self._lines[name]

    def medians(self, name):
        return [(point["x"], point["median"]) for point in self._line(name)["measured"]]

    def not_possible(self, name):
        """By the reason: beside how many idle connections there is no figure."""
        reasons = {}
        for point in self._line(name)["not_possible"]:
            why = {"own_limit": point["why"]}.get(point["obstacle"], point["obstacle"])
            reasons.setdefault(why, []).append(point["x"])
        return reasons

    def small_print(self):
        machine, build = self.run["machine"], self.run["build"]
        return [f"{machine['cpu_model']}, {machine['cpus_online']} CPUs"
                f"{', virtual machine' if machine['hypervisor'] else ''}; {machine['kernel']}",
                f"echomux {build['version']} ({build['git_commit']}), {self.run['started']}"]


def stem(backend):
    return f"cost-{backend}"


def colour(name):
    """The server's colour on a white background: report/palette.cpp decides it."""
    match = re.search(rf'NamedLine{{"{re.escape(name)}", [\w:]+, {{"(#\w{{6}})"',
                      tree.read("report/palette.cpp"))
    if not match:
        raise tree.Problem(f"report/palette.cpp has no line for '{name}'; add one")
    return match.group(1)


def data(sweep):
    """The data file: a block per server that has figures."""
    out = ["# What a request costs beside idle connections. Each block is a server; µs of CPU."]
    for name in sweep.names():
        if sweep.medians(name):
            out += ["", "", f"# {name}", "# idle  median"]
            out += [f"{x:.10g} {y:.10g}" for x, y in sweep.medians(name)]
    return "\n".join(out) + "\n"


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def _label_heights(ends, low, high):
    """Where each line's name goes, in pixels from the top: at its end, but not on another's."""
    pixels = {name: PLOT["bottom"] - (PLOT["bottom"] - PLOT["top"]) *
              math.log(y / low) / math.log(high / low) for name, y in ends.items()}
    order = sorted(pixels, key=pixels.get)
    for _ in range(100):
        for upper, lower in zip(order, order[1:]):
            gap = LABEL_GAP - (pixels[lower] - pixels[upper])
            if gap > 0.1:
                pixels[upper] -= gap / 2
                pixels[lower] += gap / 2
    return pixels


def script(backend, sweep):
    shown = [name for name in sweep.names() if sweep.medians(name)]
    values = [y for name in shown for _, y in sweep.medians(name)]
    low, high = min(values) / 1.6, max(values) * 1.6
    last = max(x for name in shown for x, _ in sweep.medians(name))
    ends = {name: sweep.medians(name)[-1][1] for name in shown}
    beside = _label_heights({name: y for name, y in ends.items()
                             if sweep.medians(name)[-1][0] == last}, low, high)
    own = colour(backend)
    name = stem(backend)
    out = [f"# Draws {name}.svg from {name}.dat; to be run in their directory: gnuplot {name}.gp",
           "reset", "set encoding utf8",
           f"set terminal svg noenhanced size {WIDTH},{HEIGHT} font 'sans-serif,12' background "
           "'#ffffff'", f"set output '{name}.svg'",
           f"sx(x) = x / {WIDTH}.0", f"sy(y) = 1 - y / {HEIGHT}.0"]
    for side, axis in (("left", "x"), ("right", "x"), ("top", "y"), ("bottom", "y")):
        out.append(f"set {side[0]}margin at screen s{axis}({PLOT[side]})")
    out += ["set border 3 linecolor rgb '#888888'",
            "set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8",
            "set logscale xy", "unset key", f"set xrange [0.6:{last:.10g}]",
            f"set yrange [{low:.6g}:{high:.6g}]",
            "set xtics nomirror out scale 0.5 textcolor rgb '#333333' ('1' 1, '10' 10, '100' 100, "
            "'1,000' 1000, '10,000' 10000)",
            "set ytics nomirror out scale 0.5 textcolor rgb '#333333' ('10' 10, '100' 100, "
            "'1,000' 1000)"]

    def text(x, y, words, size, shade):
        out.append(f"set label {_quoted(words)} at screen sx({x:.0f}), screen sy({y:.0f}) left "
                   f"font 'sans-serif,{size}' textcolor rgb '{shade}'")
    text(24, 28, f"{backend}: what a request costs beside idle connections", 16, "#111111")
    text(24, 50, "µs of CPU per request", 12, "#333333")
    text(PLOT["left"], 396, f"idle connections, beside {sweep.active} active ones with "
         f"{sweep.rate:,} requests per second in all; medians", 12, "#333333")
    for row, words in enumerate(sweep.small_print()):
        text(24, 422 + 14 * row, words, 9, "#666666")
    obstacles = ["no figure beside " + ", ".join(f"{x:,.0f}" for x in idle) + f" idle: {why}"
                 for why, idle in sweep.not_possible(backend).items()]
    for row, words in enumerate(obstacles):
        text(PLOT["left"] + 14, PLOT["top"] + 110 + 18 * row, words, 12, own)
    for other in shown:
        shade, size = (own, 14) if other == backend else (GREY_TEXT, 12)
        if other in beside:
            text(PLOT["right"] + 8, beside[other], other, size, shade)
        else:
            x, y = sweep.medians(other)[-1]
            out.append(f"set label {_quoted(other)} at first {x:.10g}, first {y:.10g} left offset "
                       f"1,-0.9 font 'sans-serif,{size}' textcolor rgb '{shade}'")
    plots = [f"'{name}.dat' index {index} with linespoints linecolor rgb '{GREY}' linewidth 1.4 "
             "pointtype 7 pointsize 0.35"
             for index, other in enumerate(shown) if other != backend]
    if backend in shown:  # last, so that nothing lies over it
        plots.append(f"'{name}.dat' index {shown.index(backend)} with linespoints linecolor rgb "
                     f"'{own}' linewidth 2.4 pointtype 7 pointsize 0.6")
    out += ["plot " + ", \\\n     ".join(plots), "unset output"]
    return "\n".join(out) + "\n"


def draw(backend, sweep):
    folder = tree.ROOT / FOLDER
    (folder / f"{stem(backend)}.dat").write_text(data(sweep), encoding="utf-8")
    (folder / f"{stem(backend)}.gp").write_text(script(backend, sweep), encoding="utf-8")
    subprocess.run(["gnuplot", f"{stem(backend)}.gp"], cwd=folder, check=True)


def check(backend, sweep):
    """Whether the chart that is there was drawn from what is measured."""
    wanted = {".dat": data(sweep), ".gp": script(backend, sweep)}
    for suffix, text in wanted.items():
        path = tree.ROOT / FOLDER / (stem(backend) + suffix)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            raise tree.Problem(f"{FOLDER}/{path.name} is not what {DATA} says; draw it again: "
                               "tools/weave PROGRAM --draw")
    picture = tree.ROOT / FOLDER / f"{stem(backend)}.svg"
    if not picture.exists() or sweep.run["started"] not in picture.read_text(encoding="utf-8"):
        raise tree.Problem(f"{FOLDER}/{picture.name} was not drawn from this {DATA}; draw it "
                           "again: tools/weave PROGRAM --draw")
