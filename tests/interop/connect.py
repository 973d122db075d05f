"""`sockeye connect --json --commands` as a process: commands go in, events come out.

Not here: what is to be said (server_cases.py).
"""

import json
import subprocess

from checks import Unexpected, expect, same
from processes import Child

# Each conversation takes much less; who waits for what does not come waits for so long.
SECONDS = 60

# Whatever the environment says of proxies.
COMMAND = ["connect", "--no-proxy"]


class Connect:
    """Leaving the stack ends it."""

    def __init__(self, stack, binary, url, flags, log):
        argv = [binary, *COMMAND, "--json", "--commands", "--wait", "forever", *flags, url]
        stderr = stack.enter_context(log.open("a"))
        self.child = stack.enter_context(Child("sockeye connect", argv, stderr=stderr, stdin=subprocess.PIPE))
        stack.callback(self._close_stdin)
        self._lines = self.child.lines(SECONDS)
        self._seen = "no event"

    def _close_stdin(self):
        try:
            self.child.process.stdin.close()
        except BrokenPipeError:  # it has ended, and what was typed was not read
            pass

    def type(self, *lines):
        """Type these lines."""
        stdin = self.child.process.stdin
        stdin.write("".join(f"{line}\n" for line in lines))
        stdin.flush()

    def next(self, name):
        """The next event, which has to have this name."""
        return self.until(name, ())

    def until(self, name, passing):
        """The next event with this name, after any number of others with a name of `passing`."""
        while True:
            line = self._line(name)
            event = json.loads(line)
            if event["event"] == name:
                return event
            if event["event"] not in passing:
                raise Unexpected(f"expected the event {name}, saw {line[:300]}")

    def _line(self, name):
        line = next(self._lines, None)
        if line is None:
            why = f"nothing for {SECONDS} s" if self.child.expired else "its end"
            raise Unexpected(f"expected the event {name}, saw {why} after {self._seen}")
        self._seen = line[:300]
        return line

    def message(self):
        """The next event, which has to be a message: a string, or bytes."""
        event = self.next("message")
        content = event["data"] if event["kind"] == "text" else bytes.fromhex(event["data"])
        expect(len(content.encode() if isinstance(content, str) else content), event["size"])
        return content

    def hears(self, expected):
        same(expected, self.message())

    def ends(self, status):
        """It ends by itself, without another event and with this exit status."""
        line = next(self._lines, None)
        if line is not None:
            raise Unexpected(f"expected no further event, saw {line[:300]}")
        if self.child.expired:
            raise Unexpected(f"expected its end, saw none within {SECONDS} s")
        expect(f"exit status {status}", f"exit status {self.child.process.wait()}")

    def closes(self, status, **expected):
        """The connection is closed, and the event says this of it; then the program ends with this exit status."""
        close = self.next("close")
        expect(expected, {key: close[key] for key in expected})
        self.ends(status)


def piped(stack, binary, url, flags, log, lines):
    """Pipe lines into it, without --json, until it ends by itself; returns what it printed, and its exit status."""
    argv = [binary, *COMMAND, "--wait", "10", *flags, url]
    stderr = stack.enter_context(log.open("a"))
    child = stack.enter_context(Child("sockeye connect", argv, stderr=stderr, stdin=subprocess.PIPE))
    # Less than a pipe holds, or both could wait for each other.
    with child.process.stdin as stdin:
        stdin.write("".join(f"{line}\n" for line in lines))
    printed = list(child.lines(SECONDS))
    if child.expired:
        raise Unexpected(f"expected its end, saw none within {SECONDS} s")
    return printed, child.process.wait()
