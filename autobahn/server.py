"""Test a server: the suite's fuzzing client against `sockeye echo`, or an example that drives the core by itself."""

import collections
import contextlib
import os
import pathlib
import re
import signal
import tempfile

import common
import fuzz
import suite as suites
from certificates import Certificates
from common import shown
from problem import Problem
from processes import Child

REPORTS = common.ROOT / "autobahn" / "reports"

READY_SECONDS = 60

# What is tested: what cargo builds for it, the arguments that let it choose a port, whether it is also given a
# certificate and speaks TLS, its status on SIGTERM, the cases it is tested with unless others are asked for, and where
# the reports go. `is_given`: whether SOCKEYE and SERVER_URL may name another.
Subject = collections.namedtuple("Subject", "name build arguments tls status default reports is_given")

ECHO = Subject(
    "sockeye echo",
    ["--release", "--bin", "sockeye"],
    ["echo", "--listen", "127.0.0.1:0"],
    False,
    0,
    common.ALL,
    "server",
    True,
)

# TLS changes nothing of what is in a frame, so the long cases are left out; they may be asked for.
ECHO_TLS = ECHO._replace(name="sockeye echo with TLS", tls=True, default=common.BASIC, reports="server-tls")

# The examples that can be tested: the features they need, and the cases. Those that compress are also given a few of
# the compressed ones.
COMPRESSED = common.Default([*common.BASIC.patterns, "12.1.*"], common.BASIC.count + 18)
EXAMPLES = {
    "embed": ([], common.BASIC),
    "mio": (["server"], common.BASIC),
    "tokio": (["tokio"], COMPRESSED),
    "smol": (["futures-io"], COMPRESSED),
    "hyper": (["hyper"], COMPRESSED),
    "axum": (["axum"], COMPRESSED),
    "tower": (["tower"], COMPRESSED),
}


def example(name):
    # Servers that are not ours to ship: they die of the signal, and that is no fault. They keep the core's default limit
    # of 1 MiB for a message, and 9.* sends larger ones. To take another server instead of one would be to let it pass by
    # what that does.
    features, default = EXAMPLES[name]
    build = ["--no-default-features", "--features", ",".join(features), "--example", name]
    return Subject(f"the example {name}", build, ["127.0.0.1:0"], False, -signal.SIGTERM, default, name, False)


def run(patterns, subject=ECHO):
    """Test the server with the cases that match the patterns, or its default; returns the exit status."""
    settings = common.settings()
    suite = suites.find()
    if suite is None:
        return common.skip()
    suite.prepare()
    selected = common.select(suite, patterns, subject.default)

    url = given_url(subject)
    binary = os.environ.get("SOCKEYE") if subject.is_given else None
    binary = None if url else binary or common.build(subject.build)
    # A server of our own may be tested meanwhile.
    reports = REPORTS / ("given" if url else subject.reports)
    common.empty_directory(reports)
    if url:
        problems = fuzz.run(suite, url, selected, reports, *settings)
    else:
        problems = fuzz_binary(suite, subject, binary, selected, reports, settings)
    return common.report(reports, selected, problems)


def given_url(subject):
    """An echo server that runs already, if one is named."""
    url = os.environ.get("SERVER_URL") if subject.is_given else None
    if url and url.startswith("wss:") != subject.tls:
        raise Problem(f"SERVER_URL={url} is {'not ' if subject.tls else ''}TLS; see --tls.")
    return url


def fuzz_binary(suite, subject, binary, selected, reports, settings):
    """Start the server, run the suite against it, and stop it; returns the problems met."""
    with contextlib.ExitStack() as stack:
        log = reports / "sockeye.stderr"
        argv = [binary, *subject.arguments, *certificate_arguments(stack, subject)]
        server = stack.enter_context(Child(subject.name, argv, stderr=stack.enter_context(log.open("w"))))
        url = await_url(server, log, subject.tls)
        problems = fuzz.run(suite, url, selected, reports, *settings)
        return problems + stop(server, log, subject.status)


def certificate_arguments(stack, subject):
    """The options that name a certificate and its key, made anew. The suite's client takes any."""
    if not subject.tls:
        return []
    made = Certificates(pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())))
    return ["--tls-cert", str(made.certificate), "--tls-key", str(made.key)]


def await_url(server, log, tls=False):
    """Wait for the line that says the server accepts connections."""
    lines = server.lines(READY_SECONDS)
    line = next(lines, None)
    lines.close()
    if line is None and server.expired:
        raise Problem(f"{server.name} did not say within {READY_SECONDS} s that it listens.")
    if line is None:
        status = server.process.wait()
        raise Problem(f"{server.name} ended with {status} before it listened; see {shown(log)}.")
    scheme = "wss" if tls else "ws"
    match = re.fullmatch(rf"listening on ({scheme}://\S+:\d+)", line)
    if not match:
        raise Problem(f"{server.name} printed '{line}' instead of 'listening on {scheme}://ADDR:PORT'.")
    return match[1]


def stop(server, log, expected=0):
    """Stop the server and return what was wrong with its end."""
    ended = server.process.poll()
    if ended is not None:
        return [f"{server.name} ended during the run, with {ended}; see {shown(log)}."]
    try:
        status = server.stop()
    except Problem as problem:
        return [str(problem)]
    problems = []
    if status != expected:
        problem = f"{server.name} exited with {status} on SIGTERM, not {expected}"
        problems.append(f"{problem}; see {shown(log)}.")
    if server.rest_of_stdout():
        problems.append(f"{server.name} printed more to stdout than the one line that says it listens.")
    return problems
