"""A file becomes records and rejects; no database is involved."""

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from pipeline.sources.file import FileSource
from pipeline.sources.formats import Options
from pipeline.sources.records import Record, RecordSource, Reject, UnknownSource, UnreadableSource, get_source

LIMIT = 2000
Read = Callable[..., list[Record | Reject]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write bytes to a file and return what the source makes of it."""

    def read(content: bytes | str, name: str = "export", **options: Any) -> list[Record | Reject]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(FileSource(path, **options).records())

    return read


def record(found: Record | Reject) -> Record:
    assert isinstance(found, Record), found
    return found


def reject(found: Record | Reject) -> Reject:
    assert isinstance(found, Reject), found
    return found


def seen(found: list[Record | Reject]) -> list[tuple[int, str]]:
    """Return line and id of the records, line and reason of the rejects."""
    return [(each.line, each.external_id if isinstance(each, Record) else each.reason) for each in found]


def json_line(**fields: object) -> str:
    return json.dumps({"id": "c-1", "text": "Hello", **fields}) + "\n"


def only(read: Read, **fields: object) -> Record:
    (found,) = read(json_line(**fields))
    return record(found)


def reason(read: Read, line: str | bytes) -> str:
    good = json_line(id="good").encode()
    found = read(good + (line.encode() if isinstance(line, str) else line) + b"\n" + good.replace(b"good", b"better"))
    assert [each.line for each in found] == [1, 2, 3]
    assert isinstance(found[0], Record)
    assert isinstance(found[2], Record)
    return reject(found[1]).reason


# --- Formats ------------------------------------------------------------------------------------------------------

TABLE = 'id,text\n1,"Hello, you"\n2,"two\nlines"\n'
FORMATS = {
    "jsonl": '{"id": 1, "text": "Hello, you"}\n{"id": 2, "text": "two\\nlines"}\n',
    "jsonl without a last newline": '{"id": 1, "text": "Hello, you"}\n{"id": 2, "text": "two\\nlines"}',
    "jsonl with windows newlines": '{"id": 1, "text": "Hello, you"}\r\n{"id": 2, "text": "two\\nlines"}\r\n',
    "array": '[{"id": 1, "text": "Hello, you"},\n {"id": 2, "text": "two\\nlines"}]',
    "array on one line": '[{"id":1,"text":"Hello, you"},{"id":2,"text":"two\\nlines"}]\n',
    "csv": TABLE,
    "csv with windows newlines": 'id,text\r\n1,"Hello, you"\r\n2,"two\nlines"\r\n',
    "csv with semicolons": 'id;text\n1;"Hello, you"\n2;"two\nlines"\n',
    "csv with tabs": 'id\ttext\n1\tHello, you\n2\t"two\nlines"\n',
}


@pytest.mark.parametrize("prefix", ["", "\ufeff", "\n \n"], ids=["plain", "byte order mark", "blank lines first"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS.keys())
def test_it_knows_a_format_by_its_content(
    read: Read, content: str, pack: Callable[[bytes], bytes], prefix: str
) -> None:
    found = [record(each) for each in read(pack((prefix + content).encode()), name="misleading.txt")]
    assert [(each.external_id, each.messages[0]["text"]) for each in found] == [
        ("1", "Hello, you"),
        ("2", "two\nlines"),
    ]


def test_it_counts_the_lines_before_the_first_row(read: Read) -> None:
    assert seen(read("\n\n" + json_line() + "\n" + json_line(id="c-2"))) == [(3, "c-1"), (5, "c-2")]


def test_it_finds_nothing_in_an_empty_file(read: Read) -> None:
    assert read("") == read(" \n\n") == read("[]") == read("id,text\n") == read(gzip.compress(b"")) == []


@pytest.mark.parametrize(
    "content",
    [b"\x7fELF\0\0\0", b"just words"],
)
def test_it_refuses_an_unknown_format_in_one_sentence(read: Read, content: bytes) -> None:
    with pytest.raises(UnreadableSource, match=r"export is not in a known format.*bring-your-data"):
        read(content)


def test_it_refuses_what_only_begins_like_gzip(read: Read) -> None:
    with pytest.raises(UnreadableSource, match="cannot be unpacked"):
        read(b"\x1f\x8b\x08 not really")


def test_it_refuses_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match=r"none\.jsonl cannot be read: No such file or directory"):
        FileSource(tmp_path / "none.jsonl").records()
    with pytest.raises(UnreadableSource, match="is a folder without files"):
        FileSource(tmp_path).records()


def test_it_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(gzip.compress(json_line().encode()))))
    monkeypatch.setattr(sys, "stdin", stdin)
    source = FileSource("-")
    assert (source.name, seen(list(source.records()))) == ("stdin", [(1, "c-1")])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/export.jsonl", "export"),
        ("export.jsonl.gz", "export"),
        ("e.v2.csv.gz", "e.v2"),
        ("dump", "dump"),
        ("a.b", "a.b"),
    ],
)
def test_it_is_named_after_its_file(path: str, name: str) -> None:
    assert FileSource(path).name == name
    assert FileSource(path, "other").name == "other"


def test_it_is_found_by_its_kind() -> None:
    source: RecordSource = get_source("file")("a.jsonl")
    assert isinstance(source, FileSource)
    known = ", ".join(sorted(settings.SOURCES))
    with pytest.raises(UnknownSource, match=f"no kind of source 'fax'. Kinds: {known}"):
        get_source("fax")


# --- Fields -------------------------------------------------------------------------------------------------------


def test_it_takes_all_fields(read: Read) -> None:
    found = only(
        read, customer=17, url="https://a.example/1", label="sync", created_at="2026-03-01T10:00:00+02:00",
        classified_at=1_772_000_000, metadata={"plan": "pro", "tier": "own"}, tier="unknown field", tags=["a"],
    )  # fmt: skip
    assert (found.customer, found.url, found.label) == ("17", "https://a.example/1", "sync")
    assert found.occurred_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert found.classified_at == datetime.fromtimestamp(1_772_000_000, tz=UTC)
    assert found.metadata == {"plan": "pro", "tier": "own", "tags": ["a"]}


def test_it_takes_null_and_empty_for_absent(read: Read) -> None:
    names = ("customer", "url", "label", "created_at", "classified_at", "metadata", "messages")
    found = only(read, **dict.fromkeys(names))
    assert (found.customer, found.url, found.label, found.metadata) == ("", "", "", {})
    assert (found.occurred_at, found.classified_at) == (None, None)
    assert only(read, created_at="", classified_at="").occurred_at is None


@pytest.mark.parametrize(
    ("given", "taken"), [(7, "7"), (1.5, "1.5"), (10**30, str(10**30)), ("  x ", "x"), ("é" * 200, "é" * 200)]
)
def test_it_takes_ids_as_text(read: Read, given: object, taken: str) -> None:
    assert only(read, id=given).external_id == taken
    (in_array,) = read(json.dumps([{"id": given, "text": "Hello"}]))
    assert record(in_array).external_id == taken


def test_it_makes_a_text_one_message_of_the_customer(read: Read) -> None:
    assert only(read).messages == [{"role": "customer", "author": "", "text": "Hello", "created_at": ""}]


def test_it_prefers_messages_and_keeps_the_text_beside_them(read: Read) -> None:
    found = only(read, messages=[{"text": "one"}, {"text": " "}, {"content": "two"}, {"role": "agent"}])
    assert [message["text"] for message in found.messages] == ["one", "two"]
    assert found.metadata == {"text": "Hello"}


def test_it_takes_the_first_message_s_time_if_the_record_has_none(read: Read) -> None:
    messages = [
        {"text": "a"},
        {"text": "b", "created_at": "2026-03-01 10:00"},
        {"text": "c", "created_at": "2026-02-01"},
    ]
    found = only(read, messages=messages)
    assert found.occurred_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert [each["created_at"] for each in found.messages] == [
        "",
        "2026-03-01T10:00:00+00:00",
        "2026-02-01T00:00:00+00:00",
    ]


SPEAKERS: list[tuple[list[dict[str, str]], list[tuple[str, str]]]] = [
    ([{"role": word} for word in ("user", "Client", " REQUESTER", "customer")], [("customer", "")] * 4),
    ([{"role": word} for word in ("assistant", "support", "Staff", "operator", "admin", "agent")], [("agent", "")] * 6),
    ([{"role": "Overlord"}, {"role": "system"}], [("overlord", ""), ("system", "")]),
    (
        [{"role": "user", "author": "Alice"}, {"role": "support", "author": "Bob"}],
        [("customer", "Alice"), ("agent", "Bob")],
    ),
    ([{"author": "User"}, {"author": "bot"}], [("customer", ""), ("bot", "")]),
    (
        [{"author": "Alice"}, {"author": "Bob"}, {"author": "Alice"}],
        [("customer", "Alice"), ("", "Bob"), ("customer", "Alice")],
    ),
    ([{"role": "agent"}, {"author": "Bob"}, {"author": "Acme"}], [("agent", ""), ("", "Bob"), ("customer", "Acme")]),
    ([{}, {}], [("customer", "")] * 2),
]


@pytest.mark.parametrize(("given", "taken"), SPEAKERS)
def test_it_names_the_speakers(read: Read, given: list[dict[str, str]], taken: list[tuple[str, str]]) -> None:
    found = only(read, customer="Acme", messages=[{**each, "text": "Hello"} for each in given])
    assert [(each["role"], each["author"]) for each in found.messages] == taken


# --- Bad rows -----------------------------------------------------------------------------------------------------

BAD = [
    ('{"id": "1", "text": ', "broken JSON: EOF while parsing a value at its end"),
    ("hello", "broken JSON: expected value at column 1"),
    ("[1]", "the record is not an object"),
    ('"text"', "the record is not an object"),
    ("null", "the record is not an object"),
    ('{"id": "' + 201 * "x" + '", "text": "a"}', "id is longer than 200 characters"),
    ('{"id": "1"}', "no text"),
    ('{"id": "1", "text": null}', "no text"),
    ('{"id": "1", "text": " \\n"}', "no text"),
    ('{"id": "1", "messages": []}', "no text"),
    ('{"id": "1", "messages": [{"role": "user", "text": ""}]}', "no text"),
    ('{"id": "1", "text": 5}', "text is not a string"),
    ('{"id": "1", "messages": "a"}', "messages is not a list"),
    ('{"id": "1", "messages": [{"content": {"a": 1}}]}', "content of message 1 is not a string"),
    ('{"id": "1", "text": "a\\u0000b"}', "it contains a NUL character, which cannot be stored"),
    ('{"id": "1", "text": "a", "metadata": {"deep": ["\\\\\\u0000"]}}', "it contains a NUL character"),
    (b'{"id": "1", "text": "a\0b"}', "it contains a NUL byte, which cannot be stored"),
    (b'{"id": "1", "text": "\xc3\xa9 caf\xe9"}', "invalid UTF-8 at byte 28"),
    ('{"id": "1", "text": "\\ud800"}', "broken JSON: "),
    ('{"id": "1", "text": "a", "deep": ' + 500 * "[" + 500 * "]" + "}", "broken JSON: recursion limit exceeded"),
]


# What is not quite as ours are costs no row: it is read as any JSON is.
ODD = [
    '{"text": "Hello"}',
    '{"id": null, "text": "Hello"}',
    '{"id": ["a"], "text": "Hello"}',
    '{"id": "1", "text": ["Hello"]}',
    '{"id": "1", "messages": ["Hello"], "text": "Hello"}',
    '{"id": "1", "messages": [{"text": "Hello"}, {"text": null}]}',
    '{"id": "1", "messages": [{"text": "Hello", "created_at": "soon"}]}',
    '{"id": "1", "text": "Hello", "created_at": "yesterday"}',
    '{"id": "1", "text": "Hello", "created_at": ["2026"]}',
    '{"id": "1", "text": "Hello", "created_at": 1e40}',
    '{"id": "1", "text": "Hello", "created_at": "0001-01-01T00:00:00+14:00"}',
    '{"id": "1", "text": "Hello", "classified_at": "13/13/2026"}',
    '{"id": "1", "text": "Hello", "customer": {"name": "Alice"}}',
    '{"id": "1", "text": "Hello", "label": [], "url": 5, "metadata": [1]}',
]


@pytest.mark.parametrize("line", ODD)
def test_odd_fields_cost_no_row(read: Read, line: str) -> None:
    first, found = read(json_line(id="good") + line + "\n")
    assert record(first).external_id == "good"
    assert [each["text"] for each in record(found).messages] == ["Hello"]
    assert record(found).occurred_at is None
    assert record(found).external_id


@pytest.mark.parametrize(("line", "expected"), BAD)
def test_it_rejects_a_bad_line_and_goes_on(read: Read, line: str | bytes, expected: str) -> None:
    assert reason(read, line).startswith(expected)


def test_it_does_not_take_a_written_backslash_for_nul(read: Read) -> None:
    assert only(read, text="a literal \\u0000 is fine").messages[0]["text"] == "a literal \\u0000 is fine"


def test_a_reject_carries_what_is_known(read: Read) -> None:
    (found,) = read(json_line(id=17, text=5, more="x" * 900))
    assert reject(found).external_id == "17"
    assert len(reject(found).raw) == 500
    assert reject(found).raw.startswith('{"id": 17, "text": 5')


@pytest.fixture
def _short_limit(settings: Any) -> None:
    settings.MAX_RECORD_BYTES = LIMIT


@pytest.mark.usefixtures("_short_limit")
@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 100])
def test_it_rejects_a_long_line_and_goes_on(read: Read, size: int) -> None:
    assert reason(read, "{" + "x" * (size - 1)) == "the line is longer than 2,000 bytes"


@pytest.mark.usefixtures("_short_limit")
def test_it_takes_a_line_of_just_the_limit(read: Read) -> None:
    line = json_line(text="x" * (LIMIT - len(json_line(text="")) + 1))
    assert len(line.rstrip()) == LIMIT
    assert seen(read(line)) == [(1, "c-1")]


def test_the_limit_is_ten_megabytes(read: Read) -> None:
    long = json_line(id="long", text="x" * 11 * 1024 * 1024)
    assert seen(read(json_line() + long + json_line(id="c-3"))) == [
        (1, "c-1"), (2, "the line is longer than 10,485,760 bytes"), (3, "c-3"),
    ]  # fmt: skip


# --- Arrays -------------------------------------------------------------------------------------------------------


def test_it_counts_the_elements_of_an_array_and_goes_on_after_a_bad_one(read: Read) -> None:
    found = read('[{"id": 1, "text": "a"}, 5, {"id": 2}, {"id": 3, "text": "a", "n": 1e400}, {"id": 4, "text": "a"}]')
    assert seen(found)[0] == (1, "1")
    assert seen(found)[1:3] == [(2, "it is not an object but a single value"), (3, "no text")]
    assert seen(found)[3:] == [(4, "3"), (5, "4")]
    assert record(found[3]).metadata == {}
    assert {each.unit for each in found} == {"element"}


@pytest.mark.parametrize(
    "rest", [b'{"id": 3,}', b"oops", b'{"id": 3, "text": "a"', b"", b"1e" + b"9" * 30 + b"]", b"9" * 9999 + b"]"]
)
def test_a_syntax_error_at_the_end_of_an_array_is_one_reject(read: Read, rest: bytes) -> None:
    found = read(b'[{"id": 1, "text": "a"}, {"id": 2, "text": "b"}, ' + rest)
    assert seen(found)[:2] == [(1, "1"), (2, "2")]
    assert all(isinstance(each, Reject) for each in found[2:])
    assert 1 <= len(found[2:]) <= 2


def test_a_syntax_error_within_an_array_costs_its_element(read: Read) -> None:
    found = read(b'[{"id": 1, "text": "a"}, {"id": 2 "text": "b"}, {"id": 3, "text": "c"}]')
    assert [each.external_id for each in found if isinstance(each, Record)] == ["1", "3"]
    assert reject(found[1]).reason.startswith("broken JSON: ")


def test_what_follows_an_array_is_read_too(read: Read) -> None:
    assert [each.external_id for each in read('[{"id": 1, "text": "a"}] {"id": 2, "text": "b"}')] == ["1", "2"]


@pytest.mark.parametrize(
    ("byte", "expected"),
    [
        (b"\xe9", "invalid UTF-8"),
        (b"\0", "it contains a NUL byte"),
        (b"\\u0000", "it contains a NUL"),
    ],
)
def test_a_bad_byte_costs_an_array_only_the_element(read: Read, byte: bytes, expected: str) -> None:
    found = read(b'[{"id": 1, "text": "a"}, {"id": 2, "text": "b' + byte + b'"}, {"id": 3, "text": "\xc3\xa9"}]')
    assert [isinstance(each, Record) for each in found] == [True, False, True]
    assert reject(found[1]).reason.startswith(expected)


@pytest.mark.usefixtures("_short_limit")
def test_it_rejects_a_long_element_and_goes_on(read: Read) -> None:
    found = read(json.dumps([{"id": 1, "text": "a"}, {"id": 2, "text": "x" * LIMIT}, {"id": 3, "text": "a"}]))
    assert seen(found) == [(1, "1"), (2, "it is longer than 2,000 bytes"), (3, "3")]


# --- CSV ----------------------------------------------------------------------------------------------------------


def test_it_takes_the_columns_of_a_table(read: Read) -> None:
    content = (
        "ticket,id,body,customer,created_at,label,plan,metadata\n"
        '7,x,Hello,acme,2026-03-01 10:00,sync,pro,"{""a"": 1}"\n'
        "8,,Hi,,,,,\n"
        "9,,Ho,,,,,free words\n"
    )
    full, empty, words = map(record, read(content, options=Options({"id": "ticket", "text": "body"})))
    assert (full.external_id, full.customer, full.label) == ("7", "acme", "sync")
    assert full.occurred_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert full.metadata == {"id": "x", "plan": "pro", "a": 1}
    assert (empty.external_id, empty.customer, empty.occurred_at, empty.metadata) == ("8", "", None, {})
    assert words.metadata == {"metadata": "free words"}


@pytest.mark.parametrize("cell", [r'{"a": "\ud800"}', "[" * 100_000, "9" * 10_000, "NaN"])
def test_it_keeps_as_text_what_is_no_object(read: Read, cell: str) -> None:
    file = io.StringIO()
    csv.writer(file).writerows([["id", "text", "metadata"], [1, "Hello", cell]])
    (found,) = read(file.getvalue())
    assert record(found).metadata == {"metadata": cell}


def test_it_takes_a_field_beyond_128_kilobytes(read: Read) -> None:
    text = "word, \n" * 100_000
    file = io.StringIO()
    csv.writer(file).writerows([["id", "text"], [1, text], [2, "short"]])
    found = [record(each) for each in read(file.getvalue())]
    assert [each.messages[0]["text"] for each in found] == [text, "short"]
    assert [each.line for each in found] == [2, 100_003]


BAD_ROWS = [
    ("2", "no text"),
    ("2,", "no text"),
    (b"2,a\0b", "it contains a NUL character"),
    ("2," + "x" * LIMIT, "the line is longer than 2,000 characters"),
]


@pytest.mark.usefixtures("_short_limit")
@pytest.mark.parametrize(("row", "expected"), BAD_ROWS)
def test_a_bad_row_costs_a_table_only_itself(read: Read, row: str | bytes, expected: str) -> None:
    middle = row.encode() if isinstance(row, str) else row
    found = read(b"id,text\n1,before\n" + middle + b'\n\n3,after\n4,"quoted, too"\n')
    assert (found[0].line, found[1].line) == (2, 3)
    assert reject(found[1]).reason.startswith(expected)
    assert [each.external_id for each in found if isinstance(each, Record)] == ["1", "3", "4"]


# --- Damage -------------------------------------------------------------------------------------------------------


def test_it_reads_a_damaged_gzip_file_up_to_the_damage(read: Read) -> None:
    packed = gzip.compress("".join(json_line(id=n, more=str(n) * 20) for n in range(50_000)).encode())
    found = read(packed[: len(packed) // 2])
    assert len(found) > 1000
    assert all(isinstance(each, Record) for each in found[:-1])
    assert reject(found[-1]).reason.startswith(f"the file is damaged after line {len(found) - 1}; the rest")


# --- Encodings ----------------------------------------------------------------------------------------------------

LETTERS = {
    "cp1252": ("Die Tür der Spülmaschine schließt nicht", "Möchte die Rückgabe prüfen", "Größere Störung über Nacht"),
    "cp1251": ("Дверь не закрывается", "Лампа мигает каждый вечер", "Где мой заказ"),
    "cp932": ("表の列が表示されません", "ランプが点滅しています", "ドアが閉まりません"),
}


@pytest.mark.parametrize("encoding", LETTERS)
@pytest.mark.parametrize("is_lines", [True, False])
def test_json_of_an_old_program_is_read_in_its_encoding(tmp_path: Path, encoding: str, *, is_lines: bool) -> None:
    rows = [{"id": number, "text": text} for number, text in enumerate(LETTERS[encoding])]
    written = [json.dumps(row, ensure_ascii=False) for row in rows]
    content = "\n".join(written) if is_lines else f"[{', '.join(written)}]"
    path = tmp_path / "export"
    path.write_bytes(content.encode(encoding))
    file = FileSource(path)
    assert [record(row).messages[0]["text"] for row in file.records()] == list(LETTERS[encoding])
    assert "by its letters" in file.summary.encoding
