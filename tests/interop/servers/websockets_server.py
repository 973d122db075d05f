"""PyPI's `websockets` as an echo server: websockets_server.py PORT DEFLATE [CERTIFICATE KEY]

What the paths mean is said in README.md.
"""

import asyncio
import ssl
import sys
import urllib.parse

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

SMALL = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=9,
    client_max_window_bits=9,
)

# `on` is what the library does by itself.
DEFLATE = {
    "on": {},
    "none": {"compression": None},
    "small": {"compression": None, "extensions": [SMALL]},
}


def wish(request):
    path = urllib.parse.urlsplit(request.path).path
    return [urllib.parse.unquote(part) for part in path[1:].split("/")]


async def talk(connection):
    what, *rest = wish(connection.request)
    try:
        if what == "close":
            return await connection.close(int(rest[0]), "".join(rest[1:]))
        if what == "ping":
            await (await connection.ping(rest[0].encode()))
            await connection.send(f"pong {rest[0]}")
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed as closed:  # a client may do anything
        print(closed, file=sys.stderr)


def first(_connection, offered):
    return offered[0] if offered else None


def answer(_connection, request, response):
    what, *rest = wish(request)
    if what == "protocol":  # whatever was offered, and chosen from that
        response.headers.pop("Sec-WebSocket-Protocol", None)
        response.headers["Sec-WebSocket-Protocol"] = rest[0]


async def main(port, deflate, certificate=None, key=None):
    secure = None
    if certificate:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(certificate, key)
    options = {**DEFLATE[deflate], "max_size": None, "select_subprotocol": first, "process_response": answer}
    async with serve(talk, "127.0.0.1", int(port), ssl=secure, **options) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"listening on {'wss' if secure else 'ws'}://127.0.0.1:{port}", flush=True)
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
