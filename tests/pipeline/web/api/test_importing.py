"""Files and runs: uploaded, looked into, imported; runs previewed, watched and operated, through the one door."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings

from pipeline.models import Conversation, Item, Run, Source, Upload
from pipeline.runs import uploads
from pipeline.web.api.uploads import PIECE_BYTES
from tests.pipeline.web.api.programs import Program, problem, said, somebody
from tests.support.factories import ItemFactory, RunFactory
from tests.support.seeding import scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

CSV = "ticket,who,when,body\nT1,Ann,2026-03-04,The calendar shows it twice.\nT2,Ben,2026-03-05,No text came.\nT3,,,\n"


@pytest.fixture(autouse=True)
def _elsewhere(settings: Settings, tmp_path: Path) -> None:
    settings.UPLOADS_DIR = str(tmp_path / "uploads")


def upload(program: Program, text: str = CSV, name: str = "export.csv") -> Any:
    return said(program.client.post("/api/v1/uploads", {"file": SimpleUploadedFile(name, text.encode())}))


def imported(program: Program, token: str, **asked: Any) -> Any:
    """Ask for an import, do what a worker would, and return what is told of the upload then."""
    begun = program.send(f"/uploads/{token}/import", **asked)
    assert begun.status_code == 202, begun.content.decode()
    assert said(begun)["state"] == "importing"
    uploads.import_wanted(upload=Upload.objects.get(token=token))
    return program.read(f"/uploads/{token}")


def test_a_file_is_uploaded_looked_into_and_imported(program: Program) -> None:
    kept = upload(program)
    assert (kept["name"], kept["size"], kept["state"], kept["result"]) == ("export.csv", len(CSV), "kept", None)
    look = program.read(f"/uploads/{kept['token']}/look")
    assert (look["source"], look["is_known"], look["conversations"], look["rejected"]) == ("file:export", False, 2, 1)
    assert look["samples"][0]["messages"][0]["text"] == "The calendar shows it twice."
    assert not Source.objects.exists()
    told = imported(program, kept["token"], name="desk", map=["customer=who"])
    done = told["result"]
    assert (told["state"], told["rows"], told["error"]) == ("imported", 3, "")
    assert (done["source"], done["new"], done["rejected"]) == ("file:desk", 2, 1)
    assert len(done["rejects"]) == 1
    assert set(Conversation.objects.values_list("customer", flat=True)) == {"Ann", "Ben"}
    again = imported(program, kept["token"], name="desk", map=["customer=who"])["result"]
    assert (again["new"], again["unchanged"]) == (0, 2)
    assert program.read(f"/uploads/{kept['token']}/look", name="desk")["is_known"] is True
    assert program.read("/sources")["items"][0]["name"] == "file:desk"


def test_a_mapping_that_means_nothing_is_refused_in_words(program: Program) -> None:
    token = upload(program)["token"]
    wrong: tuple[dict[str, Any], ...] = (
        {"map": "nonsense=who"},
        {"map": "text=no such column"},
        {"date_format": "soon"},
    )
    for asked in wrong:
        told = problem(program.get(f"/uploads/{token}/look", **asked))
        assert (told["status"], told["code"]) == (422, "refused"), asked
    for mapping in ("nonsense=who", "text=no such column"):
        assert problem(program.send(f"/uploads/{token}/import", map=[mapping]))["status"] == 422, mapping
    assert program.read(f"/uploads/{token}")["state"] == "kept"
    assert not Source.objects.exists()


def test_a_file_that_is_none_is_refused(program: Program) -> None:
    token = upload(program, "\x00\x01\x02", "x.bin")["token"]
    assert problem(program.get(f"/uploads/{token}/look"))["status"] == 422
    assert problem(program.send(f"/uploads/{token}/import"))["status"] == 422
    assert not Source.objects.exists()


@pytest.mark.parametrize("text", ["", "{"])
def test_a_file_without_a_conversation_makes_no_source(program: Program, text: str) -> None:
    token = upload(program, text, "x.bin")["token"]
    assert program.read(f"/uploads/{token}/look")["conversations"] == 0
    assert imported(program, token)["result"]["source"] is None
    assert not Source.objects.exists()


def test_an_import_waits_for_a_run_that_reads(program: Program) -> None:
    run = RunFactory(state="running", heartbeat_at=timezone.now())
    token = upload(program)["token"]
    told = problem(program.send(f"/uploads/{token}/import", name=run.source.name))
    assert (told["status"], "already has a live run" in told["detail"]) == (409, True)


def test_progress_of_an_import_is_sent_again_only_when_something_changed(program: Program) -> None:
    token = upload(program)["token"]
    first = program.get(f"/uploads/{token}")
    known = {"If-None-Match": first["ETag"]}
    assert program.get(f"/uploads/{token}", headers=known).status_code == 304
    imported(program, token)
    changed = program.get(f"/uploads/{token}", headers=known)
    assert (changed.status_code, said(changed)["state"]) == (200, "imported")


# --- In pieces ----------------------------------------------------------------------------------------------------


def put(program: Program, token: str, begins: int, data: bytes) -> Any:
    where = f"/api/v1/uploads/{token}/bytes?begins={begins}"
    return program.client.put(where, data, content_type="application/octet-stream")


def test_a_large_file_comes_in_pieces_and_goes_on_where_it_was_interrupted(program: Program) -> None:
    token = program.do("/uploads/begin", name="export.csv", size=len(CSV))["token"]
    data, middle = CSV.encode(), 40
    assert problem(program.send(f"/uploads/{token}/import"))["status"] in (409, 422)  # it is not whole
    assert said(put(program, token, 0, data[:middle]))["size"] == middle
    for begins in (0, middle + 1):  # it came before, or too early
        told = problem(put(program, token, begins, data[begins:]))
        assert (told["status"], f"at byte {middle}" in told["detail"]) == (409, True)
    assert program.read(f"/uploads/{token}")["size"] == middle
    assert said(put(program, token, middle, data[middle:]))["state"] == "kept"
    assert imported(program, token, name="desk")["result"]["new"] == 2
    assert problem(put(program, token, len(data), b"x"))["status"] == 409


def test_what_cannot_be_a_piece_or_a_file_is_refused(program: Program, settings: Settings) -> None:
    settings.UPLOAD_LIMIT = 5_000_000
    assert (
        "files of up to 5,000,000 bytes" in problem(program.send("/uploads/begin", name="x", size=5_000_001))["detail"]
    )
    token = program.do("/uploads/begin", name="x.csv", size=4_000_000)["token"]
    for data in (b"", b"x" * (PIECE_BYTES + 1)):
        assert problem(put(program, token, 0, data))["status"] == 409
    assert said(put(program, token, 0, b"x" * PIECE_BYTES))["size"] == PIECE_BYTES


def test_a_worker_looks_into_a_large_file_and_imports_it(
    worker: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program()
    settings.UPLOADS_DIR = str(settings.LOCAL_DIR / "uploads")  # where the worker looks
    monkeypatch.setattr(uploads, "LOOKED_AT_ONCE", 10)
    token = upload(program)["token"]
    where = f"/uploads/{token}/look"
    assert program.get(where).status_code == 202
    until(lambda: program.get(where).status_code == 200, seconds=240)
    assert program.read(where)["conversations"] == 2
    until(lambda: program.get(where, map="text=no such column").status_code == 422, seconds=240)
    program.do(f"/uploads/{token}/import", name="desk")
    until(lambda: program.read(f"/uploads/{token}")["state"] == "imported", seconds=240)
    assert program.read(f"/uploads/{token}")["result"]["new"] == 2
    uploads.forget_upload(Upload.objects.get(token=token))


@pytest.mark.django_db
def test_an_import_whose_worker_died_is_sent_again_and_taken_by_one(program: Program) -> None:
    token = upload(program)["token"]
    row, now = Upload.objects.get(token=token), timezone.now()
    assert uploads.want_import(upload=row, said=uploads.Said())
    assert uploads.imports_to_send_again(now) == []  # its message is under way
    Upload.objects.update(heartbeat_at=now)
    assert uploads.import_wanted(upload=row) is None  # somebody is at it
    assert uploads.imports_to_send_again(now) == []
    Upload.objects.update(heartbeat_at=now - timedelta(hours=1))
    assert uploads.imports_to_send_again(now) == [row.pk]
    assert program.read(f"/uploads/{token}")["state"] == "importing"
    uploads.import_wanted(upload=row)
    assert program.read(f"/uploads/{token}")["state"] == "imported"
    row.refresh_from_db()
    Upload.objects.update(state="importing", heartbeat_at=None, sent_at=now - timedelta(hours=1))
    assert uploads.imports_to_send_again(now) == [row.pk]  # its message was lost


# --- Runs ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_run_is_counted_without_reading(program: Program) -> None:
    source = seed(scripts(2, 2))
    run = program.do("/runs/preview", source=str(source), extractor="scripted", limit=3, judge=True)
    assert (run["is_preview"], run["created_by"]) == (True, "the admin")
    assert (run["parameters"], run["judged_at"]) == ({"limit": 3, "judge": True}, None)
    assert program.read(f"/runs/{run['id']}/preview")["to_read"] == 3
    assert problem(program.get(f"/runs/{run['id']}/salvage"))["status"] == 409
    assert not Item.objects.exists()


@pytest.mark.django_db
def test_what_cannot_be_started_is_refused_in_words(program: Program, settings: Settings) -> None:
    settings.HEARTBEAT_PATIENCE = 0
    seed(scripts(2, 2))
    for body, status, words in (
        ({"source": "file:other"}, 409, "There is no source"),
        ({"source": "file:test", "profile": "nonsense"}, 409, "nonsense"),
        ({"source": "file:test", "extractor": "nonsense"}, 409, "nonsense"),
        ({"source": "file:test", "extractor": "scripted"}, 409, "cannot start"),
        ({"source": "file:test", "limit": 0}, 422, "body.limit"),
    ):
        told = problem(program.send("/runs", **body))
        assert (told["status"], words in told["detail"]) == (status, True), told
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_progress_is_sent_again_only_when_something_changed(program: Program) -> None:
    run = RunFactory(state="running", phase="extract")
    item = ItemFactory(run=run, state="pending")
    first = program.get(f"/runs/{run.pk}/progress")
    assert (said(first)["planned"], said(first)["finished"], said(first)["is_live"]) == (1, 0, True)
    known = {"If-None-Match": first["ETag"]}
    same = program.get(f"/runs/{run.pk}/progress", headers=known)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert same["X-RateLimit-Limit"]
    Item.objects.filter(pk=item.pk).update(state="failed", error_class="Timeout", finished_at=run.started_at)
    told = said(program.get(f"/runs/{run.pk}/progress", headers=known))
    assert (told["failed"], told["failures"][0]["error_class"]) == (1, "Timeout")


@pytest.mark.django_db
def test_a_run_is_stopped(program: Program) -> None:
    run = RunFactory(state="running", phase="extract")
    assert program.do(f"/runs/{run.pk}/stop", key="k1")["state"] == "stopping"
    assert program.do(f"/runs/{run.pk}/stop", key="k1")["state"] == "stopping"
    assert program.do(f"/runs/{run.pk}/stop", at_once=True)["state"] == "stopped"
    assert "only a run that is running" in problem(program.send(f"/runs/{run.pk}/stop"))["detail"]
    assert problem(program.send(f"/runs/{run.pk}/stories"))["status"] == 409


def test_a_run_is_started_watched_resumed_and_salvaged(worker: Worker) -> None:
    program = Program()
    source = seed([*scripts(1, 3), "nr 1 name=broken_once_fails problem=7 fail=1"])
    run = program.do("/runs", key="night", source=str(source), extractor="scripted")
    assert (run["source"], run["created_by"]) == ("file:test", somebody("admin").get_username())
    assert program.do("/runs", key="night", source=str(source), extractor="scripted")["id"] == run["id"]

    def ended() -> bool:
        return not program.read(f"/runs/{run['id']}/progress")["is_live"]

    until(ended, seconds=120)
    assert Run.objects.count() == 1
    assert program.read(f"/runs/{run['id']}")["finished"] == 4
    nothing = problem(program.send(f"/runs/{run['id']}/resume"))
    assert nothing["status"] == 409
    Item.objects.filter(run=run["id"], state="extracted").update(
        state="failed", error_class="Timeout", error="too slow", reason="timeout"
    )
    plan = program.read(f"/runs/{run['id']}/salvage", phase="extract")
    assert plan["failed"] >= 3
    again = program.do(f"/runs/{run['id']}/salvage", phase="extract")
    assert again["run"]["state"] == "running"
    assert again["plan"]["phase"] == "extract"
    until(ended, seconds=120)
    assert Item.objects.filter(run=run["id"], error_class="Timeout").count() == 0


@pytest.mark.django_db
def test_a_stopped_run_is_where_a_resume_begins(program: Program, settings: Settings) -> None:
    settings.HEARTBEAT_PATIENCE = 0
    run = start(seed(scripts(1, 3)))
    told = problem(program.send(f"/runs/{run.pk}/resume"))
    assert told["status"] == 409
    assert Run.objects.get().epoch == run.epoch
