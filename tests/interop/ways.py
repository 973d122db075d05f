"""The ways to a server: directly, and through nginx and HAProxy, plain and with TLS that ends there."""

import proxies
from deflate import FLAGS

DIRECT = "direct"


class Direct:
    """Every server has its own address."""

    key = ""
    text = ""
    is_direct = True
    flags = FLAGS
    # No status: the connection is refused.
    gone = None

    def door(self, *_arguments):
        return None

    def url(self, _door, server):
        return server.url


class Through:
    """A proxy before the server without a flag: the proxy's part in the others would be the same."""

    is_direct = False
    flags = ("",)

    def __init__(self, kind, tls):
        self.kind = kind
        self.tls = tls
        self.key = f"{kind.name}-tls" if tls else kind.name
        self.text = f" through {kind.name}{', TLS' if tls else ''}"
        # The status that says that there is no server.
        self.gone = kind.gone

    def door(self, stack, certificates, directory, server, log):
        upstream = server.url.removeprefix("ws://")
        return proxies.Proxy(stack, self.kind, certificates, directory, upstream, log)

    def url(self, door, _server):
        return door.url(self.tls)


KINDS = {kind.name: kind for kind in (proxies.Nginx, proxies.HaProxy)}
NAMES = (DIRECT, *KINDS)


def prepare(names):
    """Install what these need; returns the ways, and what is used with versions."""
    kinds = [KINDS[name]() for name in KINDS if name in names]
    versions = [kind.prepare() for kind in kinds]
    through = [Through(kind, tls) for kind in kinds for tls in (False, True)]
    return ([Direct()] if DIRECT in names else []) + through, versions
