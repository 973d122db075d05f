"""The servers that are talked to: started, named, watched by their number, stopped.

Not here: the measuring, which is watch.py.
"""

import collections
import os
import signal

import processes
import server
import targets
from problem import Problem

# What each is started with. Half of them speak TLS; of those that do, and of those that do not, one compresses with a
# memory of earlier messages, and one has two loops. Small send buffers show soon who does not read.
KINDS = [
    ("echo", ["echo", "--send-buffer", "128KiB"], False),
    ("echo-tls", ["echo", "--send-buffer", "128KiB", "--context-takeover", "--workers", "2"], True),
    ("broadcast", ["broadcast", "--send-buffer", "128KiB", "--context-takeover"], False),
    ("broadcast-tls", ["broadcast", "--send-buffer", "128KiB"], True),
    ("serve", ["serve", "--send-buffer", "128KiB", "--log", "error", "--workers", "2"], False),
    ("serve-tls", ["serve", "--send-buffer", "128KiB", "--log", "error"], True),
]

# glibc's allocator is asked to give back what is free: left to itself it keeps what large blocks leave between them, and
# the servers' memory says more of it than of them. Other C libraries do not know the variable.
ALLOCATOR = "glibc.malloc.mmap_threshold=65536:glibc.malloc.trim_threshold=65536:glibc.malloc.top_pad=0"

Running = collections.namedtuple("Running", "name child log target")


def start(stack, binary, certificates, directory):
    """All of them, until the stack is left."""
    running = []
    environment = {**os.environ, "GLIBC_TUNABLES": ALLOCATOR}
    for name, arguments, tls in KINDS:
        argv = [binary, *arguments, "--listen", f"{targets.HOST}:0"]
        if tls:
            argv += ["--tls-cert", str(certificates.certificate), "--tls-key", str(certificates.key)]
        log = directory / f"{name}.stderr"
        stderr = stack.enter_context(log.open("w"))
        child = stack.enter_context(processes.Child(f"sockeye {name}", argv, stderr=stderr, env=environment))
        url = server.await_url(child, log, tls)
        context = targets.trusting(certificates.authority) if tls else None
        target = targets.Target(name, targets.HOST, int(url.rpartition(":")[2]), "/", context)
        running.append(Running(name, child, log, target))
    return running


def stop(running):
    """Ask all to end; returns what was wrong with their ends."""
    problems = []
    for one in running:
        ended = one.child.process.poll()
        if ended is not None:
            problems.append(f"{one.child.name} ended during the run, with {ended}; see {one.log}")
            continue
        one.child.process.send_signal(signal.SIGTERM)
        try:
            status = one.child.stop()
        except Problem as problem:
            problems.append(str(problem))
            continue
        if status != 0:
            problems.append(f"{one.child.name} exited with {status} on SIGTERM; see {one.log}")
    return problems
