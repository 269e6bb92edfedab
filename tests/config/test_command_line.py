"""`./manage.py`: tables that are ready, or a sentence, whatever is wrong; and which commands there are."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured

from config.command_line import OURS
from config.embedded import Postgres
from tests.config.folders import temporary_folder
from tests.support import commands
from tests.support.commands import Captured
from tests.support.loading import settings_with

ROOT = Path(__file__).resolve().parents[2]
KEY = "a long key that is only for this test, 0123456789"
NOBODY_THERE = "redis://127.0.0.1:1/0"
COMMANDS = [
    ["session_metrics"],
    ["dedupe_sessions", "--dry-run"],
    ["stress_sessions", "--users", "1", "--concurrency", "1", "--calls", "1"],
    ["api_token", "list"],
    ["run_status"],
]


def manage(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as people do, without what this test process has in its environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "REDIS_PREFIX")}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env={**kept, "REDIS_URL": NOBODY_THERE, "HEARTBEAT_PATIENCE": "1", **environment},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def assert_one_sentence(done: "subprocess.CompletedProcess[str]", *parts: str) -> None:
    """Check that the command ended with 1 and said nothing but what people can understand and do."""
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    for part in parts:
        assert part in done.stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of these tests' own, with an empty database."""
    with temporary_folder("commands-") as folder, Postgres(folder / "local") as server:
        yield server


def own(server: Postgres, user: str = "leitmotif") -> dict[str, str]:
    """Return the environment in which this server's database `mine` is somebody's own."""
    return {"DATABASE_URL": re.sub(r"leitmotif@(.*)/leitmotif", rf"{user}@\1/mine", server.url), "SECRET_KEY": KEY}


@pytest.fixture(scope="module")
def migrated(postgres: Postgres) -> Postgres:
    """The server with a database `full` that has all tables."""
    _admin(postgres, "CREATE DATABASE full_", "CREATE ROLE charlie LOGIN")
    url = re.sub("/leitmotif$", "/full_", postgres.url)
    assert manage("migrate", "--verbosity=0", DATABASE_URL=url, SECRET_KEY=KEY).returncode == 0
    return postgres


@pytest.fixture
def tables(migrated: Postgres) -> Postgres:
    """The server with a database `mine` that has all tables, and an account `charlie` that sees the migrations only."""
    _admin(migrated, "DROP DATABASE IF EXISTS mine", "CREATE DATABASE mine TEMPLATE full_")
    execute(migrated, "GRANT SELECT ON django_migrations TO charlie")
    return migrated


@pytest.fixture
def no_tables(postgres: Postgres) -> Postgres:
    """The server with a database `mine` that is empty."""
    _admin(postgres, "DROP DATABASE IF EXISTS mine", "CREATE DATABASE mine")
    return postgres


def _admin(server: Postgres, *statements: LiteralString) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def execute(server: Postgres, statement: LiteralString) -> None:
    with psycopg.connect(server.url, dbname="mine") as connection:
        connection.execute(statement)


# --- Tables -------------------------------------------------------------------------------------------------------


def test_on_the_embedded_database_commands_at_once_bring_the_tables_up_to_date() -> None:
    with temporary_folder("commands-") as folder:
        local = folder / "local"
        processes = [
            subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), *words],
                env={
                    **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
                    "LEITMOTIF_LOCAL": str(local), "DATABASE_URL": "", "REDIS_URL": NOBODY_THERE,
                },
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for words in COMMANDS
        ]  # fmt: skip
        try:
            ended = [process.communicate(timeout=300) for process in processes]
            assert [process.returncode for process in processes] == [0] * len(COMMANDS), ended
            assert [errors for _, errors in ended] == [""] * len(COMMANDS)
        finally:
            Postgres(local).erase()


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_on_a_database_of_somebodys_own_they_ask_for_migrate(no_tables: Postgres, words: list[str]) -> None:
    assert_one_sentence(manage(*words, **own(no_tables)), "ables are not up to date", "Run `./manage.py migrate`.")


@pytest.mark.parametrize("words", COMMANDS[-2:], ids=lambda words: words[0])
def test_without_postgresql_they_say_a_sentence(words: list[str]) -> None:
    away = {"DATABASE_URL": "postgres://leitmotif@127.0.0.1:1/leitmotif", "SECRET_KEY": KEY}
    assert_one_sentence(manage(*words, **away), "PostgreSQL", "DATABASE_URL")


@pytest.mark.parametrize("words", COMMANDS[-2:], ids=lambda words: words[0])
def test_without_a_right_to_read_they_say_a_sentence(tables: Postgres, words: list[str]) -> None:
    assert_one_sentence(manage(*words, **own(tables, "charlie")), "permission denied", "DATABASE_URL")


SHAPE = "DATABASE_URL must look like postgres://user:password@host:5432/name"


def test_an_url_that_cannot_be_meant_is_a_sentence() -> None:
    assert_one_sentence(manage("session_metrics", DATABASE_URL="nonsense", SECRET_KEY=KEY), SHAPE)


@pytest.mark.parametrize(
    "url", ["postgres://host:99999/name", "postgres://user:pa/ss@host/name", "mysql://host/name", "postgres://h"]
)
def test_what_is_wrong_with_an_url_is_said_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{SHAPE}") as refused:
        settings_with(DATABASE_URL=url, SECRET_KEY=KEY)
    assert "pa" not in str(refused.value).replace("password", "")


def test_a_setting_that_is_no_number_is_a_sentence() -> None:
    assert_one_sentence(manage("session_metrics", CLAIM_TIMEOUT="soon"), "CLAIM_TIMEOUT=soon is not valid.")


# --- doctor -------------------------------------------------------------------------------------------------------


def assert_doctor_says(done: "subprocess.CompletedProcess[str]", *parts: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    shown = " ".join(done.stdout.split())
    assert "Not ready: " in shown, done.stderr
    for part in parts:
        assert part in shown


def test_doctor_says_that_postgresql_is_away() -> None:
    away = {"DATABASE_URL": "postgres://leitmotif@127.0.0.1:1/leitmotif", "SECRET_KEY": KEY}
    assert_doctor_says(manage("doctor", **away), "NO PostgreSQL Unusable: ", "NO Redis It cannot be reached")


def test_doctor_says_that_the_tables_are_missing(no_tables: Postgres) -> None:
    assert_doctor_says(manage("doctor", **own(no_tables)), "NO tables", "un `./manage.py migrate`")


def test_doctor_says_that_the_tables_are_of_a_newer_version(tables: Postgres) -> None:
    execute(tables, "INSERT INTO django_migrations (app, name, applied) VALUES ('pipeline', '9999_new', now())")
    assert_doctor_says(manage("doctor", **own(tables)), "NO tables They are newer than this code", "pipeline.9999_new")


def test_doctor_says_that_a_table_is_gone(tables: Postgres) -> None:
    execute(tables, "DROP TABLE pipeline_signature CASCADE")
    assert_doctor_says(manage("doctor", **own(tables)), "NO promises")


def test_doctor_says_that_rights_are_missing(tables: Postgres) -> None:
    assert_doctor_says(manage("doctor", **own(tables, "charlie")), "permission denied", "must own the tables")


def test_doctor_says_that_not_even_the_migrations_may_be_read(tables: Postgres) -> None:
    execute(tables, "REVOKE SELECT ON django_migrations FROM charlie")
    assert_doctor_says(manage("doctor", **own(tables, "charlie")), "NO tables It cannot be checked: permission denied")


def test_doctor_finds_nothing_but_workers_missing_on_a_new_embedded_database() -> None:
    with temporary_folder("commands-") as folder:
        local = folder / "local"
        try:
            done = manage("doctor", LEITMOTIF_LOCAL=str(local), DATABASE_URL="", REDIS_URL="")
            assert_doctor_says(done, "ok tables", "ok Redis", "NO workers", "1 of 8")
        finally:
            subprocess.run(
                [sys.executable, "-m", "config.embedded", "stop"],
                cwd=ROOT, env={**os.environ, "LEITMOTIF_LOCAL": str(local)}, check=True,
            )  # fmt: skip


# --- help ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [[], ["help"]], ids=" ".join)
def test_help_lists_our_commands_first_each_with_a_whole_line(words: list[str], capsys: Captured) -> None:
    assert commands.manage(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [*OURS.values(), "Django commands used most often", "Others"]
    assert [line for line in lines if line in titles] == titles
    ours = lines[lines.index(titles[0]) : lines.index(titles[2])]
    listed = {line.split()[0]: line for line in ours if line.startswith("  ")}
    files = [path for app in OURS for path in (ROOT / app / "management" / "commands").glob("[a-z]*.py")]
    assert set(listed) == {path.stem for path in files}
    assert all(len(line.split()) > 3 and len(line) <= 120 for line in listed.values())
    assert "..." not in "".join(ours)
