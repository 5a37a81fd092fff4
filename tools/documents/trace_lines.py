"""What strace wrote, as lines that are the same in every recording.

Descriptors have the name of their part (listener, stop, epoll, and the peers A, B, C), threads are
T1, T2, …; addresses, process ids and calls that concern none of these descriptors are left out. A
watched descriptor stands as A:POLLIN, whether strace has it as pollfd or as epoll_event.
"""

import re

WAITS = ("select", "poll", "epoll_wait")
CALLS = ("listen", "accept4", "recvfrom", "sendto", "select", "pselect6", "poll", "ppoll",
         "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2", "close", "clone",
         "clone3", "exit")
# What one C library calls differently from another.
PLAIN_NAMES = {"pselect6": "select", "ppoll": "poll", "epoll_pwait": "epoll_wait",
               "clone": "clone3"}
PEERS = "ABC"

LINE = re.compile(r"^(\d+) +(.*)$")
UNFINISHED = re.compile(r"^(.*?) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
CALL = re.compile(r"^(\w+)\((.*)\) += (.*)$")


class Reader:
    """Takes strace's lines and keeps the finished calls, each at the place of its return."""

    def __init__(self):
        self.calls = []  # pairs of thread and call
        self.accept_calls = 0
        self.accepted = 0
        self.process = None
        self._begun = {}  # by thread: a call that has not returned

    def take(self, line):
        match = LINE.match(line)
        if not match:
            return
        thread, call = match.groups()
        self.process = self.process or thread
        unfinished, resumed = UNFINISHED.match(call), RESUMED.match(call)
        if unfinished:
            self._begun[thread] = unfinished.group(1)
            return
        if resumed:
            call = self._begun.pop(thread, "") + resumed.group(1)
        match = CALL.match(call)
        if not match:
            return
        self.calls.append((thread, call))
        if match.group(1) == "accept4":
            self.accept_calls += 1
            self.accepted += match.group(3).isdigit()


class Normaliser:
    """Names descriptors and threads in the order in which they come."""

    def __init__(self):
        self._parts = {}  # by descriptor number
        self._watched = {}  # descriptor numbers by what epoll was given to tell them by
        self._threads = {}
        self._peers = 0
        self._listening = False

    def line(self, thread, call):
        """The readable line: pair of thread and text; None for what doesn't concern the serving."""
        name, arguments, result = CALL.match(call).groups()
        if name == "listen":
            self._listening = True
            self._parts[arguments.split(",")[0]] = "listener"
            self._threads[thread] = "main"
        if not self._listening or thread not in self._threads:
            return None
        name = PLAIN_NAMES.get(name, name)
        text = getattr(self, f"_{name}", self._by_descriptor)(name, arguments, result)
        return text and (self._threads[thread], text)

    def _by_descriptor(self, name, arguments, result):
        """Calls whose first argument is the descriptor."""
        number, comma, rest = arguments.partition(",")
        part = self._parts.get(number)
        rest = re.sub(r"\b0x[0-9a-f]+\b", "…", rest)  # a buffer that nothing was put into
        return part and f"{name}({part}{comma}{rest}) = {_plain_result(result)}"

    def _accept4(self, name, arguments, result):
        if result.isdigit():
            self._parts[result] = PEERS[self._peers]
            self._peers += 1
            result = self._parts[result]
        return self._by_descriptor(name, arguments, result)

    def _close(self, name, arguments, result):
        text = self._by_descriptor(name, arguments, result)
        self._parts.pop(arguments, None)
        return text

    def _eventfd2(self, name, arguments, result):
        # A server has one to be stopped by; a second one is for peers that workers give back.
        part = "given_back" if "stop" in self._parts.values() else "stop"
        self._parts[result] = part
        return f"{name}({arguments}) = {part}"

    def _epoll_create1(self, name, arguments, result):
        self._parts[result] = "epoll"
        return f"{name}({arguments}) = epoll"

    def _epoll_ctl(self, name, arguments, result):
        epoll, operation, number, event = arguments.split(", ", 3)
        events = re.search(r"events=([\w|]+)", event)
        if data := re.search(r"data=\{u32=(\d+)", event):
            self._watched[data.group(1)] = number
        return (f"{name}({self._parts[epoll]}, {operation}, {self._parts[number]}"
                f"{', ' + events.group(1) if events else ''}) = {_plain_result(result)}")

    def _epoll_wait(self, name, arguments, result):
        number, events, most, timeout = re.match(r"(\d+), (\[.*\]|0x\w+), (\d+), (-?\d+)",
                                                 arguments).groups()
        epoll, entries = self._parts[number], self._entries(events)
        return f"{name}({epoll}, {entries}, {most}, {timeout}) = {_plain_result(result)}"

    def _poll(self, name, arguments, result):
        entries, count, timeout = re.match(r"(\[.*\]), (\d+), (-?\d+|NULL)", arguments).groups()
        if any(number not in self._parts for number in re.findall(r"fd=(\d+)", entries)):
            return None
        timeout = "-1" if timeout == "NULL" else timeout
        found = re.search(r" \((\[.*\])", result)
        ready = f" {self._entries(found.group(1))}" if found else ""
        return f"{name}({self._entries(entries)}, {count}, {timeout}) = {result.split()[0]}{ready}"

    def _entries(self, text):
        pairs = re.findall(r"\{fd=(-?\d+), r?events=([\w|]+)\}", text)
        pairs += [(self._watched.get(data, data), events) for events, data in
                  re.findall(r"\{events=([\w|]+), data=\{u32=(\d+), u64=\d+\}\}", text)]
        return "[" + " ".join(f"{self._parts.get(number, number)}:{events}"
                              for number, events in pairs) + "]"

    def _select(self, name, arguments, result):
        end, sets = arguments.split(", ", 1)
        highest = self._parts[str(int(end) - 1)]
        sets = ", ".join(sets.split(", ")[:4])  # pselect6 has a fifth
        named = re.sub(r"\d+", lambda match: self._parts.get(match.group(), match.group()), sets)
        ready = re.sub(r"(?<=[\[ ])\d+(?=[\] ])", lambda match: self._parts[match.group()], result)
        return f"{name}({highest} + 1, {named}) = {ready}"

    def _clone3(self, name, _, result):
        self._threads[result] = f"T{len(self._threads)}"
        return f"{name}(…) = {self._threads[result]}"

    def _exit(self, name, arguments, result):
        return f"{name}({arguments}) = {result}"


def _plain_result(result):
    """'-1 EAGAIN (Resource temporarily unavailable)' without the words."""
    return re.sub(r" \([A-Z][^()]*\)$", "", result)


def turns(lines):
    """Groups the lines of a server that never sleeps: each turn begins by asking the listener."""
    groups = []
    for line in lines:
        begins = line[1].startswith("accept4(")
        if groups and (not begins or groups[-1][-1][1].endswith(tuple(f"= {p}" for p in PEERS))):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def is_idle(turn):
    return all(text.endswith("= -1 EAGAIN") for _, text in turn)
