"""Every test runs against a real PostgreSQL and a real Redis-protocol server."""

from config import embedded


def pytest_configure() -> None:
    embedded.hold()
