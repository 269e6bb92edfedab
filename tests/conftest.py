"""Every test runs against a real PostgreSQL, a real Redis-protocol server and real worker processes."""

import gc
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from config import embedded
from config.embedded.folders import sockets_folder
from pipeline.merge.rules import versions
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.versions import Rules
from tests.settings import FOLDERS, OWN_REDIS
from tests.support.rows import delete_rows
from tests.support.scenes import Stage, scene_of
from tests.support.template import template
from tests.support.waiting import until
from tests.support.workers import Worker

TESTS = Path(__file__).resolve().parent

# Of itself Hypothesis gives an example 200 ms, and its examples a second to be made: on a busy machine both fail tests
# in which nothing is wrong. What a test says in settings of its own still holds.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_configure() -> None:
    gc.disable()  # until all tests are there: what collecting them makes stays, and is not looked through for garbage
    TransactionTestCase._fixture_teardown = lambda _: delete_rows()  # type: ignore[attr-defined]
    embedded.hold(valkey=False)
    if OWN_REDIS:
        sweep_folders_of_killed_runs()
        Path(os.environ["TEST_FOLDER"]).mkdir(mode=0o755, exist_ok=True)
        embedded.hold(Path(os.environ["TEST_FOLDER"]), postgres=False, valkey=True)


def pytest_unconfigure() -> None:
    gc.collect()  # results of tasks that nobody holds any more tell Redis so, while it is there
    if OWN_REDIS:
        folder = Path(os.environ["TEST_FOLDER"])
        embedded.Valkey(folder).erase()
        shutil.rmtree(folder, ignore_errors=True)


def sweep_folders_of_killed_runs() -> None:
    """Remove the folders of test processes that were killed, and of their servers' sockets. Those end by themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        number = re.findall(r"\d+", folder.name)[0]
        if not Path("/proc", number).exists() and Path("/proc/self").exists():
            for place in (folder, *folder.glob(f"{FOLDERS}*")):
                shutil.rmtree(sockets_folder(place), ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)


PROOFS = ("config", "races", "faults", "flow", "browser")
"""Folders below tests/ whose tests start servers and programs, break them, or race."""

OWN_PROCESSES = {"start_worker", "own_postgres", "browser"}
"""Fixtures of tests that start processes of their own, wherever they are."""

SHARED = {"browser", "chats_postgres"}
"""Fixtures that are made once in a process and take seconds: only one process pays for them."""

COMMITS = {"transactional_db", "live_server", "worker", "start_worker", "own_postgres", "without_the_index"}
"""Fixtures of tests that need rows which others see."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell quick tests and proofs apart, and let tests that share something run in one process.

    Those that start workers of their own end the shared one first; to alternate would start it again and again. They
    are the larger part of the proofs, and in one process it would be the last to end: so one takes a folder of them.
    """
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & OWN_PROCESSES or folder in PROOFS:
            item.add_marker(pytest.mark.proof)
        elif not commits(item):
            item.add_marker(pytest.mark.quick)
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(0))  # long proofs bound their own waiting
        if fixtures & {"start_worker", "own_postgres"}:
            item.add_marker(pytest.mark.xdist_group(f"own workers, {folder}"))
        elif "worker" in fixtures:
            item.add_marker(pytest.mark.xdist_group("shared worker"))
        else:
            for shared in SHARED & fixtures:
                item.add_marker(pytest.mark.xdist_group(shared))


def commits(item: pytest.Item) -> bool:
    """Return whether others see the rows of this test."""
    marker = item.get_closest_marker("django_db")
    return bool(COMMITS & set(getattr(item, "fixturenames", ()))) or bool(marker and marker.kwargs.get("transaction"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """End the shared worker before a test that did not ask for it: it would take what that test sends to nobody."""
    if commits(item) and "worker" not in getattr(item, "fixturenames", ()):
        Worker.end_all()


def pytest_collection_finish() -> None:
    """Keep the half million objects of modules and tests out of every later search for garbage."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> None:
    """Change to the scene that the test asks for, or to none, just before its own transaction begins."""
    if fixturedef.argname == "_django_db_helper":
        with request.getfixturevalue("django_db_blocker").unblock():
            Stage.change_to(scene_of(request.node))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let the test database be a copy of one that is migrated already."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = template()


@pytest.fixture(scope="session")
def _workers_end_with_the_tests(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """End all workers before the test database is dropped, and wait until PostgreSQL has noticed.

    It notices late that a killed worker's connection is gone while that has a statement at work, and drops no database
    that somebody is connected to.
    """
    yield
    Worker.end_all()
    with django_db_blocker.unblock():
        with suppress(AssertionError):
            until(lambda: not _others_connected(), seconds=60)
        assert _others_connected() == []
        connection.close()


def _others_connected() -> list[str]:
    """Return what everybody else who is connected to the test database does or did last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT concat_ws(' ', pid, application_name, state, query) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return [said for (said,) in cursor]


@pytest.fixture
def worker(transactional_db: None, _workers_end_with_the_tests: None) -> Worker:
    """A worker process with two children, shared by harmless tests, and a database whose rows it sees."""
    return Worker.shared()


@pytest.fixture
def start_worker(transactional_db: None, _workers_end_with_the_tests: None) -> Iterator[type[Worker]]:
    """A way to start workers that the test may kill; nobody else consumes meanwhile, and what is left ends with it."""
    Worker.end_all()
    yield Worker
    Worker.end_all()


@pytest.fixture
def other_rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """A second set of rules, with the number 0, that tells names apart as the newest do, but is a little stricter."""
    planted = Rules(0, "planted-0", partial(assign, strictness=1.05))
    monkeypatch.setattr(versions, "VERSIONS", (planted, versions.NEWEST))
    return planted


@pytest.fixture
def without_the_index(transactional_db: None) -> Iterator[None]:
    """Sessions without the index that makes a second active one impossible."""
    from tests.sessions.promise import promise_taken_away

    with promise_taken_away():
        yield
