#!/usr/bin/env python3
"""A server's metrics, read by the parser of Prometheus's own client; `tests/metrics/check.py --help` tells how."""

import argparse
import pathlib
import subprocess
import sys
import urllib.request

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VENV = ROOT / "target" / "metrics-venv"
CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

DESCRIPTION = """\
Read what a running Sockeye tells Prometheus with PyPI's prometheus-client, strictly: as OpenMetrics, and as the older
text format. Then look whether all families are there, with their types and units, and whether there are few enough
samples. Installs prometheus-client into target/metrics-venv where it is missing. Exits 0 only if all is right.
"""

EXAMPLES = """\
examples:
  tests/metrics/check.py http://127.0.0.1:8000/metrics
  tests/metrics/check.py metrics.txt                       a file, or - for what is piped in
  tests/metrics/check.py URL --sample 'sockeye_messages_total{direction="in"}>=10'
                                                           a sample that must be at least that
"""

# The name, the type, the unit; without the suffixes of samples.
FAMILIES = {
    "sockeye_connections_open": ("gauge", ""),
    "sockeye_connections_opened": ("counter", ""),
    "sockeye_connections_closed": ("counter", ""),
    "sockeye_handshakes_refused": ("counter", ""),
    "sockeye_messages": ("counter", ""),
    "sockeye_message_bytes": ("counter", "bytes"),
    "sockeye_slow_members": ("counter", ""),
    "sockeye_queued_bytes": ("gauge", "bytes"),
    "sockeye_ping_rtt_seconds": ("histogram", "seconds"),
    "sockeye_loop_turn_seconds": ("histogram", "seconds"),
}

# Labels have no values but these many together: 18 codes with 15 causes, 20 statuses, and what is fixed.
MOST_SAMPLES = 18 * 15 + 20 + 60


class Wrong(Exception):
    """Something about the page, said in one sentence."""


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tests/metrics/check.py",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("page", help="an http:// URL, a file, or -")
    parser.add_argument("--sample", action="append", default=[], metavar="NAME>=NUMBER", help="must be there and so large")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    use_venv()
    from prometheus_client import parser
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as strictly

    try:
        text = read(arguments.page)
        try:
            families = list(strictly(text))
            list(parser.text_string_to_metric_families(text))
        except ValueError as error:
            raise Wrong(f"the parser says: {error}") from error
        check_families(families)
        samples = {written(sample): sample.value for family in families for sample in family.samples}
        check_samples(samples, arguments.sample)
    except Wrong as wrong:
        print(f"metrics: {wrong}", file=sys.stderr)
        return 1
    print(f"{len(families)} families, {len(samples)} samples; passed")
    return 0


def use_venv():
    """Go on as the virtual environment's Python, which is made if need be."""
    python = VENV / "bin" / "python3"
    if pathlib.Path(sys.prefix) == VENV:
        return
    if subprocess.run([python, "-c", "import prometheus_client"], capture_output=True).returncode if python.exists() else True:
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "prometheus-client"]
        subprocess.run(pip, check=True)
    sys.exit(subprocess.run([python, *sys.argv]).returncode)


def read(page):
    if page == "-":
        return sys.stdin.read()
    if "://" not in page:
        return pathlib.Path(page).read_text()
    # It is on this machine, and no proxy is to be asked for it.
    http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
    with http.open(urllib.request.Request(page, headers=accept), timeout=10) as answer:
        if answer.headers["Content-Type"] != CONTENT_TYPE:
            raise Wrong(f"the Content-Type is {answer.headers['Content-Type']!r}, not {CONTENT_TYPE!r}")
        return answer.read().decode()


def check_families(families):
    found = {family.name: (family.type, family.unit) for family in families}
    for name, wanted in FAMILIES.items():
        if found.get(name) != wanted:
            raise Wrong(f"{name} is {found.get(name)}, not {wanted}")
    for family in families:
        if not family.name.startswith("sockeye_"):
            raise Wrong(f"{family.name} is of nobody we know")
        if not family.documentation:
            raise Wrong(f"{family.name} has no help")


def check_samples(samples, wanted):
    if len(samples) > MOST_SAMPLES:
        raise Wrong(f"{len(samples)} samples are more than {MOST_SAMPLES}: a label is not bounded")
    for condition in wanted:
        name, _, number = condition.rpartition(">=")
        if name not in samples:
            raise Wrong(f"there is no {name}")
        if samples[name] < float(number):
            raise Wrong(f"{name} is {samples[name]:g}, not at least {number}")


def written(sample):
    labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
    return sample.name + (f"{{{labels}}}" if labels else "")


sys.exit(main())
