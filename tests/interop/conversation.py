"""One connection to a server that may compress: every kind of message, and how many bytes they took.

The conversation of conversation.mjs, where more is said of each part. `websockets` compresses every message, however
small, and ends a fragmented one with an empty fragment.
"""

import asyncio
import collections
import random
import re

from checks import Unexpected, expect, noise, same, words
from websockets.asyncio.client import ClientConnection
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets_connection import close, opened, outcome

KIB = 1 << 10
SECONDS = 30

# The server sends a message of fewer bytes as it is.
THRESHOLD = 256

Taken = collections.namedtuple("Taken", "up down")
Direction = collections.namedtuple("Direction", "bits keeps packs")


class Counted(ClientConnection):
    """Counts the bytes on the wire."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.taken = Taken(0, 0)

    def connection_made(self, transport):
        write = transport.write

        def counted(data):
            self.taken = Taken(self.taken.up + len(data), self.taken.down)
            write(data)

        transport.write = counted
        super().connection_made(transport)

    def data_received(self, data):
        self.taken = Taken(self.taken.up, self.taken.down + len(data))
        super().data_received(data)


async def converse(task):
    """Returns what was offered, what was answered, and what then failed, for the runner."""
    came = {"offered": None, "answered": "", "failed": None}
    progress = {"part": "opening"}
    failed = (await outcome(talk(task, came, progress), SECONDS)).get("failed")
    if failed:
        came["failed"] = f"{progress['part']}: {failed}"
    return came


async def talk(task, came, progress):
    connection = await opened(task["url"], create_connection=Counted, **options(task))
    came["offered"] = header(connection.request)
    came["answered"] = header(connection.response)
    agreed = agreement(came["offered"], came["answered"], task["zlib"])
    for part in (sizes, fragments, history, distances, many):
        progress["part"] = part.__name__
        await part(connection, agreed)
    progress["part"] = "close"
    await close(connection)


def header(message):
    return ", ".join(message.headers.get_all("Sec-WebSocket-Extensions"))


def options(task):
    if task["by_itself"]:
        return {}
    alternatives = [{"client_max_window_bits": None, **one} for one in task["alternatives"]]
    factories = [ClientPerMessageDeflateFactory(**one, compress_settings=task["zlib"]) for one in alternatives]
    # Of no extensions it would make an empty header field.
    return {"compression": None, "extensions": factories or None}


def agreement(offered, answered, zlib):
    """What holds for each direction, by name; None if nothing is to be compressed."""
    if not answered:
        return None

    def bits(side, line):
        return int((re.search(rf"{side}_max_window_bits=(\d+)", line) or [0, 15])[1])

    def keeps(side, line):
        return f"{side}_no_context_takeover" not in line

    # A client keeps to what it offered of itself, whatever the answer. One that is told how to compress may not
    # compress well.
    client_bits = min(bits("client", offered), bits("client", answered))
    client_keeps = keeps("client", offered) and keeps("client", answered)
    return {
        "down": Direction(bits("server", answered), keeps("server", answered), True),
        "up": Direction(client_bits, client_keeps, not zlib),
    }


# --- the parts of a conversation ---


async def sizes(connection, agreed):
    for length in (0, 1, 200, THRESHOLD - 1):
        sent_plain(agreed, await exchange(connection, letters(length)), length)
    for text in (letters(400), letters(64 * KIB), words(64 * KIB), letters(KIB * KIB)):
        taken, length = await exchange(connection, text), len(text.encode())
        if agreed is None:
            sent_plain(agreed, taken, length)
            continue
        at_most(length // 4, "down", taken)
        if agreed["up"].packs:
            at_most(length // 4, "up", taken)
    # What does not get smaller goes as it is.
    for length in (0, 64 * KIB):
        sent_plain(agreed, await exchange(connection, noise(length, 2)), length)


async def fragments(connection, _agreed):
    """Pieces of odd lengths, which end inside of characters, with pings between them."""
    for text, length in ((words(128 * KIB), (1 << 13) + 1), (words(500), 7), (letters(100), 99)):
        encoded = text.encode()
        for message, is_text in ((text, True), (encoded, False)):
            pongs = []
            await connection.send(pieces(connection, encoded, length, pongs), text=is_text)
            same(message, await connection.recv())
            # They were answered before the message was.
            expect(f"{len(pongs)} pongs", f"{sum(pong.done() for pong in pongs)} pongs")


async def pieces(connection, encoded, length, pongs):
    for at in range(0, len(encoded), length):
        yield encoded[at : at + length]
        pongs.append(await connection.ping())


async def history(connection, agreed):
    """A message that comes twice is small the second time if, and only if, the first one is remembered."""
    for direction, (bits, keeps, packs) in (agreed or {}).items():
        text = digits(1 << (bits - 1), bits)
        await exchange(connection, text)
        taken = await exchange(connection, text)
        if bits < 11 or not packs:
            continue
        if keeps:
            at_most(len(text) // 8, direction, taken)
        else:
            at_least(len(text) // 2, direction, taken)


async def distances(connection, agreed):
    """What repeats only after more than a window cannot be compressed, unless with a larger window."""
    window = 1 << (agreed["down"].bits if agreed else 15)
    beyond = noise(window + 64, 3) * 4
    at_least(len(beyond) * 9 // 10, "down", await exchange(connection, beyond))
    within = noise(min(window // 4, KIB), 4) * 32
    taken = await exchange(connection, within)
    if agreed:
        at_most(len(within) // 2, "down", taken)


async def many(connection, _agreed):
    """Messages that share words, at all distances, one behind the other."""
    chosen = random.Random(6)
    vocabulary = digits(40 * KIB, 5)

    def piece():
        at = chosen.randrange(len(vocabulary))
        return vocabulary[at : at + chosen.randrange(200)]

    messages = [" ".join(piece() for _ in range(chosen.randrange(1, 13))) for _ in range(300)]

    async def send():
        for message in messages:
            await connection.send(message)

    sending = asyncio.create_task(send())
    for message in messages:
        same(message, await connection.recv())
    await sending


# --- what they are made of ---


async def exchange(connection, message):
    """Send and hear the same; returns the bytes it took."""
    before = connection.taken
    await connection.send(message)
    same(message, await connection.recv())
    return Taken(connection.taken.up - before.up, connection.taken.down - before.down)


def sent_plain(agreed, taken, length):
    """One frame, and every byte of the message in it."""
    frame = length + (2 if length < 126 else 4 if length < 1 << 16 else 10)
    expect(f"{frame} bytes down", f"{taken.down} bytes down")
    if agreed is None:  # a client masks: four bytes more
        expect(f"{frame + 4} bytes up", f"{taken.up} bytes up")


def at_most(most, direction, taken):
    if getattr(taken, direction) > most:
        raise Unexpected(f"expected at most {most} bytes {direction}, saw {getattr(taken, direction)}")


def at_least(least, direction, taken):
    if getattr(taken, direction) < least:
        raise Unexpected(f"expected at least {least} bytes {direction}, saw {getattr(taken, direction)}")


def letters(length):
    line = "the salmon swims up the river; "
    return (line * (length // len(line) + 1))[:length]


def digits(length, seed):
    """Digits without a pattern: half of each byte says nothing, and so much a compressor can save."""
    return noise(length // 2, seed).hex()
