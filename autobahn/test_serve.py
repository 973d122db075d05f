"""The pairs of a fuzzing server and a client, with stand-ins for both."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

import client
import common
import serve
from problem import Problem

SELECTED = {f"1.1.{number}": f"case {number}" for number in range(1, 6)}

# Listens as the suite's server does, takes lines instead of messages, and writes the report when it is asked to.
SERVE = """
import json, socket, sys
spec = json.load(open("spec.json"))
results = {}
listener = socket.create_server(("127.0.0.1", int(spec["url"].rpartition(":")[2])))
assert sys.argv[-1] == "--webport=0"
while True:
    connection, _ = listener.accept()
    with connection, connection.makefile("rw") as lines:
        line = lines.readline().strip()
        if line == "count":
            print(len(spec["cases"]), file=lines, flush=True)
        elif line == "report":
            json.dump({"Sockeye": results}, open("index.json", "w"))
        elif line:
            case = spec["cases"][int(line) - 1]
            print(f"Running test case ID {case} for agent Sockeye from peer x", flush=True)
            results[case] = {"behavior": "OK", "behaviorClose": "OK", "reportfile": f"{case}.json"}
"""

# Asks for all, and goes wrong where `wrong` says so.
CLIENT = """
import socket, sys, time
wrong, url = sys.argv[1:]
port = int(url.rpartition(":")[2])
def ask(line):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{line}\\n".encode())
        return connection.makefile().read()
count = int(ask("count"))
print(f"{count} cases", flush=True)
for case in range(1, count + 1):
    if (wrong, case) == ("leave out", 2):
        continue
    ask(case)
    if (wrong, case) == ("fail", 2):
        sys.exit(3)
    if (wrong, case) == ("hang", 2):
        time.sleep(60)
if wrong != "no report":
    ask("report")
"""


class StandInSuite:
    def __init__(self, code=SERVE):
        self.code = code
        self.cleaned_up = []

    def prepare(self):
        pass

    def select(self, _patterns):
        return SELECTED

    def outdir(self, directory):
        return str(directory)

    def wstest(self, mode, _directory):
        assert mode == "fuzzingserver"
        return [sys.executable, "-c", self.code]

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

    def problems(self, wrong="nothing", limit=10, jobs=2, suite=None):
        suite = suite or StandInSuite()
        command = [sys.executable, "-c", CLIENT, wrong]
        problems = serve.run(suite, command, SELECTED, self.reports, limit, jobs)
        self.assertEqual(sorted(suite.cleaned_up), [str(number + 1) for number in range(jobs)])
        return problems

    def reported(self):
        return json.loads((self.reports / "index.json").read_text())["Sockeye"]


class Pairs(WithReports):
    def test_every_case_is_run_by_one_pair(self):
        for jobs in (1, 2, 5):
            self.assertEqual(self.problems(jobs=jobs), [])
            self.assertEqual(self.reported().keys(), SELECTED.keys())
            common.empty_directory(self.reports)

    def test_results_have_the_way_to_their_pages(self):
        self.problems()
        self.assertEqual(self.reported()["1.1.2"]["reportfile"], "2/1.1.2.json")
        self.assertIn("case 5 of 5: 1.1.", self.output.getvalue())

    def test_the_server_is_told_where_to_listen_and_what_to_run(self):
        self.problems()
        specifications = [json.loads((self.reports / n / "spec.json").read_text()) for n in ("1", "2")]
        self.assertEqual([one["cases"] for one in specifications], [["1.1.1", "1.1.3", "1.1.5"], ["1.1.2", "1.1.4"]])
        self.assertEqual(len({one["url"] for one in specifications}), 2)

    def test_what_the_client_prints_is_kept(self):
        self.problems()
        self.assertEqual((self.reports / "1" / "client.stdout").read_text(), "3 cases\n")


class Faults(WithReports):
    def test_a_case_that_the_client_leaves_out_is_missing(self):
        self.assertEqual(self.problems("leave out"), [])
        self.assertEqual(SELECTED.keys() - self.reported().keys(), {"1.1.3", "1.1.4"})

    def test_without_a_report_all_are_missing(self):
        self.assertEqual(self.problems("no report"), [])
        self.assertEqual(self.reported(), {})

    def test_a_client_that_fails_is_a_problem_and_its_case_is_named(self):
        one, other = self.problems("fail")
        self.assertRegex(one, r"^the client exited with 3, at (no case|case 1\.1\.[13]); see .*/1/client\.stderr")
        self.assertRegex(other, r"^the client exited with 3, .*/2/client\.stderr")

    def test_a_client_that_hangs_is_ended(self):
        one, other = self.problems("hang", limit=10)
        self.assertEqual(one, "the client was still running case 1.1.3 after 10 s and was stopped.")
        self.assertEqual(other, "the client was still running case 1.1.4 after 10 s and was stopped.")

    def test_a_server_that_does_not_listen_is_a_problem(self):
        with self.assertRaisesRegex(Problem, "wstest ended with 4 before it listened"):
            self.problems(suite=StandInSuite("raise SystemExit(4)"))

    def test_a_server_that_ends_is_a_problem(self):
        # The look whether it listens is its first connection, the question how many cases there are its second.
        short = SERVE.replace("while True:", "for _ in range(2):") + "raise SystemExit(4)\n"
        self.assertIn("wstest ended during the run, with 4", "".join(self.problems(suite=StandInSuite(short), jobs=1)))


class Run(WithReports):
    def setUp(self):
        super().setUp()
        for patch in (
            mock.patch.object(client.suites, "find", StandInSuite),
            mock.patch.object(common, "ROOT", self.reports),
            mock.patch.object(client, "REPORTS", self.reports / "client"),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def status(self, wrong="nothing"):
        command = " ".join([sys.executable, str(self.reports / "client.py"), f"'{wrong}'"])
        (self.reports / "client.py").write_text(CLIENT)
        with mock.patch.dict(client.os.environ, {"AUTOBAHN_CLIENT": command}):
            return client.run(["1.*"])

    def test_all_good(self):
        self.assertEqual(self.status(), 0)
        self.assertIn("5 passed, 0 failed", self.output.getvalue())

    def test_each_way_to_go_wrong_fails(self):
        for wrong in ("leave out", "no report", "fail"):
            self.assertEqual(self.status(wrong), 1, wrong)

    def test_the_default_is_every_case(self):
        with self.assertRaisesRegex(Problem, "not 517"):
            client.run([])

    def test_the_client_is_built_unless_it_is_given(self):
        with mock.patch.object(common, "build", side_effect=Problem("cargo was asked")) as build:
            with self.assertRaisesRegex(Problem, "cargo was asked"):
                client.run(["1.*"])
        build.assert_called_once_with(["--release", "--example", "autobahn_client"])
