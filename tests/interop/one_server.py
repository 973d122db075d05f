"""`sockeye connect` against one server that others wrote, set up in one way, and what came of each case."""

import contextlib
import hashlib
import pathlib
import tempfile
import threading

import ports
from checks import Unexpected, expect, same
from connect import Connect
from one_client import log_of
from problem import Problem
from server_cases import cases

RUN_SECONDS = 600


class Run:
    """It runs on a thread of its own; `start`, then `finish`."""

    def __init__(self, server, deflate, tls, binary):
        self.server, self.deflate, self.tls, self.binary = server, deflate, tls, binary
        self.column = server.name
        others = f", deflate {deflate}" if len(server.deflate) > 1 else ""
        self.name = f"{server.name}{others}{', TLS' if tls else ''}"
        self.key = f"server-{server.name}-{deflate}{'-tls' if tls else ''}"
        self.cases = cases(tls)
        # By the flags of the cases; where others are needed, only in the cases of server_deflate.py.
        self.compresses = deflate != "none" and server.flags == server.flags_of_deflate
        self.trouble = None
        self.outcomes = {}
        self.answers = {}
        self.client_log = log_of(f"{self.key}-sockeye")
        self.client_log.write_text("")
        self.port = 0
        self.starts = 0

    def start(self, stack, trusted):
        """Start all; leaving the stack ends all."""
        self.certificates = trusted if self.tls else None
        self.directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sockeye-interop-")))
        self.processes = stack.enter_context(contextlib.ExitStack())
        # Whoever interrupts us is not to wait for it.
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def finish(self):
        self.thread.join(RUN_SECONDS)

    def _run(self):
        try:
            self.start_server()
        except Problem as problem:
            self.trouble = str(problem)
            return
        for name, case in self.cases.items():
            if name in self.server.cannot:
                self.outcomes[name] = {"cannot": self.server.cannot[name]}
                continue
            try:
                case(self)
                self.outcomes[name] = {"ok": True}
            except Unexpected as unexpected:
                self.outcomes[name] = {"failed": str(unexpected)}
            except (Problem, OSError, ValueError, KeyError) as error:
                self.outcomes[name] = {"failed": f"expected no error, saw {error!r}"}

    # --- what the cases do ---

    def start_server(self):
        """Start the server; where it was before, if it was, and where nobody else is in between."""
        self.starts += 1
        self.port = self.port or ports.free()
        log = log_of(f"{self.key}-{self.starts}")
        self.child, url = self.server.start(self.processes, log, self.certificates, self.deflate, self.port)
        self.address = url

    def kill_server(self):
        # Once: the number of a process that has ended may be another's.
        if self.child.process.poll() is None:
            self.child.kill()

    @property
    def flags(self):
        """What every connection needs."""
        return (*self.server.flags, *(("--ca", str(self.certificates.authority)) if self.tls else ()))

    def url(self, path=None):
        return self.address + (path or self.server.path())

    def stack(self):
        """What ends with a case; or with the run, whichever is first."""
        return self.processes.enter_context(contextlib.ExitStack())

    @contextlib.contextmanager
    def connect(self, path=None, *flags, trusting=True):
        """`sockeye connect`, to the server's own path or to this one."""
        own = self.flags if trusting else self.server.flags
        with self.stack() as stack:
            yield Connect(stack, self.binary, self.url(path), [*own, *flags], self.client_log)

    @contextlib.contextmanager
    def opened(self, path=None, *flags):
        """The same when it is open, and the event that says so."""
        with self.connect(path, *flags) as connect:
            event = connect.next("open")
            expect(self.compresses, event["deflate"])
            yield connect, event

    def file(self, message):
        """The command that sends this message from a file."""
        content = message.encode() if isinstance(message, str) else message
        path = self.directory / hashlib.sha256(content).hexdigest()
        if not path.exists():
            path.write_bytes(content)
        return f"/file {'--text ' if isinstance(message, str) else ''}{path}"

    def heard(self, connect, messages):
        """Wait until these messages have come back."""
        if not self.server.in_pieces:
            for message in messages:
                connect.hears(message)
            return
        expected, seen = "".join(messages), []
        while sum(map(len, seen)) < len(expected):
            seen.append(connect.message())
        same(expected, "".join(seen))

    # --- the end ---

    def failures(self):
        """What went wrong, one sentence each."""
        for case, outcome in self.outcomes.items():
            if "failed" in outcome:
                yield f"{self.name}: {case}: {outcome['failed']}"
        if self.trouble:
            yield f"{self.name}: {self.trouble}"
        missing = [case for case in self.cases if case not in self.outcomes]
        if missing:
            yield f"{self.name}: expected all results within {RUN_SECONDS} s, saw none of: {'; '.join(missing)}"

    def impossible(self):
        """What this server cannot do, and why."""
        return [f"{case}: {came['cannot']}" for case, came in self.outcomes.items() if "cannot" in came]

    def verdict(self, case):
        """A word for the table; None where there is no such case."""
        if case not in self.cases:
            return None
        outcome = self.outcomes.get(case, {})
        if "cannot" in outcome:
            return "cannot"
        return "ok" if outcome.get("ok") else "FAILED"


def runs(servers, binary):
    """Each server with each of its ways to compress, and over TLS with the first of them."""
    for server in servers:
        for deflate in server.deflate:
            yield Run(server, deflate, False, binary)
        yield Run(server, server.deflate[0], True, binary)
