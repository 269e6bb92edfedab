"""Put a judge's questions, many at once in one event loop; answers are rows before anybody looks at them.

A judgement is claimed before it is asked about and written only while the claim stands, so that two who judge one run
share the work, and what a dead one held is taken over. What has a stored answer is not asked again.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from pipeline.extract.llm.asker import Asker, on_thread
from pipeline.extract.llm.budget import Owner
from pipeline.extract.llm.calls import bodies_of
from pipeline.extract.llm.client import Client
from pipeline.extract.llm.conduct import Request, conduct, go_on
from pipeline.extract.llm.faults import AnswerFault
from pipeline.extract.llm.limits import SharedGate
from pipeline.extract.llm.steps import Ask, whole
from pipeline.ledger.heartbeat import beating
from pipeline.models import Judgement, Run
from pipeline.review.judge.questions import PROMPT
from pipeline.review.judge.subjects import Subject
from pipeline.review.judge.verdicts import decide, fail


class Questions:
    """The questions of one kind about one run, under way. `counts` says what became of them, by verdict.

    Besides the verdicts there are `decided`, `held` and `failed`; what is in none of them still waits.
    """

    def __init__(self, *, run: Run, concurrency: int) -> None:
        self.run, self.concurrency = run, concurrency
        self.claim = f"judge:{uuid4().hex[:12]}"
        self.asker = Asker.of(run=run, claim=self.claim, prompt=PROMPT)
        self.counts: Counter[str] = Counter()
        self.ended: Exception | None = None

    def put(self, waiting: Mapping[int, Subject]) -> None:
        """Ask about the judgements with these ids, and decide; raise what ended it, once all under way is stored.

        Raises BudgetSpent, RunFault and errors of the infrastructure; what was answered until then is decided.
        """
        try:
            with beating(self._renew):
                async_to_sync(self._put)(waiting)
        finally:
            mine = Judgement.objects.filter(claim=self.claim, state=Judgement.State.ASKING)
            mine.update(state=Judgement.State.WAITING, claim="")
        if self.ended:
            raise self.ended

    async def _put(self, waiting: Mapping[int, Subject]) -> None:
        target = self.asker.target
        queue = list(reversed(list(waiting.items())))
        gate = SharedGate(run_id=self.run.pk, concurrency=self.concurrency, host=target.host)
        async with gate, Client(target, gate) as self.client:

            async def work() -> None:
                while queue and not self.ended:
                    await self._judge(*queue.pop())

            await asyncio.gather(*(work() for _ in range(min(self.concurrency, len(queue)))))

    async def _judge(self, pk: int, subject: Subject) -> None:
        row = await on_thread(self._claim, pk)
        if row is None:
            return
        model = self.asker.target.model
        try:
            answer = await self._answer(row, subject.ask)
        except AnswerFault as fault:
            self.counts["failed"] += 1
            is_held = await on_thread(fail, row=row, subject=subject, fault=fault, model=model)
            self.counts["held"] += is_held  # not in one line: what others count meanwhile would be lost
        except _NotWanted:
            return
        except Exception as error:  # it ends all questions, and is raised when those under way are stored
            self.ended = self.ended or error
        else:
            self.counts[getattr(answer, "verdict", "written")] += 1
            is_decided = await on_thread(decide, row=row, subject=subject, answer=answer, model=model)
            self.counts["decided"] += is_decided

    async def _answer(self, row: Judgement, ask: Ask[Any]) -> Any:
        stored = await on_thread(lambda: bodies_of(row.calls.filter(request_hash=row.request_hash)))
        judging = conduct(whole(ask))
        found = go_on(judging, None)
        while isinstance(found, Request):
            answer: bytes | AnswerFault | None = stored.get((found.step, found.unit))
            if answer is None:
                try:
                    owner = Owner(judgement_id=row.pk)
                    answer = await self.asker.ask(self.client, owner, row.request_hash, found, self._check)
                except AnswerFault as fault:
                    answer = fault
            found = go_on(judging, answer)
        return found.reading

    async def _check(self) -> None:
        if self.ended:
            raise _NotWanted

    # --- Claims, on the task's own thread -------------------------------------------------------------------------

    def _claim(self, pk: int) -> Judgement | None:
        """Return the judgement if it is ours now; None if somebody else asks, or has asked."""
        now = timezone.now()
        lapsed = Q(claimed_at__lt=now - timedelta(seconds=settings.CLAIM_TIMEOUT))
        free = Q(state=Judgement.State.WAITING) | (Q(state=Judgement.State.ASKING) & lapsed)
        mine = Judgement.objects.filter(free, pk=pk)
        if not mine.update(state=Judgement.State.ASKING, claim=self.claim, claimed_at=now):
            return None
        return Judgement.objects.get(pk=pk)

    def _renew(self) -> None:
        mine = Judgement.objects.filter(claim=self.claim, state=Judgement.State.ASKING)
        mine.update(claimed_at=timezone.now())


class _NotWanted(Exception):
    """No more questions are to be sent."""
