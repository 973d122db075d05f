"""The verdict on a run of the suite.

The suite itself exits 0 whatever happened, and gives each case two verdicts: `behavior` (the messages seen)
and `behaviorClose` (how the connection ended). Several cases show a violation only in the second, for
example a server that ignores a bad frame, or one that closes with the wrong code. So both must be good, for every case
that was asked for: a case absent from the report failed too.
"""

import collections
import json

# The suite has no right answer for these and never says OK.
INFORMATIONAL_CASES = {
    "7.1.6",  # 256 KiB, a text, a Close and a Ping back to back: what arrives before the Close depends on timing
    "7.13.1",  # Close code 5000, which the suite holds to be undefined (RFC 6455, section 7.4.2 ends at 4999)
    "7.13.2",  # Close code 65535: likewise
}

MISSING = "MISSING"

# Counted also where there are none of them.
ALWAYS_COUNTED = ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED")

Failure = collections.namedtuple("Failure", "case description behavior close report")


def load_index(path):
    """The suite's index.json; nothing at all when the suite wrote none or wrote it by halves."""
    try:
        index = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def passes(case, verdict):
    return verdict == "OK" or (verdict == "INFORMATIONAL" and case in INFORMATIONAL_CASES)


def verdicts(case, results):
    """The pair (behavior, behaviorClose) of a case."""
    result = results.get(case, {})
    return result.get("behavior", MISSING), result.get("behaviorClose", MISSING)


def failures(selected, results):
    """The selected cases that failed. `selected` maps case ids to descriptions, in the order to report."""
    failed = []
    for case, description in selected.items():
        behavior, close = verdicts(case, results)
        if not (passes(case, behavior) and passes(case, close)):
            report = results.get(case, {}).get("reportfile", "").replace(".json", ".html")
            failed.append(Failure(case, description, behavior, close, report))
    return failed


def counts(selected, results):
    """How often each verdict was given, for `behavior` and for `behaviorClose`."""
    behavior, close = (collections.Counter(dict.fromkeys(ALWAYS_COUNTED, 0)) for _ in range(2))
    for case in selected:
        pair = verdicts(case, results)
        behavior[pair[0]] += 1
        close[pair[1]] += 1
    return behavior, close
