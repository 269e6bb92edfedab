"""Clauses: what could be a title, and what would sound odd when read aloud."""

import pytest

from pipeline.group.clauses import MAX_WORDS, MIN_WORDS, RUN_ON, clauses, count_words


def texts_of(text: str, *, english: bool = True) -> list[str]:
    return [clause.text for clause in clauses(text, english=english)]


def best_of(text: str) -> str:
    return min(clauses(text), key=lambda clause: clause.awkward).text


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Hi there, the parcel label is printed upside down!", "the parcel label is printed upside down"),
        ("ok so basically the parcel label is upside down", "the parcel label is upside down"),
        ("I was wondering if the oven timer can be silenced", "the oven timer can be silenced"),
        ("I would like to close my savings account", "close my savings account"),
        ("Id like to book a second locker", "book a second locker"),
        ("I think the invoice shows the wrong year", "the invoice shows the wrong year"),
        ("how do i pause my membership", "how do i pause my membership?"),
        ("How to pause my membership?", "How to pause my membership"),
        ("Because the heating is off.", "the heating is off"),
        ("The door code was refused, thanks", "The door code was refused"),
    ],
)
def test_it_is_the_matter_without_what_leads_to_it(said: str, expected: str) -> None:
    assert expected in texts_of(said)


@pytest.mark.parametrize(
    "said",
    [
        "When I open the garage door.",
        "it went to the.",
        "The kettle was sent to my.",
        "See https://example.org/help/42 for this.",
        "write to me@example.org about it",
        'File "/srv/shop/cart.py", line 12, in total',
        "at com.shop.Cart.total(Cart.java:12)",
        "total = price * amount",
        "0x00ff 0x1f 99 17 42 33",
        "A train between Ulm and",
        "Yes.",
    ],
)
def test_what_dangles_or_is_no_speech_is_no_clause(said: str) -> None:
    assert texts_of(said) == []


@pytest.mark.parametrize(
    "said",
    [
        "It was a trade.",
        "They went out on Sunday.",
        "Both parked themselves in our bay.",
        "Each with its own key card.",
        "That is the third heater.",
        "The meter reading stuck on.",
    ],
)
def test_what_only_its_neighbours_explain_is_no_clause(said: str) -> None:
    assert texts_of(said) == []


@pytest.mark.parametrize(
    "said",
    [
        "It takes an hour to warm the hall",
        "It won't let me park the van",
        "It is not possible to park the van",
        "Both heaters stay cold at night",
        "This heater stays cold at night",
        "The heater does not turn on",
    ],
)
def test_what_needs_no_neighbour_is_one(said: str) -> None:
    assert said in texts_of(f"{said}.")


def test_it_is_three_to_ten_words_long() -> None:
    said = (
        "My bicycle bell fell off on the very first morning even though the mechanic had tightened it with care, "
        "and nobody at the shop answers."
    )
    found = texts_of(said)
    assert all(MIN_WORDS <= count_words(clause) <= MAX_WORDS for clause in found)
    assert "My bicycle bell fell off on the very first morning" in found
    assert "nobody at the shop answers" in found


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("The heating stays cold at night", "I hope somebody can help me with heating"),
        ("The heating stays cold at night", "It stays cold at night with them"),
        ("The heating stays cold at night", "Last Monday the heating stayed cold again"),
        ("The heating stays cold at night", "THE HEATING STAYS COLD AT NIGHT ALSO"),
        ("The heating stays cold at night", "The tenant says heating stays cold at night"),
        ("The ticket was charged twice", "The ticket is a ticket"),
        ("The stove does not heat", "31 stoves with a timer"),
        ("The stove does not heat", "Not heated all winter"),
        ("The stove does not heat", "The stove lamps do come on"),
        ("The stove does not heat", "The lamp was fine for years"),
        ("The stove does not heat", "does not come to the stove"),
        ("The stove does not heat", "Subscribed to the stove club by post"),
        ("The stove does not heat", "the lamp went out my stove is cold"),
        ("The stove does not heat", "The two ovens in the hall"),
        ("The stove does not heat", "Stoves on three shared landings"),
        ("The stove does not heat", "The stoves are on 24 hours"),
        ("Not receiving the meter reading", "Not closed the whole winter"),
        ("The stove does not heat", "Nothing told her the stove is cold"),
        ("How do I light the stove?", "How can many stoves can I light?"),
        ("How do I light the stove?", "How my stove would be lit"),
        ("The stove does not heat", "This stove is sold by what shops"),
        ("The stove does not heat", "The hall is cold I need the stove lit"),
        ("The stove does not heat", "Can you check what the stove does?"),
        ("The stove does not heat", "A stove for my friend Bertil"),
    ],
)
def test_it_prefers_what_a_manager_would_say(good: str, bad: str) -> None:
    assert best_of(f"{bad}. {good}.") == good


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Since the lamps went out my stove is cold.", "my stove is cold"),
        ("Please call us a boat for three people", "call us a boat"),
        ("The ferry was stuck at the pier for 6 hours", "The ferry was stuck at the pier"),
        ("Stop my ferry pass from the end of this month", "Stop my ferry pass"),
        ("Book a ferry seat on 15 May", "Book a ferry seat"),
        ("Plan a boat party for my friend Bertil", "Plan a boat party"),
        ("Could you look up a boatman for me?", "look up a boatman"),
        ("Help to find a pier", "find a pier"),
        ("Last night the ferry did not come", "the ferry did not come"),
        ("Get the upper deck if possible", "Get the upper deck"),
    ],
)
def test_it_offers_what_is_left_without_a_second_sentence_or_a_number(said: str, expected: str) -> None:
    assert expected in texts_of(said)


@pytest.mark.parametrize(
    "said",
    ["The stamp I ordered is late", "There is a fee I did not expect", "The screen says my code is wrong"],
)
def test_what_belongs_together_is_no_second_sentence(said: str) -> None:
    [clause] = clauses(said)
    assert (clause.text, clause.awkward < RUN_ON) == (said, True)


def test_what_is_said_against_the_next_is_not_the_matter() -> None:
    found = {clause.text: clause.awkward for clause in clauses("The red lamps light up, but the blue lamps stay dark.")}
    assert found["The red lamps light up"] > found["the blue lamps stay dark"]


def test_it_cuts_other_languages_by_their_marks() -> None:
    assert texts_of("Hallo, die Heizung bleibt nachts kalt. Warum ist das so?", english=False) == [
        "die Heizung bleibt nachts kalt",
        "Warum ist das so?",
    ]
    assert texts_of("アプリがすぐに落ちます。", english=False) == ["アプリがすぐに落ちます"]
    assert texts_of("החימום לא עובד בלילה", english=False) == ["החימום לא עובד בלילה"]


@pytest.mark.parametrize("letter", [" ", "a", "'", "(", "haha", "a, ", "no ", "hi "])
def test_endless_texts_are_cut_short(letter: str) -> None:
    assert len(clauses(letter * 500_000)) <= 12
