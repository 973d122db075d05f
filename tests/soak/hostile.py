"""Those who mean harm, each with the answer that it must get, while all others are served as ever.

Not here: the catalogue of attacks. These are a few of each kind, to be had by the thousand.
"""

import asyncio
import struct

import link

DIAL_SECONDS = 20

FIN, TEXT, BINARY = link.FIN, link.TEXT, link.BINARY

# What breaks the protocol, and the code that says so.
VIOLATIONS = [
    ("reserved opcode", link.frame(FIN | 0x3, b"x"), 1002),
    ("reserved control opcode", link.frame(FIN | 0xB, b"x"), 1002),
    ("reserved bit", link.frame(FIN | 0x20 | TEXT, b"x"), 1002),
    ("unmasked", link.head(FIN | TEXT, 2, masked=False) + b"hi", 1002),
    ("continuation of nothing", link.frame(FIN | link.CONTINUATION, b"x"), 1002),
    ("a message in a message", link.frame(TEXT, b"x") + link.frame(FIN | TEXT, b"y"), 1002),
    ("a ping in fragments", link.frame(link.PING, b"x"), 1002),
    ("a ping of 126", link.frame(FIN | link.PING, b"x" * 126), 1002),
    ("length in too many bytes", struct.pack("!BBH", FIN | TEXT, 0x80 | 126, 5) + link.MASK + b"hello", 1002),
    ("length with its top bit", struct.pack("!BBQ", FIN | TEXT, 0x80 | 127, 1 << 63), 1002),
    ("a Close frame of one byte", link.frame(FIN | link.CLOSE, b"x"), 1002),
    ("a Close frame with 1005", link.close(1005), 1002),
    ("a Close frame with bad UTF-8", link.close(1000, b"\xff"), 1007),
    ("bad UTF-8", link.frame(FIN | TEXT, b"\xce\xba\xff"), 1007),
    ("UTF-8 that does not end", link.frame(FIN | TEXT, b"\xf0\x9f\x98"), 1007),
    ("a surrogate", link.frame(FIN | TEXT, b"\xed\xa0\x80"), 1007),
    ("bad UTF-8 in the second fragment", link.frame(TEXT, b"\xe2") + link.frame(link.CONTINUATION, b"\x28"), 1007),
    ("too much announced", link.head(FIN | TEXT, (64 << 20) + 1), 1009),
    ("nothing but fragments", link.frame(TEXT) + link.frame(link.CONTINUATION) * 1200, 1008),
]

# Requests that are no handshake, and the status that says so.
REQUESTS = [
    ("no request", b"hello\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("another version", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("a long head", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
]

OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
# Deflated data that nobody has made: a block of the kind that there is not.
BAD_DEFLATE = link.frame(FIN | 0x40 | TEXT, b"\x07\xff\xff\xff")


class Attacks:
    """One after another, at a server's echo or in its room."""

    def __init__(self, target, payloads, tally, spending, largest, is_echo):
        self.target, self.tally, self.pace = target, tally, spending
        self.largest, self.is_echo = largest, is_echo
        self.random = payloads.random

    async def live(self):
        kinds = [self._violation, self._request, self._bad_deflate, self._slow_head, self._announcing, self._deaf]
        # In a room others are heard meanwhile, and compressed, which `link` cannot read.
        attack = self.random.choices(kinds, [50, 10, 10 * self.is_echo, 10, 10, 10])[0]
        self.tally.counts["connections"] += 1
        self.tally.counts["hostile"] += 1
        self.tally.counts[f"connections {self.target.name}"] += 1
        name = attack.__name__.strip("_").replace("_", " ")
        try:
            # Who never reads tells the kernel not to read for it either.
            narrow = 4096 if attack == self._deaf else None
            client = await asyncio.wait_for(link.Link.dial(self.target, narrow), DIAL_SECONDS)
        except Exception as error:
            if self.pace.is_to_blame():
                return
            self.tally.fault("unexpected close", f"hostile at {self.target.name} cannot connect: {error!r}")
            return
        try:
            await attack(client)
            self.tally.hostile[name] += 1
        except link.Ended as ended:
            self._wrong(name, ended)
        except asyncio.TimeoutError:
            self._wrong(name, "no answer in time")
        finally:
            client.reset()

    def _wrong(self, what, words):
        # Who is late with its own request is told so, whatever it meant to do.
        if not self.pace.is_to_blame():
            late = f"late by {self.pace.lag():.1f} s"
            self.tally.fault("wrong answer to hostility", f"{what} at {self.target.name}: {words}, {late}")

    async def _violation(self, client):
        what, sent, code = self.random.choice(VIOLATIONS)
        await client.enter(self.target)
        # The server may have said goodbye before all has arrived.
        client.put(sent)
        await self._refused(client, what, code)

    async def _bad_deflate(self, client):
        await client.enter(self.target, OFFER)
        client.put(BAD_DEFLATE)
        await self._refused(client, "bad deflate", 1007)

    async def _refused(self, client, what, code):
        seen = await client.close_code()
        if seen != code:
            self._wrong(what, f"{seen} instead of {code}")
        try:
            await client.end()
        except link.Ended as ended:
            # What we had sent and it never read makes its kernel say so, after the goodbye.
            if str(ended) != "reset":
                raise

    async def _request(self, client):
        what, sent, status = self.random.choice(REQUESTS)
        client.put(sent)
        seen = await client.answer()
        if seen != status:
            self._wrong(what, f"{seen} instead of {status}")

    async def _slow_head(self, client):
        """A byte now and then: the time for the handshake ends it all the same."""
        answering = asyncio.create_task(client.answer())
        for byte in link.request(self.target):
            client.put(bytes([byte]))
            await asyncio.sleep(0.5)
            if answering.done():
                break
        seen = await answering
        if seen != 408:
            self._wrong("slow head", f"{seen} instead of 408")

    async def _announcing(self, client):
        """As much as there may be, of which a little comes, and in fragments now and then."""
        await client.enter(self.target)
        arriving = link.mask(b"x" * self.random.randrange(2000))
        if self.random.random() < 0.5:
            client.put(link.frame(TEXT, b"x" * 10) + link.head(link.CONTINUATION, self.largest - 10) + arriving)
        else:
            client.put(link.head(FIN | TEXT, self.largest) + arriving)
        await self._refused(client, "announced, then silent", 1008)

    async def _deaf(self, client):
        """Reads nothing, of much that it asked for where it could; whatever is said of it, it is ended in time."""
        await client.enter(self.target)
        client.read_no_more()
        if self.is_echo:
            message = link.frame(FIN | BINARY, b"x" * 60_000)
            for _ in range(40):
                client.put(message)
        # The server gives it 10 s without progress, or 30 s without a pong, and then some to say goodbye.
        for _ in range(60):
            await asyncio.sleep(1)
            if client.gone():
                return
        self._wrong("who never reads", "it still has its connection")
