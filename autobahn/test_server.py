"""The life of the server, and what is made of the suite's report, with stand-ins for both."""

import contextlib
import io
import json
import pathlib
import shutil
import sys
import tempfile
import unittest
from unittest import mock

import common
import server
from problem import Problem
from processes import Child

READY = "print('listening on ws://127.0.0.1:9', flush=True)\n"
EXIT_ON_SIGTERM = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit({}))\n"
WAIT = "import time; time.sleep(60)\n"
SELECTED = {"1.1.1": "first", "1.1.2": "second"}


def python(code):
    return [sys.executable, "-c", code]


class StandInSuite:
    """Has the cases of SELECTED, and is asked for nothing else."""

    def prepare(self):
        pass

    def select(self, _patterns):
        return SELECTED


class WithReports(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        root = pathlib.Path(directory.name)
        self.reports = root / "server"
        self.reports.mkdir()
        self.log = self.reports / "sockeye.stderr"
        self.enter(mock.patch.object(common, "ROOT", root))
        self.enter(mock.patch.multiple(server, REPORTS=root, READY_SECONDS=5))
        self.output = io.StringIO()
        self.enter(contextlib.redirect_stdout(self.output))

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def child(self, code):
        return self.enter(Child("sockeye echo", python(code)))


class AwaitUrl(WithReports):
    def url(self, code, tls=False):
        return server.await_url(self.child(code), self.log, tls)

    def test_the_url_is_read_from_the_line(self):
        self.assertEqual(self.url(READY + WAIT), "ws://127.0.0.1:9")

    def test_the_scheme_is_the_one_that_is_tested(self):
        secure = READY.replace("ws:", "wss:")
        self.assertEqual(self.url(secure + WAIT, tls=True), "wss://127.0.0.1:9")
        for printed, tls in ((READY, True), (secure, False)):
            with self.assertRaisesRegex(Problem, f"instead of 'listening on {'wss' if tls else 'ws'}://"):
                self.url(printed + WAIT, tls)

    def test_another_line_is_a_problem(self):
        with self.assertRaisesRegex(Problem, "printed 'hello' instead"):
            self.url("print('hello', flush=True)\n" + WAIT)

    def test_an_early_end_is_a_problem(self):
        with self.assertRaisesRegex(Problem, "ended with 4 before it listened"):
            self.url("raise SystemExit(4)")

    def test_silence_is_a_problem(self):
        with mock.patch.object(server, "READY_SECONDS", 0.2):
            with self.assertRaisesRegex(Problem, "did not say within 0.2 s"):
                self.url(WAIT)


class Stop(WithReports):
    def problems(self, code):
        child = self.child(code)
        server.await_url(child, self.log)
        return server.stop(child, self.log)

    def test_exit_status_0_is_no_problem(self):
        self.assertEqual(self.problems(EXIT_ON_SIGTERM.format(0) + READY + WAIT), [])

    def test_another_exit_status_is_a_problem(self):
        (problem,) = self.problems(EXIT_ON_SIGTERM.format(3) + READY + WAIT)
        self.assertIn("exited with 3 on SIGTERM", problem)

    def test_a_death_by_the_signal_is_a_problem(self):
        (problem,) = self.problems(READY + WAIT)
        self.assertIn("exited with -15 on SIGTERM", problem)

    def test_a_death_by_the_signal_is_none_where_it_is_expected(self):
        child = self.child(READY + WAIT)
        server.await_url(child, self.log)
        self.assertEqual(server.stop(child, self.log, server.example("embed").status), [])

    def test_a_clean_exit_is_a_problem_where_none_is_expected(self):
        child = self.child(EXIT_ON_SIGTERM.format(0) + READY + WAIT)
        server.await_url(child, self.log)
        (problem,) = server.stop(child, self.log, server.example("embed").status)
        self.assertIn("exited with 0 on SIGTERM, not -15", problem)

    def test_an_earlier_end_is_a_problem(self):
        child = self.child(READY)
        server.await_url(child, self.log)
        child.process.wait()
        (problem,) = server.stop(child, self.log)
        self.assertIn("ended during the run, with 0", problem)

    def test_a_second_line_is_a_problem(self):
        # In one write: between two, the signal might come.
        both = READY.replace(":9'", ":9\\nmore'")
        (problem,) = self.problems(EXIT_ON_SIGTERM.format(0) + both + WAIT)
        self.assertIn("printed more to stdout", problem)

    def test_what_the_server_started_ends_with_it(self):
        # The grandchild holds the pipe: were it alive, reading to the end of the pipe would take a minute.
        start = f"import subprocess; subprocess.Popen({python(WAIT)!r})\n"
        self.assertEqual(self.problems(EXIT_ON_SIGTERM.format(0) + start + READY + WAIT), [])


class Run(WithReports):
    def setUp(self):
        super().setUp()
        self.enter(mock.patch.object(server.suites, "find", StandInSuite))
        self.enter(mock.patch.dict(server.os.environ, {"SERVER_URL": "ws://127.0.0.1:9", "SOCKEYE": "/bin/false"}))
        self.built = self.enter(mock.patch.object(common, "build", return_value="built"))
        self.tested_binary = self.enter(mock.patch.object(server, "fuzz_binary", return_value=[]))
        self.tested_url = self.enter(mock.patch.object(server.fuzz, "run", return_value=[]))

    def test_another_server_is_not_taken_for_an_example(self):
        self.assertEqual(server.run(["1.*"], server.example("tokio")), 1)
        self.built.assert_called_once()
        _, subject, binary, _, reports, _ = self.tested_binary.call_args.args
        self.assertEqual((subject.name, binary, reports.name), ("the example tokio", "built", "tokio"))

    def test_another_server_is_taken_for_ours(self):
        server.run(["1.*"])
        self.assertEqual(self.tested_url.call_args.args[1], "ws://127.0.0.1:9")
        with mock.patch.dict(server.os.environ, {"SERVER_URL": ""}):
            server.run(["1.*"])
        self.assertEqual(self.tested_binary.call_args.args[2], "/bin/false")
        self.built.assert_not_called()

    def test_a_server_without_tls_does_not_pass_for_one_with_it(self):
        for url, subject in (("ws://127.0.0.1:9", server.ECHO_TLS), ("wss://127.0.0.1:9", server.ECHO)):
            with mock.patch.dict(server.os.environ, {"SERVER_URL": url}):
                with self.assertRaisesRegex(Problem, "TLS; see --tls"):
                    server.run(["1.*"], subject)

    def test_tls_has_reports_of_its_own(self):
        with mock.patch.dict(server.os.environ, {"SERVER_URL": ""}):
            server.run(["1.*"], server.ECHO_TLS)
        self.assertEqual(self.tested_binary.call_args.args[4].name, "server-tls")

    def test_the_default_is_all_of_its_cases_or_a_problem(self):
        few = server.ECHO._replace(default=common.Default(["1.*"], 2))
        self.assertEqual(server.run([], few), 1)
        self.assertEqual(self.tested_url.call_args.args[2], SELECTED)
        for count in (1, 3):
            other = few._replace(default=common.Default(["1.*"], count))
            with self.assertRaisesRegex(Problem, rf"has 2 cases in 1\.\*, not {count}"):
                server.run([], other)

    def test_the_server_is_tested_with_every_category_and_the_examples_are_not(self):
        self.assertEqual(server.ECHO.default.count, 517)
        self.assertEqual(server.ECHO.default.patterns[-3:], ["10.*", "12.*", "13.*"])
        for subject in (server.example("embed"), server.ECHO_TLS):
            self.assertEqual(subject.default.patterns, [f"{number}.*" for number in (1, 2, 3, 4, 5, 6, 7, 8, 10)])
            self.assertEqual(subject.default.count, 247)

    def test_cases_that_are_asked_for_may_be_of_any_number(self):
        server.run(["1.*"])
        self.assertEqual(self.tested_url.call_args.args[2], SELECTED)

    def test_how_long_and_how_many_at_a_time_can_be_set(self):
        server.run(["1.*"])
        self.assertEqual(self.tested_url.call_args.args[-2:], (1800, 2))
        with mock.patch.dict(server.os.environ, {"AUTOBAHN_TIMEOUT": "60", "AUTOBAHN_JOBS": "1"}):
            server.run(["1.*"])
        self.assertEqual(self.tested_url.call_args.args[-2:], (60, 1))
        for text in ("0", "", "-1", "two"):
            with mock.patch.dict(server.os.environ, {"AUTOBAHN_JOBS": text}):
                with self.assertRaisesRegex(Problem, f"AUTOBAHN_JOBS={text} is not a number above 0"):
                    server.run(["1.*"])


class Certificate(WithReports):
    def arguments(self, subject):
        with contextlib.ExitStack() as stack:
            made = server.certificate_arguments(stack, subject)
            return made, [pathlib.Path(path).read_text().splitlines()[0] for path in made[1::2]]

    @unittest.skipUnless(shutil.which("openssl"), "there is no openssl")
    def test_a_server_with_tls_is_given_one_and_its_key(self):
        made, begin = self.arguments(server.ECHO_TLS)
        self.assertEqual(made[::2], ["--tls-cert", "--tls-key"])
        self.assertEqual(begin, ["-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----"])
        self.assertFalse(any(pathlib.Path(path).exists() for path in made[1::2]))

    def test_a_server_without_is_not(self):
        self.assertEqual(self.arguments(server.ECHO), ([], []))


class Report(WithReports):
    def status(self, results, problems=()):
        (self.reports / "index.json").write_text(json.dumps({"Sockeye": results}))
        return common.report(self.reports, SELECTED, problems)

    def entry(self, close="OK"):
        return {"behavior": "OK", "behaviorClose": close, "reportfile": "2/sockeye_case.json"}

    def test_all_good(self):
        self.assertEqual(self.status({"1.1.1": self.entry(), "1.1.2": self.entry()}), 0)
        self.assertIn("2 passed, 0 failed", self.output.getvalue())
        for name in ("behavior:     ", "behaviorClose:"):
            counted = f"{name} 2 OK, 0 INFORMATIONAL, 0 NON-STRICT, 0 UNIMPLEMENTED\n"
            self.assertIn(counted, self.output.getvalue())

    def test_a_bad_close(self):
        self.assertEqual(self.status({"1.1.1": self.entry(), "1.1.2": self.entry("WRONG CODE")}), 1)
        self.assertIn("1.1.2: OK, close: WRONG CODE: second\n  server/2/sockeye_case.html\n", self.output.getvalue())

    def test_a_case_the_suite_did_not_reach(self):
        self.assertEqual(self.status({"1.1.1": self.entry()}), 1)
        self.assertIn("1.1.2: MISSING, close: MISSING: second\n", self.output.getvalue())

    def test_a_problem_beside_good_verdicts(self):
        results = {"1.1.1": self.entry(), "1.1.2": self.entry()}
        self.assertEqual(self.status(results, ["the server crashed at the end."]), 1)

    def test_no_report(self):
        self.assertEqual(common.report(self.reports, SELECTED, []), 1)
