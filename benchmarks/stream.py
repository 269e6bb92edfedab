"""How groups hold when conversations come in many imports: quality, churn, foreign batches, and the order of imports.

    python -m benchmarks.stream                             the bundled sample
    python -m benchmarks.stream FILE ...                    labelled files in the import format
    python -m benchmarks.stream --foreign=OTHER FILE ...    also a batch of OTHER, another topic, after each file
    python -m benchmarks.stream --imports=10,50 FILE ...    in so many imports; these are usual, and none is possible
    python -m benchmarks.stream --times FILE ...            also time and memory, on a real PostgreSQL

Each file is read once with the local reader (`benchmarks.reading`); then the same pure functions as in a merge take the
themes in 1, 10 and 50 imports, with a consolidation where the product makes one (`assign`, `due`). F1 is pairwise;
groups are those of at least three. Bars that are missed are named.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from sklearn.metrics.cluster import pair_confusion_matrix

from benchmarks import reading
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.due import NOTHING, Counted, is_due
from pipeline.merge.rules.records import Registered, ThemeRow

SAMPLE = Path(__file__).parent.parent / "pipeline" / "sample" / "conversations.jsonl"
LEAST = {"banking77_train": 0.575, "star_2000": 0.962, "sgd_devtest": 0.894, "conversations": 0.534}
"""F1 in one import of the version before groups were remembered, by the name of the file."""

F1_LOST = 0.05
IN_RANGE = (0.7, 1.4)
MOST_JOIN = 0.02
PAIRS_KEPT, IDS_KEPT = 0.97, 0.95
IMPORTS = (10, 50)
MORE = 0.10  # share of rows that the last import adds when churn is measured
FOREIGN = (6, 20, 100)  # rows of a batch of another topic
STORY = 3


@dataclass(slots=True)
class MemoryRegistry:
    """A registry as PostgreSQL would hold it, without decisions: the signature of each theme, and what is merged."""

    rows: list[ThemeRow] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    last: Counted = NOTHING
    consolidations: int = 0

    def take(self, rows: Sequence[ThemeRow]) -> None:
        """Merge new themes as a run does, and consolidate if that is due, before it or after it."""
        self.rows += rows
        self._pass(consolidate=is_due(self._counted(), self.last))
        if is_due(self._counted(), self.last):
            self.consolidate()

    def consolidate(self) -> None:
        """Group all themes again."""
        self._pass(consolidate=True)

    def _pass(self, *, consolidate: bool) -> None:
        found = assign(self.rows, Registered(self.keys, self.parents), consolidate=consolidate)
        self.keys |= {new.form: new.key for new in found.signatures}
        for form in found.unmerged:
            del self.parents[form]
        self.parents |= {merge.child: merge.parent for merge in found.merges}
        signatures = {theme.theme_id: theme.form for theme in found.themes}
        self.rows = [replace(row, signature=signatures.get(row.id, row.signature)) for row in self.rows]
        self.groups = dict(found.groups)
        if found.consolidated:
            self.last, self.consolidations = self._counted(), self.consolidations + 1

    def _counted(self) -> Counted:
        return Counted(len(self.rows), sum(size >= STORY for size in Counter(self.groups.values()).values()))


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


def measure(rows: Sequence[ThemeRow], labels: Sequence[str], *, imports: Sequence[int]) -> Stream:
    """Take the rows in so many imports, and say what came of it."""
    after, consolidated, partitions = {}, {}, []
    for count in (1, *imports):
        registry = MemoryRegistry()
        for part in np.array_split(np.arange(len(rows)), count):
            registry.take([rows[place] for place in part.tolist()])
        after[count] = quality(rows, labels, registry.groups)
        registry.consolidate()
        consolidated[count] = quality(rows, labels, registry.groups)
        partitions.append(_numbers(rows, registry.groups))
    pairs, ids = churn(rows)
    return Stream(
        true_groups=sum(count >= STORY for count in Counter(labels).values()),
        after=after,
        after_consolidation=consolidated,
        same_partition=all(np.array_equal(partitions[0], other) for other in partitions[1:]),
        pairs_kept=pairs,
        ids_kept=ids,
    )


def churn(rows: Sequence[ThemeRow]) -> tuple[float, float]:
    """Return the shares of pairs and of identities in stories that stay when the last tenth is imported."""
    registry, first = MemoryRegistry(), int(len(rows) / (1 + MORE))
    registry.take(rows[:first])
    before = dict(registry.groups)
    registry.take(rows[first:])
    sizes = Counter(before.values())
    held = [theme for theme, group in before.items() if sizes[group] >= STORY]
    both = Counter((before[theme], registry.groups[theme]) for theme in held)
    pairs = _pairs(both.values()) / max(_pairs(Counter(before[theme] for theme in held).values()), 1)
    return pairs, sum(before[theme] == registry.groups[theme] for theme in held) / max(len(held), 1)


def foreign_joins(rows: Sequence[ThemeRow], foreign: Sequence[ThemeRow]) -> float:
    """Return the share of a batch of another topic that joins a signature there was before."""
    registry = MemoryRegistry()
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
    found = reading.read(path)
    first = np.unique(found.conversations, return_index=True)[1]
    order = np.random.default_rng(1).permutation(first).tolist()
    rows = [
        ThemeRow(
            first_id + number, str(found.names[place]), str(found.summaries[place]), found.vectors[place].tobytes()
        )
        for number, place in enumerate(order)
    ]
    return rows, [str(found.labels[place]) for place in order]


# --- Printing -----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> None:
    """Print what `Stream` holds beside its bars, a file a block; with --times also what `benchmarks.merge` prints."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    paths = [Path(argument) for argument in arguments if not argument.startswith("--")] or [SAMPLE]
    others = [Path(a.removeprefix("--foreign=")) for a in arguments if a.startswith("--foreign=")]
    asked = next((a.removeprefix("--imports=") for a in arguments if a.startswith("--imports=")), None)
    imports = IMPORTS if asked is None else [int(count) for count in asked.split(",") if count]
    for path in paths:
        rows, labels = read(path)
        found = measure(rows, labels, imports=imports)
        print(f"\n{path.name}: {len(rows)} themes, {found.true_groups} labels of at least three")
        _print_stream(found, LEAST.get(path.name.split(".")[0]))
        for other in others:
            batch, _ = read(other, first_id=len(rows))
            for size in FOREIGN:
                joins = foreign_joins(rows, batch[:size])
                _line(f"{size} of {other.name} that join what was there", f"{joins:.1%}", "2 %", joins <= MOST_JOIN)
        sys.stdout.flush()
    if "--times" in arguments:
        from benchmarks import merge

        print()
        merge.main([10_000, 100_000])


def _print_stream(found: Stream, least: float | None) -> None:
    once = found.after[1].f1
    for count, one in found.after.items():
        bar = once - F1_LOST if count > 1 else least
        said = f"F1 after {count} import{'s' if count > 1 else ''}"
        _line(said, f"{one.f1:.3f}", f"{bar:.3f}" if bar else "", bar is None or round(one.f1, 3) >= bar)
        few, many = (round(share * found.true_groups) for share in IN_RANGE)
        _line("  groups", f"{one.groups}", f"{few} to {many}", few <= one.groups <= many)
        again = found.after_consolidation[count]
        _line("  F1, groups after a consolidation", f"{again}", "")
    _line(
        "order of imports, after a consolidation",
        "equal" if found.same_partition else "matters",
        "equal",
        found.same_partition,
    )
    _line("a tenth more: pairs kept", f"{found.pairs_kept:.1%}", f"{PAIRS_KEPT:.0%}", found.pairs_kept >= PAIRS_KEPT)
    _line("a tenth more: identities kept", f"{found.ids_kept:.1%}", f"{IDS_KEPT:.0%}", found.ids_kept >= IDS_KEPT)


def _line(what: str, value: str, bar: str, is_met: bool = True) -> None:
    print(f"  {what:<52} {value:>12}  {f'bar {bar}' if bar else '':<14} {'' if is_met else 'MISSED'}".rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
