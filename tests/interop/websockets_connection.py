"""Connections of PyPI's `websockets`, and what became of them."""

import asyncio

from checks import Unexpected, expect
from websockets.asyncio.client import connect


def opened(url, **options):
    # No pings of its own, which would be life where the server is to ask for it; no proxy on the way.
    return connect(url, max_size=None, ping_interval=None, proxy=None, **options)


async def close(connection, code=1000, reason=""):
    await connection.close(code, reason)
    # The answer repeats the code and leaves the reason out (RFC 6455 section 5.5.1 speaks of the code alone).
    expect(f"{code} '' from both", ended(connection))


def ended(connection):
    protocol = connection.protocol
    both = "from both" if protocol.close_rcvd and protocol.close_sent else "not from both"
    return f"{connection.close_code} {connection.close_reason!r} {both}"


async def outcome(running, seconds):
    """What it came to: `ok`, or how it `failed`; late is failed."""
    try:
        await asyncio.wait_for(running, seconds)
        return {"ok": True}
    except asyncio.TimeoutError:
        return {"failed": f"expected an end, saw none within {seconds} s"}
    except Unexpected as unexpected:
        return {"failed": str(unexpected)}
    except Exception as error:  # whatever it is, it is the result
        return {"failed": f"expected no error, saw {error!r}"}
