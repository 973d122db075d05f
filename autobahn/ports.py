"""Free ports, for programs that cannot choose one and say which.

Not here: a promise. Between the look and the use somebody may take one; these are out of the kernel's own way.
"""

import itertools
import random
import socket
import time

from problem import Problem

# Below those that the kernel gives to whoever asks for none, and begun anywhere, as others may look at the same time.
PORTS = itertools.chain(range(random.randrange(20000, 30000), 32000), range(20000, 32000))

READY_SECONDS = 60


def free():
    """A port of the loopback on which nobody listens, another one each time."""
    return next(filter(is_free, PORTS))


def is_free(port):
    with socket.socket() as probe:
        # What is left of ended connections is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def await_listener(child, port, log):
    """Wait until `child`, which writes to `log`, listens on the port."""
    end = time.monotonic() + READY_SECONDS
    while not accepts(port):
        status = child.process.poll()
        if status is not None:
            raise Problem(f"{child.name} ended with {status} before it listened; see {log}.")
        if time.monotonic() > end:
            raise Problem(f"{child.name} did not listen within {READY_SECONDS} s; see {log}.")
        time.sleep(0.02)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), READY_SECONDS).close()
    except ConnectionRefusedError:
        return False
    return True
