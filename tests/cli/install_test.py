"""What "cmake --install" puts where, and that bench works from there, far from the build and the
source: install_test.py CMAKE BUILD LIBEXEC."""

import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, LIBEXEC = sys.argv[1:]


class Installed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.prefix = self.folder / "prefix"
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", self.prefix], check=True,
                       stdout=subprocess.DEVNULL)
        self.here = self.folder / "here"
        self.here.mkdir()

    def bench(self, status=0, **environment):
        """The names of the results files that are there afterwards, and what is said on stderr."""
        run = subprocess.run([self.prefix / "bin/echomux", "bench", "--preset", "quick",
                              "--backends", "floor,epoll_lt", "--idle", "0", "--duration", "50ms",
                              "--warmup", "0"], cwd=self.here, env={"PATH": "", **environment},
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, status, run.stderr)
        return sorted(self.folder.glob("*/**/bench-*.json")), run.stderr

    def test_there_is_the_program_what_it_runs_and_what_shells_and_man_need(self):
        files = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")
                 if path.is_file()}
        self.assertEqual(files, {
            "bin/echomux", f"{LIBEXEC}/echomux/floor_server", "share/man/man1/echomux.1",
            "share/bash-completion/completions/echomux", "share/zsh/site-functions/_echomux"})
        for name, first in (("man/man1/echomux.1", ".TH"), ("zsh/site-functions/_echomux", "#comp"),
                            ("bash-completion/completions/echomux", "# Completes")):
            self.assertTrue((self.prefix / "share" / name).read_text().startswith(first), name)

    def test_bench_measures_the_installed_floor(self):
        (results,), said = self.bench()
        self.assertEqual(results.parent, self.here / "results")
        self.assertIn(f"raw results: results/{results.name}", said)
        trials = json.loads(results.read_text())["trials"]
        self.assertEqual({trial["outcome"] for trial in trials}, {"measured"})
        self.assertEqual({trial["server"] for trial in trials}, {"floor", "epoll_lt"})

    def test_bench_writes_to_the_state_folder_where_there_can_be_no_results(self):
        (self.here / "results").write_text("in the way")  # which stops root, too
        state = self.folder / "state"
        (results,), said = self.bench(XDG_STATE_HOME=str(state), HOME=str(self.folder))
        self.assertEqual(results.parent, state / "echomux")
        self.assertIn("cannot write to results: Not a directory", said)
        self.assertIn(f"raw results: {results}", said)
        _, said = self.bench(status=1)
        self.assertIn("choose a place with -o", said)
        (results, _), said = self.bench(XDG_STATE_HOME="no/path", HOME=str(self.folder / "home"))
        self.assertEqual(results.parent, self.folder / "home/.local/state/echomux")

    def test_bench_overwrites_no_results(self):
        results = self.here / "results"
        results.mkdir()
        now = datetime.datetime.now(datetime.timezone.utc)
        taken = [results / f"{now + datetime.timedelta(seconds=i):bench-%Y%m%d-%H%M%S}.json"
                 for i in range(300)]
        for path in taken:
            path.write_text("another run's")
        files, _ = self.bench()
        (new,) = set(files) - set(taken)
        self.assertTrue(new.name.endswith("-2.json"), new)
        self.assertEqual({path.read_text() for path in taken}, {"another run's"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
