"""What is printed in the end: client by case, and what cannot be."""

from one_client import CASES


def print_cases(runs):
    width = max(map(len, CASES))
    print(" " * width, *(f"{run.client.name:10}" for run in runs), sep="  ")
    for case in CASES:
        print(f"{case:{width}}", *(f"{run.verdict(case):10}" for run in runs), sep="  ")
    print()
    for run in runs:
        for case, outcome in run.outcomes.items():
            if "cannot" in outcome:
                print(f"{run.client.name}: {case}: {outcome['cannot']}")
