"""What was done, and what went wrong: counts, and the first words of each fault.

Not here: what is right; those who talk to the servers judge that.
"""

import collections

# Enough to see what is wrong; a broken server would fill the disk.
SHOWN = 40

# The faults that end a run with 1: what was said and never answered, what came twice, what came changed or out of order,
# connections that ended otherwise than they should have, what took longer than it may, and what is our own.
FAULTS = ("loss", "duplicate", "wrong", "unexpected close", "wrong answer to hostility", "late", "broken driver")


class Tally:
    """One for all who talk; there is a single thread."""

    def __init__(self):
        self.counts = collections.Counter()
        self.endings = collections.Counter()
        self.hostile = collections.Counter()
        self.faults = collections.Counter()
        self.words = []

    def fault(self, kind, words, times=1):
        """Note what went wrong, and where."""
        assert kind in FAULTS, kind
        self.faults[kind] += times
        if len(self.words) < SHOWN:
            self.words.append(f"{kind}: {words}")
            print(f"FAULT {kind}: {words}", flush=True)

    def clean(self):
        return not any(self.faults.values())

    def connections(self):
        return self.counts["connections"]


class Answers:
    """What one connection said and has not heard back: each is to come once, in order, unchanged."""

    def __init__(self, tally, where):
        self._tally = tally
        self._where = where
        self._waiting = collections.deque()
        self._last = None

    def __len__(self):
        return len(self._waiting)

    def said(self, message):
        self._waiting.append(message)
        self._tally.counts["sent"] += 1
        self._tally.counts["bytes"] += len(message)

    def heard(self, message):
        waiting, tally = self._waiting, self._tally
        if waiting and waiting[0] == message and type(waiting[0]) is type(message):
            self._last = waiting.popleft()
            tally.counts["answered"] += 1
        elif message in waiting:
            skipped = waiting.index(message)
            tally.fault("loss", f"{self._where}: {skipped} messages before {shown(message)}", skipped)
            for _ in range(skipped + 1):
                self._last = waiting.popleft()
        elif message == self._last:
            tally.fault("duplicate", f"{self._where}: {shown(message)}")
        else:
            tally.fault("wrong", f"{self._where}: {shown(message)} instead of {shown(next(iter(waiting), None))}")

    def ended(self):
        """All should have been answered."""
        if self._waiting:
            lost = len(self._waiting)
            self._tally.fault("loss", f"{self._where}: {lost} of the last, from {shown(self._waiting[0])}", lost)


def shown(message):
    """The beginning, for people."""
    if message is None:
        return "nothing"
    return f"{type(message).__name__} of {len(message)}: {message[:40]!r}"
