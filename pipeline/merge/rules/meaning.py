"""Which themes mean the same, before anybody asks for names."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from pipeline.merge.rules import normalise
from pipeline.merge.rules.antonyms import antonym_names
from pipeline.merge.rules.centres import common_origin, least_cosine, sums_from, tightness_of, vector_table
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.grouping.neighbours import DECIMALS, Floats, Ints
from pipeline.merge.rules.grouping.partition import partition
from pipeline.merge.rules.grouping.vectors import centred, sums_by_label, unit
from pipeline.merge.rules.naming import spellings
from pipeline.merge.rules.records import Centre, ThemeRow
from pipeline.merge.rules.sides import part_by_sides

BLOCK = 256


class Meaning:
    """Targets and scores of the rows: which of them mean the same, before anybody asks for names."""

    def __init__(
        self,
        rows: Sequence[ThemeRow],
        vectors: Floats,
        centres: Sequence[Centre],
        decisions: Decisions,
        strictness: float,
    ) -> None:
        self.centres = centres
        self.forms = [decisions.named(normalise.normal_form(row.raw)) for row in rows]
        self.keys = spellings([row.raw for row in rows], self.forms)
        self.texts = [f"{row.raw} {row.text}" for row in rows]
        self.vectors = vectors
        self.old_sums = vector_table([centre.vector_sum for centre in centres], vectors.shape[1])
        self.old_sizes = np.array([centre.size for centre in centres], np.int64)
        self.origin = common_origin(self.vectors, self.old_sums, int(self.old_sizes.sum()))
        self.old_centres = centred((self.old_sums / self.old_sizes[:, None]).astype(np.float32), self.origin)
        self.moved = _moved(rows, centres, decisions)
        self.targets = self._targets(decisions, strictness)

    def _targets(self, decisions: Decisions, strictness: float) -> Ints:
        """Return the target of each row: where a person put it, else the nearest centre, else a new group."""
        vetoed = self._vetoed(decisions)
        bounds = strictness * least_cosine(self._old_tightness(), self.old_sizes)
        targets = np.full(len(self.vectors), -1, np.int64)
        if self.centres:
            points = centred(self.vectors, self.origin)
            targets = _nearest(points, self.old_centres, bounds, self._forbidden(vetoed, decisions))
            del points  # as large as all vectors, and not needed while groups are made
        targets[list(self.moved)] = list(self.moved.values())
        left = np.flatnonzero(targets < 0)
        forms = [self.forms[i] for i in left]
        unmatched = self.vectors if len(left) == len(self.vectors) else self.vectors[left]
        labels = _part_vetoed(partition(unmatched, strictness).labels, forms, vetoed)
        points = centred(unmatched, self.origin)
        joined = _join_by_name(labels, forms, points, vetoed)
        targets[left] = part_by_sides(joined, [self.texts[row] for row in left], points) + len(self.centres)
        return targets

    def _old_tightness(self) -> Floats:
        return tightness_of(sums_from(self.origin, self.old_sums, self.old_sizes), self.old_sizes)

    def _vetoed(self, decisions: Decisions) -> dict[str, set[str]]:
        """Return for each name those it must not meet: by a person's veto, or as its opposite that nobody merged."""
        vetoed = decisions.vetoed()
        for form, others in antonym_names({centre.form: centre.key for centre in self.centres} | self.keys).items():
            vetoed[form] |= {other for other in others if decisions.root(other) != decisions.root(form)}
        return vetoed

    def _forbidden(self, vetoed: Mapping[str, set[str]], decisions: Decisions) -> dict[int, list[int]]:
        """Return for each row whose name has a veto the registered centres it must not go to."""
        centres_of: dict[str, list[int]] = defaultdict(list)
        for number, centre in enumerate(self.centres):
            centres_of[decisions.root(centre.form)].append(number)
        refused = {
            form: [
                number for root in sorted({decisions.root(other) for other in others}) for number in centres_of[root]
            ]
            for form, others in vetoed.items()
        }
        return {row: refused[form] for row, form in enumerate(self.forms) if refused.get(form)}

    @property
    def count(self) -> int:
        """How many targets there are."""
        return max(len(self.centres), int(self.targets.max()) + 1)

    @property
    def new(self) -> range:
        """The new targets."""
        return range(len(self.centres), self.count)

    @cached_property
    def points(self) -> Floats:
        """The rows seen from the origin, (n, d)."""
        return centred(self.vectors, self.origin)

    @cached_property
    def sizes(self) -> Ints:
        """How many of the rows each target has, (count,)."""
        return np.bincount(self.targets, minlength=self.count)

    @cached_property
    def sums(self) -> Floats:
        """The sum of each target's points, (count, d)."""
        return sums_by_label(self.points, self.targets, self.count)

    @cached_property
    def scores(self) -> Floats:
        """The cosine of each row to its target's centre, (n,); registered centres are those from before this merge."""
        centres = unit(self.sums)
        centres[: len(self.centres)] = self.old_centres
        cosines: Floats = np.einsum("ij,ij->i", self.points, centres[self.targets])
        return np.clip(cosines, -1.0, 1.0)


def _moved(rows: Sequence[ThemeRow], centres: Sequence[Centre], decisions: Decisions) -> dict[int, int]:
    """Return the target of each row whose theme a person moved. ValueError if it is no registered centre."""
    targets = {centre.form: number for number, centre in enumerate(centres)}
    found = {}
    for number, row in enumerate(rows):
        if form := decisions.moves.get(row.id):
            if form not in targets:
                raise ValueError(f"theme {row.id} was moved to {form}, which is no registered centre; undo the move")
            found[number] = targets[form]
    return found


def _nearest(points: Floats, centres: Floats, bounds: Floats, forbidden: Mapping[int, Sequence[int]]) -> Ints:
    """Return for each row the nearest of the centres that it is near enough to, -1 if there is none.

    `forbidden` names for some rows centres they must not go to.
    """
    targets, wide = np.full(len(points), -1, np.int64), centres.T.astype(np.float64)
    for start in range(0, len(points) if len(centres) else 0, BLOCK):
        cosines = np.round(points[start : start + BLOCK].astype(np.float64) @ wide, DECIMALS)
        cosines[cosines < bounds] = -np.inf
        for row in range(start, min(start + BLOCK, len(points))) if forbidden else ():
            cosines[row - start, list(forbidden.get(row, ()))] = -np.inf
        best = cosines.argmax(axis=1)
        inside = np.isfinite(cosines[np.arange(len(best)), best])
        targets[start : start + BLOCK] = np.where(inside, best, -1)
    return targets


def _part_vetoed(labels: Ints, forms: Sequence[str], vetoed: Mapping[str, set[str]]) -> Ints:
    """Take names that must not meet out of each other's groups: of each pair the one with fewer themes there leaves.

    All of its themes in one group leave together.
    """
    parted, unused = labels.copy(), int(labels.max(initial=-1)) + 1
    rows_of: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (label, form) in enumerate(zip(labels.tolist(), forms, strict=True)):
        if form in vetoed:
            rows_of[label][form].append(row)
    for _, found in sorted(rows_of.items()):
        staying: set[str] = set()
        for form in sorted(found, key=lambda form: (-len(found[form]), form)):
            if vetoed[form] & staying:
                parted[found[form]] = unused
                unused += 1
            else:
                staying.add(form)
    return parted


def _join_by_name(labels: Ints, forms: Sequence[str], points: Floats, vetoed: Mapping[str, set[str]]) -> Ints:
    """Join the groups that one and the same name dominates, if their centres are alike enough to its largest group's.

    A name dominates a group if more than half of its themes carry it: at most one does, so joining cannot chain.
    Groups that hold names with a veto between them stay apart.
    """
    if not len(labels):
        return labels
    count = int(labels.max()) + 1
    sizes, sums = np.bincount(labels, minlength=count), sums_by_label(points, labels, count)
    centres, tightness = unit(sums), tightness_of(sums, sizes)
    joined = np.arange(count)
    for groups in _dominated(labels, forms, sizes).values():
        first = max(groups, key=lambda group: (sizes[group], -group))
        others = np.array(groups)
        bounds = least_cosine(np.minimum(tightness[others], tightness[first]), sizes[others], sizes[first])
        joined[others[centres[others] @ centres[first] >= bounds]] = first
    joined = _without_vetoed(joined, labels, forms, vetoed)
    return np.unique(joined[labels], return_inverse=True)[1].astype(np.int64)


def _without_vetoed(joined: Ints, labels: Ints, forms: Sequence[str], vetoed: Mapping[str, set[str]]) -> Ints:
    """Undo each joining, (g,) the group that each group joins, that would bring names with a veto together."""
    names: dict[int, set[str]] = defaultdict(set)
    for label, form in zip(labels.tolist(), forms, strict=True):
        if form in vetoed:
            names[label].add(form)
    met = {first: set(names[first]) for first in set(joined.tolist())}
    kept = joined.copy()
    for group in sorted(names):
        first = int(joined[group])
        refused = set().union(*(vetoed[form] for form in names[group]))
        if first != group and refused & met[first]:
            kept[group] = group
        else:
            met[first] |= names[group]
    return kept


def _dominated(labels: Ints, forms: Sequence[str], sizes: Ints) -> dict[str, list[int]]:
    """Return for each name the groups it dominates."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for label, form in zip(labels.tolist(), forms, strict=True):
        counts[label][form] += 1
    groups: dict[str, list[int]] = defaultdict(list)
    for label, names in sorted(counts.items()):
        form, number = names.most_common(1)[0]
        if 2 * number > sizes[label]:
            groups[form].append(label)
    return groups
