"""Evaluation: are titles right, and are all themes of a conversation judged?"""

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from pipeline.group.titles import Floats
from pipeline.reports import evaluate
from pipeline.reports.evaluate import NOISE, Labels, Stories, score, score_several, themes_found, title_top1


class Letters:
    """A model that places a text by its first letter."""

    def encode(self, texts: Sequence[str]) -> Floats:
        return np.eye(26, dtype=np.float32)[[ord(text[0].lower()) - ord("a") for text in texts]]

    def without_language(self, vector: Floats, language: str) -> Floats:
        return vector

    def rank(self, word: str) -> int | None:
        return 0


def each(values: Sequence[str]) -> list[Labels]:
    return [(value,) for value in values]


def in_one(stories: Sequence[int]) -> list[Stories]:
    return [(story,) for story in stories]


def test_a_title_is_right_if_the_label_of_most_is_nearest_to_it() -> None:
    labels = each(["apples", "apples", "bananas", "bananas", "bananas", "noise", "noise", "cherries"])
    found = in_one([0, 0, 0, 1, 1, 2, 2, -1])
    assert title_top1(labels, found, {0: "a pie", 1: "a split", 2: "x"}, Letters()) == 0.5
    assert title_top1(labels, found, {0: "a pie", 1: "bread", 2: "x"}, Letters()) == 1.0


def test_titles_of_one_label_or_of_no_story_are_not_judged() -> None:
    assert title_top1(each(["apples", "apples"]), in_one([0, 0]), {0: "a pie"}, Letters()) is None
    assert title_top1(each(["apples", "bananas"]), in_one([-1, -1]), {}, Letters()) is None


def test_pairs_are_counted_as_ever_where_each_conversation_has_one_label_and_one_story() -> None:
    labels = ["a", "a", "a", "b", "b", NOISE, NOISE]
    found = score(labels, [0, 0, 1, 1, -4, -5, -6])
    assert (found.pairwise_precision, found.pairwise_recall) == (0.5, 0.25)
    assert (found.groups_found, found.orphan_share, found.noise_orphan_share) == (2, 0.2, 1.0)


def test_a_second_theme_that_is_right_counts_and_one_that_is_wrong_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "BLOCK", 2)  # so that pairs reach over blocks
    labels: list[Labels] = [("a", "b"), ("a", "b"), ("a",), ("b",)]
    right = score_several(labels, [(0, 1), (0, 1), (0,), (1,)])
    assert (right.pairwise_precision, right.pairwise_recall) == (1.0, 1.0)
    first = score_several(labels, [(0,), (0,), (0,), (1,)])
    assert (first.pairwise_precision, first.pairwise_recall) == (1.0, 0.5)
    torn = score_several([("a",)] * 3, [(0, 1), (0, 1), (0, -1)])
    assert (torn.pairwise_precision, torn.pairwise_recall) == (0.75, 1.0)


def test_themes_are_judged_conversation_by_conversation() -> None:
    labels: list[Labels] = [("a", "b"), ("a",), ("a",), ("b",), ("b",), (NOISE,)]
    found: list[Stories] = [(0, 1), (0,), (0,), (1,), (), (1,)]
    themes = themes_found(labels, found)
    assert themes is not None
    assert (themes.precision, themes.recall, themes.first_recall) == (1.0, 0.8333, 0.6667)
    assert (themes.labels_each, themes.themes_each) == (1.2, 1.0)
    twice = themes_found([("a",), ("a",), ("a",)], [(0, 1), (0,), (1,)])
    assert twice is not None
    assert (twice.precision, twice.recall) == (0.75, 1.0)


def test_where_nothing_has_two_themes_there_is_nothing_to_say_of_them() -> None:
    assert themes_found([("a",), ("b",)], [(0,), (-1,)]) is None


CHARGED = "My card was charged twice for the season ticket."
KETTLE = "The kettle does not boil any more."


def test_the_command_judges_all_themes_of_a_file(tmp_path: Path) -> None:
    rows = [
        {"id": f"{kind}{number}", "labels": labels, "text": text}
        for kind, labels, text in (
            ("both", ["money", "kettle"], f"{CHARGED} Also, the kettle does not boil."),
            ("money", ["money"], CHARGED),
            ("kettle", ["kettle"], KETTLE),
        )
        for number in range(4)
    ]
    path = tmp_path / "two.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    out = StringIO()
    call_command("evaluate", str(path), "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["themes"] == {
        "labels_each": 1.33, "themes_each": 1.33, "precision": 1.0, "recall": 1.0, "first_recall": 0.75
    }  # fmt: skip
    assert (found["pairwise_f1"], found["groups_true"], found["title_top1"]) == (1.0, 2, 1.0)


def test_evaluated_strictly_what_only_loosely_fits_a_story_stays_outside(tmp_path: Path) -> None:
    stories = {
        "money": [
            CHARGED,
            "I was charged twice for one season ticket.",
            "You took the money for my season ticket two times.",
            "Two charges on my card for a single season ticket.",
            "The season ticket was billed to my card twice.",
        ],
        "kettle": [
            KETTLE,
            "My kettle stopped boiling water.",
            "The kettle no longer heats the water.",
            "The kettle switches off before the water boils.",
            "Water in the kettle stays cold.",
        ],
        NOISE: ["The kettle is too heavy for me."],
    }
    rows = [
        {"id": f"{label}{number}", "label": label, "text": text}
        for label, texts in stories.items()
        for number, text in enumerate(texts)
    ]
    path = tmp_path / "loose.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    caught = []
    for strict in ((), ("--strict",)):
        out = StringIO()
        call_command("evaluate", str(path), "--json", *strict, stdout=out)
        found = json.loads(out.getvalue())
        assert (found["groups_found"], found["orphan_share"]) == (2, 0.0)
        caught.append(found["noise_orphan_share"])
    assert caught == [0.0, 1.0]
