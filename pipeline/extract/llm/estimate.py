"""What reading will cost, before anything is asked: from the questions that would be sent and from earlier answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Avg, Count

from pipeline.extract.base import Asking
from pipeline.extract.llm.abilities import Abilities, stored
from pipeline.extract.llm.calls import bytes_a_token
from pipeline.extract.llm.conduct import Request, conduct
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.prices import most_of
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

    Of each sample the first question is made, as it would be sent, and measured; how many questions a conversation
    takes and how long answers are is learned from earlier calls with the same prompt.
    """
    asked, prompt = target(), extractor.prompt_of(profile)
    abilities, ratio = stored(asked) or Abilities(), bytes_a_token(asked.model)
    known = prompt.prepare(profile, samples, extractor.encode)
    sizes = []
    for question in samples:
        request = next(conduct(prompt.read(question.transcript, known.get(question.key))), None)
        if isinstance(request, Request):
            sizes.append(len(json.dumps(abilities.words(request), ensure_ascii=False).encode()))
    lately = Call.objects.filter(prompt=prompt.version, model=asked.model).order_by("-id")[:LEARNED_FROM]
    learned = Call.objects.filter(pk__in=lately.values("pk")).aggregate(
        answer=Avg("output_tokens"), calls=Count("id"), items=Count("item", distinct=True)
    )
    calls = (
        # the last factor: of some conversations nothing is asked, for the prompt filters them by itself
        count * (learned["calls"] / learned["items"] if learned["items"] else 1.0) * (len(sizes) / max(1, len(samples)))
    )
    given = calls * (sum(sizes) / len(sizes) / ratio if sizes else 0.0)
    answered = calls * (learned["answer"] or ANSWER_TOKENS)
    dollars = most_of(round(given), round(answered), asked)
    return Estimate(round(calls), round(given), round(answered), dollars)
