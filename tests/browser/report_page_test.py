#!/usr/bin/python3
"""Opens the page that `echomux report` makes in a real browser and uses it as a reader would.

ECHOMUX_PROGRAM names the program, ECHOMUX_RESULTS a results file to report. Needs Debian's
chromium, chromium-driver and python3-selenium; without them it is skipped (exit status 77).
"""

import copy
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
SKIPPED = 77
LIMIT_S = 20
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ImportError:
    webdriver = None

HOSTILE_SCRIPT = "<script>window.hacked=1</script>"
HOSTILE_IMAGE = "</script><img src=x onerror=window.hacked=1>" + " and a very long name" * 20


def make_report(files, out):
    """Runs `echomux report` on results files; the page is written to `out`."""
    command = [os.environ["ECHOMUX_PROGRAM"], "report", *map(str, files), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")


def reference():
    command = [os.environ["ECHOMUX_PROGRAM"], "show", os.environ["ECHOMUX_RESULTS"], "--format", "json"]
    return json.loads(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)


def keep_cells(results, keep):
    """A copy of results with only those trials, summaries and counts for which `keep` is true."""
    kept = copy.deepcopy(results)
    for part in ("trials", "summary", "system_calls"):
        kept[part] = [cell for cell in kept[part] if keep(cell)]
    return kept


def rename_server(results, old, new):
    """A copy of results in which one server has another name, wherever it is named."""
    renamed = copy.deepcopy(results)
    for server in renamed["plan"]["servers"]:
        if server["name"] == old:
            server["name"] = new
    for part in ("trials", "summary", "system_calls"):
        for cell in renamed[part]:
            if cell["server"] == old:
                cell["server"] = new
    return renamed


def measured_servers(results):
    return {
        trial["server"]
        for trial in results["trials"]
        if trial["outcome"] == "measured" and trial.get("cost")
    }


def median_cpu_us(results, server, idle):
    """The figure that a point of the first chart shows, taken straight from the trials."""
    return statistics.median(
        trial["cost"]["cpu_us_per_request"]
        for trial in results["trials"]
        if (trial["server"], trial["idle_connections"]) == (server, idle)
        and trial["outcome"] == "measured"
        and trial["verdict"] != "invalid"
    )


def first_number(text):
    return float(text.split()[0].replace(",", ""))


class ReportPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="echomux-report-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ARGUMENTS + [f"--user-data-dir={cls.folder / 'profile'}"]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(service=Service(DRIVER), options=options)
        cls.addClassCleanup(cls.browser.quit)
        cls.browser.set_page_load_timeout(LIMIT_S)
        cls.results = reference()
        cls.single = cls.report("reference", cls.results)

    @classmethod
    def report(cls, name, *results, further=()):
        """Writes results into files, and gives back the address of the page made of them."""
        files = list(further)
        for number, each in enumerate(results):
            folder = cls.folder / f"{name}-{number}"
            folder.mkdir()
            files.append(folder / f"{name}-{number}.json")
            files[-1].write_text(json.dumps(each), encoding="utf-8")
        out = cls.folder / f"{name}.html"
        make_report(files, out)
        return out.as_uri()

    def setUp(self):
        self.set_size(1280, 900)
        self.emulate(media="", scheme="light")

    def tearDown(self):
        self.browser.get_log("browser")

    # What a reader does

    def command(self, name, **parameters):
        return self.browser.execute_cdp_cmd(name, parameters)

    def set_size(self, width, height):
        self.width = width
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 500,
        )

    def emulate(self, media, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=media, features=features)

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def wait(self, condition, what):
        return WebDriverWait(self.browser, LIMIT_S).until(lambda _: condition(), what)

    def open(self, address):
        # From an empty page, so that the same address with another hash is loaded afresh.
        self.browser.get("about:blank")
        self.browser.get_log("performance")
        self.browser.get(address)
        ready = "return document.documentElement.dataset.ready === 'true'"
        self.wait(lambda: self.script(ready), "the page says that it is ready")

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        found = self.all(selector)
        self.assertTrue(found, f"there is no {selector}")
        return found[0]

    def charts(self):
        return self.all("#charts svg.chart")

    def lines(self, chart):
        """The servers for which a chart has a line that is drawn."""
        groups = chart.find_elements(By.CSS_SELECTOR, "g.server[data-server]")
        drawn = [
            group for group in groups
            if group.find_element(By.CSS_SELECTOR, "path.line").get_attribute("d")
        ]
        return {group.get_attribute("data-server") for group in drawn}

    def choose_metric(self, name):
        self.script("arguments[0].click()", self.one(f"input[name=metric][value={name}]"))
        self.wait(
            lambda: all(chart.get_attribute("data-metric") == name for chart in self.charts()),
            f"the charts show {name}",
        )

    def toggle(self, server):
        self.one(f'#charts button[data-toggle="{server}"]').click()

    def choose_idle(self, idle):
        Select(self.one("#spectrum-controls select[data-choice=idle]")).select_by_value(str(idle))

    def table_text(self, selector):
        return self.script("return document.querySelector(arguments[0]).textContent", selector)

    def assert_clean(self):
        """No complaint of the browser, no request but the page itself, and nothing executed."""
        serious = [
            entry["message"] for entry in self.browser.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]
        self.assertEqual(serious, [])
        requests = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                requests.append(message["params"]["request"]["url"])
        strange = [url for url in requests if not url.startswith(("file:", "about:", "data:"))]
        self.assertEqual(strange, [])
        pages = [url for url in requests if url.startswith("file:")]
        self.assertEqual(len(pages), 1, pages)
        resources = self.script("return performance.getEntriesByType('resource').map(e => e.name)")
        self.assertEqual([name for name in resources if not name.startswith("data:")], [])
        self.assertIsNone(self.script("return window.hacked || null"))
        drawn = self.script(
            "return Array.from(document.querySelectorAll('svg *')).some(node =>"
            " Array.from(node.attributes).some(({name, value}) =>"
            " !['data-server', 'aria-label'].includes(name)"
            " && /NaN|Infinity|undefined/.test(value)))"
        )
        self.assertFalse(drawn, "something is drawn at no place")

    def assert_fits(self):
        # Not innerWidth: a phone zooms out until what is too wide fits.
        width = self.script("return document.documentElement.scrollWidth")
        self.assertLessEqual(width, self.width, "the page scrolls sideways")

    # What they must see

    def test_loads_alone_and_without_complaint(self):
        self.open(self.single)
        self.assert_clean()
        policy = self.one("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
        self.assertIn("default-src 'none'", policy)
        self.assertEqual(self.one("html").get_attribute("lang"), "en")
        self.assertGreaterEqual(len(self.all("#answer p.answer")), 1)

    def test_the_chart_has_a_line_for_each_measured_server(self):
        self.open(self.single)
        self.assertEqual(len(self.charts()), 1)
        self.assertEqual(self.lines(self.charts()[0]), measured_servers(self.results))
        labels = {label.get_attribute("data-server") for label in self.all("#charts g.label-group")}
        self.assertEqual(labels, measured_servers(self.results))

    def test_says_where_something_is_missing(self):
        self.open(self.single)
        starved = self.all('#charts g.mark.starved[data-server="blocking"]')
        self.assertEqual(len(starved), len(self.results["plan"]["idle_connections"]))
        limited = self.one('#charts g.mark.over_limit[data-server="select"]')
        self.assertIn("1024", limited.get_attribute("aria-label"))

    def test_another_metric_changes_the_chart(self):
        self.open(self.single)
        before = self.one('#charts g.server[data-server="poll"] path.line').get_attribute("d")
        self.choose_metric("latency_us_p50")
        after = self.one('#charts g.server[data-server="poll"] path.line').get_attribute("d")
        self.assertNotEqual(before, after)
        self.assertIn("metric=latency_us_p50", self.browser.current_url)
        self.open(self.browser.current_url)
        self.assertEqual(self.charts()[0].get_attribute("data-metric"), "latency_us_p50")

    def test_every_metric_draws_on_both_axes(self):
        self.open(self.single)
        metrics = [each.get_attribute("value") for each in self.all("input[name=metric]")]
        self.assertGreaterEqual(len(metrics), 6)
        for metric in metrics:
            self.choose_metric(metric)
            for axis in ("linear", "log"):
                self.script("arguments[0].click()", self.one(f"input[name=axis][value={axis}]"))
                self.assertTrue(self.lines(self.charts()[0]), metric)
        self.assert_clean()

    def test_a_hidden_server_is_hidden_everywhere_and_comes_back(self):
        address = self.report("hide", self.results, self.results)
        self.open(address)
        shown = 'svg.chart g.server[data-server="poll"]'
        drawn = len(self.all(shown))
        self.assertEqual(drawn, 4, "two charts and two spectra")
        self.toggle("poll")
        self.wait(lambda: not self.all(shown), "poll is hidden")
        self.assertFalse(self.all('svg.chart [data-server="poll"]'))
        button = self.one('button[data-toggle="poll"]')
        self.assertEqual(button.get_attribute("aria-pressed"), "false")
        self.toggle("poll")
        self.wait(lambda: len(self.all(shown)) == drawn, "poll is shown again")
        self.one("#charts button[data-legend=none]").click()
        self.wait(lambda: not self.all("svg.chart g.server"), "all are hidden")
        self.one("#charts button[data-legend=all]").click()
        self.wait(lambda: len(self.all(shown)) == drawn, "all are shown")
        self.assert_clean()

    def point(self, server, number):
        points = self.all(f'#charts g.server[data-server="{server}"] g.point')
        self.script("arguments[0].scrollIntoView({block: 'center'})", points[number])
        return points[number]

    def check_tooltip(self, server, idle):
        self.wait(lambda: self.one("#tooltip").is_displayed(), "the tooltip is shown")
        self.assertIn(server, self.one("#tooltip .tooltip-server").text)
        self.assertIn(f"{idle:,} idle", self.one("#tooltip .tooltip-where").text)
        expected = median_cpu_us(self.results, server, idle)
        shown = first_number(self.one("#tooltip .tooltip-value").text)
        self.assertAlmostEqual(shown / expected, 1, delta=0.006)
        self.assertRegex(self.one("#tooltip").text, r"[\d.]+ \[.*\] times the floor")
        others = [row.text for row in self.all("#tooltip tbody th")]
        self.assertIn("epoll_et", others)

    def test_hovering_a_point_shows_its_value(self):
        self.open(self.single)
        # Only two servers, lest another's point be nearer to where the pointer is.
        self.one("#charts button[data-legend=none]").click()
        self.toggle("select")
        self.toggle("epoll_et")
        ActionChains(self.browser).move_to_element(self.point("select", 2)).perform()
        self.check_tooltip("select", 1000)

    def test_the_keyboard_reaches_every_point(self):
        self.open(self.single)
        self.script("arguments[0].focus()", self.point("poll", 0))
        self.check_tooltip("poll", 0)
        ActionChains(self.browser).send_keys("\ue014").perform()  # arrow to the right
        self.check_tooltip("poll", 100)
        label = self.script("return document.activeElement.getAttribute('aria-label')")
        self.assertIn("poll", label)

    def test_the_spectrum_toggles_and_changes_with_the_cell(self):
        self.open(self.single)
        line = '#spectrum g.server[data-server="poll"] path.line'
        spectrum = self.one("#spectrum svg.chart")
        self.assertTrue(self.lines(spectrum) <= measured_servers(self.results))
        self.assertIn("poll", self.lines(spectrum))
        due = self.one(line).get_attribute("d")
        self.script("arguments[0].click()", self.one("input[name=from][value=sent]"))
        self.wait(lambda: self.one(line).get_attribute("d") != due, "the line is another")
        self.choose_idle(0)
        self.wait(lambda: "idle=0" in self.browser.current_url, "another cell is shown")
        self.assertIn("select", self.lines(self.one("#spectrum svg.chart")))
        self.assert_clean()

    def test_the_spectrum_shows_values_on_hover(self):
        self.open(self.single)
        points = self.all('#spectrum g.server[data-server="poll"] g.point')
        self.script("arguments[0].scrollIntoView({block: 'center'})", points[len(points) // 2])
        ActionChains(self.browser).move_to_element(points[len(points) // 2]).perform()
        self.wait(lambda: self.one("#tooltip").is_displayed(), "the tooltip is shown")
        self.assertRegex(self.one("#tooltip .tooltip-value").text, r"[\d.]+ %: [\d,.]+ µs")

    def test_the_ledger_has_a_row_for_each_cell(self):
        self.open(self.single)
        rows = self.all("#ledger table.ledger:first-of-type tr[data-cell-server]")
        cells = {
            (trial["server"], trial["idle_connections"], trial["rate"])
            for trial in self.results["trials"]
        }
        tables = len(self.all("#ledger table.ledger"))
        self.assertEqual(len(rows), len(cells) * tables)
        figure = self.one(
            'tr[data-cell-server="poll"][data-idle="1000"] '
            'td[data-metric="cpu_us_per_request"] span'
        )
        expected = median_cpu_us(self.results, "poll", 1000)
        self.assertAlmostEqual(first_number(figure.text) / expected, 1, delta=0.006)

    def test_the_verdicts_have_their_sentences(self):
        self.open(self.single)
        text = self.table_text("#verdicts")
        self.assertIn("limit 1024", text)
        self.assertIn("without an answer", text)

    def test_missing_cells_are_no_obstacle(self):
        no_poll = keep_cells(self.results, lambda cell: cell["server"] != "poll")
        no_thousand = keep_cells(self.results, lambda cell: cell["idle_connections"] != 1000)
        for name, results in (("no-poll", no_poll), ("no-thousand", no_thousand)):
            with self.subTest(name):
                self.open(self.report(name, results))
                self.assertEqual(self.lines(self.charts()[0]), measured_servers(results))
                self.assert_clean()

    def test_one_place_and_one_trial_are_no_obstacle(self):
        one_place = keep_cells(self.results, lambda cell: cell["idle_connections"] == 100)
        one_place["plan"]["idle_connections"] = [100]
        one_trial = keep_cells(self.results, lambda cell: cell.get("repetition", 1) == 1)
        one_trial["plan"]["repetitions"] = 1
        for name, results in (("one-place", one_place), ("one-trial", one_trial)):
            with self.subTest(name):
                self.open(self.report(name, results))
                self.assertEqual(self.lines(self.charts()[0]), measured_servers(results))
                self.assert_clean()

    def test_two_runs_stand_side_by_side(self):
        other = rename_server(self.results, "busy_poll", "another")
        other["machine"]["kernel"] = "Linux 0.99 of long ago"
        self.open(self.report("two", self.results, other))
        charts = self.charts()
        self.assertEqual(len(charts), 2)
        self.assertEqual(len({chart.get_attribute("data-run") for chart in charts}), 2)
        self.assertEqual(self.lines(charts[0]), measured_servers(self.results))
        self.assertEqual(self.lines(charts[1]), measured_servers(other))
        boxes = [chart.rect for chart in charts]
        self.assertAlmostEqual(boxes[0]["y"], boxes[1]["y"], delta=2)
        self.assertAlmostEqual(boxes[0]["width"], boxes[1]["width"], delta=2)
        ticks = [
            [text.text for text in chart.find_elements(By.CSS_SELECTOR, ".axis text")]
            for chart in charts
        ]
        self.assertEqual(ticks[0], ticks[1], "the scales are the same")
        self.assertIn("0.99 of long ago", self.table_text("#comparison"))
        self.assertGreater(len(self.all("#comparison tbody tr")), 0)
        self.assert_clean()
        self.set_size(360, 800)
        self.open(self.browser.current_url)
        boxes = [chart.rect for chart in self.charts()]
        self.assertGreater(boxes[1]["y"], boxes[0]["y"] + 100, "stacked on a phone")
        self.assert_fits()

    def test_hostile_names_are_only_text(self):
        hostile = rename_server(self.results, "poll", HOSTILE_SCRIPT)
        hostile = rename_server(hostile, "epoll_et", HOSTILE_IMAGE)
        for width in (1280, 360):
            with self.subTest(width):
                self.set_size(width, 800)
                self.open(self.report(f"hostile-{width}", hostile))
                names = [name.get_attribute("textContent") for name in self.all(".legend .name")]
                self.assertIn(HOSTILE_SCRIPT, names)
                self.assertIn(HOSTILE_IMAGE, names)
                self.assertIn(HOSTILE_SCRIPT, self.lines(self.charts()[0]))
                self.assertFalse(self.all("img"))
                self.assert_clean()
                self.assert_fits()

    def test_claims_and_figures_are_shown_beside_the_run(self):
        results = pathlib.Path(os.environ["ECHOMUX_RESULTS"]).parent
        further = [results / "claims.json", results / "figures/idle-sweep.json",
                   results / "figures/libevent-1-active.json"]
        address = self.report("further", self.results, further=further)
        claims = json.loads(further[0].read_text(encoding="utf-8"))["claims"]
        for width, scheme in ((1280, "light"), (360, "dark")):
            with self.subTest(width):
                self.set_size(width, 800)
                self.emulate(media="", scheme=scheme)
                self.open(address)
                self.assertEqual(len(self.all("#claims tbody tr")), len(claims))
                self.assertIn(claims[0]["sentence"], self.table_text("#claims"))
                pictures = self.all("#figures svg.figure")
                self.assertEqual(len(pictures), 2)
                self.assertEqual(self.lines(pictures[1]), {"select", "poll", "epoll"})
                self.assertEqual(len(self.all("#figures table")), 2)
                links = {link.get_attribute("textContent") for link in self.all("#contents a")}
                self.assertTrue({"Claims", "Reproduced figures"} <= links, links)
                self.assert_clean()
                self.assert_fits()
        self.open(self.single)
        self.assertFalse(self.one("#claims").is_displayed())
        self.assertFalse(self.one("#figures").is_displayed())

    def test_nothing_scrolls_sideways_on_a_phone(self):
        self.set_size(360, 800)
        self.open(self.single)
        self.assert_fits()
        self.script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        self.assert_fits()
        inner = self.script(
            "return Array.from(document.querySelectorAll('.scroll'))"
            ".some(box => box.scrollWidth > box.clientWidth)"
        )
        self.assertTrue(inner, "wide tables scroll in boxes of their own")

    def test_dark_and_light_follow_the_system(self):
        self.open(self.single)
        background = "return getComputedStyle(document.body).backgroundColor"
        stroke = (
            "return getComputedStyle(document.querySelector("
            "'#charts g.server[data-server=poll] path.line')).stroke"
        )
        light = [self.script(background), self.script(stroke)]
        self.emulate(media="", scheme="dark")
        self.wait(lambda: self.script(background) != light[0], "the background is dark")
        dark = [self.script(background), self.script(stroke)]
        self.assertNotEqual(light[1], dark[1])
        self.emulate(media="print", scheme="dark")
        self.wait(lambda: self.script(background) == light[0], "paper is light")
        self.assertEqual(self.script(stroke), light[1])

    def test_paper_has_all_tables_and_no_controls(self):
        self.open(self.single)
        self.emulate(media="print", scheme="light")
        closed = "return document.querySelectorAll('details:not([open])').length"
        self.wait(lambda: self.script(closed) == 0, "all details are open")
        for table in self.all("table"):
            if table.find_elements(By.XPATH, "ancestor::*[@id='tooltip']"):
                continue
            self.assertTrue(table.is_displayed())
        self.assertFalse(self.one("#metric-controls").is_displayed())
        self.assertTrue(self.charts()[0].is_displayed())
        self.emulate(media="", scheme="light")
        self.wait(lambda: self.script(closed) > 0, "they are closed again")


def missing_tools():
    if webdriver is None:
        return "python3-selenium"
    for program in (CHROMIUM, DRIVER):
        if not os.access(program, os.X_OK):
            return program
    return ""


if __name__ == "__main__":
    if missing_tools():
        print(f"not installed: {missing_tools()}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
