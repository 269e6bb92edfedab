"""How many questions may be under way, and how fast they may be sent, over all workers: in Redis, which they share.

A slot is a lease: its holder renews it, and that of a dead worker is free again after LEASE seconds. The pace is kept
by provider (GCRA: each question books the moment at which it may go). A provider that asks to wait is left in peace by
all. Nothing here has to survive: a Redis that comes back empty starts counting again.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import redis.asyncio
from django.conf import settings
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisLate

from pipeline.extract.llm.client import Gate

T = TypeVar("T")

LEASE = 30.0
"""Seconds without a heartbeat after which a slot is free again."""

POLL = 0.015
"""Seconds between two looks for a free slot; of each process one question looks at a time, in the order they came."""

MOST_HANDED_OVER = 10
"""Questions of one worker that may follow each other in a slot; then it is free for those of other workers as well."""

PATIENCE = 30.0
"""Seconds that Redis may be away before the chunk is given back."""

BURST = 5.0
"""Seconds' worth of questions that may be sent at once after a pause."""

_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], 3600)
return 1
"""

# Returns the slots that are lost: their lease ended while their worker was silent, and others have taken their place.
# ARGV: the number of slots, seconds of a lease, and the slots.
_RENEW = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local lost = {}
for place = 3, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[place]) or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[place])
  else
    lost[#lost + 1] = ARGV[place]
  end
end
return lost
"""

# Returns the milliseconds to wait; what is booked is booked, so nobody has to ask twice, but where all hold off.
# ARGV: requests a minute, 1, tokens a minute, the tokens of this question, and the burst in milliseconds.
_BOOK = """
local held = redis.call('PTTL', KEYS[1])
if held > 0 then return -held end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local wait = 0
for place = 2, 3 do
  local rate, amount = tonumber(ARGV[place * 2 - 3]), tonumber(ARGV[place * 2 - 2])
  if rate > 0 then
    local free_at = math.max(now, tonumber(redis.call('GET', KEYS[place]) or '0'))
    wait = math.max(wait, free_at - now - tonumber(ARGV[5]))
    redis.call('SET', KEYS[place], string.format('%.3f', free_at + amount * 60000 / rate), 'EX', 3600)
  end
end
return math.floor(wait)
"""


class SharedGate(Gate):
    """The limits of one run at one provider. Use as an async context manager, in one event loop."""

    def __init__(self, *, run_id: int, concurrency: int, host: str) -> None:
        prefix = f"{settings.REDIS_PREFIX}llm:"
        self._slots, self._hold = f"{prefix}run:{run_id}", f"{prefix}hold:{host}"
        self._pace = (f"{prefix}requests:{host}", f"{prefix}tokens:{host}")
        self.concurrency = concurrency
        self._mine: dict[str, int] = {}  # the slots held here, and how often each was handed over

    async def __aenter__(self) -> Self:
        self._redis = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=10)
        self._freed = asyncio.Event()
        self._waiting: deque[asyncio.Future[str]] = deque()
        self._seeking: asyncio.Task[None] | None = None
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in filter(None, (self._renewing, self._seeking)):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._redis.aclose()

    async def wait(self, tokens: int) -> None:
        """Return when the provider's pace allows a question of about so many tokens; ConnectionError without Redis."""
        while (seconds := await self.book(tokens)) < 0:
            await asyncio.sleep(-seconds * (1 + random.random() / 10))
        await asyncio.sleep(seconds)

    async def book(self, tokens: int) -> float:
        """Book a question of about so many tokens and return the seconds until it may be sent.

        Where all hold off nothing is booked: then it is the seconds until one may ask again, below 0.
        """
        pace = (settings.LLM_REQUESTS_PER_MINUTE, 1, settings.LLM_TOKENS_PER_MINUTE, max(tokens, 1))
        keys = (self._hold, *self._pace)
        return int(await self._patiently(lambda: self._script(_BOOK, keys, *pace, BURST * 1000))) / 1000

    async def hold_off(self, seconds: float) -> None:
        """Let no worker send to the provider for so many seconds."""
        if seconds > 0:
            await self._patiently(lambda: self._redis.set(self._hold, 1, px=max(1, int(seconds * 1000))))

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the run's slots, waiting for one as long as it takes; ConnectionError without Redis."""
        name = await self._own_slot()
        try:
            yield
        finally:
            await self._give(name)

    async def _own_slot(self) -> str:
        """Return the name of a slot that is ours now, in the order in which they were asked for."""
        ticket: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(ticket)
        # one at a time looks for a free slot, so that hundreds of waiting questions do not ask Redis at once
        if self._seeking is None or self._seeking.done():
            self._seeking = asyncio.create_task(self._seek())
        try:
            return await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled() and ticket.exception() is None:
                await self._give(ticket.result())
            raise

    async def _seek(self) -> None:
        """Take free slots for those who wait, until nobody does."""
        try:
            while self._waiting:
                name = uuid4().hex
                take = partial(self._script, _TAKE, (self._slots,), self.concurrency, LEASE, name)
                taken = await self._patiently(take)
                if taken:
                    self._mine[name] = 0
                    await self._give(name)
                    continue
                # what is let go here is handed over; what others let go is found by looking
                self._freed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._freed.wait(), POLL)
        except BaseException as error:
            while self._waiting:
                if not (ticket := self._waiting.popleft()).done():
                    if isinstance(error, Exception):
                        ticket.set_exception(error)
                    else:
                        ticket.cancel()
            if not isinstance(error, Exception):
                raise

    async def _give(self, name: str) -> None:
        """Hand a slot to the next who waits here, which spares two round trips; let it go if nobody does."""
        handed = self._mine.get(name, MOST_HANDED_OVER)  # one that was lost is not handed over
        while self._waiting and handed < MOST_HANDED_OVER:
            if not (ticket := self._waiting.popleft()).done():
                self._mine[name] = handed + 1
                ticket.set_result(name)
                return
        self._mine.pop(name, None)
        with suppress(RedisError):  # then it is free after LEASE
            await self._redis.zrem(self._slots, name)
        if handed < MOST_HANDED_OVER:  # else those of other workers look first
            self._freed.set()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            with suppress(RedisError):
                if self._mine:
                    for lost in await self._script(_RENEW, (self._slots,), self.concurrency, LEASE, *self._mine):
                        self._mine.pop(lost.decode(), None)

    def _script(self, script: str, keys: tuple[str, ...], *values: Any) -> Awaitable[Any]:
        return self._redis.eval(script, len(keys), *keys, *values)

    async def _patiently(self, command: Callable[[], Awaitable[T]]) -> T:
        """Return what a command says, also if Redis is away for a while; ConnectionError if it stays away."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while True:
            try:
                return await command()
            except (RedisAway, RedisLate):
                if loop.time() >= until:
                    raise
                await asyncio.sleep(0.2)
