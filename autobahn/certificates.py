"""A certificate for this machine's loopback and the authority that signed it, made anew by openssl.

Not here: who trusts it.
"""

import base64
import hashlib
import subprocess

from problem import Problem

DAYS = "2"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

# The leaf is none that may sign, and the names are what is asked for: rustls, for one, looks at both.
LEAF_EXTENSIONS = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


class Certificates:
    """Paths of PEM files in `directory`: `authority`, `certificate`, `key`, and `both`, the last two in one."""

    def __init__(self, directory):
        self.authority = directory / "authority.crt"
        self.certificate = directory / "localhost.crt"
        self.key = directory / "localhost.key"
        self.both = directory / "localhost.pem"
        self._make(directory)

    def _make(self, directory):
        authority_key = directory / "authority.key"
        request, extensions = directory / "localhost.csr", directory / "localhost.ext"
        subject = ["-subj", "/CN=Sockeye's tests"]
        openssl("req", "-x509", *KEY, *subject, "-days", DAYS, "-keyout", authority_key, "-out", self.authority)
        openssl("req", "-new", *KEY, "-subj", "/CN=localhost", "-keyout", self.key, "-out", request)
        extensions.write_text(LEAF_EXTENSIONS)
        signer = ["-CA", self.authority, "-CAkey", authority_key, "-CAcreateserial", "-extfile", extensions]
        openssl("x509", "-req", "-in", request, *signer, "-days", DAYS, "-out", self.certificate)
        self.both.write_text(self.certificate.read_text() + self.key.read_text())
        for file in (self.key, self.both):
            file.chmod(0o644)  # it protects nothing, and who reads it may be another user
        authority_key.unlink()

    def fingerprint(self):
        """The hash of the public key, as Chromium wants to be told it."""
        pem = openssl("x509", "-in", self.certificate, "-noout", "-pubkey")
        public = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))
        return base64.b64encode(hashlib.sha256(public).digest()).decode()


def openssl(*arguments):
    """Run openssl and return what it printed."""
    argv = ["openssl", *map(str, arguments)]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise Problem(f"cannot make a certificate: {error}") from error
    if done.returncode != 0:
        raise Problem(f"cannot make a certificate: {' '.join(argv)} exited with {done.returncode}.\n{done.stderr}")
    return done.stdout
