"""PyPI's `websockets` as the client: websockets_client.py RUNNER-URL

The cases of cases.mjs, and those that a browser cannot have.
"""

import asyncio
import json
import sys
import time
import urllib.request

from checks import Unexpected, expect, noise, same, words
from conversation import converse
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets_connection import close, ended, opened, outcome

MIB = 1 << 20

# The server pings a silent peer after 20 s and drops it 10 s later if no pong has come.
IDLE_SECONDS = 45

CASE_SECONDS = 120
PING_SECONDS = 10

# An odd length, so that fragments end inside of characters.
FRAGMENT = (1 << 14) + 1

RUNNER = sys.argv[1]

# The runner is on this machine, and no proxy is to be asked for it.
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# What to do where.
PLAN = json.load(HTTP.open(f"{RUNNER}/plan"))
URL = PLAN["url"]


def echo(message):
    async def run():
        connection = await opened(URL)
        await connection.send(message)
        same(message, await connection.recv())
        await close(connection)

    return run


async def fragments():
    connection = await opened(URL)
    text = words(MIB)
    encoded = text.encode()
    pieces = [encoded[at : at + FRAGMENT] for at in range(0, len(encoded), FRAGMENT)]
    await connection.send(pieces, text=True)
    same(text, await connection.recv())
    await connection.send(pieces)
    same(encoded, await connection.recv())
    await close(connection)


async def ping():
    connection = await opened(URL)
    for payload in (b"", b"are you there?", b"x" * 125):
        # Done when the pong with this very payload has come.
        pong = await connection.ping(payload)
        try:
            await asyncio.wait_for(pong, PING_SECONDS)
        except asyncio.TimeoutError:
            raise Unexpected(f"expected pong {payload}, saw none") from None
    await close(connection)


async def burst():
    connection = await opened(URL)

    async def send():
        for i in range(1000):
            await connection.send(str(i))

    sending = asyncio.create_task(send())
    for i in range(1000):
        same(str(i), await connection.recv())
    await sending
    await close(connection)


async def two():
    both = [await opened(URL), await opened(URL)]
    for i in range(100):
        for which, connection in enumerate(both):
            await connection.send(f"{which}: {i}")
    for i in range(100):
        for which, connection in enumerate(both):
            same(f"{which}: {i}", await connection.recv())
    for connection in both:
        await close(connection)


async def subprotocol():
    offering = await opened(URL, subprotocols=["v2.chat", "v1.chat"])
    expect("subprotocol v2.chat", f"subprotocol {offering.subprotocol}")
    plain = await opened(URL)
    expect("no subprotocol", plain.subprotocol or "no subprotocol")
    await close(offering)
    await close(plain)


async def close_4000():
    await close(await opened(URL), 4000, "that is all, děkuji")


async def server_ping(idle, since):
    # Silence without a pong would have ended the connection by now.
    try:
        await asyncio.wait_for(idle.wait_closed(), since + IDLE_SECONDS - time.monotonic())
    except asyncio.TimeoutError:
        pass
    else:
        raise Unexpected(f"expected open after {IDLE_SECONDS} s, saw closed: {ended(idle)}")
    await idle.send("still here")
    same("still here", await idle.recv())
    await close(idle)


async def sigterm():
    connection = await opened(URL)
    await tell("stop")
    await connection.wait_closed()
    expect(f"1001 {connection.close_reason or 'with a reason'!r} from both", ended(connection))


async def gone():
    await tell("gone")
    try:
        await connect(URL, proxy=None, process_exception=lambda error: error)
    except ConnectionRefusedError:
        return expect(PLAN["gone"], None)
    except InvalidStatus as refused:
        return expect(PLAN["gone"], refused.response.status_code)
    raise Unexpected("expected refused, saw open")


def post(what, body):
    request = urllib.request.Request(f"{RUNNER}/{what}", data=json.dumps(body).encode(), method="POST")
    with HTTP.open(request) as answer:
        answer.read()


async def tell(what, body=None):
    # On a thread: the connections go on meanwhile.
    await asyncio.to_thread(post, what, body or {})


async def main():
    idle, since = await opened(URL), time.monotonic()
    cases = {
        "text": echo("hello"),
        "text, not ASCII": echo("žluťoučký kůň, 日本語, 𝄞 and 👩‍🚀"),
        "binary": echo(noise(256)),
        "empty text": echo(""),
        "empty binary": echo(b""),
        "1 MiB text": echo(words(MIB)),
        "1 MiB in fragments": fragments,
        "16 MiB binary": echo(noise(16 * MIB)),
        "1000 in a burst, in order": burst,
        "two connections do not mix": two,
        "the first subprotocol": subprotocol,
        "its ping is answered": ping,
        "close 4000 with a reason, clean": close_4000,
        "the server's ping is answered": lambda: server_ping(idle, since),
        "SIGTERM says 1001": sigterm,
        "refused when it is gone": gone,
    }
    for number, task in enumerate(PLAN["conversations"]):
        await tell("conversation", {"number": number, **await converse(task)})
    for name, run in cases.items():
        await tell("result", {"case": name, **await outcome(run(), CASE_SECONDS)})
    await tell("done")


asyncio.run(main())
