"""Which themes mean the same, and which group is which signature, before anybody asks for names.

The middle of `assign`: in go the themes in canonical order, what stood, and what people decided; out come `targets`,
the group of each theme, and `recognised`, which of them are signatures that stood. `names` then names the rest.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from pipeline.merge.rules import normalise
from pipeline.merge.rules.antonyms import antonym_names
from pipeline.merge.rules.apart import dominated, part_names, part_sides
from pipeline.merge.rules.centres import least_cosine, tightness_of
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.due import LOOKED_AT_AGAIN
from pipeline.merge.rules.grouping.neighbours import Floats, Ints, blocks, evenly
from pipeline.merge.rules.grouping.partition import partition
from pipeline.merge.rules.grouping.resolutions import is_clearly_better
from pipeline.merge.rules.grouping.sight import sight_of
from pipeline.merge.rules.grouping.vectors import (
    centred,
    numbered_from_zero,
    row_dots,
    shrunken_mean,
    sums_by_label,
    unit,
)
from pipeline.merge.rules.joining import join
from pipeline.merge.rules.naming import spellings
from pipeline.merge.rules.recognise import recognise
from pipeline.merge.rules.records import Registered, ThemeRow
from pipeline.merge.rules.sides import Marks, marks_of, of_another_side, part_by_sides

LOOKED_AT = 60
"""Themes of a standing group, spread evenly, that show which side it takes."""


class Meaning:
    """Targets and scores of the rows. A target below `len(recognised)` needs no name: `recognised` tells its centre.

    centres: the centres that stand, by name; stood: (n,) which of them each row was counted in, -1 for new rows.
    pinned: the centre that a person put a row into, for rows that were moved, or read again after they were.
    targets: (n,) group of each row. recognised: the centre, by number, of each target that was recognised.
    """

    def __init__(
        self,
        rows: Sequence[ThemeRow],
        vectors: Floats,
        registered: Registered,
        decisions: Decisions,
        *,
        consolidate: bool,
        strictness: float,
    ) -> None:
        self.vectors, self.sight = vectors, sight_of(registered.model, registered.hold)
        self.forms = [decisions.named(normalise.normal_form(row.raw)) for row in rows]
        self.pinned = _pinned(rows, registered, decisions)
        was = [registered.centre_of(row.signature) if row.signature else "" for row in rows]
        self.centres = sorted({*was, *self.pinned.values()} - {""})
        number = {form: place for place, form in enumerate(self.centres)} | {"": -1}
        self.stood = np.array([number[form] for form in was], np.int64)
        new = [row for row, form in enumerate(self.forms) if form not in registered.names]
        self.keys = spellings([rows[row].raw for row in new], [self.forms[row] for row in new])
        self.roots = [decisions.root(form) for form in self.centres]
        labels = self._labels(rows, registered, decisions, consolidate, strictness)
        self._find_targets(labels, registered)

    @cached_property
    def points(self) -> Floats:
        """The rows seen from their common middle, (n, d); made after all rows were grouped, which takes most memory."""
        return centred(self.vectors, shrunken_mean(self.vectors))

    # --- Groups -----------------------------------------------------------------------------------------------------

    def _labels(
        self,
        rows: Sequence[ThemeRow],
        registered: Registered,
        decisions: Decisions,
        consolidate: bool,
        strictness: float,
    ) -> Ints:
        """Return the group of each row, by the pass that is due; what must stay apart is apart."""
        texts = [f"{row.raw} {row.text}" for row in rows]
        self.consolidated = consolidate or not (self.stood >= 0).any()
        if self.consolidated:
            # What names and texts say is read beside the partition: its longest step keeps one processor busy.
            with ThreadPoolExecutor(1) as beside:
                reading = beside.submit(self._read_all, texts, registered, decisions)
                labels = partition(self.vectors, strictness, self.sight).labels
            apart, marks = reading.result()
        else:
            apart = self._names_apart(registered, decisions, self._forms_of_new_rows())
            labels = self._joined(apart, decisions, strictness)
        # In a small set grouping all again takes a second, so both are made and compared. What stood has an advantage:
        # people would see their stories change for nothing.
        if not self.consolidated and len(labels) <= LOOKED_AT_AGAIN:
            again = partition(self.vectors, strictness, self.sight).labels
            if is_clearly_better(again, labels, points=self.points, rows=self.vectors, sight=self.sight):
                labels, self.consolidated = again, True
                apart, marks = self._read_all(texts, registered, decisions)
        # sides come first, so that opposite names part no more than their sides do
        if self.consolidated:
            # Parting by sides is done twice: groups that one name dominates may be joined in between, sides and all.
            labels = part_names(part_by_sides(labels, marks, self.points), self.forms, apart)
            labels = part_by_sides(_join_by_name(labels, self.forms, self.points, apart), marks, self.points)
        else:
            labels = part_names(self._new_ones_by_sides(labels, texts), self.forms, apart)
        # People's vetoes and splits come last, so that nothing above undoes them.
        self._forget_vetoed(apart)
        sides = [self.roots[centre] if centre >= 0 else "" for centre in self._claimed().tolist()]
        return part_sides(labels, sides, _roots_apart(decisions), self.points)

    def _read_all(
        self, texts: Sequence[str], registered: Registered, decisions: Decisions
    ) -> tuple[dict[str, set[str]], Marks]:
        """Return which names a consolidation keeps apart, and the sides that texts take.

        All names count, not only new ones and those of centres: else opposites that one consolidation keeps apart would
        meet in the next, and what it finds would depend on what stood.
        """
        return self._names_apart(registered, decisions, set(self.forms)), marks_of(texts)

    def _new_ones_by_sides(self, labels: Ints, texts: Sequence[str]) -> Ints:
        """Part the new groups of a join whose themes take opposite sides.

        New rows that joined a group of the other side leave it, those of one group and side together.
        """
        labels = self._without_other_sides(labels, texts)
        # Groups without any theme that stood there are new ones: standing groups bear the number of their centre.
        some = np.flatnonzero(~np.isin(labels, labels[self.stood == labels]))
        parted = labels.copy()
        if len(some):
            marks = marks_of([texts[row] for row in some.tolist()])
            found = part_by_sides(numbered_from_zero(labels[some]), marks, self.points[some])
            parted[some] = int(labels.max()) + 1 + found
        return parted

    def _without_other_sides(self, labels: Ints, texts: Sequence[str]) -> Ints:
        parted, unused = labels.copy(), int(labels.max()) + 1
        for label in np.unique(labels[self.stood < 0]).tolist():
            inside = np.flatnonzero(labels == label)
            new, old = inside[self.stood[inside] < 0], inside[self.stood[inside] >= 0]
            # some of a large group are enough to see its side, and reading all would cost more than joining
            others = [texts[row] for row in old[evenly(len(old), LOOKED_AT)].tolist()]
            groups: dict[str, int] = {}
            for row, side in zip(
                new.tolist(), of_another_side([texts[row] for row in new.tolist()], others), strict=True
            ):
                if side:
                    parted[row] = groups.setdefault(side, unused + len(groups))
            unused += len(groups)
        return parted

    def _forget_vetoed(self, apart: Mapping[str, set[str]]) -> None:
        """Let rows whose name must not meet the centre they stood in count as no themes of it: a veto came since."""
        self.no_claim = [
            row
            for row, (form, centre) in enumerate(zip(self.forms, self.stood.tolist(), strict=True))
            if centre >= 0 and form in apart and {self.centres[centre], self.roots[centre]} & apart[form]
        ]

    def _claimed(self) -> Ints:
        """Return the centre (n,) that each row is known to belong to: where a person put it, or where it stood."""
        number = {form: place for place, form in enumerate(self.centres)}
        claimed = self.stood.copy()
        claimed[self.no_claim] = -1
        for row, form in self.pinned.items():
            claimed[row] = number[form]
        return claimed

    def _joined(self, apart: Mapping[str, set[str]], decisions: Decisions, strictness: float) -> Ints:
        """Return labels after a join: numbers of roots where rows joined or stay, higher ones for new groups.

        Rows that join a root of several centres, which people merged, go to the nearest of these.
        """
        root_number = {root: number for number, root in enumerate(sorted(set(self.roots)))}
        root_of_centre = np.array([root_number[root] for root in self.roots], np.int64)
        standing = np.where(self.stood >= 0, root_of_centre[self.stood], -1)
        refused = {
            row: {root_number[root] for other in apart[form] if (root := decisions.root(other)) in root_number}
            for row, form in enumerate(self.forms)
            if self.stood[row] < 0 and form in apart
        }
        labels = join(self.vectors, standing, refused, strictness, self.points, self.sight)
        return self._by_centre(labels, standing, root_of_centre)

    def _by_centre(self, labels: Ints, standing: Ints, root_of_centre: Ints) -> Ints:
        """Replace the number of a root by that of a centre below it; new groups get numbers after those."""
        stays = (labels == standing) & (self.stood >= 0)
        # numbers of centres first, then of roots that were joined and of new groups: none can meet
        found = np.where(stays, self.stood, len(self.centres) + labels)
        below: dict[int, list[int]] = defaultdict(list)
        for centre in np.unique(self.stood[stays]).tolist():
            below[int(root_of_centre[centre])].append(centre)
        # Only where people merged several centres is there a choice between them; elsewhere the root's only centre
        # takes all.
        several = [centre for centres in below.values() if len(centres) > 1 for centre in centres]
        counted = np.where(stays & np.isin(self.stood, several), self.stood, -1)
        middles = unit(sums_by_label(self.points, counted, len(self.centres)))
        for row in np.flatnonzero(~stays & np.isin(labels, list(below))).tolist():
            centres = below[int(labels[row])]
            found[row] = centres[int((middles[centres] @ self.points[row]).round(5).argmax())]
        return found

    def _names_apart(self, registered: Registered, decisions: Decisions, forms: set[str]) -> dict[str, set[str]]:
        """Return for each name those it must not meet: by a person's veto, or as its opposite that nobody merged.

        Opposites are looked for among these forms and the names of centres. A veto reaches all names that mean what the
        vetoed one means.
        """
        new = {form: registered.names.get(form) or self.keys[form] for form in self._forms_of_new_rows()}
        known = {form: registered.names.get(form, form) for form in self.centres} | self.keys | new
        meaning: dict[str, set[str]] = defaultdict(set)
        for form in known:
            meaning[decisions.root(registered.centre_of(form))].add(form)
        apart: dict[str, set[str]] = defaultdict(set)
        for one, others in decisions.vetoed().items():
            for form in {one, *meaning[decisions.root(one)]}:
                for other in others:
                    apart[form] |= {other, decisions.root(other), *meaning[decisions.root(other)]}
        spelled = {form: registered.names.get(form) or self.keys[form] for form in forms}
        for form, others in antonym_names(known | spelled).items():
            apart[form] |= {other for other in others if decisions.root(other) != decisions.root(form)}
        return apart

    def _forms_of_new_rows(self) -> set[str]:
        return {self.forms[row] for row in np.flatnonzero(self.stood < 0).tolist()}

    # --- Identity ---------------------------------------------------------------------------------------------------

    def _find_targets(self, labels: Ints, registered: Registered) -> None:
        """Number the groups, recognise them, and put the rows that people moved where they belong."""
        targets, claimed = numbered_from_zero(labels), self._claimed()
        first = [number for number, form in enumerate(self.centres) if form in registered.first]
        recognised = recognise(targets, claimed, first)
        target_of = {centre: target for target, centre in recognised.items()}
        count = int(targets.max()) + 1
        # A person's move holds whatever the groups are: the row goes to its centre's target, which is made if no group
        # was recognised as that.
        for row in sorted(self.pinned):
            centre = int(claimed[row])
            if centre not in target_of:
                target_of[centre], recognised[count] = count, centre
                count += 1
            targets[row] = target_of[centre]
        kept, self.targets = np.unique(targets, return_inverse=True)  # a group whose every row was moved is none
        place = {int(target): number for number, target in enumerate(kept)}
        self.recognised = {place[target]: centre for target, centre in recognised.items() if target in place}
        self.count = len(kept)

    @cached_property
    def _centres(self) -> Floats:
        """The direction of each target."""
        return unit(sums_by_label(self.points, self.targets, self.count))

    def scores(self, rows: Ints) -> Floats:
        """Return the cosine of each of these rows to its target's centre, (len(rows),)."""
        parts = (rows[part] for part in blocks(len(rows)))  # a copy of all rows would double what is in memory
        cosines = [row_dots(self.points[part], self._centres, self.targets[part]) for part in parts]
        scores: Floats = np.clip(np.concatenate([np.zeros(0), *cosines]), -1.0, 1.0).astype(np.float32)
        return scores

    @cached_property
    def _middles(self) -> Floats:
        """The direction of each centre as it stood."""
        return unit(sums_by_label(self.points, self.stood, len(self.centres)))

    def cosine_to_what_stood(self, row: int) -> float:
        """Return the cosine of a row to the centre it was counted in, as that was before."""
        return float(np.clip(self.points[row] @ self._middles[self.stood[row]], -1.0, 1.0))


def _pinned(rows: Sequence[ThemeRow], registered: Registered, decisions: Decisions) -> dict[int, str]:
    """Return the centre of each row whose theme a person moved. ValueError if it is no registered name."""
    pinned = {row: form for row, theme in enumerate(rows) if (form := decisions.moves.get(theme.id))}
    for row, form in pinned.items():
        if form not in registered.names:
            raise ValueError(f"theme {rows[row].id} was moved to {form}, which is not a known signature; undo the move")
    return {row: registered.centre_of(form) for row, form in pinned.items()}


def _roots_apart(decisions: Decisions) -> dict[str, set[str]]:
    """Return for each root those it must not share a group with."""
    apart: dict[str, set[str]] = {}
    for one, other in decisions.vetoes | decisions.splits:
        one, other = decisions.root(one), decisions.root(other)
        apart.setdefault(one, set()).add(other)
        apart.setdefault(other, set()).add(one)
    return apart


def _join_by_name(labels: Ints, forms: Sequence[str], points: Floats, apart: Mapping[str, set[str]]) -> Ints:
    """Join the groups that one and the same name dominates, if their centres are alike enough to its largest group's.

    At most one name dominates a group, so joining cannot chain. Groups that hold names that must not meet stay apart.
    """
    labels = numbered_from_zero(labels)
    count = int(labels.max()) + 1
    sizes, sums = np.bincount(labels, minlength=count), sums_by_label(points, labels, count)
    centres, tightness = unit(sums), tightness_of(sums, sizes)
    joined = np.arange(count)
    for groups in dominated(labels, forms).values():
        # all are compared with the largest only, and the looser of the two sets the bar
        first = max(groups, key=lambda group: (sizes[group], -group))
        others = np.array(groups)
        bounds = least_cosine(np.minimum(tightness[others], tightness[first]), sizes[others], sizes[first])
        joined[others[centres[others] @ centres[first] >= bounds]] = first
    joined = _without_parted(joined, labels, forms, apart)
    return numbered_from_zero(joined[labels])


def _without_parted(joined: Ints, labels: Ints, forms: Sequence[str], apart: Mapping[str, set[str]]) -> Ints:
    """Undo each joining, (g,) the group that each group joins, that would bring names together that must not meet."""
    names: dict[int, set[str]] = {}
    for label, form in zip(labels.tolist(), forms, strict=True):
        if form in apart:
            names.setdefault(label, set()).add(form)
    # names that each joined group holds so far; who comes later in the order may find a name it must not meet
    met = {first: set(names.get(first, ())) for first in set(joined.tolist())}
    kept = joined.copy()
    for group in sorted(names):
        first = int(joined[group])
        refused = set().union(*(apart[form] for form in names[group]))
        if first != group and refused & met[first]:
            kept[group] = group
        else:
            met[first] |= names[group]
    return kept
