"""Runs the commands of a ```console fence and compares what they print.

Each runs in bash, in a folder that looks like the root of the checkout: what a command writes
there is thrown away. A line that ends with & starts a server, which is awaited until its first
line; later lines reach it by $PORT, or by the port that its first line shows, and signal it by $!.
All that still runs at the end of the fence is stopped.
"""

import contextlib
import functools
import os
import pathlib
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

from documents import others, shell, tree

LIMIT_S = 60
PROMPT = "$ "
ANY_LINES = "…"
NUMBER = r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?"
HASH = r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b"
ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")
COUNTED = re.compile(f"({HASH})|({NUMBER})")


def commands_of(fence):
    """Pairs of (line number, command) and the lines that are to follow it."""
    parts = []
    for number, line in enumerate(fence.lines, fence.first_line):
        if line.startswith(PROMPT):
            parts.append(((number, line[len(PROMPT):]), []))
        elif parts:
            parts[-1][1].append(line)
        elif line.strip():
            raise tree.Problem(f"line {number}: a console fence begins with a command: '$ …'")
    return parts


def pattern_of(line):
    """What the line is compared with: its words, where every number is any number."""
    words = []
    for word in line.split():
        out, position = "", 0
        for match in COUNTED.finditer(word):
            out += re.escape(word[position:match.start()])
            out += HASH if match.group(1) else NUMBER
            position = match.end()
        words.append(out + re.escape(word[position:]))
    return re.compile(r"\s*" + r"\s+".join(words) + r"\s*")


def first_difference(expected, got):
    """None, or the index of the first expected line that isn't there and of what is instead."""
    furthest = (0, 0)

    @functools.cache
    def matches(i, j):
        nonlocal furthest
        furthest = max(furthest, (i, j))
        if i == len(expected):
            return j == len(got)
        if expected[i].strip() == ANY_LINES:
            return any(matches(i + 1, k) for k in range(j, len(got) + 1))
        return j < len(got) and bool(pattern_of(expected[i]).fullmatch(got[j])) and matches(
            i + 1, j + 1)
    return None if matches(0, 0) else furthest


def trimmed(lines):
    """Without the blank lines at the end."""
    lines = list(lines)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


class Background:
    """A server of a transcript."""

    def __init__(self, command, **settings):
        self._process = subprocess.Popen(["bash", "-c", f"exec {command}"], **settings,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT)
        os.set_blocking(self._process.stdout.fileno(), False)
        self.pid = self._process.pid

    def output(self, what_ends_it):
        """Its lines until there is one, or until it has ended."""
        text, end = b"", time.monotonic() + LIMIT_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while what_ends_it == "exit" or b"\n" not in text:
                if time.monotonic() > end:
                    raise tree.Problem(f"waited {LIMIT_S} s in vain for the server's "
                                       f"{what_ends_it}")
                if not selector.select(end - time.monotonic()):
                    continue
                part = self._process.stdout.read()
                if part == b"":
                    break
                text += part or b""
        return text.decode(errors="replace").splitlines()

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Session:
    """What one fence's commands share."""

    def __init__(self, program, folder):
        self._folder = folder
        build = pathlib.Path(program).parent
        self._own_folders = f"{build}:{build / 'benchmarks'}"
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "dumb", "COLUMNS": "80",
                             "PATH": f"{self._own_folders}:{os.environ['PATH']}"}
        self._servers = []
        self._ports = {}  # by the port that the document shows: the real one

    def run(self, command, expected):
        """The lines that the command prints."""
        for shown, real in self._ports.items():
            command = re.sub(rf"(?<=:){shown}\b", real, command)
        refuse_others(command, self._own_folders)
        settings = {"cwd": self._folder, "env": self._environment}
        if command.rstrip().endswith("&"):
            server = Background(command.rstrip()[:-1], **settings)
            self._servers.append(server)
            lines = server.output("line")
            self._note_port(lines, expected)
            return lines
        if self._servers:
            command = command.replace("$!", str(self._servers[-1].pid))
        with subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              start_new_session=True, **settings) as process:
            try:
                out = process.communicate(timeout=LIMIT_S)[0]
            except subprocess.TimeoutExpired as error:
                os.killpg(process.pid, signal.SIGKILL)
                raise tree.Problem(f"has not ended within {LIMIT_S} s; show a shorter one"
                                   ) from error
        lines = out.splitlines()
        if self._servers and re.match(r"kill\b", command):
            lines += self._servers[-1].output("line" if "USR1" in command else "exit")
        return lines

    def _note_port(self, lines, expected):
        real = re.search(r":(\d+)$", lines[0]) if lines else None
        if not real:
            raise tree.Problem(f"the server's first line names no port: {lines[:1]}")
        self._environment["PORT"] = real.group(1)
        shown = re.search(r":(\d+)$", expected[0].rstrip()) if expected else None
        if shown:
            self._ports[shown.group(1)] = real.group(1)

    def stop(self):
        for server in self._servers:
            server.stop()


def refuse_others(command, own_folders):
    """Only the programs of this project and plain tools, and only the loopback device."""
    for word in shell.command_words(command):
        own = "/" in word or shutil.which(word, path=own_folders)
        if not own and word not in others.names("commands"):
            raise tree.Problem(f"'{word}' is neither a program of this project nor among the "
                               f"commands in {others.FILE}: a transcript can't use it")
    for address in ADDRESS.findall(command):
        if not address.startswith("127."):
            raise tree.Problem(f"{address} is not an address of the loopback device")


def lacking(fence):
    """The commands of others that the fence runs and that aren't installed here."""
    words = {word for (_, command), _ in commands_of(fence) for word in shell.command_words(command)}
    ask = 'for word; do type "$word" >/dev/null 2>&1 || echo "$word"; done'
    return set(subprocess.run(["bash", "-c", ask, "-", *words & others.names("commands")],
                              capture_output=True, text=True, check=True).stdout.split())


def play(program, document, fence):
    """What is wrong with a fence: none, or texts that begin with the place."""
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        tree.mirror(folder, program)
        session = Session(program, folder)
        try:
            for (number, command), expected in commands_of(fence):
                problem = _compared(session, command, trimmed(expected), number)
                if problem:
                    problems.append(f"{document}:{problem}")
                    break  # what follows may depend on it
        except tree.Problem as problem:
            problems.append(f"{document}:{fence.first_line}: {problem}")
        finally:
            session.stop()
    return problems


def _compared(session, command, expected, number):
    try:
        got = trimmed(session.run(command, expected))
    except tree.Problem as problem:
        return f"{number}: '{command}': {problem}"
    difference = first_difference(expected, got)
    if difference is None:
        return None
    line, instead = difference
    wanted = expected[line] if line < len(expected) else "(the end)"
    there = got[instead] if instead < len(got) else "(the end)"
    indented = "\n".join(f"    {one}" for one in got) or "    (nothing)"
    return (f"{number + 1 + line}: '{command}' prints something else\n  expected: {wanted}\n"
            f"  got:      {there}\n  put in what it prints now, or '…' for lines that vary:\n"
            f"{indented}")
