"""The block that says what a server costs: its chart, a table and a formula.

All from results/: the table from the reference run, chart and formula from the sweep over idle
connections.
"""

import decimal
import math
import re
import textwrap

from documents import chart, results, tree

REFERENCE = "results/reference.json"
COLUMNS = ("p50 µs", "CPU µs/req", "scanned/req", "calls/req", "")  # as echomux show has them
WIDTH = 105  # of the text
# As the harness has it: from here on a server is at its limit, and a request costs what there was to
# share among them.
SATURATED_BUSY_SHARE = 0.95
# Student's t for 97.5 %, by degrees of freedom.
T_QUANTILES = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306}


def block(program, document, backend):
    sweep = chart.Sweep()
    chart.check(program, backend)
    picture = tree.link_from(document, f"{chart.FOLDER}/{chart.stem(backend)}.svg")
    link = tree.link_from(document, REFERENCE)
    remark = ", measured with older code" if results.is_older_file(program, REFERENCE) else ""
    return "\n\n".join([
        f"![CPU time per request of {backend} beside idle connections, the other servers in grey]"
        f"({picture})",
        table(program, backend),
        textwrap.fill(
            f"Medians of the reference run ([{REFERENCE}]({link}){remark}) with 95 % intervals, a star for "
            "each outlier. " + formula(document, backend, sweep), WIDTH, break_long_words=False,
            break_on_hyphens=False)])


def table(program, backend):
    """The server's rows of the reference run, one for each number of idle connections."""
    lines = ["| idle connections | " + " | ".join(COLUMNS) + " |",
             "| ---: | ---: | ---: | ---: | ---: | --- |"]
    idle, names = None, []
    for line in results.run(program, "show", REFERENCE, "--format", "markdown").splitlines():
        heading = re.match(r"\*\*(\d+) idle connections", line)
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if heading:
            idle = int(heading.group(1))
        elif cells and cells[0] == "server":
            names = cells
        elif cells and cells[0] == backend:
            row = dict(zip(names, cells))
            lines.append(f"| {idle:,} | " + " | ".join(row[name] for name in COLUMNS) + " |")
    if len(lines) == 2:
        raise tree.Problem(f"{REFERENCE} has no server '{backend}'")
    return "\n".join(lines)


def least_squares(points):
    """cost = a + b * watched: a, b, the half width of b's 95 % interval, and R²."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    square_x = sum((x - mean_x) ** 2 for x, _ in points)
    square_y = sum((y - mean_y) ** 2 for _, y in points)
    b = sum((x - mean_x) * (y - mean_y) for x, y in points) / square_x
    a = mean_y - b * mean_x
    left = sum((y - a - b * x) ** 2 for x, y in points)
    error = math.sqrt(left / (n - 2) / square_x)
    return a, b, T_QUANTILES[n - 2] * error, 1 - left / square_y


def formula(document, backend, sweep):
    """The cost fitted to the sweep's medians, in words."""
    source = f"[the sweep over idle connections]({tree.link_from(document, chart.DATA)})"
    fitted, saturated = [], []
    for idle, cost in sweep.medians(backend):
        busy = cost * sweep.rate / 1e6
        (saturated if busy >= SATURATED_BUSY_SHARE else fitted).append((idle + sweep.active, cost))
    not_possible = sweep.not_possible(backend)
    out = [f"beside {_list(idle)} idle it has no figure ({why})"
           for why, idle in not_possible.items()]
    if saturated:
        out.append(f"with {_list(watched for watched, _ in saturated)} connections its CPU was at "
                   "its limit (saturated), which hides what a request costs")
    missing = f" Not in the fit: {'; '.join(out)}." if out else ""
    if len(fitted) < 3:
        return f"In {source} there is no cost to fit: {'; '.join(out)}."
    a, b, width, r_squared = least_squares(fitted)
    lowest, highest = (f(cost for _, cost in fitted) for f in (min, max))
    text = (f"Fitted by least squares to the medians of {source}: **CPU µs per request = "
            f"{results.number(a)} {'-' if b < 0 else '+'} {_plain(abs(b), 3)} × connections** "
            f"({sweep.active} active ones among them), R² = {_r_squared(r_squared)}.")
    if abs(b) <= width:
        text += (f" That slope can't be told from 0 (± {_plain(width, 2)}): a request costs "
                 f"{results.number(lowest)} to {results.number(highest)} µs, however many "
                 "connections there are.")
    else:
        text += (f" So each connection adds {_plain(b * 1000, 3)} ns "
                 f"(± {_plain(width * 1000, 2)}) to every request.")
    return text + missing


def _plain(value, digits):
    """So many significant digits, without an exponent."""
    return format(decimal.Decimal(f"{value:.{digits}g}"), "f")


def _r_squared(value):
    """With as many digits as tell it from 1."""
    return next((f"{value:.{digits}f}" for digits in (2, 3, 4, 5) if round(value, digits) < 1),
                "1.00000")


def _list(numbers):
    words = [f"{number:,.0f}" for number in numbers]
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]
