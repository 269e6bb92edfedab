"""Slots and pace hold over all that ask, each over a connection of its own to a real Redis."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as conf
from pytest_django import Settings

from pipeline.extract.llm import limits
from pipeline.extract.llm.limits import SharedGate


@pytest.fixture(autouse=True)
def empty() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(conf.REDIS_URL) as client:
        for key in client.scan_iter(f"{conf.REDIS_PREFIX}llm:*"):
            client.delete(key)
        yield client


def gate(run: int = 1, concurrency: int = 3) -> SharedGate:
    return SharedGate(run_id=run, concurrency=concurrency, host="host")


def test_no_more_than_so_many_are_under_way_over_all_workers() -> None:
    under_way = most = done = 0

    async def ask(gate: SharedGate) -> None:
        nonlocal under_way, most, done
        async with gate.slot():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1
            done += 1

    async def all_of_them() -> None:
        async with gate() as one, gate() as other:
            await asyncio.gather(*(ask(which) for which in (one, other) for _ in range(20)))

    asyncio.run(all_of_them())
    assert (most, done) == (3, 40)


def test_those_of_other_workers_get_their_turn_beside_one_that_has_many_waiting() -> None:
    order: list[str] = []

    async def ask(which: SharedGate, name: str) -> None:
        async with which.slot():
            order.append(name)
            await asyncio.sleep(0.001)

    async def all_of_them() -> None:
        async with gate(1, 1) as many, gate(1, 1) as few:
            waiting = [asyncio.create_task(ask(many, "many")) for _ in range(300)]
            await asyncio.sleep(0)
            await asyncio.wait_for(ask(few, "few"), 60)
            await asyncio.wait_for(asyncio.gather(*waiting), 60)

    asyncio.run(all_of_them())
    assert len(order) == 301
    assert order.index("few") < 300


def test_a_slot_that_was_lost_to_others_is_not_handed_over(monkeypatch: pytest.MonkeyPatch, empty: redis.Redis) -> None:
    monkeypatch.setattr(limits, "LEASE", 0.3)
    key = f"{conf.REDIS_PREFIX}llm:run:1"

    async def held() -> bool:
        async with gate(1, 1) as mine:
            async with mine.slot():
                empty.delete(key)
                empty.zadd(key, {"another": time.time() + 1000})
                next_one = asyncio.create_task(mine.slot().__aenter__())
                while mine._mine:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            return next_one.done()

    assert not asyncio.run(asyncio.wait_for(held(), 60))


def test_whoever_stops_waiting_leaves_the_slot_to_the_others() -> None:
    async def given_up() -> int:
        async with gate(1, 1) as mine:
            async with mine.slot():
                waiting = [asyncio.create_task(mine.slot().__aenter__()) for _ in range(3)]
                await asyncio.sleep(0.05)
                waiting[0].cancel()
                waiting[1].cancel()
            await asyncio.wait_for(waiting[2], 60)
            return sum(task.cancelled() for task in waiting)

    assert asyncio.run(given_up()) == 2


def test_a_run_does_not_take_another_runs_slots() -> None:
    async def both() -> None:
        async with gate(1, 1) as one, gate(2, 1) as other, one.slot(), other.slot():
            pass

    asyncio.run(both())


def test_the_slot_of_a_dead_worker_is_free_again(monkeypatch: pytest.MonkeyPatch, empty: redis.Redis) -> None:
    empty.zadd(f"{conf.REDIS_PREFIX}llm:run:1", {"dead": time.time() - 1, "alive": time.time() + 1000})

    async def one_more() -> None:
        async with gate(1, 2) as mine, mine.slot():
            assert empty.zcard(f"{conf.REDIS_PREFIX}llm:run:1") == 2

    asyncio.run(one_more())


def test_a_slot_that_is_held_long_stays_held(monkeypatch: pytest.MonkeyPatch, empty: redis.Redis) -> None:
    monkeypatch.setattr(limits, "LEASE", 0.3)
    key = f"{conf.REDIS_PREFIX}llm:run:1"

    async def hold() -> tuple[float, float]:
        async with gate(1, 1) as mine, mine.slot():
            (first,) = empty.zrange(key, 0, -1, withscores=True)
            while (now := empty.zrange(key, 0, -1, withscores=True)[0])[1] == first[1]:
                await asyncio.sleep(0.01)
            return float(first[1]), float(now[1])

    first, later = asyncio.run(hold())
    assert later > first
    assert empty.zcard(key) == 0


def test_when_a_provider_asks_to_wait_all_wait(empty: redis.Redis) -> None:
    async def held() -> bool:
        async with gate() as one, gate() as other:
            await one.hold_off(0.3)
            asking = asyncio.create_task(other.wait(1))
            while empty.exists(f"{conf.REDIS_PREFIX}llm:hold:host"):
                assert not asking.done()
                await asyncio.sleep(0.01)
            await asking
            return True

    assert asyncio.run(held())


def test_the_pace_of_a_provider_is_kept(settings: Settings) -> None:
    settings.LLM_REQUESTS_PER_MINUTE, settings.LLM_TOKENS_PER_MINUTE = 60, 0

    async def many() -> list[float]:
        async with gate() as mine, gate() as other:
            return [await each.book(10) for _ in range(30) for each in (mine, other)]

    seconds = asyncio.run(many())
    # five seconds' worth may go at once, each later one a second after the one before
    assert seconds[:5] == [0.0] * 5
    assert 45 < seconds[-1] <= 55
    assert seconds == sorted(seconds)


def test_tokens_have_a_pace_of_their_own(settings: Settings) -> None:
    settings.LLM_REQUESTS_PER_MINUTE, settings.LLM_TOKENS_PER_MINUTE = 0, 6_000

    async def few() -> list[float]:
        async with gate() as mine:
            return [await mine.book(1_000) for _ in range(4)]

    seconds = asyncio.run(few())
    assert seconds[0] == 0.0
    assert 15 < seconds[-1] <= 25
