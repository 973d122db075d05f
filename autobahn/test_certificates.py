"""The certificate is one that a client takes which is told of the authority, and no other does."""

import pathlib
import shutil
import ssl
import tempfile
import unittest

from certificates import Certificates


def shake_hands(made, name, authority=None):
    """A whole TLS handshake in memory; raises what the client says against the certificate."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.both)
    asking = ssl.create_default_context(cafile=authority)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(up, down, server_side=True)
    client = asking.wrap_bio(down, up, server_hostname=name)
    pending = [client, server]
    while pending:
        side = pending.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pending.append(side)


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl")
class Trust(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.made = Certificates(self.directory)

    def test_it_is_good_for_this_machine(self):
        for name in ("localhost", "127.0.0.1"):
            shake_hands(self.made, name, self.made.authority)

    def test_it_is_good_for_nobody_else(self):
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "match"):
            shake_hands(self.made, "example.com", self.made.authority)

    def test_nobody_else_takes_it(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            shake_hands(self.made, "localhost")

    def test_nobody_can_sign_another(self):
        self.assertEqual([path for path in self.directory.iterdir() if "authority.key" in path.name], [])
