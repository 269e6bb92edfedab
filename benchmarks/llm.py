"""How much asking at the same time gains: `python -m benchmarks.llm [--items 200] [--concurrency 20] [--seconds 1]`.

A server on this machine answers every question after so many seconds, as a language model would. The same
conversations are read with so many questions at a time, in this process, and what that took is held against asking them
one after the other: the sum of what the answers took. Reading is all a run does with a conversation: claiming, asking,
storing the answer, checking, vectors of the sentence model, themes.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from benchmarks.database import own_database

WANTED = 0.9
"""Of as many times as fast as questions are under way."""


def main(arguments: Sequence[str]) -> int:
    """Print the speed-up; 1 if it is less than wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=200, help="conversations (%(default)s)")
    parser.add_argument("--concurrency", type=int, default=20, help="questions under way (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="what an answer takes (%(default)s)")
    options = parser.parse_args(arguments)
    from tests.fakes.language_model import language_model

    with language_model(seconds=options.seconds) as model:
        os.environ |= {"LLM_MODEL": "fake-model", "LLM_BASE_URL": model.url, "LLM_API_KEY": "none"}
        with own_database():
            took = _read(options.items, options.concurrency)
        one_by_one = sum(asked.ended - asked.began for asked in model.asked if asked.text)
        most = model.most_under_way
    gained = one_by_one / took
    print(
        f"{options.items} conversations at {options.seconds:g} s an answer: one by one {one_by_one:.1f} s, "
        f"{options.concurrency} at a time {took:.1f} s, {gained:.1f} times as fast (at least "
        f"{WANTED * options.concurrency:.1f} wanted), {options.items / took:.1f} conversations/s, "
        f"at most {most} under way"
    )
    return 0 if gained >= WANTED * options.concurrency else 1


def _read(items: int, concurrency: int) -> float:
    """Return the seconds that reading so many conversations takes, once everything is loaded."""
    from pipeline.extract.base import asks, get_extractor
    from pipeline.extract.llm.abilities import abilities_of
    from pipeline.extract.llm.endpoint import target
    from tests.support.seeding import read, scripts, seed, start

    reader = get_extractor("llm")
    assert asks(reader)
    reader.vector_of("It works.", ["It works."])
    abilities_of(target())
    run = start(seed(scripts(problems=20, each=items // 20)), extractor="llm", concurrency=concurrency)
    began = time.perf_counter()
    read(run)
    took = time.perf_counter() - began
    assert run.items.filter(state="extracted").count() == items // 20 * 20
    return took


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
