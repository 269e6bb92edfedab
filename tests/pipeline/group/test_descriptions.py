"""Descriptions: what, since when, in whose words; what says nothing alone does not stand first."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from pipeline.group.descriptions import LONGEST_QUOTE, QUOTES, describe
from pipeline.group.gates import Member

MAY = datetime(2026, 5, 3, tzinfo=UTC)


def members(summaries: Sequence[str]) -> list[Member]:
    """Return members, the most central first."""
    return [
        Member(number, number, f"c{number}", MAY, "product_issue", said, 0.9, 0.9 - number / 100, True)
        for number, said in enumerate(summaries)
    ]


def description(summaries: Sequence[str], quotes: Sequence[str] | None = None) -> list[str]:
    return describe(members(summaries), summaries if quotes is None else quotes).splitlines()


@pytest.mark.parametrize(
    "nearest",
    [
        "Cancel.",
        "Please correct this for the others too.",
        '"No dough today".',
        'The oven screen says "Failed.',
        "It was a swap.",
        "OVEN STAYS COLD.",
        "Don't send me a help page, I read it.",
    ],
)
def test_what_says_nothing_alone_does_not_stand_first(nearest: str) -> None:
    [what, *_] = description([nearest, "The oven stays cold in the morning.", "Our oven stays cold at night."])
    assert what == "The oven stays cold in the morning."


def test_the_nearest_stands_first_where_all_say_it_well() -> None:
    said = ["The oven stays cold at night.", "Our oven stays cold today.", "My oven stays cold."]
    assert description(said)[0] == said[0]


def test_it_says_since_when_and_quotes_three() -> None:
    said = [f"The oven in bakery {number} stays cold at night." for number in range(6)]
    what, since, *quotes = description(said)
    assert since == "Since 3 May 2026."
    assert len(quotes) == QUOTES
    assert what not in {quote.strip("\u201c\u201d") for quote in quotes}


def test_no_quote_says_again_what_stands_there() -> None:
    said = ["The oven stays cold.", "the oven stays cold", "The oven stays cold. What now?", "We have no bread at all."]
    assert description(said)[2:] == ["\u201cWe have no bread at all.\u201d"]


def test_short_quotes_come_last() -> None:
    quotes = ["Cold.", "My oven is cold again.", "cold oven", "We wait an hour for heat."]
    shown = description(["The oven stays cold at night."], quotes)[2:]
    assert shown == [f"\u201c{quotes[number]}\u201d" for number in (1, 3, 2)]


def test_long_quotes_are_cut_between_words() -> None:
    [quote] = description(["The oven stays cold."], ["rye dough " * 60])[2:]
    assert len(quote) <= LONGEST_QUOTE + 2
    assert quote.rstrip("\u2026\u201d").split()[-1] in ("rye", "dough")


def test_other_languages_and_erased_text_have_one() -> None:
    german = ["Der Ofen bleibt nachts kalt.", "Unser Ofen bleibt kalt."]
    assert description(german)[0] == german[0]
    assert description(["", ""])[0] == "What was said here was erased."
