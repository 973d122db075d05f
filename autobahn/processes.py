"""Child processes that do not outlive the runner."""

import ctypes
import os
import signal
import subprocess
import sys
import threading

from problem import Problem

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def exit_on_signals():
    """Turn signals that would end us at once into an exception, so that `with` blocks clean up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:  # nohup
            continue
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))


def die_with_parent():
    # No handler of ours runs on SIGKILL; on Linux the kernel can still take the children along.
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process in a group of its own, so that killing it also kills whatever it started.

    Use as a context manager: leaving the block kills what is left.
    """

    def __init__(self, name, argv, stderr=None, cwd=None, env=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.expired = False
        try:
            self.process = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=cwd,
                env=env,
                text=True,
                errors="replace",
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            raise Problem(f"cannot start {name}: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.kill()
        self.process.stdout.close()

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # nobody is left in the group
            pass
        self.process.wait()

    def lines(self, seconds):
        """Yield what it prints, line by line, and kill it if that takes longer than `seconds` in all."""
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        try:
            for line in self.process.stdout:
                yield line.rstrip("\n")
        finally:
            timer.cancel()

    def _expire(self):
        self.expired = True
        os.killpg(self.process.pid, signal.SIGKILL)

    def stop(self, seconds=10):
        """Send SIGTERM and return the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Problem(f"{self.name} did not end within {seconds} s of SIGTERM.") from None

    def rest_of_stdout(self):
        """What it printed and nobody read; call it only once the process has ended."""
        self.kill()  # a leftover child of its own would keep the pipe open
        return self.process.stdout.read()
