#!/usr/bin/env python3
"""Whether the pages of the course do what they say; the argument is a C++ compiler.

The program of session 0 is built from its page and talked to; each question has a folded answer;
words of networking are links to the glossary where they come first.
"""

import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

COURSE = pathlib.Path(__file__).resolve().parent
LESSONS = ("blocking", "threaded", "busy_poll", "select", "poll", "epoll_lt", "epoll_et")
WORDS = {"socket": "sockets?", "port": "ports?", "tcp": "TCP", "handshake": "handshakes?",
         "segment": "segments?", "nagle": "Nagle", "close-wait": "CLOSE-WAIT",
         "wait-queue": "wait queues?", "errno": "errno"}
FOLDED = re.compile(r"<details><summary>[^<]+</summary>\n\n.+?\n\n</details>", re.DOTALL)
PATIENCE_S = 30


def fence(page, language):
    return re.search(rf"^```{language}\n(.*?)^```", (COURSE / page).read_text(encoding="utf-8"),
                     re.MULTILINE | re.DOTALL).group(1)


def prose(text):
    """Without code, generated blocks, headings and the targets of links."""
    text = re.sub(r"^<!-- (\w+): .*?^<!-- end \1 -->", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^#.*|`[^`]*`", "", text, flags=re.MULTILINE)
    text = re.sub(r"\]\((?![^)]*glossary\.md)[^)]*\)", "]()", text)
    return re.sub(r"\s+", " ", text)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class SessionZero(unittest.TestCase):
    def start(self, folder, port):
        """The program of the page on this port, and a connection; none if another has the port."""
        source = folder / "first.cpp"
        source.write_text(fence("session_0.md", "cpp").replace("7777", str(port)),
                          encoding="utf-8")
        subprocess.run([sys.argv[1], "-std=c++20", "-Wall", "-Wextra", "-Werror", source, "-o",
                        folder / "first"], check=True)
        server = subprocess.Popen([folder / "first"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.addCleanup(server.stdout.close)
        end = time.monotonic() + PATIENCE_S
        while server.poll() is None and time.monotonic() < end:
            try:
                return server, socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            except ConnectionRefusedError:
                time.sleep(0.01)
        return None

    def test_the_thirty_lines_do_what_the_page_says(self):
        with tempfile.TemporaryDirectory() as folder:
            started = (self.start(pathlib.Path(folder), free_port()) for _ in range(5))
            server, peer = next(found for found in started if found)
            with peer:
                for line in (b"hello\n", b"nineteen letters ..\n"):
                    peer.sendall(line)
                    echo = b""
                    while len(echo) < len(line):
                        echo += peer.recv(64)
                    self.assertEqual(echo, line)
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(peer.recv(64), b"")
            printed = re.sub(r"port \d+", "port 7777", server.stdout.read())
            self.assertEqual(printed, fence("session_0.md", "text"))


class Questions(unittest.TestCase):
    def test_each_session_has_ten_and_each_has_an_answer(self):
        text = (COURSE / "questions.md").read_text(encoding="utf-8")
        sessions = re.split(r"^## Session \d.*\n", text, flags=re.MULTILINE)[1:]
        self.assertEqual(len(sessions), 7)
        for number, session in enumerate(sessions):
            questions = re.split(r"^\*\*\d+\.\*\*", session, flags=re.MULTILINE)[1:]
            self.assertEqual(len(questions), 10, f"session {number}")
            for question in questions:
                self.assertRegex(question, FOLDED)
            self.assertGreaterEqual(len(re.findall(r"\]\(\.\./claims/[\w-]+\.md#[\w-]+\)", session)), 8)

    def test_no_question_of_a_lesson_or_session_gives_its_answer_first(self):
        for page in [COURSE / "README.md", COURSE / "session_0.md",
                     *(COURSE.parent / name / "README.md" for name in LESSONS)]:
            text = page.read_text(encoding="utf-8")
            asked = re.split(r"^\*\*(?:Predict\.?\*\*|\d+\.)", text, flags=re.MULTILINE)[1:]
            self.assertGreaterEqual(len(asked), 3, page)
            for question in asked:
                self.assertRegex(question, FOLDED, page)
            for block in ("trace", "cost"):
                at = text.find(f"<!-- {block}: ")
                if at >= 0:
                    self.assertGreater(text.rfind("<details>", 0, at),
                                       text.rfind("</details>", 0, at), f"{page}: {block}")


class Words(unittest.TestCase):
    def test_words_are_links_to_the_glossary_where_they_come_first(self):
        for page in [COURSE / "session_0.md",
                     *(COURSE.parent / name / "README.md" for name in LESSONS)]:
            text = prose(page.read_text(encoding="utf-8"))
            for anchor, word in WORDS.items():
                first = re.search(rf"\b{word}\b", re.sub(r"\(([^)]*glossary[^)]*)\)",
                                                         lambda m: "_" * len(m.group()), text))
                if first:
                    link = re.compile(rf"[^\[\]]*\]\([^)]*glossary\.md#{anchor}\)")
                    place = text[max(first.start() - 40, 0):first.end() + 20]
                    self.assertTrue(link.match(text, first.start()), f"{page}: '{place}'")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
