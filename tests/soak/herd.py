"""A process of its own whose connections all end when it is killed: herd.py SEED NAME PORT PATH AUTHORITY ...

For each target four words, the last `-` where there is no TLS. It prints a line each second: how many connections it
opened, how many messages were answered, how many answers were wrong or missing. Not here: the killing.
"""

import asyncio
import sys

sys.dont_write_bytecode = True

import link
import targets
from payloads import Payloads

PER_TARGET = 4
PAUSE_SECONDS = 0.5


class Counts:
    opened = answered = faults = 0


async def talk(target, payloads, counts):
    client = await link.Link.dial(target)
    await client.enter(target)
    counts.opened += 1
    number = 0
    while True:
        said = [payloads.message(f"herd/{number}/{at}", 5000) for at in range(3)]
        for message in said:
            await client.send(link.framed(message))
        for message in said:
            if await client.hear() == message:
                counts.answered += 1
            else:
                counts.faults += 1
        number += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def main():
    payloads = Payloads(int(sys.argv[1]))
    words = sys.argv[2:]
    counts = Counts()
    places = [target(*words[at : at + 4]) for at in range(0, len(words), 4)]
    talking = [asyncio.create_task(talk(one, payloads, counts)) for one in places for _ in range(PER_TARGET)]
    while not any(task.done() for task in talking):
        await asyncio.sleep(1)
        print(counts.opened, counts.answered, counts.faults, flush=True)
    # None should end before we are killed.
    print(counts.opened, counts.answered, counts.faults + 1, flush=True)
    for task in talking:
        if task.done():
            task.result()


def target(name, port, path, authority):
    tls = None if authority == "-" else targets.trusting(authority)
    return targets.Target(name, targets.HOST, int(port), path, tls)


asyncio.run(main())
