"""A WebSocket client of a few lines that does what it is told, right or wrong, over TCP or TLS.

It never compresses. It is here for what a good client refuses to do: to break the protocol, to half-close, to be silent,
to be killed. Not here: who does it.
"""

import asyncio
import socket
import ssl
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80

MASK = bytes([0x37, 0xFA, 0x21, 0x3D])
READ = 1 << 16
HEAD_BYTES = 1 << 14

# The state of a connection that neither side has ended, as TCP_INFO has it.
ESTABLISHED = 1

# More than any time limit of the server's.
PATIENCE = 60


class Ended(Exception):
    """The connection has ended, and not by a Close frame; says how."""


def head(first, size, masked=True):
    """A frame's header."""
    bit = 0x80 if masked else 0
    if size <= 125:
        header = struct.pack("!BB", first, bit | size)
    elif size <= 0xFFFF:
        header = struct.pack("!BBH", first, bit | 126, size)
    else:
        header = struct.pack("!BBQ", first, bit | 127, size)
    return header + (MASK if masked else b"")


def frame(first, payload=b""):
    return head(first, len(payload)) + mask(payload)


def framed(message):
    """A whole message."""
    if isinstance(message, str):
        return frame(FIN | TEXT, message.encode())
    return frame(FIN | BINARY, message)


def mask(payload):
    size = len(payload)
    key = (MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def close(code, reason=b""):
    return frame(FIN | CLOSE, struct.pack("!H", code) + reason)


def request(target, extra=""):
    return (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    ).encode()


class Link:
    """One connection. It sends what it is told, and reads frames strictly."""

    def __init__(self, reader, writer, tls):
        self._reader, self._writer = reader, writer
        self._buffer = bytearray()
        self._object = None
        self.answers_pings = True
        if tls:
            self._from, self._to = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._object = tls.wrap_bio(self._from, self._to, server_hostname="localhost")

    @classmethod
    async def dial(cls, target, receive_buffer=None):
        """Connect, and over TLS shake hands."""
        made = socket.socket()
        try:
            made.setblocking(False)
            if receive_buffer:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            await asyncio.get_running_loop().sock_connect(made, (target.host, target.port))
            reader, writer = await asyncio.open_connection(sock=made)
        except BaseException:
            made.close()
            raise
        link = cls(reader, writer, target.tls)
        if target.tls:
            await link._shake()
        return link

    async def _shake(self):
        while True:
            try:
                self._object.do_handshake()
                return self._flush()
            except ssl.SSLWantReadError:
                self._flush()
                await self._receive()

    def _flush(self):
        if waiting := self._to.read():
            self._writer.write(waiting)

    async def _receive(self):
        """Feed TLS; a stream that has ended is one without an end as TLS says it."""
        try:
            received = await asyncio.wait_for(self._reader.read(READ), PATIENCE)
        except asyncio.TimeoutError:
            raise Ended("silence") from None
        except ConnectionError as error:
            raise Ended("reset") from error
        if received:
            self._from.write(received)
        else:
            self._from.write_eof()

    def put(self, data):
        """Send, however slowly the peer reads."""
        if self._object:
            self._object.write(data)
            self._flush()
        else:
            self._writer.write(data)

    async def send(self, data):
        """Send, and wait while too much is under way."""
        self.put(data)
        await self.drained()

    async def drained(self):
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise Ended("reset") from error

    async def read(self):
        """Some bytes; none at the end."""
        if not self._object:
            try:
                return await asyncio.wait_for(self._reader.read(READ), PATIENCE)
            except asyncio.TimeoutError:
                raise Ended("silence") from None
            except ConnectionError as error:
                raise Ended("reset") from error
        while True:
            try:
                return self._object.read(READ)
            except ssl.SSLWantReadError:
                await self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def _exactly(self, count):
        while len(self._buffer) < count:
            more = await self.read()
            if not more:
                raise Ended("end of stream" if not self._buffer else "end inside of a frame")
            self._buffer += more
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def answer(self):
        """The status of the answer to a request, which is then read."""
        while b"\r\n\r\n" not in self._buffer:
            more = await self.read()
            if not more or len(self._buffer) > HEAD_BYTES:
                raise Ended("no answer")
            self._buffer += more
        answer, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        return int(answer.split(b" ", 2)[1])

    async def enter(self, target, extra=""):
        await self.send(request(target, extra))
        status = await self.answer()
        if status != 101:
            raise Ended(f"refused with {status}")

    async def frame(self):
        """The next frame: its first byte and its payload."""
        first, second = await self._exactly(2)
        if second & 0x80:
            raise Ended("a masked frame")
        size = second
        if size == 126:
            (size,) = struct.unpack("!H", await self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._exactly(8))
        return first, await self._exactly(size)

    async def hear(self):
        """The next message, as text or bytes, or the code of the Close frame. Pings are answered if they are to be."""
        while True:
            first, payload = await self.frame()
            if first == FIN | PING and self.answers_pings:
                await self.send(frame(FIN | PONG, payload))
            elif first == FIN | TEXT:
                return payload.decode()
            elif first == FIN | BINARY:
                return payload
            elif first == FIN | CLOSE:
                return int.from_bytes(payload[:2], "big")
            elif first not in (FIN | PING, FIN | PONG):
                raise Ended(f"a frame that begins with {first:#04x}")

    async def close_code(self):
        """The code of the Close frame that comes, whatever comes before it."""
        while True:
            heard = await self.hear()
            if isinstance(heard, int):
                return heard

    async def end(self):
        """Read to the end of the stream, which should be near."""
        while await self.read():
            pass

    def finish(self):
        """End this side, and go on reading."""
        if self._object:
            try:
                self._object.unwrap()
            except ssl.SSLError:
                pass
            self._flush()
        self._writer.write_eof()

    def reset(self):
        """Throw all away."""
        made = self._writer.get_extra_info("socket")
        if made is not None and made.fileno() >= 0:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def drop(self):
        self._writer.close()

    def read_no_more(self):
        """From now on not even into a buffer of ours."""
        self._writer.transport.pause_reading()

    def gone(self):
        """Whether the peer has ended it, for one who reads nothing and sends nothing: as the kernel sees it."""
        made = self._writer.get_extra_info("socket")
        if made is None or made.fileno() < 0:
            return True
        return made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != ESTABLISHED
