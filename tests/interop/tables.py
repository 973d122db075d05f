"""What is printed in the end: client by case, the offers and answers of permessage-deflate, and what failed."""

from deflate import FLAGS
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


def print_conversations(runs):
    """A block for each server: what was offered, what it answered, and to whom."""
    for flag in FLAGS:
        print()
        print(f"{runs[0].servers[flag].name} was offered, and answered:")
        for offered, answers in by_offer(runs, flag).items():
            print(f"  {offered}")
            for answered, clients in answers.items():
                print(f"    {answered}: {', '.join(clients)}")
    print()


def by_offer(runs, flag):
    """Offers with the answers they got, each with the clients that got it; for the server with this flag."""
    offers = {}
    for run in runs:
        for told in run.conversations:
            if told.flag == flag and told.heard:
                answers = offers.setdefault(told.offer_text, {})
                clients = answers.setdefault(told.answered or "nothing", [])
                clients.append(f"{run.client.name} {'FAILED' if told.problem else 'ok'}")
    return offers
