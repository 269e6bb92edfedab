"""What the commands in bin/ share: the virtual environment, made once, and child processes that end with us.

Only the standard library, since nothing else is there yet. Whatever moment a set-up is killed at, the next call
finds the mark `.venv/.unfinished` and makes the environment again (what was downloaded is kept in the installer's
cache). A finished one carries a stamp with the hashes of its lock files, so that later calls need milliseconds.
"""

import ast
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time

if sys.version_info < (3, 11) or os.name != "posix":
    sys.exit(
        "Leitmotif needs Python 3.11 or newer on Linux or macOS (on Windows: inside WSL). This is Python "
        f"{sys.version.split()[0]} on {sys.platform}, {sys.executable}. Install a newer one and use it, for example: "
        f"python3.12 {' '.join(sys.argv)}"
    )

import fcntl
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
RUN_LOCK = "requirements.txt"
DEV_LOCK = "requirements-dev.txt"
LOCKS = (RUN_LOCK, DEV_LOCK)
UV = "uv==0.13.9"  # a faster installer; without it pip does the same
ENTERED = "LEITMOTIF_ENTERED"  # in the environment: the process that has been set up
PATIENCE = 3.0  # seconds after Ctrl-C, then a child is told to end in the way that none ignores by custom
GRACE = 10.0  # seconds that a child has to end before it is killed


# --- Child processes ----------------------------------------------------------------------------------------------


class Watch:
    """Remembers a signal to end, and passes it to the child that runs."""

    received = 0
    received_at = 0.0
    child: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """From now on Ctrl-C, SIGTERM and a closed terminal end our children first and then us."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def leave_if_asked(self) -> None:
        """Exit as a command ended by a signal does: 130 after Ctrl-C, 143 after SIGTERM."""
        if self.received:
            raise SystemExit(128 + self.received)

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """Return the child's exit code. After a signal it has some seconds to end, with all its group."""
        self.child = child
        if self.received:  # it came while the child was being born
            self._pass_on(self.received)
        while True:
            try:
                code = child.wait(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                self._insist()
        if self.received:
            self._pass_on(signal.SIGKILL)  # whoever of the group stayed
        self.child = None
        self.leave_if_asked()
        return code

    def _insist(self) -> None:
        waited = time.monotonic() - self.received_at if self.received else 0.0
        if waited > GRACE:
            self._pass_on(signal.SIGKILL)
        elif waited > PATIENCE:
            self._pass_on(signal.SIGTERM)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if not self.received:
            self.received, self.received_at = number, time.monotonic()
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        """Send the signal to the child's group. A child in our own group had Ctrl-C from the terminal itself."""
        if self.child is None:
            return
        try:
            if os.getpgid(self.child.pid) == os.getpgrp():
                if number != signal.SIGINT:
                    self.child.send_signal(number)
                return
        except ProcessLookupError:
            pass  # it ended, but others of its group may be there
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)


WATCH = Watch()


def run(command: Sequence[str | Path], *, interactive: bool = False, env: Mapping[str, str] | None = None) -> int:
    """Run a command to its end in the project's folder and return its exit code; it does not outlive us.

    It gets a session of its own, unless it is interactive and needs the terminal.
    """
    WATCH.leave_if_asked()
    child = subprocess.Popen([str(word) for word in command], cwd=ROOT, env=env, start_new_session=not interactive)
    return WATCH.wait(child)


# --- Saying what happens ------------------------------------------------------------------------------------------


def say(text: str, end: str = "\n") -> None:
    """Tell the person at the terminal; standard output is left to the command itself."""
    print(text, end=end, file=sys.stderr, flush=True)


def fail(text: str) -> SystemExit:
    """Return the exit with this message."""
    say(text)
    return SystemExit(1)


# --- The environment ----------------------------------------------------------------------------------------------


class StepFailed(Exception):
    """A step of the set-up failed; the message has the end of what it printed."""


class Alone:
    """Holds a lock file while the `with` block runs. If we are killed the system lets go of it, as soon as the step
    that was running, which holds it too, has ended: it must not write into what the next call makes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.file = self.path.open("w")
        waiting = False
        while not self._got():
            if not waiting:
                say("Waiting for another command that is setting up")
            waiting = True
            WATCH.leave_if_asked()
            time.sleep(0.1)

    def __exit__(self, *_details: object) -> None:
        self.file.close()

    def _got(self) -> bool:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Environment:
    """The virtual environment below a folder that has the lock files."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / ".installed"
        self.unfinished = self.folder / ".unfinished"
        self._alone = Alone(root / ".local" / "setup.lock")

    def prepare(self, *locks: str) -> Path:
        """Make sure that these lock files are installed, and return the environment's Python."""
        try:
            if not self._is_ready(locks):
                with self._alone:
                    if not self._is_ready(locks):  # another command may have done it meanwhile
                        self._make(locks)
        except OSError as error:
            raise fail(
                f"{error.filename or self.folder} cannot be written ({error.strerror}). Is the disk full, or does "
                "the folder belong to another user? Run it again to continue; what was downloaded is kept."
            ) from None
        return self.python

    # What is there ----------------------------------------------------------

    def _contents(self, locks: Sequence[str]) -> dict[str, str]:
        """Return what the stamp of an environment with these lock files says. It cannot be moved: programs in it
        name its folder; and it needs the Python it was made with."""
        hashes = {name: hashlib.sha256((self.root / name).read_bytes()).hexdigest() for name in locks}
        return {"folder": str(self.folder), "python": os.path.realpath(self.python), **hashes}

    def _stamped(self) -> dict[str, str]:
        try:
            return dict(json.loads(self.stamp.read_text()))
        except (OSError, ValueError):
            return {}

    def _is_ready(self, locks: Sequence[str]) -> bool:
        present = self.python.exists() and not self.unfinished.exists()
        return present and self._contents(locks).items() <= self._stamped().items()

    def _is_usable(self) -> bool:
        """Return whether the folder holds a whole environment, with pip, that was not moved here."""
        if self.unfinished.exists() or not self.python.exists():
            return False
        if self._stamped().get("folder", str(self.folder)) != str(self.folder):
            return False
        question = "import pip, sys; print(sys.version_info >= (3, 11), sys.prefix)"
        command = [str(self.python), "-c", question]
        asked = subprocess.run(command, env=_clean_environment(), capture_output=True, check=False)
        return asked.stdout.decode().strip() == f"True {self.folder}"

    # Making it --------------------------------------------------------------

    def _make(self, locks: Sequence[str]) -> None:
        first = not self.folder.exists()
        say(f"Setting up {self.folder}" + (" (only the first time; downloads about 150 MB)" if first else ""))
        names = list(locks) + [name for name in LOCKS if name not in locks and name in self._stamped()]
        try:
            if not self._is_usable():
                self._make_folder()
            self.unfinished.touch()
            self._install(names)
        except StepFailed as error:
            raise fail(str(error)) from None
        self.stamp.write_text(json.dumps(self._contents(names)))
        self.unfinished.unlink()

    def _make_folder(self) -> None:
        if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
            short = f"python{sys.version_info.major}.{sys.version_info.minor}"
            raise StepFailed(
                f"{sys.executable} cannot create virtual environments because its module `ensurepip` is missing. On "
                f"Debian and Ubuntu, install it with: apt install {short}-venv"
            )
        self._remove_folder()
        self.folder.mkdir()
        self.unfinished.touch()
        base = getattr(sys, "_base_executable", sys.executable)  # not the one of the environment we replace
        self._step("Python environment", [base, "-m", "venv", self.folder])

    def _remove_folder(self) -> None:
        """Move the old one aside first, so that being killed here leaves no half one in its place."""
        if self.folder.exists():
            self.folder.rename(self.root / f".venv.old-{os.getpid()}")
        for old in self.root.glob(".venv.old-*"):
            shutil.rmtree(old, ignore_errors=True)

    def _install(self, names: Sequence[str]) -> None:
        """Install exactly what the lock files name, by uv, or by pip where uv cannot be had or cannot do it."""
        options = ["--no-deps", "--require-hashes", *(word for name in names for word in ("-r", name))]
        uv = self.folder / "bin" / "uv"
        try:
            if not uv.exists():
                self._step("installer", [*self._pip("install"), "--only-binary", ":all:", UV])
            self._step("packages", [uv, "pip", "install", "--python", self.python, *options], self._uv_environment())
        except StepFailed:
            say("  uv does not work here; using pip instead, which takes about a minute")
            self._step("packages", [*self._pip("install"), *options])

    def _pip(self, *words: str) -> list[str | Path]:
        return [self.python, "-m", "pip", *words]

    def _uv_environment(self) -> dict[str, str]:
        """Return an environment in which uv finds packages where pip is told to find them on this machine."""
        listed = subprocess.run(
            self._pip("config", "list"), cwd=self.root, env=_clean_environment(), capture_output=True, check=False
        )
        environment = {**uv_settings(listed.stdout.decode(errors="replace")), **_clean_environment()}
        if not os.access(Path.home(), os.W_OK):
            environment.setdefault("UV_CACHE_DIR", str(self.root / ".local" / "cache" / "uv"))
        return environment

    def _step(self, what: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        """Run one step, saying how long it took; raise StepFailed with the end of its output."""
        WATCH.leave_if_asked()
        say(f"  {what} ...", end="")
        began, log = time.monotonic(), self.root / ".local" / "setup.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [str(word) for word in command], cwd=self.root, env=env or _clean_environment(),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                pass_fds=[self._alone.file.fileno()],
            )  # fmt: skip
            try:
                code = WATCH.wait(child)
            except SystemExit:
                say(" stopped; run it again to continue")
                raise
        say(f" {time.monotonic() - began:.1f} s" if code == 0 else " failed")
        if code:
            raise StepFailed(_explain(what, command, log))


def _clean_environment() -> dict[str, str]:
    """Return our environment without what would send Python or pip to another place than `.venv`."""
    misleading = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON"}
    kept = {name: value for name, value in os.environ.items() if name not in misleading}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _explain(what: str, command: Sequence[str | Path], log: Path) -> str:
    tail = "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-12:])
    return (
        f"This failed ({what}):\n    {' '.join(str(word) for word in command)}\n{tail}\nCan the package index be "
        f"reached, or a mirror from pip's configuration? Is the disk full? The full output is in {log}. Run it again "
        "to continue; what was downloaded is kept."
    )


UV_NAMES = {  # what pip calls it -> what uv calls it, and what stands between several
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "timeout": ("UV_HTTP_TIMEOUT", ""),
    "default-timeout": ("UV_HTTP_TIMEOUT", ""),
    "no-index": ("UV_NO_INDEX", ""),
    "proxy": ("ALL_PROXY", ""),
}


def uv_settings(listed: str) -> dict[str, str]:
    """Translate the output of `pip config list` into uv's variables; pip's later sections go over earlier ones."""
    found: dict[str, str] = {}
    for section in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.startswith(section):
                found[name[len(section) :]] = str(ast.literal_eval(value))
    settings = {
        variable: separator.join(found[name].split())
        for name, (variable, separator) in UV_NAMES.items()
        if found.get(name)
    }
    if "UV_INDEX" in settings:
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does; the hashes say what may come
    certificate = found.get("cert")
    if certificate:
        settings["SSL_CERT_FILE" if os.path.isfile(certificate) else "SSL_CERT_DIR"] = certificate
    return settings


# --- What the commands call ---------------------------------------------------------------------------------------


def enter(*locks: str) -> None:
    """Go on inside the environment: set it up if needed, then run this same command with its Python."""
    WATCH.install()
    if os.environ.get(ENTERED) != str(os.getpid()):  # becoming another program keeps the number
        os.environ[ENTERED] = str(os.getpid())
        python = str(Environment().prepare(RUN_LOCK, *locks))
        keep_bytecode()
        WATCH.leave_if_asked()
        os.execv(python, [python, *sys.argv])
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))


def keep_bytecode() -> None:
    """Let our processes keep compiled code where the environment forbids it, as that of many containers does.

    Every one of them would compile two thousand files when it starts, for two seconds. What is kept lies in `.venv`,
    and not beside the sources.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".venv" / "pycache"))


def go_on_with(*command: str) -> None:
    """Set up if needed, then become `.venv/bin/python` with these words."""
    WATCH.install()
    python = str(Environment().prepare(RUN_LOCK))
    keep_bytecode()
    WATCH.leave_if_asked()
    os.execv(python, [python, *command])


def hold_servers() -> Path:
    """Hold the embedded servers until we end, where no URL names others; return the folder of their data."""
    from config import embedded

    try:
        embedded.hold()
    except embedded.EmbeddedError as error:
        raise fail(str(error)) from None
    return embedded.LOCAL_DIR
