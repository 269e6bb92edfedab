"""Waiting for something to become true, and a database that refuses rows."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection


def until(condition: Callable[[], object], seconds: float = 180) -> None:
    """Wait until `condition()` holds; AssertionError if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextmanager
def refused(table: str, unless: str) -> Iterator[None]:
    """While it holds, PostgreSQL refuses every new row of the table for which `unless` (SQL) is not true."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refused_by_test CHECK ({unless}) NOT VALID")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT refused_by_test")
