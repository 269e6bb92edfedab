"""How good titles are: is the label nearest to a story's title the one that most of its conversations have?

    python -m benchmarks.titles [--print] [--rows=N] FILE [FILE ...]

FILEs have labelled conversations in the import format; --rows takes N of each, --print lists the titles. Beside the
titles that a first run gives stand what they could be instead: the commonest name that readers gave, the most typical
words, the summary nearest the centre, and the centre itself, which no words can be expected to beat by much; and what
choosing costs beside reading, in processor time. Nothing is stored. QUALITY.md tells what was tried.
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

from benchmarks.reading import labelled_records

Members = Sequence[tuple[Any, Any]]
Stories = Mapping[int, Members]
"""The members of each story: how each conversation was read, and the theme that is in the story."""


def main(arguments: list[str]) -> None:
    """Print a row a file, and the mean."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    rows = next((int(one.removeprefix("--rows=")) for one in arguments if one.startswith("--rows=")), None)
    columns = ("title", "name", "words", "summary", "centre")
    print(f"{'data':<24} {'rows':>6} {'stories':>8} " + " ".join(f"{column:>8}" for column in columns) + "  cost")
    shares: dict[str, list[float]] = defaultdict(list)
    for path in (Path(argument) for argument in arguments if not argument.startswith("--")):
        found = _judge(path, rows, print_all="--print" in arguments)
        for column in columns:
            shares[column].append(found[column])
        print(
            f"{path.name.split('.')[0]:<24} {found['rows']:6} {found['stories']:8} "
            + " ".join(f"{found[column]:8.3f}" for column in columns)
            + f"  {found['cost']:4.0%} of {found['reading']:.1f} s",
            flush=True,
        )
    if shares:
        print(f"{'mean':<40} " + " ".join(f"{np.mean(shares[column]):8.3f}" for column in columns))


def _judge(path: Path, rows: int | None, *, print_all: bool) -> dict[str, Any]:
    from pipeline.extract.base import get_extractor
    from pipeline.extract.profiles import get_profile
    from pipeline.group.titling import model_of
    from pipeline.reports import evaluate as e

    extractor, profile = get_extractor("local"), get_profile("support")
    model = model_of(extractor.model)
    if model is None:
        raise SystemExit("the embedded model is missing")
    records = labelled_records(path)
    if rows and rows < len(records):
        chosen = np.sort(np.random.default_rng(rows).permutation(len(records))[:rows])
        records = [records[number] for number in chosen]
    began = time.process_time()
    reads = e.read(records, profile, extractor)
    reading = time.process_time() - began
    labels, found = [read.labels for read in reads], e.group(reads, profile, extractor.model)
    began = time.process_time()
    titles = e.titles(reads, found, model)
    cost = (time.process_time() - began) / reading
    stories = e.members_of(reads, found)
    if print_all:
        _print(stories, titles)
    others = {
        "title": titles,
        "name": {story: _commonest_name(members) for story, members in stories.items()},
        "words": _typical_words(stories),
        "summary": {story: _central(members).proposed.summary for story, members in stories.items()},
    }
    shares = {name: e.title_top1(labels, found, texts, model) or 0.0 for name, texts in others.items()}
    return {
        **shares,
        "centre": _centre_top1(stories, e.majority_labels(labels, found), labels, model),
        "rows": len(reads),
        "stories": len(stories),
        "reading": reading,
        "cost": cost,
    }


def _print(stories: Stories, titles: Mapping[int, str]) -> None:
    for story, members in sorted(stories.items(), key=lambda one: -len(one[1])):
        label = Counter(read.label for read, _ in members).most_common(1)[0][0]
        print(f"{len(members):6}  {titles[story]:<72} {label}")


def _commonest_name(members: Members) -> str:
    names = Counter(str(draft.proposed.signature) for _, draft in members)
    return names.most_common(1)[0][0].replace("_", " ")


def _typical_words(stories: Stories) -> dict[int, str]:
    from pipeline.group.titling import opening
    from pipeline.group.vocabulary import Vocabulary

    vocabulary = Vocabulary(
        [[opening(read.transcript.messages) for read, _ in members] for members in stories.values()],
        [[] for _ in stories],
    )
    return {story: " ".join(vocabulary.typical(number)[:5]) or "nothing" for number, story in enumerate(stories)}


def _vectors(members: Members) -> Any:
    return np.stack([np.frombuffer(draft.vector, np.float32) for _, draft in members])


def _central(members: Members) -> Any:
    vectors = _vectors(members)
    return members[int((vectors @ vectors.mean(axis=0)).argmax())][1]


def _centre_top1(stories: Stories, majority: Mapping[int, str], labels: Sequence[Sequence[str]], model: Any) -> float:
    from pipeline.merge.rules.normalise import words
    from pipeline.reports.evaluate import NOISE

    known = sorted({label for each in labels for label in each} - {NOISE})
    places = model.encode([" ".join(words(label)) for label in known])
    right = [
        known[int((places @ _vectors(members).mean(axis=0)).argmax())] == majority[story]
        for story, members in stories.items()
        if majority[story] != NOISE
    ]
    return float(np.mean(right))


if __name__ == "__main__":
    main(sys.argv[1:])
