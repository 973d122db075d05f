"""The cases of `sockeye connect`, each a function of a run (one_server.py), in the order of the table.

Not here: compression, byte by byte (server_deflate.py); what a server is able to do (servers/others.py).
"""

import urllib.parse

import server_deflate
from checks import Unexpected, expect, noise, same, words
from connect import piped

MIB = 1 << 20

# Less than a pipe holds.
LINES = [f"line {number} of many" for number in range(400)]

REASON = "that is all, děkuji"


def echo(message):
    def case(run):
        with run.opened() as (connect, _):
            say(run, connect, message)
            run.heard(connect, [message])
            connect.type("/close")
            connect.closes(0, clean=True)

    return case


def say(run, connect, message):
    """Type what has this message sent."""
    if isinstance(message, str) and len(message) < 100:
        connect.type(message)
    elif len(message) < 100:
        connect.type(f"/binary {message.hex()}")
    else:
        connect.type(run.file(message))


def lines_in_a_pipe(run):
    with run.stack() as stack:
        printed, status = piped(stack, run.binary, run.url(), run.flags, run.client_log, LINES)
    between = "" if run.server.in_pieces else "\n"
    same(between.join(LINES), between.join(printed))
    expect("exit status 0", f"exit status {status}")


def in_order(run):
    with run.opened() as (connect, _):
        connect.type(*LINES)
        run.heard(connect, LINES)
        connect.type("/close")
        connect.closes(0, clean=True)


def its_ping(run):
    with run.opened() as (connect, _):
        for payload in ("", "are you there?", "x" * 125):
            connect.type(f"/ping {payload}")
            expect(payload.encode().hex(), connect.next("pong")["data"])
        connect.type("/close")
        connect.closes(0, clean=True)


def the_servers_ping(run):
    with run.opened("/ping/anybody%20there") as (connect, _):
        expect(b"anybody there".hex(), connect.next("ping")["data"])
        connect.hears("pong anybody there")
        connect.type("/close")
        connect.closes(0, clean=True)


def subprotocol(run):
    with run.opened(None, "--subprotocol", "x.first", "--subprotocol", "x.second") as (connect, opened):
        expect(run.server.protocol, opened["subprotocol"])
        connect.type("/close")
        connect.closes(0, clean=True)


def subprotocol_not_offered(run):
    for offer in ((), ("--subprotocol", "x.first")):
        with run.connect("/protocol/x.other", *offer) as connect:
            failed(connect, "subprotocol")


def close_4000(run):
    with run.opened() as (connect, _):
        connect.type(f"/close 4000 {REASON}")
        connect.closes(0, code=4000, reason=REASON if run.server.repeats_reason else "", clean=True, cause=None)


def closed_by_the_server(run):
    for code, reason in ((1000, ""), (1011, "no more"), (4001, "děkuji")):
        with run.opened(f"/close/{code}/{urllib.parse.quote(reason)}") as (connect, _):
            connect.closes(0, code=code, reason=reason, clean=True, cause=None)


def unknown_authority(run):
    with run.connect(None, trusting=False) as connect:
        failed(connect, "certificate is signed by nobody that is trusted")


def killed(run):
    with run.opened() as (connect, _):
        say(run, connect, "hello")
        run.heard(connect, ["hello"])
        run.kill_server()
        event = connect.next("close")
        expect((1006, False), (event["code"], event["clean"]))
        if not event["cause"]:
            raise Unexpected(f"expected a cause, saw {event}")
        connect.ends(1)


def refused(run):
    run.kill_server()
    with run.connect() as connect:
        failed(connect, "cannot connect to 127.0.0.1:")


def comes_back(run):
    run.start_server()
    with run.opened(None, "--reconnect") as (connect, _):
        run.kill_server()
        connect.until("waiting", ("close",))
        run.start_server()
        connect.until("open", ("failed", "waiting"))
        say(run, connect, "hello again")
        run.heard(connect, ["hello again"])
        connect.type("/close 4000 bye")
        connect.closes(0, code=4000, clean=True)


def failed(connect, words_of_it):
    """There was no connection, and the event says why."""
    error = connect.next("failed")["error"]
    if words_of_it not in error:
        raise Unexpected(f"expected an error with {words_of_it!r}, saw {error!r}")
    connect.ends(1)


# The last three in this order: the server is killed, it is gone, and it comes back.
CASES = {
    "lines in a pipe": lines_in_a_pipe,
    "text": echo("hello"),
    "text, not ASCII": echo("žluťoučký kůň, 日本語, 𝄞 and 👩‍🚀"),
    "binary": echo(noise(40)),
    "empty text": echo(""),
    "empty binary": echo(b""),
    "1 MiB text": echo(words(MIB)),
    "1 MiB of ASCII": echo(noise(MIB // 2).hex()),
    "1 MiB binary": echo(noise(MIB)),
    "400 in order": in_order,
    "its ping is answered": its_ping,
    "the server's ping is answered": the_servers_ping,
    "the subprotocol": subprotocol,
    "a subprotocol that was not offered": subprotocol_not_offered,
    "close 4000 with a reason": close_4000,
    "closed by the server": closed_by_the_server,
    "compression": server_deflate.by_itself,
    "compression, --context-takeover": server_deflate.takeover,
    "compression, --no-deflate": server_deflate.off,
    "an authority that is not trusted": unknown_authority,
    "killed": killed,
    "refused when it is gone": refused,
    "it comes back, and so do we": comes_back,
}

# Bytes are counted where they are not encrypted.
ONLY_PLAIN = {"compression", "compression, --context-takeover", "compression, --no-deflate"}
ONLY_TLS = {"an authority that is not trusted"}


def cases(tls):
    """The cases with TLS, or without."""
    left_out = ONLY_PLAIN if tls else ONLY_TLS
    return {name: case for name, case in CASES.items() if name not in left_out}
