"""What the cases are made of: what tells the expected from the seen, and messages.

Not here: connections, which are websockets_connection.py.
"""

import random


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


def noise(length, seed=1):
    """Bytes without a pattern, the same each time."""
    return random.Random(seed).randbytes(length)


def words(size):
    """At least so many bytes of text, with characters of one to four bytes."""
    word = "žluťoučký kůň 𝄞 日 "
    return word * (size // len(word.encode()) + 1)
