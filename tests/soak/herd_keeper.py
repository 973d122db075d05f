"""Processes that are killed while their connections talk, one after another.

Not here: what they do, which is herd.py.
"""

import asyncio
import pathlib
import random
import signal
import sys

import processes

HERD = pathlib.Path(__file__).resolve().parent / "herd.py"

# Between one herd and the next, and how long one lives.
PAUSE_SECONDS = 25
LIFE_SECONDS = 4, 12


class Herds:
    """One at a time, until it is stopped."""

    def __init__(self, targets, tally, seed, authority):
        self._words = []
        for target in targets:
            self._words += [target.name, str(target.port), target.path, str(authority) if target.tls else "-"]
        self._tally = tally
        self._random = random.Random(seed)
        self._stopped = asyncio.Event()

    def stop(self):
        self._stopped.set()

    async def run(self):
        self._stopped.clear()
        while not self._stopped.is_set():
            await self._live()
            await self._pause(PAUSE_SECONDS)

    async def _pause(self, seconds):
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    async def _live(self):
        argv = [sys.executable, "-B", str(HERD), str(self._random.randrange(1 << 30)), *self._words]
        pipe = asyncio.subprocess.PIPE
        herd = await asyncio.create_subprocess_exec(*argv, stdout=pipe, preexec_fn=processes.die_with_parent)
        try:
            # Where the machine is busy, it may take long to begin: only then its life does.
            first = await herd.stdout.readline()
            await self._pause(self._random.uniform(*LIFE_SECONDS))
        finally:
            if herd.returncode is None:
                herd.send_signal(signal.SIGKILL)
        said, _ = await herd.communicate()
        lines = (first + said).decode().splitlines()
        if herd.returncode != -signal.SIGKILL or not lines:
            self._tally.fault("unexpected close", f"a herd ended with {herd.returncode} before it was killed: {lines}")
            return
        opened, answered, faults = map(int, lines[-1].split())
        self._tally.counts["connections"] += opened
        self._tally.endings["kill"] += opened
        self._tally.counts["sent"] += answered
        self._tally.counts["answered"] += answered
        if faults:
            self._tally.fault("wrong", f"a herd of {opened} counts {faults} faults", faults)
