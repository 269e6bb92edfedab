"""How groups hold when conversations come in many imports: quality, churn, foreign batches, and the order of imports.

    python -m benchmarks.stream FILE ...                    labelled files in the import format
    python -m benchmarks.stream --foreign=OTHER FILE ...    also a batch of OTHER, another topic, after each file

Reads each file once with the local reader; then the same pure function as a merge (`assign`) takes the themes in 1, 10
and 50 imports, with a consolidation where the product makes one. F1 is pairwise; groups are those of at least three.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from sklearn.metrics.cluster import pair_confusion_matrix

from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow

IMPORTS = (10, 50)
MORE = 0.10  # share of rows that the last import adds when churn is measured
FOREIGN = (6, 20, 100)  # rows of a batch of another topic
STORY = 3


@dataclass(slots=True)
class MemoryRegistry:
    """A registry as PostgreSQL would hold it, without decisions: the signature of each theme, and what is merged."""

    grown: float
    rows: list[ThemeRow] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    consolidated_at: int = 0
    consolidations: int = 0

    def take(self, rows: Sequence[ThemeRow], *, consolidate: bool = False) -> Assignment:
        """Merge new themes, or none, and write what came of it."""
        self.rows += rows
        due = len(self.rows) >= self.grown * self.consolidated_at
        found = assign(self.rows, Registered(self.keys, self.parents), consolidate=consolidate or due)
        self.keys |= {new.form: new.key for new in found.signatures}
        for form in found.unmerged:
            del self.parents[form]
        self.parents |= {merge.child: merge.parent for merge in found.merges}
        signatures = {theme.theme_id: theme.form for theme in found.themes}
        self.rows = [replace(row, signature=signatures.get(row.id, row.signature)) for row in self.rows]
        self.groups = dict(found.groups)
        if found.consolidated:
            self.consolidated_at, self.consolidations = len(self.rows), self.consolidations + 1
        return found


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a grouping is against labels."""

    f1: float
    groups: int

    def __str__(self) -> str:
        return f"{self.f1:.3f} {self.groups:>4}"


@dataclass(frozen=True, slots=True)
class Stream:
    """What became of one file: quality after so many imports, 1 is one; after a consolidation; what an import moves."""

    true_groups: int
    after: dict[int, Quality]
    after_consolidation: dict[int, Quality]
    same_partition: bool
    pairs_kept: float
    ids_kept: float


def measure(rows: Sequence[ThemeRow], labels: Sequence[str], *, grown: float, imports: Sequence[int]) -> Stream:
    """Take the rows in so many imports, and say what came of it. `grown` is as in the product's setting."""
    after, consolidated, partitions = {}, {}, []
    for count in (1, *imports):
        registry = MemoryRegistry(grown)
        for part in np.array_split(np.arange(len(rows)), count):
            registry.take([rows[place] for place in part.tolist()])
        after[count] = quality(rows, labels, registry.groups)
        registry.take([], consolidate=True)
        consolidated[count] = quality(rows, labels, registry.groups)
        partitions.append(_numbers(rows, registry.groups))
    pairs, ids = churn(rows, grown=grown)
    return Stream(
        true_groups=sum(count >= STORY for count in Counter(labels).values()),
        after=after,
        after_consolidation=consolidated,
        same_partition=all(np.array_equal(partitions[0], other) for other in partitions[1:]),
        pairs_kept=pairs,
        ids_kept=ids,
    )


def churn(rows: Sequence[ThemeRow], *, grown: float) -> tuple[float, float]:
    """Return the shares of pairs and of identities in stories that stay when the last tenth is imported."""
    registry, first = MemoryRegistry(grown), int(len(rows) / (1 + MORE))
    registry.take(rows[:first])
    before = dict(registry.groups)
    registry.take(rows[first:])
    sizes = Counter(before.values())
    held = [theme for theme, group in before.items() if sizes[group] >= STORY]
    both = Counter((before[theme], registry.groups[theme]) for theme in held)
    pairs = _pairs(both.values()) / max(_pairs(Counter(before[theme] for theme in held).values()), 1)
    return pairs, sum(before[theme] == registry.groups[theme] for theme in held) / max(len(held), 1)


def foreign_joins(rows: Sequence[ThemeRow], foreign: Sequence[ThemeRow], *, grown: float) -> float:
    """Return the share of a batch of another topic that joins a signature there was before."""
    registry = MemoryRegistry(grown)
    registry.take(rows)
    before = set(registry.groups.values())
    registry.take(foreign)
    return sum(registry.groups[row.id] in before for row in foreign) / len(foreign)


def quality(rows: Sequence[ThemeRow], labels: Sequence[str], groups: dict[int, str]) -> Quality:
    """Return pairwise F1, themes outside of stories as groups of one, and the number of stories."""
    sizes = Counter(groups.values())
    found = [groups[row.id] if sizes[groups[row.id]] >= STORY else f" {row.id}" for row in rows]
    (_, wrong), (missed, right) = (pair_confusion_matrix(labels, found) / 2).tolist()
    f1 = 2 * right / (2 * right + wrong + missed) if right else 0.0
    return Quality(float(f1), sum(size >= STORY for size in sizes.values()))


def _pairs(sizes: object) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)  # type: ignore[attr-defined]


def _numbers(rows: Sequence[ThemeRow], groups: dict[int, str]) -> np.ndarray:
    """Return the partition itself: each group by the place of its first row."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(groups[row.id], place) for place, row in enumerate(rows)])


def read(path: Path, first_id: int = 0) -> tuple[list[ThemeRow], list[str]]:
    """Return the main theme and the label of each labelled conversation of a file, shuffled once."""
    from pipeline.extract.base import get_extractor
    from pipeline.extract.profiles import get_profile
    from pipeline.reports import evaluate as e
    from pipeline.sources.records import Record, get_source

    records = [r for r in get_source("file")(path).records() if isinstance(r, Record) and r.label]
    reads = [read for read in e.read(records, get_profile("support"), get_extractor("local")) if read.themes]
    order = np.random.default_rng(1).permutation(len(reads)).tolist()
    drafts = [(reads[place].themes[0], reads[place].label) for place in order]
    rows = [
        ThemeRow(first_id + number, draft.proposed.signature, draft.proposed.summary, draft.vector)
        for number, (draft, _) in enumerate(drafts)
    ]
    return rows, [label for _, label in drafts]


def main(arguments: Sequence[str]) -> None:
    """Print what `Stream` holds, a file a block."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from pipeline.merge.apply import GROWN

    paths = [Path(argument) for argument in arguments if not argument.startswith("--")]
    others = [Path(a.removeprefix("--foreign=")) for a in arguments if a.startswith("--foreign=")]
    if not paths:
        raise SystemExit(__doc__)
    for path in paths:
        rows, labels = read(path)
        found = measure(rows, labels, grown=GROWN, imports=IMPORTS)
        print(f"{path.name}: {len(rows)} themes, {found.true_groups} labels of at least three")
        for count, one in found.after.items():
            more = f"   consolidated {found.after_consolidation[count]}"
            print(f"  after {count:>2} import{'s' if count > 1 else ' '}  F1, groups  {one}{more}")
        print(f"  a tenth more: {found.pairs_kept:.1%} of pairs, {found.ids_kept:.1%} of identities in stories kept")
        print(f"  order of imports after consolidation: {'equal' if found.same_partition else 'DIFFERENT'} partitions")
        for other in others:
            batch, _ = read(other, first_id=len(rows))
            for size in FOREIGN:
                joins = foreign_joins(rows, batch[:size], grown=GROWN)
                print(f"  {size:>3} of {other.name}: {joins:.1%} join what was there")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
