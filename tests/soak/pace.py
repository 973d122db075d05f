"""How fast it goes: a budget that everything is paid from, set by what the processors took.

Not here: what is done with it.
"""

import asyncio
import time

# What things cost beside a small message, which costs 1; about what the processor says of them.
CONNECTION, TLS = 8, 12
PER_BYTE = 1 / 12_000

SLOWEST, FASTEST = 20.0, 20_000.0


class Pace:
    """Spends `rate` a second at most, over all who ask."""

    def __init__(self, rate):
        self.rate = rate
        self._next = time.monotonic()

    async def spend(self, cost):
        now = time.monotonic()
        # What was not spent is not saved, but for a moment.
        self._next = max(self._next, now - 0.05) + cost / self.rate
        if self._next > now:
            await asyncio.sleep(self._next - now)

    def adapt(self, used, wanted):
        """After a while in which this share of a processor was used: go on so that it is nearer to what is wanted."""
        factor = min(max(wanted / max(used, 0.01), 0.7), 1.3)
        self.rate = min(max(self.rate * factor, SLOWEST), FASTEST)
