"""Reading takes time in proportion to the text, whatever the text is.

Measured by counting the lines of Python that run, which no busy machine changes; a pattern that scans again from each
character would show as well, since every pattern sees at most a line of LINE_LENGTH characters.
"""

import re
from typing import Any

import pytest

from pipeline.sources.own_words import endings, forms, legal, notices, quotes
from pipeline.sources.own_words.reading import left_out
from pipeline.sources.own_words.spans import LINE_LENGTH
from tests.support.counting import steps

UNITS = [
    "On ", "On Tue, 5 May 2026 at 09:12, Support <a@b.c>\n", "On 5 May 2026 Support <a@b.c> wrote: ", "> x\n", ">",
    "\n", "-- \n", "From: a@b.c\n", "Name: ", "Name: x\n", "This e-mail is confidential. ", "Best regards,\n",
    "a" * 50 + " ",
    ". ", "wrote:", "Sent from my iPhone\n", "!",
    "Your order has been shipped. ", "\u200f", "日本語。", "(((((", "I am away ",
    "> On 5 May 2026 a@b.c wrote:\n> ",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_text_takes_about_twice_the_steps(unit: str) -> None:
    small, large = unit * (8_000 // len(unit)), unit * (32_000 // len(unit))
    first = steps(lambda: left_out(small), within="own_words")
    assert steps(lambda: left_out(large), within="own_words") <= 5 * first + 2_000


@pytest.mark.parametrize(
    "module", [endings, forms, legal, notices, quotes], ids=lambda module: module.__name__.rsplit(".", 1)[-1]
)
def test_no_pattern_is_slow_on_a_line(module: Any) -> None:
    """Each pattern is tried on the longest lines it may see; one that backtracks would never come back."""
    patterns = [value for value in vars(module).values() if isinstance(value, re.Pattern)]
    assert patterns
    for pattern in patterns:
        for unit in UNITS:
            pattern.search((unit * LINE_LENGTH)[:LINE_LENGTH])
