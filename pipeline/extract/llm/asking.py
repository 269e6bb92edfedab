"""Read a chunk by asking a language model: many conversations at once in one event loop, rows on the task's own thread.

As one conversation is finished the next is claimed, so that as many questions are under way as the run may have, over
all workers (`limits`). When its own chunk has no more, a reader takes from the others: the last answers of each chunk
would otherwise be waited for with empty slots. Each answer is committed before anything else is done with it. Whatever
ends the chunk (a stop, a budget, a refused key, a database that is away) ends it at the edge: no new question is sent,
those that are under way are waited for and stored, and conversations that were not finished are given back.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from django.conf import settings
from redis.exceptions import RedisError

from pipeline.extract.base import Answer, Asking
from pipeline.extract.llm.asker import Asker, BudgetSpent, on_thread
from pipeline.extract.llm.budget import Owner
from pipeline.extract.llm.calls import hashes_of, stored_bodies
from pipeline.extract.llm.client import Client
from pipeline.extract.llm.conduct import Conducted, Request, as_answer, conduct, go_on
from pipeline.extract.llm.faults import AnswerFault, RunFault
from pipeline.extract.llm.limits import SharedGate
from pipeline.extract.profiles import Profile
from pipeline.extract.reading import most_deliveries, parse, worn_out_outcome
from pipeline.extract.store import Finished, store
from pipeline.extract.themes import Reading
from pipeline.ledger.claims import Claimed, Superseded, claim_items, release_items, renew_items
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS
from pipeline.ledger.heartbeat import beating
from pipeline.ledger.states import halt
from pipeline.models import Run

LOOK_EVERY = 0.5
"""Seconds between two looks whether the run still wants answers."""

LARGE_ANSWER = 50_000
"""Bytes from which on an answer is understood in a thread of its own: repairing it takes long."""

TOGETHER = 2
"""An item is asked about beside others the first times it is begun; from then on alone, so that one that ends its
worker does not have others blamed for it."""

AHEAD = 2
"""Conversations claimed for each slot. While one is asked about, another is claimed and prepared, or its answer is
stored, understood and turned into vectors: when answers come all at once, every slot is taken again at once too."""

GO_ON_FOR = 120.0
"""Seconds after its beginning during which a reader takes from other chunks as well. Bounded, because other runs wait
for the same workers, and because a message must be finished before it is taken for lost (VISIBILITY_TIMEOUT)."""

Result = tuple[Claimed, "Answer | Exception | None"]
"""An item and its reading, or why there is none; None: it was not read, and somebody else may."""


class _NotWanted(Exception):
    """No more questions are to be sent."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A claimed item with the answers that are stored and what its profile prepared."""

    claimed: Claimed
    bodies: Mapping[tuple[str, str], bytes]
    known: object
    unprepared: Exception | None = None


def read_by_asking(*, run: Run, epoch: int, chunk: int, token: str, profile: Profile, extractor: Asking) -> int:
    """Read what is unfinished in a chunk and return how many items were finished.

    Raises RunFault if no question can be answered, and errors of the infrastructure; what was answered is stored.
    """
    asker = Asker.of(run=run, claim=token, prompt=extractor.prompt_of(profile).version)
    reading = _Chunk(run, epoch, chunk, token, profile, extractor, asker)
    with beating(lambda: renew_items(run=run, token=token)):
        return async_to_sync(reading.read)()


class _Chunk:
    def __init__(
        self, run: Run, epoch: int, chunk: int, token: str, profile: Profile, extractor: Asking, asker: Asker
    ) -> None:
        self.run, self.epoch, self.chunk, self.token = run, epoch, chunk, token
        self.profile, self.extractor, self.prompt = profile, extractor, extractor.prompt_of(profile)
        self.asker = asker
        self.concurrency = max(1, int(run.parameters.get("concurrency") or settings.LLM_CONCURRENCY))
        self.client: Client | None = None
        self.finished = 0
        self.elsewhere_until = time.monotonic() + GO_ON_FOR
        self.is_over = self.is_dry = False
        self.fault: Exception | None = None

    async def read(self) -> int:
        """Return how many items were finished; raise what ended the chunk, once all that is under way is stored."""
        # made here and not in __init__: a lock belongs to the event loop that is running
        self.embedding = asyncio.Lock()
        async with AsyncExitStack() as self.opened:
            active: set[asyncio.Task[Result]] = set()
            while True:
                active |= await self._begin(active)
                if not active:
                    break
                done, active = await asyncio.wait(active, return_when=asyncio.FIRST_COMPLETED)
                await self._keep([task.result() for task in done])
        if self.fault:
            raise self.fault
        return self.finished

    async def _open(self) -> Client:
        """Return the client, which is closed with the chunk, and begin to watch whether the run wants answers."""
        gate = SharedGate(run_id=self.run.pk, concurrency=self.concurrency, host=self.asker.target.host)
        await self.opened.enter_async_context(gate)
        client = await self.opened.enter_async_context(Client(self.asker.target, gate))
        watching = asyncio.create_task(self._watch())
        self.opened.callback(watching.cancel)
        return client

    # --- Claiming -------------------------------------------------------------------------------------------------

    async def _begin(self, active: set["asyncio.Task[Result]"]) -> set["asyncio.Task[Result]"]:
        begun: set[asyncio.Task[Result]] = set()
        width = AHEAD * self.concurrency + 1
        while not self.is_over and (room := width - len(active) - len(begun)) > 0:
            alone = not active and not begun
            if self.is_dry and not alone:
                break
            try:
                taken = await on_thread(self._take, room, alone)
            except INFRASTRUCTURE_ERRORS as error:
                self._end(error)
                break
            # with others under way nothing may only mean that what is left has to be read alone: asked once more then
            self.is_dry = not taken
            # not before: of a chunk that others have read meanwhile, nothing is asked
            if taken and self.client is None:
                self.client = await self._open()
            begun |= {asyncio.create_task(self._read_item(one)) for one in taken}
            if not taken or taken[0].claimed.delivery_count > TOGETHER:
                break
        return begun

    def _take(self, room: int, alone: bool) -> list[_Taken]:
        """Claim what there is room for, of the own chunk while it has any, and prepare its first question."""
        piece = self._claim(self.chunk, room, alone)
        if not piece and time.monotonic() < self.elsewhere_until:
            piece = self._claim(None, room, alone)
        if not piece:
            return []
        bodies = stored_bodies(hashes_of(piece))
        questions = [claimed.question for claimed in piece]
        try:
            known = self.prompt.prepare(self.profile, questions, self.extractor.encode)
        except INFRASTRUCTURE_ERRORS:
            raise
        except Exception as error:  # a mistake of the profile's: it must not be met again and again
            return [_Taken(claimed, {}, None, error) for claimed in piece]
        return [_Taken(claimed, bodies[claimed.item_id], known.get(claimed.item_id)) for claimed in piece]

    def _claim(self, chunk: int | None, room: int, alone: bool) -> list[Claimed]:
        return claim_items(
            run=self.run, epoch=self.epoch, chunk=chunk, token=self.token, most=room, together=TOGETHER, alone=alone,
            by_chunks=False,
        )  # fmt: skip

    # --- One conversation -----------------------------------------------------------------------------------------

    async def _read_item(self, taken: _Taken) -> Result:
        claimed = taken.claimed
        answered = {claimed.item_id: True} if taken.bodies else {}
        if claimed.delivery_count > most_deliveries(claimed, answered):
            return claimed, _WornOut(is_answered=bool(taken.bodies))
        if taken.unprepared:
            return claimed, taken.unprepared
        try:
            answer = as_answer(await self._conduct(taken))
            async with self.embedding:  # one after the other: the model takes all cores it may
                return claimed, await asyncio.to_thread(
                    self.extractor.embed, claimed.question.transcript, answer, self.profile
                )
        except _NotWanted:
            return claimed, None
        except (RunFault, RedisError, *INFRASTRUCTURE_ERRORS) as error:
            self._end(error)
            return claimed, None
        except Exception as error:  # an AnswerFault, or a mistake of the profile's: it costs this conversation only
            return claimed, error

    async def _conduct(self, taken: _Taken) -> Conducted[Reading]:
        reading = conduct(self.prompt.read(taken.claimed.question.transcript, taken.known))
        found = go_on(reading, None)
        while isinstance(found, Request):
            answer: bytes | AnswerFault | None = taken.bodies.get((found.step, found.unit))
            if answer is None:
                try:
                    answer = await self._ask(taken.claimed, found)
                except AnswerFault as fault:
                    answer = fault
            if isinstance(answer, bytes) and len(answer) >= LARGE_ANSWER:
                found = await asyncio.to_thread(go_on, reading, answer)
            else:
                found = go_on(reading, answer)
        return found

    async def _ask(self, claimed: Claimed, request: Request) -> bytes:
        """Return the bytes of the answer to a question; _NotWanted, and the run stops, when its budget is used up."""
        assert self.client
        owner = Owner(claimed.item_id)
        try:
            return await self.asker.ask(self.client, owner, claimed.request_hash, request, self._check)
        except BudgetSpent:
            await on_thread(halt, run=self.run, why="its budget is used up. Continue with a larger --budget.")
            self.is_over = True
            raise _NotWanted from None

    async def _check(self) -> None:
        """Raise _NotWanted if no more questions are to be sent."""
        if self.is_over:
            raise _NotWanted

    async def _watch(self) -> None:
        """Ask the database every LOOK_EVERY seconds whether the run still wants answers.

        Beside the questions: whoever is about to send one has a slot in hand, and must not wait for the database.
        """
        wanted = Run.objects.filter(pk=self.run.pk, epoch=self.epoch, state=Run.State.RUNNING)
        while not self.is_over:
            await asyncio.sleep(LOOK_EVERY)
            try:
                self.is_over = not await on_thread(wanted.exists) or self.is_over
            except INFRASTRUCTURE_ERRORS as error:
                self._end(error)

    # --- Keeping --------------------------------------------------------------------------------------------------

    async def _keep(self, results: Sequence[Result]) -> None:
        try:
            self.finished += await on_thread(self._store, results)
        except Superseded:
            self.is_over = True
        except INFRASTRUCTURE_ERRORS as error:
            self._end(error)

    def _store(self, results: Sequence[Result]) -> int:
        finished: list[Finished] = []
        for claimed, answer in results:
            if isinstance(answer, _WornOut):
                finished.append((claimed, worn_out_outcome(claimed, is_answered=answer.is_answered)))
            elif answer is not None:
                finished.append((claimed, parse(claimed.question, answer, self.profile, self.extractor)))
        if unread := [claimed.item_id for claimed, answer in results if answer is None]:
            release_items(run=self.run, token=self.token, items=unread)
        if not finished:
            return 0
        return store(run=self.run, token=self.token, finished=finished, model=self.extractor.model)

    def _end(self, error: Exception) -> None:
        """Let no new question be sent; the first error is the one that is raised in the end."""
        self.is_over, self.fault = True, self.fault or error


class _WornOut(Exception):
    """The item ended its worker too often; `is_answered` says that answers to its questions are stored."""

    def __init__(self, *, is_answered: bool) -> None:
        super().__init__()
        self.is_answered = is_answered
