"""What the servers' processes hold and use, sampled: memory, descriptors, threads, processor time.

Not here: whether that is fine, which is verdict.py.
"""

import collections
import csv
import os
import pathlib
import re
import time

TICKS = os.sysconf("SC_CLK_TCK")
ANONYMOUS = re.compile(r"^Anonymous: +(\d+) kB", re.M)

COLUMNS = ["seconds", "process", "memory_kib", "descriptors", "threads", "cpu_seconds"]

Sample = collections.namedtuple("Sample", COLUMNS)


def look(name, pid, began):
    """One process now, or nothing if it is gone."""
    proc = pathlib.Path(f"/proc/{pid}")
    try:
        # What stands after the name in parentheses, which may hold anything.
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        descriptors = len(os.listdir(proc / "fd"))
        # Page by page: the counts that cost less are off by some hundred KiB, and those of files say what was read of the
        # program, and how busy the machine is, and not what it holds.
        memory = int(ANONYMOUS.search((proc / "smaps_rollup").read_text()).group(1))
    except (OSError, AttributeError):
        return None
    cpu = (int(fields[11]) + int(fields[12])) / TICKS
    return Sample(round(time.monotonic() - began, 1), name, memory, descriptors, int(fields[17]), cpu)


class Watch:
    """Samples of all the servers and of this process, in a file and in memory."""

    def __init__(self, running, path):
        self.began = time.monotonic()
        self._pids = {one.name: one.child.process.pid for one in running} | {"driver": os.getpid()}
        self._file = path.open("w", newline="")
        self._csv = csv.writer(self._file)
        self._csv.writerow(COLUMNS)
        self.samples = collections.defaultdict(list)
        self.baseline = {sample.process: sample for sample in self.sample()}

    def sample(self):
        """All of them now; those that are gone are left out."""
        taken = [look(name, pid, self.began) for name, pid in self._pids.items()]
        taken = [sample for sample in taken if sample]
        for sample in taken:
            self._csv.writerow(sample)
            self.samples[sample.process].append(sample)
        self._file.flush()
        return taken

    def cpu(self):
        """Seconds of processor time that all of them have used."""
        return sum(samples[-1].cpu_seconds for samples in self.samples.values())

    def close(self):
        self._file.close()
