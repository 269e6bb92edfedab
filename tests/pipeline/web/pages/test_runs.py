"""Runs on the pages: a file is looked at and corrected before anything is stored; a run is watched and operated."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from pipeline.models import Conversation, Item, Run, Source, Theme, Upload
from pipeline.runs import uploads
from pipeline.runs.schedule import assignment_of
from pipeline.runs.uploads import Said, Wanted
from tests.pipeline.web.pages.scenes import (
    LOOKING,
    address,
    as_shown,
    client_of,
    person,
    read,
    two_stories_and_an_orphan,
)
from tests.support.factories import CallFactory, ConversationFactory, ItemFactory, RunFactory, SourceFactory
from tests.support.seeding import finish, scripts, seed, start

pytestmark = pytest.mark.django_db

CSV = "ticket,who,when,body\nT1,Ann,2026-03-04,The calendar shows it twice.\nT2,Ben,2026-03-05,No text came.\nT3,,,\n"


@pytest.fixture
def operator() -> Client:
    return client_of(person("oscar", *LOOKING, "operate_run"))


@pytest.fixture(autouse=True)
def _elsewhere(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS_DIR = str(tmp_path / "uploads")
    settings.HEARTBEAT_PATIENCE = 0


def upload(client: Client, name: str = "export.csv", text: str = CSV) -> str:
    response = client.post(address("new_run"), {"file": SimpleUploadedFile(name, text.encode())})
    assert response.status_code == 303
    return str(response.headers["Location"])


def test_a_file_is_shown_as_it_was_understood_and_nothing_is_stored(operator: Client) -> None:
    page = read(operator, upload(operator))
    assert "2 conversations" in page
    assert "1 rejected row" in page
    assert "The calendar shows it twice." in page
    assert "Start" in page
    assert not Conversation.objects.exists()
    assert not Source.objects.exists()


def test_what_a_person_says_about_a_column_is_followed(operator: Client) -> None:
    where = upload(operator)
    page = read(operator, where, map_customer="body", map_text="who")
    assert "The calendar shows it twice." in page.split('id="mapping"')[0]
    assert 'value="body"' in page
    wrong = read(operator, where, map_text="no such column")
    assert 'role="alert"' in wrong or "could not" in wrong or "no such column" in wrong


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b\\c.csv", "....", "\u202ecsv.exe", "x" * 300, "nul\tname.csv"]
)
def test_a_file_lies_in_its_own_folder_whatever_it_is_called(operator: Client, settings: Any, name: str) -> None:
    read(operator, upload(operator, name))
    files = [path for path in Path(settings.UPLOADS_DIR).rglob("*") if path.is_file()]
    assert len(files) == 1
    assert files[0].parent.parent == Path(settings.UPLOADS_DIR)


@pytest.mark.parametrize("text", ["", "\x00\x01\x02", "just words", "{"])
def test_a_file_that_is_none_says_so(operator: Client, text: str) -> None:
    response = operator.post(address("new_run"), {"file": SimpleUploadedFile("x.bin", text.encode())}, follow=True)
    assert response.status_code == 200
    assert not Conversation.objects.exists()


def test_without_a_worker_nothing_starts_and_the_page_says_why(operator: Client) -> None:
    where = upload(operator)
    page = operator.post(
        f"{where}start/", {"profile": "support", "extractor": "scripted"}, follow=True
    ).content.decode()
    assert "cannot start" in page
    assert not Run.objects.exists()
    assert not Conversation.objects.exists()


# --- Large files, and what workers do -----------------------------------------------------------------------------


def test_a_large_file_comes_in_pieces_and_each_counts_once(operator: Client) -> None:
    text = CSV.encode()
    begun = operator.post(address("new_run_begin"), {"name": "big.csv", "size": len(text)}).json()

    def send(begins: int, data: bytes) -> Any:
        return operator.post(f"{begun['piece']}?begins={begins}", data, content_type="application/octet-stream")

    assert send(0, text[:50]).json() == {"next": 50}
    again = send(0, text[:50])
    assert (again.status_code, again.json()["next"]) == (409, 50)
    assert send(90, text[90:]).json()["next"] == 50
    assert "the upload was interrupted" in read(operator, begun["page"])
    assert send(50, b"x" * len(text)).status_code == 409  # more than it said it would be
    assert send(50, text[50:]).json() == {"next": len(text)}
    assert uploads.path_of(Upload.objects.get()).read_bytes() == text
    assert "2 conversations" in read(operator, begun["page"])
    other = client_of(person("olga", *LOOKING, "operate_run"))
    assert other.post(f"{begun['piece']}?begins=0", b"x", content_type="application/octet-stream").status_code == 404


@pytest.mark.parametrize("size", ["0", "-1", "", "many", str(10**14)])
def test_a_file_of_no_size_or_too_large_is_not_begun(operator: Client, size: str) -> None:
    response = operator.post(address("new_run_begin"), {"name": "x.csv", "size": size})
    assert response.status_code == 400
    assert "bytes" in response.json()["problem"]
    assert not Upload.objects.exists()


def test_a_worker_looks_at_a_large_file_once(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LOOKED_AT_ONCE", 10)
    where = upload(operator)
    assert "Looking at it" in read(operator, where)
    row = Upload.objects.get()
    assert row.look
    assert row.look is not None
    asked = row.look["asked"]
    assert operator.get(address("new_run_live", row.token)).headers.get("HX-Refresh") is None
    uploads.look_and_note(upload=row, said=Said(**asked))  # as the worker does
    assert operator.get(address("new_run_live", row.token)).headers["HX-Refresh"] == "true"
    shown = read(operator, where)
    assert "2 conversations" in shown
    assert "The calendar shows it twice." in shown
    assert "Looking at it" in read(operator, where, map_text="who")  # something else is said: it is looked at again
    row.refresh_from_db()
    uploads.look_and_note(upload=row, said=Said(**{**asked, "mapping": {"text": "no such column"}}))
    assert "no such column" in read(operator, where, map_text="no such column")


def wanted_upload(client: Client, **wanted: Any) -> tuple[str, Upload]:
    """Upload a file and note that its run is wanted, as the page does once workers have answered."""
    where = upload(client)
    row = Upload.objects.get()
    row.choice = uploads._storable(asdict(Wanted(Said(), "support", "scripted", **wanted)))
    row.state = Upload.State.IMPORTING
    row.save()
    return where, row


def test_a_worker_imports_an_upload_and_starts_its_run_once(operator: Client) -> None:
    where, row = wanted_upload(operator)
    assert "Importing" in read(operator, where)
    run = uploads.import_wanted(upload=row)
    assert run is not None
    row.refresh_from_db()
    assert (row.state, row.run, row.row_count) == ("started", run, 3)
    assert row.imported == "2 new, 0 updated, 0 unchanged, 1 rejected"
    assert len(row.rejects) == 1
    assert Conversation.objects.count() == 2
    assert Run.objects.get().created_by == row.created_by
    assert operator.get(where).headers["Location"] == address("run", run.pk)
    assert operator.get(address("new_run_live", row.token)).headers["HX-Redirect"] == address("run", run.pk)
    assert uploads.import_wanted(upload=row) is None  # a second delivery
    assert Run.objects.count() == 1


def test_an_import_that_fails_says_why_and_can_be_tried_again(operator: Client) -> None:
    where, row = wanted_upload(operator)
    RunFactory(source=SourceFactory(kind="file", name="export"), state="running", heartbeat_at=timezone.now())
    assert uploads.import_wanted(upload=row) is None
    row.refresh_from_db()
    assert row.state == "failed"
    shown = read(operator, where)
    assert 'role="alert"' in shown
    assert "Start <kbd>" in shown
    assert operator.get(address("new_run_live", row.token)).headers["HX-Refresh"] == "true"


def test_a_book_is_recognised_and_read_for_figures(operator: Client) -> None:
    rows = [{"book": "River", "chapter": 1, "verses": ["It rained.", "The water came like a grey animal."]}]
    shown = read(operator, upload(operator, "river.jsonl", "\n".join(map(json.dumps, rows))))
    assert "1 chapter" in shown
    assert "books:river" in shown
    assert "<option selected>figurative</option>" in shown
    as_file = read(operator, address("new_run_file", Upload.objects.get().token), kind="file")
    assert "<option selected>support</option>" in as_file


def test_a_source_is_read_for_what_its_kind_is_read_for(operator: Client) -> None:
    books = SourceFactory(kind="books", name="river")
    assert "<option selected>figurative</option>" in read(operator, address("new_run"), source=str(books.pk))
    again = RunFactory(source=books, profile="company")
    assert "<option selected>company</option>" in read(operator, address("new_run"), source=str(again.source_id))


def test_a_source_is_counted_without_reading_it(operator: Client) -> None:
    two_stories_and_an_orphan()
    source = Source.objects.get()
    sent = {"source": source.pk, "profile": "support", "extractor": "scripted", "do": "dry"}
    page = operator.post(address("new_run_source"), sent, follow=True).content.decode()
    assert "0 would be read" in page
    assert "9 are unchanged" in page
    assert Run.objects.filter(is_preview=True).count() == 1


def test_a_model_can_be_asked_to_judge_where_one_is_configured(operator: Client, settings: Any) -> None:
    two_stories_and_an_orphan()
    source = Source.objects.get()
    assert 'name="judge"' not in read(operator, address("new_run"), source=str(source.pk))
    settings.LLM_MODEL = "reading-model"
    shown = read(operator, address("new_run"), source=str(source.pk))
    assert "have reading-model judge pairs, groups and titles" in shown
    sent = {"source": source.pk, "profile": "support", "extractor": "scripted", "do": "dry", "judge": "on"}
    operator.post(address("new_run_source"), sent)
    assert Run.objects.get(is_preview=True).parameters["judge"] is True


def test_a_live_part_is_sent_again_only_when_something_changed(operator: Client) -> None:
    run = RunFactory(state="running", phase="extract")
    item = ItemFactory(run=run, state="pending")
    first = operator.get(address("run_live", run.pk))
    assert "0 of 1" in first.content.decode()
    known = {"if-none-match": first.headers["ETag"]}
    assert operator.get(address("run_live", run.pk), headers=known).status_code == 304
    Item.objects.filter(pk=item.pk).update(state="extracted", finished_at=item.claimed_at or run.started_at)
    assert operator.get(address("run_live", run.pk), headers=known).status_code == 200


def test_a_run_that_ended_shows_the_whole_page_again(operator: Client) -> None:
    run = two_stories_and_an_orphan()
    assert operator.get(address("run_live", run.pk)).headers["HX-Refresh"] == "true"
    page = read(operator, address("run", run.pk))
    assert "2 new, 0 grown" in page
    assert f"?run={run.pk}&amp;status=all" in page
    assert "What else was said" not in read(operator, address("run_report", run.pk))
    some = list(Theme.objects.filter(run=run).order_by("id")[:3])
    for theme, details in zip(some, [{"severity": "high", "root_cause": "x"}, {"severity": "low"}, None], strict=True):
        Theme.objects.filter(pk=theme.pk).update(details=details)
    report = read(operator, address("run_report", run.pk))
    assert "Groups by size" in report
    told = " ".join(re.sub(r"<[^>]+>", " ", report).split())
    count = Theme.objects.filter(run=run).count()
    assert f"severity 2 of {count} " in told
    assert "high 1 , low 1" in told or "high 1, low 1" in told
    assert f"root cause 1 of {count} " in told
    assert "in free words" in told


def test_failures_are_told_by_class_and_lead_to_their_conversations(operator: Client) -> None:
    run = RunFactory(state="completed_with_errors")
    for number in range(3):
        ItemFactory(run=run, state="failed", error_class="Timeout" if number else "Refused", error="too slow")
    page = read(operator, address("run", run.pk))
    assert "2 could not be read" in page
    assert "Retry these" in page
    listed = read(operator, address("run_items", run.pk), **{"class": "Timeout"})
    assert listed.count("data-row") == 2
    assert operator.get(address("run_items", run.pk), {"state": "nonsense"}).status_code == 404


def test_a_running_run_is_stopped_and_only_by_who_may(operator: Client) -> None:
    run = RunFactory(state="running", phase="extract")
    viewer = client_of(person("vera", *LOOKING))
    assert viewer.post(address("run_act", run.pk), {"do": "stop"}).status_code == 403
    assert 'name="do"' not in read(viewer, address("run", run.pk))
    page = operator.post(address("run_act", run.pk), {"do": "stop"}, follow=True).content.decode()
    assert "will stop after the conversations in progress" in page
    run.refresh_from_db()
    assert run.state == "stopping"
    operator.post(address("run_act", run.pk), {"do": "stop_now"})
    run.refresh_from_db()
    assert run.state == "stopped"
    refused = operator.post(address("run_act", run.pk), {"do": "stop"}, follow=True).content.decode()
    assert "only a run that is running can be stopped" in refused


def test_a_run_shows_what_each_step_cost_beside_what_was_expected(operator: Client) -> None:
    expected = {"calls": 2, "tokens": 2_400, "input_tokens": 2_000, "output_tokens": 400, "dollars": 0.0061}
    run = RunFactory(extractor="llm", preview={"estimate": {"steps": {"classify": expected, "validate": expected}}})
    spent = {"model": "some-model", "input_tokens": 1_700, "cached_tokens": 300, "output_tokens": 90, "cost": "0.0042"}
    CallFactory(item=ItemFactory(run=run), step="classify", **spent)
    CallFactory(item=ItemFactory(run=run), step="extract", **{**spent, "cost": None})
    page = re.sub(r"<[^>]+>|\s+", " ", read(operator, address("run", run.pk)))
    page = " ".join(page.split())
    assert "Questions to the language model" in page
    assert "classify some-model 1 1,700 300 90 $0.0042 2 calls, 2,400 tokens, $0.0061" in page
    assert "extract some-model 1 1,700 300 90 unknown" in page
    assert "validate not asked 2 calls" in page
    assert "Questions to" not in read(operator, address("run", RunFactory(extractor="local").pk))


def test_schedules_are_added_paused_and_removed(operator: Client) -> None:
    source = SourceFactory(name="nightly")
    add = {"do": "add", "name": "every night", "source": str(source), "when": "0 3 * * *", "days": "30"}
    page = as_shown(operator.post(address("schedules_act"), add, follow=True).content.decode())
    assert "every night" in page
    assert "the last 30 days" in page
    operator.post(address("schedules_act"), {"do": "pause", "name": "every night"})
    assert not PeriodicTask.objects.get(name="every night").enabled
    wrong = operator.post(address("schedules_act"), {**add, "when": "whenever"}, follow=True).content.decode()
    assert "is not an interval" in wrong
    operator.post(address("schedules_act"), {"do": "remove", "name": "every night"})
    assert not PeriodicTask.objects.filter(name="every night").exists()


def test_a_schedule_with_a_language_model_has_a_budget_and_may_judge(operator: Client, settings: Any) -> None:
    settings.LLM_MODEL = "fake-model"
    source = SourceFactory(name="nightly")
    add = {"do": "add", "name": "nightly", "source": str(source), "when": "1d", "extractor": "llm", "judge": "on"}
    refused = operator.post(address("schedules_act"), {**add, "budget": "much"}, follow=True).content.decode()
    assert "not an amount in dollars" in refused
    assert not PeriodicTask.objects.filter(name="nightly").exists()
    page = as_shown(operator.post(address("schedules_act"), {**add, "budget": "$2.50"}, follow=True).content.decode())
    assert "read by llm, judged by a language model, at most $2.50 a run" in page
    made = assignment_of(PeriodicTask.objects.get(name="nightly"))
    assert (made.extractor, made.judge, made.budget) == ("llm", True, "2.50")


def test_an_upload_is_forgotten_after_a_week(operator: Client, settings: Any) -> None:
    where = upload(operator)
    row = Upload.objects.get()
    Upload.objects.filter(pk=row.pk).update(created_at=row.created_at.replace(year=2020))
    upload(operator, "other.csv")
    assert "upload it again" in read(operator, where)


def test_a_report_names_what_changed_and_how_much_of_the_source_was_read(operator: Client) -> None:
    before = two_stories_and_an_orphan()
    seed(scripts(1, 3, confidence=0.8))
    after = finish(start(before.source))
    ConversationFactory(source=before.source, text="Nobody has read this.")
    report = " ".join(re.sub(r"<[^>]+>", " ", read(operator, address("run_report", after.pk))).split())
    assert "1 not read yet" in report
    assert f"Against run {before.pk}" in report
    assert "grown" in report
    what_if = read(operator, address("run_whatif", after.pk))
    assert "(as it is)" in what_if
    assert 'role="img"' in what_if
