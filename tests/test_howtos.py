"""The examples of docs/howto that show how to add something are what they say: their Python is loaded and used."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.utils import timezone

from pipeline.models import Conversation, Orphan, Theme
from pipeline.sources.ingest import import_live
from pipeline.sources.records import UnreadableSource
from sessions.answering.answers import answer_user
from sessions.chat.inbox import accept
from sessions.models import Message
from tests.support.seeding import finish, seed, start

pytestmark = pytest.mark.django_db
HOWTOS = Path(__file__).resolve().parents[1] / "docs" / "howto"


def modules(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """Return the examples of the page that begin with a comment of their file's name, each loaded from such a file."""
    made: list[ModuleType] = []
    for block in re.findall(r"```python\n(# \w+\.py\n.*?)```", (HOWTOS / page).read_text(), re.S):
        name = block.split("\n")[0].strip("# ").removesuffix(".py")
        folder = tmp_path / str(len(made))
        folder.mkdir()
        (folder / f"{name}.py").write_text(block)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, name, raising=False)
        made.append(importlib.import_module(name))
    return made


def test_a_function_and_a_class_are_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    function, klass = modules("add-a-source.md", tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "desk", function)
    settings.FEEDS = {"letters": "desk.letters"}
    assert import_live("feed", "letters")[1].new == 2
    assert Conversation.objects.get(external_id="L-2").current_version is not None

    monkeypatch.setitem(sys.modules, "desk", klass)
    settings.SOURCES = {**settings.SOURCES, "desk": "desk.DeskSource"}
    source, counts = import_live("desk", "north")
    assert (str(source), counts.new, counts.rejected) == ("desk:north", 1, 1)
    with pytest.raises(UnreadableSource, match=r"there is no desk .south.\. Desks: north"):
        import_live("desk", "south")


def test_a_reader_reads_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    modules("add-a-reader.md", tmp_path, monkeypatch)
    settings.EXTRACTORS = {**settings.EXTRACTORS, "keywords": "keywords.KeywordReader"}
    texts = ["Where is my refund? I wait since May.", "The password link does not work.", "Good morning."]
    run = finish(start(seed(texts), "keywords"))
    assert run.state == "completed", list(run.items.values_list("error", flat=True))
    found = Theme.objects.order_by("id").values_list("raw_signature", "evidence__quote")
    assert list(found) == [("refund_is_late", texts[0]), ("password_reset_fails", texts[1])]
    assert Orphan.objects.count() == 2


def test_a_handler_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    modules("add-a-chat-handler.md", tmp_path, monkeypatch)
    settings.SESSION_HANDLER = "helpdesk.Helpdesk"
    for key, text in enumerate(("hello", "2", "opening hours", "bye")):
        accept(user_id="alice", key=str(key), at=timezone.now(), text=text)
        answer_user(user_id="alice")
    answers = Message.objects.exclude(role=Message.Role.CUSTOMER).order_by("id").values_list("text", flat=True)
    asked = "What would you like to know?"
    assert list(answers) == [asked, "A day costs 12 euros.", "We are open from 9 to 5.", asked]
