"""Writes under one idempotency key sent by many at once: one happens; without the promise each does."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from pytest_django import Settings

from pipeline.models import Company, KeyedWrite, StatusChange, Upload
from tests.pipeline.web.api.programs import token_for
from tests.support.factories import NOON

pytestmark = pytest.mark.django_db(transaction=True)

SENDERS = 8


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> Client:
    settings.UPLOADS_DIR, settings.API_REQUESTS_A_MINUTE = str(tmp_path), 0
    return Client(headers={"Authorization": f"Bearer {token_for(['review', 'import'])}"})


@pytest.fixture
def company() -> Company:
    return Company.objects.create(external_id="c1", name="Firm", created_at=NOON, updated_at=NOON)


def decide(client: Client, where: str) -> Any:
    body = json.dumps({"status": "operational", "reason": "we called them"})
    return client.generic("POST", where, body, "application/json", headers={"Idempotency-Key": "k1"})


def send_file(client: Client) -> Any:
    file = SimpleUploadedFile("export.csv", b"id,text\n1,It is slow\n")
    return client.post("/api/v1/uploads", {"file": file}, headers={"Idempotency-Key": "k1"})


def from_all(work: object, *args: object) -> list[tuple[int, str]]:
    """Send the same from threads with connections of their own, begun at one moment; return status and body of each."""
    barrier = Barrier(SENDERS)

    def begin(_: int) -> tuple[int, str]:
        try:
            barrier.wait(240)
            answer = work(*args)  # type: ignore[operator]
            return answer.status_code, answer.content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(begin, range(SENDERS), timeout=240))


@contextmanager
def the_promise_taken_away() -> Iterator[None]:
    promise = next(each for each in KeyedWrite._meta.constraints if each.name == "one_write_per_token_and_key")
    with connection.schema_editor() as editor:
        editor.remove_constraint(KeyedWrite, promise)
    try:
        yield
    finally:
        KeyedWrite.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(KeyedWrite, promise)


def test_a_decision_is_taken_once_and_all_get_its_answer(client: Client, company: Company) -> None:
    answers = from_all(decide, client, f"/api/v1/companies/{company.pk}/override")
    assert {status for status, _ in answers} == {200}
    assert len({body for _, body in answers}) == 1
    assert (StatusChange.objects.count(), KeyedWrite.objects.count()) == (1, 1)


def test_without_the_promise_each_decides(client: Client, company: Company) -> None:
    with the_promise_taken_away():
        from_all(decide, client, f"/api/v1/companies/{company.pk}/override")
        assert StatusChange.objects.count() == SENDERS


def test_a_file_is_kept_once_and_the_others_are_told_to_look(client: Client) -> None:
    answers = from_all(send_file, client)
    assert Upload.objects.count() == 1
    assert {status for status, _ in answers} <= {201, 409}  # who comes while it is being stored is not kept waiting
    assert len({body for status, body in answers if status == 201}) == 1
    assert send_file(client).status_code == 201


def test_without_the_promise_each_file_is_kept(client: Client) -> None:
    with the_promise_taken_away():
        from_all(send_file, client)
        assert Upload.objects.count() == SENDERS
