"""A whole book by a model, with malformed answers: `python -m benchmarks.books [FILE ...] [--every 62]`.

A server on this machine answers as a model that reads verses; one answer in so many is left out, of a kind that there
is not, given twice, or no JSON. Three workers share the chapters. Printed is what a person cares for: chapters read,
verses covered, questions asked again, and what anybody would have to do: resume the run, or retry chapters that failed.
Without a file it reads Ezekiel from the data beside the repository.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.database import own_database
from benchmarks.end_to_end import when_ended, workers

EZEKIEL = Path(__file__).resolve().parents[2] / "shared" / "data" / "ezekiel_web.jsonl.gz"
LONGEST = 600.0
"""Seconds that a book may take."""


def main(arguments: Sequence[str]) -> int:
    """Print what became of the chapters; 1 unless all were read and every verse was answered for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, default=[EZEKIEL])
    parser.add_argument("--every", type=int, default=62, help="one answer in so many is malformed (%(default)s)")
    parser.add_argument("--workers", type=int, default=3, help="worker processes (%(default)s)")
    parser.add_argument("--concurrency", type=int, default=6, help="questions under way (%(default)s)")
    options = parser.parse_args(arguments)
    if missing := [str(file) for file in options.files if not file.exists()]:
        print(f"{', '.join(missing)} is not there; name a file of a book")
        return 2
    from tests.fakes.language_model import language_model
    from tests.fakes.reader_of_verses import ReaderOfVerses

    with language_model() as model:
        model.says = reader = ReaderOfVerses(options.every)
        os.environ |= {"LLM_MODEL": "fake-model", "LLM_BASE_URL": model.url, "LLM_API_KEY": "none"}
        with own_database(), workers(count=options.workers):
            run, report, seconds = _read(options)
    verses, covered = sum(row.verses for row in report.chapters), sum(row.verses_covered for row in report.chapters)
    again = sum(count > 1 for count in reader.asked.values())
    to_do = (run.epoch - 1) + len(report.failures) + (run.state != run.State.COMPLETED)
    print(
        f"{len(report.chapters)} chapters, {run.state}: {covered:,} of {verses:,} verses covered, "
        f"{sum(row.instances for row in report.chapters):,} instances, {len(model.asked)} questions in {seconds:.1f} s "
        f"by {options.workers} workers; {len(reader.malformed)} answers about a verse malformed "
        f"({len(reader.malformed) / max(verses, 1):.1%}), {again} verses asked about again, "
        f"{to_do} things for anybody to do"
    )
    return 0 if not to_do and covered == verses else 1


def _read(options: argparse.Namespace) -> tuple[Any, Any, float]:
    """Return the run when it has ended, its report by chapter, and the seconds it took."""
    from pipeline import tasks
    from pipeline.reports.chapters import book_report
    from pipeline.runs.create import Selection, create_run
    from pipeline.sources.ingest import Import, import_files

    source = import_files(Import(tuple(map(str, options.files)), kind="books")).source
    assert source
    # in chapters apart, so that each worker has some
    selection = Selection(concurrency=options.concurrency, chunk_size=4)
    run = create_run(source=source, profile="figurative", extractor="llm", selection=selection)
    began = time.perf_counter()
    tasks.dispatch(run=run)
    run = when_ended(run, LONGEST)
    return run, book_report(run), time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
