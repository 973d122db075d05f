"""Rooms: who is in one hears what each of the others says, all of it, in order, unchanged, from when they came.

Not here: what an echo answers. Who reads too slowly is in hostile.py.
"""

import asyncio
import json

import echoes
import pace
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

WAYS = ["handshake", "fin", "reset", "violation"]

OPEN_SECONDS = 20
# For what was said to all to come to all.
FLUSH_SECONDS = 20
FORGET_SECONDS = 30


class Room:
    """One, of whichever kind: what was said in it, as far as those know who said it."""

    def __init__(self, target, payloads, tally, spending, form):
        self.target, self.payloads, self.tally, self.pace = target, payloads, tally, spending
        self.form = form
        self.random = payloads.random
        self.cost = pace.CONNECTION + (pace.TLS if target.tls else 0)
        # Of each speaker: the next number, and the first that it has not heard back itself.
        self.next, self.heard = {}, {}
        self._speakers = 0
        self.present = 0

    def speaker(self):
        self._speakers += 1
        self.next[self._speakers] = self.heard[self._speakers] = 0
        return self._speakers

    async def live(self):
        """One member's life."""
        await self.pace.spend(self.cost)
        self.tally.counts["connections"] += 1
        self.tally.counts[f"connections {self.target.name}"] += 1
        member = Member(self, self.speaker())
        self.present += 1
        try:
            await member.live(self.random.choice(WAYS))
        except ConnectionClosed as closed:
            self.tally.fault("unexpected close", f"{member.name}: {closed!r}")
        except (asyncio.TimeoutError, OSError) as error:
            self.tally.fault("late", f"{member.name}: {error!r}")
        finally:
            self.present -= 1
            self.forget(member.speaker)

    def forget(self, speaker):
        # Not at once: what it said last may be under way from one loop to another, past somebody who comes now.
        later = asyncio.get_running_loop().call_later
        for of_all in (self.next, self.heard):
            later(FORGET_SECONDS, of_all.pop, speaker)


class Member:
    """Somebody in a room, who speaks and listens."""

    def __init__(self, room, speaker):
        self.room, self.speaker = room, speaker
        self.name = f"{room.target.name}#member {speaker}"
        self._seen = {}
        self._floor = {}
        self._news = asyncio.Event()
        self._ending = False

    async def live(self, way):
        room = self.room
        options = {"process_exception": lambda error: error, "max_size": None, "max_queue": None, "ping_interval": None, "proxy": None}
        if room.target.tls:
            options["ssl"] = room.target.tls
        try:
            client = await connect(room.target.url, host=room.target.host, open_timeout=OPEN_SECONDS, **options)
        except Exception as error:  # whatever it is, it should not be
            if not room.pace.is_to_blame():
                words = f"{self.name} cannot connect: {error!r}, late by {room.pace.lag():.1f} s"
                room.tally.fault("unexpected close", words)
            return
        listening = None
        try:
            await room.form.arrive(client)
            # From now on nothing may be missed of those who are here.
            self._floor = dict(room.next)
            listening = asyncio.create_task(self._listen(client))
            for _ in range(room.random.randint(3, 40)):
                await self._speak(client, listening)
            await self._flush(listening)
            self._ending = True
            await self._end(client, way, listening)
        finally:
            self._ending = True
            client.transport.abort()
            if listening:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _speak(self, client, listening):
        room = self.room
        size = min(room.payloads.size(), room.form.largest)
        # Everybody hears it.
        await room.pace.spend((1 + size * pace.PER_BYTE) * (1 + room.present))
        if listening.done():
            listening.result()
        number = room.next[self.speaker]
        room.next[self.speaker] += 1
        room.tally.counts["said in rooms"] += 1
        await client.send(room.form.say(room.payloads.repeatable(self.speaker, number, size)))

    async def _listen(self, client):
        try:
            while True:
                said = self.room.form.heard(await client.recv())
                if said is not None:
                    self._hear(said)
        except ConnectionClosed:
            if not self._ending:
                raise

    def _hear(self, said):
        room, tally = self.room, self.room.tally
        try:
            speaker, number, size = map(int, said.split(b" ", 3)[:3])
        except ValueError:
            tally.fault("wrong", f"{self.name}: heard {said[:60]!r}")
            return
        tally.counts["heard in rooms"] += 1
        tally.counts["bytes heard in rooms"] += len(said)
        if said != room.payloads.repeatable(speaker, number, size):
            tally.fault("wrong", f"{self.name}: number {number} of {speaker} has changed")
        last = self._seen.get(speaker)
        first = self._floor.get(speaker, 0)
        missing = number - (first if last is None else last + 1)
        if missing > 0:
            tally.fault("loss", f"{self.name}: {missing} before number {number} of {speaker}", missing)
        elif missing < 0 and last is not None:
            tally.fault("duplicate", f"{self.name}: number {number} of {speaker} after {last}")
        self._seen[speaker] = number
        if speaker == self.speaker:
            room.heard[speaker] = number + 1
        self._news.set()

    async def _flush(self, listening):
        """Wait for what others are known to have been told already, and for all that this one said."""
        owed = {speaker: heard for speaker, heard in self.room.heard.items() if heard > self._floor.get(speaker, 0)}
        owed[self.speaker] = self.room.next[self.speaker]

        def missing():
            return {who: upto for who, upto in owed.items() if self._seen.get(who, -1) + 1 < upto}

        end = asyncio.get_running_loop().time() + FLUSH_SECONDS
        while missing():
            if listening.done():
                listening.result()
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), end - asyncio.get_running_loop().time())
            except asyncio.TimeoutError:
                lost = sum(upto - self._seen.get(who, -1) - 1 for who, upto in missing().items())
                self.room.tally.fault("loss", f"{self.name}: {lost} of the last did not come", lost)
                return

    async def _end(self, client, way, listening):
        tally = self.room.tally
        if way == "handshake":
            await asyncio.wait_for(client.close(), FLUSH_SECONDS)
            if client.close_code != 1000:
                tally.fault("unexpected close", f"{self.name}: {client.close_code} instead of 1000")
        elif way == "fin":
            client.transport.close()
        elif way == "reset":
            echoes.reset(client.transport)
        else:
            client.transport.write(echoes.RESERVED)
            await asyncio.wait_for(listening, FLUSH_SECONDS)
            code = client.protocol.close_rcvd and client.protocol.close_rcvd.code
            if code != 1002:
                tally.fault("unexpected close", f"{self.name}: {code} instead of 1002")
        tally.endings[way] += 1


class Broadcast:
    """`sockeye broadcast`: what one says is what all hear."""

    largest = 1 << 16

    async def arrive(self, client):
        # Once a ping is answered the server has let it in; that the handshake is answered says so as well.
        await asyncio.wait_for(await client.ping(), OPEN_SECONDS)

    def say(self, said):
        return said

    def heard(self, message):
        return message if isinstance(message, bytes) else message.encode()


class Chat:
    """`/chat/{room}` of `sockeye serve`: commands in JSON, and the server's own news among what is said."""

    largest = 1 << 13

    async def arrive(self, client):
        welcome = json.loads(await asyncio.wait_for(client.recv(), OPEN_SECONDS))
        while welcome["cmd"] != "welcome":
            welcome = json.loads(await asyncio.wait_for(client.recv(), OPEN_SECONDS))

    def say(self, said):
        return json.dumps({"cmd": "chat", "param": {"text": said.decode("latin-1")}})

    def heard(self, message):
        told = json.loads(message)
        return told["param"]["text"].encode("latin-1") if told["cmd"] == "chat" else None
