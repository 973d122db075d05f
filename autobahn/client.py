"""Test the client: a program that runs every case of the suite's fuzzing server, one after the other."""

import os
import shlex

import common
import serve
import suite as suites

# What cargo builds for it. The program is given the server's address, ws://127.0.0.1:PORT, and
# - reads the number of cases, N, from the one message on /getCaseCount;
# - echoes every message on /runCase?case=NUMBER&agent=Sockeye, for each NUMBER from 1 to N, until that has closed;
# - opens /updateReports?agent=Sockeye, waits until that has closed, and exits with 0.
BUILD = ["--release", "--example", "autobahn_client"]
TOKIO = ["--release", "--no-default-features", "--features", "tokio", "--example", "autobahn_tokio"]

REPORTS = common.ROOT / "autobahn" / "reports" / "client"


def run(patterns, build=BUILD):
    """Test the client with the cases that match the patterns, or all; returns the exit status."""
    settings = common.settings()
    suite = suites.find()
    if suite is None:
        return common.skip()
    suite.prepare()
    selected = common.select(suite, patterns, common.ALL)

    given = os.environ.get("AUTOBAHN_CLIENT")
    command = shlex.split(given) if given else [common.build(build)]
    common.empty_directory(REPORTS)
    problems = serve.run(suite, command, selected, REPORTS, *settings)
    return common.report(REPORTS, selected, problems)
