"""Any table of conversations, in any dialect, encoding and format, comes back as it was written."""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources.file import FileSource
from pipeline.sources.formats.base import Format
from pipeline.sources.formats.parquet import ParquetFormat
from pipeline.sources.formats.table import TableFormat
from pipeline.sources.formats.xlsx import WorkbookFormat
from pipeline.sources.records import Record, Reject
from tests.support.reading import read_file
from tests.support.workbooks import binary_workbook, old_workbook, open_document, workbook

HEADERS = (
    ("id", "text", "customer", "created_at", "role", "conversation_id"),
    ("Ticket ID", "Message", "Requester email", "Created At", "Sender Type", "Conversation ID"),
    ("Vorgang", "Nachricht", "E-Mail", "Erstellt am", "Rolle", "Gespräch"),
    ("Identifiant", "Commentaire", "Courriel", "Date de création", "Rôle", "Conversation"),
    ("Número", "Mensaje", "Correo electrónico", "Fecha de creación", "Rol", "Conversación"),
    ("Numero", "Messaggio", "Indirizzo email", "Data creazione", "Ruolo", "Conversazione"),
)
ROLES = (
    {"customer": "customer", "agent": "agent"},
    {"customer": "Visitor", "agent": "GPT"},
    {"customer": "Kundin", "agent": "Mitarbeiter"},
)
WAYS = (
    "%Y-%m-%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%B %d, %Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%a, %d %b %Y %H:%M:%S GMT",
)
SENTENCES = {
    "cp1252": ("Die Tür schließt seit gestern nicht", "Où est ma commande, déjà payée", "El envío no llegó, señor"),
    "cp1250": ("Żarówka się nie świeci", "Světlo bliká každý večer"),
    "cp1251": ("Лампа мигает каждый вечер", "Дверь не закрывается"),
    "cp932": ("ランプが点滅しています", "ドアが閉まりません"),
    "gb18030": ("灯一直在闪", "我的门关不上了"),
}  # fmt: skip
anything = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"),
    exclude_characters="<>&:：\ufeff"),
    min_size=1, max_size=60,
)  # fmt: skip
moments = st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@dataclass(frozen=True)
class Said:
    conversation: str
    text: str
    customer: str
    at: datetime
    role: str


@st.composite
def rows_said(draw: Any, encoding: str) -> list[Said]:
    """Some conversations of some messages each, their rows mixed."""
    if encoding in SENTENCES:
        texts = st.lists(st.sampled_from(SENTENCES[encoding]), min_size=1, max_size=3).map("\n".join)
    else:
        texts = st.tuples(st.sampled_from(("The lamp flickers ", "La lampe ", "灯 ")), anything).map(
            lambda each: " ".join("".join(each).split())
        )
    rows = []
    for number in range(draw(st.integers(1, 5))):
        customer = f"c{draw(st.integers(0, 2))}@example.org"
        for turn in range(draw(st.integers(1, 3))):
            role = "customer" if turn % 2 == 0 else "agent"
            rows.append(Said(f"k{number}", draw(texts), customer, draw(moments), role))
    mixed: list[Said] = draw(st.permutations(rows))
    return mixed


@st.composite
def written(draw: Any) -> tuple[list[Said], list[list[Any]], str, str, bool]:
    """The rows, the table they are written as, its encoding, its way of writing times, whether a row is a message."""
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", *SENTENCES)))
    said = draw(rows_said(encoding))
    names = draw(st.sampled_from(HEADERS))
    words, way, is_message = draw(st.sampled_from(ROLES)), draw(st.sampled_from(WAYS)), draw(st.booleans())
    if encoding == "utf-16-le" or not _fits(names, encoding):
        names = HEADERS[0]
    table: list[list[Any]] = []
    if is_message:
        table.append([names[5], names[0], names[4], names[1], names[2], names[3]])
        for number, each in enumerate(said):
            customer = each.customer if each.role == "customer" else ""
            table.append([each.conversation, f"m{number}", words[each.role], each.text, customer, each.at])
    else:
        table.append([names[0], names[2], names[3], names[1]])
        table += [[f"m{number}", each.customer, each.at, each.text] for number, each in enumerate(said)]
    return said, table, encoding, way, is_message


def _fits(names: Sequence[str], encoding: str) -> bool:
    try:
        "".join(names).encode(encoding)
    except UnicodeEncodeError:
        return False
    return encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    written=written(), delimiter=st.sampled_from(",;\t|"), end=st.sampled_from(("\n", "\r\n", "\r")),
    quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)), above=st.sampled_from(("",
    "sep", "title")),
)  # fmt: skip
def test_a_table_of_text_comes_back(written: Any, delimiter: str, end: str, quoting: Any, above: str) -> None:
    said, table, encoding, way, is_message = written
    file = io.StringIO(newline="")
    if above == "sep":
        file.write(f"sep={delimiter}{end}")
    elif above == "title":
        file.write(f"Export of conversations{end}{end}")
    rows = [[cell.strftime(way) if isinstance(cell, datetime) else cell for cell in row] for row in table]
    quoting = csv.QUOTE_ALL if end == "\r" else quoting  # the writer would leave a line feed within a cell bare
    csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    check(
        TableFormat(),
        file.getvalue().encode(encoding),
        said,
        is_message=is_message,
        may_be_open=way[1] in "dm" and "/" in way,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=written(), write=st.sampled_from((workbook, binary_workbook, open_document, old_workbook)))
def test_a_workbook_comes_back(written: Any, write: Callable[[dict[str, Any]], bytes]) -> None:
    said, table, _, _, is_message = written
    check(WorkbookFormat(), write({"Tickets": table}), said, is_message=is_message, may_be_open=False)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=written())
def test_parquet_comes_back(written: Any) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is an extra: pip install -r requirements-parquet.txt")
    said, table, _, _, is_message = written
    kinds = ["TIMESTAMP" if isinstance(cell, datetime) else "VARCHAR" for cell in table[1]]
    columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(table[0], kinds, strict=True))
    with tempfile.NamedTemporaryFile() as file, duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE written ({columns})")
        marks = ", ".join("?" * len(kinds))
        for row in table[1:]:
            cells = [cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell for cell in row]
            connection.execute(f"INSERT INTO written VALUES ({marks})", cells)
        connection.execute(f"COPY written TO '{file.name}' (FORMAT parquet)")
        content = Path(file.name).read_bytes()
    check(ParquetFormat(), content, said, is_message=is_message, may_be_open=False)


JSON_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "ascii")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    written=written(), shape=st.sampled_from(("lines", "list", "pretty", "wrapped")),
    encoding=st.sampled_from(JSON_ENCODINGS), is_packed=st.booleans(),
)  # fmt: skip
def test_json_comes_back(written: Any, shape: str, encoding: str, is_packed: bool) -> None:
    """Rows of any names as objects, however they are laid out, encoded and packed."""
    said, table, _, way, is_message = written
    way = "%Y-%m-%dT%H:%M:%SZ" if "/" in way else way  # of which the order could stay open
    rows = [
        {
            name: cell.strftime(way) if isinstance(cell, datetime) else cell
            for name, cell in zip(table[0], row, strict=True)
        }
        for row in table[1:]
    ]
    is_ascii = encoding == "ascii"
    if shape == "lines":
        text = "\n".join(json.dumps(row, ensure_ascii=is_ascii) for row in rows)
    else:
        found = {"count": len(rows), "data": rows} if shape == "wrapped" else rows
        text = json.dumps(found, ensure_ascii=is_ascii, indent=2 if shape == "pretty" else None)
    content = text.encode(encoding)
    check(None, gzip.compress(content) if is_packed else content, said, is_message=is_message, may_be_open=False)


ALL_SENTENCES = [text for sentences in SENTENCES.values() for text in sentences]
MESSAGES = st.lists(
    st.tuples(st.sampled_from(("customer", "agent")), st.sampled_from(ALL_SENTENCES), moments), min_size=1, max_size=4
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    threads=st.lists(MESSAGES, min_size=1, max_size=4), shape=st.sampled_from(("lines", "list", "pretty", "wrapped")),
    names=st.sampled_from((("id", "messages", "role", "text", "created_at", "customer"),
                           ("ticketId", "comments", "sender", "body", "createdAt", "requester"),
                           ("Nr", "Nachrichten", "Rolle", "Inhalt", "Datum", "Kunde"))),
    words=st.sampled_from(ROLES), encoding=st.sampled_from(JSON_ENCODINGS),
)  # fmt: skip
def test_threads_in_json_come_back(
    threads: Any, shape: str, names: Sequence[str], words: dict[str, str], encoding: str
) -> None:
    own, messages, role, text, at, customer = names
    found = [
        {
            own: f"k{number}",
            customer: f"c{number}@example.org",
            messages: [{role: words[who], text: said, at: moment.isoformat()} for who, said, moment in thread],
        }
        for number, thread in enumerate(threads)
    ]
    is_ascii = encoding == "ascii"
    if shape == "lines":
        content = "\n".join(json.dumps(each, ensure_ascii=is_ascii) for each in found)
    else:
        value = {"export": {"tickets": found}} if shape == "wrapped" else found
        content = json.dumps(value, ensure_ascii=is_ascii, indent=1 if shape == "pretty" else None)
    with tempfile.NamedTemporaryFile() as file:
        file.write(content.encode(encoding))
        file.flush()
        rows = list(FileSource(file.name).records())
    records = {row.external_id: row for row in rows if isinstance(row, Record)}
    assert len(records) == len(rows) == len(threads)
    for number, thread in enumerate(threads):
        record = records[f"k{number}"]
        assert record.customer == f"c{number}@example.org"
        read = [(each["role"], each["text"], datetime.fromisoformat(each["created_at"])) for each in record.messages]
        times = [moment for *_, moment in thread]
        is_newest_first = times != sorted(times) and times == sorted(times, reverse=True)
        told = thread[::-1] if is_newest_first else thread
        assert read == sorted(((who, said, moment) for who, said, moment in told), key=lambda each: each[2])


def check(form: Format | None, content: bytes, said: Sequence[Said], *, is_message: bool, may_be_open: bool) -> None:
    """Read what was written, in that format or in the one that is found, and compare it with what was said."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        rows = list(FileSource(file.name).records()) if form is None else read_rows(form, Path(file.name))
    assert [row for row in rows if isinstance(row, Reject)] == []
    records = {row.external_id: row for row in rows if isinstance(row, Record)}
    if is_message:
        expected: dict[str, list[Said]] = {}
        for each in said:
            expected.setdefault(each.conversation, []).append(each)
        if not may_be_open:
            expected = {key: sorted(rows, key=lambda each: each.at) for key, rows in expected.items()}
    else:
        expected = {f"m{number}": [each] for number, each in enumerate(said)}
    assert records.keys() == expected.keys()
    for key, rows_said in expected.items():
        same(records[key], rows_said, is_message=is_message, may_be_open=may_be_open)


def read_rows(form: Format, path: Path) -> list[Record | Reject]:
    found = read_file(form, path)
    return [*found.records, *found.rejects]


def same(record: Record, rows: Sequence[Said], *, is_message: bool, may_be_open: bool) -> None:
    times = [datetime.fromisoformat(each["created_at"]) if each["created_at"] else None for each in record.messages]
    if not is_message:  # the time of a text alone is its conversation's
        times = [record.occurred_at]
    messages = list(zip(record.messages, times, strict=True))
    if may_be_open:  # days and months may be open, and then the order of the messages is that of their rows
        found = sorted((message["text"], message["role"]) for message, _ in messages)
        assert found == sorted((each.text, each.role if is_message else "customer") for each in rows)
        assert {at for at in times if at} <= {each.at for each in rows}
    else:
        found_all = [(message["text"], message["role"], at) for message, at in messages]
        assert found_all == [(each.text, each.role if is_message else "customer", each.at) for each in rows]
    customers = [each.customer for each in rows if each.role == "customer" or not is_message]
    assert record.customer in customers
