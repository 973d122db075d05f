"""nginx and HAProxy in front of a server, as docs/proxies.md tells to configure them.

What is run is taken out of that page; only what differs here is replaced, and it is an error when it is not there.

Not here: what is asked through them (the cases, heads.py).
"""

import os
import pathlib
import re
import shutil

import ports
from clients import VERSION_SECONDS, call, program
from problem import Problem
from processes import Child

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "proxies.md"

# Longer than the server's silence before a ping, shorter than that of the case which waits for pings: so it shows that
# pings keep a connection open. Longer by as much as a busy machine may need. The page has the first, the runs have the
# second.
TIMEOUTS = ("60s", "40s")

# What the configurations of the page stand in.
NGINX = """\
error_log stderr warn;
pid {directory}/pid;
events {{}}
http {{
access_log off;
client_body_temp_path {directory}/body;
proxy_temp_path {directory}/proxy;
fastcgi_temp_path {directory}/fastcgi;
uwsgi_temp_path {directory}/uwsgi;
scgi_temp_path {directory}/scgi;
{snippet}
}}
"""
HAPROXY = """\
global
    maxconn 256
    log stderr format raw daemon warning

{snippet}
"""


class Nginx:
    name = "nginx"
    gone = 502

    def prepare(self):
        """Install what is missing; returns what is used, with its version."""
        self.binary = program(["nginx", "/usr/sbin/nginx"], "nginx")
        said = call([self.binary, "-v"], "ask nginx for its version", VERSION_SECONDS)
        return f"nginx {said.rpartition('/')[2].strip()}"

    def configuration(self, directory, certificates, upstream, plain, tls):
        replaced = {
            "127.0.0.1:9001": upstream,
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
            "/etc/nginx/chat.example.crt": str(certificates.certificate),
            "/etc/nginx/chat.example.key": str(certificates.key),
        }
        return NGINX.format(directory=directory, snippet=snippet("nginx", replaced))

    def argv(self, file):
        # One process in the foreground, so that there is one to end.
        return [self.binary, "-e", "stderr", "-c", str(file), "-g", "daemon off; master_process off;"]


class HaProxy:
    name = "haproxy"
    gone = 503

    def prepare(self):
        """Install what is missing; returns what is used, with its version."""
        self.binary = program(["haproxy", "/usr/sbin/haproxy"], "haproxy")
        said = call([self.binary, "-v"], "ask HAProxy for its version", VERSION_SECONDS)
        return f"haproxy {said.split()[2]}"

    def configuration(self, directory, certificates, upstream, plain, tls):
        replaced = {
            "127.0.0.1:9001": upstream,
            "bind :80\n": f"bind 127.0.0.1:{plain}\n",
            "bind :443 ": f"bind 127.0.0.1:{tls} ",
            "/etc/haproxy/chat.example.pem": str(certificates.both),
        }
        return HAPROXY.format(snippet=snippet("haproxy", replaced))

    def argv(self, file):
        return [self.binary, "-db", "-f", str(file)]


def snippet(language, replaced):
    """The one block of this language in the page, with what is to be different here."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    if len(blocks) != 1:
        raise Problem(f"expected one block of {language} in {PAGE}, saw {len(blocks)}.")
    text = blocks[0]
    for old, new in {**replaced, TIMEOUTS[0]: TIMEOUTS[1]}.items():
        if old not in text:
            raise Problem(f"expected {old!r} in the block of {language} in {PAGE}, to put {new!r} in its place.")
        text = text.replace(old, new)
    return text


class Proxy:
    """A proxy in front of `upstream`, an address and a port. Leaving the stack ends it."""

    def __init__(self, stack, kind, certificates, directory, upstream, log):
        self.name, self.log = kind.name, log
        self.plain, self.tls = ports.free(), ports.free()
        directory.mkdir()
        file = directory / "configuration"
        file.write_text(kind.configuration(directory, certificates, upstream, self.plain, self.tls))
        stderr = stack.enter_context(log.open("w"))
        argv = [*nobody(directory), *kind.argv(file)]
        self.child = stack.enter_context(Child(kind.name, argv, stderr=stderr, cwd=directory))
        for port in (self.plain, self.tls):
            ports.await_listener(self.child, port, log)

    def url(self, tls):
        return f"wss://localhost:{self.tls}" if tls else f"ws://127.0.0.1:{self.plain}"

    def problem(self):
        """What is wrong with it by now; None if nothing is."""
        ended = self.child.process.poll()
        return None if ended is None else f"{self.name} ended during the run, with {ended}; see {self.log}"


def nobody(directory):
    """What makes a command run without privileges where we have them, with this directory to write to."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or not setpriv:
        return []
    user = 65534
    os.chown(directory, user, user)
    ids = [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
    # Another user would not be ended with us, as Child wants it, unless that is asked for again.
    return [setpriv, *ids, "--pdeathsig=KILL"]
