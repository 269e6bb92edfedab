"""How fast pages are visited beside a bare loop of httpx2 and an extractor of text, and whether memory grows.

    python -m benchmarks.websites [PAGES] [CONCURRENCY] [ROUNDS]

A farm of local servers runs in a process of its own. In each round the bare loop and a run's `read_pages` fetch the
same pages at the same concurrency, in turn, so that a busy machine slows both. The bare loop checks no address, asks
no robots.txt, stores nothing and reads nothing. It takes the text out with resiliparse, as we do, and a second time
with trafilatura, which the bar of 80 % of its pages a processor second speaks of, where that is installed (it is no
requirement of ours: it brings packages under the GPL and MPL).
"""

import asyncio
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

from benchmarks.database import own_database

BAR = 0.8
PARAGRAPHS = 100
"""Of a page: 32 kB in all, as much as a page of the web has (34 kB in the mean of 150)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Pages that were read, and the seconds that took: of the clock, and of this process on a processor."""

    pages: int
    seconds: float
    processor: float

    @property
    def per_core(self) -> float:
        return self.pages / self.processor

    def __str__(self) -> str:
        return f"{self.pages / self.seconds:6.1f} URLs/s, {self.per_core:6.1f} per processor second"


def serve(pages: int, ports: "Queue[tuple[int, int]]", stop: Event) -> None:
    """Serve a farm until told to stop; say on which ports."""
    import django

    django.setup()
    from tests.fakes.farm import Farm

    with Farm(
        companies=max(10, pages // 45), pages=pages, failing_each=0, odd_each=0, paragraphs=PARAGRAPHS
    ).running() as farm:
        ports.put((farm.first_port, farm.tls_port))
        stop.wait()


def extractors() -> dict[str, Callable[[str], str | None]]:
    """Return the ways to take the text out of a page that are installed, by their names."""
    from resiliparse.extract.html2text import extract_plain_text

    ways: dict[str, Callable[[str], str | None]] = {"resiliparse": partial(extract_plain_text, main_content=True)}
    with suppress(ImportError):
        from trafilatura import extract

        ways["trafilatura"] = partial(extract, include_comments=False, fast=True, favor_recall=True)
    return ways


async def bare_loop(urls: Sequence[str], concurrency: int, take_text: Callable[[str], str | None]) -> int:
    """Fetch and take apart all pages with httpx2 and an extractor alone; return how many had a text."""
    import httpx2

    turn = asyncio.Semaphore(concurrency)

    async def one(client: httpx2.AsyncClient, url: str) -> bool:
        async with turn:
            response = await client.get(url)
            return bool(await asyncio.to_thread(take_text, response.text))

    async with httpx2.AsyncClient(http2=True, follow_redirects=True, trust_env=False, timeout=30) as client:
        return sum(await asyncio.gather(*(one(client, url) for url in urls)))


def measured(work, *words: object) -> Measured:  # type: ignore[no-untyped-def]
    """Return how long some work took that returns a number of pages."""
    began, spent = time.perf_counter(), time.process_time()
    pages = work(*words)
    return Measured(pages, time.perf_counter() - began, time.process_time() - spent)


def ours(concurrency: int) -> int:
    """Visit all pages of a new run in this process, as one delivery after the other; return how many were read."""
    from pipeline.advance import advance
    from pipeline.extract.visit import read_pages
    from pipeline.ledger import pages as ledger
    from pipeline.ledger.counts import unfinished_chunks
    from pipeline.models import Item, Source
    from pipeline.runs.create import Selection, create_run
    from pipeline.sources.live.outbound import Reach
    from pipeline.sources.websites.policy import Policy

    ledger.readers = lambda: 1  # one delivery has the whole concurrency, as the bare loop has
    policy = Policy(delay=0.0, reach=Reach(internal=True), per_host=concurrency)
    source = Source.objects.get(kind=Source.WEBSITES)
    selection = Selection(concurrency=concurrency, force_refresh=True)
    run = create_run(source=source, profile="company", extractor="local", selection=selection)
    for chunk in unfinished_chunks(run):
        read_pages(run_id=run.pk, epoch=run.epoch, chunk=chunk, delivery=f"{chunk}", policy=policy)
    count = run.items.filter(state__in=(Item.State.EXTRACTED, Item.State.FILTERED)).count()
    advance(run_id=run.pk)
    return count


def main(pages: int = 1500, concurrency: int = 15, rounds: int = 3) -> None:
    """Print both, round by round, with the memory of this process after each."""
    from pipeline.sources.companies.sync import sync_companies
    from tests.fakes.farm import Farm

    context = multiprocessing.get_context("spawn")
    ports, stop = context.Queue(), context.Event()
    server = context.Process(target=serve, args=(pages, ports, stop), daemon=True)
    server.start()
    first, tls = ports.get(timeout=120)
    farm = Farm(companies=max(10, pages // 45), pages=pages, failing_each=0, odd_each=0, first_port=first, tls_port=tls)
    sync_companies(farm.listed())
    urls = [page.url for site in farm.planted.values() for page in site]
    ratios: dict[str, list[float]] = {name: [] for name in extractors()}
    for number in range(rounds):
        bare = {
            name: measured(lambda take: asyncio.run(bare_loop(urls, concurrency, take)), take_text)
            for name, take_text in extractors().items()
        }
        visited = measured(ours, concurrency)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"round {number + 1}: ours {visited}; at most {memory:.0f} MB so far")
        for name, loop in bare.items():
            ratios[name].append(visited.per_core / loop.per_core)
            print(f"         bare, {name:12} {loop}; ours is {ratios[name][-1]:.0%} of it")
    stop.set()
    server.join(10)
    for name, shares in ratios.items():
        share = statistics.median(shares)
        reached = f" (bar {BAR:.0%}): {'reached' if share >= BAR else 'NOT reached'}" if name == "trafilatura" else ""
        print(f"median {share:.0%} of the bare loop with {name}{reached}")


if __name__ == "__main__":
    with own_database():
        main(*map(int, sys.argv[1:]))
