"""Books as sources: every verse once, whatever way the file is written, and nothing taken for more than it is."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.extract.versions import versions
from pipeline.ledger.errors import RunError
from pipeline.ledger.plan import count_planned
from pipeline.ledger.transcript import transcript_of
from pipeline.models import Conversation, Run, Source
from pipeline.runs.create import Selection, create_run
from pipeline.sources.books import chapters as books_chapters
from pipeline.sources.books.selection import BadSelection, in_words, read_selection
from pipeline.sources.books.source import BooksSource
from pipeline.sources.ingest import Import, import_files
from pipeline.sources.records import Record, Reject, UnreadableSource

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"

RIVER = ["The river rose in the night.", "It came like a grey animal.", "Nobody had asked it in."]
FLUSS = ["Der Fluss stieg in der Nacht an.", "Er kam wie ein graues Tier.", "Niemand hatte ihn hereingebeten."]


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def chapter(number: int, texts: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"chapter": number, "verses": [{"v": v, "text": text} for v, text in enumerate(texts, start=1)], **more}


def osis(body: str, head: str = "") -> str:
    text = f'<osisText osisIDWork="X" xml:lang="en">{body}</osisText>'
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<osis>{text}</osis>'


def read(*paths: Path) -> tuple[list[Record], list[Reject], str]:
    source = BooksSource(list(paths), "river")
    rows = list(source.records())
    said = " ".join([str(source.summary), *source.summary.notes])
    return [row for row in rows if isinstance(row, Record)], [row for row in rows if isinstance(row, Reject)], said


def verses(record: Record) -> list[tuple[str, str]]:
    return [(message["unit"], message["text"]) for message in record.messages]


FORMS = {
    "chapters with verses": json.dumps(chapter(3, RIVER)),
    "verses as texts": json.dumps({"chapter": 3, "verses": RIVER}),
    "verses by number": json.dumps({"chapter": "3", "verses": {str(v): t for v, t in enumerate(RIVER, 1)}}),
    "a verse a line": "\n".join(json.dumps({"chapter": 3, "verse": v, "text": t}) for v, t in enumerate(RIVER, 1)),
    "verses in disorder": "\n".join(json.dumps({"chapter": 3, "verse": v, "text": RIVER[v - 1]}) for v in (3, 1, 2)),
    "a list": json.dumps([chapter(3, RIVER)], indent=2),
    "deep in an object": json.dumps({"book": "River", "chapters": [chapter(3, RIVER)]}),
    "paragraphs": json.dumps({"id": "x", "chapter": 3, "text": "\n\n".join(RIVER)}),
    "OSIS, verses that hold their text": osis(
        '<div type="book" osisID="River"><chapter osisID="River.3">'
        + "".join(f'<verse osisID="River.3.{v}">{t}</verse>' for v, t in enumerate(RIVER, 1))
        + "</chapter></div>"
    ),
    "OSIS, milestones": osis(
        "".join(
            f'<p><verse sID="River.3.{v}" osisID="River.3.{v}"/>{t}<verse eID="River.3.{v}"/></p>'
            for v, t in enumerate(RIVER, 1)
        )
    ),
    "OSIS, a word at a time": osis(
        "".join(
            f'<verse osisID="River.3.{v}">'
            + " ".join(f'<w lemma="x">{w[:2]}/{w[2:]}</w>' for w in t.split())
            + "</verse>"
            for v, t in enumerate(RIVER, 1)
        )
    ),
    "OSIS, with remarks": osis(
        "<header><work><title>About rivers</title></work></header>"
        + "".join(
            f'<title>On {v}</title><verse osisID="W:River.3.{v}">{t[:9]}<note>or: <p>other</p></note>{t[9:]}</verse>'
            for v, t in enumerate(RIVER, 1)
        )
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_it_reads_each_verse_once_in_whatever_form(tmp_path: Path, form: str, *, packed: bool) -> None:
    path = tmp_path / "river"
    path.write_bytes(gzip.compress(FORMS[form].encode()) if packed else FORMS[form].encode())
    (record,), rejects, _ = read(path)
    assert rejects == []
    assert verses(record) == [(f"3:{v}", text) for v, text in enumerate(RIVER, 1)]
    assert record.metadata == {"book": record.external_id[:-2], "chapter": 3, "verses": 3, "languages": ["en"]}
    assert record.external_id in ("River 3", "river 3")


def test_two_languages_stand_side_by_side_verse_by_verse(tmp_path: Path) -> None:
    english = lines(tmp_path / "en.jsonl", chapter(1, RIVER, lang="en"))
    german = lines(tmp_path / "de.jsonl", chapter(1, FLUSS, lang="de"))
    (record,), _, said = read(english, german)
    pairs = [(message["unit"], message["language"], message["text"]) for message in record.messages]
    assert pairs == [
        each for v in (1, 2, 3) for each in ((f"1:{v}", "en", RIVER[v - 1]), (f"1:{v}", "de", FLUSS[v - 1]))
    ]
    assert record.metadata is not None
    assert (record.metadata["verses"], record.metadata["languages"]) == (3, ["en", "de"])
    assert "Verses are aligned by their numbers." in said


def test_where_chapters_end_elsewhere_verses_meet_in_the_order_of_the_book(tmp_path: Path) -> None:
    english = lines(tmp_path / "en.jsonl", chapter(1, RIVER, lang="en"), chapter(2, RIVER[:1], lang="en"))
    german = lines(
        tmp_path / "de.jsonl", chapter(1, FLUSS[:2], lang="de"), chapter(2, [*FLUSS[2:], FLUSS[0]], lang="de")
    )
    (first, second), _, said = read(english, german)
    assert [message["author"] for message in first.messages[-2:]] == ["1:3", "2:1 (German)"]
    assert second.messages[-1]["text"] == FLUSS[0]
    assert "Chapters 1-2 are divided differently" in said


def test_a_verse_that_only_one_language_has_is_there_all_the_same(tmp_path: Path) -> None:
    english = lines(tmp_path / "en.jsonl", chapter(1, RIVER[:2], lang="en"))
    german = lines(tmp_path / "de.jsonl", chapter(1, FLUSS, lang="de"), chapter(2, FLUSS, lang="de"))
    (first, second), _, said = read(english, german)
    assert (first.messages[-1]["unit"], first.messages[-1]["language"]) == ("1:3", "de")
    assert (second.external_id, len(second.messages)) == ("river 2", 3)
    assert "check them" in said


def test_files_of_one_language_with_other_chapters_are_one_book(tmp_path: Path) -> None:
    (first, second), _, said = read(
        lines(tmp_path / "1.jsonl", chapter(1, RIVER)), lines(tmp_path / "2.jsonl", chapter(2, RIVER))
    )
    assert (first.external_id, second.external_id) == ("river 1", "river 2")
    assert "2 chapters and 6 verses in English" in said


def test_it_knows_the_language_where_the_file_does_not_say(tmp_path: Path) -> None:
    (record,), _, _ = read(lines(tmp_path / "x.jsonl", chapter(1, ["בראשית ברא המלך את הגן", "והגן היה ריק"])))
    assert {message["language"] for message in record.messages} == {"he"}


BROKEN = {
    "a verse twice": ([{"chapter": 1, "verses": [{"v": 1, "text": "a"}, {"v": 1, "text": "b"}]}], "appears twice"),
    "a chapter twice": ([chapter(1, RIVER), chapter(1, FLUSS)], "duplicate chapter: already in row 1"),
    "no number": ([chapter(1, RIVER), {"chapter": "one", "verses": RIVER}], "it has no chapter number"),
    "a verse without a number": ([{"chapter": 1, "verses": [{"v": "x", "text": "a"}]}], "no readable number"),
    "no text": ([chapter(1, RIVER), {"chapter": 2, "verses": []}], "no text"),
    "a NUL": ([{"chapter": 1, "verses": ["a\0b"]}], "NUL"),
    "an endless verse": ([{"chapter": 1, "verses": ["a" * 20_001]}], "longer than 20,000 characters"),
    "a number in words": ([chapter(1, RIVER), {"chapter": 1e300, "verses": RIVER}], "it has no chapter number"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_a_reject_with_its_reason(tmp_path: Path, case: str) -> None:
    rows, reason = BROKEN[case]
    _, rejects, _ = read(lines(tmp_path / "x.jsonl", *rows))
    assert len(rejects) == 1
    assert reason in rejects[0].reason


def test_a_line_that_is_no_json_costs_itself_alone(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", chapter(1, RIVER))
    path.write_text(
        path.read_text() + '{"chapter": 2, "verses": [{"v": 1, "te\n' + json.dumps(chapter(3, RIVER)) + "\n"
    )
    records, rejects, _ = read(path)
    assert [record.external_id for record in records] == ["river 1", "river 3"]
    assert len(rejects) == 1


def test_a_gap_between_verses_is_said(tmp_path: Path) -> None:
    rows = {"chapter": 1, "verses": {"1": RIVER[0], "4": RIVER[1]}}
    assert "has no verse 2-3." in read(lines(tmp_path / "x.jsonl", rows))[2]


WHOLE = osis("".join(f'<verse osisID="River.{c}.1">{RIVER[0]}</verse>' for c in (1, 2)))
HOSTILE = {
    "cut off": (WHOLE[: WHOLE.rindex("night")], ["River 1"], "ends in the middle of this chapter"),
    "entities": (osis("&a;", '<!DOCTYPE osis [<!ENTITY a "aaa">]>'), [], "entities"),
    "a billion laughs": (osis("&b;", '<!DOCTYPE osis [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'), [], "entities"),
    "too deep": (osis("<div>" * 300 + "</div>" * 300), [], "nested more than 200 deep"),
    "no place": (osis('<verse osisID="somewhere">x</verse>') , [], "has no readable reference"),
    "an endless verse": (osis(f'<verse osisID="R.1.1">{"a " * 60_000}</verse>'), [], "longer than 20,000 characters"),
    "an endless tag": (osis(f'<verse osisID="R.1.1" x="{"a" * 1_200_000}">x</verse>'), [], "a tag is longer"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_xml_is_refused_within_bounds(tmp_path: Path, case: str) -> None:
    text, kept, reason = HOSTILE[case]
    path = tmp_path / "x.xml"
    path.write_text(text)
    records, rejects, _ = read(path)
    assert [record.external_id for record in records] == kept
    assert any(reason in reject.reason for reject in rejects)


def test_damaged_gzip_keeps_what_came_and_not_the_chapter_it_breaks_in(tmp_path: Path) -> None:
    body = "".join(
        f'<verse osisID="River.{c}.{v}">{c * v} stones</verse>' for c in range(1, 200) for v in range(1, 200)
    )
    path = tmp_path / "x.xml.gz"
    packed = gzip.compress(osis(body).encode())
    path.write_bytes(packed[: len(packed) // 2])
    records, rejects, _ = read(path)
    assert 1 < len(records) < 199
    assert all(len(record.messages) == 199 for record in records)
    assert {"the file is damaged" in reject.reason or "in the middle" in reject.reason for reject in rejects} == {True}


@pytest.mark.parametrize(
    "text", ["", "just a line", '{"id": 1, "text": "no chapter"}\n', "<html><p>no book</p></html>", "\x00\x01\x02"]
)
def test_what_is_no_book_is_said_at_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(UnreadableSource, match="contains no readable book"):
        BooksSource(path).records()


def test_a_library_is_refused_before_memory_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sources.books.source.MOST_CHARACTERS", 1000)
    path = lines(tmp_path / "x.jsonl", *(chapter(number, RIVER) for number in range(1, 9)))
    with pytest.raises(UnreadableSource, match="too much for one book"):
        BooksSource(path).records()
    assert books_chapters.MOST_CHARACTERS > 4_500_000  # the whole Bible fits


# --- Which chapters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "ranges"),
    [
        ("5", ((5, 5),)), ("10-15", ((10, 15),)), ("1,3,5-7", ((1, 1), (3, 3), (5, 7))), ("all", ()), (" ALL ", ()),
        ("7, 5 - 6,1", ((1, 1), (5, 7))), ("1\u20133", ((1, 3),)), ("2,2,1-4", ((1, 4),)),
    ],
)  # fmt: skip
def test_it_reads_which_chapters_are_meant(words: str, ranges: object) -> None:
    assert read_selection(words) == ranges


@pytest.mark.parametrize(
    "words", ["", "0", "7-5", "x", "1-", "-3", "1;2", "1-99999", "1.5", "1,,2", "9" * 400, "1," * 2000]
)
def test_it_refuses_what_means_no_chapters(words: str) -> None:
    with pytest.raises(BadSelection):
        read_selection(words)


def test_chapters_are_told_in_short() -> None:
    assert in_words([1, 2, 3, 7]) == "1-3, 7"


@pytest.fixture
def river(tmp_path: Path, db: None) -> Source:
    path = lines(tmp_path / "river.jsonl", *(chapter(number, RIVER) for number in range(1, 13)))
    imported = import_files(Import((str(path),), kind="books"))
    assert imported.source is not None
    return imported.source


@pytest.mark.parametrize(("select", "count"), [("1-10", 10), ("5", 1), ("1,3,5-7", 5), ("all", 12), (None, 12)])
def test_a_run_reads_the_chapters_selected(river: Source, select: str | None, count: int) -> None:
    run = Run(source=river, profile="support", versions=versions("support", "scripted"))
    assert count_planned(run=run, window=Selection(select=select)).to_read == count


def test_a_selection_is_kept_with_its_run(river: Source) -> None:
    run = create_run(source=river, profile="support", extractor="scripted", selection=Selection(select="2,4"))
    chapters = run.items.order_by("id").values_list("conversation__metadata__chapter", flat=True)
    assert (run.parameters["select"], list(chapters)) == ("2,4", [2, 4])


@pytest.mark.django_db
def test_chapters_that_are_not_there_are_refused_before_a_row_is_written(river: Source) -> None:
    with pytest.raises(RunError, match="has no chapter 13-14; it has 1-12"):
        create_run(source=river, profile="support", extractor="scripted", selection=Selection(select="12-14"))
    talk = Source.objects.create(kind="file", name="talk")
    with pytest.raises(RunError, match="but file:talk has none"):
        create_run(source=talk, profile="support", extractor="scripted", selection=Selection(select="1"))
    assert not Run.objects.exists()


def test_an_import_again_changes_nothing_and_a_corrected_verse_one_chapter(river: Source, tmp_path: Path) -> None:
    path = tmp_path / "river.jsonl"
    assert import_files(Import((str(path),), kind="books")).counts.unchanged == 12
    path.write_text(
        path.read_text().replace(
            '"chapter": 7, "verses": [{"v": 1, "text": "The', '"chapter": 7, "verses": [{"v": 1, "text": "A'
        )
    )
    counts = import_files(Import((str(path),), kind="books")).counts
    assert (counts.updated, counts.unchanged) == (1, 11)


def test_nothing_of_a_book_is_left_out_as_repeated_or_quoted(river: Source) -> None:
    assert river.repeated_passages == []
    version = Conversation.objects.get(external_id="river 4").current_version
    assert version is not None
    stored = [*version.messages, {**version.messages[0], "text": "> On Monday he wrote:\n> Kind regards,\nthe king"}]
    assert all(message.own_text == message.text for message in transcript_of("x", stored).messages)


@pytest.mark.skipif(not SHARED.exists(), reason="the data sets beside the repository are not there")
def test_every_verse_of_ezekiel_is_there_once_in_both_languages() -> None:
    source = BooksSource([SHARED / "ezekiel_web.jsonl.gz", SHARED / "ezekiel_he.jsonl.gz"])
    records = [row for row in source.records() if isinstance(row, Record)]
    units = [message["unit"] for record in records for message in record.messages]
    assert len(records) == 48
    assert len(units) == 2 * 1273
    assert all(units.count(unit) == 2 for unit in set(units))
