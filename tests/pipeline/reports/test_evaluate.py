"""Evaluation: are titles right?"""

from collections.abc import Sequence

import numpy as np

from pipeline.group.titles import Floats
from pipeline.reports.evaluate import title_top1


class Letters:
    """A model that places a text by its first letter."""

    def encode(self, texts: Sequence[str]) -> Floats:
        return np.eye(26, dtype=np.float32)[[ord(text[0].lower()) - ord("a") for text in texts]]

    def without_language(self, vector: Floats, language: str) -> Floats:
        return vector

    def rank(self, word: str) -> int | None:
        return 0


def test_a_title_is_right_if_the_label_of_most_is_nearest_to_it() -> None:
    labels = ["apples", "apples", "bananas", "bananas", "bananas", "noise", "noise", "cherries"]
    found = [0, 0, 0, 1, 1, 2, 2, -8]
    assert title_top1(labels, found, {0: "a pie", 1: "a split", 2: "x"}, Letters()) == 0.5
    assert title_top1(labels, found, {0: "a pie", 1: "bread", 2: "x"}, Letters()) == 1.0


def test_titles_of_one_label_or_of_no_story_are_not_judged() -> None:
    assert title_top1(["apples", "apples"], [0, 0], {0: "a pie"}, Letters()) is None
    assert title_top1(["apples", "bananas"], [-1, -2], {}, Letters()) is None
