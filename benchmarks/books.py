"""A whole book by a model, with malformed answers: `python -m benchmarks.books [FILE ...] [--every 62]`.

A server on this machine answers as a model that reads verses; one answer in so many is left out, of a kind that there
is not, given twice, or no JSON. Printed is what a person cares for: chapters read, verses covered, questions asked
again, and what anybody had to do. Without a file it reads Ezekiel from the data beside the repository.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.database import own_database

EZEKIEL = Path(__file__).resolve().parents[2] / "shared" / "data" / "ezekiel_web.jsonl.gz"


def main(arguments: Sequence[str]) -> int:
    """Print what became of the chapters; 1 unless all were read and every verse was answered for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, default=[EZEKIEL])
    parser.add_argument("--every", type=int, default=62, help="one answer in so many is malformed (%(default)s)")
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
        with own_database():
            state, chapters, verses, covered, instances, seconds = _read(options.files, options.concurrency)
    again = sum(count > 1 for count in reader.asked.values())
    print(
        f"{chapters} chapters, {state}: {covered:,} of {verses:,} verses covered, {instances:,} instances, "
        f"{len(model.asked)} questions in {seconds:.1f} s; {len(reader.malformed)} answers about a verse malformed "
        f"({len(reader.malformed) / max(verses, 1):.1%}), {again} verses asked about again, nothing for anybody to do"
    )
    return 0 if state == "completed" and covered == verses else 1


def _read(files: Sequence[Path], concurrency: int) -> tuple[str, int, int, int, int, float]:
    """Return the run's state, its chapters, verses, verses covered and instances, and the seconds it took."""
    from pipeline.reports.chapters import book_report
    from pipeline.runs.create import Selection, create_run
    from pipeline.sources.ingest import Import, import_files
    from tests.support.seeding import finish

    source = import_files(Import(tuple(map(str, files)), kind="books")).source
    assert source
    selection = Selection(concurrency=concurrency)
    run = create_run(source=source, profile="figurative", extractor="llm", selection=selection)
    began = time.perf_counter()
    run = finish(run)
    seconds = time.perf_counter() - began
    rows = book_report(run).chapters
    verses, covered = sum(row.verses for row in rows), sum(row.verses_covered for row in rows)
    return run.state, len(rows), verses, covered, sum(row.instances for row in rows), seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
