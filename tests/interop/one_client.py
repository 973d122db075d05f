"""One client's run: its servers and the client, from start to end, and what came of each case."""

import threading

from clients import INSTALLED
from deflate import FLAGS, conversations
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

RUN_SECONDS = 150


class Run:
    """The methods `plan`, `result`, `conversation`, `trouble`, `stop`, `gone` and `done` are called by the client."""

    def __init__(self, client, binary):
        self.client = client
        self.binary = binary
        self.outcomes = {}
        self.conversations = conversations(client)
        self.troubles = []
        self.is_done = threading.Event()

    def start(self, stack, runner):
        """Start all; leaving the stack ends all."""
        self.servers = {flag: Echo(stack, self.binary, flag, self.log(f"sockeye{flag}")) for flag in FLAGS}
        self.client_log = self.log(self.client.name)
        log = stack.enter_context(self.client_log.open("w"))
        self.child = self.client.start(stack, runner, log)

    def log(self, whose):
        directory = INSTALLED / "logs"
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{self.client.name}-{whose}.stderr"

    @property
    def server(self):
        """The one of the cases, and of the end."""
        return self.servers[""]

    # --- what the client asks for and reports, on the threads of the HTTP server ---

    def plan(self):
        tasks = [conversation.plan(self.servers[conversation.flag].url) for conversation in self.conversations]
        return {"url": self.server.url, "conversations": tasks}

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
        for problem in filter(None, [server.how_it_ended() for server in others]):
            self.trouble(problem)

    def failures(self):
        """What went wrong, one sentence each."""
        yield from (f"{self.client.name}: {trouble}" for trouble in self.troubles)
        for case in CASES:
            if "failed" in self.outcomes.get(case, {}):
                yield f"{self.client.name}: {case}: {self.outcomes[case]['failed']}"
        missing = [case for case in CASES if case not in self.outcomes]
        if missing:
            yield f"{self.client.name}: expected results of all cases, saw none of: {'; '.join(missing)}"
        for case in self.outcomes.keys() - set(CASES):
            yield f"{self.client.name}: {case}: expected a case of the list in one_client.py, saw another"
        for told in self.conversations:
            if told.heard and told.problem:
                yield f"{self.client.name}: {self.servers[told.flag].name}, offered {told.offer_text}: {told.problem}"
        heard = sum(told.heard for told in self.conversations)
        if heard < len(self.conversations):
            yield f"{self.client.name}: expected {len(self.conversations)} offers to be tried, saw {heard}"

    def verdict(self, case):
        """A word for the table."""
        outcome = self.outcomes.get(case, {})
        if "cannot" in outcome:
            return "cannot"
        return "ok" if outcome.get("ok") else "FAILED"
