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


def load(program, name):
    """A results file of bench, with its summary."""
    return json.loads(run(program, "show", name, "--format", "json"))


def is_older(program, build):
    """Whether other code than the program's has measured: see tools/code_digest.cpp."""
    return f"code {build.get('code_digest') or 'unknown'}," not in run(program, "--version")


def is_older_file(program, name):
    return is_older(program, json.loads(tree.read(name))["build"])


def older(program):
    """The files that './run reference' makes and that are of older code."""
    names = ["results/reference.json", "results/claims.json", "results/million.json",
             *(f"results/figures/{path.name}"
               for path in sorted((tree.ROOT / "results/figures").glob("*.json")))]
    return [name for name in names if is_older_file(program, name)]


def provenance(program, made):
    """What made a figure, to stand beside it."""
    words = " ".join(pathlib.PurePath(word).name if word.endswith("/echomux") else word
                     for word in made["command"])
    remark = ", measured with older code" if is_older(program, made["build"]) else ""
    return f"`{words}` at commit `{made['build']['git_commit']}`{remark}"


def table(program, document, name):
    shown = run(program, "show", name, "--format", "markdown")
    made = provenance(program, json.loads(tree.read(name)))
    link = f"[{name}]({tree.link_from(document, name)})"
    return f"{shown.rstrip()}\n\n{link} was made by {made}."


def costs(program, document, *names):
    """What each server costs, a row each, of several results files in slices."""
    rows = {}
    for name in names:
        for cell in load(program, name)["summary"]:
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


def word_for(cells):
    """What is to be said of a server in a word, by its cell beside the most connections."""
    most = cells[max(cells)]
    if most["outcome"] == "starved":
        return "serves one"
    if "limit" in most["note"]:
        return most["note"]
    if cells[min(cells)]["verdict"] == "saturated":
        return "always busy"
    costs = [cells[idle]["metrics"]["cpu_us_per_request"]["median"] for idle in (min(cells), max(cells))]
    return "costs more" if costs[1] > 1.5 * costs[0] else "costs the same"


def seven(program, document, name):
    """A row each: what a request costs beside few and many idle connections."""
    results = load(program, name)
    rows = {}
    for cell in results["summary"]:
        if cell["rate"] > 0 and cell["server"] != "floor":
            rows.setdefault(cell["server"], {})[cell["idle_connections"]] = cell
    columns = (0, 1_000, 10_000)
    lines = ["| server | CPU µs per request, none idle | 1,000 idle | 10,000 idle | × floor at 10,000 | beside more idle ones |",
             "| --- | ---: | ---: | ---: | ---: | --- |"]
    for server, cells in rows.items():
        def figure(idle, metric, cells=cells):
            found = cells.get(idle, {"metrics": {}})["metrics"].get(metric)
            return number(found["median"]) if found else "-"
        costs = " | ".join(figure(idle, "cpu_us_per_request") for idle in columns)
        lines.append(f"| [{server}]({tree.link_from(document, server + '/README.md')}) | {costs} | "
                     f"{figure(10_000, 'cpu_ratio_to_floor')} | {word_for(cells)} |")
    machine = results["machine"]
    made = provenance(program, results)
    return "\n".join([*lines, "",
                      f"{machine['cpu_model']}, {machine['cpus_usable']} CPUs"
                      f"{', a virtual machine' if machine['hypervisor'] else ''}; "
                      f"[{name}]({tree.link_from(document, name)}) by {made}."])


def bytes_in_words(value):
    return f"{number(value)} bytes"


def million(program, document, name):
    """What ./run million saw."""
    seen = json.loads(tree.read(name))
    connections = seen["connections"]
    listed = sum(cache["bytes_per_connection"] for cache in seen["kernel_caches"]
                 if cache["name"].startswith("proc_inode"))
    machine = seen["machine"]
    first, last = map(int, machine["sysctls"]["net.ipv4.ip_local_port_range"].split())
    ports = last - first + 1
    rows = [("connections, each confirmed by an echo", f"{connections:,}"),
            ("descriptors that a process may have", f"{machine['limits']['descriptors_hard']:,}"),
            ("ports that an address gives to clients", f"{ports:,}"),
            ("client addresses that are needed for one server port", f"{-(-connections // ports):,}"),
            ("one pair of processes opens", f"{number(seen['one_pair_opens_per_second'])} a second"),
            ("all pairs open", f"{number(seen['opens_per_second'])} a second "
             f"({number(seen['seconds_to_open'])} s), {number(seen['opens_per_second'] / seen['one_pair_opens_per_second'])} of one pair's"),
            ("TCP sockets in use", f"{seen['opened']['sockets_in_use']:,}"),
            ("still open, when looked at again", f"{seen['held']['open']:,}"),
            ("still open at the end, as the clients found", f"{seen['held_at_the_end']:,}"),
            ("user memory of a connection, server", bytes_in_words(seen["server_bytes_per_connection"])),
            ("user memory of a connection, client", bytes_in_words(seen["client_bytes_per_connection"])),
            ("kernel memory of a connection, both ends", bytes_in_words(seen["kernel_bytes_per_connection"])),
            ("the same without `proc_inode_cache`, which isn't a socket's",
             bytes_in_words(seen["kernel_bytes_per_connection"] - listed))]
    if "own_cpu_seconds_to_open" in seen:
        rows.insert(3, ("CPU time to open them, and of other programs meanwhile",
                        f"{number(seen['own_cpu_seconds_to_open'])} s, {number(seen['others_cpu_seconds_to_open'])} s"))
    for cache in seen["kernel_caches"]:
        rows.append((f"of it `{cache['name']}`", bytes_in_words(cache["bytes_per_connection"])))
    if "loops" in seen:
        loops = seen["loops"]
        rows.insert(1, ("server processes, and as many clients", f"{connections / loops['mean']:.0f}"))
        rows.append(("connections of a process", f"mean {number(loops['mean'])}, standard deviation {number(loops['deviation'])} "
                     f"(a random hash gives {number(loops['deviation_by_arithmetic'])})"))
    for key, beside in (("active_beside_none", "no idle ones"), ("active_beside_all", "all idle ones")):
        active = seen[key]
        rows.append((f"one request, 1,000 active connections, {beside}",
                     f"{number(active['cpu_us_per_request'])} µs of the server's CPU, "
                     f"p50 {number(active['latency_us_p50'])} µs"))
    lines = ["| what | figure |", "| --- | --- |", *(f"| {what} | {figure} |" for what, figure in rows)]
    return "\n".join(lines) + (f"\n\n{machine['cpu_model']}, {machine['kernel']}; "
                               f"[{name}]({tree.link_from(document, name)}) by "
                               f"{provenance(program, seen)}.")


def claims(program, _, name, theme=""):
    """The ledger: each claim with the verdict that follows from the evidence in this file. With a theme, its page."""
    kept = json.loads(tree.read(name))
    made = run(program, "claims", "--ledger", name, *(["--theme", theme] if theme else [])).rstrip()
    return made if theme else f"{made} By {provenance(program, kept)}."


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
        made.add(provenance(program, results))
        if name == SHOWN:
            picture = f"![{figure['title']}]({linked}/{name}.svg)"
    return "\n".join([picture, "", *lines, "", "Made by " + " and ".join(sorted(made)) + "."])
