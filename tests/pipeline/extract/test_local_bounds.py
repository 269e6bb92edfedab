"""However long and odd a text is, the local reader looks at a bounded part of it, in time linear in its length."""

import time
from collections.abc import Iterator

import pytest

from pipeline.extract.local import LocalExtractor
from pipeline.extract.local.category import reason_to_filter
from pipeline.extract.local.finding import find_main
from pipeline.extract.local.matters import possible_starts, with_clauses
from pipeline.extract.local.naming import name_finding
from pipeline.extract.local.quotes import choose_quotes
from pipeline.extract.local.text import LONGEST_SENTENCE, LONGEST_WORD, MAX_READ, customer_side, said
from pipeline.extract.profiles.support import SUPPORT
from pipeline.extract.themes import Reading
from pipeline.ledger.transcript import Message, Transcript

SMALL, TIMES = 40_000, 25  # a million characters
MARGIN = 6  # times what is linear; what is quadratic takes 25 times it

TEXTS = {
    "spaces": ("a", " ", "b"),
    "line breaks": ("a", " \n", "b"),
    "one letter": ("", "a", ""),
    "kisses": ("", "x", "y"),
    "laughter": ("", "ha", "q"),
    "full stops": ("", ".", ""),
    "quotes": ("", '."', ""),
    "quotes after a stop": (".", '"', "x"),
    "brackets": ("", "(", ""),
    "dashes": ("", "- ", ""),
    "apostrophes": ("", "a'", ""),
    "marks on a letter": ("e", "\u0301\u0323", ""),
    "mixed scripts": ("", "a\u0431\u03b3\u6f22 ", ""),
    "no spaces": ("", "予約できません。", ""),
    "greetings": ("", "hi ", ""),
    "negations": ("", "not ", ""),
    "charges": ("", "charged ", ""),
    "adverbs": ("can ", "not reallly ", ""),
    "threats": ("", "or i will be ", ""),
    "swearing": ("", "fuck ", ""),
    "capitals": ("Hi ", "Aa ", ""),
    "short lines": ("", "x\n", ""),
    "one sentence": ("", "The export fails again. ", ""),
    "many clauses": ("", "the app crashes and ", ""),
    "codes": ("", "E101 ", ""),
    "a long word": ("The ", "z", " does not work."),
    "errors": ("", "TimeoutError: ", ""),
    "numbers": ("", "1. ", ""),
    "underscores": ("", "a_", ""),
}


def conversation(parts: tuple[str, str, str], length: int) -> Transcript:
    first, middle, last = parts
    return Transcript("long", (Message("customer", first + middle * (length // len(middle)) + last),))


def read_by_rules(transcript: Transcript) -> str:
    """Do all that the reader does but for the model; return the name."""
    side = customer_side(with_clauses(said(transcript)).sentences)
    finding = find_main(side)
    reason_to_filter(side, transcript.customer_text, finding)
    possible_starts(side)
    choose_quotes(side, finding)
    return name_finding(side, finding, lambda word: None).signature


def seconds(transcript: Transcript) -> Iterator[float]:
    """Yield the processor time of a reading, three times: another program on the machine can slow one down."""
    for _ in range(3):
        began = time.process_time()
        read_by_rules(transcript)
        yield time.process_time() - began


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_its_rules_take_time_in_proportion(text: tuple[str, str, str]) -> None:
    small, large = conversation(text, SMALL), conversation(text, SMALL * TIMES)
    least = 0.002  # seconds; below, the clock tells nothing
    most = MARGIN * TIMES * max(min(seconds(small)), least)
    assert any(taken < most for taken in seconds(large))  # the first is enough, if it was quick


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_its_rules_look_at_a_bounded_part(text: tuple[str, str, str]) -> None:
    transcript = conversation(text, SMALL * TIMES)
    spoken = said(transcript)
    assert all(len(one.text) <= LONGEST_SENTENCE and one.text in transcript.text for one in spoken.sentences)
    assert sum(len(one.text) for one in spoken.sentences) <= MAX_READ * 1.1
    assert all(len(word) <= LONGEST_WORD + 10 for one in spoken.sentences for word in one.plain.split())
    assert len(read_by_rules(transcript)) <= 200


@pytest.mark.parametrize("messages", [1, 5_000])
def test_it_says_what_it_left_out_of_a_megabyte(messages: int) -> None:
    told = [f"Line {number} of the rota for branch {number % 97} shows a wrong name." for number in range(20_000)]
    size = len(told) // messages
    texts = [" ".join(told[start : start + size]) for start in range(0, len(told), size)]
    transcript = Transcript("long", tuple(Message("customer", text) for text in texts))
    (answer,) = LocalExtractor().read([transcript], SUPPORT)
    found = Reading.model_validate_json(answer.text)
    assert "too long to read in full" in found.left_out
    assert found.themes
    assert answer.input_tokens < 8_000


def test_it_never_proposes_a_name_that_its_schema_refuses() -> None:
    words = [letter * 60 for letter in "bcdfg"]
    texts = [" ".join(words), "_".join(words), "The " + " ".join(words) + " does not work.", "ß" * 3_000 + " fehlt."]
    for text in texts:
        (answer,) = LocalExtractor().read([Transcript("odd", (Message("customer", text),))], SUPPORT)
        found = Reading.model_validate_json(answer.text)
        assert all(len(theme.signature) <= 200 for theme in found.themes)
