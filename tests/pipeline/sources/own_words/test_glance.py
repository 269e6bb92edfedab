"""A glance spares a close look, and never changes what a close look finds."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

from pipeline.sources.own_words import glance, reading
from pipeline.sources.own_words.glance import NothingToLookFor, clues_in, widened

HERE = Path(__file__).parent
SAMPLE = Path(__file__).parents[4] / "pipeline/sample/conversations.jsonl"


@cache
def texts_of_tests() -> list[str]:
    """Every text that the tests of own words read, in many languages, and the messages of the sample."""
    trees = [ast.parse(file.read_text()) for file in (*HERE.glob("*.py"), HERE.parent / "test_own_words.py")]
    nodes = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    mails = [json.loads(line)["text"] for line in (HERE / "mails.jsonl").read_text().splitlines()]
    said = [message["text"] for line in SAMPLE.read_text().splitlines() for message in json.loads(line)["messages"]]
    return [*(node for node in nodes if isinstance(node, str)), *mails, *said]


def found_with(clues: frozenset[str] | None, texts: list[str], patched: pytest.MonkeyPatch) -> list[object]:
    with patched.context() as patch:
        if clues is not None:
            patch.setattr(reading, "clues_in", lambda text: clues)
        return [reading.left_out(text) for text in texts]


def test_it_finds_what_a_close_look_at_everything_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_of_tests()
    closely = found_with(frozenset(glance.PATTERNS), texts, monkeypatch)
    assert sum(map(bool, closely)) > 100
    assert found_with(None, texts, monkeypatch) == closely
    # and without clues much would be missed: they are what the close look goes by
    assert found_with(frozenset(), texts, monkeypatch) != closely


@pytest.mark.parametrize("name", glance.PATTERNS)
def test_a_clue_is_found_wherever_its_pattern_finds_something(name: str) -> None:
    """Also in capitals, with other blanks, broken over lines as mail programs do, and with invisible letters."""
    pattern = glance.PATTERNS[name]
    variants = (
        variant
        for text in texts_of_tests()
        for variant in (
            text,
            text.upper(),
            text.replace(" ", "\n"),
            text.replace(" ", "\xa0"),
            text.replace("i", "\u0131"),
        )
    )
    for text in variants:
        seen = text.replace("\n", " ").replace("\xa0", " ")
        assert not pattern.search(seen) or name in clues_in(text), text
    assert name in clues_in(_example(name).replace("o", "o\u200b"))


def _example(name: str) -> str:
    return {
        "verb of writing": "Kim wrote:",
        "sender": "From: a@b.example",
        "original mail": "--- Original Message ---",
        "forwarded mail": "-- forwarded message --",
        "form": "Phone: 1",
        "legal 0": "this communication",
        "legal 1": "confidential",
        "legal 2": "notify the sender",
        "legal 3": "unauthorised",
        "legal opening": "disclaimer: none",
        "legal company": "Registered Office",
        "legal paper": "consider the environment",
        "legal banner": "caution",
        "automatic reply": "out of the office",
    }[name]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"\bword\b", "(?i)word"),
        (r"(?<=a)b(?!c)", "(?i)b"),
        (r".{0,20}tail", "(?i)tail"),
        (r"head.{0,40}(?:tail|end)", "(?i)head"),
        (r"(?:a.{0,9}b|c)d|e", "(?i)(?:a|c)|e"),
        (r"e-?mails? (?P<kind>is|are)", "(?i)e-?mails? (?:is|are)"),
        (r"\w{2}x", r"(?i)[\pL\pN_]{2}x"),
    ],
)
def test_a_pattern_is_widened_to_what_re2_looks_for_quickly(pattern: str, found: str) -> None:
    assert widened(re.compile(pattern)) == found


@pytest.mark.parametrize("pattern", [r"\b", r"a|(?=b)", r".*", r"[^\W\d]x"])
def test_a_pattern_of_which_nothing_is_left_is_refused(pattern: str) -> None:
    with pytest.raises(NothingToLookFor):
        widened(re.compile(pattern))
