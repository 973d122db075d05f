"""How fast it goes: a budget that everything is paid from, set by what the processors took.

Not here: what is done with it.
"""

import asyncio
import collections
import time

# What things cost beside a small message, which costs 1; about what the processor says of them.
CONNECTION, TLS = 8, 12
PER_BYTE = 1 / 12_000

SLOWEST, FASTEST = 20.0, 20_000.0

LOOK_SECONDS = 0.1
# Up to here it goes on as fast; from here on a server may have lost patience with us.
LATE, TOO_LATE = 1.0, 1.5
# As long as the servers wait for a handshake, and a bit.
REMEMBERED_SECONDS = 8


class Pace:
    """Spends `rate` a second at most, over all who ask; and knows how late this process is."""

    def __init__(self, rate):
        self.rate = rate
        self.worst = 0.0
        self.late = 0
        self._next = time.monotonic()
        self._spent = 0.0
        self._lags = collections.deque()

    async def spend(self, cost):
        now = time.monotonic()
        self._spent += cost
        # What was not spent is not saved, but for a moment.
        self._next = max(self._next, now - 0.05) + cost / self.rate
        if self._next > now:
            await asyncio.sleep(self._next - now)

    async def keep_looking(self):
        """Measure how much later than it wants to this process gets a processor."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            self._lags.append((now, now - before - LOOK_SECONDS))
            while self._lags[0][0] < now - REMEMBERED_SECONDS:
                self._lags.popleft()
            self.worst = max(self.worst, self._lags[-1][1])

    def lag(self):
        """The worst in the last seconds."""
        return max((lag for _, lag in self._lags), default=0.0)

    def is_to_blame(self):
        """Whether a server may have waited for us in vain; counted."""
        if self.lag() < TOO_LATE:
            return False
        self.late += 1
        return True

    def adapt(self, seconds, used, wanted):
        """After so many seconds in which this share of a processor was used: go on so that it is nearer to what is wanted."""
        spent, self._spent = self._spent / seconds, 0.0
        factor = min(max(wanted / max(used, 0.01), 0.7), 1.3)
        if self.lag() > LATE:
            # The machine has others to serve.
            self.rate, factor = min(self.rate, spent), 0.8
        elif self.rate > 2 * spent:
            factor = min(factor, 1.0)
        self.rate = min(max(self.rate * factor, SLOWEST), FASTEST)
