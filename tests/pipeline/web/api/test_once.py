"""Idempotency keys: the same key gets the same answer and does nothing again. What races is in tests/races."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from pipeline.models import Change, Company, KeyedWrite, StatusChange, Story, Upload
from pipeline.web.api import uploads
from tests.pipeline.web.api.programs import Program, problem, said
from tests.support.factories import NOON, StoryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return Company.objects.create(external_id="c1", name="Firm", created_at=NOON, updated_at=NOON)


@pytest.fixture(autouse=True)
def _elsewhere(settings: Settings, tmp_path: object) -> None:
    settings.UPLOADS_DIR = str(tmp_path)


OVERRIDE = {"status": "operational", "reason": "we called them"}


def test_the_same_key_is_answered_as_the_first_time(program: Program, company: Company) -> None:
    where = f"/companies/{company.pk}/override"
    first, again = (program.send(where, key="k1", **OVERRIDE) for _ in range(2))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "Idempotency-Replayed" not in first.headers
    assert (again["Idempotency-Replayed"], again["X-RateLimit-Limit"]) == ("true", first["X-RateLimit-Limit"])
    assert StatusChange.objects.count() == 1
    program.do(where, key="k2", **OVERRIDE)
    program.do(where, **OVERRIDE)
    assert StatusChange.objects.count() == 3


def test_the_same_key_with_another_request_is_refused(program: Program, company: Company) -> None:
    program.do(f"/companies/{company.pk}/override", key="k1", **OVERRIDE)
    other = program.send(f"/companies/{company.pk}/override", key="k1", **{**OVERRIDE, "status": "unknown"})
    assert (problem(other)["status"], problem(other)["code"]) == (422, "key_reused")
    assert problem(program.send(f"/companies/{company.pk}/clear", key="k1"))["code"] == "key_reused"
    assert StatusChange.objects.count() == 1


def test_keys_are_each_tokens_own(program: Program, company: Company) -> None:
    for caller in (program, Program("review")):
        caller.do(f"/companies/{company.pk}/override", key="k1", **OVERRIDE)
    assert StatusChange.objects.count() == 2


def test_a_refusal_changed_nothing_so_its_key_may_be_tried_again(program: Program, company: Company) -> None:
    where = f"/companies/{company.pk}/clear"
    assert problem(program.send(where, key="k1"))["status"] == 409
    assert KeyedWrite.objects.count() == 0
    program.do(f"/companies/{company.pk}/override", **OVERRIDE)
    program.do(where, key="k1")
    assert KeyedWrite.objects.get().status == 200


def test_what_fails_halfway_leaves_neither_effect_nor_key(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    story = StoryFactory(conversations=1)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr("pipeline.web.api.stories.recorded", fail)
        assert program.send(f"/stories/{story.pk}/status", key="k1", status="approved").status_code == 500
    assert Change.objects.count() == KeyedWrite.objects.count() == 0
    assert Story.objects.get().status == "candidate"
    program.do(f"/stories/{story.pk}/status", key="k1", status="approved")


def send_file(program: Program, text: str = "id,text\n1,It is slow\n", key: str = "k1") -> object:
    file = SimpleUploadedFile("export.csv", text.encode())
    return program.client.post("/api/v1/uploads", {"file": file}, headers={"Idempotency-Key": key})


def test_a_file_that_is_sent_again_is_kept_once(program: Program) -> None:
    first, again = send_file(program), send_file(program)  # the boundaries between its parts are others each time
    assert said(again) == said(first)
    assert Upload.objects.count() == 1
    assert problem(send_file(program, "id,text\n1,Another\n"))["code"] == "key_reused"


def test_one_of_which_nobody_knows_how_far_it_came_is_not_done_again(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(uploads, "keep_upload", fail)
        assert problem(send_file(program))["status"] == 500
    told = problem(send_file(program))
    assert (told["status"], told["code"]) == (409, "key_in_use")
    assert Upload.objects.count() == 0
    send_file(program, key="k2")
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "a\tb", "\x7f", "\xe9"])
def test_a_key_that_cannot_be_kept_is_refused(program: Program, company: Company, key: str) -> None:
    [field] = problem(program.send(f"/companies/{company.pk}/override", key=key, **OVERRIDE))["fields"]
    assert field["field"] == "header.Idempotency-Key"
    assert StatusChange.objects.count() == 0


def test_a_day_later_the_key_is_forgotten(program: Program, company: Company) -> None:
    program.do(f"/companies/{company.pk}/override", key="k1", **OVERRIDE)
    row = KeyedWrite.objects.get()
    KeyedWrite.objects.update(begun_at=row.begun_at - timedelta(hours=25))
    program.do(f"/companies/{company.pk}/override", key="k1", **OVERRIDE)
    assert (KeyedWrite.objects.count(), StatusChange.objects.count()) == (1, 2)


def test_reading_takes_no_notice_of_a_key(program: Program) -> None:
    assert program.get("/stories", headers={"Idempotency-Key": "k1"}).status_code == 200
    assert KeyedWrite.objects.count() == 0
