"""What is printed in the end: client or server by case, and the offers and answers of permessage-deflate.

Each client and each server has a run on each way; a cell is `ok` only if all of them are.
"""

from deflate import FLAGS
from echo import name_with


def print_cases(runs, cases):
    width = max(map(len, cases))
    columns = by_column(runs)
    print(" " * width, *(f"{name:{wide(name)}}" for name in columns), sep="  ")
    for case in cases:
        words = (f"{verdict(same, case):{wide(name)}}" for name, same in columns.items())
        print(f"{case:{width}}", *words, sep="  ")
    print()
    for name, same in columns.items():
        for line in dict.fromkeys(f"{name}: {said}" for run in same for said in run.impossible()):
            print(line)


def wide(name):
    return max(10, len(name))


def by_column(runs):
    columns = {}
    for run in runs:
        columns.setdefault(run.column, []).append(run)
    return columns


def verdict(runs, case):
    # Not every way has every case.
    words = {run.verdict(case) for run in runs} - {None}
    return words.pop() if len(words) == 1 else "FAILED"


def print_answers(runs):
    """What servers answered to our offers of permessage-deflate."""
    print()
    for flag in (flag for flag in FLAGS if any(flag in run.answers for run in runs)):
        print(f"{' '.join(filter(None, ['sockeye connect', flag]))} was answered:")
        answers = {}
        for run in runs:
            if flag in run.answers:
                answers.setdefault(run.answers[flag] or "nothing", []).append(run.name)
        for answered, names in answers.items():
            print(f"  {answered}: {'; '.join(names)}")
    print()


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
