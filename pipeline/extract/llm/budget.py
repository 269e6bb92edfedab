"""What a run may spend: reserved before a call, settled with its answer, over all workers, in PostgreSQL.

A call reserves the most it can cost, so that as many as may be under way cannot spend together what is left once. Near
the end that would stop a run with money unspent; so where a reservation does not fit, the call waits for those under
way, and one alone may go if anything is left. A budget is overspent by at most what one call costs more than is left.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from pipeline.models import Budget, Call, Item, Judgement, Reservation, Run


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose call it is: an item's, or a judgement's, by its id; the other is None."""

    item_id: int | None = None
    judgement_id: int | None = None

    @property
    def columns(self) -> dict[str, int | None]:
        """The columns of a call or a reservation that say so, also as a filter."""
        return {"item_id": self.item_id} if self.judgement_id is None else {"judgement_id": self.judgement_id}


def calls_of(run: Run) -> tuple[QuerySet[Call], ...]:
    """Return the calls that a run has paid for: those of its readings, and those of what was judged of it.

    Two queries and not one with an OR, which would look at every call of every run.
    """
    return Call.objects.filter(item__run=run), Call.objects.filter(judgement__run=run)


MOST_DOLLARS = 1_000_000


def dollars_of(word: str) -> Decimal:
    """Return an amount of money above 0, as 5 or 0.25; ValueError with a sentence if it is none."""
    try:
        amount = Decimal(word)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or not 0 < amount < MOST_DOLLARS:
        raise ValueError(f"{word[:20]!r} is not an amount in dollars; write for example 5 or 0.25")
    return amount


class Allowance(Enum):
    """What the budget says to a call."""

    GO = "go"
    WAIT = "wait"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Most:
    """The most a call can cost: dollars (0 where only tokens are counted) and tokens."""

    cost: Decimal
    tokens: int


def set_budget(*, run: Run, most_cost: Decimal | None = None, most_tokens: int | None = None) -> Budget | None:
    """Give the run a budget, or another one; what its calls have cost so far counts. A limit that is None stays."""
    limits = {"most_cost": most_cost, "most_tokens": most_tokens}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if not given:
        return Budget.objects.filter(run=run).first()
    spent = spent_by(run)
    row, _ = Budget.objects.update_or_create(
        run=run, defaults={**given, "spent_cost": spent.cost, "spent_tokens": spent.tokens}
    )
    return row


def spent_by(run: Run) -> Most:
    """Return what the run's calls have cost so far, as far as their prices are known."""
    sums = [
        calls.aggregate(cost=Sum("cost"), given=Sum("input_tokens"), answered=Sum("output_tokens"))
        for calls in calls_of(run)
    ]
    cost = sum((one["cost"] or Decimal(0) for one in sums), Decimal(0))
    return Most(cost, sum((one["given"] or 0) + (one["answered"] or 0) for one in sums))


def reserve(*, run: Run, owner: Owner, claim: str, most: Most) -> Allowance:
    """Reserve the most a call can cost, in a transaction of its own; GO also for a run without a budget."""
    with transaction.atomic():
        # the row is the lock: one call at a time looks at what is left
        budget = Budget.objects.select_for_update().filter(run=run).first()
        if budget is None:
            return Allowance.GO
        reserved = _reserved(budget)
        if not _is_left(budget.spent_cost, budget.most_cost) or not _is_left(budget.spent_tokens, budget.most_tokens):
            return Allowance.SPENT
        # with nothing else under way one call goes, however little is left: see above
        if reserved.exists():
            sums = reserved.aggregate(cost=Sum("cost"), tokens=Sum("tokens"))
            cost = budget.spent_cost + sums["cost"] + most.cost
            tokens = budget.spent_tokens + sums["tokens"] + most.tokens
            if not (_fits(cost, budget.most_cost) and _fits(tokens, budget.most_tokens)):
                return Allowance.WAIT
        # an item asks one thing at a time: what is still there is of a delivery that died
        Reservation.objects.filter(budget=budget, **owner.columns).delete()
        Reservation.objects.create(
            budget=budget, claim=claim, cost=most.cost, tokens=most.tokens, made_at=timezone.now(), **owner.columns
        )
        return Allowance.GO


def _reserved(budget: Budget) -> QuerySet[Reservation]:
    """Reservations of calls somebody still waits for: their claim stands and was renewed, or they are in a batch."""
    alive = timezone.now() - timedelta(seconds=settings.CLAIM_TIMEOUT)
    waited_for = Q(item__claim=F("claim"), item__state=Item.State.READING, item__claimed_at__gte=alive)
    judged = Q(judgement__claim=F("claim"), judgement__state=Judgement.State.ASKING, judgement__claimed_at__gte=alive)
    return Reservation.objects.filter(waited_for | judged | Q(claim="batch"), budget=budget)


def _is_left(spent: Decimal | int, most: Decimal | int | None) -> bool:
    return most is None or spent < most


def _fits(wanted: Decimal | int, most: Decimal | int | None) -> bool:
    return most is None or wanted <= most


def settle(*, run: Run, owner: Owner, cost: Decimal | None, tokens: int | None) -> None:
    """Count what a call has cost in place of what was reserved for it. Requires the transaction that stores the call.

    What is not known counts as what was reserved: a budget must not be spent unseen.
    """
    held = Reservation.objects.filter(budget=run.pk, **owner.columns).first()
    reserved = Most(held.cost, held.tokens) if held else Most(Decimal(0), 0)
    Budget.objects.filter(run=run).update(
        spent_cost=F("spent_cost") + (reserved.cost if cost is None else cost),
        spent_tokens=F("spent_tokens") + (reserved.tokens if tokens is None else tokens),
    )
    if held:
        held.delete()


def let_go(*, run: Run, owner: Owner) -> None:
    """Give back what was reserved for a call that brought no answer."""
    Reservation.objects.filter(budget=run.pk, **owner.columns).delete()
