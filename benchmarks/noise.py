"""What a strict profile catches of texts that belong nowhere, and what it costs: a table over levels of strictness.

    python -m benchmarks.noise [--noise=OTHER] FILE [FILE ...]

FILEs have labelled conversations in the import format. Of four labels in ten, two conversations each are kept, too few
for a story: near noise, for it speaks of the same things as the rest. With --noise, conversations of the file OTHER
come on top, a quarter as many: far noise. Caught is the share of the noise that becomes orphans, the price that of the
others; F1 is pairwise, noise as groups of one. Groups are those that `assign` makes, names and sides included.
"""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import django
import numpy as np

from benchmarks import reading
from benchmarks.quality import FAR_NOISE, NOISE_EACH, NOISE_LABELS
from pipeline.merge.rules.grouping.sight import HOLD, STRICT_HOLD

LEVELS = (HOLD, 0.60, STRICT_HOLD, 0.80, 0.90)
MOST_ROWS = 3_000  # of a file: more tell the same and take longer
Set = tuple[reading.Labelled, np.ndarray, np.ndarray]
"""What was read, the places of the main themes that are looked at, and the label of each."""


def main(arguments: Sequence[str]) -> None:
    """Print a block a file, and the means."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    other = next((Path(a.removeprefix("--noise=")) for a in arguments if a.startswith("--noise=")), None)
    print(f"{'data':<28} {'rows':>6} {'noise':>6} {'hold':>5} {'caught':>7} {'price':>6} {'F1':>6} {'groups':>7}")
    found = []
    for path in (Path(argument) for argument in arguments if not argument.startswith("--")):
        found.append([_measure(path, other, hold) for hold in LEVELS])
    for hold, row in zip(LEVELS, np.mean(found, axis=0).tolist(), strict=True):
        print(f"{'mean':<42} {hold:>5.2f} {row[0]:>7.1%} {row[1]:>6.1%} {row[2]:>6.3f}")


def _measure(path: Path, other: Path | None, hold: float) -> tuple[float, float, float]:
    """Print and return what is caught at which price, and F1."""
    from pipeline.merge.rules.assign import assign
    from pipeline.merge.rules.grouping.vectors import MIN_STORY
    from pipeline.merge.rules.records import Registered, ThemeRow
    from pipeline.reports.evaluate import NOISE, score

    sets = [_near_noise(path), *([_strangers(other, path)] if other else [])]
    places = [(read, place) for read, chosen, _ in sets for place in chosen.tolist()]
    labels = np.concatenate([labels for *_, labels in sets])
    rows = [
        ThemeRow(number, str(read.names[place]), str(read.summaries[place]), read.vectors[place].tobytes())
        for number, (read, place) in enumerate(places)
    ]
    groups = assign(rows, Registered(hold=hold), consolidate=True).groups
    sizes = Counter(groups.values())
    stories = {
        group: number for number, group in enumerate(sorted(g for g, size in sizes.items() if size >= MIN_STORY))
    }
    story = np.array([stories.get(groups[row.id], -1 - row.id) for row in rows])
    is_noise = labels == NOISE
    caught, price = float((story[is_noise] < 0).mean()), float((story[~is_noise] < 0).mean())
    scores = score(labels.tolist(), story.tolist())
    print(
        f"{path.name.split('.')[0]:<28} {len(rows):>6} {is_noise.sum():>6} {hold:>5.2f} {caught:>7.1%} {price:>6.1%} "
        f"{scores.pairwise_f1:>6.3f} {scores.groups_found:>7}",
        flush=True,
    )
    return caught, price, scores.pairwise_f1


def _main_themes(path: Path) -> tuple[reading.Labelled, np.ndarray]:
    """Return what was read, and the places of main themes, at most MOST_ROWS of them, shuffled once."""
    read = reading.read(path)
    first = np.unique(read.conversations, return_index=True)[1]
    return read, np.sort(np.random.default_rng(MOST_ROWS).permutation(first)[:MOST_ROWS])


def _near_noise(path: Path) -> Set:
    from pipeline.reports.evaluate import NOISE

    read, places = _main_themes(path)
    labels = read.labels[places].astype(object)
    distinct = np.unique(labels.astype(str))
    stray = np.random.default_rng(len(distinct)).permutation(distinct)[: round(NOISE_LABELS * len(distinct))]
    few = [np.flatnonzero(labels == label)[:NOISE_EACH] for label in stray]
    kept = np.sort(np.concatenate([np.flatnonzero(~np.isin(labels.astype(str), stray)), *few]))
    return read, places[kept], np.where(np.isin(labels[kept].astype(str), stray), NOISE, labels[kept])


def _strangers(other: Path, path: Path) -> Set:
    from pipeline.reports.evaluate import NOISE

    read, places = _main_themes(other)
    wanted = round(FAR_NOISE * len(_near_noise(path)[1]))
    return read, places[:wanted], np.full(min(wanted, len(places)), NOISE, object)


if __name__ == "__main__":
    main(sys.argv[1:])
