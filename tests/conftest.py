"""Every test runs against a real PostgreSQL, a real Redis-protocol server and real worker processes."""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from config import embedded
from tests.workers import Worker


def pytest_configure() -> None:
    embedded.hold()


@pytest.fixture(scope="session", autouse=True)
def _clean_redis() -> Iterator[None]:
    """Leave no key behind in a Redis that may not be ours alone."""
    yield
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{settings.REDIS_PREFIX}*", count=1000):
        client.delete(key)


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
