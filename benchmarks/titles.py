"""How good titles are: is the label nearest to a story's title the one that most of its conversations have?

    python -m benchmarks.titles [--print] [--rows=N] FILE [FILE ...]

FILEs have labelled conversations in the import format; --rows takes N of each, --print lists the titles. Beside the
titles that a first run gives stand what they could be instead: the commonest name that readers gave, the most typical
words, the summary nearest the centre, and the centre itself, which no words can be expected to beat by much. Nothing is
stored. QUALITY.md tells what was tried.
"""

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import django
import numpy as np


def main(arguments: list[str]) -> None:
    """Print a row a file, and the mean."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    rows = next((int(one.removeprefix("--rows=")) for one in arguments if one.startswith("--rows=")), None)
    columns = ("title", "name", "words", "summary", "centre")
    print(f"{'data':<24} {'rows':>6} {'stories':>8} " + " ".join(f"{column:>8}" for column in columns) + "  seconds")
    shares: dict[str, list[float]] = defaultdict(list)
    for path in (Path(argument) for argument in arguments if not argument.startswith("--")):
        found = _judge(path, rows, print_all="--print" in arguments)
        for column in columns:
            shares[column].append(found[column])
        print(
            f"{path.name.split('.')[0]:<24} {found['rows']:6} {found['stories']:8} "
            + " ".join(f"{found[column]:8.3f}" for column in columns)
            + f"  {found['seconds']:7.1f}",
            flush=True,
        )
    if shares:
        print(f"{'mean':<40} " + " ".join(f"{np.mean(shares[column]):8.3f}" for column in columns))


def _judge(path: Path, rows: int | None, *, print_all: bool) -> dict[str, Any]:
    from pipeline.extract.base import get_extractor
    from pipeline.extract.profiles import get_profile
    from pipeline.group.titling import model_of
    from pipeline.reports import evaluate as e
    from pipeline.sources.records import Record, get_source

    extractor, profile = get_extractor("local"), get_profile("support")
    model = model_of(extractor.model)
    if model is None:
        raise SystemExit("the embedded model is missing")
    records = [record for record in get_source("file")(path).records() if isinstance(record, Record) and record.label]
    if rows and rows < len(records):
        chosen = np.sort(np.random.default_rng(rows).permutation(len(records))[:rows])
        records = [records[number] for number in chosen]
    reads = e.read(records, profile, extractor)
    labels, found = [read.label for read in reads], e.group(reads, profile)
    began = time.monotonic()
    titles = e.titles(reads, found, model)
    seconds = time.monotonic() - began
    members: dict[int, list[Any]] = defaultdict(list)
    for read, story in zip(reads, found, strict=True):
        members[story].append(read)
    stories = {story: read for story, read in members.items() if story >= 0}
    if print_all:
        _print(stories, titles)
    others = {
        "title": titles,
        "name": {story: _commonest_name(reads) for story, reads in stories.items()},
        "words": _typical_words(stories),
        "summary": {story: _central(reads).outcome.themes[0].proposed.summary for story, reads in stories.items()},
    }
    shares = {name: e.title_top1(labels, found, texts, model) or 0.0 for name, texts in others.items()}
    return {
        **shares,
        "centre": _centre_top1(stories, labels, model),
        "rows": len(reads),
        "stories": len(stories),
        "seconds": seconds,
    }


def _print(stories: Mapping[int, Sequence[Any]], titles: Mapping[int, str]) -> None:
    for story, reads in sorted(stories.items(), key=lambda one: -len(one[1])):
        label = Counter(read.label for read in reads).most_common(1)[0][0]
        print(f"{len(reads):6}  {titles[story]:<72} {label}")


def _commonest_name(reads: Sequence[Any]) -> str:
    names = Counter(str(read.outcome.themes[0].proposed.signature) for read in reads)
    return names.most_common(1)[0][0].replace("_", " ")


def _typical_words(stories: Mapping[int, Sequence[Any]]) -> dict[int, str]:
    from pipeline.group.titling import opening
    from pipeline.group.vocabulary import Vocabulary

    vocabulary = Vocabulary(
        [[opening(read.transcript) for read in reads] for reads in stories.values()], [[] for _ in stories]
    )
    return {story: " ".join(vocabulary.typical(number)[:5]) or "nothing" for number, story in enumerate(stories)}


def _vectors(reads: Sequence[Any]) -> Any:
    return np.stack([np.frombuffer(read.outcome.themes[0].vector, np.float32) for read in reads])


def _central(reads: Sequence[Any]) -> Any:
    vectors = _vectors(reads)
    return reads[int((vectors @ vectors.mean(axis=0)).argmax())]


def _centre_top1(stories: Mapping[int, Sequence[Any]], labels: Sequence[str], model: Any) -> float:
    from pipeline.merge.rules.normalise import words
    from pipeline.reports.evaluate import NOISE

    known = sorted(set(labels) - {NOISE})
    places = model.encode([" ".join(words(label)) for label in known])
    right = []
    for reads in stories.values():
        majority = Counter(read.label for read in reads).most_common(1)[0][0]
        if majority != NOISE:
            right.append(known[int((places @ _vectors(reads).mean(axis=0)).argmax())] == majority)
    return float(np.mean(right))


if __name__ == "__main__":
    main(sys.argv[1:])
