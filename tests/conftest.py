"""Every test runs against a real PostgreSQL, a real Redis-protocol server and real worker processes."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded
from tests.settings import OWN_REDIS
from tests.workers import Worker


def pytest_configure() -> None:
    embedded.hold(valkey=False)
    if OWN_REDIS:
        Path(os.environ["TEST_FOLDER"]).mkdir(mode=0o755, exist_ok=True)
        embedded.hold(Path(os.environ["TEST_FOLDER"]), postgres=False, valkey=True)


def pytest_unconfigure() -> None:
    if OWN_REDIS:
        folder = Path(os.environ["TEST_FOLDER"])
        embedded.Valkey(folder).erase()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _workers_end_with_the_tests(django_db_setup: None) -> Iterator[None]:
    """End all workers before the test database is dropped."""
    yield
    Worker.end_all()


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
def without_the_index(transactional_db: None) -> Iterator[None]:
    """Sessions without the index that makes a second active one impossible."""
    from tests.sessions.promise import promise_taken_away

    with promise_taken_away():
        yield
