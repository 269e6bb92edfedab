"""The admin's login refuses to try passwords for ever, and people who know theirs get in."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.faults.scene import queue

PASSWORD = "a long password of Alice"
LIMIT = 5


@pytest.fixture(autouse=True)
def _nothing_counted(settings: Settings) -> None:
    with queue() as client:
        for key in client.scan_iter(f"{settings.REDIS_PREFIX}login:*"):
            client.delete(key)


@pytest.fixture
def alice(db: None) -> None:
    get_user_model()._default_manager.create_superuser("alice", password=PASSWORD)


def login(password: str, name: str = "alice", **headers: str) -> bytes:
    """Try to log in; return what the page says, nothing if it let us in."""
    client = Client()
    answer = client.post(
        reverse("admin:login"), {"username": name, "password": password, "next": "/admin/"}, REMOTE_ADDR="10.0.0.1",
        headers=headers,
    )  # fmt: skip
    return b"" if answer.status_code == 302 else answer.content


def test_after_five_wrong_ones_even_the_right_one_has_to_wait(alice: None) -> None:
    for _ in range(LIMIT):
        assert b"correct username" in login("wrong")
    assert b"Too many failed logins. Try again in 15 minutes." in login("wrong")
    assert b"Too many failed logins" in login(PASSWORD)
    assert b"Too many failed logins" in login("wrong", "ALICE")


def test_others_get_in_meanwhile(alice: None, settings: Settings) -> None:
    settings.HTTPS = True
    for _ in range(LIMIT + 1):
        login("wrong", **{"X-Forwarded-For": "1.2.3.4, 203.0.113.9"})
    assert b"Too many" in login(PASSWORD, **{"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    assert login(PASSWORD, **{"X-Forwarded-For": "203.0.113.9, 203.0.113.10"}) == b""


def test_a_header_that_anybody_can_send_is_not_believed(alice: None) -> None:
    for number in range(LIMIT + 1):
        said = login("wrong", **{"X-Forwarded-For": f"203.0.113.{number}"})
    assert b"Too many" in said


def test_a_login_that_succeeds_starts_over(alice: None) -> None:
    for _ in range(3):
        for _ in range(LIMIT - 1):
            assert b"correct username" in login("wrong")
        assert login(PASSWORD) == b""


def test_many_names_do_not_help_one_address(alice: None, settings: Settings) -> None:
    settings.LOGIN_LIMITS = {**settings.LOGIN_LIMITS, "address": 10}
    for number in range(10):
        assert b"correct username" in login("wrong", f"name-{number}")
    assert b"Too many" in login("wrong", "another")
    settings.HTTPS = True
    networks = {
        b"Too many" in login("wrong", f"name-{n}", **{"X-Forwarded-For": f"2001:db8::{n:x}"}) for n in range(11)
    }
    assert networks == {False, True}  # all of one network


def test_without_redis_people_can_log_in(alice: None, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert b"correct username" in login("wrong")
    assert login(PASSWORD) == b""


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_five_are_tried(transactional_db: None) -> None:
    get_user_model()._default_manager.create_superuser("alice", password=PASSWORD)

    def attempt(_: int) -> bytes:
        try:
            return login("wrong")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(20)))
    assert sum(b"Too many" not in answer for answer in answers) == LIMIT
