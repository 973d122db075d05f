"""Servers that others wrote: what each needs, how it is installed, and how it is started.

Each has `prepare`, which installs what is missing and returns what is used with versions, and `start`, which returns
the process and the address; with a port it listens there, as one that comes back does. What they echo is not the same
for all; README.md says what, and the attributes say it to the cases (server_cases.py):

- `flags` are what `sockeye connect` needs to be heard, and `flags_of_deflate` to have it compress;
- `path` returns an address's path, another one each time where one connection would hear the others;
- `in_pieces`: what comes back is one long text, wherever a message ends;
- `repeats_reason`: the answer to a Close has its reason too, not only its code;
- `protocol` is the subprotocol that is chosen when `x.first` and `x.second` are offered, with what `flags` offer;
- `cannot` says which cases are not to be had, and why.
"""

import itertools
import pathlib
import re

import clients
import ports
from problem import Problem
from processes import Child

HERE = pathlib.Path(__file__).resolve().parent

READY_SECONDS = 60

# On with what the server does by itself, off, or 9 bits and no memory for both sides.
DEFLATE = ("on", "none", "small")


class Ws:
    """npm's `ws` in Node."""

    name = "ws"
    deflate = DEFLATE
    flags = flags_of_deflate = ()
    in_pieces = False
    repeats_reason = True
    protocol = "x.first"
    cannot = {}

    def path(self):
        return "/"

    def prepare(self):
        self.client = clients.Ws()
        return self.client.prepare()

    def start(self, stack, log, certificates, deflate, port=0):
        script = [self.client.node, str(HERE / "ws_server.mjs"), str(self.client.directory)]
        return start_telling(stack, self.name, [*script, str(port), deflate], log, certificates)


class Websockets:
    """PyPI's `websockets` in a Python of its own."""

    name = "websockets"
    deflate = DEFLATE
    flags = flags_of_deflate = ()
    in_pieces = False
    repeats_reason = True
    protocol = "x.first"
    cannot = {}

    def path(self):
        return "/"

    def prepare(self):
        self.client = clients.Websockets()
        return self.client.prepare()

    def start(self, stack, log, certificates, deflate, port=0):
        script = [self.client.python, "-B", str(HERE / "websockets_server.py")]
        return start_telling(stack, self.name, [*script, str(port), deflate], log, certificates)


class Libwebsockets:
    """The test server of libwebsockets, from Debian. Whether it compresses depends on the subprotocol."""

    name = "libwebsockets"
    deflate = ("on",)
    flags = ("--subprotocol", "lws-mirror-protocol")
    flags_of_deflate = ("--subprotocol", "lws-status")
    in_pieces = True
    repeats_reason = True
    protocol = "lws-mirror-protocol"
    cannot = {
        **dict.fromkeys(("text, not ASCII", "1 MiB text"), "its pieces end inside of characters"),
        **dict.fromkeys(("binary", "1 MiB binary"), "it makes text of it"),
        **dict.fromkeys(("empty text", "empty binary"), "nothing comes back"),
        **dict.fromkeys(("the server's ping is answered", "closed by the server"), "it has no command for that"),
        "a subprotocol that was not offered": "it never chooses one",
    }
    names = itertools.count(1)

    def path(self):
        return f"/?mirror=sockeye-{next(self.names)}"

    def prepare(self):
        self.binary = clients.program(["libwebsockets-test-server"], "libwebsockets-test-server")
        return f"libwebsockets {version_of('libwebsockets-test-server')}"

    def start(self, stack, log, certificates, _deflate, port=0):
        argv = [self.binary, "--interface=lo"]
        if certificates:
            argv += ["--ssl", f"--ssl-cert={certificates.certificate}", f"--ssl-key={certificates.key}"]
        return start_silent(stack, self.name, argv, log, certificates, port)


class Websocketd:
    """websocketd, from Debian, with `cat` behind it: Go's gorilla/websocket, which does not compress there."""

    name = "websocketd"
    deflate = ("none",)
    flags = flags_of_deflate = ()
    in_pieces = False
    repeats_reason = False
    protocol = None
    cannot = {
        **dict.fromkeys(("binary", "1 MiB binary", "empty binary"), "it makes lines of text of it"),
        **dict.fromkeys(("the server's ping is answered", "closed by the server"), "it has no command for that"),
        "a subprotocol that was not offered": "it chooses none",
    }

    def path(self):
        return "/"

    def prepare(self):
        self.binary = clients.program(["websocketd"], "websocketd")
        return f"websocketd {version_of('websocketd')}"

    def start(self, stack, log, certificates, _deflate, port=0):
        argv = [self.binary, "--address=127.0.0.1"]
        if certificates:
            argv += ["--ssl", f"--sslcert={certificates.certificate}", f"--sslkey={certificates.key}"]
        return start_silent(stack, self.name, argv, log, certificates, port, ["cat"])


ALL = {server.name: server for server in (Ws, Websockets, Libwebsockets, Websocketd)}


def version_of(package):
    """The version of an installed Debian package; not all of them tell it themselves."""
    argv = ["dpkg-query", "--showformat=${Version}", "--show", package]
    return clients.call(argv, f"ask for the version of {package}", clients.VERSION_SECONDS).strip()


def start_telling(stack, name, argv, log, certificates):
    """Start a server of ours, which chooses a port and says so; returns the process and the address."""
    if certificates:
        argv = [*argv, str(certificates.certificate), str(certificates.key)]
    server = stack.enter_context(Child(name, argv, stderr=stack.enter_context(log.open("w"))))
    lines = server.lines(READY_SECONDS)
    line = next(lines, None)
    lines.close()
    match = re.fullmatch(r"listening on (wss?://\S+:\d+)", line or "")
    if not match:
        raise Problem(f"{name} said {line!r} instead of 'listening on ws://ADDR:PORT'; see {log}.")
    return server, match[1]


def start_silent(stack, name, argv, log, certificates, port, rest=()):
    """Start a server that is told its port; returns the process and the address."""
    port = port or ports.free()
    stderr = stack.enter_context(log.open("w"))
    server = stack.enter_context(Child(name, [*argv, f"--port={port}", *rest], stderr=stderr))
    ports.await_listener(server, port, log)
    return server, f"{'wss' if certificates else 'ws'}://127.0.0.1:{port}"
