"""Echo servers that others wrote, each as its own example has it: what it needs, and how it is started.

Not here: what is done to them (run), and what comes of it (table.py).
"""

import json
import os
import pathlib
import tempfile

import clients
import others
from certificates import Certificates
from problem import Problem
from processes import Child

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSUS = ROOT / "benches" / "versus"
BUILD_SECONDS = 1200


class Bun:
    """uWebSockets, which is the server inside npm's Bun."""

    name = "uwebsockets"
    flags = ()

    def prepare(self):
        directory = clients.INSTALLED / "bun"
        manifest = directory / "node_modules" / "bun" / "package.json"
        if not manifest.exists():
            npm = clients.program(["npm"], "npm")
            clients.installing("npm's bun")
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "package.json").write_text('{ "private": true }\n')
            install = [npm, "install", "--prefix", str(directory), "--no-audit", "--no-fund", "bun@latest"]
            clients.fetch(install, "install bun from npm")
        self.binary = directory / "node_modules" / ".bin" / "bun"
        return f"bun {json.loads(manifest.read_text())['version']}"

    def start(self, stack, log):
        return others.start_telling(stack, self.name, [str(self.binary), str(HERE / "bun_server.mjs"), "0"], log, None)


class OfOthers:
    """A server that the interop run has too, with permessage-deflate as the library has it by itself."""

    flags = ()

    def __init__(self, server, name):
        self.server, self.name = server, name

    def prepare(self):
        return self.server.prepare()

    def start(self, stack, log):
        return self.server.start(stack, log, None, "on")


class Rust:
    """A contestant of the comparison, which is that library's own echo example."""

    flags = ()

    def __init__(self, name, package):
        self.name, self.package = name, package

    def prepare(self):
        target = ROOT / "target" / "peers"
        argv = ["cargo", "build", "--release", "--locked", "--quiet", "--features", "contestants"]
        argv += ["--manifest-path", str(VERSUS / "Cargo.toml"), "--target-dir", str(target), "--bin", self.name]
        # They are judged and not timed.
        env = {**os.environ, "CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}
        print(f"building {self.name}", flush=True)
        clients.call(argv, f"build {self.name}", BUILD_SECONDS, env=env)
        self.binary = target / "release" / self.name
        return f"{self.package} {version_in(VERSUS / 'Cargo.lock', self.package)}"

    def start(self, stack, log):
        return others.start_telling(stack, self.name, [str(self.binary)], log, None)


ALL = [
    Bun(),
    OfOthers(others.Ws(), "ws"),
    OfOthers(others.Websockets(), "websockets"),
    Rust("tungstenite", "tungstenite"),
    Rust("fastwebsockets", "fastwebsockets"),
    Rust("tokio-websockets", "tokio-websockets"),
]


class Sockeye:
    """The program of this repository."""

    name = "sockeye"
    flags = ()

    def __init__(self, binary):
        self.binary = binary

    def prepare(self):
        said = clients.call([self.binary, "--version"], "ask for sockeye's version", clients.VERSION_SECONDS)
        return said.strip()

    def start(self, stack, log):
        argv = [self.binary, "echo", "--listen", "127.0.0.1:0"]
        return others.start_telling(stack, self.name, argv, log, None)


class SockeyeOverTls(Sockeye):
    """The same, behind TLS."""

    name = "sockeye-tls"

    def prepare(self):
        clients.program(["openssl"], "openssl")
        return super().prepare()

    def start(self, stack, log):
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sockeye-peers-")))
        made = Certificates(directory)
        self.flags = ("--ca", str(made.authority))
        argv = [self.binary, "echo", "--listen", "127.0.0.1:0", "--tls-cert", str(made.certificate)]
        return others.start_telling(stack, self.name, [*argv, "--tls-key", str(made.key)], log, None)


def log_of(peer):
    """Where what it says on stderr goes."""
    logs = ROOT / "target" / "peers" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    word = "".join(letter if letter.isalnum() else "-" for letter in peer.name)
    return logs / f"{word}.log"


def version_in(lock, package):
    """The version of a package in a Cargo.lock."""
    lines = lock.read_text().splitlines()
    for line, after in zip(lines, lines[1:]):
        if line == f'name = "{package}"':
            return after.split('"')[1]
    raise Problem(f"{lock} has no {package}.")
