"""The embedded servers: real ones, in a folder of each test's own, started, killed and left behind.

Every process that a test ends was started by it: a user (`Person`), or a server or keeper of the test's folder.
"""

import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import psycopg
import pytest
import redis

from config import embedded
from config.embedded import EmbeddedError, Postgres, Server, Valkey
from config.embedded.keeper import LOOK_EVERY
from config.embedded.locks import open_lock
from config.embedded.processes import living_processes
from config.embedded.users import _held
from tests.config.folders import temporary_folder

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
USER_PROGRAM = """
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
import embedded, embedded.keeper
assert not {"celery", "django", "config"} & set(sys.modules)
embedded.hold(Path(sys.argv[2]), postgres="postgres" in sys.argv, valkey="valkey" in sys.argv)
print("held", flush=True)
sys.stdin.read()
"""


class Person:
    """A process that holds the servers of a folder until it leaves."""

    def __init__(self, local: Path, *servers: str, python: str = sys.executable, uid: int | None = None) -> None:
        names = servers or ("postgres", "valkey")
        packages = str(Path(psycopg.__file__).parent.parent)
        self.process = subprocess.Popen(
            [python, "-c", USER_PROGRAM, str(ROOT / "config"), str(local), *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=uid, cwd="/",
            env={**os.environ, "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip

    def wait_until_held(self) -> Self:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"
        return self

    def leave(self) -> None:
        self.process.communicate(timeout=120)

    def die(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=120)


@pytest.fixture
def local() -> Iterator[Path]:
    """A folder for servers that every account can reach. Nothing runs or lies about afterwards."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def database() -> Iterator[Path]:
    """A folder with a database that was never started."""
    with open_folder() as folder, Postgres(folder) as server:
        server.stop()
        yield server.data


@pytest.fixture
def filled(local: Path, database: Path) -> Path:
    """A folder for servers that has a database already: making one takes seconds."""
    local.mkdir()
    subprocess.run(["cp", "-a", database, local], check=True)
    return local


@contextmanager
def open_folder() -> Iterator[Path]:
    with temporary_folder("embedded-") as folder:
        local = folder / "local"
        yield local
        with suppress(AssertionError):
            until(lambda: not left_behind(local))
        for pid in left_behind(local):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for kind in embedded.SERVERS:
            kind(local).erase()
    assert not Postgres(local).sockets.exists()
    assert not Path("/var/lib", Postgres(local).sockets.name).exists()


def left_behind(local: Path) -> list[int]:
    """Keepers and servers of this folder that live."""
    sockets = Postgres(local).sockets.name
    return [
        each.pid
        for each in living_processes()
        if sockets in each.title or ("import main; main(" in each.title and f" {local} " in each.title)
    ]


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def keeper_of(server: Server) -> int:
    return int(server.keeper_lock.read_text())


def running(server: Server) -> int:
    pid = server.pid
    assert pid is not None
    return pid


def write_rows(local: Path) -> None:
    with psycopg.connect(embedded.database_url(local)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    with redis.Redis.from_url(embedded.redis_url(local)) as client:
        client.set("kept", "yes")


def assert_rows_kept(local: Path) -> None:
    with psycopg.connect(embedded.database_url(local)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    with redis.Redis.from_url(embedded.redis_url(local)) as client:
        assert client.get("kept") == b"yes"


def test_urls_start_nothing(local: Path) -> None:
    assert embedded.database_url(local) == embedded.database_url(local)
    assert embedded.redis_url(local).startswith("unix:///tmp/leitmotif-")
    assert not local.exists()
    assert not Postgres(local).sockets.exists()


def test_eight_at_once_on_an_empty_folder_start_one_server_each_and_kill_9_of_all_leaves_nothing(local: Path) -> None:
    people = [Person(local) for _ in range(8)]
    for person in people:
        person.wait_until_held()
    for server in (Postgres(local), Valkey(local)):
        assert server.answers()
        assert server.keeper_log.read_text().count(" up, process ") == 1
    assert len(list(local.glob("postgres*.unfinished.*"))) == 0
    for person in people:
        person.die()
    until(lambda: not left_behind(local))
    assert not Postgres(local).pid_file.exists()  # it was an orderly stop


def test_last_one_out_stops_the_servers(filled: Path) -> None:
    alice, bob = Person(filled), Person(filled)
    alice.wait_until_held()
    bob.wait_until_held()
    servers = (Postgres(filled), Valkey(filled))
    pids = [running(server) for server in servers]
    alice.leave()
    time.sleep(3 * LOOK_EVERY)
    assert [running(server) for server in servers] == pids
    bob.leave()
    until(lambda: not left_behind(filled))


def test_only_what_is_needed_is_started(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/leitmotif")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    embedded.hold(filled)
    assert not [kind for kind in embedded.SERVERS if kind(filled).users_lock.exists()]
    alice = Person(filled, "valkey").wait_until_held()
    assert Valkey(filled).answers()
    assert Postgres(filled).pid is None
    bob = Person(filled).wait_until_held()
    assert Postgres(filled).answers()
    bob.leave()
    until(lambda: Postgres(filled).pid is None)
    assert Valkey(filled).answers()
    alice.leave()


def test_killed_servers_come_back_under_a_living_user_with_all_that_was_committed(filled: Path) -> None:
    alice = Person(filled).wait_until_held()
    write_rows(filled)
    for server in (Postgres(filled), Valkey(filled)):
        before = running(server)
        os.kill(before, signal.SIGKILL)
        until(lambda server=server, before=before: server.pid not in (None, before) and server.answers())  # type: ignore[misc]
    assert_rows_kept(filled)
    alice.leave()


def test_next_user_adopts_the_servers_of_a_killed_keeper(filled: Path) -> None:
    alice = Person(filled).wait_until_held()
    write_rows(filled)
    servers = (Postgres(filled), Valkey(filled))
    pids = [running(server) for server in servers]
    keepers = [keeper_of(server) for server in servers]
    for keeper in keepers:
        os.kill(keeper, signal.SIGKILL)
    alice.die()
    bob = Person(filled).wait_until_held()
    until(lambda: not set(keepers) & {keeper_of(server) for server in servers})
    assert [running(server) for server in servers] == pids
    assert_rows_kept(filled)
    bob.leave()
    until(lambda: not left_behind(filled))


def test_next_user_starts_anew_when_keepers_and_servers_were_killed(filled: Path) -> None:
    alice = Person(filled).wait_until_held()
    write_rows(filled)
    servers = (Postgres(filled), Valkey(filled))
    for pid in [keeper_of(server) for server in servers] + [running(server) for server in servers]:
        os.kill(pid, signal.SIGKILL)
    assert Postgres(filled).pid_file.exists()  # stale
    alice.die()
    bob = Person(filled).wait_until_held()
    assert_rows_kept(filled)
    bob.leave()


def test_number_of_a_dead_server_that_another_process_got_is_not_mistaken_for_it(filled: Path) -> None:
    with Postgres(filled) as server:
        os.kill(running(server), signal.SIGKILL)
        stale = server.pid_file.read_text().splitlines()
        server.pid_file.write_text("\n".join([str(os.getpid()), *stale[1:]]))
        server.start()
        assert server.answers()


def test_keeper_killed_while_it_makes_the_database_leaves_no_half_database(local: Path) -> None:
    alice = Person(local, "postgres")
    until(lambda: list(local.glob("postgres.unfinished.*/base")))
    os.kill(keeper_of(Postgres(local)), signal.SIGKILL)
    alice.die()
    assert not Postgres(local).data.exists()
    bob = Person(local, "postgres").wait_until_held()
    with psycopg.connect(embedded.database_url(local)) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("leitmotif",)
    assert not list(local.glob("postgres.unfinished.*"))
    bob.leave()


def test_keeper_goes_on_for_others_when_the_user_that_began_it_is_killed(local: Path) -> None:
    server = Postgres(local)
    bob = open_lock(server.users_lock)
    fcntl.flock(bob, fcntl.LOCK_SH)
    alice = Person(local, "postgres")
    until(lambda: list(local.glob("postgres.unfinished.*")))
    alice.die()
    until(server.answers)
    time.sleep(3 * LOOK_EVERY)
    assert server.answers()
    os.close(bob)
    until(lambda: not left_behind(local))
    assert "Error" not in server.keeper_log.read_text()


def test_failure_to_start_says_what_where_and_what_to_do(filled: Path) -> None:
    (filled / "postgres" / "PG_VERSION").write_text("9.4\n")
    with pytest.raises(EmbeddedError, match=r"^The embedded postgres ended with code 1\. ") as caught:
        embedded.hold(filled, postgres=True, valkey=False)
    os.close(_held.pop(Postgres(filled).users_lock))
    for part in ("not compatible", str(filled / "postgres.log"), "DATABASE_URL"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("door", "code"),
    [
        (["manage.py", "migrate"], 1),
        (["-m", "celery", "-A", "config", "inspect", "ping"], 1),
        (["-c", "import config.wsgi"], 3),
        (["-m", "config.embedded", "stop"], 1),
    ],
    ids=["manage.py", "celery", "wsgi", "embedded"],
)
def test_failure_reaches_people_as_a_sentence(door: list[str], code: int) -> None:
    environment = {**os.environ, "LEITMOTIF_LOCAL": "/dev/null/local", "DATABASE_URL": ""}
    done = subprocess.run(
        [sys.executable, *door], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert re.fullmatch(r"/dev/null/local/postgres\S+ cannot be written .* LEITMOTIF_LOCAL.*\n", done.stderr)


def test_commands_for_people_show_and_stop_what_runs(filled: Path) -> None:
    alice = Person(filled).wait_until_held()
    for kind in embedded.SERVERS:
        assert f"{kind.name} runs as process {running(kind(filled))}; {kind(filled).url}; " in command(filled, "status")
    command(filled, "stop")
    until(lambda: not left_behind(filled))
    assert command(filled, "status").count("is not running") == 2
    bob = Person(filled).wait_until_held()
    assert Postgres(filled).answers()
    alice.leave()
    bob.leave()


def command(local: Path, word: str) -> str:
    environment = {**os.environ, "LEITMOTIF_LOCAL": str(local)}
    return subprocess.check_output(
        [sys.executable, "-m", "config.embedded", word], cwd=ROOT, env=environment, text=True
    )


def test_sockets_are_not_put_into_a_folder_that_others_can_enter(local: Path) -> None:
    server = Valkey(local)
    server.sockets.mkdir()
    server.sockets.chmod(0o777)
    with pytest.raises(EmbeddedError, match="not a private folder"):
        server.start()


def test_folder_removed_under_the_servers_is_begun_anew(filled: Path) -> None:
    alice = Person(filled).wait_until_held()
    until(lambda: is_removed(filled))
    bob = Person(filled).wait_until_held()
    write_rows(filled)
    alice.die()
    time.sleep(3 * LOOK_EVERY)
    assert_rows_kept(filled)
    bob.leave()
    until(lambda: not left_behind(filled))


def is_removed(folder: Path) -> bool:
    """Remove the folder; return whether it is gone, for the servers write there meanwhile."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def test_settings_keep_what_was_committed(filled: Path) -> None:
    with Postgres(filled) as server, psycopg.connect(server.url) as connection:
        for name, value in {"synchronous_commit": "on", "fsync": "on", "max_connections": "200"}.items():
            assert connection.execute(f"SHOW {name}").fetchone() == (value,)


def test_private_server_is_gone_afterwards(local: Path) -> None:
    with Valkey(local) as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        os.kill(running(server), signal.SIGKILL)
        server.start()
        assert client.get("kept") == b"yes"
    assert not server.data.exists()
    assert not server.sockets.exists()


def test_logs_and_locks_are_the_owners_only(filled: Path) -> None:
    old = filled / "postgres.log"
    old.touch(mode=0o644)
    alice = Person(filled).wait_until_held()
    logs = list(filled.glob("*.log"))
    assert len(logs) == 4
    assert {path.stat().st_mode & 0o777 for path in logs} == {0o600}
    alice.leave()


@pytest.fixture
def tiny_disk(local: Path) -> Iterator[Path]:
    """A folder for servers on a disk of two megabytes."""
    local.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", str(local)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield local
    subprocess.run(["umount", "-l", local], check=True)


@pytest.mark.parametrize("filling", [0, 2_000_000])
def test_a_full_disk_at_the_first_start_is_a_sentence(tiny_disk: Path, filling: int) -> None:
    (tiny_disk / "filling").write_bytes(filling * b"a")
    said = first_start(tiny_disk)
    assert "a disk" in said or "the disk" in said
    assert "LEITMOTIF_LOCAL" in said


@pytest.mark.parametrize("largest", [0, 100_000, 5_000_000])
def test_a_disk_that_fills_during_the_first_start_is_a_sentence(local: Path, largest: int) -> None:
    """A limit to the size of files fails at the same places, one write after another."""
    local.mkdir()
    assert re.search(r"[Dd]isk|too large", first_start(local, largest=largest))


def first_start(local: Path, largest: int = resource.RLIM_INFINITY) -> str:
    """Return what a command says that cannot be started, without a traceback."""
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f {largest // 512 if largest >= 0 else 'unlimited'}; exec \"$@\"", "sh", sys.executable,
         ROOT / "manage.py", "session_metrics"],
        env={**os.environ, "LEITMOTIF_LOCAL": str(local), "DATABASE_URL": "", "REDIS_URL": "redis://127.0.0.1:1/0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as somebody else")
def test_root_below_a_closed_folder_keeps_the_data_outside(local: Path) -> None:
    local.parent.chmod(0o700)
    with Postgres(local) as server, psycopg.connect(server.url):
        assert server.data.is_relative_to("/var/lib")
        assert (local / "service").readlink() == server.data.parent
        assert server.data.stat().st_uid == server.account.uid != 0
    assert not server.data.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_ordinary_user_runs_them_too(local: Path) -> None:
    python = next((each for each in (sys.executable, "/usr/bin/python3") if can_run(each)), None)
    if python is None:
        pytest.skip("no Python 3.11 that an ordinary user can run")
    local.mkdir()
    os.chown(local, NOBODY, NOBODY)
    person = Person(local, python=python, uid=NOBODY).wait_until_held()
    theirs = [each for each in living_processes() if str(local) in each.title]
    assert {each.uid for each in theirs} == {NOBODY}
    sockets = {word for each in theirs for word in each.title.split() if word.startswith("/tmp/leitmotif-")}
    person.die()
    until(lambda: not [each for each in living_processes() if str(local) in each.title])
    for folder in sockets:
        shutil.rmtree(folder)


def can_run(python: str) -> bool:
    """Whether an ordinary user can run this Python and see our packages with it."""
    question = "import sys, importlib.util as u; sys.exit(sys.version_info < (3, 11) or not u.find_spec('psycopg'))"
    path = str(Path(psycopg.__file__).parent.parent)
    try:
        asked = subprocess.run(
            [python, "-c", question], user=NOBODY, env={"PYTHONPATH": path}, cwd="/", capture_output=True, check=False
        )
    except OSError:
        return False
    return asked.returncode == 0
