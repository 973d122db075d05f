"""A run that lost, repeated or changed something, or whose servers grew, must never pass."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from tally import Answers, Tally
from verdict import Verdict, drift_kib, grown_at_rest, page
from watch import Sample


def quiet(tally):
    # What it prints is for people.
    tally.fault = lambda kind, words, times=1: tally.faults.update({kind: times})
    return tally


def faults(said, heard):
    tally = quiet(Tally())
    answers = Answers(tally, "here")
    for message in said:
        answers.said(message)
    for message in heard:
        answers.heard(message)
    answers.ended()
    return {kind: times for kind, times in tally.faults.items() if times}


class AnswersInOrder(unittest.TestCase):
    def test_each_once_is_fine(self):
        self.assertEqual(faults([b"", b"a", "a", b""], [b"", b"a", "a", b""]), {})

    def test_one_that_is_missing_is_lost(self):
        self.assertEqual(faults([b"1", b"2", b"3"], [b"1", b"3"]), {"loss": 1})

    def test_the_last_that_is_missing_is_lost(self):
        self.assertEqual(faults([b"1", b"2", b"3"], [b"1"]), {"loss": 2})

    def test_one_that_comes_twice_is_told(self):
        self.assertEqual(faults([b"1", b"2"], [b"1", b"1", b"2"]), {"duplicate": 1})

    def test_one_that_has_changed_is_told(self):
        self.assertEqual(faults([b"1", b"2"], [b"x", b"1", b"2"]), {"wrong": 1})

    def test_a_text_is_not_bytes(self):
        self.assertIn("loss", faults(["1"], [b"1"]))

    def test_another_order_is_told(self):
        self.assertTrue(faults([b"1", b"2"], [b"2", b"1"]))


def grown(kib_per_minute, noise, minutes=60):
    """A server that is as large as that, looked at each 10 s; large messages come and go."""
    for number in range(6 * minutes):
        more = noise if number % 5 == 0 else 0
        yield Sample(10.0 * number, "echo", 10_000 + kib_per_minute * number / 6 + more, 9, 1, 0.0)


class Drift(unittest.TestCase):
    def test_a_steady_server_has_none_however_its_memory_jumps(self):
        drift, _, mean = drift_kib(list(grown(0, 3000)))
        self.assertAlmostEqual(drift, 0)
        self.assertAlmostEqual(mean, 10_000)

    def test_a_leak_shows(self):
        # Half an hour, but for the minutes at its ends.
        drift, error, _ = drift_kib(list(grown(100, 3000)))
        self.assertGreater(drift, 2500)
        self.assertLess(error, 100)


class AtRest(unittest.TestCase):
    def test_what_jumps_does_not_grow(self):
        self.assertLessEqual(grown_at_rest([9000, 12000, 9500, 11500, 9200, 11900]), 0)

    def test_what_grows_each_time_does(self):
        self.assertEqual(grown_at_rest([9000, 9700, 10400, 11100, 11800, 12500]), 700)


class Watched:
    """What a verdict wants to know of the samples."""

    def __init__(self, samples):
        self.samples = {"echo": samples}
        self.baseline = {"echo": samples[0]}


class Verdicts(unittest.TestCase):
    def verdict(self, samples, last=None, tally=None, problems=()):
        samples = list(samples)
        last = last or samples[-1]._replace(descriptors=9)
        return Verdict(Watched(samples), tally or Tally(), [[last]], list(problems), 512)

    def test_a_clean_run_is_clean(self):
        verdict = self.verdict(grown(0, 3000))
        self.assertTrue(verdict.clean())
        self.assertIn("Verdict: clean.", page(verdict, [("minutes", 60)]))

    def test_a_leak_is_not(self):
        self.assertFalse(self.verdict(grown(100, 0)).clean())

    def test_a_descriptor_that_is_left_is_not(self):
        last = Sample(3600.0, "echo", 10_000, 10, 1, 0.0)
        self.assertFalse(self.verdict(grown(0, 0), last).clean())

    def test_a_thread_that_is_left_is_not(self):
        last = Sample(3600.0, "echo", 10_000, 9, 2, 0.0)
        self.assertFalse(self.verdict(grown(0, 0), last).clean())

    def test_a_loss_is_not(self):
        tally = quiet(Tally())
        tally.fault("loss", "of one")
        verdict = self.verdict(grown(0, 0), tally=tally)
        self.assertFalse(verdict.clean())
        self.assertIn("NOT CLEAN", page(verdict, []))

    def test_a_server_that_ended_is_not(self):
        self.assertFalse(self.verdict(grown(0, 0), problems=["it ended"]).clean())


if __name__ == "__main__":
    unittest.main()
