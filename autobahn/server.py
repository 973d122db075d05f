"""Test a server: the suite's fuzzing client against `sockeye echo`, or an example that drives the core by itself."""

import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import check
import fuzz
import suite as suites
from problem import Problem
from processes import Child

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPORTS = ROOT / "autobahn" / "reports" / "server"

READY_SECONDS = 10
RUN_SECONDS = 1800
JOBS = 2

# What is tested: what cargo builds for it, the arguments that let it choose a port, its status on SIGTERM, and the
# cases it is tested with unless others are asked for.
Subject = collections.namedtuple("Subject", "name build arguments status default")

# Patterns, and how many cases they must match: were the suite's list cut short, nothing else would tell.
Default = collections.namedtuple("Default", "patterns count")

ECHO = Subject(
    "sockeye echo",
    ["--release", "--bin", "sockeye"],
    ["echo", "--listen", "127.0.0.1:0"],
    0,
    Default([f"{category}.*" for category in (*range(1, 11), 12, 13)], 517),
)

# Drivers of the core that are not ours to ship: they die of the signal, and that is no fault. They do not compress,
# and keep the core's default limit of 1 MiB for a message, and 9.* sends larger ones.
EXAMPLES = ("embed", "tokio")
EXAMPLE_DEFAULT = Default([f"{category}.*" for category in (*range(1, 9), 10)], 247)


def example(name):
    build = ["--no-default-features", "--example", name]
    return Subject(f"the example {name}", build, ["127.0.0.1:0"], -signal.SIGTERM, EXAMPLE_DEFAULT)


def run_example(name, patterns):
    """Test one of the examples; the report goes to a place of its own."""
    global REPORTS
    REPORTS = REPORTS.parent / name
    return run(patterns, example(name))


def run(patterns, subject=ECHO):
    """Test the server with the cases that match the patterns, or its default; returns the exit status."""
    limit, jobs = number("AUTOBAHN_TIMEOUT", RUN_SECONDS), number("AUTOBAHN_JOBS", JOBS)
    suite = suites.find()
    if suite is None:
        return skip()
    suite.prepare()
    selected = suite.select(patterns) if patterns else select_default(suite, subject.default)

    # These name an echo server to take instead, so an example would pass by what another server does.
    url = os.environ.get("SERVER_URL") if subject is ECHO else None
    binary = os.environ.get("SOCKEYE") if subject is ECHO else None
    binary = None if url else binary or build(subject)
    empty_directory(REPORTS)
    if url:
        problems = fuzz.run(suite, url, selected, REPORTS, limit, jobs)
    else:
        problems = fuzz_binary(suite, subject, binary, selected, limit, jobs)
    return report(selected, problems)


def skip():
    reason = "the Autobahn|Testsuite needs Python 2.7 (see autobahn/README.md) or Docker, and neither works here"
    if os.environ.get("CI") == "true":
        raise Problem(f"{reason}.")
    print(f"skipped: {reason}.")
    return 0


def number(variable, default):
    """The value of an environment variable."""
    text = os.environ.get(variable, str(default))
    if not text.isdecimal() or int(text) == 0:
        raise Problem(f"{variable}={text} is not a number above 0.")
    return int(text)


def select_default(suite, default):
    selected = suite.select(default.patterns)
    if len(selected) != default.count:
        raise Problem(f"the suite has {len(selected)} cases in {' '.join(default.patterns)}, not {default.count}.")
    return selected


def build(subject):
    """Build the program and return its path, which cargo alone knows: it depends on its configuration."""
    command = ["cargo", "build", *subject.build]
    argv = [*command, "--message-format=json-render-diagnostics"]
    try:
        done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise Problem(f"cannot run cargo: {error}") from error
    if done.returncode != 0:
        raise Problem(f"{' '.join(command)} failed.")
    messages = map(json.loads, done.stdout.splitlines())
    executables = [message["executable"] for message in messages if message.get("executable")]
    if not executables:
        raise Problem(f"{' '.join(command)} made no program.")
    return executables[-1]


def empty_directory(directory):
    # A report left by an earlier run must not be taken for one of this run.
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


def fuzz_binary(suite, subject, binary, selected, limit, jobs):
    """Start the server, run the suite against it, and stop it; returns the problems met."""
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((REPORTS / "sockeye.stderr").open("w"))
        argv = [binary, *subject.arguments]
        server = stack.enter_context(Child(subject.name, argv, stderr=log))
        url = await_url(server)
        problems = fuzz.run(suite, url, selected, REPORTS, limit, jobs)
        return problems + stop(server, subject.status)


def await_url(server):
    """Wait for the line that says the server accepts connections."""
    lines = server.lines(READY_SECONDS)
    line = next(lines, None)
    lines.close()
    if line is None and server.expired:
        raise Problem(f"{server.name} did not say within {READY_SECONDS} s that it listens.")
    if line is None:
        status = server.process.wait()
        raise Problem(f"{server.name} ended with {status} before it listened; see {shown('sockeye.stderr')}.")
    match = re.fullmatch(r"listening on (ws://\S+:\d+)", line)
    if not match:
        raise Problem(f"{server.name} printed '{line}' instead of 'listening on ws://ADDR:PORT'.")
    return match[1]


def stop(server, expected=0):
    """Stop the server and return what was wrong with its end."""
    ended = server.process.poll()
    if ended is not None:
        return [f"{server.name} ended during the run, with {ended}; see {shown('sockeye.stderr')}."]
    try:
        status = server.stop()
    except Problem as problem:
        return [str(problem)]
    problems = []
    if status != expected:
        problem = f"{server.name} exited with {status} on SIGTERM, not {expected}"
        problems.append(f"{problem}; see {shown('sockeye.stderr')}.")
    if server.rest_of_stdout():
        problems.append(f"{server.name} printed more to stdout than the one line that says it listens.")
    return problems


def report(selected, problems):
    """Print the verdicts and return the exit status."""
    results = check.load_index(REPORTS / "index.json").get(fuzz.AGENT, {})
    failed = check.failures(selected, results)
    for failure in failed:
        print(f"{failure.case}: {failure.behavior}, close: {failure.close}: {failure.description}")
        print(f"  {shown(failure.report) if failure.report else 'the suite wrote no report on it'}")
    for problem in problems:
        print(f"autobahn: {problem}")
    for name, counted in zip(("behavior", "behaviorClose"), check.counts(selected, results)):
        print(f"{name + ':':15}" + ", ".join(f"{count} {verdict}" for verdict, count in counted.items()))
    for index in sorted(REPORTS.glob("*/index.html")):
        print(f"report: {shown(index.relative_to(REPORTS))}")
    print(f"{len(selected) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed or problems else 0


def shown(name):
    """A file among the reports, as seen from the top of the repository."""
    return str((REPORTS / name).relative_to(ROOT))
