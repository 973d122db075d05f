"""`sockeye echo` as a process."""

import re
import subprocess

from problem import Problem
from processes import Child

READY_SECONDS = 60
STOP_SECONDS = 20


def name_with(flag):
    return " ".join(filter(None, ["sockeye echo", flag]))


class Echo:
    """Leaving the stack ends it."""

    def __init__(self, stack, binary, flag, log):
        self.log = log
        self.name = name_with(flag)
        argv = [binary, "echo", "--listen", "127.0.0.1:0", *filter(None, [flag])]
        stderr = stack.enter_context(log.open("w"))
        self.child = stack.enter_context(Child(self.name, argv, stderr=stderr))
        self.url = self._await_url()

    def _await_url(self):
        """Wait for the line that says the server accepts connections."""
        lines = self.child.lines(READY_SECONDS)
        line = next(lines, None)
        lines.close()
        match = re.fullmatch(r"listening on (ws://\S+:\d+)", line or "")
        if not match:
            said = f"said {line!r}" if line else "said nothing"
            raise Problem(
                f"{self.name}: expected the line 'listening on ws://ADDR:PORT' within {READY_SECONDS} s, but it "
                f"{said}; see {self.log}."
            )
        return match[1]

    def tell_to_end(self):
        self.child.process.terminate()

    def how_it_ended(self):
        """What was wrong with its end; None if nothing was."""
        try:
            status = self.child.process.wait(STOP_SECONDS)
            rest = self.child.rest_of_stdout()
        except subprocess.TimeoutExpired:
            status, rest = f"none within {STOP_SECONDS} s", ""
        seen = f"exit status {status}" + (f" and {rest!r} on stdout" if rest else "")
        if seen == "exit status 0":
            return None
        return f"{self.name}: expected exit status 0, saw {seen}; see {self.log}"
