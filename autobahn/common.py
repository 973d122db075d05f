"""What the directions share: the settings, the choice of cases, what cargo builds, and the report in the end.

Not here: what is started and how it has to end (server.py, client.py).
"""

import collections
import json
import os
import pathlib
import shutil
import subprocess

import check
import fuzz
from problem import Problem

ROOT = pathlib.Path(__file__).resolve().parent.parent

RUN_SECONDS = 1800
JOBS = 2

# Patterns, and how many cases they must match: were the suite's list cut short, nothing else would tell.
Default = collections.namedtuple("Default", "patterns count")

ALL = Default([f"{category}.*" for category in (*range(1, 11), 12, 13)], 517)

# Without large messages (9.*) and compression (12.*, 13.*).
BASIC = Default([f"{category}.*" for category in (*range(1, 9), 10)], 247)

# How long at most, and how many processes of the suite.
Settings = collections.namedtuple("Settings", "limit jobs")


def settings():
    return Settings(number("AUTOBAHN_TIMEOUT", RUN_SECONDS), number("AUTOBAHN_JOBS", JOBS))


def number(variable, default):
    """The value of an environment variable."""
    text = os.environ.get(variable, str(default))
    if not text.isdecimal() or int(text) == 0:
        raise Problem(f"{variable}={text} is not a number above 0.")
    return int(text)


def skip():
    reason = "the Autobahn|Testsuite needs Python 2.7 (see autobahn/README.md) or Docker, and neither works here"
    if os.environ.get("CI") == "true":
        raise Problem(f"{reason}.")
    print(f"skipped: {reason}.")
    return 0


def select(suite, patterns, default):
    """The cases that match the patterns, or all of the default."""
    if patterns:
        return suite.select(patterns)
    selected = suite.select(default.patterns)
    if len(selected) != default.count:
        raise Problem(f"the suite has {len(selected)} cases in {' '.join(default.patterns)}, not {default.count}.")
    return selected


def build(arguments):
    """Build a program and return its path, which cargo alone knows: it depends on its configuration."""
    command = ["cargo", "build", *arguments]
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


def report(reports, selected, problems):
    """Print the verdicts that are in this directory, and return the exit status."""
    results = check.load_index(reports / "index.json").get(fuzz.AGENT, {})
    failed = check.failures(selected, results)
    for failure in failed:
        print(f"{failure.case}: {failure.behavior}, close: {failure.close}: {failure.description}")
        print(f"  {shown(reports / failure.report) if failure.report else 'the suite wrote no report on it'}")
    for problem in problems:
        print(f"autobahn: {problem}")
    for name, counted in zip(("behavior", "behaviorClose"), check.counts(selected, results)):
        print(f"{name + ':':15}" + ", ".join(f"{count} {verdict}" for verdict, count in counted.items()))
    for index in sorted(reports.glob("*/index.html")):
        print(f"report: {shown(index)}")
    print(f"{len(selected) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed or problems else 0


def shown(path):
    """A file as seen from the top of the repository."""
    return str(path.relative_to(ROOT))
