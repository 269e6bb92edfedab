"""What is made of the bytes of an answer, however odd they are."""

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from pipeline.extract.llm import faults
from pipeline.extract.llm.answers import MOST_REPAIRED, envelope_of, understand
from pipeline.extract.llm.steps import WHOLE, Ask, Say
from pipeline.extract.llm.wire import schema_of, wire_schema
from pipeline.models import Call


class Mood(BaseModel):
    mood: Literal["calm", "angry"]
    reason: str = Field(min_length=1, max_length=40, pattern="^[a-z ]+$")


class Verse(BaseModel):
    verse: str
    kind: Literal["simile", "none"]


MOOD = Ask(Call.Step.CLASSIFY, (Say("user", "How do they feel?"),), Mood)
VERSES = Ask(Call.Step.EXTRACT, (Say("user", "Read."),), Verse, units=("1", "2", "3"), unit_field="verse")
CALM = '{"mood": "calm", "reason": "polite"}'


def completion(content: object, finish: str | None = "stop", **words: Any) -> bytes:
    """The body of an answer with this content."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **words}}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return json.dumps({"model": "some-model", "choices": [choice], "usage": usage}).encode()


def verses(*rows: dict[str, Any]) -> bytes:
    return completion(json.dumps({"units": rows}))


@pytest.mark.parametrize(
    ("content", "is_repaired"),
    [
        (CALM, False),
        (f"  {CALM}\n", False),
        ([{"type": "text", "text": CALM}], False),
        (f"<think>They say please {{}}.</think>{CALM}", False),
        (f"Here you are:\n```json\n{CALM}\n```\nAnything else?", True),
        ("{'mood': 'calm', 'reason': 'polite'}", True),
        ('{"mood": "calm", "reason": polite"}', True),
        ('{"mood": "calm" "reason": "polite"}', True),
        ('{"mood": "calm", "reason": "polite",}', True),
    ],
)
def test_a_complete_answer_is_understood_and_repairs_are_said(content: object, is_repaired: bool) -> None:
    found = understand(completion(content), MOOD)
    assert found.values == {WHOLE: Mood(mood="calm", reason="polite")}
    assert not found.problems
    assert found.is_repaired == is_repaired


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "empty"),
        ("I cannot help with that.", "not JSON"),
        ('{"mood": "calm", "reason": "pol', "cut off"),
        ('{"mood": "calm", "reason": "polite"', "cut off"),
        ('{"mood": "calm", "mood": "angry", "reason": "polite"}', "'mood' twice"),
        ("{'mood': 'calm', 'mood': 'angry', 'reason': 'polite'}", "'mood' twice"),
        ('{"mood": NaN, "reason": "polite"}', "NaN"),
        ('{"mood": "sad", "reason": "polite"}', "mood: Input should be 'calm' or 'angry'"),
        ('{"mood": "calm"}', "reason: Field required"),
        ('{"mood": "calm", "reason": "POLITE"}', "reason: String should match pattern"),
        ('{"mood": "calm", "reason": "%s"}' % ("polite " * 10), "at most 40 characters"),
        ("[" * 100_000, "cut off"),
        ("[" * 100_000 + "]" * 100_000, "it is not JSON"),
        (f"[{CALM}, {CALM}]", "valid dictionary"),
        ("null", "valid dictionary"),
        ("x" * (MOST_REPAIRED + 1), "too many to repair"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_and_never_guessed(content: str, problem: str) -> None:
    found = understand(completion(content), MOOD)
    assert not found.values
    assert problem in found.problems[WHOLE]


def test_an_answer_that_the_model_did_not_end_is_not_repaired() -> None:
    assert understand(completion(CALM, finish=None), MOOD).values
    assert "did not finish it" in understand(completion("{'mood': 'calm'}", finish=None), MOOD).problems[WHOLE]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", faults.NotACompletion),
        (b"<html><body>Bad gateway</body></html>", faults.NotACompletion),
        (b"[]", faults.NotACompletion),
        (b'{"choices": "none"}', faults.NotACompletion),
        (completion("caf\u00e9").decode().encode("utf-8").replace(b"caf\\u00e9", b"caf\xe9"), faults.Undecodable),
        (b'{"error": {"code": 502, "message": "upstream"}}', faults.ErrorInside),
        (completion(CALM, finish="error"), faults.ErrorInside),
        (b'{"choices": null}', faults.NoContent),
        (b'{"choices": []}', faults.NoContent),
        (completion(None), faults.NoContent),
        (completion(None, reasoning_content="Let me think."), faults.NoContent),
        (completion(None, refusal="I can't read this."), faults.Refused),
        (completion('{"mood": "ca', finish="length"), faults.CutOff),
        (completion(None, finish="length"), faults.CutOff),
        (completion("", finish="content_filter"), faults.ContentFiltered),
    ],
)
def test_a_body_without_an_answer_is_a_fault_of_its_own_type(body: bytes, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        understand(body, MOOD)


def test_each_unit_is_checked_by_itself() -> None:
    found = understand(
        verses({"verse": 1, "kind": "simile"}, {"verse": "2", "kind": "joke"}, {"verse": "9", "kind": "none"}), VERSES
    )
    assert found.values == {"1": Verse(verse="1", kind="simile")}
    assert found.problems.keys() == {"2", "3"}
    assert found.problems["3"] == "not answered"
    assert found.unasked == ("9",)


def test_a_unit_that_is_answered_twice_counts_only_where_both_say_the_same() -> None:
    one, other = {"verse": "1", "kind": "simile"}, {"verse": "1", "kind": "none"}
    rest = ({"verse": "2", "kind": "none"}, {"verse": "3", "kind": "none"})
    assert understand(verses(one, one, *rest), VERSES).values.keys() == {"1", "2", "3"}
    assert understand(verses(one, other, *rest), VERSES).problems == {"1": "answered 2 times with different results"}


def test_a_repaired_answer_about_units_must_still_cover_them() -> None:
    text = '{"units": [{"verse": 1", "kind": "simile"}, {"verse": 2", "kind": "none"}]}'
    found = understand(completion(text), VERSES)
    assert found.is_repaired
    assert found.values.keys() == {"1", "2"}
    assert found.problems == {"3": "not answered"}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, (0, 0, 0, False)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, (10, 5, 0, True)),
        ({"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 70}, (10, 60, 0, True)),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}},
            (10, 5, 8, True),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (0, 0, 0, False)),
    ],
)
def test_tokens_are_what_is_charged_for(usage: Any, expected: tuple[object, ...]) -> None:
    body = json.dumps({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}], "usage": usage}).encode()
    said = envelope_of(body).usage
    assert (said.input_tokens, said.output_tokens, said.cached_tokens, said.is_known) == expected


def test_an_envelope_of_anything_can_be_had() -> None:
    for body in (b"", b"\xff", b"<html>", b"[1]", b'{"choices": [{}]}'):
        assert envelope_of(body).finish_reason == ""
    assert envelope_of(completion("", finish="stop")).model == "some-model"


# --- The schema ---------------------------------------------------------------------------------------------------


class Figure(BaseModel):
    kind: Literal["simile", "metaphor"] = "simile"
    strength: float = Field(ge=0, le=1)
    speaker: str | None = Field(default=None, description="who says it")


class Chapter(BaseModel):
    verse: int
    figures: list[Figure] = Field(default_factory=list, max_length=3)
    only: Literal["yes"]


def test_the_schema_on_the_wire_is_the_subset_that_all_providers_know() -> None:
    figure = {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["simile", "metaphor"]},
            "strength": {"type": "number"},
            "speaker": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "who says it"},
        },
        "required": ["kind", "strength", "speaker"],
        "additionalProperties": False,
    }
    assert wire_schema(Chapter) == {
        "type": "object",
        "properties": {
            "verse": {"type": "integer"},
            "figures": {"type": "array", "items": figure},
            "only": {"type": "string", "enum": ["yes"]},
        },
        "required": ["verse", "figures", "only"],
        "additionalProperties": False,
    }


def test_units_are_named_on_the_wire() -> None:
    schema = schema_of(Ask(Call.Step.EXTRACT, (), Chapter, units=("1", "2"), unit_field="verse"))
    row = schema["properties"]["units"]["items"]
    assert row["properties"]["verse"] == {"type": "string", "enum": ["1", "2"]}


class Endless(BaseModel):
    inner: "list[Endless]"


class Open(BaseModel):
    anything: dict[str, Any]


@pytest.mark.parametrize("model", [Endless, Open])
def test_what_not_every_provider_takes_is_refused_before_it_is_sent(model: type[BaseModel]) -> None:
    with pytest.raises(ValueError, match=r"not every provider|cannot be expressed"):
        wire_schema(model)
