"""One client's run on one way: its servers, what stands before them, the client, and what came of each case."""

import threading

from clients import INSTALLED
from deflate import conversations
from echo import Echo

# In the order of the table. The last but one is ours to judge, the others are the client's.
CASES = [
    "text",
    "text, not ASCII",
    "binary",
    "empty text",
    "empty binary",
    "1 MiB text",
    "1 MiB in fragments",
    "16 MiB binary",
    "1000 in a burst, in order",
    "two connections do not mix",
    "the first subprotocol",
    "its ping is answered",
    "the server's ping is answered",
    "close 4000 with a reason, clean",
    "SIGTERM says 1001",
    "SIGTERM ends in exit status 0",
    "refused when it is gone",
]

RUN_SECONDS = 600

# How much of a log is shown where something failed.
LOG_LINES = 20


def log_of(whose):
    """Where to write what this process says."""
    directory = INSTALLED / "logs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{whose}.stderr"


class Run:
    """The methods `plan`, `result`, `conversation`, `trouble`, `stop`, `gone` and `done` are called by the client."""

    def __init__(self, client, way, binary):
        self.client = client
        self.way = way
        self.column = client.name
        self.name = client.name + way.text
        # It stands in addresses and in the names of files.
        self.key = "-".join(filter(None, [client.name, way.key]))
        self.binary = binary
        self.outcomes = {}
        self.conversations = conversations(client, way.flags, way.is_direct)
        self.troubles = []
        self.is_done = threading.Event()

    def start(self, stack, runner, trusted, directory):
        """Start all; leaving the stack ends all. `trusted` are certificates, `directory` is for what is passing."""
        self.servers = {flag: Echo(stack, self.binary, flag, self.log(f"sockeye{flag}")) for flag in self.way.flags}
        self.door = self.way.door(stack, trusted, directory / self.key, self.server, self.log(self.way.key))
        self.client_log = self.log(self.client.name)
        log = stack.enter_context(self.client_log.open("w"))
        self.child = self.client.start(stack, runner, log, trusted)

    def log(self, whose):
        return log_of(f"{self.key}-{whose}")

    @property
    def server(self):
        """The one of the cases, and of the end."""
        return self.servers[""]

    # --- what the client asks for and reports, on the threads of the HTTP server ---

    def plan(self):
        urls = {flag: self.way.url(self.door, server) for flag, server in self.servers.items()}
        tasks = [conversation.plan(urls[conversation.flag]) for conversation in self.conversations]
        return {"url": urls[""], "gone": self.way.gone, "conversations": tasks}

    def conversation(self, number, **outcome):
        self.conversations[number].hear(**outcome)

    def result(self, case, **outcome):
        self.outcomes[case] = outcome

    def trouble(self, said):
        self.troubles.append(said)

    def stop(self):
        self.server.tell_to_end()

    def gone(self):
        problem = self.server.how_it_ended()
        self.outcomes["SIGTERM ends in exit status 0"] = {"failed": problem} if problem else {"ok": True}

    def done(self):
        self.is_done.set()
        # A browser stays until it is told.
        self.child.kill()

    # --- the end ---

    def finish(self):
        """Wait for the client's end."""
        for _line in self.child.lines(RUN_SECONDS):
            pass  # nothing is read there
        if self.is_done.is_set():
            return self.end_other_servers()
        if self.child.expired:
            self.trouble(f"{self.child.name} was still running after {RUN_SECONDS} s; see {self.client_log}")
        else:
            status = self.child.process.wait()
            self.trouble(f"{self.child.name} ended with {status} before it was done; see {self.client_log}")

    def end_other_servers(self):
        others = [server for server in self.servers.values() if server is not self.server]
        for server in others:
            server.tell_to_end()
        ends = [server.how_it_ended() for server in others]
        doors = [self.door.problem()] if self.door else []
        for problem in filter(None, [*ends, *doors]):
            self.trouble(problem)

    def failures(self):
        """What went wrong, one sentence each."""
        yield from (f"{self.name}: {trouble}" for trouble in self.troubles)
        for case in CASES:
            if "failed" in self.outcomes.get(case, {}):
                yield f"{self.name}: {case}: {self.outcomes[case]['failed']}"
        missing = [case for case in CASES if case not in self.outcomes]
        if missing:
            yield f"{self.name}: expected results of all cases, saw none of: {'; '.join(missing)}"
        for case in self.outcomes.keys() - set(CASES):
            yield f"{self.name}: {case}: expected a case of the list in one_client.py, saw another"
        for told in self.conversations:
            if told.heard and told.problem:
                yield f"{self.name}: {self.servers[told.flag].name}, offered {told.offer_text}: {told.problem}"
        heard = sum(told.heard for told in self.conversations)
        if heard < len(self.conversations):
            yield f"{self.name}: expected {len(self.conversations)} offers to be tried, saw {heard}"

    def logs(self):
        """The end of what its processes said, by file; without those that said nothing."""
        logs = [self.client_log, *(server.log for server in self.servers.values()), *([self.door.log] if self.door else [])]
        ends = {log: log.read_text(errors="replace").splitlines()[-LOG_LINES:] for log in logs}
        return {log: end for log, end in ends.items() if end}

    def impossible(self):
        """What this client cannot do, and why."""
        return [f"{case}: {came['cannot']}" for case, came in self.outcomes.items() if "cannot" in came]

    def verdict(self, case):
        """A word for the table."""
        outcome = self.outcomes.get(case, {})
        if "cannot" in outcome:
            return "cannot"
        return "ok" if outcome.get("ok") else "FAILED"
