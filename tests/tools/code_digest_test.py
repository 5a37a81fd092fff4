#!/usr/bin/env python3
"""The digest of the code that measures: a comment or a blank is no other code, anything else is.

PROGRAM is the code_digest of the build: code_digest_test.py PROGRAM
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""

CODE = r'''
// A server.
int answer(int a, int b) {
  const char* link = "http://example.org /* all */ \" // still";
  char quote = '"', other = '\'';
  long many = 1'000'000;  // a million
  auto raw = R"x(// "kept" )" )x";
  return a + /* and */ b;
}
'''


class Digest(unittest.TestCase):
    def digest(self, *texts):
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder) / str(i) for i in range(len(texts))]
            for file, text in zip(files, texts):
                file.write_text(text, encoding="utf-8")
            return subprocess.run([PROGRAM, *files], capture_output=True, text=True,
                                  check=True).stdout

    def changed(self, old, new):
        self.assertIn(old, CODE)
        return self.digest(CODE.replace(old, new)) != self.digest(CODE)

    def test_comments_and_blanks_are_no_other_code(self):
        for old, new in [("// A server.\n", ""), ("A server", "It's \"one"), ("/* and */", ""),
                         ("a million", "1'0 \\\n goes on"), ("// A server.", "/* 'tis */"),
                         ("int b) {", "int b)\n\n{"), ("a + ", "a+"), ("  return", "\treturn")]:
            self.assertFalse(self.changed(old, new), old)

    def test_all_else_is(self):
        for old, new in [("a + ", "a - "), ("// still", "// stil"), ("/* all */", ""),
                         ("1'000'000", "1'000'001"), ('// "kept"', '//"kept"'), ("'\"'", "'x'"),
                         ("= '\\''", "= '\\\\'"), (" b;\n", " b; // c\n c;\n"), ("a, int b", "b, int a")]:
            self.assertTrue(self.changed(old, new), old)

    def test_a_literal_ends_where_it_ends(self):
        # What follows each literal is looked at again: a comment there is none of the code.
        for begin in ('"\\\\"', "'\\\\'", 'R"(\\)"', 'u8R"d()" )d"', "L'\"'", "0x1'f", "u'a'"):
            self.assertEqual(self.digest(f"x = {begin}; // one"), self.digest(f"x={begin};"), begin)
            self.assertNotEqual(self.digest(f"x = {begin}; y"), self.digest(f"x = {begin};"), begin)

    def test_files_are_one_after_the_other(self):
        self.assertEqual(self.digest("int a;\n", "int b;\n"), self.digest("int a; int b;"))
        self.assertRegex(self.digest("int a;"), "^[0-9a-f]{16}\n$")

    def test_a_header_that_says_so_already_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            code, header = (pathlib.Path(folder) / name for name in ("a.cpp", "digest.hpp"))
            def write(text):
                code.write_text(text, encoding="utf-8")
                subprocess.run([PROGRAM, "--header", header, code], check=True)
                return header.read_text(encoding="utf-8"), header.stat().st_mtime_ns
            first = write("int a;")
            self.assertIn("#define ECHOMUX_CODE_DIGEST \"", first[0])
            self.assertEqual(write("int a;  // the same"), first)
            self.assertNotEqual(write("int b;")[0], first[0])

    def test_says_what_is_wrong(self):
        for arguments, status in (([], 2), (["--other", "x"], 2), (["/no/file"], 1)):
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, status)
            self.assertTrue(done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
