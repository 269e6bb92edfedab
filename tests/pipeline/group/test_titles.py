"""Titles: chosen by contrast, in words that members share, no two alike."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.extract.embedding import Embedder
from pipeline.group.titles import FEWEST_CANDIDATES, MANY_GROUPS, Floats, Untitled, Voice, choose_titles
from pipeline.group.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


LOCKERS = (
    "Hello, my locker code is refused at the door. I need my shoes.",
    "Locker code refused again. The screen just blinks red.",
    "The locker code is refused since the new panel came. Marlene Oduya said to write.",
    "My locker 4471 does not open, the locker code is refused.",
)
LATE_BUS = (
    "Good morning. The school bus comes twenty minutes late. Our son waits in the rain.",
    "The bus is late every day. Why does the bus come late?",
    "THE BUS IS LATE. Nobody answers the phone.",
    "Because the bus is late my daughter misses the first lesson.",
)
TICKETS = (
    "I was charged twice for the season ticket. Please refund one.",
    "Season ticket was charged twice on my card.",
    "We were charged twice for one season ticket, order 998-231.",
)


def group(key: int, said: Sequence[str], embedder: Embedder, **more: object) -> Untitled:
    centre: Floats = embedder.encode(said).mean(axis=0)
    return Untitled(key, centre, tuple(Voice(text, (text,)) for text in said), name=f"Name {key}", **more)  # type: ignore[arg-type]


def titles(groups: Sequence[Untitled], model: Embedder | None, **more: object) -> list[str]:
    chosen = choose_titles(groups, model=model, **more)  # type: ignore[arg-type]
    return [chosen[one.key].title for one in groups]


def test_each_group_is_called_what_its_people_say(embedder: Embedder) -> None:
    groups = [group(number, said, embedder) for number, said in enumerate((LOCKERS, LATE_BUS, TICKETS))]
    locker, bus, ticket = titles(groups, embedder)
    assert "locker code" in locker.lower()
    assert "refused" in locker
    assert "late" in bus
    assert "charged twice" in ticket
    assert all(title[0].isupper() and not title[1:].isupper() for title in (locker, bus, ticket))


def test_they_are_the_same_each_time(embedder: Embedder) -> None:
    groups = [group(number, said, embedder) for number, said in enumerate((LOCKERS, LATE_BUS, TICKETS))]
    assert titles(groups, embedder) == titles(groups, embedder)


def test_what_one_person_says_stays_out(embedder: Embedder) -> None:
    said = ("Marlene Oduya has a refused code", "Locker 4471 has a refused code", "The locker code is refused")
    assert titles([group(0, said, embedder)], embedder) == ["The locker code is refused"]


def test_names_of_who_spoke_stay_out_however_they_are_written() -> None:
    said = ("ozkan cannot open the locker", "my code cannot open the locker", "the code cannot open a locker")
    voices = tuple(Voice(text, names=("ozkan-sports",)) for text in said)
    [title] = titles([Untitled(0, np.ones(3, np.float32), voices, "Name")], None)
    assert "ozkan" not in title.lower()


def test_a_code_that_most_say_may_stand_in_it(embedder: Embedder) -> None:
    said = ("The pump shows error E42 again", "Error E42 appears on the pump", "pump stops with error E42")
    assert "E42" in titles([group(0, said, embedder)], embedder)[0]


def test_no_two_are_alike_and_none_is_taken(embedder: Embedder) -> None:
    twins = [group(0, LATE_BUS, embedder), group(1, LATE_BUS, embedder)]
    first, second = titles(twins, embedder)
    assert first.casefold() != second.casefold()
    [other] = titles(twins[:1], embedder, taken=[first.upper()])
    assert other.casefold() != first.casefold()


def test_the_group_that_comes_first_chooses_first(embedder: Embedder) -> None:
    twins = [group(0, LATE_BUS, embedder), group(1, LATE_BUS, embedder)]
    assert titles(twins, embedder)[0] == titles(twins[::-1], embedder)[0]


def test_a_known_title_stays_unless_it_fits_badly(embedder: Embedder) -> None:
    lockers = group(0, LOCKERS, embedder, current="Code of the locker gets refused")
    buses = group(1, LATE_BUS, embedder, current="Locker codes are refused")
    first, second = titles([lockers, buses], embedder)
    assert first == "Code of the locker gets refused"
    assert "late" in second


def test_shouting_is_lowered_and_capitals_and_slips_are_mended() -> None:
    texts = [["the Zubrowka app dont start", "my Zubrowka app stops", "our Zubrowka app stops"]]
    words = Vocabulary(texts, [[]])
    assert words.polished("THE ZUBROWKA APP DONT START", 0) == "The Zubrowka app don't start"
    assert words.polished("i cant open zubrowka", 0) == "I can't open Zubrowka"


def test_where_no_clause_qualifies_typical_words_or_an_agreed_name_stand_in(embedder: Embedder) -> None:
    said = ("Pump, valve.", "Valve: pump!", "pump - valve")
    assert titles([group(7, said, embedder)], embedder) == ["Pump, valve"]
    assert titles([group(7, said, embedder, is_named=True)], embedder) == ["Name 7"]
    assert titles([group(7, ("?!", "...", "x"), embedder)], embedder) == ["Name 7"]
    assert titles([group(7, ("?!", "...", "x"), embedder)], embedder, taken=["name 7"]) == ["Name 7 2"]


@pytest.mark.parametrize(
    "said",
    [
        ("Die Heizung bleibt nachts kalt.", "Heizung nachts kalt, was tun?", "Unsere Heizung bleibt kalt"),
        ("La caldaia resta fredda di notte.", "caldaia fredda da ieri notte", "La caldaia resta fredda"),
        ("暖房が夜に動きません。", "夜に暖房が動きません", "暖房が動きません。"),
        ("החימום לא עובד בלילה", "החימום לא עובד", "בלילה החימום לא עובד"),
    ],
)
def test_other_languages_have_titles_of_their_own_words(said: tuple[str, ...], embedder: Embedder) -> None:
    [title] = titles([group(0, said, embedder)], embedder)
    assert any(title.rstrip("?").casefold() in text.casefold() for text in said)


class Counting:
    """A model that remembers which texts it was asked about."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self.asked = embedder, list[str]()

    def encode(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return self.embedder.encode(texts)

    def without_language(self, vector: Floats, language: str) -> Floats:
        return vector

    def rank(self, word: str) -> int | None:
        return self.embedder.rank(word)


def test_what_reading_has_measured_is_not_measured_again(embedder: Embedder) -> None:
    groups = []
    for key, said in enumerate((LATE_BUS, TICKETS)):
        rows = embedder.encode(said)
        voices = tuple(Voice(text, (text,), vector=row) for text, row in zip(said, rows, strict=True))
        groups.append(Untitled(key, rows.mean(axis=0), voices, f"Name {key}"))
    model = Counting(embedder)
    bus, ticket = titles(groups, model)  # type: ignore[arg-type]
    assert "late" in bus
    assert "charged twice" in ticket
    assert "Season ticket was charged twice on my card" not in model.asked
    assert "The bus is late every day" in model.asked  # half of what was said may mean something else


def test_of_very_many_groups_few_clauses_are_asked_about(embedder: Embedder) -> None:
    groups = [group(key, LATE_BUS, embedder) for key in range(MANY_GROUPS + 1)]
    model = Counting(embedder)
    chosen = choose_titles(groups, model=model)
    assert len({choice.title.casefold() for choice in chosen.values()}) == len(groups)
    assert len(model.asked) <= FEWEST_CANDIDATES * len(groups)


def test_nobody_needs_a_title(embedder: Embedder) -> None:
    assert choose_titles([], model=embedder) == {}
