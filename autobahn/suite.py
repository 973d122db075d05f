"""The Autobahn|Testsuite: on Python 2.7 in a virtual environment, or in its Docker image."""

import glob
import json
import os
import pathlib
import shutil
import subprocess

from problem import Problem

HERE = pathlib.Path(__file__).resolve().parent
VENV = HERE / "venv"
REQUIREMENTS = HERE / "requirements.txt"
LIST_CASES = HERE / "list_cases.py"

# The last virtualenv that runs on Python 2.7 and has no dependencies; it brings its own pip and setuptools.
VIRTUALENV = "virtualenv==16.7.12"
IMAGE = "crossbario/autobahn-testsuite:25.10.1"

# What the suite needs of an interpreter. A pyenv shim, for one, may exist and not run.
PROBE = "import pip, ssl, sys, zlib; sys.exit(sys.version_info[:2] != (2, 7))"


def find():
    """The suite this machine can run, or None."""
    python27 = find_python27()
    if python27:
        return NativeSuite(python27)
    if succeeds(["docker", "info"]):
        return DockerSuite()
    return None


def find_python27():
    asked_for = os.environ.get("PYTHON27")
    if asked_for:
        if not is_python27(asked_for):
            raise Problem(f"PYTHON27={asked_for} is not a Python 2.7 with pip, ssl and zlib.")
        return asked_for
    return next(filter(is_python27, python27_candidates()), None)


def python27_candidates():
    on_path = shutil.which("python2.7")
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    installed = glob.glob(f"{pyenv}/versions/2.7*/bin/python2.7")
    return ([on_path] if on_path else []) + sorted(installed, reverse=True)


def is_python27(path):
    return succeeds([path, "-c", PROBE])


def succeeds(argv):
    try:
        return subprocess.run(argv, capture_output=True, env=clean_environment(), timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def clean_environment(**added):
    """Our environment without what would lead another Python to the modules of this one."""
    ours = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, **added}


def call(argv, purpose, stdin=None, cwd=None, env=None):
    """Run a command to its end and return what it printed."""
    try:
        done = subprocess.run(
            argv,
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=cwd,
            env=env or clean_environment(),
        )
    except OSError as error:
        raise Problem(f"cannot {purpose}: {error}") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        raise Problem(f"cannot {purpose}: {argv[0]} exited with {done.returncode}.\n{output}")
    return done.stdout


class Suite:
    """What both ways to run the suite share."""

    def select(self, patterns):
        """Map the ids of the cases that match the patterns to their descriptions, in the suite's order."""
        with LIST_CASES.open() as script:
            answer = json.loads(call(self.python(patterns), "list the suite's cases", stdin=script, cwd=HERE))
        if answer["unmatched"]:
            raise Problem(f"the suite has no case that matches {' '.join(answer['unmatched'])}.")
        if not answer["cases"]:
            raise Problem(f"the suite has no case in {' '.join(patterns)}.")
        return dict(answer["cases"])


class NativeSuite(Suite):
    def __init__(self, python27):
        self.python27 = python27

    def prepare(self):
        """Install the suite, unless that was done before from the same requirements."""
        wanted = f"{self.python27}\n{VIRTUALENV}\n{REQUIREMENTS.read_text()}"
        stamp = VENV / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        print("installing autobahntestsuite into autobahn/venv (once; takes about half a minute)", flush=True)
        self._install()
        stamp.write_text(wanted)

    def _install(self):
        shutil.rmtree(VENV, ignore_errors=True)
        bootstrap = VENV / "bootstrap"
        quiet = clean_environment(PIP_DISABLE_PIP_VERSION_CHECK="1")
        with_bootstrap = clean_environment(PYTHONPATH=str(bootstrap))
        install = ["-m", "pip", "install", "--no-deps"]
        python = str(VENV / "bin" / "python")
        call(
            [self.python27, *install, "--target", str(bootstrap), VIRTUALENV],
            "install virtualenv for Python 2.7",
            env=quiet,
        )
        call(
            [self.python27, "-m", "virtualenv", "--no-download", str(VENV)],
            "create autobahn/venv",
            env=with_bootstrap,
        )
        # wsaccel ships its C source; build isolation would make pip fetch a Cython that is not locked.
        call(
            [python, *install, "--no-build-isolation", "--requirement", str(REQUIREMENTS)],
            "install autobahntestsuite",
            env=quiet,
        )
        call([python, "-m", "pip", "check"], "find all that autobahntestsuite requires", env=quiet)

    def python(self, arguments):
        """A command that runs the Python program on its standard input."""
        return [str(VENV / "bin" / "python"), "-", *arguments]

    def outdir(self, directory):
        """What the suite calls this directory."""
        return str(directory)

    def wstest(self, mode, directory):
        """A command that runs the suite as told by spec.json in `directory`."""
        return [
            str(VENV / "bin" / "python"),
            "-u",  # progress is read from its output
            str(VENV / "bin" / "wstest"),
            f"--mode={mode}",
            f"--spec={directory / 'spec.json'}",
        ]

    def clean_up(self, _directory):
        """Nothing: the process is all there is."""


class DockerSuite(Suite):
    """The same in the public image; Linux only, as the container uses the network of the host."""

    def prepare(self):
        """Nothing: docker fetches the image when it is first used."""

    def python(self, arguments):
        return ["docker", "run", "--rm", "--interactive", IMAGE, "python", "-", *arguments]

    def outdir(self, _directory):
        return "/reports"

    def wstest(self, mode, directory):
        return [
            "docker",
            "run",
            "--rm",
            "--init",
            f"--name={self.container(directory)}",
            "--network=host",
            f"--user={os.getuid()}:{os.getgid()}",  # the reports are to be ours
            "--env=PYTHONUNBUFFERED=1",
            f"--volume={directory}:/reports",
            IMAGE,
            "wstest",
            f"--mode={mode}",
            "--spec=/reports/spec.json",
        ]

    def container(self, directory):
        # Several run at a time, each on a directory of its own.
        return f"sockeye-autobahn-{os.getpid()}-{directory.name}"

    def clean_up(self, directory):
        # Killing the docker client leaves its container running.
        argv = ["docker", "rm", "--force", self.container(directory)]
        subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL)
