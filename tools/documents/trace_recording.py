"""Runs a server under strace and serves three clients with it, one step at a time.

After each step it waits until the server has done all that follows from it, so that the next one
can't get in between: then every recording has the same calls in the same order.
"""

import array
import contextlib
import fcntl
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import termios
import time

from documents import trace_lines

LIMIT_S = 20
MESSAGE = b"hello"
TURNS_BETWEEN_STEPS = 4
ONE_AT_A_TIME = ("blocking",)
NEVER_SLEEPS = ("busy_poll",)
# Of several workers, which one takes a peer is chance.
OPTIONS = {"reactor_workers": ["--workers", "1"], "reuseport": ["--workers", "1"]}


AGAIN = "… the same, again and again"


class CanNotTrace(Exception):
    """strace is missing, or isn't allowed to trace here."""


class Server:
    """One server under strace, which writes into a pipe: so it can't get far ahead of us."""

    def __init__(self, program, backend, folder):
        self.backend = backend
        self.reader = trace_lines.Reader()
        self._out = pathlib.Path(folder, "out")
        self._errors = pathlib.Path(folder, "errors")
        self._rest = b""  # the beginning of a line
        pipe = pathlib.Path(folder, "trace")
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        command = ["strace", "-f", "-qq", "-e", "signal=none",
                   "-e", f"trace={','.join('?' + call for call in trace_lines.CALLS)}",
                   "-o", str(pipe), program, "serve", backend, "--port", "0",
                   *OPTIONS.get(backend, [])]
        with open(self._out, "w") as out, open(self._errors, "w") as errors:
            try:
                self._strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                                stderr=errors)
            except FileNotFoundError as error:
                raise CanNotTrace("not installed: strace") from error
        try:
            self.port = int(self.wait_until("the server listens", self._find_port).group(1))
        except BaseException:
            self.stop()
            raise

    def _find_port(self):
        if self._strace.poll() is not None:
            raise CanNotTrace(self._errors.read_text().strip() or "strace ended at once")
        return re.search(r"listening on \S+:(\d+)\n", self._out.read_text())

    def wait_until(self, what, condition):
        """What the condition returns, once that is true."""
        end = time.monotonic() + LIMIT_S
        while True:
            self._read()
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise TimeoutError(f"{self.backend}: waited {LIMIT_S} s in vain until {what}")
            time.sleep(0.0005)

    def _read(self):
        """Takes what strace has written, but no more than one pipe holds at a time."""
        with contextlib.suppress(BlockingIOError):
            *lines, self._rest = (self._rest + os.read(self._pipe, 1 << 16)).split(b"\n")
            for line in lines:
                self.reader.take(line.decode(errors="replace"))

    def settle(self):
        """Waits until all that follows from the last step is done."""
        if self.backend in NEVER_SLEEPS:
            enough = self.reader.accept_calls + TURNS_BETWEEN_STEPS
            self.wait_until("the server has made some more turns",
                            lambda: self.reader.accept_calls >= enough)
        else:
            self.wait_until("all threads of the server sleep", self._sleeps)
            self._read()

    def _sleeps(self):
        """Whether no thread has run for a moment, and each is asleep in a system call."""
        first = self._states()
        time.sleep(0.003)
        return first and first == self._states()

    def _states(self):
        states = []
        try:
            for task in sorted(pathlib.Path(f"/proc/{self.reader.process}/task").iterdir()):
                if (task / "stat").read_text().rpartition(")")[2].split()[0] != "S":
                    return None
                switches = re.findall(r"ctxt_switches:\s*(\d+)", (task / "status").read_text())
                states.append((task.name, (task / "syscall").read_text(), switches))
        except (FileNotFoundError, ProcessLookupError):
            return None  # a thread has ended meanwhile
        return states

    def stop(self):
        """Ends the server, and with it strace."""
        if self.reader.process and self._strace.poll() is None:
            os.kill(int(self.reader.process), signal.SIGTERM)
        else:
            self._strace.terminate()
        with contextlib.suppress(TimeoutError):
            self.wait_until("strace has ended", lambda: self._strace.poll() is not None)
        self._strace.kill()
        self._strace.wait()
        os.close(self._pipe)


class Client:
    """One of the three peers."""

    def __init__(self, name, server):
        self.name = name
        self._server = server
        self._socket = None

    def connect(self):
        accepted = self._server.reader.accepted
        self._socket = socket.create_connection(("127.0.0.1", self._server.port), LIMIT_S)
        self._socket.setblocking(False)
        if self._server.backend in ONE_AT_A_TIME and self.name != "A":
            # Nobody accepts it yet, and only the kernel knows whether it waits in the backlog.
            self._server.wait_until("the connection is in the backlog", self._is_established)
        else:
            self._server.wait_until(f"{self.name} is accepted",
                                    lambda: self._server.reader.accepted > accepted)

    def _is_established(self):
        own, theirs = self._socket.getsockname()[1], self._server.port
        row = re.compile(rf"^ *\d+: \w+:{theirs:04X} \w+:{own:04X} 01 ", re.MULTILINE)
        return row.search(pathlib.Path("/proc/net/tcp").read_text())

    def send(self):
        self._socket.sendall(MESSAGE)
        unacknowledged = array.array("i", [1])

        def has_arrived():
            fcntl.ioctl(self._socket, termios.TIOCOUTQ, unacknowledged)
            return unacknowledged[0] == 0
        self._server.wait_until("the message has arrived", has_arrived)

    def receive(self):
        echo = bytearray()
        while len(echo) < len(MESSAGE):
            part = self._receive_some()
            if not part:
                raise ConnectionError(f"{self.name} has lost its connection")
            echo += part
        if echo != MESSAGE:
            raise ConnectionError(f"{self.name} got another echo than it sent")

    def _receive_some(self):
        """At least a byte, or none at the end."""
        parts = []

        def has_come():
            with contextlib.suppress(BlockingIOError):
                parts.append(self._socket.recv(len(MESSAGE)))
            return parts
        self._server.wait_until(f"{self.name} has an answer", has_come)
        return parts[0]

    def exchange(self):
        self.send()
        self.receive()

    def end(self):
        self._socket.shutdown(socket.SHUT_WR)
        if self._receive_some() != b"":
            raise ConnectionError(f"{self.name} got more than its echo")
        self._socket.close()


def steps(backend, a, b, c):
    """What the clients do, in this order: what the recording says of it, and the step."""
    connecting = [(f"{client.name} connects", client.connect) for client in (a, b, c)]
    ending = [(f"{client.name} ends its input", client.end) for client in (a, b, c)]
    if backend not in ONE_AT_A_TIME:
        return connecting + [(f'{client.name} sends "hello"', client.exchange)
                             for client in (b, a, c)] + ending
    # B and C have their echoes only when it is their turn.
    return connecting + [('B sends "hello"', b.send), ('A sends "hello"', a.exchange),
                         ('C sends "hello"', c.send), ending[0], (None, b.receive), ending[1],
                         (None, c.receive), ending[2]]


def record(program, backend):
    """The readable lines of a recording: what the clients do, and each call of the server."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, backend, folder)
        try:
            server.settle()
            said = []  # pairs: how many calls had returned before a step, and what it was
            for words, step in steps(backend, *(Client(name, server) for name in "ABC")):
                if words:
                    said.append((len(server.reader.calls), words))
                step()
                server.settle()
            return readable(backend, server.reader.calls, said)
        finally:
            server.stop()


def readable(backend, calls, said):
    """The calls by turns of the server, with each step before the first turn that it changed."""
    normaliser = trace_lines.Normaliser()
    lines, ends = [], []  # the lines, and how many calls had returned with each
    for count, (thread, call) in enumerate(calls, 1):
        line = normaliser.line(thread, call)
        if line:
            lines.append(line)
            ends.append(count)
    threads = {thread for thread, _ in lines}
    polling = backend in NEVER_SLEEPS
    groups = trace_lines.turns(lines) if polling else [[line] for line in lines]
    out, done, previous = [], 0, None
    for group in groups:
        done += len(group)
        idle = polling and trace_lines.is_idle(group)
        if idle and group == previous:
            if out[-1] != AGAIN:
                out.append(AGAIN)
            continue
        while not idle and said and said[0][0] < ends[done - 1]:
            out.append(f"-- {said.pop(0)[1]}")
        out += [f"{thread:<4} {text}" if len(threads) > 1 else text for thread, text in group]
        previous = group
    return out
