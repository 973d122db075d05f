"""The three clients: what each needs, how it is installed, and how it is started.

Nothing is pinned: what is missing is installed in its newest version, and which one that is stands in the report.
"""

import json
import os
import pathlib
import shutil
import subprocess
import urllib.parse

from deflate import CLIENT_BITS
from problem import Problem
from processes import Child

HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = HERE.parent.parent / "target" / "interop"

INSTALL_SECONDS = 600
VERSION_SECONDS = 30

# The first one that has `fetch`.
OLDEST_NODE = 18

# No window, no profile but a new one, and no conversation with anybody but this machine. The sandbox of Chromium does
# not work for root, nor in most containers; the one page it opens is ours.
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def call(argv, purpose, seconds=INSTALL_SECONDS, env=None):
    """Run a command to its end and return what it printed."""
    with Child(argv[0], argv, stderr=subprocess.STDOUT, env=env) as child:
        output = "\n".join(child.lines(seconds))
        status = child.process.wait()
    if child.expired:
        raise Problem(f"cannot {purpose}: {argv[0]} was still running after {seconds} s.\n{output}")
    if status != 0:
        raise Problem(f"cannot {purpose}: {' '.join(map(str, argv))} exited with {status}.\n{output}")
    return output


def fetch(argv, purpose, env=None):
    """Run a command that asks a registry, up to three times: now and then one breaks off."""
    for _ in range(2):
        try:
            return call(argv, purpose, env=env)
        except Problem as problem:
            print(f"{problem}\nonce more", flush=True)
    return call(argv, purpose, env=env)


def installing(what):
    print(f"installing {what}", flush=True)


def program(names, package):
    """The path of the first of these programs that is there, installing Debian's package if none is."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found:
        return found
    apt_install(package, f"there is no {' or '.join(names)} on the path")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise Problem(f"Debian's package {package} is installed, but has none of {', '.join(names)}.")
    return found


def apt_install(package, why):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Problem(f"{why}; install the package {package} (as root on Debian, this runs apt-get by itself).")
    installing(f"Debian's {package}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-o", f"DPkg::Lock::Timeout={INSTALL_SECONDS}", "-y"]
    fetch([*apt, "update"], "read Debian's list of packages", env=quiet)
    fetch([*apt, "install", "--no-install-recommends", package], f"install Debian's {package}", env=quiet)


class Ws:
    """npm's `ws` in Node."""

    name = "ws"

    def can_offer(self, offer):
        return len(offer.alternatives) <= 1

    def prepare(self):
        """Install what is missing; returns what is used, with versions."""
        self.node = program(["node", "nodejs"], "nodejs")
        node = call([self.node, "--version"], "ask Node for its version", VERSION_SECONDS).strip().removeprefix("v")
        if int(node.split(".")[0]) < OLDEST_NODE:
            raise Problem(f"{self.node} is {node}; put Node {OLDEST_NODE} or newer first on the path.")
        self.directory = INSTALLED / "ws"
        manifest = self.directory / "node_modules" / "ws" / "package.json"
        if not manifest.exists():
            npm = program(["npm"], "npm")
            installing("npm's ws")
            # npm takes a directory above for the one it is told, unless that has a manifest of its own.
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / "package.json").write_text('{ "private": true }\n')
            fetch(
                [npm, "install", "--prefix", str(self.directory), "--no-audit", "--no-fund", "ws@latest"],
                "install ws from npm",
            )
        return f"node {node}, ws {json.loads(manifest.read_text())['version']}"

    def start(self, stack, runner, log, trusted):
        argv = [self.node, str(HERE / "ws.mjs"), str(self.directory), runner]
        env = {**os.environ, "NODE_EXTRA_CA_CERTS": str(trusted.authority)}
        return stack.enter_context(Child("the client in Node", argv, stderr=log, env=env))


class Websockets:
    """PyPI's `websockets` in a Python of its own."""

    name = "websockets"

    def can_offer(self, offer):
        # It refuses to be limited to 8 bits, with which zlib cannot compress.
        return all(one.get(CLIENT_BITS) != 8 for one in offer.alternatives)

    def prepare(self):
        """Install what is missing; returns what is used, with versions."""
        directory = INSTALLED / "websockets"
        self.python = str(directory / "bin" / "python")
        stamp = directory / "installed"
        if not stamp.exists():
            installing("PyPI's websockets")
            self._create(directory)
            pip = [self.python, "-m", "pip", "--disable-pip-version-check", "install", "--upgrade", "websockets"]
            fetch(pip, "install websockets from PyPI")
            stamp.touch()
        script = "import platform, websockets; print(platform.python_version(), websockets.__version__)"
        python, websockets = call([self.python, "-c", script], "ask for versions", VERSION_SECONDS).split()
        return f"python {python}, websockets {websockets}"

    def _create(self, directory):
        venv = [program(["python3"], "python3"), "-m", "venv", "--clear", str(directory)]
        try:
            call(venv, "make a virtual environment")
        except Problem as problem:
            # Debian has a part of venv in a package of its own.
            apt_install("python3-venv", str(problem))
            call(venv, "make a virtual environment")

    def start(self, stack, runner, log, trusted):
        argv = [self.python, "-B", str(HERE / "websockets_client.py"), runner]
        env = {**os.environ, "SSL_CERT_FILE": str(trusted.authority)}
        return stack.enter_context(Child("the client in Python", argv, stderr=log, env=env))


class Chromium:
    """A page in Chromium without a window."""

    name = "chromium"

    def can_offer(self, offer):
        return offer.by_itself

    def prepare(self):
        """Install what is missing; returns what is used, with versions."""
        asked_for = os.environ.get("CHROMIUM")
        if asked_for and not shutil.which(asked_for):
            raise Problem(f"CHROMIUM={asked_for} is not a program.")
        self.browser = asked_for or program(["chromium", "chromium-browser", "google-chrome"], "chromium")
        said = call([self.browser, "--version"], "ask Chromium for its version", VERSION_SECONDS)
        line = next((line for line in said.splitlines() if line.startswith(("Chrom", "Google"))), said)
        return line.split(" built on")[0].strip().lower()

    def start(self, stack, runner, log, trusted):
        # Whatever it keeps, it keeps there, and the next run begins with nothing. Several run at a time.
        home = INSTALLED / f"chromium-home-{runner.rpartition('/')[2]}"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        page = f"{urllib.parse.urljoin(runner, '/page.html')}?{urllib.parse.urlencode({'runner': runner})}"
        # It has a store of authorities of its own, which only its user can add to; one key it can be told.
        trust = f"--ignore-certificate-errors-spki-list={trusted.fingerprint()}"
        argv = [self.browser, *CHROMIUM_FLAGS, trust, f"--user-data-dir={home / 'profile'}", page]
        return stack.enter_context(Child("Chromium", argv, stderr=log, env={**kept, "HOME": str(home)}))


ALL = {client.name: client for client in (Ws, Websockets, Chromium)}
