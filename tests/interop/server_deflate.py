"""permessage-deflate of `sockeye connect`: what is agreed with each server, and how many bytes messages then take.

Not here: the other direction, in which the clients choose the offers (deflate.py, conversation.py).
"""

import collections
import re

from checks import Unexpected, expect, noise, words
from connect import Connect
from deflate import CLIENT_BITS, CLIENT_TAKEOVER, NAME, OFF, SERVER_BITS, SERVER_TAKEOVER, TAKEOVER
from relay import Relay

KIB = 1 << 10

# We send a message of fewer bytes as it is.
THRESHOLD = 256

NO_TAKEOVER = {SERVER_TAKEOVER, CLIENT_TAKEOVER}
NINE = {f"{SERVER_BITS}=9", f"{CLIENT_BITS}=9"}
TWELVE = {f"{SERVER_BITS}=12", f"{CLIENT_BITS}=12"}

# By server, its way to compress, and our flag: the parameters of the answer, None for no answer.
AGREED = {
    ("ws", "on", ""): NO_TAKEOVER,
    ("ws", "on", TAKEOVER): set(),
    ("ws", "small", ""): NO_TAKEOVER | NINE,
    ("ws", "small", TAKEOVER): NO_TAKEOVER | NINE,
    ("websockets", "on", ""): NO_TAKEOVER | TWELVE,
    ("websockets", "on", TAKEOVER): TWELVE,
    ("websockets", "small", ""): NO_TAKEOVER | NINE,
    ("websockets", "small", TAKEOVER): NO_TAKEOVER | NINE,
    ("libwebsockets", "on", ""): NO_TAKEOVER,
    ("libwebsockets", "on", TAKEOVER): set(),
}

Direction = collections.namedtuple("Direction", "bits keeps")


def by_itself(run):
    converse(run, "")


def takeover(run):
    converse(run, TAKEOVER)


def off(run):
    converse(run, OFF)


def converse(run, flag):
    """What is agreed, and then messages of all kinds on one connection, each with the bytes that it takes."""
    with run.stack() as stack:
        relay = stack.enter_context(Relay(run.port))
        flags = [*run.server.flags_of_deflate, *filter(None, [flag])]
        connect = Connect(stack, run.binary, f"ws://127.0.0.1:{relay.port}/", flags, run.client_log)
        agreed = agreement(run, flag, connect.next("open"))
        if run.server.name == "libwebsockets":
            heard_only(run, connect, relay, agreed)
        else:
            exchanges(Echo(run, connect, relay), agreed)
        connect.type("/close")
        connect.closes(0, clean=True)


def agreement(run, flag, opened):
    """The directions, up and down, where something is compressed; None where nothing is."""
    answers = [value for name, value in opened["headers"] if name.lower() == "sec-websocket-extensions"]
    run.answers[flag] = ", ".join(answers)
    expected = AGREED.get((run.server.name, run.deflate, flag))
    expect(expected is not None, opened["deflate"])
    expect(0 if expected is None else 1, len(answers))
    if not answers:
        return None
    name, *parameters = re.split(r"\s*;\s*", answers[0])
    expect((NAME, sorted(expected)), (name, sorted(parameters)))
    values = dict(parameter.partition("=")[::2] for parameter in parameters)
    return {
        "up": Direction(int(values.get(CLIENT_BITS, 15)), CLIENT_TAKEOVER not in values),
        "down": Direction(int(values.get(SERVER_BITS, 15)), SERVER_TAKEOVER not in values),
    }


class Echo:
    """Sends messages and hears the same."""

    def __init__(self, run, connect, relay):
        self.run, self.connect, self.relay = run, connect, relay

    def taken(self, message):
        """The bytes that a message took."""
        up, down = self.relay.taken()
        self.connect.type(self.run.file(message))
        self.connect.hears(message)
        return {"up": self.relay.up - up, "down": self.relay.down - down}


def exchanges(echo, agreed):
    sizes(echo, agreed)
    if agreed:
        history(echo, agreed)
        distances(echo, agreed)


def sizes(echo, agreed):
    for length in (1, 200, THRESHOLD - 1):
        plain(echo.taken(letters(length)), length)
    for text in (letters(400), letters(64 * KIB), words(64 * KIB), letters(KIB * KIB)):
        taken, length = echo.taken(text), len(text.encode())
        if agreed is None:
            plain(taken, length)
            at_least(length, "down", taken)
            continue
        for direction in agreed:
            at_most(length // 3, direction, taken)
    if agreed:
        # What does not get smaller goes as it is.
        plain(echo.taken(noise(64 * KIB, 2)), 64 * KIB)


def history(echo, agreed):
    """A message that comes twice is small the second time if, and only if, the first one is remembered."""
    for direction, (bits, keeps) in agreed.items():
        text = digits(1 << (bits - 1), bits)
        echo.taken(text)
        taken = echo.taken(text)
        if keeps:
            at_most(len(text) // 8, direction, taken)
        elif bits > 9:  # in so little the beginning of a message counts
            at_least(len(text) // 2, direction, taken)


def distances(echo, agreed):
    """What repeats only after more than a window cannot be compressed, unless with a larger window."""
    beyond = noise((1 << agreed["up"].bits) + 64, 3) * 4
    at_least(len(beyond) * 9 // 10, "up", echo.taken(beyond))
    within = noise(100, 4) * 64
    at_most(len(within) // 2, "up", echo.taken(within))


def heard_only(run, connect, relay, agreed):
    """It says one thing by itself, and inflates what it does not send back; who does not fails the connection."""
    text = connect.message()
    expect("{", text.strip()[:1])
    up, message = relay.up, letters(64 * KIB)
    for _ in range(2):
        connect.type(run.file(message), "/ping still there?")
        expect(b"still there?".hex(), connect.next("pong")["data"])
    limit = at_most if agreed else at_least
    limit(len(message), "up", {"up": relay.up - up})


def plain(taken, length):
    """It went in one frame with a mask, and every byte of it as it is; how a server sends is its own business."""
    frame = length + 4 + (2 if length < 126 else 4 if length < 1 << 16 else 10)
    expect(f"{frame} bytes up", f"{taken['up']} bytes up")


def at_most(most, direction, taken):
    if taken[direction] > most:
        raise Unexpected(f"expected at most {most} bytes {direction}, saw {taken[direction]}")


def at_least(least, direction, taken):
    if taken[direction] < least:
        raise Unexpected(f"expected at least {least} bytes {direction}, saw {taken[direction]}")


def letters(length):
    line = "the salmon swims up the river; "
    return (line * (length // len(line) + 1))[:length]


def digits(length, seed):
    """Digits without a pattern: half of each byte says nothing, and so much a compressor can save."""
    return noise(length // 2, seed).hex()
