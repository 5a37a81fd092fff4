"""Blocks made of what was measured: tables, and the reproduced figures."""

import functools
import json
import pathlib
import subprocess

from documents import tree

# The figure that is shown as a picture; the others have a link.
SHOWN = "idle-sweep"


@functools.cache
def run(program, *arguments):
    """What the echomux program prints."""
    done = subprocess.run([program, *arguments], cwd=tree.ROOT, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise tree.Problem(f"echomux {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def provenance(command, build):
    """What made a figure, to stand beside it."""
    words = " ".join(pathlib.PurePath(word).name if word.endswith("/echomux") else word
                     for word in command)
    return f"`{words}` at commit `{build['git_commit']}`"


def table(program, document, name):
    results = json.loads(tree.read(name))
    shown = run(program, "show", name, "--format", "markdown")
    made = provenance(results["command"], results["build"])
    link = f"[{name}]({tree.link_from(document, name)})"
    return f"{shown.rstrip()}\n\n{link} was made by {made}."


def costs(_, document, *names):
    """What each server costs, a row each, of several results files in slices."""
    rows = {}
    for name in names:
        for cell in json.loads(tree.read(name))["summary"]:
            if cell["rate"] > 0 and cell["metrics"]:
                rows.setdefault(cell["server"], {})[cell["idle_connections"]] = cell
    lines = ["| server | × floor, none idle | × floor, 10,000 idle | calls/req | bytes/connection |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for server, cells in rows.items():
        def figure(idle, metric, cells=cells):
            found = cells.get(idle, {"metrics": {}})["metrics"].get(metric)
            if not found:
                return "-"
            known = found["low"] is not None and metric.endswith("floor")
            return number(found["median"]) + (
                f" [{number(found['low'])}, {number(found['high'])}]" if known else "")
        calls = cells.get(0, {}).get("system_calls_per_request")
        lines.append(f"| {server} | {figure(0, 'cpu_ratio_to_floor')} | "
                     f"{figure(10_000, 'cpu_ratio_to_floor')} | {number(calls) if calls else '-'} | "
                     f"{figure(10_000, 'resident_bytes_per_connection')} |")
    made = "; ".join(f"[{name}]({tree.link_from(document, name)})" for name in names)
    return "\n".join(lines) + f"\n\nFrom {made}."


def claims(program, _, name):
    """The ledger: each sentence with the verdict that follows from the evidence in this file."""
    kept = json.loads(tree.read(name))
    return (f"{run(program, 'claims', '--ledger', name).rstrip()} "
            f"By {provenance(kept['command'], kept['build'])}.")


def number(value):
    """Three significant digits, whole from 100 on, never with an exponent."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def shape_in_words(shape):
    text = shape["what"]
    if shape["measured"] is not None:
        text += f" is {number(shape['measured']['median'])}"
    if shape["published"] is not None:
        text += f", published {number(shape['published'])}"
    return text


def figure_row(folder, figure):
    verdicts = [shape["verdict"] for shape in figure["shapes"]]
    differs = [shape_in_words(shape) for shape in figure["shapes"] if shape["verdict"] == "differs"]
    words = {"reproduced": "reproduced", "differs": "different",
             "not possible here": "not possible"}
    counts = [f"{verdicts.count(verdict)} {word}"
              for verdict, word in words.items() if verdict in verdicts]
    link = f"[{figure['figure']}]({folder}/{figure['figure']}.svg)"
    return (f"| {link} | {figure['title']} | {', '.join(counts) or 'ours'} | "
            f"{'; '.join(differs)} |")


def figures(program, document, folder):
    order = [line.split()[0] for line in run(program, "reproduce", "list").splitlines()]
    lines = ["| figure | what | shapes | what differs here |", "| --- | --- | --- | --- |"]
    made = set()
    picture = ""
    linked = tree.link_from(document, folder)
    for name in order:
        results = json.loads(tree.read(f"{folder}/{name}.json"))
        (figure,) = results["figures"]
        lines.append(figure_row(linked, figure))
        made.add(provenance(results["command"], results["build"]))
        if name == SHOWN:
            picture = f"![{figure['title']}]({linked}/{name}.svg)"
    return "\n".join([picture, "", *lines, "", "Made by " + " and ".join(sorted(made)) + "."])
