"""The processes of a Procfile, real ones: what ends is started again, and what cannot start ends with a sentence."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from config.processes import Patience, Supervisor, read_procfile
patience = Patience(stays_up=1.0, first_pause=0.05, longest_pause=0.2, tries=3, to_end=2.0)
sys.exit(Supervisor(read_procfile(Path(sys.argv[1])), patience).run())
"""
LIVES = "echo life >> {folder}/{name}; exec sleep 600"


class Run:
    """The supervisor on a Procfile in a folder; each process leaves a line in a file of its name per life."""

    def __init__(self, folder: Path, **commands: str) -> None:
        self.folder = folder
        lines = [f"{name}: {command.format(folder=folder, name=name)}" for name, command in commands.items()]
        (folder / "Procfile").write_text("\n".join(lines) + "\n")
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(folder / "Procfile")],
                cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def lives(self, name: str) -> int:
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    def pids(self, name: str) -> list[int]:
        """Return the numbers that the supervisor said it started the process under."""
        lines = [line.split() for line in self.output().splitlines()]
        return [int(words[-1]) for words in lines if words[1] == name and words[3:5] == ["started,", "process"]]

    def output(self) -> str:
        return self.log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(240)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start_(**commands: str) -> Run:
        runs.append(Run(tmp_path, **commands))
        return runs[-1]

    yield start_
    for run in runs:
        with suppress(ProcessLookupError):
            run.process.terminate()
        run.process.wait(240)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_what_is_killed_is_started_again_and_the_others_go_on(start: Callable[..., Run]) -> None:
    run = start(web=LIVES, worker=LIVES)
    until(lambda: run.lives("web") == run.lives("worker") == 1)
    os.kill(run.pids("worker")[0], signal.SIGKILL)
    until(lambda: run.lives("worker") == 2)
    assert run.lives("web") == 1
    assert "ended by signal SIGKILL; restarting it in 0.05 s" in run.output()


def test_what_has_stayed_up_once_is_never_given_up(start: Callable[..., Run]) -> None:
    """As a worker whose Redis refuses writes for a long time."""
    run = start(web=LIVES, worker="echo life >> {folder}/worker; [ $(wc -l < {folder}/worker) = 1 ] && sleep 2; exit 3")
    until(lambda: run.lives("worker") > 6)
    assert run.process.poll() is None
    assert run.lives("web") == 1


def test_what_never_stays_up_ends_all_after_some_tries_with_a_sentence(start: Callable[..., Run]) -> None:
    run = start(web=LIVES, worker="echo life >> {folder}/worker; echo no such queue >&2; exit 7")
    assert run.process.wait(240) == 1
    assert run.lives("worker") == 3
    assert "worker ended 3 times shortly after starting, with exit code 7." in run.output()
    assert "worker | no such queue" in run.output()
    assert not is_alive(run.pids("web")[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_them_with_what_they_started(start: Callable[..., Run], number: signal.Signals) -> None:
    run = start(web=LIVES, stubborn="trap '' TERM; echo life >> {folder}/stubborn; while :; do sleep 0.2; done")
    until(lambda: run.lives("web") == run.lives("stubborn") == 1)
    assert run.end(number) == 128 + number
    for name in ("web", "stubborn"):
        assert not is_alive(run.pids(name)[0])
    assert "did not end in time; killed" in run.output()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_nothing_is_left_when_it_is_killed_itself(start: Callable[..., Run]) -> None:
    run = start(web=LIVES, worker=LIVES)
    until(lambda: run.lives("web") == run.lives("worker") == 1)
    run.end(signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for name in ("web", "worker") for pid in run.pids(name)))
