#!/usr/bin/python3 -S
"""What a peer can do to find each bug of the gallery, as a check for 'echomux try'.

  EXHIBIT=NAME echomux try NAME tests/gallery/peer_checks.py

Exit status 0: the server did what it should. stale_events needs --max-connections 5.
"""

import contextlib
import os
import resource
import signal
import socket
import struct
import sys
import time

PID = int(os.environ["ECHOMUX_PID"])
PATIENCE_S = 2


def connect():
    peer = socket.create_connection((os.environ["ECHOMUX_HOST"], int(os.environ["ECHOMUX_PORT"])))
    peer.settimeout(PATIENCE_S)
    return peer


def receive(peer, count):
    got = b""
    while len(got) < count:
        part = peer.recv(min(count - len(got), 1 << 20))
        if not part:
            sys.exit(f"the stream ended after {len(got)} of {count} bytes")
        got += part
    return got


def exchange(peer, message=b"hello\n"):
    peer.sendall(message)
    assert receive(peer, len(message)) == message, "other bytes came back"


def push(peer, most):
    """Sends without reading, until nothing can be sent for a while; how much that was."""
    peer.settimeout(0.3)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < most:
            sent += peer.send(b"x" * (1 << 16))
    peer.settimeout(PATIENCE_S)
    return sent


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def state():
    with open(f"/proc/{PID}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


def sleeps():
    """It has nothing to do: 20 times in a row it is seen asleep. A server that spins never is."""
    deadline, seen = time.monotonic() + PATIENCE_S, 0
    while seen < 20:
        assert time.monotonic() < deadline, "the server is busy with nothing"
        seen = seen + 1 if state() == "S" else 0
        time.sleep(0.01)


def descriptors():
    return [int(name) for name in os.listdir(f"/proc/{PID}/fd")]


@contextlib.contextmanager
def stopped():
    os.kill(PID, signal.SIGSTOP)
    while state() != "T":
        time.sleep(0.001)
    yield
    os.kill(PID, signal.SIGCONT)


@contextlib.contextmanager
def without_descriptors():
    limits = resource.prlimit(PID, resource.RLIMIT_NOFILE)
    first_free = min(set(range(limits[0])) - set(descriptors()))
    resource.prlimit(PID, resource.RLIMIT_NOFILE, (first_free, limits[1]))
    yield
    resource.prlimit(PID, resource.RLIMIT_NOFILE, limits)


def one_recv():
    exchange(connect(), b"m" * 4000)


def short_write():
    peer = connect()
    count = push(peer, 64 << 20)
    receive(peer, count)


def blocking_descriptor():
    first, second = connect(), connect()
    exchange(first)
    exchange(second)


def epollout_always():
    peer = connect()
    exchange(peer)
    sleeps()


def fd_setsize():
    for who in (0, PID):
        limits = resource.prlimit(who, resource.RLIMIT_NOFILE)
        resource.prlimit(who, resource.RLIMIT_NOFILE, (min(2048, limits[1]), limits[1]))
    peers = [connect() for _ in range(1100)]
    exchange(peers[0])
    exchange(peers[0])


def leak_on_reset():
    exchange(connect())
    before = len(descriptors())
    for _ in range(20):
        peer = connect()
        exchange(peer)
        reset(peer)
    deadline = time.monotonic() + PATIENCE_S
    while len(descriptors()) > before + 1:
        assert time.monotonic() < deadline, "descriptors stay open that no peer has any more"
        time.sleep(0.01)


def error_ends_server():
    witness, peer = connect(), connect()
    exchange(witness)
    exchange(peer)
    reset(peer)
    exchange(witness)
    exchange(connect())


def emfile_spin():
    witness = connect()
    exchange(witness)
    with without_descriptors():
        _waiting = [connect() for _ in range(3)]
        sleeps()


def retry_send():
    witness, peer = connect(), connect()
    push(peer, 64 << 20)
    exchange(witness)


def stale_events():
    inside = [connect() for _ in range(5)]
    for peer in inside:
        exchange(peer)
    with stopped():
        newcomers = [connect(), connect()]
        reset(inside[0])
        reset(inside[1])
    for peer in newcomers:
        exchange(peer)


def wait_for_hup():
    peer = connect()
    exchange(peer)
    peer.shutdown(socket.SHUT_WR)
    assert peer.recv(1) == b"", "more than its end came"


def deaf_accept():
    witness = connect()
    exchange(witness)
    with without_descriptors():
        peers = [connect() for _ in range(3)]
        sleeps()  # once it has found that it has no descriptor for them
    for peer in peers:
        exchange(peer)


def unbounded_buffer():
    most = 256 << 20
    assert push(connect(), most) < most, "nothing ever held this peer back"


def sigpipe():
    exchange(connect())
    peer = connect()
    exchange(peer)
    with stopped():
        peer.sendall(b"farewell\n")
        peer.shutdown(socket.SHUT_WR)
        reset(peer)
    exchange(connect())
    exchange(connect())


def one_accept():
    exchange(connect())
    with stopped():
        peers = [connect() for _ in range(20)]
    for peer in peers:
        exchange(peer)


def undrained_wakeup():
    peer = connect()
    receive(peer, push(peer, 64 << 20))
    peer.close()
    sleeps()


wrong_unit = deaf_accept

if __name__ == "__main__":
    globals()[os.environ["EXHIBIT"]]()
