"""What is printed in the end: client by case, the offers and answers of permessage-deflate, and what failed.

Each client has a run on each way; a cell is `ok` only if all of them are.
"""

from deflate import FLAGS
from echo import name_with
from one_client import CASES


def print_cases(runs):
    width = max(map(len, CASES))
    clients = by_client(runs)
    print(" " * width, *(f"{name:10}" for name in clients), sep="  ")
    for case in CASES:
        print(f"{case:{width}}", *(f"{verdict(same, case):10}" for same in clients.values()), sep="  ")
    print()
    for same in clients.values():
        for line in dict.fromkeys(f"{run.client.name}: {said}" for run in same for said in run.impossible()):
            print(line)


def by_client(runs):
    clients = {}
    for run in runs:
        clients.setdefault(run.client.name, []).append(run)
    return clients


def verdict(runs, case):
    words = {run.verdict(case) for run in runs}
    return words.pop() if len(words) == 1 else "FAILED"


def print_conversations(runs):
    """A block for each server: what was offered, what it answered, and to whom."""
    for flag in FLAGS:
        offers = by_offer(runs, flag)
        if not offers:
            continue
        print()
        print(f"{name_with(flag)} was offered, and answered:")
        for offered, answers in offers.items():
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
                clients = answers.setdefault(told.answered or "nothing", {})
                # A client that got it on several ways is told once; where it failed, with the way.
                clients[f"{run.name} FAILED" if told.problem else f"{run.client.name} ok"] = True
    return offers
