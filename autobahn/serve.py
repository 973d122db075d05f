"""Run a client against the suite's fuzzing server: several pairs of the two side by side, each with its share of cases.

A client asks its server how many cases there are, opens a connection for each, and then one that has the report
written. It is this report that counts, so a client that leaves some out, or never comes to the end, fails.

Not here: what the client is, and the verdict.
"""

import collections
import contextlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import fuzz
import ports
from processes import Child
from suite import clean_environment

# Longer than a client may take, whose end ends the server.
GRACE_SECONDS = 60

Pair = collections.namedtuple("Pair", "directory server client seen")


def run(suite, command, selected, reports, limit, jobs):
    """Run the selected cases with the client that `command` starts, to which the server's address is added.

    Returns the problems met, other than the verdicts on cases. As in `fuzz`, each share has a directory of its own
    among the reports; what they say together is written to index.json.
    """
    shares = fuzz.deal(selected, reports, jobs)
    progress = fuzz.Progress(len(selected))
    with contextlib.ExitStack() as stack:
        # Entered first, so left last: when the threads are waited for, nothing is left for them to read.
        threads = stack.enter_context(ThreadPoolExecutor(2 * len(shares)))
        # A child is killed when the thread that started it ends, so this one starts them all.
        pairs = [start(stack, suite, command, directory, cases) for directory, cases in shares]
        logs = [threads.submit(log_server, pair, limit + GRACE_SECONDS, progress) for pair in pairs]
        ends = [threads.submit(accompany, pair, limit) for pair in pairs]
        problems = [problem for end in ends for problem in end.result()]
        for log in logs:
            log.result()
    progress.clear()
    (reports / "index.json").write_text(json.dumps({fuzz.AGENT: fuzz.merged(shares)}, indent=2))
    return problems


def start(stack, suite, command, directory, cases):
    """Start a server with its share, wait until it listens, and start the client."""
    directory.mkdir()
    port = ports.free()
    url = f"ws://127.0.0.1:{port}"
    (directory / "spec.json").write_text(json.dumps(specification(suite, url, directory, cases), indent=2))
    stack.callback(suite.clean_up, directory)
    # Without the port of its own web pages, which two could not share.
    argv = [*suite.wstest("fuzzingserver", directory), "--webport=0"]
    child = Child("wstest", argv, stderr=subprocess.STDOUT, cwd=directory, env=clean_environment())
    server = stack.enter_context(child)
    ports.await_listener(server, port, directory / "wstest.log")
    stderr = stack.enter_context((directory / "client.stderr").open("w"))
    client = stack.enter_context(Child("the client", [*command, url], stderr=stderr))
    return Pair(directory, server, client, fuzz.Seen())


def specification(suite, url, directory, cases):
    return {
        "outdir": suite.outdir(directory),
        "url": url,
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }


def log_server(pair, limit, progress):
    pair.seen.log(pair.server, pair.directory, limit, progress)


def accompany(pair, limit):
    """Log what the client prints until it ends, and end its server; returns what was wrong."""
    client, server = pair.client, pair.server
    with (pair.directory / "client.stdout").open("w") as log:
        for line in client.lines(limit):
            log.write(line + "\n")
    problems = []
    if client.expired:
        problems.append(f"the client was still running {pair.seen.running} after {limit} s and was stopped.")
    elif client.process.wait() != 0:
        status = client.process.returncode
        await_end(server)
        problems.append(f"the client exited with {status}, at {pair.seen.running}; see {pair.directory}/client.stderr.")
    if server.process.poll() is not None:
        status = server.process.returncode
        problems.append(f"wstest ended during the run, with {status}; see {pair.directory / 'wstest.log'}.")
    # How it ends when it is told to says nothing: its report is written by now, or is missing.
    server.kill()
    return problems


def await_end(server):
    """Where a server took its client along, it may end a moment later."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(1)
