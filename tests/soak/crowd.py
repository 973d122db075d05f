"""All who talk to the servers at the same time, for as long as it lasts.

Not here: what each of them does.
"""

import asyncio
import time

import herd_keeper
from echoes import Talkers
from hostile import Attacks
from pace import Pace
from payloads import MIB, Payloads
from rooms import Broadcast, Chat, Room

# Of connections one after another, per echo; members at a time, per room.
LANES, MEMBERS = 5, 4
ROOMS = ["north", "south"]
# How many may take their time to end, and how many may mean harm, at once.
SLOW, HOSTILE = 60, 40

# What is left to do when the time is over: timeouts of the server's, and a bit.
ENDING_SECONDS = 75


class Crowd:
    """Who they are. `share` of the connections are hostile."""

    def __init__(self, running, tally, seed, rate, share, authority):
        self.tally, self.share, self.pace = tally, share, Pace(rate)
        self.payloads = Payloads(seed)
        self._over = False
        self._slow = set()
        self._hostile = set()
        at = {one.name: one.target for one in running}
        echoes = [at["echo"], at["echo-tls"], at["serve"].at("/echo"), at["serve-tls"].at("/echo")]
        chats = [at[name].at(f"/chat/{room}") for name in ("serve", "serve-tls") for room in ROOMS]
        halls = [at["broadcast"], at["broadcast-tls"]]
        shared = self.payloads, tally, self.pace
        self._talkers = [Talkers(target, *shared, MIB) for target in echoes]
        self._rooms = [Room(target, *shared, Chat()) for target in chats]
        self._rooms += [Room(target, *shared, Broadcast()) for target in halls]
        self._attacks = [Attacks(target, *shared, MIB, True) for target in echoes]
        self._attacks += [Attacks(target, *shared, 60_000, False) for target in chats[::2] + halls]
        self._herds = herd_keeper.Herds(echoes[:2], tally, seed, authority)

    async def run(self, seconds):
        """Until the time is over and all have ended. May be called again, when they have."""
        end = time.monotonic() + seconds
        self._over = False
        looking = asyncio.create_task(self.pace.keep_looking())
        lanes = [self._lane(talkers.live) for talkers in self._talkers for _ in range(LANES)]
        lanes += [self._lane(room.live) for room in self._rooms for _ in range(MEMBERS)]
        going = [asyncio.create_task(lane) for lane in [*lanes, self._herds.run()]]
        # Whoever breaks, breaks it all: a driver with a fault would prove nothing.
        await asyncio.wait(going, timeout=end - time.monotonic(), return_when=asyncio.FIRST_EXCEPTION)
        if time.monotonic() < end - 1:
            self.tally.fault("broken driver", "somebody was done before the time was over")
        self._over = True
        self._herds.stop()
        await self._finish(going)
        looking.cancel()

    async def _finish(self, going):
        _, late = await asyncio.wait([*going, *self._slow, *self._hostile], timeout=ENDING_SECONDS)
        for task in late:
            self.tally.fault("late", f"still there {ENDING_SECONDS} s after the end: {task.get_coro().__qualname__}")
            task.cancel()
        for task in going:
            if task.done() and not task.cancelled():
                task.result()

    async def _lane(self, live):
        while not self._over:
            self._maybe_attack()
            slow = await live()
            if slow is not None:
                self._keep(self._slow, slow)
            while len(self._slow) > SLOW:
                await asyncio.wait(self._slow, return_when=asyncio.FIRST_COMPLETED)

    def _maybe_attack(self):
        # Beside one that means well, so that of all together they are the share.
        if self.payloads.random.random() < self.share / (1 - self.share) and len(self._hostile) < HOSTILE:
            attacks = self.payloads.random.choice(self._attacks)
            self._keep(self._hostile, asyncio.create_task(attacks.live()))


    def _keep(self, tasks, task):
        """Hold a task while it runs, and note if it breaks."""
        tasks.add(task)

        def done(task):
            tasks.discard(task)
            if not task.cancelled() and task.exception():
                self.tally.fault("broken driver", repr(task.exception()))

        task.add_done_callback(done)
