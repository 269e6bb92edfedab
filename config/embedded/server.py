"""What both servers have in common: folders, starting, adopting, stopping."""

import os
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from .accounts import Account
from .errors import EmbeddedError
from .folders import LOCAL_DIR, make_open, open_log, sockets_folder, tail
from .locks import take_from
from .processes import living_processes, pid_in, wait
from .programs import find_program

START_TIMEOUT = 60.0  # seconds: a recovery after a crash reads its log first
STOP_TIMEOUT = 20.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nothing of the caller's, no secrets


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
        self.sockets = sockets_folder(self.local)
        self.socket = self.sockets / self.socket_name
        self.log = self.local / f"{self.name}.log"
        self.keeper_log = self.local / f"{self.name}-keeper.log"
        self.users_lock = self.local / f"{self.name}.users"
        self.keeper_lock = self.local / f"{self.name}.keeper"
        self._child: subprocess.Popen[bytes] | None = None

    # What each server says of itself ----------------------------------------

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find this server."""

    @property
    @abstractmethod
    def remedy(self) -> str:
        """What a person can try when the server does not start."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server takes clients now."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """Return the command line that runs the server. Every process of it must show `sockets` in its title."""

    def _prepare_data(self) -> None:
        """Make what the server needs to start on an empty folder."""
        self.account.make_private(self.data)

    # Where it is ------------------------------------------------------------

    @cached_property
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
        pid = pid_in(self.pid_file)
        return pid if pid in self._processes() else None

    def is_up(self) -> bool:
        """Return whether the server runs and can be found; cheap enough to ask ten times a second."""
        if self._child is not None:
            return self._child.poll() is None and self.socket.exists()
        return self.answers()

    # Starting and ending it -------------------------------------------------

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

    def dismiss(self) -> None:
        """Stop the server and its keeper, under whoever uses it; the next `hold()` starts both again."""
        lock = take_from(self.keeper_lock)
        self.stop()
        os.close(lock)

    def kill_own(self) -> None:
        """Kill the process that this object started, if any, and no other."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def erase(self) -> None:
        """Stop the server and its keeper, and remove its data and its sockets."""
        self.dismiss()
        shutil.rmtree(self.data, ignore_errors=True)
        for path in (self.log, self.keeper_log, self.users_lock, self.keeper_lock):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the other server's socket may still be there
            self.sockets.rmdir()
        others = [kind for kind in Server.__subclasses__() if (self.service / kind.name).exists()]
        if self.service != self.local and not others:
            shutil.rmtree(self.service, ignore_errors=True)
            (self.local / "service").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.erase()

    # The steps --------------------------------------------------------------

    def _make_folders(self) -> None:
        make_open(self.local)
        self.account.make_private(self.sockets)
        if self.service != self.local:
            self._move_outside()

    def _move_outside(self) -> None:
        """Make the folder outside, with a link to it in `local`. Data in `local` is not passed over in silence."""
        inside = self.local / self.name
        if inside.exists():
            raise EmbeddedError(
                f"The account that runs {self.name} (uid {self.account.uid}) cannot open its data in {inside}. Let "
                f"it enter the folders above (chmod o+x), or move the data to {self.data}."
            )
        make_open(self.service)
        link = self.local / "service"
        link.unlink(missing_ok=True)
        with suppress(FileExistsError):  # the other server's keeper was quicker
            link.symlink_to(self.service)

    def _adopted(self) -> bool:
        """Take over a server whose keeper was killed. One that cannot be reached is stopped and started again."""
        if self.pid is None:
            return False
        patience = START_TIMEOUT if self.socket.exists() else 2.0
        if wait(lambda: self.answers() or self.pid is None, patience) and self.pid is not None:
            return True
        self.stop()
        return False

    def _clear_leftovers(self) -> None:
        """Remove what a killed server left, once its last process is gone: two on one folder would ruin the data."""
        if not wait(lambda: not self._processes(), 5.0):
            for pid in self._processes():
                self._end(pid, signal.SIGKILL, 5.0)
        for path in (self.pid_file, self.socket, self.sockets / f"{self.socket_name}.lock"):
            path.unlink(missing_ok=True)

    def _launch(self) -> None:
        command = [str(part) for part in self._command()]
        with open_log(self.log) as log:
            child = self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, start_new_session=True, **self._popen_options(log)
            )
        if not wait(lambda: child.poll() is not None or self.answers(), START_TIMEOUT) or child.poll() is not None:
            self.stop()
            raise self._failure(f"ended with code {child.returncode}" if child.returncode else "did not answer")

    def _popen_options(self, log: BinaryIO) -> dict[str, Any]:
        return {"stdout": log, "stderr": log, "cwd": "/", "env": ENVIRONMENT, **self.account.switch()}

    def _program(self, pattern: str = "") -> Path:
        return find_program(self.package, pattern or self.pattern, self.account, self.service)

    def _failure(self, what: str) -> EmbeddedError:
        return EmbeddedError(
            f"The embedded {self.name} {what}. {self.remedy}\nThe end of its log {self.log}:\n{tail(self.log)}"
        )

    def _ask(self, question: bytes) -> bytes:
        """Return the beginning of the server's answer, or nothing. A socket in somebody else's folder is not asked."""
        if not self.account.owns(self.sockets):
            return b""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2.0)
            client.connect(str(self.socket))
            client.sendall(question)
            return client.recv(4096)
        return b""

    def _processes(self) -> list[int]:
        """Return the processes of this very server: all of them carry its program's name and its sockets'."""
        return [
            each.pid
            for each in living_processes()
            if each.program.startswith(self.program)
            and self.sockets.name in each.title
            and each.uid == self.account.uid
        ]

    def _end(self, pid: int, number: signal.Signals, seconds: float) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if not wait(lambda: self._is_gone(pid), seconds) and number != signal.SIGKILL:
            self._end(pid, signal.SIGKILL, seconds)

    def _is_gone(self, pid: int) -> bool:
        """Return whether the process ended. Our own child must be waited for too: its title goes before it does."""
        if self._child is not None and self._child.pid == pid:
            return self._reap()
        return pid not in self._processes()

    def _reap(self) -> bool:
        """Take note of the end of our own child; return whether it ended."""
        if self._child is None or self._child.poll() is None:
            return False
        self._child = None
        return True
