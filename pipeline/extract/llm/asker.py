"""Put one question to a language model within a run's budget, and keep its answer: for readings and for judgements.

What is done to each question, in this order: the most it can cost is reserved, the pace and the number of questions
under way are kept (`client`, `limits`), the answer is committed as a `Call` before anybody looks at it, and what it
cost is settled in the same transaction. Whoever asks brings the event loop; rows are written on the task's own thread.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from pipeline.extract.llm.abilities import Abilities, abilities_of
from pipeline.extract.llm.answers import envelope_of
from pipeline.extract.llm.budget import Allowance, Most, Owner, let_go, reserve
from pipeline.extract.llm.calls import Paid, bytes_a_token, store_call
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
        await on_thread(store_call, run=self.run, paid=paid, is_budgeted=self.is_budgeted)
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
