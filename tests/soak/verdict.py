"""What a run came to: the table that is printed, the page that is written, and whether all is well.

Not here: the measuring.
"""

import math

from tally import FAULTS

# The largest growth that is nothing: a share of what is held. What chance makes of it is so many standard errors: how
# much an allocator keeps depends on which large messages happen to meet.
DRIFT_SHARE = 0.01
STANDARD_ERRORS = 3

# In less than this nothing can be said of memory.
FEWEST_MINUTES = 5
FEWEST_RESTS = 4


def drift_kib(samples):
    """By how much memory grows over the second half of the samples, the standard error of that, and how much it is there.

    Of each minute the least counts: what a leak leaves is there when little happens, too, and what large messages need
    for a moment is not.
    """
    minutes = {}
    for sample in samples[len(samples) // 2 :]:
        minutes.setdefault(int(sample.seconds // 60), []).append(sample.memory_kib)
    # The first and the last are not whole.
    half = [(minute, min(held)) for minute, held in minutes.items()][1:-1]
    if len(half) < FEWEST_MINUTES:
        return 0.0, 0.0, float(samples[-1].memory_kib)
    mean_time = sum(time for time, _ in half) / len(half)
    mean = sum(held for _, held in half) / len(half)
    spread = sum((time - mean_time) ** 2 for time, _ in half)
    slope = sum((time - mean_time) * (held - mean) for time, held in half) / spread
    rest = sum((held - mean - slope * (time - mean_time)) ** 2 for time, held in half)
    error = math.sqrt(rest / (len(half) - 2) / spread)
    span = half[-1][0] - half[0][0]
    return slope * span, error * span, mean


class Verdict:
    """Of a run that is over, with the samples of the servers each time they were alone; `allowed_kib` of growth is none."""

    def __init__(self, watch, tally, rests, problems, allowed_kib):
        self.rows = [Row(watch, of_one, allowed_kib) for of_one in zip(*rests)]
        self.tally, self.problems = tally, problems

    def clean(self):
        return self.tally.clean() and not self.problems and all(row.clean() for row in self.rows)


class Row:
    """One server."""

    def __init__(self, watch, rests, allowed_kib):
        self.rests, self.last = rests, rests[-1]
        self.name = self.last.process
        samples, self.baseline = watch.samples[self.name], watch.baseline[self.name]
        self.drift, self.error, self.mean = drift_kib([sample for sample in samples if sample not in rests])
        self.allowed = max(allowed_kib, DRIFT_SHARE * self.mean)
        self.most = max(sample.memory_kib for sample in samples)
        self.most_descriptors = max(sample.descriptors for sample in samples)
        self.cpu = self.last.cpu_seconds - self.baseline.cpu_seconds

    def clean(self):
        same = all(
            (rest.descriptors, rest.threads) == (self.baseline.descriptors, self.baseline.threads) for rest in self.rests
        )
        return same and not self.grows()

    def grows(self):
        """A negative drift is none."""
        drifts = self.drift > max(self.allowed, STANDARD_ERRORS * self.error)
        return drifts or grown_at_rest([rest.memory_kib for rest in self.rests]) > self.allowed

    def cells(self):
        drift = f"{self.drift:+.0f} ± {self.error:.0f}"
        memory = [f"{number:.0f}" for number in (self.baseline.memory_kib, self.most, self.mean)]
        at_rest = " ".join(str(rest.memory_kib) for rest in self.rests)
        descriptors = f"{self.baseline.descriptors} / {self.most_descriptors} / {self.last.descriptors}"
        threads = f"{self.baseline.threads} / {self.last.threads}"
        clean = "yes" if self.clean() else "NO"
        return [self.name, *memory, at_rest, drift, descriptors, threads, f"{self.cpu:.0f}", clean]


def grown_at_rest(rests):
    """By how much the least of the second half is more than the most of the first: a leak grows from one to the next."""
    if len(rests) < FEWEST_RESTS:
        return 0
    half = len(rests) // 2
    return min(rests[half:]) - max(rests[:half])


HEADINGS = ["server", "memory at the start", "most", "mean", "at rest", "drift", "descriptors", "threads", "CPU s", "clean"]


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
        "Memory is what a process holds of its own (anonymous pages), in KiB, with an allocator that is asked to give back",
        "what is free; at rest is each time that all connections had ended. Its drift is what least squares say of the least",
        "in each minute of the second half, with the standard error. Descriptors are at the start, at most, and after the last",
        "connection; threads at the start and then.",
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

