"""Servers that others wrote: what each needs, how it is installed, and how it is started.

Each has `prepare`, which installs what is missing and returns what is used with versions, and `start`, which returns
the process and the address. What they echo is not the same for all; README.md says what.
"""

import pathlib
import re

import clients
import ports
from problem import Problem
from processes import Child

HERE = pathlib.Path(__file__).resolve().parent

READY_SECONDS = 10

# On with what the server does by itself, off, or 9 bits and no memory for both sides.
DEFLATE = ("on", "none", "small")


class Ws:
    """npm's `ws` in Node."""

    name = "ws"
    deflate = DEFLATE

    def prepare(self):
        self.client = clients.Ws()
        return self.client.prepare()

    def start(self, stack, log, certificates, deflate):
        script = [self.client.node, str(HERE / "ws_server.mjs"), str(self.client.directory)]
        return start_telling(stack, self.name, [*script, deflate], log, certificates)


class Websockets:
    """PyPI's `websockets` in a Python of its own."""

    name = "websockets"
    deflate = DEFLATE

    def prepare(self):
        self.client = clients.Websockets()
        return self.client.prepare()

    def start(self, stack, log, certificates, deflate):
        script = [self.client.python, "-B", str(HERE / "websockets_server.py")]
        return start_telling(stack, self.name, [*script, deflate], log, certificates)


class Libwebsockets:
    """The test server of libwebsockets, from Debian. Whether it compresses depends on the subprotocol."""

    name = "libwebsockets"
    deflate = ("on",)

    def prepare(self):
        self.binary = clients.program(["libwebsockets-test-server"], "libwebsockets-test-server")
        return f"libwebsockets {version_of('libwebsockets-test-server')}"

    def start(self, stack, log, certificates, _deflate):
        argv = [self.binary, "--interface=lo"]
        if certificates:
            argv += ["--ssl", f"--ssl-cert={certificates.certificate}", f"--ssl-key={certificates.key}"]
        return start_silent(stack, self.name, argv, log, certificates)


class Websocketd:
    """websocketd, from Debian, with `cat` behind it: Go's gorilla/websocket, which does not compress there."""

    name = "websocketd"
    deflate = ("none",)

    def prepare(self):
        self.binary = clients.program(["websocketd"], "websocketd")
        return f"websocketd {version_of('websocketd')}"

    def start(self, stack, log, certificates, _deflate):
        argv = [self.binary, "--address=127.0.0.1"]
        if certificates:
            argv += ["--ssl", f"--sslcert={certificates.certificate}", f"--sslkey={certificates.key}"]
        return start_silent(stack, self.name, argv, log, certificates, ["cat"])


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


def start_silent(stack, name, argv, log, certificates, rest=()):
    """Start a server that is told its port; returns the process and the address."""
    port = ports.free()
    stderr = stack.enter_context(log.open("w"))
    server = stack.enter_context(Child(name, [*argv, f"--port={port}", *rest], stderr=stderr))
    ports.await_listener(server, port, log)
    return server, f"{'wss' if certificates else 'ws'}://127.0.0.1:{port}"
