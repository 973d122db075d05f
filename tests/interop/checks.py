"""What the cases are made of: connections, what tells the expected from the seen, and messages."""

import asyncio
import random

from websockets.asyncio.client import connect


class Unexpected(Exception):
    """Something else than was expected."""


def expect(expected, seen):
    if expected != seen:
        raise Unexpected(f"expected {expected}, saw {seen}")


def same(expected, seen):
    """The same kind with the same content; a large one is not shown, only where it differs."""
    expect(kind(expected), kind(seen))
    if len(expected) <= 40:
        return expect(expected, seen)
    if expected != seen:
        at = next(i for i, (left, right) in enumerate(zip(expected, seen)) if left != right)
        raise Unexpected(f"expected {expected[at]!r} at {at} of {len(expected)}, saw {seen[at]!r}")


def kind(data):
    return f"{'text' if isinstance(data, str) else 'binary'} of {len(data)}"


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


def noise(length, seed=1):
    """Bytes without a pattern, the same each time."""
    return random.Random(seed).randbytes(length)


def words(size):
    """At least so many bytes of text, with characters of one to four bytes."""
    word = "žluťoučký kůň 𝄞 日 "
    return word * (size // len(word.encode()) + 1)
