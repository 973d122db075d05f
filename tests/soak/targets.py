"""Where to connect, and whom to trust there.

Not here: what runs there.
"""

import dataclasses
import ssl

HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Target:
    """Where to connect."""

    name: str
    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None

    @property
    def url(self):
        return f"{'wss' if self.tls else 'ws'}://localhost:{self.port}{self.path}"

    def at(self, path):
        return dataclasses.replace(self, name=f"{self.name} {path}", path=path)


def trusting(authority):
    """TLS with nobody else's certificates."""
    return ssl.create_default_context(cafile=str(authority))
