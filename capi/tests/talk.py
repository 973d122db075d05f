#!/usr/bin/env python3
"""Talk to the echo server in C; `capi/tests/talk.py --help` tells how."""

import argparse
import base64
import contextlib
import hashlib
import os
import pathlib
import re
import select
import socket
import struct
import sys
import time
import zlib

sys.dont_write_bytecode = True
# The Autobahn runner knows already how to leave no process behind.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "autobahn"))

import processes
from problem import Problem

EXAMPLES = """\
examples:
  capi/tests/talk.py target/c/echo 127.0.0.1:0
  capi/tests/talk.py valgrind -q --leak-check=full --error-exitcode=9 target/c/echo 127.0.0.1:0
"""

READY_SECONDS = 30
ANSWER_SECONDS = 20
# What the example promises, and what a slow machine takes beside.
HANDSHAKE_SECONDS, CLOSE_SECONDS, SPARE_SECONDS = 5, 3, 10

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN, RSV1 = 0x80, 0x40


class Failed(Exception):
    """Something else than was expected."""


def expect(expected, seen):
    if expected != seen:
        raise Failed(f"expected {expected!r:.200}, saw {seen!r:.200}")


def frame(first, payload=b"", key=b"\x01\x02\x03\x04"):
    """A client's frame, masked."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", first, 0x80 | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, length)
    keys = (key * (length // 4 + 1))[:length]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(length, "big")
    return head + key + masked


def deflated(data):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Peer:
    """A client of plain sockets."""

    def __init__(self, address, **options):
        self.socket = socket.socket()
        for option, value in options.items():
            self.socket.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        self.socket.settimeout(ANSWER_SECONDS)
        self.socket.connect(address)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def take(self, count):
        while len(self.received) < count:
            more = self.socket.recv(1 << 16)
            if not more:
                raise Failed(f"an end after {self.received!r:.200}, not {count} bytes")
            self.received += more
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def rest(self):
        while more := self.socket.recv(1 << 16):
            self.received += more
        return self.received

    def ask(self, lines="", piece=1 << 16):
        """Asks for a connection, in pieces of so many bytes."""
        key = base64.b64encode(os.urandom(16))
        request = (
            f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode()}\r\n{lines}\r\n"
        ).encode()
        for at in range(0, len(request), piece):
            self.send(request[at : at + piece])
        return base64.b64encode(hashlib.sha1(key + GUID).digest())

    def open(self, lines="", piece=1 << 16):
        """Asks, and returns the head of the answer, which must be a 101."""
        accept = self.ask(lines, piece)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.take(1)
        expect(True, head.startswith(b"HTTP/1.1 101 ") and accept in head)
        return head

    def frame(self):
        """The next frame: its first byte and its payload."""
        first, length = self.take(2)
        if length == 126:
            (length,) = struct.unpack("!H", self.take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.take(8))
        return first, self.take(length)

    def closes(self, code):
        """A Close frame with this code, and then the end."""
        first, payload = self.frame()
        expect((FIN | CLOSE, code), (first, struct.unpack("!H", payload[:2])[0]))
        # Half-closed at once, not only when the deadline is up.
        self.socket.settimeout(CLOSE_SECONDS - 1)
        expect(b"", self.rest())


def messages(address):
    with Peer(address) as peer:
        peer.open(piece=1)
        peer.send(frame(FIN | PING, b"ping") + frame(FIN | TEXT, "žluťoučký".encode()))
        expect((FIN | PONG, b"ping"), peer.frame())
        expect((FIN | TEXT, "žluťoučký".encode()), peer.frame())
        for size in (0, 125, 126, 65535, 65536, 1 << 20):
            data = os.urandom(size)
            peer.send(frame(FIN | BINARY, data))
            expect((FIN | BINARY, data), peer.frame())
        for byte in frame(TEXT, b"in ") + frame(FIN, b"pieces"):
            peer.send(bytes([byte]))
        expect((FIN | TEXT, b"in pieces"), peer.frame())
        peer.send(frame(FIN | CLOSE, b"\x03\xe8bye"))
        peer.closes(1000)


def compression(address):
    with Peer(address) as peer:
        expect(True, b"permessage-deflate" in peer.open("Sec-WebSocket-Extensions: permessage-deflate\r\n"))
        long = b"always the same " * 10000
        peer.send(frame(FIN | RSV1 | TEXT, deflated(long)) + frame(FIN | RSV1 | TEXT, deflated(b"short")))
        first, payload = peer.frame()
        expect((FIN | RSV1 | TEXT, True), (first, len(payload) < 2000))
        expect(long, zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff"))
        expect((FIN | TEXT, b"short"), peer.frame())
        peer.send(frame(FIN | RSV1 | BINARY, b"\xff\xff no deflate"))
        peer.closes(1007)


def faults(address):
    """What ends a connection, and how; the peer goes on to send, which is drained, and gets the last bytes."""
    for bad, code in (
        (frame(FIN | TEXT, b"\xff"), 1007),
        (frame(0x83), 1002),
        (b"\x81\x00", 1002),
        (frame(FIN | BINARY, bytes((1 << 20) + 1)), 1009),
    ):
        with Peer(address) as peer:
            peer.open()
            peer.send(frame(FIN | TEXT, b"good") + bad[: 1 << 16])
            expect((FIN | TEXT, b"good"), peer.frame())
            for _ in range(64):
                peer.send(bytes(1 << 16))
            peer.closes(code)


def refusals(address):
    with Peer(address) as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        expect(b"HTTP/1.1 426 ", peer.rest()[:13])
    with Peer(address) as peer:
        peer.ask("Origin: https://evil.example\r\n")
        expect(b"HTTP/1.1 403 ", peer.rest()[:13])


def no_reader(address):
    """Who does not read is not read from; and gets everything, in order, once it does."""
    with Peer(address, SO_RCVBUF=1 << 16, SO_SNDBUF=1 << 16) as peer:
        peer.open()
        payloads = [bytes([number % 256]) * 60000 for number in range(400)]
        waiting = memoryview(b"".join(frame(FIN | BINARY, payload) for payload in payloads))
        peer.socket.setblocking(False)
        while waiting and select.select([], [peer.socket], [], 2)[1]:
            waiting = waiting[peer.socket.send(waiting) :]
        expect(True, len(waiting) > 10 << 20)
        while waiting:
            readable, writable, _ = select.select([peer.socket], [peer.socket], [], ANSWER_SECONDS)
            expect(True, bool(readable or writable))
            if readable:
                peer.received += peer.socket.recv(1 << 16)
            if writable:
                waiting = waiting[peer.socket.send(waiting[: 1 << 16]) :]
        peer.socket.settimeout(ANSWER_SECONDS)
        for payload in payloads:
            expect((FIN | BINARY, payload), peer.frame())


def waiting(address):
    """What was received while answers had to wait is taken up again when they have gone."""
    with Peer(address, SO_RCVBUF=1 << 16) as peer:
        peer.open("Sec-WebSocket-Extensions: permessage-deflate\r\n")
        noise, zeros = os.urandom(1 << 20), bytes(1 << 20)
        peer.send(frame(FIN | BINARY, noise) * 8 + frame(FIN | RSV1 | BINARY, deflated(zeros)) * 20)
        for _ in range(8):
            expect((FIN | BINARY, noise), peer.frame())
        for _ in range(20):
            first, payload = peer.frame()
            expect(FIN | RSV1 | BINARY, first)
            expect(zeros, zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff"))


def run(address):
    """All of it, with the deadlines running beside."""
    with Peer(address) as silent, Peer(address) as lingering:
        lingering.open()
        lingering.send(frame(FIN | CLOSE, b"\x03\xe8"))
        lingering.closes(1000)
        for talk in (messages, compression, faults, refusals, no_reader, waiting):
            talk(address)
            print(f"talk: {talk.__name__} ok", flush=True)
        silent.socket.settimeout(HANDSHAKE_SECONDS + SPARE_SECONDS)
        expect(b"", silent.rest())
        # The server is gone from there, and says so to who goes on.
        end = time.monotonic() + CLOSE_SECONDS + SPARE_SECONDS
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < end:
                lingering.send(b"a")
                select.select([], [], [], 0.1)
            raise Failed("a connection that is drained for ever")
        print("talk: deadlines ok", flush=True)


def main():
    parser = argparse.ArgumentParser(
        prog="capi/tests/talk.py",
        description="Start the echo server, talk to it in all ways that matter to its driver, and stop it. Exits 0 only if "
        "everything is answered as it should be, and the server exits with 0 on SIGTERM.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the server and its arguments")
    command = parser.parse_args().command or parser.error("which server?")
    processes.exit_on_signals()
    try:
        with processes.Child("the echo server", command) as server:
            line = next(server.lines(READY_SECONDS), "")
            match = re.fullmatch(r"listening on ws://([0-9.]+):(\d+)", line) or parser.error(f"it said {line!r}")
            address = match[1], int(match[2])
            run(address)
            with Peer(address) as last:
                last.open()
                # What has begun to arrive is thrown away with everything else.
                last.send(frame(FIN | TEXT, b"first") + frame(FIN | TEXT, b"second")[:9])
                expect((FIN | TEXT, b"first"), last.frame())
                status = server.stop()
                last.closes(1001)
            expect(0, status)
    except (Failed, Problem, OSError) as error:
        print(f"talk: {error}", file=sys.stderr)
        return 1
    print("talk: the server left as it should")
    return 0


sys.exit(main())
