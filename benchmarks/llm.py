"""How much asking at the same time gains: `python -m benchmarks.llm [--items 200] [--concurrency 20] [--workers 0]`.

A server in a process of its own answers every question after so many seconds, as a language model would. The same
conversations are read with so many questions at a time, and what that took is held against the sum of what the answers
take: a reader that asks one after the other, and needs no time for anything else. Reading is all a run does with a
conversation: claiming, asking, storing the answer, checking, vectors of the sentence model, themes.

Without `--workers` one process reads, as one worker would. With it a real Celery worker with so many processes does, in
the chunks that a run is cut into by itself; from the first message to the last conversation. What is loaded once (the
client's library, the sentence model) is loaded by a first run that is not measured. The slots that stood empty are told
apart: at the beginning and the end of the run, and between, where an answer was there and no next question was sent.
`--profile` prints where this process spends its time, `--timeline` how many questions were under way when.
"""

import argparse
import cProfile
import multiprocessing
import os
import pstats
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.database import own_database
from benchmarks.end_to_end import when_ended, workers

WANTED = {True: 0.9, False: 0.95}
"""Of as many times as fast as questions are under way: from twenty on, and for few."""


def main(arguments: Sequence[str]) -> int:
    """Print the speed-up; 1 if it is less than wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=200, help="conversations (%(default)s)")
    parser.add_argument("--concurrency", type=int, default=20, help="questions under way (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="what an answer takes (%(default)s)")
    parser.add_argument("--workers", type=int, default=0, help="processes of a worker; 0: this process (%(default)s)")
    parser.add_argument("--timeline", action="store_true", help="how many questions were under way, by time")
    parser.add_argument("--profile", action="store_true", help="where the time of this process goes")
    options = parser.parse_args(arguments)
    with served(options.seconds) as (url, end):
        os.environ |= {"LLM_MODEL": "fake-model", "LLM_BASE_URL": url, "LLM_API_KEY": "none"}
        with own_database():
            took, spent = _measure(options)
        under_way = end()[-options.items :]
    gained = options.items * options.seconds / took
    wanted = WANTED[options.concurrency >= 20] * options.concurrency
    print(
        f"{options.items} conversations at {options.seconds:g} s an answer, {options.concurrency} at a time, "
        f"{options.workers or 'no'} worker processes: {took:.2f} s, {gained:.2f} times one after the other (at least "
        f"{wanted:.2f} wanted), {options.items / took:.1f} conversations/s; this process "
        f"{1000 * spent / options.items:.0f} ms of processor time each; load {os.getloadavg()[0]:.1f}"
    )
    _print_slots(under_way, options, took)
    return 0 if gained >= wanted else 1


def _print_slots(under_way: Sequence[tuple[float, float]], options: argparse.Namespace, took: float) -> None:
    """Print where slots stood empty; `under_way` is when each question came to the server and was answered."""
    began, ended = min(start for start, _ in under_way), max(end for _, end in under_way)
    # from the last question on, slots empty because there is nothing left to ask
    last = max(start for start, _ in under_way)

    def filled(since: float, until: float) -> float:
        seconds = sum(max(0.0, min(end, until) - max(start, since)) for start, end in under_way)
        return seconds / max(until - since, 1e-9)

    empty = (options.concurrency - filled(began, last)) * (last - began) / len(under_way)
    print(
        f"  before the first question and after the last answer {took - (ended - began):.2f} s; until the last "
        f"question {filled(began, last):.2f} of {options.concurrency} slots filled ({1000 * empty:.0f} ms empty a "
        "question)"
    )
    if options.timeline:
        step = max(0.1, options.seconds / 10)
        rows = [began + number * step for number in range(int((ended - began) / step) + 1)]
        print("  " + " ".join(f"{filled(row, row + step):.0f}" for row in rows))


@contextmanager
def served(seconds: float) -> Iterator[tuple[str, Any]]:
    """Run the server in a process of its own; yield its address and what ends it, which says of each question when it
    came and was answered, in the server's seconds and the order of the answers."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(seconds, theirs), daemon=True)
    process.start()
    assert ours.poll(60), "the server did not start"
    url: str = ours.recv()

    def end() -> list[tuple[float, float]]:
        ours.send("end")
        assert ours.poll(60), "the server did not end"
        under_way: list[tuple[float, float]] = ours.recv()
        return under_way

    try:
        yield url, end
    finally:
        process.terminate()
        process.join(20)


def _serve(seconds: float, pipe: Connection) -> None:
    from tests.fakes.language_model import language_model

    with language_model(seconds=seconds) as model:
        pipe.send(model.url)
        pipe.recv()
        pipe.send([(asked.began, asked.ended) for asked in model.asked])


def _measure(options: argparse.Namespace) -> tuple[float, float]:
    """Return the seconds that reading takes, and the processor time of this process, once everything is loaded."""
    from pipeline.extract.base import asks, get_extractor
    from pipeline.extract.llm.abilities import abilities_of
    from pipeline.extract.llm.endpoint import target

    reader = get_extractor("llm")
    assert asks(reader)
    reader.vector_of("It works.", ["It works."])
    abilities_of(target())
    with workers(count=options.workers) if options.workers else nullcontext():
        _read(max(4, 4 * options.workers), options, "first")
        with cProfile.Profile() if options.profile else nullcontext() as profile:
            measured = _read(options.items, options, "measured")
        if profile:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    return measured


def _read(items: int, options: argparse.Namespace, name: str) -> tuple[float, float]:
    from pipeline import tasks
    from pipeline.models import Run
    from tests.support.seeding import read, scripts, seed, start

    source = seed(scripts(problems=4, each=items // 4), name=name)
    chunk_size = None if options.workers else 50
    run = start(source, extractor="llm", concurrency=options.concurrency, chunk_size=chunk_size)
    began, spent = time.perf_counter(), time.process_time()
    if options.workers:
        tasks.dispatch(run=run)
        while run.items.filter(state__in=("pending", "reading")).exists():
            time.sleep(0.02)
            assert Run.objects.get(pk=run.pk).is_live
    else:
        read(run)
    took = time.perf_counter() - began, time.process_time() - spent
    assert run.items.filter(state="extracted").count() == items // 4 * 4
    if options.workers:
        when_ended(run)
    return took


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
