"""Conduct a reading, or a judgement: from questions to what they come to, with answers from wherever they are.

Pure. It yields `Request`s and is sent the bytes of each answer; whether these come from the ledger or are asked for is
for the caller to decide. So a run, its salvage and its replay go through the same lines.
"""

import json
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from pipeline.extract.base import Answer
from pipeline.extract.llm.answers import Understood, understand
from pipeline.extract.llm.faults import AnswerFault, Malformed
from pipeline.extract.llm.steps import WHOLE, Ask, Asks, R, Say
from pipeline.extract.llm.wire import schema_of
from pipeline.extract.themes import Reading
from pipeline.models import Call

MOST_QUESTIONS = 500
"""Questions of one reading: a profile that never ends must end."""


@dataclass(frozen=True, slots=True)
class Request:
    """What has to be answered next; `step` and `unit` are the columns of its Call. `schema` is what is on the wire."""

    step: Call.Step
    unit: str
    messages: tuple[Say, ...]
    schema: Mapping[str, Any]
    most_tokens: int


@dataclass(frozen=True, slots=True)
class Conducted(Generic[R]):
    """A reading, and what of its answers had to be put right: how often each of repaired, asked_again, unasked.

    Of a judgement `reading` is what it comes to.
    """

    reading: R
    flaws: Mapping[str, int] = field(default_factory=dict)


Conducting = Generator[Request, bytes, Conducted[R]]
"""A reading under way."""


def conduct(steps: Asks[R]) -> Conducting[R]:
    """Yield each request of a reading, be sent its answer, return the reading. AnswerFault if it cannot be had."""
    flaws: Counter[str] = Counter()
    named: set[tuple[str, str]] = set()
    try:
        # a profile's reading is a generator: it yields questions and is sent their answers, and knows nothing of where
        # these are from
        ask = next(steps)
        while True:
            _refuse_twins(ask, named)
            try:
                answers = yield from _answered(ask, flaws)
            except AnswerFault as fault:
                ask = steps.throw(fault)  # it rises again unless the profile can do without
            else:
                ask = steps.send(answers)
    except StopIteration as end:
        return Conducted(end.value, dict(flaws))


def _refuse_twins(ask: Ask[Any], named: set[tuple[str, str]]) -> None:
    name = (str(ask.step), ask.part)
    if name in named:
        raise ValueError(
            f"a profile asks twice for the step {ask.step} and the part {ask.part!r}; give the parts different names"
        )
    named.add(name)
    if len(named) > MOST_QUESTIONS:
        raise ValueError(f"a profile asks more than {MOST_QUESTIONS} questions about one conversation")


def _answered(ask: Ask[Any], flaws: Counter[str]) -> Generator[Request, bytes, dict[str, Any]]:
    """Return what is said of each unit; what is missing is asked for once more. Malformed if that does not help."""
    first = understand((yield _request(ask)), ask)
    _note(first, flaws)
    values = dict(first.values)
    # once: a model that gave a wrong answer twice gives a third, and each costs
    if first.problems:
        flaws["asked_again"] += 1
        second_ask = _again(ask, first.problems)
        second = understand((yield _request(second_ask, repeats=ask)), second_ask)
        _note(second, flaws)
        values |= second.values
        if second.problems:
            raise Malformed("; ".join(f"{unit or 'answer'}: {why}" for unit, why in second.problems.items())[:1000])
    return {unit: values[unit] for unit in ask.units or (WHOLE,)}


def _note(understood: Understood, flaws: Counter[str]) -> None:
    if understood.is_repaired:
        flaws["repaired"] += 1
    if understood.unasked:
        flaws["unasked"] += len(understood.unasked)


def _request(ask: Ask[Any], repeats: Ask[Any] | None = None) -> Request:
    unit = ask.part if repeats is None else f"{repeats.step} {repeats.part}".strip()
    return Request(Call.Step.REASK if repeats else ask.step, unit, ask.messages, schema_of(ask), ask.most_tokens)


def _again(ask: Ask[Any], problems: Mapping[str, str]) -> Ask[Any]:
    """Return the question for the missing units alone, with what was wrong."""
    if not ask.units:
        told = f"An earlier answer could not be used: {problems[WHOLE]}. Answer again, with a single JSON object."
        return replace(ask, messages=(*ask.messages, Say("user", told)))
    missing = tuple(unit for unit in ask.units if unit in problems)
    # as JSON, because a unit has the name that its source gives it
    lines = "\n".join(f"- {json.dumps(unit, ensure_ascii=False)}: {problems[unit]}" for unit in missing)
    told = (
        f"An earlier answer could not be used for some of the units. Answer again for these only, each once:\n{lines}"
    )
    return replace(ask, units=missing, messages=(*ask.messages, Say("user", told)))


def go_on(reading: Conducting[R], answer: bytes | AnswerFault | None) -> Request | Conducted[R]:
    """Send an answer into a reading under way, None to begin; return its next request, or what it ended with.

    A fault in place of an answer is thrown into it, and rises again unless the profile can do without.
    """
    try:
        if isinstance(answer, AnswerFault):
            return reading.throw(answer)
        return next(reading) if answer is None else reading.send(answer)
    except StopIteration as end:
        done: Conducted[R] = end.value
        return done


def as_answer(done: Conducted[Reading]) -> Answer:
    """Return a reading in the form all extractors answer in, without vectors."""
    return Answer(text=done.reading.model_dump_json(), flaws=done.flaws)
