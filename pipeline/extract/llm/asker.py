"""Put one question to a language model within a run's budget, and keep its answer: for readings and for judgements.

What is done to each question, in this order: the most it can cost is reserved, the pace and the number of questions
under way are kept (`client`, `limits`), the answer is committed as a `Call` before anybody looks at it, and what it
cost is settled in the same transaction. Whoever asks brings the event loop; rows are written on the task's own thread.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from pipeline.extract.llm.abilities import Abilities, abilities_of
from pipeline.extract.llm.answers import envelope_of
from pipeline.extract.llm.budget import Allowance, Most, Owner, let_go, reserve
from pipeline.extract.llm.calls import Paid, bytes_a_token, store_calls
from pipeline.extract.llm.client import Client
from pipeline.extract.llm.conduct import Request
from pipeline.extract.llm.endpoint import Target, target
from pipeline.extract.llm.prices import cost_of, most_of
from pipeline.models import Budget, Run

T = TypeVar("T")


class BudgetSpent(Exception):
    """The run's budget allows no further question."""


async def on_thread(function: Callable[..., T], *words: Any, **named: Any) -> T:
    """Return what a function says that asks the database, called on the task's own thread and connection."""
    return await sync_to_async(partial(function, *words, **named), thread_sensitive=True)()


class _Keeper:
    """Commits answers, those that come while a commit is under way in the next one together.

    A commit waits for the disk, and where many questions are under way answers come faster than a disk turns. None
    waits longer than for the commit before its own.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[Paid, asyncio.Future[None]]] = []
        self.committing: asyncio.Task[None] | None = None

    async def keep(self, run: Run, paid: Paid, *, is_budgeted: bool) -> None:
        """Return when the answer is committed; raise what keeps it from being."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((paid, kept))
        if self.committing is None or self.committing.done():
            # a task of its own: an answer is committed also if whoever asked is cancelled meanwhile
            self.committing = asyncio.create_task(self._commit(run, is_budgeted))
        await kept

    async def _commit(self, run: Run, is_budgeted: bool) -> None:
        while self.waiting:
            taken, self.waiting = self.waiting, []
            try:
                paid = [one for one, _ in taken]
                errors = await on_thread(store_calls, run=run, paid=paid, is_budgeted=is_budgeted)
            except BaseException:  # the process is ending: nobody may wait for what will not come
                for _, kept in (*taken, *self.waiting):
                    kept.cancel()
                raise
            for (_, kept), error in zip(taken, errors, strict=True):
                if kept.done():  # whoever asked was cancelled
                    continue
                if error is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(error)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks one target for one run. `claim` is the delivery's: reservations of a dead one count no more.

    `prompt` is the version of what is asked, kept with each call; `bytes_a_token` makes tokens of a question's bytes.
    Without a budget nothing is reserved and settled: that would be a transaction more for each question. One that is
    given later counts what was spent until then, and is given before anybody asks again.
    """

    run: Run
    claim: str
    prompt: str
    target: Target
    abilities: Abilities
    bytes_a_token: float
    is_budgeted: bool
    keeper: _Keeper = field(default_factory=_Keeper)

    @classmethod
    def of(cls, *, run: Run, claim: str, prompt: str) -> "Asker":
        """Return who asks the model of the settings. RunFault if it cannot be asked, or was never and now cannot."""
        asked = target()
        has_budget = Budget.objects.filter(run=run).exists()
        return cls(run, claim, prompt, asked, abilities_of(asked), bytes_a_token(asked.model), has_budget)

    def tokens_of(self, words: dict[str, Any]) -> tuple[int, int]:
        """Return the bytes of a question's body, and about how many tokens they are."""
        size = len(json.dumps(words, ensure_ascii=False).encode())
        return size, int(size / self.bytes_a_token) + 1

    async def ask(
        self, client: Client, owner: Owner, request_hash: str, request: Request,
        still_wanted: Callable[[], Awaitable[None]],
    ) -> bytes:  # fmt: skip
        """Return the bytes of the answer to a question; they are stored by then.

        Raises what `Client.ask` and `still_wanted` raise, and BudgetSpent.
        """
        words = self.abilities.words(request)
        asked_bytes, tokens = self.tokens_of(words)
        if self.is_budgeted:
            await self._reserve(owner, tokens, request.most_tokens, still_wanted)
        try:
            reply = await client.ask(words, tokens=tokens + request.most_tokens // 4, still_wanted=still_wanted)
        # Also a cancelled task gives its reservation back: else the money would stay set aside until the claim lapses.
        except BaseException:
            if self.is_budgeted:
                await on_thread(let_go, run=self.run, owner=owner)
            raise
        envelope = envelope_of(reply.body)
        cost = cost_of(envelope.usage, self.target)
        at = (owner, request_hash, str(request.step), request.unit)
        paid = Paid(*at, reply, envelope, self.prompt, self.target.model, cost, asked_bytes)
        # committed before it is looked into: from here on a crash costs nothing
        await self.keeper.keep(self.run, paid, is_budgeted=self.is_budgeted)
        return reply.body

    async def _reserve(
        self, owner: Owner, given: int, answered: int, still_wanted: Callable[[], Awaitable[None]]
    ) -> None:
        """Return when the budget allows a call; BudgetSpent when it is used up."""
        most = Most(most_of(given, answered, self.target) or Decimal(0), given + answered)
        while True:
            await still_wanted()
            said = await on_thread(reserve, run=self.run, owner=owner, claim=self.claim, most=most)
            if said == Allowance.GO:
                return
            if said == Allowance.SPENT:
                raise BudgetSpent
            # until a call that is under way gives back what it reserved; not all look again at the same moment
            await asyncio.sleep(0.1 * (1 + random.random()))
