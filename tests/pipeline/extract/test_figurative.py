"""Figures of speech: marked comparisons by rules, all kinds by a model that looks twice."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.extract.llm.conduct import Conducted, Request, conduct
from pipeline.extract.llm.faults import Malformed
from pipeline.extract.profiles.comparisons import Comparison, comparisons
from pipeline.extract.profiles.figurative import FIGURATIVE, find_comparisons
from pipeline.ledger.transcript import Message, Transcript
from tests.pipeline.extract.comparison_sentences import SEEN, UNSEEN

LEAST_PRECISION, LEAST_RECALL = 0.9, 0.9

CHAPTER = [
    "The river rose in the night.",
    "It came like a grey animal, as hungry as a wolf.",
    "Nobody had asked it in.",
    "We like rivers, as long as they stay where they are.",
    "In the morning the field was like a sheet of glass, and the trees stood in it as if they were ashamed.",
]
WATER = ["המים עלו בלילה כמו חיה", "והשדה היה כמו זכוכית"]


def chapter(texts: Sequence[str], language: str = "en", number: int = 1) -> Transcript:
    messages = (Message("verse", text, unit=f"{number}:{v}", language=language) for v, text in enumerate(texts, 1))
    return Transcript("c", tuple(messages))


# --- Comparisons by their marks -----------------------------------------------------------------------------------


def score(rows: Sequence[tuple[str, list[str]]]) -> tuple[float, float]:
    """Return precision and recall: a comparison is right if it names a vehicle that is meant."""
    right = found = meant = 0
    for sentence, vehicles in rows:
        left = list(vehicles)
        for comparison in comparisons(sentence):
            found += 1
            if hit := next((vehicle for vehicle in left if vehicle in comparison.vehicle), None):
                right += 1
                left.remove(hit)
        meant += len(vehicles)
    return right / found, right / meant


@pytest.mark.parametrize("rows", [SEEN, UNSEEN], ids=["seen", "unseen"])
def test_it_finds_marked_comparisons_and_not_what_looks_like_one(rows: list[tuple[str, list[str]]]) -> None:
    precision, recall = score(rows)
    assert precision >= LEAST_PRECISION, precision
    assert recall >= LEAST_RECALL, recall


def test_each_half_of_the_traps_would_show_a_reader_that_takes_every_mark() -> None:
    taken = [sentence for sentence, _ in SEEN + UNSEEN if " like " in sentence or " as " in sentence.lower()]
    assert sum(not vehicles for sentence, vehicles in SEEN + UNSEEN if sentence in taken) >= 40


def test_it_says_what_is_compared_with_what_in_what() -> None:
    (found,) = comparisons("The old man's skin was as thin as paper.")
    assert (found.target, found.vehicle, found.ground) == ("The old man's skin", "paper", "thin")
    text = "Then their eyes shone like lamps, and they left."
    (found,) = comparisons(text)
    assert (found.target, found.vehicle, found.ground) == ("their eyes", "lamps", "shone")
    assert text[found.start : found.end] == found.quote == "their eyes shone like lamps"


def test_two_comparisons_share_no_word() -> None:
    found = comparisons("He is as stubborn as a mule and as poor as a beggar.")
    assert [each.vehicle for each in found] == ["a mule", "a beggar"]
    assert found[0].end <= found[1].start


@pytest.mark.parametrize(
    "text", ["like " * 40_000, "as " * 60_000, "as a as a " * 20_000, "a" * 200_000, "like, " * 30_000]
)
def test_any_text_is_read_within_its_length(text: str) -> None:
    assert all(isinstance(found, Comparison) for found in comparisons(text))


def test_a_chapter_gives_its_instances_with_their_verses() -> None:
    reading = find_comparisons(chapter(CHAPTER))
    places = [(theme.quote_details[0]["unit"], theme.quote_details[0]["vehicle"]) for theme in reading.themes]
    assert places == [
        ("1:2", "a grey animal"), ("1:2", "a wolf"), ("1:5", "a sheet of glass"), ("1:5", "they were ashamed"),
    ]  # fmt: skip
    assert {kind for theme in reading.themes for kind in theme.quote_details[0]["kinds"]} == {"simile"}


def test_of_hebrew_it_says_that_it_cannot_read_it() -> None:
    reading = find_comparisons(chapter(WATER, "he"))
    assert reading.category == "unread_language"
    assert reading.filtered_because.startswith("language: ")
    assert "Hebrew (2)" in reading.filtered_because


def test_of_two_languages_side_by_side_it_reads_one_and_says_so_of_the_other() -> None:
    both = (*chapter(CHAPTER[:2]).messages, *chapter(WATER, "he").messages)
    reading = find_comparisons(Transcript("c", both))
    assert len(reading.themes) == 2
    assert "Hebrew (2)" in reading.left_out


def test_a_chapter_without_any_is_literal() -> None:
    assert find_comparisons(chapter(CHAPTER[:1])).category == "literal"


# --- By a language model ------------------------------------------------------------------------------------------


def conducted(transcript: Transcript, answer: Any) -> tuple[Conducted, list[Request]]:
    assert FIGURATIVE.prompt is not None
    steps, requests = conduct(FIGURATIVE.prompt.read(transcript, None)), []
    try:
        request = next(steps)
        while True:
            requests.append(request)
            request = steps.send(answer(request))
    except StopIteration as end:
        return end.value, requests


def completion(rows: list[dict[str, Any]]) -> bytes:
    content = json.dumps({"units": rows}, ensure_ascii=False)
    return json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}).encode()


def asked(request: Request) -> list[str]:
    units: list[str] = request.schema["properties"]["units"]["items"]["properties"]["unit"]["enum"]
    return units


def instance(quote: str, **more: Any) -> dict[str, Any]:
    plain = {
        "kinds": ["metaphor"],
        "quote": quote,
        "target": "river",
        "vehicle": "a grey animal",
        "ground": "",
        "speaker": "",
    }
    return plain | {"explanation": "It moves as one.", "confidence": 0.8} | more


def test_every_verse_is_asked_about_once_and_what_is_found_is_looked_at_again() -> None:
    verdicts = {"1": ("stands", ["metaphor"]), "2": ("other_kinds", ["simile", "hyperbole"]), "3": ("literal", [])}

    def answer(request: Request) -> bytes:
        if request.step == "validate":
            return completion([
                {"unit": unit, "verdict": verdicts[unit][0], "kinds": verdicts[unit][1], "reason": f"Because {unit}."}
                for unit in asked(request)
            ])  # fmt: skip
        found = {
            "1:2": [instance("like a grey animal"), instance("as hungry as a wolf")],
            "1:5": [instance("the trees")],
        }
        return completion([{"unit": unit, "instances": found.get(unit, [])} for unit in asked(request)])

    done, requests = conducted(chapter(CHAPTER), answer)
    assert [(request.step, request.unit) for request in requests] == [
        ("extract", "verses 1:1-1:5"), ("validate", "instances 1-3"),
    ]  # fmt: skip
    details = [theme.quote_details[0] for theme in done.reading.themes]
    assert [(each["unit"], each["kinds"], each["verdict"], each["reason"]) for each in details] == [
        ("1:2", ["metaphor"], "stands", "Because 1."),
        ("1:2", ["simile", "hyperbole"], "other_kinds", "Because 2."),
    ]


def test_a_long_chapter_is_asked_about_in_parts_that_cover_it() -> None:
    texts = [f"Verse {number} is plain." for number in range(1, 96)]

    def answer(request: Request) -> bytes:
        return completion([{"unit": unit, "instances": []} for unit in asked(request)])

    done, requests = conducted(chapter(texts), answer)
    assert done.reading.category == "literal"
    assert [unit for request in requests for unit in asked(request)] == [f"1:{v}" for v in range(1, 96)]
    assert len(requests) == 3


def test_a_verse_without_an_answer_is_asked_for_again_and_then_fails_the_chapter() -> None:
    def answer(request: Request) -> bytes:
        return completion([{"unit": unit, "instances": []} for unit in asked(request) if unit != "1:3"])

    with pytest.raises(Malformed, match="1:3: not answered"):
        conducted(chapter(CHAPTER), answer)


def test_both_languages_of_a_verse_are_asked_about_together() -> None:
    both = Transcript("c", (*chapter(CHAPTER[:2]).messages, *chapter(WATER, "he").messages))

    def answer(request: Request) -> bytes:
        (line, _) = request.messages[-1].text.splitlines()
        assert [text["language"] for text in json.loads(line)["texts"]] == ["en", "he"]
        return completion([{"unit": unit, "instances": []} for unit in asked(request)])

    assert len(conducted(both, answer)[1]) == 1
