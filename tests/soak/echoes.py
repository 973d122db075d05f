"""Those who talk to an echo: they connect, say things, hear each of them back, and end in one of seven ways.

`websockets` speaks where a good client does; `link` where none would. Not here: rooms, and those who mean harm.
"""

import asyncio
import socket
import struct

import link
import pace
from tally import Answers
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

# As tests/faults has them. Who is killed is in a process of its own, which is herd.py.
WAYS = ["handshake", "fin", "reset", "violation", "half-close", "timeout"]
# A silent one holds its place for half a minute, so there are fewer of them.
WEIGHTS = [30, 20, 20, 12, 12, 6]

OPEN_SECONDS = 20
ANSWER_SECONDS = 30
# Bytes that may wait for their answers.
UNDER_WAY = 256 << 10

# What ends it, by code 1002: a reserved opcode.
RESERVED = link.frame(link.FIN | 0x3, b"reserved")


class Talkers:
    """All who talk to one echo, one after another and several at a time."""

    def __init__(self, target, payloads, tally, spending, largest):
        self.target, self.payloads, self.tally, self.pace = target, payloads, tally, spending
        self.largest = largest
        self.random = payloads.random
        self.cost = pace.CONNECTION + (pace.TLS if target.tls else 0)

    async def live(self):
        """One life, whole; returns a task where the end takes long."""
        way = self.random.choices(WAYS, WEIGHTS)[0]
        await self.pace.spend(self.cost)
        self.tally.counts["connections"] += 1
        self.tally.counts[f"connections {self.target.name}"] += 1
        name = f"{self.target.name}#{self.tally.connections()}"
        if way in ("half-close", "timeout"):
            return await self._plain(name, way)
        return await self._good(name, way)

    # --- with websockets ---

    def compression(self):
        """Nothing, the usual offer, or smaller windows and no memory, here or there."""
        pick = self.random.randrange(4)
        if pick == 0:
            return {"compression": None}
        if pick == 1:
            return {"compression": "deflate"}
        bits = self.random.choice([None, 9, 12, 15])
        offer = ClientPerMessageDeflateFactory(
            server_max_window_bits=bits,
            client_max_window_bits=self.random.choice([True, 9, 12]),
            server_no_context_takeover=self.random.random() < 0.5,
            client_no_context_takeover=self.random.random() < 0.5,
            compress_settings={"level": 1},
        )
        return {"compression": None, "extensions": [offer]}

    async def _good(self, name, way):
        options = {"max_size": None, "ping_interval": None, "proxy": None, "open_timeout": OPEN_SECONDS}
        options["process_exception"] = lambda error: error
        if self.target.tls:
            options |= {"ssl": self.target.tls}
        try:
            client = await connect(self.target.url, host=self.target.host, **options, **self.compression())
        except Exception as error:  # whatever it is, it should not be
            self._not_connected(name, error)
            return None
        answers = Answers(self.tally, name)
        try:
            await self._converse(client, name, answers)
            await self._end(client, name, way)
        except ConnectionClosed as closed:
            self.tally.fault("unexpected close", f"{name} {way}: {closed!r}")
        except asyncio.TimeoutError:
            self.tally.fault("late", f"{name} {way}: {len(answers)} answers are missing")
        finally:
            client.transport.abort()
        return None

    def _not_connected(self, name, error):
        # The server waits 5 s for a request, and this process may not have run for so long.
        if not self.pace.is_to_blame():
            self.tally.fault("unexpected close", f"{name} cannot connect: {error!r}, late by {self.pace.lag():.1f} s")

    async def _converse(self, client, name, answers):
        said = 0
        for _ in range(self.random.randint(1, 12)):
            under_way = 0
            for _ in range(self.random.choice([1, 1, 1, 2, 4, 16])):
                message = self.payloads.message(f"{name}/{said}", self.largest)
                await self.pace.spend(1 + len(message) * pace.PER_BYTE)
                answers.said(message)
                said += 1
                await self._say(client, message)
                under_way += len(message)
                if under_way > UNDER_WAY:
                    break
            while len(answers):
                answers.heard(await asyncio.wait_for(client.recv(), ANSWER_SECONDS))

    async def _say(self, client, message):
        is_text = isinstance(message, str)
        if len(message) > 2 and self.random.random() < 0.2:
            self.tally.counts["fragmented"] += 1
            await client.send(self.payloads.pieces(message), text=is_text)
        else:
            await client.send(message)

    async def _end(self, client, name, way):
        if way == "handshake":
            await asyncio.wait_for(client.close(1000, "bye"), ANSWER_SECONDS)
            if client.close_code != 1000 or client.protocol.close_rcvd is None:
                self.tally.fault("unexpected close", f"{name}: {client.close_code} instead of 1000")
        elif way == "fin":
            client.transport.close()
        elif way == "reset":
            # In the middle of a message, now and then.
            if self.random.random() < 0.5:
                client.transport.write(link.frame(link.TEXT, b"x" * 900)[:500])
            reset(client.transport)
        else:
            client.transport.write(RESERVED)
            await self._expect(client, name, 1002)
        self.tally.endings[way] += 1

    async def _expect(self, client, name, code):
        try:
            heard = await asyncio.wait_for(client.recv(), ANSWER_SECONDS)
            self.tally.fault("wrong", f"{name}: heard {heard[:40]!r} instead of {code}")
        except ConnectionClosed as closed:
            seen = closed.rcvd and closed.rcvd.code
            if seen != code:
                self.tally.fault("unexpected close", f"{name}: {seen} instead of {code}")

    # --- with nothing but a socket ---

    async def _plain(self, name, way):
        answers = Answers(self.tally, name)
        try:
            client = await asyncio.wait_for(link.Link.dial(self.target), OPEN_SECONDS)
            await client.enter(self.target)
        except Exception as error:
            self._not_connected(name, error)
            return None
        try:
            for number in range(self.random.randint(1, 8)):
                message = self.payloads.message(f"{name}/{number}", min(self.largest, 1 << 16))
                await self.pace.spend(1 + len(message) * pace.PER_BYTE)
                answers.said(message)
                await client.send(link.framed(message))
        except Exception as error:
            client.reset()
            self.tally.fault("unexpected close", f"{name} {way}: {error!r}")
            return None
        if way == "timeout":
            return asyncio.create_task(self._fall_silent(client, name, answers))
        await self._half_close(client, name, answers)
        return None

    async def _half_close(self, client, name, answers):
        """All that was said whole is answered; the half message that it ends with is not."""
        try:
            await client.send(link.framed("x" * 300)[:200])
            client.finish()
            while True:
                heard = await client.hear()
                if isinstance(heard, int):
                    self.tally.fault("unexpected close", f"{name} half-close: code {heard}")
                    break
                answers.heard(heard)
        except link.Ended as ended:
            if str(ended) != "end of stream":
                self.tally.fault("unexpected close", f"{name} half-close: {ended}")
        finally:
            client.drop()
        answers.ended()
        self.tally.endings["half-close"] += 1

    async def _fall_silent(self, client, name, answers):
        """The server asks, and says goodbye when nothing comes; half of them answer that, half do not even that."""
        client.answers_pings = False
        try:
            while len(answers):
                answers.heard(await client.hear())
            code = await client.close_code()
            if code != 1001:
                self.tally.fault("unexpected close", f"{name} timeout: {code} instead of 1001")
            if self.random.random() < 0.5:
                await client.send(link.close(1001))
            await client.end()
        except link.Ended as ended:
            if len(answers):
                self.tally.fault("unexpected close", f"{name} timeout: {ended}")
        finally:
            client.drop()
        answers.ended()
        self.tally.endings["timeout"] += 1


def reset(transport):
    """Throw all away, what is under way included."""
    made = transport.get_extra_info("socket")
    if made is not None and made.fileno() >= 0:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
