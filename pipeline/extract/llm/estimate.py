"""What reading will cost, before anything is asked: from the questions that would be sent and from earlier answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count

from pipeline.extract.base import Asking
from pipeline.extract.llm.abilities import Abilities, stored
from pipeline.extract.llm.calls import bytes_a_token
from pipeline.extract.llm.conduct import Request, conduct, go_on
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.prices import most_of
from pipeline.extract.llm.steps import Steps
from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import Question
from pipeline.models import Call

ANSWER_TOKENS = 300
"""Tokens of an answer, until earlier answers to the same prompt show better: two themes with their quotes."""

LEARNED_FROM = 500
"""Newest calls with the prompt from which the size of answers and the number of questions are learned."""


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """What one step will need for all conversations; `dollars` is None where the price is not known."""

    calls: int
    input_tokens: int
    output_tokens: int
    dollars: Decimal | None

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        dollars = None if self.dollars is None else round(float(self.dollars), 6)
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return {"calls": self.calls, **tokens, "tokens": self.input_tokens + self.output_tokens, "dollars": dollars}


@dataclass(frozen=True, slots=True)
class Estimate(StepEstimate):
    """What so many conversations will need, together and by step."""

    steps: Mapping[str, StepEstimate]

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        by_step = {step: of_step.as_json() for step, of_step in self.steps.items()}
        return {**StepEstimate.as_json(self), "steps": by_step}


@dataclass(frozen=True, slots=True)
class _Learned:
    """What earlier calls of a step came to: so many a conversation, and their bytes and answers on average."""

    calls: float
    asked_bytes: float
    answer_tokens: float


def estimate(samples: Sequence[Question], count: int, profile: Profile, extractor: Asking) -> Estimate:
    """Estimate the reading of `count` conversations of which some are given.

    Of each sample all questions are made, as they would be sent if each had a plain answer, and measured. How many
    there are in the end, how long answers are, and how often something is asked again, is learned from earlier calls
    with the same prompt.
    """
    asked, prompt = target(), extractor.prompt_of(profile)
    abilities, ratio = stored(asked) or Abilities(), bytes_a_token(asked.model)
    known = prompt.prepare(profile, samples, extractor.encode)
    of_samples = [walked(prompt.read(question.transcript, known.get(question.key))) for question in samples]
    sizes: dict[str, list[int]] = {}
    for request in (request for each in of_samples for request in each):
        body = json.dumps(abilities.words(request), ensure_ascii=False).encode()
        sizes.setdefault(request.step, []).append(len(body))
    learned = _learned(prompt.version, asked.model) if sizes else {}
    # of some conversations nothing is asked, for the prompt filters them by itself: they left no calls
    share = sum(map(bool, of_samples)) / max(1, len(samples))
    steps = {}
    for step in sorted({*sizes, *learned}):
        of_step, before = sizes.get(step, []), learned.get(step)
        calls = count * (before.calls * share if before else len(of_step) / len(samples))
        size = sum(of_step) / len(of_step) if of_step else learned[step].asked_bytes
        given, answered = calls * size / ratio, calls * (before.answer_tokens if before else ANSWER_TOKENS)
        dollars = most_of(round(given), round(answered), asked)
        steps[step] = StepEstimate(round(calls), round(given), round(answered), dollars)
    every = steps.values()
    known_prices = [one.dollars for one in every if one.dollars is not None]
    return Estimate(
        sum(one.calls for one in every), sum(one.input_tokens for one in every),
        sum(one.output_tokens for one in every),
        sum(known_prices, Decimal(0)) if len(known_prices) == len(steps) else None, steps,
    )  # fmt: skip


def _learned(prompt: str, model: str) -> dict[str, _Learned]:
    """Return what the newest calls with a prompt came to, by step."""
    lately = Call.objects.filter(prompt=prompt, model=model, item__isnull=False).order_by("-id")[:LEARNED_FROM]
    calls = Call.objects.filter(pk__in=lately.values("pk"))
    items = calls.aggregate(items=Count("item", distinct=True))["items"]
    by_step = calls.values_list("step").annotate(Count("id"), Avg("asked_bytes"), Avg("output_tokens")).order_by()
    return {
        step: _Learned(number / items, asked or 0.0, answer or ANSWER_TOKENS) for step, number, asked, answer in by_step
    }


MOST_WALKED = 20
"""Questions of a sample that are made at most."""


def walked(steps: Steps) -> list[Request]:
    """Return the questions of a reading, each answered by the plainest thing that fits its schema.

    Where that is no answer (a limit that the schema does not tell), the questions until then are returned.
    """
    found: list[Request] = []
    reading = conduct(steps)
    try:
        request = go_on(reading, None)
        while isinstance(request, Request) and request.step != Call.Step.REASK and len(found) < MOST_WALKED:
            found.append(request)
            content = json.dumps(_plain_answer(request.schema), ensure_ascii=False)
            choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
            request = go_on(reading, json.dumps({"choices": [choice]}).encode())
    except Exception:  # a profile may stumble over an answer nobody would give; an estimate is worth no run
        pass
    return found


def _plain_answer(schema: Mapping[str, Any]) -> Any:
    """Return a value of a schema of `wire`: the first of several, one of a list, each named unit once."""
    if "anyOf" in schema:
        return _plain_answer(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _plain_answer(field) for name, field in schema["properties"].items()}
    if schema.get("type") == "array":
        item = schema["items"]
        for name, field in item.get("properties", {}).items():
            if "enum" in field and name == "unit":
                return [{**_plain_answer(item), name: unit} for unit in field["enum"]]
        return [_plain_answer(item)]
    return {"string": "plain", "number": 0.5, "integer": 1, "boolean": True}.get(str(schema.get("type")))
