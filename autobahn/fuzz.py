"""Run the suite's fuzzing client against a server: several processes side by side, each with its share of the cases.

One process runs one case after the other, and in those of 12.* and 13.* it and the server wait for each other, a
thousand times. Two of them keep two cores busy.

Not here: the life of the server, and the verdict.
"""

import contextlib
import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import check
from processes import Child
from suite import clean_environment

AGENT = "Sockeye"


def run(suite, url, selected, reports, limit, jobs):
    """Run the selected cases; returns the problems met, other than the verdicts on cases.

    Each share has a directory of its own among the reports; what they say together is written to index.json.
    """
    shares = deal(selected, reports, jobs)
    progress = Progress(len(selected))
    with contextlib.ExitStack() as stack:
        # Entered first, so left last: when the threads are waited for, nothing is left for them to read.
        threads = stack.enter_context(ThreadPoolExecutor(len(shares)))
        # A child is killed when the thread that started it ends, so this one starts them all.
        clients = [start(stack, suite, url, directory, cases) for directory, cases in shares]
        ends = [threads.submit(follow, client, directory, limit, progress) for directory, client in clients]
        problems = [problem for end in ends for problem in end.result()]
    progress.clear()
    (reports / "index.json").write_text(json.dumps({AGENT: merged(shares)}, indent=2))
    return problems


def deal(selected, reports, jobs):
    """Pairs of a directory for the report and the cases to run.

    They are dealt out one by one, so that each share has as many of each kind, in the same order. So the cases of 1.*
    to 7.*, most of which give the server a second, run beside their like and not beside those that send much.
    """
    cases = list(selected)
    jobs = min(jobs, len(cases))
    return [(reports / str(number + 1), cases[number::jobs]) for number in range(jobs)]


def start(stack, suite, url, directory, cases):
    """Start a process of the suite on its share; returns the directory and the process."""
    directory.mkdir()
    (directory / "spec.json").write_text(json.dumps(specification(suite, url, directory, cases), indent=2))
    stack.callback(suite.clean_up, directory)
    argv = suite.wstest("fuzzingclient", directory)
    client = Child("wstest", argv, stderr=subprocess.STDOUT, cwd=directory, env=clean_environment())
    return directory, stack.enter_context(client)


def specification(suite, url, directory, cases):
    return {
        "outdir": suite.outdir(directory),
        "servers": [{"agent": AGENT, "url": url}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }


def follow(client, directory, limit, progress):
    """Log what a process prints until it ends; returns what was wrong with that end."""
    seen = Seen()
    seen.log(client, directory, limit, progress)
    if client.expired:
        return [f"the suite was still running {seen.running} after {limit} s and was stopped."]
    status = client.process.wait()
    if status != 0:
        return [f"wstest exited with {status}; see {directory / 'wstest.log'}."]
    return [f"the suite gave up: {seen.refused}"] if seen.refused else []


class Seen:
    """What a process of the suite said of itself so far."""

    def __init__(self):
        self.running = "no case"
        self.refused = None

    def log(self, wstest, directory, limit, progress):
        """Read and log what it prints until it ends."""
        with (directory / "wstest.log").open("w") as log:
            for line in wstest.lines(limit):
                log.write(line + "\n")
                if re.match(r"Connection to \S+ failed ", line):
                    self.refused = line
                match = re.match(r"Running test case ID (\S+) ", line)
                if match:
                    self.running = f"case {match[1]}"
                    progress.show(match[1])


class Progress:
    """How far all the processes are, on one line of a terminal or a few of a log."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.lock = threading.Lock()
        self.live = sys.stdout.isatty()

    def show(self, case):
        with self.lock:
            self.done += 1
            line = f"case {self.done} of {self.total}: {case}"
            if self.live:
                print(f"\r\x1b[K{line}", end="", flush=True)
            elif self.done % 25 == 0 or self.done == self.total:
                print(line, flush=True)

    def clear(self):
        if self.live:
            print("\r\x1b[K", end="", flush=True)


def merged(shares):
    """The results of all shares, each of the cases it was given alone, with the way to their pages."""
    results = {}
    for directory, cases in shares:
        found = check.load_index(directory / "index.json").get(AGENT, {})
        for case in cases:
            if case in found:
                page = f"{directory.name}/{found[case].get('reportfile', '')}"
                results[case] = {**found[case], "reportfile": page}
    return results
