"""Exports of about a hundred programs, in many languages and ways of writing, each small: read right the first time.

`siblings.jsonl` has one a line, in the shape that its program writes; all texts are invented. The first word of a text
says whose it is: `My` the customer's, `We` the agent's, `Secret` a note of the team's, `Welcome` a bot's, `Closed` the
system's. `kind` is the kind of fault it guards against: a vendor's shape, no id, wrapped JSON, group chats,
roles, a row per message, names of columns, times, dialects, several files, text formats.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.file import FileSource
from pipeline.sources.records import Record

SIBLINGS = [json.loads(line) for line in Path(__file__).with_name("siblings.jsonl").read_text().splitlines()]
MAY_SAY = {
    "My": ["customer"],
    "We": ["agent", ""],  # open where nothing says who is staff; never the customer's
    "Welcome": ["bot", "system", "agent"],
    "Closed": ["system", "bot", "agent"],
}
IN_A_CHAT = ["customer", "agent", ""]
"""Among many people nothing but how often they write says who asks."""


def written(sibling: dict[str, Any], path: Path) -> Path:
    """Write the file, or the zip of files; its name says nothing."""
    if files := sibling.get("files"):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content if isinstance(content, str) else json.dumps(content))
        return path
    content = sibling["content"]
    text = (
        content if isinstance(content, str) else json.dumps(content, indent=sibling.get("indent"), ensure_ascii=False)
    )
    path.write_bytes(text.encode(sibling.get("encoding", "utf-8")))
    return path


def wrongly_said(sibling: dict[str, Any], records: list[Record]) -> list[str]:
    """Return the messages that are not one text of one side, or are read as the other side's."""
    wrong = []
    for text, role in ((each["text"], each["role"]) for record in records for each in record.messages):
        if role == "system" and "Chat" in text:  # the heading of a transcript
            continue
        own = text.partition(" wrote:\n>")[0] if sibling.get("quotes") else text
        words = [word for word in MAY_SAY if f"{word} " in f"{own} "]
        may = IN_A_CHAT if sibling.get("is_chat") else sibling.get("may", {}).get(words[0] if words else "")
        if not words or role not in (may or MAY_SAY[words[0]]):
            wrong.append(f"{role or 'open'}: {text}")
        elif {"My", "We"} <= set(words):
            wrong.append(f"two sides: {text}")
    return wrong


@pytest.mark.parametrize("sibling", SIBLINGS, ids=[f"{each['kind']} {each['name']}" for each in SIBLINGS])
def test_it_is_read_right_the_first_time(sibling: dict[str, Any], tmp_path: Path) -> None:
    file = FileSource(written(sibling, tmp_path / "download"))
    rows = list(file.records())
    records = [row for row in rows if isinstance(row, Record)]
    assert sibling.get("rejects") or len(rows) == len(records), rows
    assert len(records) == sibling["conversations"]
    assert wrongly_said(sibling, records) == []
    said = [each["text"] for record in records for each in record.messages]
    given = json.dumps(sibling.get("files") or sibling["content"], ensure_ascii=False)
    for side in ("My ", "We "):
        assert side not in given or any(side in text for text in said), f"nothing of {side!r} was read"
    assert not [text for text in said if "Secret" in text]
    if "ids" in sibling:
        assert sorted(record.external_id for record in records) == sorted(sibling["ids"])
    if "times" in sibling:
        found = [record.occurred_at and f"{record.occurred_at:%Y-%m-%d %H:%M}" for record in records]
        assert sorted(found, key=str) == sorted(sibling["times"], key=str)
    if "customer" in sibling:
        assert sibling["customer"] in [record.customer for record in records]
    if "customers" in sibling:
        assert [record.customer for record in records] == sibling["customers"]
    if "messages" in sibling:
        assert max(len(record.messages) for record in records) == sibling["messages"]
    assert any(sibling.get("has", "") in text for text in said)
    assert "lacks" not in sibling or not any(sibling["lacks"] in text for text in said)
    assert any(sibling.get("notes", "") in note for note in [*file.summary.notes, ""]) or not sibling.get("notes")


def test_a_key_without_a_name_stands_for_no_field(tmp_path: Path) -> None:
    """Files that were damaged, or written by hand, have one; it is neither the writer nor the conversation."""
    path = tmp_path / "export.json"
    said = [{"": {"id": "x"}, "text": "My lamp flickers."}, {"": "Bob", "text": "It smells, too."}]
    path.write_text(json.dumps([{"id": "1", "": {"name": "Nobody"}, "messages": said}]))
    (row,) = FileSource(path).records()
    assert isinstance(row, Record)
    assert [(each["author"], each["text"]) for each in row.messages] == [
        ("", "My lamp flickers."), ("", "It smells, too."),
    ]  # fmt: skip
    assert row.customer == ""
