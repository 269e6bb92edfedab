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
        embedded.hold(Path(os.environ["TEST_FOLDER"]), postgres=False, valkey=True)


def pytest_unconfigure() -> None:
    if OWN_REDIS:
        shutil.rmtree(os.environ["TEST_FOLDER"], ignore_errors=True)


@pytest.fixture(scope="session")
def shared_worker(django_db_setup: None) -> Iterator[Worker]:
    """A worker process with two children, for tests that do not harm it."""
    worker = Worker(concurrency=2)
    worker.is_shared = True
    worker.wait_until_ready()
    yield worker
    worker.stop()


@pytest.fixture
def worker(transactional_db: None, shared_worker: Worker) -> Worker:
    """The shared worker, and a database whose rows it sees."""
    return shared_worker


@pytest.fixture
def start_worker(transactional_db: None) -> Iterator[type[Worker]]:
    """A way to start workers that the test may kill; what is left of them ends with the test."""
    yield Worker
    Worker.end_all_but_shared()
