"""What is exported reads back as it was, in each form; no cell is a formula; what is private has to be asked for."""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from pipeline.models import Conversation, Merge, Signature, Source, Theme
from pipeline.reports import exports
from pipeline.reports.exports import (
    FORMS,
    KINDS,
    Chosen,
    Exported,
    Row,
    UnknownExport,
    exported,
    plain_cell,
    pseudonym,
    told_cell,
    written,
)
from pipeline.sources.ingest import Import, import_files
from tests.support.commands import command
from tests.support.factories import (
    NOON,
    ConversationFactory,
    MergeFactory,
    OrphanFactory,
    SignatureFactory,
    SourceFactory,
    StoryFactory,
    alice,
    bob,
)

HOSTILE = (
    "=HYPERLINK(\"https://x\")", "+1", "-1+2", "@SUM(A1)", "\t=1", "'=1", "''=1", "'quoted'", "| pipe", "%x", "plain",
    'he said "no", twice\nand left', "日本語 😀", "0042", "1e5", "=", "'", "", "a,b;c\td", "<b>bold</b>",
)  # fmt: skip


def rows_of_texts() -> Exported:
    """Return rows that only hold hostile texts, a number, nothing and a list."""
    rows: list[Row] = [
        {"text": text, "number": n, "none": None, "list": [text, "x"], "is": n % 2 == 0}
        for n, text in enumerate(HOSTILE)
    ]
    return Exported("things", ("text", "number", "none", "list", "is"), rows)


def whole(asked: Exported, form: str) -> bytes:
    return b"".join(written(asked, form))


def read_csv(data: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return [{name: told_cell(value) for name, value in row.items()} for row in rows]


def read_sheet(data: bytes) -> list[dict[str, Any]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    found = []
    for name in book.sheet_names:
        head, *rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        found += [dict(zip(map(str, head), row, strict=True)) for row in rows]
    return found


# --- Forms --------------------------------------------------------------------------------------------------------


def test_json_and_jsonl_read_back_as_they_were() -> None:
    rows = list(rows_of_texts().rows)
    assert json.loads(whole(rows_of_texts(), "json")) == rows
    assert [json.loads(line) for line in whole(rows_of_texts(), "jsonl").decode().splitlines()] == rows
    assert json.loads(whole(Exported("things", ("a",), []), "json")) == []


def test_csv_reads_back_as_it_was_and_no_cell_is_a_formula() -> None:
    data = whole(rows_of_texts(), "csv")
    cells = [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) for cell in row]
    assert not [cell for cell in cells if cell.lstrip(" \t\r\n")[:1] in set("=+-@|%") or cell[:1] in ("\t", "\r")]
    assert [row["text"] for row in read_csv(data)] == list(HOSTILE)
    assert [row["number"] for row in read_csv(data)] == [str(n) for n in range(len(HOSTILE))]


def test_a_workbook_reads_back_as_it_was() -> None:
    found = read_sheet(whole(rows_of_texts(), "xlsx"))
    assert [row["text"] for row in found] == list(HOSTILE)
    assert [row["number"] for row in found] == list(range(len(HOSTILE)))
    assert [row["is"] for row in found] == [n % 2 == 0 for n in range(len(HOSTILE))]


def test_a_workbook_has_as_many_sheets_as_it_needs_and_cuts_what_no_cell_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 4)
    rows: list[Row] = [{"text": f"row {n}" if n else "x" * 40_000} for n in range(7)]
    data = whole(Exported("things", ("text",), rows), "xlsx")
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names == ["things", "things 2", "things 3"]
    texts = [row["text"] for row in read_sheet(data)]
    assert texts[1:] == [f"row {n}" for n in range(1, 7)]
    assert len(texts[0]) == exports.LONGEST_CELL
    assert texts[0].endswith("x […]")
    assert read_sheet(whole(Exported("things", ("text",), []), "xlsx")) == []


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "md"])
def test_a_file_is_written_while_its_rows_are_read(form: str) -> None:
    taken = itertools.count()

    def rows() -> Iterator[Row]:
        while True:  # without an end: whoever reads all before writing never comes back
            yield {"text": f"row {next(taken)} " + "x" * 100}

    assert len(next(written(Exported("things", ("text",), rows()), form))) >= exports.PIECE // 2
    assert next(taken) < 2000


def test_markdown_has_no_marks_of_the_texts() -> None:
    text = whole(Exported("things", ("text",), [{"text": "# a | b\n*c* <i>"}]), "md").decode()
    assert "| \\# a \\| b \\*c\\* \\<i\\> |" in text


def test_what_there_is_not_is_refused_at_once() -> None:
    with pytest.raises(UnknownExport, match="Choose one of stories, orphans"):
        exported("ponies")
    with pytest.raises(UnknownExport, match="Choose one of csv, xlsx"):
        written(rows_of_texts(), "pdf")
    with pytest.raises(UnknownExport, match="orphans cannot be filtered by customer"):
        exported("orphans", Chosen(customer="x"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_tells_what_it_was_made_of(text: str) -> None:
    assert told_cell(str(plain_cell(text))) == text


# --- Rows ---------------------------------------------------------------------------------------------------------


def rows_of(what: str, **chosen: Any) -> list[Row]:
    return list(exported(what, Chosen(**chosen)).rows)


@pytest.mark.django_db
def test_stories_are_told_with_their_figures_and_narrowed() -> None:
    largest, other = StoryFactory(conversations=4), StoryFactory(conversations=2, status="done")
    found = rows_of("stories")
    assert [(row["id"], row["conversations"], row["status"]) for row in found] == [(largest.pk, 4, "candidate")]
    assert found[0]["signature"] == largest.signature.key
    assert found[0]["quote"]
    assert [row["id"] for row in rows_of("stories", status="all")] == [largest.pk, other.pk]
    assert [row["id"] for row in rows_of("stories", status="done")] == [other.pk]
    run = other.first_run
    assert [row["id"] for row in rows_of("stories", status="all", run=run.pk)] == [other.pk]
    with pytest.raises(UnknownExport, match="no status"):
        rows_of("stories", status="dnoe")


@pytest.mark.django_db
def test_a_story_is_of_a_period_if_one_conversation_began_in_it() -> None:
    story = StoryFactory(conversations=2)
    before, after = story.evidence.order_by("pk")
    for evidence, days in ((before, -30), (after, 30)):
        Conversation.objects.filter(pk=evidence.conversation_id).update(occurred_at=NOON + timedelta(days=days))
    week = timedelta(days=7)
    assert rows_of("stories", since=NOON - week, until=NOON + week) == []
    assert len(rows_of("stories", since=NOON - 5 * week, until=NOON)) == 1


@pytest.mark.django_db
def test_orphans_say_what_they_need() -> None:
    orphan = OrphanFactory(conversations=2)
    [row] = rows_of("orphans")
    assert (row["id"], row["needs"], row["conversations"]) == (orphan.pk, "needs 2 more conversations", 2)
    assert rows_of("orphans", status="dismissed") == []
    assert rows_of("orphans", run=orphan.signature.created_run_id) == [row]


@pytest.mark.django_db
def test_themes_say_where_they_are() -> None:
    story = StoryFactory(conversations=2)
    found = rows_of("themes")
    assert [(row["signature"], row["story"], row["is_current"]) for row in found] == [
        (story.signature.key, story.title, True)
    ] * 2
    theme = Theme.objects.first()
    assert theme
    assert found[0]["quotes"] == [evidence.quote for evidence in theme.evidence.all()]


@pytest.mark.django_db
def test_the_merge_map_names_the_root_of_every_name() -> None:
    top, middle, leaf = SignatureFactory(), SignatureFactory(vector_sum=None), SignatureFactory(vector_sum=None)
    MergeFactory(child=leaf, parent=middle)
    MergeFactory(child=middle, parent=top, rule=Merge.PERSON, created_by=alice())
    found = {str(row["signature"]): row for row in rows_of("merges")}
    assert {name: row["root"] for name, row in found.items()} == {each.key: top.key for each in (top, middle, leaf)}
    assert (found[leaf.key]["merged_into"], found[middle.key]["merged_by"]) == (middle.key, "alice")
    assert len(found) == Signature.objects.count()


@pytest.mark.django_db
def test_private_data_is_left_out_unless_it_is_asked_for() -> None:
    said = "Write to ann.fernsby@example.org or call +44 20 7946 0958, says Ann Fernsby"
    ConversationFactory(
        messages=[{"role": "customer", "author": "Ann Fernsby", "text": said, "created_at": "2026-10-01T08:00:00Z"}],
        customer="Ann Fernsby", url="https://desk.example/ann", metadata={"mail": "ann.fernsby@example.org"},
    )  # fmt: skip
    hidden, shown = (json.dumps(rows_of("conversations", private=private)) for private in (False, True))
    assert not [word for word in ("ann.fernsby", "7946", "Fernsby", "desk.example") if word in hidden]
    assert [word for word in ("ann.fernsby", "7946", "Fernsby", "desk.example") if word in shown]
    assert pseudonym("Ann Fernsby") in hidden
    assert pseudonym("ANN FERNSBY") == pseudonym("Ann Fernsby")


# --- Round trips --------------------------------------------------------------------------------------------------


def stored(source: str) -> dict[str, Any]:
    """Return what is stored of the conversations of a source, but for the moments of import."""
    found = Conversation.objects.filter(source__name=source).select_related("current_version")
    return {
        row.external_id: (
            row.customer, row.occurred_at, row.url, row.label, row.metadata,
            row.current_version and [
                (each["role"], each.get("author") or "", each["text"]) for each in row.current_version.messages
            ],
        )
        for row in found
    }  # fmt: skip


@pytest.fixture
def garden() -> Source:
    """Conversations of several messages, of two customers, one with metadata."""
    source: Source = SourceFactory(kind="file", name="garden")
    for number in range(4):
        ConversationFactory(source=source, position=number, metadata={"plan": "gold"} if number == 1 else {})
    return source


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_conversations_can_be_imported_again_from_json(garden: Source, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"again.{form}"
    path.write_bytes(whole(exported("conversations", Chosen(private=True)), form))
    done = import_files(Import((str(path),)))
    assert (done.counts.new, done.counts.rejected) == (4, 0)
    assert stored("again") == stored("garden")


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_conversations_can_be_imported_again_from_a_table(garden: Source, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"again.{form}"
    path.write_bytes(whole(exported("conversations", Chosen(private=True)), form))
    done = import_files(Import((str(path),)))
    assert (done.counts.new, done.counts.rejected) == (4, 0)
    told: Callable[[dict[str, Any]], Any] = lambda rows: {  # noqa: E731
        key: (row[0], row[5]) for key, row in rows.items()
    }
    assert told(stored("again")) == told(stored("garden"))


# --- Doors --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_command_writes_a_whole_file_or_none(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = StoryFactory(conversations=2)
    path = tmp_path / "stories.xlsx"
    command("export", "stories", "--output", str(path))
    assert [row["title"] for row in read_sheet(path.read_bytes())] == [story.title]
    command("export", "stories", "--format", "jsonl")
    assert json.loads(capsysbinary.readouterr().out)["title"] == story.title

    def broken(_: Exported) -> Iterator[bytes]:
        yield b"begun"
        raise OSError("the disk is full")

    monkeypatch.setitem(exports.FORMS, "csv", exports.Form("text/csv", broken))
    with pytest.raises(OSError, match="full"):
        command("export", "stories", "--output", str(tmp_path / "new.csv"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["stories.xlsx"]
    with pytest.raises(CommandError, match="cannot be written"):
        command("export", "stories", "--output", str(tmp_path / "no" / "new.csv"))
    with pytest.raises(CommandError, match="There is no source 'file:none'"):
        command("export", "stories", "--source", "file:none")


@pytest.mark.django_db
def test_each_kind_in_each_form_is_an_address(client: Client) -> None:
    StoryFactory(conversations=2)
    OrphanFactory()
    client.force_login(alice())
    for what, form in itertools.product(KINDS, FORMS):
        answer = client.get(reverse("admin:export", args=[what, form]))
        assert answer.status_code == 200
        assert answer["Content-Type"] == FORMS[form].media_type
        assert len(answer.getvalue()) > 50, (what, form)
    assert client.get(reverse("admin:export", args=["stories", "pdf"])).status_code == 404
    assert client.get(reverse("admin:export", args=["ponies", "csv"])).status_code == 404
    assert client.get(reverse("admin:export", args=["orphans", "csv"]), {"customer": "x"}).status_code == 404


@pytest.mark.django_db
def test_who_may_not_see_a_kind_may_not_export_it(client: Client) -> None:
    client.force_login(bob())
    assert client.get(reverse("admin:export", args=["stories", "csv"])).status_code == 200
    bobs = bob()
    bobs.user_permissions.remove(*bobs.user_permissions.filter(codename="view_conversation"))
    client.force_login(bobs)
    assert client.get(reverse("admin:export", args=["conversations", "csv"])).status_code == 403
    assert client.get(reverse("admin:export", args=["stories", "csv"]), {"private": "1"}).status_code == 403
