"""What people tell the readers beforehand: versions of vocabularies, documents, and what becomes of a theme by them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from pipeline.extract.knowledge import (
    BadVocabulary,
    Known,
    newest_number,
    prepare,
    store_documents,
    store_vocabulary,
    with_vocabulary,
)
from pipeline.extract.local import LocalExtractor
from pipeline.extract.profiles.support import SUPPORT
from pipeline.extract.profiles.vocabulary import Entry, Vocabulary
from pipeline.extract.themes import Reading
from pipeline.group.conservation import homes_of_themes
from pipeline.ledger.transcript import Message, Question, Transcript
from pipeline.models import ContextUsage, Story, Theme, VocabularyVersion
from pipeline.reports.context import gaps_report
from tests.support.seeding import finish, scripts, seed, start

Captured = pytest.CaptureFixture[str]
pytestmark = pytest.mark.django_db

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def encode(texts: Sequence[str]) -> np.ndarray:
    """Return vectors of how often each letter occurs: what is spelled alike is near."""
    rows = np.array([[text.lower().count(letter) for letter in LETTERS] for text in texts], np.float32) + 1e-3
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def known(text: str) -> Known:
    profile = with_vocabulary(SUPPORT, newest_number("support"))
    found = prepare(profile, [Question(7, Transcript("c", (Message("customer", text),)))], encode)[7]
    assert isinstance(found, Known)
    return found


# --- Vocabularies ---------------------------------------------------------------------------------------------------


def test_each_one_stored_is_a_new_version_and_earlier_ones_stay() -> None:
    store_vocabulary(profile="support", content={"entries": [{"key": "a_fails"}]}, is_strict=False)
    store_vocabulary(profile="support", content={"entries": [{"key": "b_fails"}]}, is_strict=True)
    assert newest_number("support") == 2
    assert with_vocabulary(SUPPORT, 1).vocabulary.entries == (Entry("a_fails"),)
    assert with_vocabulary(SUPPORT, 2).vocabulary.is_strict
    assert newest_number("figurative") == 0


@pytest.mark.parametrize(
    ("content", "strict", "reason"),
    [
        ({"entries": [{"key": "sync_fails"}, {"key": "Sync-Fails"}]}, False, "the same name twice"),
        ({"entries": []}, True, "needs at least one entry"),
        ({"entries": [{"key": ""}]}, False, "cannot be used"),
        ({"entries": [{"name": "x"}]}, False, "cannot be used"),
        ({"names": []}, False, "cannot be used"),
        ({"distinctions": [{"terms": ["one"], "how": "x"}]}, False, "cannot be used"),
    ],
)
def test_one_that_cannot_be_used_is_refused(content: dict[str, Any], strict: bool, reason: str) -> None:
    with pytest.raises(BadVocabulary, match=reason):
        store_vocabulary(profile="support", content=content, is_strict=strict)
    assert not VocabularyVersion.objects.exists()


def test_a_run_keeps_the_version_it_started_with_and_a_new_one_has_everything_read_again() -> None:
    source = seed(scripts(2, 2))
    assert "vocabulary" not in finish(start(source)).versions
    store_vocabulary(profile="support", content={"entries": [{"key": "a_fails"}]}, is_strict=False)
    again = start(source)
    assert (again.versions["vocabulary"], again.items.filter(state="pending").count()) == ("1", 4)
    store_vocabulary(profile="support", content={"entries": [{"key": "b_fails"}]}, is_strict=True)
    assert finish(again).versions["vocabulary"] == "1"


def test_candidates_are_the_nearest_and_those_of_a_hinted_area_first() -> None:
    entries = [{"key": f"{letter * 5}_fails"} for letter in LETTERS] + [{"key": "zzz_zzz", "area": "billing"}]
    store_vocabulary(
        profile="support", content={"entries": entries, "areas": {"*/billing*": "billing"}}, is_strict=False
    )
    found = known("qqqqqqqq fails")
    assert found.candidates[0].key == "qqqqq_fails"
    assert (len(found.candidates), found.areas) == (25, ())
    assert known("qqqqqqqq fails at https://a.example/billing/1").candidates[0].key == "zzz_zzz"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a_fails\nb_fails\n", ["a_fails", "b_fails"]),
        ("key,description,examples\na_fails,It fails,It broke|It fell\n", ["a_fails"]),
        ('["a_fails", {"key": "b_fails"}]', ["a_fails", "b_fails"]),
        ('{"entries": [{"key": "a_fails"}], "areas": {"*/x*": "x"}}', ["a_fails"]),
    ],
)
def test_people_give_a_list_in_a_file(tmp_path: Path, capsys: Captured, text: str, keys: list[str]) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    call_command("vocabulary", "support", str(path), "--strict")
    assert "Version 1 of the vocabulary of support" in capsys.readouterr().out
    assert [entry.key for entry in with_vocabulary(SUPPORT, 1).vocabulary.entries] == keys
    call_command("vocabulary", "support")
    assert "a_fails" in capsys.readouterr().out


def test_the_local_reader_sorts_by_meaning_and_says_what_fits_none() -> None:
    entries = (
        Entry("calendar_shows_events_twice", "events appear doubled", ("I see every meeting two times",)),
        Entry("invoice_missing", "an invoice did not arrive", ("I never got the bill for May",)),
    )
    profile = replace(SUPPORT, vocabulary=Vocabulary(1, entries, is_strict=True))
    texts = [
        "Since the update every meeting is in my calendar two times.", "Where is my invoice for June? It never came.",
        "The coffee machine on the third floor leaks water.",
    ]  # fmt: skip
    asked = [Transcript(f"c-{number}", (Message("customer", text),)) for number, text in enumerate(texts)]
    first, second, third = (Reading.model_validate_json(each.text) for each in LocalExtractor().read(asked, profile))
    assert [theme.signature for theme in first.themes] == ["calendar_shows_events_twice"]
    assert [theme.signature for theme in second.themes] == ["invoice_missing"]
    assert first.themes[0].details["match"] >= 0.55
    assert (third.category, third.themes) == ("fits_none", [])
    assert third.filtered_because.startswith("fits none of the 2 known names; the closest is ")


# --- What becomes of a theme ----------------------------------------------------------------------------------------


def test_a_theme_below_its_gate_keeps_score_and_reason_and_is_in_no_group() -> None:
    texts = [*scripts(1, 4), *scripts(1, 4, name="general_things", problem=7, match=0.9), "name=x problem=8 match=0.1"]
    run = finish(start(seed(texts)))
    assert (run.state, run.error) == ("completed", "")
    held = Theme.objects.exclude(gate_reason="")
    assert held.count() == 5
    assert not held.filter(signature__isnull=False).exists()
    assert held.get(gate_score=0.1).gate_reason == "its score 0.10 is below 0.30"
    assert Story.objects.count() == 1
    homes = homes_of_themes(run)
    assert (homes.total, homes.held_by_gate, homes.in_story, homes.missed) == (9, 5, 4, 0)


def test_what_documents_lack_is_reported_once_for_each_theme(capsys: Captured) -> None:
    store_documents(profile="support", documents=[("a.md", "", "How to sync."), ("b.md", "", "How to pay.")])
    assert store_documents(profile="support", documents=[("a.md", "", "How to sync.")]) == (0, 1)
    finish(start(seed([*scripts(1, 3, missing="offline_mode"), *scripts(1, 1, problem=5)])))
    assert ContextUsage.objects.count() == 3
    report = gaps_report("support")
    assert (report.themes, report.with_use, report.with_gap, report.unused) == (3, 0, 3, ("a.md", "b.md"))
    assert [(gap.what, gap.count) for gap in report.gaps] == [("offline_mode", 3)]
    call_command("context", "support", "--json")
    assert json.loads(capsys.readouterr().out)["with_gap"] == 3


def test_facets_are_shown_with_how_many_themes_answer_them(capsys: Captured) -> None:
    run = finish(start(seed(scripts(1, 4))))
    said = [{"severity": "high"}, {"severity": "low", "root_cause": "a bug"}, {"severity": None}, None]
    for theme, details in zip(Theme.objects.order_by("id"), said, strict=True):
        Theme.objects.filter(pk=theme.pk).update(details=details)
    call_command("facets", "support", "--run", str(run.pk), "--json")
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert set(found) == {facet.name for facet in SUPPORT.facets}
    severity = found["severity"]
    assert (severity["answered"], severity["themes"], severity["share"]) == (2, 4, 0.5)
    assert severity["values"] == {"high": 1, "low": 1}
    assert (found["root_cause"]["answered"], found["root_cause"]["values"]) == (1, {})
    call_command("facets", "support")
    assert "2 of 4 (50%)" in capsys.readouterr().out


def test_documents_near_the_question_are_offered() -> None:
    store_documents(profile="support", documents=[("q.md", "", "qqqq qqqq"), ("z.md", "", "zzzz zzzz")])
    assert known("qqqq?").documents[0].name == "q.md"
    store_documents(profile="support", documents=[("q.md", "", "xxxx xxxx")])
    assert known("xxxx?").documents[0].text == "xxxx xxxx"
