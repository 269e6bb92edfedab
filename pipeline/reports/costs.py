"""What a run's calls to language models came to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from pipeline.extract.llm.budget import calls_of
from pipeline.models import Call, Run


@dataclass(frozen=True, slots=True)
class ModelUse:
    """The calls of one step to one model; `dollars` are of those whose price is known, `unpriced` counts the others."""

    step: str
    model: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    dollars: float
    unpriced: int


def model_use_of(run: Run) -> list[ModelUse]:
    """Return what a run's calls came to, by step and model; nothing for a run that asked no language model."""
    return sorted(
        (use for calls, is_judged in zip(calls_of(run), (False, True), strict=True) for use in _use(calls, is_judged)),
        key=lambda use: (use.step, use.model),
    )


def _use(calls: QuerySet[Call], is_judged: bool) -> Iterator[ModelUse]:
    """Yield what calls came to. Steps of judgements say so: a question asked again is a step of readings too."""
    sums = calls.exclude(model="").values_list("step", "model").annotate(
        calls=Count("id"), given=Sum("input_tokens"), cached=Sum("cached_tokens"), answered=Sum("output_tokens"),
        dollars=Sum("cost"), unpriced=Count("id", filter=Q(cost=None)),
    )  # fmt: skip
    for step, model, number, given, cached, answered, cost, unpriced in sums.order_by():
        name = f"judge: {step}" if is_judged else step
        yield ModelUse(name, model, number, given, cached, answered, round(float(cost or 0), 9), unpriced)


@dataclass(frozen=True, slots=True)
class StepCost:
    """What a step was expected to need and what it needed; either may be missing, the run being under way or resumed.

    `expected` has calls, input_tokens, output_tokens, tokens and dollars, as `Estimate.as_json` has of each step.
    """

    step: str
    use: ModelUse | None
    expected: Mapping[str, Any] | None


def step_costs(use: Sequence[ModelUse], estimate: Mapping[str, Any] | None) -> list[StepCost]:
    """Return by step what calls came to beside what was expected; nothing if no language model was asked.

    A step that several models answered has a row each, the first of which has the expectation.
    """
    expected = dict((estimate or {}).get("steps") or {})
    rows = [StepCost(one.step, one, expected.pop(one.step, None)) for one in use]
    return rows + [StepCost(step, None, missing) for step, missing in sorted(expected.items())] if use else []


def step_costs_of(run: Run) -> list[StepCost]:
    """Return by step what a run's calls came to beside what was expected, as `step_costs` does."""
    return step_costs(model_use_of(run), (run.preview or {}).get("estimate"))


def flaws_of(run: Run) -> dict[str, int]:
    """Return how often something in the answers of a run was put right, by what it was."""
    found: Counter[str] = Counter()
    for flaws in run.items.exclude(flaws=None).values_list("flaws", flat=True).iterator():
        found.update(flaws)
    return dict(sorted(found.items()))


def in_words(use: Sequence[ModelUse]) -> str:
    """Return all the calls in one line: how many, how many tokens, and what is known of their price."""
    calls, unpriced = sum(one.calls for one in use), sum(one.unpriced for one in use)
    given, cached = sum(one.input_tokens for one in use), sum(one.cached_tokens for one in use)
    answered, dollars = sum(one.output_tokens for one in use), sum(one.dollars for one in use)
    names = ", ".join(sorted({one.model for one in use}))
    tokens = f"{given:,} tokens in" + (f" ({cached:,} cached)" if cached else "") + f", {answered:,} out"
    price = "price unknown (set LLM_PRICES)" if unpriced == calls else f"${dollars:.4f}"
    more = f" and {unpriced:,} calls with an unknown price" if 0 < unpriced < calls else ""
    return f"{calls:,} of {names}: {tokens}; {price}{more}"
