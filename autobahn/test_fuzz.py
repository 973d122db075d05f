"""The suite's processes side by side, with a stand-in for the suite."""

import contextlib
import io
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import unittest

import fuzz

URL = "ws://127.0.0.1:9"
SELECTED = {f"1.1.{number}": f"case {number}" for number in range(1, 6)}
WAIT = "import time; time.sleep(60)\n"

# Reports every case it was given as OK, as the suite does when all is well.
RUN_THEM = """
import json
cases = json.load(open("spec.json"))["cases"]
for case in cases:
    print(f"Running test case ID {case} for agent Sockeye from peer x", flush=True)
def result(case):
    return {"behavior": "OK", "behaviorClose": "OK", "reportfile": f"sockeye_case_{case}.json"}
def write(results):
    json.dump({"Sockeye": results}, open("index.json", "w"))
write({case: result(case) for case in cases})
"""


class StandInSuite:
    """Runs `code` for each share, or what `by_share` has for it."""

    def __init__(self, code, by_share):
        self.code = code
        self.by_share = by_share
        self.cleaned_up = []

    def outdir(self, directory):
        return str(directory)

    def wstest(self, _mode, directory):
        return [sys.executable, "-c", self.by_share.get(directory.name, self.code)]

    def clean_up(self, directory):
        self.cleaned_up.append(directory.name)


class WithReports(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.reports = pathlib.Path(directory.name)
        self.output = io.StringIO()
        redirect = contextlib.redirect_stdout(self.output)
        redirect.__enter__()
        self.addCleanup(redirect.__exit__, None, None, None)

    def problems(self, code, by_share=None, limit=10, jobs=2):
        suite = StandInSuite(code, by_share or {})
        problems = fuzz.run(suite, URL, SELECTED, self.reports, limit, jobs)
        self.assertEqual(sorted(suite.cleaned_up), [str(number + 1) for number in range(jobs)])
        return problems

    def read(self, name):
        return json.loads((self.reports / name).read_text())

    def reported(self):
        return self.read("index.json")["Sockeye"]


class Shares(WithReports):
    def test_every_case_is_given_to_one_process(self):
        for jobs, dealt in (
            (1, [["1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.1.5"]]),
            (2, [["1.1.1", "1.1.3", "1.1.5"], ["1.1.2", "1.1.4"]]),
            (7, [["1.1.1"], ["1.1.2"], ["1.1.3"], ["1.1.4"], ["1.1.5"]]),
        ):
            shares = fuzz.deal(SELECTED, self.reports, jobs)
            self.assertEqual([cases for _, cases in shares], dealt)
            self.assertEqual(len({directory for directory, _ in shares}), len(dealt))

    def test_a_process_is_told_its_cases_and_the_server(self):
        self.assertEqual(self.problems(""), [])
        specification = self.read("2/spec.json")
        self.assertEqual(specification["cases"], ["1.1.2", "1.1.4"])
        self.assertEqual(specification["servers"], [{"agent": "Sockeye", "url": URL}])
        self.assertEqual(specification["outdir"], str(self.reports / "2"))

    def test_they_run_and_are_read_at_the_same_time(self):
        # Each waits for the other, which waits for its output to be read, as that is more than a pipe holds: one after
        # the other, they would wait until they are stopped.
        meet = "import pathlib, time\nprint('x' * 2**20, flush=True)\npathlib.Path('here').touch()\n"
        meet += "while not pathlib.Path('../{}/here').exists(): time.sleep(0.01)\n"
        self.assertEqual(self.problems("", {"1": meet.format(2), "2": meet.format(1)}), [])

    def test_the_progress_of_all_is_counted(self):
        self.assertEqual(self.problems(RUN_THEM), [])
        self.assertIn("case 5 of 5: 1.1.", self.output.getvalue())


class Merged(WithReports):
    def test_all_results_are_put_together_with_the_way_to_their_pages(self):
        self.assertEqual(self.problems(RUN_THEM), [])
        pages = {case: result["reportfile"] for case, result in self.reported().items()}
        self.assertEqual(pages.keys(), SELECTED.keys())
        self.assertEqual(pages["1.1.1"], "1/sockeye_case_1.1.1.json")
        self.assertEqual(pages["1.1.2"], "2/sockeye_case_1.1.2.json")

    def test_a_case_left_out_by_its_process_is_left_out(self):
        left_out = RUN_THEM + "write({case: result(case) for case in cases[1:]})\n"
        self.assertEqual(self.problems(RUN_THEM, {"1": left_out}), [])
        self.assertEqual(SELECTED.keys() - self.reported().keys(), {"1.1.1"})

    def test_a_process_does_not_speak_for_the_cases_of_another(self):
        every = RUN_THEM + f"write({{case: result(case) for case in {list(SELECTED)}}})\n"
        self.assertEqual(self.problems("", {"1": every}), [])
        self.assertEqual(self.reported().keys(), {"1.1.1", "1.1.3", "1.1.5"})

    def test_a_process_without_a_report_leaves_its_cases_out(self):
        self.assertEqual(self.problems(RUN_THEM, {"2": ""}), [])
        self.assertEqual(self.reported().keys(), {"1.1.1", "1.1.3", "1.1.5"})


class Problems(WithReports):
    def test_a_hang_is_ended_and_its_case_named(self):
        running = "print('Running test case ID 1.1.2 for agent Sockeye', flush=True)\n"
        (problem,) = self.problems("", {"2": running + WAIT}, limit=10)
        self.assertEqual(problem, "the suite was still running case 1.1.2 after 10 s and was stopped.")

    def test_a_refused_connection_is_a_problem(self):
        # The suite then writes what it has and exits 0.
        refused = f"print('Connection to {URL} failed (refused)')"
        (problem,) = self.problems("", {"2": refused})
        self.assertEqual(problem, f"the suite gave up: Connection to {URL} failed (refused)")

    def test_the_failure_of_any_process_is_a_problem(self):
        for number in ("1", "2"):
            (problem,) = self.problems("", {number: "raise SystemExit(3)"})
            self.assertRegex(problem, f"wstest exited with 3; see .*/{number}/wstest.log")
            shutil.rmtree(self.reports)
            self.reports.mkdir()

    def test_an_interruption_ends_them_all(self):
        def interrupt(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGUSR1, interrupt)
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        # Were they waited for, that would take a minute.
        started = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            self.problems(WAIT, {"2": f"import os; os.kill(os.getppid(), {signal.SIGUSR1.value})\n" + WAIT}, limit=60)
        self.assertLess(time.monotonic() - started, 30)
