"""Exports in the shapes that vendors' interfaces and programs give, with all their fields: who said what in them.

The first word of a text in `vendor_shapes.jsonl` says whose it is: `My` the customer's, `We` the agent's, `Secret` a
note of the team's, `Welcome` a bot's, `Closed` the system's. All texts are invented.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.file import FileSource
from pipeline.sources.formats import Options
from pipeline.sources.records import Record

SHAPES = [json.loads(line) for line in Path(__file__).with_name("vendor_shapes.jsonl").read_text().splitlines()]
MAY_SAY = {
    "My": {"customer"},
    "We": {"agent", ""},  # open where nothing says who is staff; never the customer's
    "Welcome": {"bot", "system", "agent"},
    "Closed": {"system", "bot", "agent"},
}


def records(shape: dict[str, Any], folder: Path) -> list[Record]:
    content = shape["content"]
    path = folder / "download"  # the name says nothing
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    rows = list(FileSource(path, None, Options()).records())
    assert all(isinstance(row, Record) for row in rows), rows
    return [row for row in rows if isinstance(row, Record)]


@pytest.mark.parametrize("shape", SHAPES, ids=[shape["name"] for shape in SHAPES])
def test_it_reads_who_said_what(shape: dict[str, Any], tmp_path: Path) -> None:
    found = records(shape, tmp_path)
    if shape["conversations"] is not None:
        assert len(found) == shape["conversations"]
    said = [(each["text"], each["role"]) for record in found for each in record.messages]
    given = json.dumps(shape["content"])
    for text, role in said:
        words = [word for word in MAY_SAY if f"{word} " in f"{text} "]
        assert words, f"{text!r} is none of the texts that were said to the other side"
        may = MAY_SAY[words[0]] | ({"", "customer"} if shape.get("is_chat") and words[0] in ("My", "We") else set())
        assert role in may, f"{text!r} is read as {role or 'open'}"
    for word in ("My ", "We "):
        assert word not in given or any(word in text for text, _ in said), f"nothing of {word!r} was read"
    assert {"Secret", "deleted"}.isdisjoint(word for text, _ in said for word in text.split())
    if customer := shape.get("customer"):
        assert customer in [record.customer for record in found]


@pytest.mark.parametrize(
    "text",
    ["[deleted]", "[removed]", "This message was deleted", "<p><i>This message was deleted</i></p>",
     "Nachricht gelöscht", "Ce message a été supprimé", "このメッセージは削除されました",
     "_This message has been deleted._"],
)  # fmt: skip
def test_a_message_that_was_taken_back_is_nobodys_words(text: str, tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "My lock is stuck."}, {"role": "user", "content": text}]
    (found,) = records({"content": [{"id": 1, "subject": "", "messages": messages}]}, tmp_path)
    assert [each["text"] for each in found.messages] == ["My lock is stuck."]


def test_somebody_who_writes_about_a_deleted_message_is_read(tmp_path: Path) -> None:
    text = "This message was deleted by your app, and I want it back."
    (found,) = records({"content": [{"id": 1, "messages": [{"role": "user", "text": text}]}]}, tmp_path)
    assert found.messages[0]["text"] == text


@pytest.mark.parametrize(
    "at",
    [{"$date": "2026-05-02T08:00:00Z"}, {"$date": {"$numberLong": "1777708800000"}}, {"_seconds": 1777708800},
     {"iso8601": "2026-05-02T08:00:00+0000", "friendly": "Saturday"},
     {"dateTime": "2026-05-02T08:00:00", "timeZone": "UTC"}],
)  # fmt: skip
def test_a_time_that_is_an_object_is_read(at: object, tmp_path: Path) -> None:
    content = [{"_id": {"$oid": "65f0"}, "createdAt": at, "description": "My lock is stuck.", "requester": "Kim"}]
    (found,) = records({"content": content}, tmp_path)
    assert found.external_id == "65f0"
    assert f"{found.occurred_at:%Y-%m-%d %H:%M}" == "2026-05-02 08:00"


def test_a_mapping_stands_above_what_the_vendor_says(tmp_path: Path) -> None:
    path = tmp_path / "download"
    shape = next(each for each in SHAPES if each["name"] == "freshdesk single")
    path.write_text(json.dumps(shape["content"]), encoding="utf-8")
    file = FileSource(path, None, Options(mapping={"customer": "responder_id", "label": "subject", "role": "source"}))
    (found,) = file.records()
    assert isinstance(found, Record)
    assert (found.customer, found.label) == ("3", "Lock")
    assert "--map was not used for role" in " ".join(file.summary.notes)
    assert file.summary.fields["customer"] == "responder_id"
