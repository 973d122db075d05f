"""Expand case patterns with the suite's own list of cases.

Runs inside the suite's Python 2.7. Prints JSON: the cases in the suite's order with their descriptions, and the
patterns that match none.
"""

import json
import re
import sys

from autobahntestsuite.case import CaseBasename, CaseCategories, Cases, CaseSetname, CaseSubCategories
from autobahntestsuite.caseset import CaseSet

case_set = CaseSet(CaseSetname, CaseBasename, Cases, CaseCategories, CaseSubCategories)


def expand(patterns):
    # Without a star the suite would take any text for a case, and fail on it later.
    known = case_set.parseSpecCases({"cases": patterns})
    return [case for case in known if case in case_set.CasesById]


def describe(case):
    html = case_set.CasesById[case].DESCRIPTION
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def is_empty_category(pattern):
    # The suite declares categories it has no case for yet, such as 8: asking for all of them is no mistake.
    return pattern.endswith(".*") and pattern[:-2] in CaseCategories


patterns = sys.argv[1:]
unmatched = [pattern for pattern in patterns if not expand([pattern]) and not is_empty_category(pattern)]
cases = [[case, describe(case)] for case in expand(patterns)]
print(json.dumps({"cases": cases, "unmatched": unmatched}))
