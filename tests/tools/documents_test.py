"""Each way in which documents and code can drift apart is found, with a word on what to do.

The environment variable ECHOMUX_PROGRAM names the program. The tools run in a copy of the tree.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ["ECHOMUX_PROGRAM"]
SERVER = "epoll_et/epoll_et_server.cpp"
REGION = "may-sleep"
sys.path.insert(0, str(ROOT / "tools"))

from documents import results, trace_lines, transcript  # noqa: E402 (they are found by that path)


def copy_of_the_tree(folder):
    shutil.copytree(ROOT, folder, dirs_exist_ok=True, ignore=lambda at, names: [
        name for name in names
        if name.startswith(("build", ".git")) and name != ".gitignore" or name == "__pycache__"])


class InACopy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls._folder.name)
        copy_of_the_tree(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def write(self, name, text):
        """A file of the copy, until the end of the test."""
        path = self.root / name
        old = path.read_text(encoding="utf-8") if path.exists() else None
        path.write_text(text, encoding="utf-8")
        if old is None:
            self.addCleanup(path.unlink)
        else:
            self.addCleanup(path.write_text, old, encoding="utf-8")

    def change(self, name, old, new):
        text = (self.root / name).read_text(encoding="utf-8")
        self.assertIn(old, text, f"the test needs another example in {name}")
        self.write(name, text.replace(old, new, 1))

    def run_tool(self, tool, *arguments):
        return subprocess.run([f"tools/{tool}", PROGRAM, *arguments], cwd=self.root, timeout=300,
                              capture_output=True, text=True, check=False)

    def assert_green(self, tool, *arguments):
        done = self.run_tool(tool, *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def assert_red(self, tool, *arguments, because, says=""):
        """The tool fails, says why, and what to do."""
        done = self.run_tool(tool, *arguments)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(because, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertNotIn("Traceback", done.stderr)


class Weave(InACopy):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What servers cost is drawn for each of these blocks, and documents_in_step looks at them all.
        for path in cls.root.rglob("*.md"):
            text = path.read_text(encoding="utf-8")
            path.write_text(re.sub(r"<!-- cost: .*?<!-- end cost -->\n", "", text, flags=re.DOTALL),
                            encoding="utf-8")

    def assert_drift(self, because, says=""):
        self.assert_red("weave", "--check", because=because, says=says)

    def documents_with_regions(self):
        return [str(path.relative_to(self.root)) for path in self.root.rglob("*.md")
                if f"<!-- code: {SERVER} {REGION} -->" in path.read_text(encoding="utf-8")]

    def test_the_tree_is_in_step(self):
        self.assert_green("weave", "--check")

    def test_a_changed_region_is_found_and_filling_mends_it(self):
        (document, *_) = self.documents_with_regions()
        for name in self.documents_with_regions():
            self.change(name, REGION, REGION)  # so that it is restored after the filling
        self.change(SERVER, "int timeout_ms() const {", "int timeout_in_ms() const {")
        self.assert_drift("out of step", says="run: tools/weave")
        self.assert_green("weave")
        self.assertIn("timeout_in_ms", (self.root / document).read_text(encoding="utf-8"))
        self.assert_green("weave", "--check")

    def test_a_typed_change_of_a_block_is_found(self):
        (document, *_) = self.documents_with_regions()
        self.change(document, "int timeout_ms() const {", "long timeout_ms() const {")
        self.assert_drift(document, says="run: tools/weave")

    def test_a_region_without_its_end(self):
        self.change(SERVER, "  // end lesson\n", "")
        self.assert_drift(f"'{REGION}'", says="end that one first")

    def test_the_last_region_without_its_end(self):
        self.write("echo/odd.hpp", "// lesson: odd\nint odd;\n")
        self.assert_drift("echo/odd.hpp:1: region 'odd' has no end", says="put '// end lesson'")

    def test_a_region_without_its_begin(self):
        self.change(SERVER, f"  // lesson: {REGION}\n", "")
        self.assert_drift("'// end lesson' without", says="remove it or begin the region")

    def test_a_region_that_is_there_twice(self):
        self.write("echo/odd.hpp", "// lesson: odd\nint odd;\n// end lesson\n" * 2)
        self.assert_drift("a second region 'odd'", says="give it a name of its own")

    def test_a_region_within_another(self):
        self.write("echo/odd.hpp", "// lesson: a\n// lesson: b\nint b;\n// end lesson\n")
        self.assert_drift("region 'b' begins within 'a'", says="end that one first")

    def test_a_region_that_no_document_shows(self):
        self.write("echo/odd.hpp", "// lesson: odd\nint odd;\n// end lesson\n")
        self.assert_drift("no document shows region 'odd'", says="<!-- code: echo/odd.hpp odd -->")

    def test_a_misspelt_marker(self):
        self.write("echo/odd.hpp", "//lesson: odd\nint odd;\n")
        self.assert_drift("echo/odd.hpp:1", says="write the marker as '// lesson: NAME'")

    def test_a_region_that_is_not_there(self):
        self.write("odd.md", f"<!-- code: {SERVER} nowhere -->\n<!-- end code -->\n")
        self.assert_drift("has no region 'nowhere'", says="mark it there")

    def test_a_file_that_is_not_there(self):
        self.write("odd.md", "<!-- code: nowhere.cpp odd -->\n<!-- end code -->\n")
        self.assert_drift("there is no file nowhere.cpp", says="by their path from the root")

    def test_a_block_without_its_end(self):
        self.write("odd.md", f"<!-- code: {SERVER} {REGION} -->\n")
        self.assert_drift("odd.md:1: this block has no end", says="put '<!-- end code -->'")

    def test_a_block_without_its_begin(self):
        self.write("odd.md", "<!-- end code -->\n")
        self.assert_drift("odd.md:1: '<!-- end code -->' ends nothing", says="remove it")

    def test_a_block_that_is_there_twice(self):
        self.write("odd.md", f"<!-- code: {SERVER} {REGION} -->\n<!-- end code -->\n" * 2)
        self.assert_drift("is here a second time", says="remove one of the two")

    def test_a_block_within_another(self):
        self.write("odd.md", f"<!-- code: {SERVER} {REGION} -->\n"
                             "<!-- diff: a -->\n<!-- end diff -->\n")
        self.assert_drift("begins within that of line 1", says="put '<!-- end code -->' before it")

    def test_a_kind_of_block_that_is_unknown(self):
        self.write("odd.md", "<!-- cods: a b -->\n")
        self.assert_drift("is no marker", says="the kinds are claims, code, cost, costs, diff")

    def test_a_marker_with_a_word_too_many(self):
        self.write("odd.md", f"<!-- code: {SERVER} {REGION} more -->\n<!-- end code -->\n")
        self.assert_drift("too many or too few words", says="tools/README.md")

    def test_markers_in_a_fence_are_text(self):
        self.write("odd.md", "```\n<!-- cods: a b -->\n<!-- end code -->\n```\n")
        self.assert_green("weave", "--check")

    def test_a_number_in_a_table(self):
        self.change("results/README.md", "| epoll_lt | ", "| epoll_lt | 9")
        self.assert_drift("results/README.md: out of step", says="run: tools/weave")

    def test_figures_of_older_code(self):
        version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
        today = re.search(r"code (\w+),", version.stdout).group(1)
        name = "results/million.json"
        kept = json.loads((self.root / name).read_text(encoding="utf-8"))
        for digest, is_older in ((today, False), ("0" * 16, True), (None, True)):
            kept["build"]["code_digest"] = digest
            self.assertEqual("measured with older code" in results.provenance(PROGRAM, kept),
                             is_older, digest)
            self.write(name, json.dumps(kept))
            listed = self.run_tool("weave", "--older")
            self.assertEqual(f"{name}: measured with older code" in listed.stderr, is_older, digest)
            self.assertEqual(listed.returncode, 1 if listed.stderr else 0)

    def test_a_difference_that_has_changed(self):
        for name, text in (("one", "a"), ("other", "b")):
            self.write(f"{name}.hpp", f"// lesson: odd\n{text}\n// end lesson\n")
        self.write("odd.md", "<!-- diff: one.hpp odd other.hpp odd -->\n<!-- end diff -->\n")
        self.assert_green("weave")
        self.assertIn("```diff\n--- one.hpp\n+++ other.hpp\n-a\n+b\n```",
                      (self.root / "odd.md").read_text(encoding="utf-8"))
        self.change("other.hpp", "b", "c")
        self.assert_drift("odd.md: out of step")

    def test_a_trace_that_has_changed(self):
        self.write("odd.md", "<!-- trace: poll -->\n<!-- end trace -->\n")
        self.assert_green("weave")
        self.change("results/traces/poll.txt", "-- A connects", "-- A leaves")
        self.assert_drift("odd.md", says="run: tools/weave")

    def test_measured_figures_that_have_changed(self):
        self.write("odd.md", "<!-- cost: poll -->\n<!-- end cost -->\n")
        self.assert_green("weave")
        self.change("results/figures/idle-sweep.json", '"median": 4', '"median": 5')
        self.assert_drift("is not what results/figures/idle-sweep.json says", says="--draw")

    def test_a_chart_that_has_changed(self):
        self.write("odd.md", "<!-- cost: poll -->\n<!-- end cost -->\n")
        self.change("results/figures/cost-poll.svg", "idle connections", "busy connections")
        self.assert_drift("results/figures/cost-poll.svg", says="--draw")

    def test_wrong_usage(self):
        self.assertEqual(self.run_tool("weave", "--what").returncode, 2)


class Names(InACopy):
    def assert_found(self, text, because, says="correct"):
        self.write("odd.md", text)
        self.assert_red("names", "odd.md", because=because, says=says)

    def assert_fine(self, text):
        self.write("odd.md", text)
        self.assert_green("names", "odd.md")

    def test_the_tree_is_in_step(self):
        self.assert_green("names")

    def test_links(self):
        self.assert_fine("# A b\n[x](README.md) [y](#a-b) [z](poll/README.md) [w](https://x.y/z)\n")
        self.assert_found("a\n[x](READYOU.md)\n", "odd.md:2: the link READYOU.md leads nowhere")
        self.assert_found("# A b\n[x](#a-c)\n", "has no heading for #a-c", says="#a-b")
        self.assert_found("[x\ny](README.md#nowhere)\n", "README.md has no heading", says="it has")

    def test_a_renamed_symbol(self):
        text = "`pump()` and `EchoSession::pump` and `EchoSession::pump()`\n"
        self.assert_fine(text)
        for path in self.root.rglob("*"):
            if path.suffix in (".cpp", ".hpp", ".json") and "pump" in path.read_text(encoding="utf-8"):
                name = str(path.relative_to(self.root))
                self.write(name, path.read_text(encoding="utf-8").replace("pump", "drive_once"))
        self.assert_found(text, "no pump in the sources")
        self.assert_found(text, "no EchoSession with a pump")

    def test_files(self):
        self.assert_fine("`echo/accept.hpp` `accept.hpp` `results/NAME.json` `/proc/net/tcp`\n")
        self.assert_found("`echo/accepts.hpp`\n", "there is no file echo/accepts.hpp")

    def test_options(self):
        self.assert_fine("`--idle-timeout 30s` `echomux serve poll --stats json` `./run bench`\n")
        self.assert_found("`--idle-" "timeouts 30s`\n", "knows the option --idle-" "timeouts")
        self.assert_found("`echomux list --stats json`\n", "echomux list has no option --stats")

    def test_commands(self):
        self.assert_fine("```sh\n./run bench --no-pin\nbuild/echomux list | head\n"
                         "cmake -B build\n```\n")
        self.assert_found("```sh\n./run benches\n```\n", "odd.md:2: ./run has no command 'benches'")
        self.assert_found("```sh\n./run bench --no-pins\n```\n", "has no option --no-pins")
        self.assert_found("```sh\necho a | echomux clients\n```\n", "no subcommand 'clients'")
        self.assert_found("```sh\nbuild/soaks\n```\n", "CMakeLists.txt builds no soaks")
        self.assert_found("```sh\ntools/weaves\n```\n", "there is no tools/weaves")
        self.assert_found("```sh\nfrobnicate\n```\n", "is no command of ours", says="others.txt")
        self.assert_found("```\nechomux servers\n```\n", "no subcommand 'servers'")


    def test_sentences_to_read_twice(self):
        self.assert_fine("A peer waits, for example. It's for the user, for each of them.\n"
                         "| whoever |\n\n```\nwhoever, for it does\n```\n\n" + "A b c. " * 30)
        for text, because in (
                ("Tell\nwhoever waits.", "odd.md:1: say who"),
                ("It waits, for it is slow.", "say because"),
                ("One.\n\n- " + "word " * 31 + "`f(a b c d)`.", "odd.md:3: 32 words in a sentence")):
            self.assert_found(text, because, says="write it anew")
        self.write("tools/documents/plain.txt", "odd.md: It waits, for\n")
        self.assert_fine("It waits, for it is slow.")


class Transcripts(InACopy):
    GOOD = ("```console\n$ echomux serve poll --port 0 &\n"
            "echomux: poll listening on 127.0.0.1:40000\n"
            "$ printf 'hello\\n' | echomux client 127.0.0.1:40000\nhello\n"
            "$ printf 'hello\\n' | echomux client 127.0.0.1:$PORT > odd.txt; cat odd.txt\nhello\n"
            "$ kill $!\n…\n$ echomux list\n…\n"
            "poll one thread sleeps in poll (limit: open descriptors (ulimit -n))\n…\n```\n")

    def assert_found(self, text, because, says=""):
        self.write("odd.md", text)
        self.assert_red("transcripts", "odd.md", because=because, says=says)

    def test_a_good_one(self):
        self.write("odd.md", self.GOOD)
        self.assert_green("transcripts", "odd.md")
        self.assertFalse((self.root / "odd.txt").exists())

    def test_another_word(self):
        self.assert_found(self.GOOD.replace("poll listening", "poll listens"), "odd.md:3",
                          says="expected: echomux: poll listens on")

    def test_a_line_that_is_missing(self):
        self.assert_found(self.GOOD.replace("hello\n$ kill", "$ kill"), "expected: (the end)",
                          says="got:      hello")

    def test_a_line_too_many(self):
        self.assert_found("```console\n$ printf a\na\nb\n```\n", "got:      (the end)")

    def test_a_command_of_others(self):
        self.assert_found("```console\n$ frobnicate\n```\n", "neither a program of this project")

    def test_another_machine(self):
        self.assert_found("```console\n$ echomux client 192.0.2.1:7\n```\n", "the loopback device")

    def test_numbers(self):
        same = transcript.first_difference
        self.assertIsNone(same(["a 1,234.5 µs (95 %)"], ["a  7 µs (9 %)"]))
        self.assertIsNone(same(['{"a":1}'], ['{"a":22}']))
        self.assertIsNone(same(["(bb2c94f632bc)"], ["(56cdec6022c2)"]))
        self.assertIsNone(same(["…", "b", "…"], ["a", "b", "c", "d"]))
        self.assertEqual(same(["a 1"], ["b 1"]), (0, 0))
        self.assertEqual(same(["a 1"], ["a b"]), (0, 0))
        self.assertIsNotNone(same(["…", "x"], ["a", "b"]))


class Traces(InACopy):
    def test_a_server_that_makes_other_calls(self):
        done = self.run_tool("traces", "poll", "--check")
        if done.returncode == 77:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.change("results/traces/poll.txt", "recvfrom(B, ", "recvfrom(C, ")
        self.assert_red("traces", "poll", "--check", because="makes other calls now",
                        says="run: tools/traces")

    def test_lines_of_strace(self):
        reader, normaliser = trace_lines.Reader(), trace_lines.Normaliser()
        for line in ["7 close(3) = 0",
                     "7 listen(5, 4096) = 0",
                     "7 accept4(5, NULL, NULL, SOCK_CLOEXEC <unfinished ...>",
                     "8 poll([{fd=3, events=POLLIN}], 1, -1 <unfinished ...>",
                     "7 <... accept4 resumed>) = 6",
                     "7 recvfrom(6,  <unfinished ...>",
                     "7 <... recvfrom resumed>0x55, 65536, 0, NULL, NULL) = -1 EAGAIN (Resource "
                     "temporarily unavailable)",
                     "7 poll([{fd=5, events=POLLIN}, {fd=6, events=POLLIN}], 2, -1) = 1 ([{fd=6, "
                     "revents=POLLIN|POLLHUP}])",
                     "7 pselect6(7, [5 6], [], NULL, NULL, NULL) = 1 (in [6])",
                     "7 epoll_ctl(5, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0",
                     "7 epoll_wait(5, [{events=EPOLLIN, data={u32=6, u64=6}}], 512, -1) = 1",
                     "7 close(6) = 0",
                     "7 close(6) = 0"]:
            reader.take(line)
        lines = [normaliser.line(*call) for call in reader.calls]
        self.assertEqual([line[1] for line in lines if line], [
            "listen(listener, 4096) = 0",
            "accept4(listener, NULL, NULL, SOCK_CLOEXEC) = A",
            "recvfrom(A, …, 65536, 0, NULL, NULL) = -1 EAGAIN",
            "poll([listener:POLLIN A:POLLIN], 2, -1) = 1 [A:POLLIN|POLLHUP]",
            "select(A + 1, [listener A], [], NULL, NULL) = 1 (in [A])",
            "epoll_ctl(listener, EPOLL_CTL_ADD, A, EPOLLIN) = 0",
            "epoll_wait(listener, [A:EPOLLIN], 512, -1) = 1",
            "close(A) = 0"])
        self.assertEqual((reader.accepted, reader.accept_calls, reader.process), (1, 1, "7"))


if __name__ == "__main__":
    unittest.main()
