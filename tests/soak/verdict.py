"""What a run came to: the table that is printed, the page that is written, and whether all is well.

Not here: the measuring.
"""

import datetime

from tally import FAULTS
from watch import drift_kib

# The largest growth that is nothing: a share of what is held, or this much where little is held. Allocators keep more
# than that when large messages happen to meet.
DRIFT_SHARE = 0.01


class Verdict:
    """Of a run that is over, with all connections closed; `allowed_kib` of growth is none."""

    def __init__(self, watch, tally, last, problems, allowed_kib):
        self.rows = [Row(watch, sample, allowed_kib) for sample in last]
        self.tally, self.problems = tally, problems

    def clean(self):
        return self.tally.clean() and not self.problems and all(row.clean() for row in self.rows)


class Row:
    """One server."""

    def __init__(self, watch, last, allowed_kib):
        samples, self.baseline, self.last = watch.samples[last.process], watch.baseline[last.process], last
        self.name = last.process
        self.drift, self.mean = drift_kib([sample for sample in samples if sample is not last])
        self.allowed = max(allowed_kib, DRIFT_SHARE * self.mean)
        self.most = max(sample.rss_kib for sample in samples)
        self.most_descriptors = max(sample.descriptors for sample in samples)
        self.cpu = last.cpu_seconds - self.baseline.cpu_seconds

    def clean(self):
        # A negative drift is none.
        same = self.last.descriptors == self.baseline.descriptors and self.last.threads == self.baseline.threads
        return same and self.drift <= self.allowed

    def cells(self):
        drift = f"{self.drift:+.0f} ({100 * self.drift / self.mean:+.2f}%)"
        memory = [f"{number:.0f}" for number in (self.baseline.rss_kib, self.most, self.mean)]
        descriptors = f"{self.baseline.descriptors} / {self.most_descriptors} / {self.last.descriptors}"
        threads = f"{self.baseline.threads} / {self.last.threads}"
        return [self.name, *memory, drift, descriptors, threads, f"{self.cpu:.0f}", "yes" if self.clean() else "NO"]


HEADINGS = ["server", "RSS at the start", "most", "mean", "drift", "descriptors", "threads", "CPU s", "clean"]


def counted(tally):
    """What was done, as (what, number)."""
    counts = tally.counts
    yield "connections", counts["connections"]
    yield "of them hostile", counts["hostile"]
    yield "refused as late, while the driver had no processor", counts["excused"]
    yield "messages to echoes", counts["sent"]
    yield "answered, once, in order, unchanged", counts["answered"]
    yield "of them in fragments", counts["fragmented"]
    yield "bytes or characters of them", counts["bytes"]
    yield "messages to rooms", counts["said in rooms"]
    yield "heard by their members, without a gap", counts["heard in rooms"]
    yield "bytes of them", counts["bytes heard in rooms"]


def page(verdict, facts):
    """The run as a page in Markdown; `facts` are pairs of what it was."""
    tally = verdict.tally
    lines = [
        "# Endurance",
        "",
        "`tests/soak/run` writes this page: what `sockeye echo`, `broadcast` and `serve` did under connections that come and",
        "go, some of them hostile, with and without TLS and compression. `tests/soak/run --help` says what it does.",
        "",
        *table(["the run", ""], facts),
        "",
        *table(["what was done", "how often"], [(what, spaced(number)) for what, number in counted(tally)]),
        "",
        *table(["what went wrong", "how often"], [(what, spaced(tally.faults[what])) for what in FAULTS]),
        "",
        "Each connection that is not hostile ends in one of seven ways:",
        "",
        *table(["ending", "how often"], [(way, spaced(times)) for way, times in sorted(tally.endings.items())]),
        "",
        "Those that are hostile got the answer that they must get:",
        "",
        *table(["hostility", "how often"], [(what, spaced(times)) for what, times in sorted(tally.hostile.items())]),
        "",
        "Memory is resident, in KiB; its drift is what least squares say of the least in each minute of the second half of",
        "the run. Descriptors are at the start, at most, and after the last connection; threads at the start and after it.",
        "",
        *table(HEADINGS, [row.cells() for row in verdict.rows]),
        "",
        f"Verdict: {'clean' if verdict.clean() else 'NOT CLEAN'}.",
    ]
    lines += [f"- {words}" for words in [*verdict.problems, *tally.words]]
    return "\n".join(lines) + "\n"


def table(headings, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [headings, *rows]) for at in range(len(headings))]
    yield line(headings, widths)
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rows:
        yield line(row, widths)


def line(cells, widths):
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"


def spaced(number):
    return f"{number:,}".replace(",", " ")


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
