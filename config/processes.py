"""Runs the Procfile's processes together, and starts again what ends: `python -m config.processes Procfile`.

None of them is meant to end by itself. One that does is started again after a pause that grows each time it ends soon,
while the others go on: a Redis that refuses writes for a minute may end a worker, and must not end the web server. Only
a process that never stayed up is given up after some tries, and with it all of them.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import IO

from pipeline.management.child_process import ending_with_parent

SHELL = shutil.which("sh") or "/bin/sh"
COLOURS = (36, 33, 32, 35, 34, 31)
LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, and tries, for processes that end."""

    stays_up: float = 20.0  # one that lived so long can start; if it ends, that has a passing cause
    first_pause: float = 1.0
    longest_pause: float = 30.0
    tries: int = 5
    to_end: float = 8.0  # what a process may take to end before it is killed; bin/up kills us after 10


@dataclass(slots=True)
class Managed:
    """One line of the Procfile, and how its process fares."""

    name: str
    command: str
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0  # when it is to be started, while there is no child
    failures: int = 0  # how often it ended soon, without a longer life between
    has_stayed_up: bool = False


class Printer:
    """Prints the lines of all processes, each with the time and the name before it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.width = max(map(len, (*names, "all")))
        self.colours = dict(zip(names, COLOURS * len(names), strict=False)) if sys.stdout.isatty() else {}
        self.lock = threading.Lock()

    def say(self, name: str, text: str) -> None:
        """Print a line. A terminal that is gone must not end the processes before they are told."""
        head = f"{datetime.now().astimezone():%H:%M:%S} {name.ljust(self.width)} |"
        if name in self.colours:
            head = f"\033[{self.colours[name]}m{head}\033[0m"
        with self.lock, suppress(OSError):
            print(head, text, flush=True)

    def follow(self, name: str, output: IO[bytes]) -> None:
        """Print what a process writes, until it ends."""
        for line in output:
            self.say(name, line.decode(errors="replace").rstrip("\r\n"))


@dataclass(slots=True)
class Supervisor:
    """Starts the processes, starts them again, and ends them."""

    managed: list[Managed]
    patience: Patience = field(default_factory=Patience)
    received: int = 0
    printer: Printer = field(init=False)

    def __post_init__(self) -> None:
        self.printer = Printer([each.name for each in self.managed])

    def run(self) -> int:
        """Keep the processes up until a signal comes, or one cannot be started; return the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)
        try:
            while not self.received:
                for each in self.managed:
                    if not self._tend(each):
                        return 1
                time.sleep(LOOK_EVERY)
        finally:
            self._end_all()
        return 128 + self.received

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or number

    def _tend(self, each: Managed) -> bool:
        """Start it if its time has come, notice if it ended; return False if it is to be given up."""
        now = time.monotonic()
        if each.child is None:
            if now >= each.start_at:
                self._start(each)
            return True
        code = each.child.poll()
        if code is None:
            if not each.has_stayed_up or each.failures:
                self._note_that_it_stays_up(each, now)
            return True
        self._kill_group(each, signal.SIGKILL)  # its children, if it left any
        each.child = None
        each.failures += 1
        if each.failures >= self.patience.tries and not each.has_stayed_up:
            self.printer.say("all", f"{each.name} ended {each.failures} times shortly after starting, {_ending(code)}.")
            self.printer.say("all", "See its lines above for the reason. Stopping the other processes.")
            return False
        pause = min(self.patience.first_pause * 2 ** min(each.failures - 1, 16), self.patience.longest_pause)
        each.start_at = now + pause
        self.printer.say(each.name, f"ended {_ending(code)}; restarting it in {pause:g} s")
        return True

    def _note_that_it_stays_up(self, each: Managed, now: float) -> None:
        if now - each.started_at >= self.patience.stays_up:
            each.has_stayed_up, each.failures = True, 0

    def _start(self, each: Managed) -> None:
        each.child = subprocess.Popen(
            ending_with_parent([SHELL, "-c", each.command], signal.SIGTERM),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert each.child.stdout is not None
        each.started_at = time.monotonic()
        self.printer.say(each.name, f"started, process {each.child.pid}")
        threading.Thread(target=self.printer.follow, args=(each.name, each.child.stdout), daemon=True).start()

    def _end_all(self) -> None:
        """Tell all to end, and kill those that do not within some seconds, each with whatever it started."""
        living = [each for each in self.managed if each.child is not None]
        for each in living:
            self._kill_group(each, signal.SIGTERM)
        deadline = time.monotonic() + self.patience.to_end
        for each in living:
            if each.child is not None:
                try:
                    each.child.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self.printer.say(each.name, "did not end in time; killed")
                self._kill_group(each, signal.SIGKILL)

    def _kill_group(self, each: Managed, number: signal.Signals) -> None:
        if each.child is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(each.child.pid, number)


def _ending(code: int) -> str:
    if code < 0:
        return f"by signal {signal.Signals(-code).name}"
    return f"with exit code {code}"


def read_procfile(path: Path) -> list[Managed]:
    """Return the processes of a Procfile: lines of the form `name: command`."""
    lines = [line.partition(":") for line in path.read_text().splitlines() if line.strip() and line[0] != "#"]
    return [Managed(name.strip(), command.strip()) for name, _, command in lines]


if __name__ == "__main__":
    sys.exit(Supervisor(read_procfile(Path(sys.argv[1]))).run())
