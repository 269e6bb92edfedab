"""Have a language model judge what a run found: find what is worth asking, ask within the budget, decide, report."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Avg
from django.utils import timezone

from pipeline.extract.llm.abilities import Abilities, stored
from pipeline.extract.llm.asker import Asker, BudgetSpent
from pipeline.extract.llm.budget import calls_of, set_budget, spent_by
from pipeline.extract.llm.calls import bytes_a_token
from pipeline.extract.llm.conduct import Request, conduct
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.prices import most_of
from pipeline.extract.llm.steps import whole
from pipeline.ledger.counts import find_run
from pipeline.models import Call, Judgement, Run
from pipeline.models.refusal import Refusal
from pipeline.review.judge.asking import Questions
from pipeline.review.judge.questions import PROMPT
from pipeline.review.judge.subjects import Subject, asked_before, rows_by_hash, subjects, too_large_to_review

About = Judgement.About

ORDER = (About.GROUP, About.PAIR, About.TITLE)
"""Groups first: they change what there is to compare; then pairs; names and titles last, of what is left."""

MOST = 100
"""Questions of a kind that are asked at most, unless another number is given."""

ANSWER_TOKENS = 150
"""Tokens of an answer, until earlier judgements show better."""


class CannotJudge(Refusal):
    """A run cannot be judged; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What judging would take, by kind of question; `dollars` is None where the price is not known."""

    questions: dict[str, int]
    input_tokens: int
    output_tokens: int
    dollars: Decimal | None

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        dollars = None if self.dollars is None else round(float(self.dollars), 6)
        return {"questions": self.questions, **tokens, "dollars": dollars}


@dataclass(slots=True)
class Judged:
    """What came of judging, by kind: how many were asked about, each verdict, decided, held, failed, waiting.

    `stopped` says why it ended early, in words; empty if it did not. The costs are those of this time.
    """

    run: int
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    stopped: str = ""
    too_large: int = 0
    calls: int = 0
    tokens: int = 0
    dollars: Decimal = Decimal(0)
    unpriced: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "run": self.run, "judged": {about: dict(sorted(counts.items())) for about, counts in self.counts.items()},
            "stopped": self.stopped, "too_large": self.too_large, "calls": self.calls, "tokens": self.tokens,
            "dollars": round(float(self.dollars), 6), "unpriced": self.unpriced,
        }  # fmt: skip


def estimate(*, run_id: int, kinds: Sequence[Judgement.About] = ORDER, most: int = MOST) -> Estimate:
    """Return what would be asked now and about what it costs; nothing is asked or stored, and no endpoint needed.

    What the decisions of one kind change for the next is not foreseen.
    """
    run, asked = _run(run_id), target()
    asker = Asker(run, "", PROMPT, asked, stored(asked) or Abilities(), bytes_a_token(asked.model), False)
    questions: dict[str, int] = {}
    given = 0
    for about in _in_order(kinds):
        new = _new(subjects(run, about, most), asked.model)
        questions[about] = len(new)
        for subject in new.values():
            request = next(conduct(whole(subject.ask)))
            assert isinstance(request, Request)
            given += asker.tokens_of(asker.abilities.words(request))[1]
    lately = Call.objects.filter(prompt=PROMPT, model=asked.model, output_tokens__gt=0)
    learned = lately.aggregate(mean=Avg("output_tokens"))["mean"] or ANSWER_TOKENS
    answered = round(sum(questions.values()) * learned)
    return Estimate(questions, given, answered, most_of(given, answered, asked))


def judge(
    *,
    run_id: int,
    kinds: Sequence[Judgement.About] = ORDER,
    most: int = MOST,
    budget: Decimal | None = None,
    budget_tokens: int | None = None,
    concurrency: int | None = None,
    say: Callable[[str], None] = lambda told: None,
) -> Judged:
    """Have the model of the settings judge a finished run, and return what came of it.

    At most `most` questions of each kind are put. The budgets are what judging may spend now, beyond what the run has
    spent; without any the run's own stands, if it has one. What could not be asked waits for the next time. CannotJudge
    if the run is not finished or a budget in money cannot be kept; RunFault where no question can be answered.
    """
    run, asked = _run(run_id), target()
    if budget is not None and most_of(1, 1, asked) is None:
        raise CannotJudge(
            f"the price of {asked.model} at {asked.host} is unknown, so a budget in dollars cannot be enforced; set "
            "LLM_PRICES or use --budget-tokens."
        )
    spent = spent_by(run)
    set_budget(
        run=run,
        most_cost=None if budget is None else spent.cost + budget,
        most_tokens=None if budget_tokens is None else spent.tokens + budget_tokens,
    )
    judged, began = (
        Judged(run.pk),
        max((calls.order_by("-id").values_list("id", flat=True).first() or 0) for calls in calls_of(run)),
    )
    try:
        for about in _in_order(kinds):
            questions = Questions(run=run, concurrency=concurrency or settings.LLM_CONCURRENCY)
            waiting = _stored(run, _new(subjects(run, about, most), asked.model))
            judged.counts[about] = questions.counts
            questions.counts["asked"] = len(waiting)
            if about == About.GROUP:
                judged.too_large = too_large_to_review(run)
            say(f"{about.label}: {len(waiting)} to ask")
            questions.put(waiting)
    except BudgetSpent:
        judged.stopped = (
            "the budget is used up; the remaining questions were not asked. Judge again with a larger --budget."
        )
    finally:
        _count_costs(judged, run, began)
    return judged


def _run(run_id: int) -> Run:
    run = find_run(run_id)
    if run.state not in Run.FINISHED:
        raise CannotJudge(f"run {run.pk} is {run.state}; only finished runs can be judged.")
    if run.is_of_pages:
        raise CannotJudge(f"run {run.pk} read web pages; it has conclusions about companies, but no groups to judge.")
    return run


def _in_order(kinds: Sequence[Judgement.About]) -> list[Judgement.About]:
    return [about for about in ORDER if about in kinds]


def _new(found: Sequence[Subject], model: str) -> dict[str, Subject]:
    """Return those subjects that were not judged in these words, by the hash of their question."""
    by_hash = rows_by_hash(found, model)
    known = set(asked_before(by_hash))
    return {request_hash: subject for request_hash, subject in by_hash.items() if request_hash not in known}


def _stored(run: Run, new: dict[str, Subject]) -> dict[int, Subject]:
    """Return the judgements of these questions by id, made where there was none; failed ones wait again."""
    now = timezone.now()
    with transaction.atomic():
        rows = [
            Judgement(
                run=run, about=subject.about, first_id=subject.first, second_id=subject.second,
                request_hash=request_hash, created_at=now,
            )
            for request_hash, subject in new.items()
        ]  # fmt: skip
        Judgement.objects.bulk_create(rows, ignore_conflicts=True)
        mine = Judgement.objects.filter(run=run, request_hash__in=new)
        failed = mine.filter(state=Judgement.State.FAILED)
        # their answers are put aside, as salvage does: no question has an empty hash
        Call.objects.filter(judgement__in=failed).update(request_hash="")
        failed.update(
            state=Judgement.State.WAITING, claim="", ended_at=None, error_class="", error="", outcome=""
        )  # fmt: skip
        ids = dict(mine.values_list("request_hash", "pk"))
    return {ids[request_hash]: subject for request_hash, subject in new.items()}


def _count_costs(judged: Judged, run: Run, after: int) -> None:
    for call in Call.objects.filter(judgement__run=run, pk__gt=after):
        judged.calls += 1
        judged.tokens += call.input_tokens + call.output_tokens
        judged.dollars += call.cost or 0
        judged.unpriced += call.cost is None
