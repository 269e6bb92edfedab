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
class Estimate:
    """What so many conversations will need; `dollars` is None where the price is not known."""

    calls: int
    input_tokens: int
    output_tokens: int
    dollars: Decimal | None

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        dollars = None if self.dollars is None else round(float(self.dollars), 6)
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return {"calls": self.calls, **tokens, "tokens": self.input_tokens + self.output_tokens, "dollars": dollars}


def estimate(samples: Sequence[Question], count: int, profile: Profile, extractor: Asking) -> Estimate:
    """Estimate the reading of `count` conversations of which some are given.

    Of each sample all questions are made, as they would be sent if each had a plain answer, and measured. How many
    there are in the end, and how long answers are, is learned from earlier calls with the same prompt.
    """
    asked, prompt = target(), extractor.prompt_of(profile)
    abilities, ratio = stored(asked) or Abilities(), bytes_a_token(asked.model)
    known = prompt.prepare(profile, samples, extractor.encode)
    of_samples = [walked(prompt.read(question.transcript, known.get(question.key))) for question in samples]
    requests = [request for each in of_samples for request in each]
    size = sum(len(json.dumps(abilities.words(request), ensure_ascii=False).encode()) for request in requests)
    lately = Call.objects.filter(prompt=prompt.version, model=asked.model).order_by("-id")[:LEARNED_FROM]
    learned = Call.objects.filter(pk__in=lately.values("pk")).aggregate(
        answer=Avg("output_tokens"), calls=Count("id"), items=Count("item", distinct=True)
    )
    calls = count * len(requests) / max(1, len(samples))
    if learned["items"] and requests:
        # of some conversations nothing is asked, for the prompt filters them by itself: they left no calls
        calls = count * learned["calls"] / learned["items"] * sum(map(bool, of_samples)) / len(samples)
    given = calls * (size / len(requests) / ratio if requests else 0.0)
    answered = calls * (learned["answer"] or ANSWER_TOKENS)
    dollars = most_of(round(given), round(answered), asked)
    return Estimate(round(calls), round(given), round(answered), dollars)


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
