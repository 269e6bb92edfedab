"""Every format in JSON and XML is recognised by its content and read right: plain, with odd content, broken."""

import gzip
import json
import random
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.file import FileSource
from pipeline.sources.formats import Options, Recognised, known_formats, recognise
from pipeline.sources.parsing.heads import head_from
from pipeline.sources.records import Record, Reject, UnreadableSource
from tests.pipeline.sources.exports import ANSWER, ASK, EXPORTS, GITHUB, SLACK_DAY, TELEGRAM, ZENDESK, Export

Rows = list[Record | Reject]
each_export = pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS.keys())
in_json = pytest.mark.parametrize(
    "export", [each for each in EXPORTS.values() if not isinstance(each.content, str)],
    ids=[name for name, each in EXPORTS.items() if not isinstance(each.content, str)],
)  # fmt: skip


def read(path: Path, **options: Any) -> tuple[Rows, Recognised]:
    file = FileSource(path, None, Options(**options))
    return list(file.records()), file.summary


@pytest.fixture
def export_file(tmp_path: Path) -> Callable[..., Path]:
    """Write an export to a file whose name says nothing."""

    def write(content: object, *, indent: int | None = None, encoding: str = "utf-8", name: str = "download") -> Path:
        text = content if isinstance(content, str) else json.dumps(content, indent=indent, ensure_ascii=False)
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def records(rows: Rows) -> list[Record]:
    assert all(isinstance(row, Record) for row in rows), rows
    return [row for row in rows if isinstance(row, Record)]


def as_expected(rows: Rows, export: Export) -> None:
    found = records(rows)
    assert len(found) == export.count
    first = found[0]
    assert tuple((each["role"], each["text"]) for each in first.messages) == export.said
    assert first.customer == export.customer
    assert not export.external_id or first.external_id == export.external_id
    assert not export.url or first.url == export.url
    assert (f"{first.occurred_at:%Y-%m-%d}" if first.occurred_at else "") == export.day


# --- Plain --------------------------------------------------------------------------------------------------------


@each_export
def test_it_reads_an_export(export: Export, export_file: Callable[..., Path]) -> None:
    rows, summary = read(export_file(export.content))
    as_expected(rows, export)
    assert (summary.format, summary.count, summary.without_customer_side) == (export.form, export.count, 0)


@in_json
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_it_reads_it_pretty_printed_and_in_other_encodings(
    export: Export, encoding: str, export_file: Callable[..., Path]
) -> None:
    rows, summary = read(export_file(export.content, indent=2, encoding=encoding))
    as_expected(rows, export)
    assert summary.format == export.form


@each_export
def test_it_reads_it_packed_in_a_folder_and_in_a_zip(
    export: Export, export_file: Callable[..., Path], tmp_path: Path
) -> None:
    content = gzip.compress(export_file(export.content).read_bytes())
    (tmp_path / "folder" / "help").mkdir(parents=True)
    (tmp_path / "folder" / "help" / "1.json.gz").write_bytes(content)
    (tmp_path / "folder" / "README.txt").write_text("What this folder is.")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("help/1.json.gz", content)
    for path in (tmp_path / "folder", tmp_path / "export.zip"):
        rows, summary = read(path)
        assert summary.format == export.form
        assert [each["text"] for each in records(rows)[0].messages] == [text for _, text in export.said]


@each_export
def test_no_other_format_is_surer(export: Export, export_file: Callable[..., Path]) -> None:
    head = head_from(export_file(export.content).read_bytes(), "utf-8", is_whole=True)
    found, sure = recognise(head)
    assert found
    assert found.name == export.form
    if export.form not in ("JSON", "conversations"):
        assert [form.name for form in known_formats() if form.sniff(head) >= sure] == [export.form]


# --- Odd content --------------------------------------------------------------------------------------------------


ODD: list[Any] = [None, "", 0, -1, 1e300, True, [], {}, "x" * 300, [None], {"a": None}, "\U0001f600", [[]], "NaN"]
STORED = ("role", "author", "text", "created_at")


def damage(value: Any, rng: random.Random) -> Any:
    """Return a JSON value in which here and there something of another kind stands."""
    if rng.random() < 0.08:
        return rng.choice(
            [None, "", 0, -1, 1e300, True, [], {}, "x" * 300, [None], {"a": None}, "\ud83d\ude00", [[]], "NaN"]
        )
    if isinstance(value, dict):
        return {key: damage(each, rng) for key, each in value.items() if rng.random() > 0.04}
    if isinstance(value, list):
        return [damage(each, rng) for each in value]
    return value


@in_json
@pytest.mark.parametrize("seed", range(8))
def test_odd_content_costs_a_conversation_at_most(export: Export, seed: int, export_file: Callable[..., Path]) -> None:
    content = damage(export.content, random.Random(seed))
    if not isinstance(content, dict | list):
        content = [content]
    rows, summary = read(export_file(json.dumps(content)))
    assert all(isinstance(row, Record | Reject) for row in rows)
    assert summary.count == sum(isinstance(row, Record) for row in rows)
    for row in rows:
        if isinstance(row, Record):
            assert row.external_id
            assert row.messages
            assert all(
                isinstance(each[key], str) for each in row.messages for key in ("role", "author", "text", "created_at")
            )


# --- Broken -------------------------------------------------------------------------------------------------------


@each_export
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_is_cut_off_costs_one_reject_at_most(
    export: Export, share: float, export_file: Callable[..., Path]
) -> None:
    path = export_file(export.content)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    try:
        rows, _ = read(path)
    except UnreadableSource:
        assert share < 0.5  # too little is left to know it by
        return
    lost = 2 if export.form == "Stack Exchange posts" else 1  # there an answer may lose its question
    assert 1 <= len(rows) <= export.count + lost
    assert sum(isinstance(row, Reject) for row in rows) <= lost


def test_one_broken_object_is_one_reject(export_file: Callable[..., Path]) -> None:
    tickets = [{**ZENDESK, "id": 100 + number} for number in range(5)]
    text = json.dumps({"tickets": tickets}, indent=4).replace('"id": 102,', '"id": 102, oops', 1)
    rows, _ = read(export_file(text))
    assert [row.external_id for row in rows if isinstance(row, Record)] == ["100", "101", "103", "104"]
    (broken,) = (row for row in rows if isinstance(row, Reject))
    assert (broken.line, broken.unit) == (3, "element")
    assert broken.reason.startswith("broken JSON: ")


# --- Peculiarities ------------------------------------------------------------------------------------------------


def test_pages_of_a_list_are_one_list(export_file: Callable[..., Path]) -> None:
    pages = "\n".join(json.dumps({"tickets": [{**ZENDESK, "id": number}], "next_page": "x"}) for number in range(3))
    rows, summary = read(export_file(pages))
    assert [row.external_id for row in records(rows)] == ["0", "1", "2"]
    assert summary.format == "Zendesk tickets"


def test_a_slack_export_has_names_threads_and_pauses(tmp_path: Path) -> None:
    at = 1777708800
    days = {
        "help/2026-05-02.json": [
            SLACK_DAY[0],
            {"type": "message", "user": "U3", "text": "Is the shop open?", "ts": f"{at + 90}.0"},
            {"type": "message", "user": "U9", "text": "I am a bot", "ts": f"{at + 95}.0"},
            {"type": "message", "user": "U3", "text": "On Sunday, I mean", "ts": f"{at + 100}.0"},
            {"type": "message", "user": "U1", "text": "The bell is silent", "ts": f"{at + 8000}.0"},
        ],
        "help/2026-05-03.json": SLACK_DAY[2:3],
        "random/2026-05-02.json": [{"type": "message", "user": "U2", "text": "Lunch <#C1|help>?", "ts": f"{at}.0"}],
    }  # fmt: skip
    users = [
        {"id": "U1", "name": "kim1", "profile": {"display_name": "Kim"}},
        {"id": "U2", "real_name": "Lee", "profile": {}},
        {"id": "U3", "name": "pat"}, {"id": "U9", "name": "helper", "is_bot": True},
    ]  # fmt: skip
    with zipfile.ZipFile(tmp_path / "slack.zip", "w") as archive:
        archive.writestr("users.json", json.dumps(users))
        archive.writestr("channels.json", json.dumps([{"id": "C1", "name": "help", "members": ["U1"]}]))
        for name, content in days.items():
            archive.writestr(name, json.dumps(content))
    rows, summary = read(tmp_path / "slack.zip")
    assert {row.external_id: [(each["author"], each["text"]) for each in row.messages] for row in records(rows)} == {
        f"help:{at}.000100": [("Kim", f"{ASK} <3 @Lee"), ("Lee", ANSWER)],
        f"help:{at + 90}.0": [("pat", "Is the shop open?"), ("pat", "On Sunday, I mean")],
        f"help:{at + 8000}.0": [("Kim", "The bell is silent")],
        f"random:{at}.0": [("Lee", "Lunch #help?")],
    }
    assert {name.rpartition("/")[2] for name in summary.passed_over} == {"channels.json"}  # users.json gave the names
    assert any("divided into 4 conversations" in note for note in summary.notes)
    longer, _ = read(tmp_path / "slack.zip", pause=timedelta(hours=9))
    assert len(longer) == 3


def test_a_group_chat_is_never_one_conversation(export_file: Callable[..., Path]) -> None:
    messages: list[dict[str, Any]] = [
        {
            "id": n,
            "type": "message",
            "date": f"2026-05-{2 + n:02}T10:00:00",
            "from": f"P{n % 4}",
            "text": f"Question {n}",
        }
        for n in range(20)
    ]
    rows, _ = read(export_file({**TELEGRAM, "messages": messages}))
    assert len(records(rows)) == 20
    assert all(each["role"] == "customer" for row in records(rows) for each in row.messages)


def test_messenger_letters_are_put_together_again(export_file: Callable[..., Path]) -> None:
    text = "Größe für José 😀"
    message = {
        "sender_name": "José".encode().decode("latin-1"),
        "timestamp_ms": 1,
        "content": text.encode().decode("latin-1"),
    }
    rows, _ = read(export_file(json.dumps({"participants": [], "messages": [message], "title": "x"})))
    assert records(rows)[0].messages[0]["text"] == text
    assert records(rows)[0].messages[0]["author"] == "José"


def test_who_writes_in_many_threads_is_not_their_customer(export_file: Callable[..., Path]) -> None:
    greeting = {"author": "Robin", "text": "Hello, did your bike arrive?"}
    threads = [
        {"id": n, "messages": [greeting, {"author": f"Rider {n}", "text": f"Problem number {n} with the brakes"}]}
        for n in range(9)
    ]
    threads.append({"id": 9, "messages": [greeting]})
    rows, summary = read(export_file("\n".join(map(json.dumps, threads))))
    roles = [[each["role"] for each in row.messages] for row in records(rows)]
    assert roles == [["agent", "customer"]] * 9 + [["agent"]]
    assert summary.without_customer_side == 1


def test_equal_conversations_without_ids_get_one_from_their_content(export_file: Callable[..., Path]) -> None:
    lines = [{"messages": [{"role": "user", "content": ASK}]}, {"messages": [{"role": "user", "content": "Another"}]}]
    first, _ = read(export_file("\n".join(map(json.dumps, lines)), name="a"))
    second, _ = read(export_file("\n".join(map(json.dumps, lines[::-1])), name="b"))
    assert {row.external_id for row in records(first)} == {row.external_id for row in records(second)}
    assert all(row.has_made_id for row in records(first))


def test_pull_requests_are_no_issues(export_file: Callable[..., Path]) -> None:
    rows, _ = read(export_file([GITHUB, {**GITHUB, "number": 10, "pull_request": {"url": "x"}}]))
    assert isinstance(rows[1], Reject)
    assert "pull request" in rows[1].reason


@pytest.mark.parametrize(
    "content",
    [
        '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><posts><row Id="1" PostTypeId="1" '
        'Body="&b;" Title="x"/></posts>',
        '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><posts><row Id="1" PostTypeId="1" '
        'Body="&x;" Title="x"/></posts>',
    ],
)
def test_entities_of_xml_are_refused(content: str, export_file: Callable[..., Path]) -> None:
    (row,) = read(export_file(content))[0]
    assert isinstance(row, Reject)
    assert "entities" in row.reason


def test_a_mapping_goes_before_everything(export_file: Callable[..., Path]) -> None:
    content = [
        {
            "nr": 5,
            "who": {"mail": "Kim@bikes.example"},
            "a": "The lock is jammed",
            "b": "in the rain",
            "t": "02.05.2026",
        }
    ]
    rows, _ = read(
        export_file(content), mapping={"id": "nr", "customer": "who.mail", "text": "a\nb", "created_at": "t"}
    )
    (row,) = records(rows)
    assert (row.external_id, row.customer) == ("5", "kim@bikes.example")
    assert row.messages[0]["text"] == "The lock is jammed\n\nin the rain"
    assert f"{row.occurred_at:%Y-%m-%d}" == "2026-05-02"


# --- Chats that nobody's format is for ----------------------------------------------------------------------------

TALK = [
    (writer, f"{text} {day}", f"2026-05-{day:02}T08:{10 + minute}:00Z")
    for day in (2, 9, 20)
    for minute, (writer, text) in enumerate((("kim", ASK), ("lee", ANSWER), ("bo", "I have the same.")))
]


@pytest.mark.parametrize("shape", ["object", "list", "lines"])
def test_a_group_chat_is_cut_whatever_wrote_it(shape: str, export_file: Callable[..., Path]) -> None:
    messages = [{"user": who, "text": text, "ts": at} for who, text, at in TALK]
    content: object = {"channel": "help", "messages": messages} if shape == "object" else messages
    if shape == "lines":
        content = "\n".join(map(json.dumps, messages))
    rows, summary = read(export_file(content))
    assert [len(row.messages) for row in records(rows)] == [3, 3, 3]
    assert {row.customer for row in records(rows)} == {"kim"}
    assert "9 messages divided into 3 conversations" in " ".join(summary.notes)
    longer, _ = read(export_file(content), pause=timedelta(days=30))
    assert [len(row.messages) for row in records(longer)] == [9]


def test_a_topic_of_several_people_is_one_conversation(export_file: Callable[..., Path]) -> None:
    posts = [{"username": who, "text": text, "created_at": at} for who, text, at in TALK]
    rows, _ = read(export_file({"id": 5, "title": "Lock", "posts": posts}))
    assert [len(row.messages) for row in records(rows)] == [9]


def test_what_only_begins_with_a_bracket_is_no_json(export_file: Callable[..., Path]) -> None:
    with pytest.raises(UnreadableSource, match=r"not in a known format. It starts with: '\[CHAT\] History"):
        FileSource(export_file("[CHAT] History of 2026\n\nsome words\n")).records()


def test_the_messages_of_a_room_are_cut_too(export_file: Callable[..., Path]) -> None:
    lines = [
        {"room_id": room, "sender": who, "type": "room.message", "content": {"body": text}, "ts": at}
        for room in ("one", "two")
        for who, text, at in TALK
    ]
    rows, _ = read(export_file("\n".join(map(json.dumps, lines))))
    assert [len(row.messages) for row in records(rows)] == [3] * 6


def test_numbered_guests_are_customers_and_who_answers_them_all_is_none(export_file: Callable[..., Path]) -> None:
    threads = [
        {
            "id": n,
            "messages": [
                {"author": "Hotel Bellevue", "text": "Good day"},
                {"author": f"Guest {n}", "text": f"{ASK} {n}"},
            ],
        }
        for n in range(6)
    ]
    rows, _ = read(export_file(threads))
    assert {tuple(each["role"] for each in row.messages) for row in records(rows)} == {("agent", "customer")}
    assert {row.customer for row in records(rows)} == {f"Guest {n}" for n in range(6)}


LINE = (
    "[LINE] Chat with Shop\nSaved on: 2026/05/21 10:00\n\n2026/05/02(Sat)\n08:00\tKim\t{}\nfor days\n08:01\tLee\t{}\n"
)
KAKAO = (
    "Shop 님과 카카오톡 대화\n저장한 날짜 : 2026년 5월 9일 오전 10:00\n\n2026년 5월 2일 오전 8:00, Kim : {}\nfor days\n"
    "2026년 5월 2일 오전 8:01, Lee : {}\n"
)


@pytest.mark.parametrize("chat", [LINE, KAKAO])
def test_chats_of_telephones_with_a_head_are_read(chat: str, export_file: Callable[..., Path]) -> None:
    rows, summary = read(export_file(chat.format(ASK, ANSWER)))
    (found,) = records(rows)
    assert summary.format == "Chat log"
    assert [(each["author"], each["text"]) for each in found.messages] == [("Kim", f"{ASK}\nfor days"), ("Lee", ANSWER)]
    assert f"{found.occurred_at:%Y-%m-%d %H:%M}" == "2026-05-02 08:00"


def test_speakers_of_calls_may_stand_above_what_they_say(export_file: Callable[..., Path]) -> None:
    cues = (
        f'WEBVTT\n\n1 "Lee" (12)\n00:01.000 --> 00:02.000\nGood day.\n\n2 "Kim" (9)\n00:03.000 --> 00:04.000\n{ASK}\n'
    )
    transcript = f"Kim  0:05\n{ASK}\n\nLee (Sales)  0:12\n{ANSWER}\n\nKim  0:20\nThanks.\n"
    for content, who in ((cues, ["Lee", "Kim"]), (transcript, ["Kim", "Lee", "Kim"])):
        (found,) = records(read(export_file(content))[0])
        assert [each["author"] or each["role"] for each in found.messages] == who


def test_a_later_line_that_says_who_speaks_otherwise_is_understood(export_file: Callable[..., Path]) -> None:
    first = [
        {"id": n, "messages": [{"role": "user", "text": ASK}, {"role": "agent", "text": ANSWER}]} for n in range(40)
    ]
    last = {"id": 99, "messages": [{"direction": "in", "text": ASK}, {"direction": "out", "text": ANSWER}]}
    rows, summary = read(export_file("\n".join(map(json.dumps, [*first, last]))))
    assert summary.format == "conversations"
    assert [each["role"] for each in records(rows)[-1].messages] == ["customer", "agent"]
