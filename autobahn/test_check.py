"""A report that is incomplete or holds a bad verdict must never pass."""

import pathlib
import tempfile
import unittest

import check

SELECTED = {
    "1.1.1": "Send text message with payload 0.",
    "3.1": "Send small text message with RSV = 1.",
    "6.4.1": "Send invalid UTF-8 in 3 fragments.",
    "7.1.6": "Send 256K message followed by close then a ping",
}


def entry(behavior="OK", close="OK"):
    return {"behavior": behavior, "behaviorClose": close, "reportfile": "sockeye_case_x.json"}


def good_results():
    results = {case: entry() for case in SELECTED}
    results["7.1.6"] = entry("INFORMATIONAL", "INFORMATIONAL")
    return results


def failed_cases(results):
    return [failure.case for failure in check.failures(SELECTED, results)]


class Failures(unittest.TestCase):
    def test_a_complete_good_report_passes(self):
        self.assertEqual(failed_cases(good_results()), [])

    def test_a_case_removed_from_the_report_fails(self):
        for case in SELECTED:
            results = good_results()
            del results[case]
            self.assertEqual(failed_cases(results), [case])

    def test_an_empty_report_fails_everywhere(self):
        self.assertEqual(failed_cases({}), list(SELECTED))

    def test_a_bad_behavior_fails(self):
        for verdict in ("NON-STRICT", "FAILED", "UNIMPLEMENTED", "WRONG CODE", "", None):
            results = good_results() | {"6.4.1": entry(behavior=verdict)}
            self.assertEqual(failed_cases(results), ["6.4.1"], verdict)

    def test_a_bad_close_fails_although_the_behavior_is_ok(self):
        for verdict in ("WRONG CODE", "UNCLEAN", "FAILED", "FAILED BY CLIENT", "", None):
            results = good_results() | {"3.1": entry(close=verdict)}
            self.assertEqual(failed_cases(results), ["3.1"], verdict)

    def test_a_verdict_left_out_fails(self):
        for key in ("behavior", "behaviorClose"):
            results = good_results()
            del results["3.1"][key]
            self.assertEqual(failed_cases(results), ["3.1"], key)

    def test_informational_passes_only_where_the_suite_has_no_right_answer(self):
        for pair in (("INFORMATIONAL", "OK"), ("OK", "INFORMATIONAL")):
            results = good_results() | {"1.1.1": entry(*pair)}
            self.assertEqual(failed_cases(results), ["1.1.1"])

    def test_even_an_informational_case_can_fail(self):
        results = good_results() | {"7.1.6": entry("INFORMATIONAL", "FAILED")}
        self.assertEqual(failed_cases(results), ["7.1.6"])

    def test_a_failure_names_the_page_to_read(self):
        results = good_results() | {"3.1": entry(close="WRONG CODE")}
        (failure,) = check.failures(SELECTED, results)
        self.assertEqual(failure.report, "sockeye_case_x.html")
        self.assertEqual(failure.description, SELECTED["3.1"])


class Counts(unittest.TestCase):
    def test_every_selected_case_is_counted(self):
        results = good_results()
        del results["1.1.1"]
        behavior, close = check.counts(SELECTED, results)
        counted = {"OK": 2, "INFORMATIONAL": 1, "NON-STRICT": 0, "UNIMPLEMENTED": 0, "MISSING": 1}
        self.assertEqual(dict(behavior), counted)
        self.assertEqual(dict(close), counted)


class LoadIndex(unittest.TestCase):
    def load(self, text):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "index.json"
            if text is not None:
                path.write_text(text)
            return check.load_index(path)

    def test_no_report_or_half_a_report_holds_nothing(self):
        for text in (None, "", '{"Sockeye": {"1.1.1": {"beh', "[]"):
            self.assertEqual(self.load(text), {}, text)

    def test_a_report_is_read(self):
        self.assertEqual(self.load('{"Sockeye": {}}'), {"Sockeye": {}})
