"""Which theme means which problem: one pure function of a set of themes and a frozen registry.

The same themes in any order give the same answer: rows are brought into one order first, sums are taken in it, and
ties are broken by name. Nothing here grows by chains: a theme joins a registered signature by its distance to that
signature's centre, and new groups are those of `partition.partition`.

A centre is a signature with themes of its own: those of its name and of the names that rules merged into it. People
may merge centres: then they share a root, and each keeps its themes. A target is what a theme turns out to mean: a
registered centre or a new group. Targets are numbered, the registered centres first. Everything is named by normal
form (`normalise.normal_form`), which is unique in a registry. What people decided (`Decisions`) stands above all rules.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.merge.rules import normalise
from pipeline.merge.rules.centres import vector_table
from pipeline.merge.rules.decisions import NO_DECISIONS, Decisions
from pipeline.merge.rules.grouping.vectors import sums_by_label
from pipeline.merge.rules.meaning import Meaning
from pipeline.merge.rules.naming import Words
from pipeline.merge.rules.records import (
    MEANING,
    OWN_NAME,
    PERSON,
    REGISTRY,
    Assigned,
    Assignment,
    Centre,
    NewMerge,
    NewSignature,
    Registered,
    ThemeRow,
)

VERSION = "assign-2"


def assign(
    themes: Iterable[ThemeRow],
    registered: Registered,
    decisions: Decisions = NO_DECISIONS,
    *,
    strictness: float = 1.0,
) -> Assignment:
    """Assign every theme to a registered or a new signature.

    `strictness` is a factor on how alike themes must be to mean the same; to see what others than 1 would give.

    Themes that come from an iterator are held once, so that many fit into memory.

    Raises ValueError if vectors differ in length, from each other or from the registry's, and its kind Contradiction if
    the decisions cannot all be kept.
    """
    decisions.refuse_contradictions(registered.centre_of)
    rows = in_order(themes)
    if not rows:
        return Assignment((), (), (), (), registered.centre_of, _roots(registered.centre_of, decisions))
    centres = sorted(registered.centres, key=lambda centre: centre.form)
    vectors = vector_table([row.vector for row in rows], len(rows[0].vector) // 4)
    rows = [replace(row, vector=b"") for row in rows]  # the table has them now; twice is too much of many
    meaning = Meaning(rows, vectors, centres, decisions, strictness)
    names = _Names(rows, meaning, registered.centre_of, decisions)
    centre_of = {**registered.centre_of, **names.new_centre_of}
    return Assignment(
        themes=tuple(_assigned(rows, meaning, names)),
        signatures=tuple(NewSignature(form, names.keys[form]) for form in names.new_forms),
        merges=tuple(_merges(meaning, names)),
        centres=tuple(_centres(meaning, names)),
        centre_of=centre_of,
        root_of=_roots(centre_of, decisions),
    )


def in_order(themes: Iterable[ThemeRow]) -> list[ThemeRow]:
    """Return the themes in the one order in which sums are taken."""
    return sorted(themes, key=lambda theme: (normalise.normal_form(theme.raw), theme.vector, theme.raw, theme.text))


def _roots(centre_of: Mapping[str, str], decisions: Decisions) -> dict[str, str]:
    return {form: decisions.root(centre) for form, centre in centre_of.items()}


class _Names:
    """The name of each target, and the home of each new name: the target that holds most of its themes."""

    def __init__(
        self, rows: Sequence[ThemeRow], meaning: Meaning, registered: Mapping[str, str], decisions: Decisions
    ) -> None:
        self.registered = registered
        self.reserved = frozenset(decisions.renames)
        self.keys = dict(meaning.keys)
        self.emptied = _emptied(meaning, registered)
        self.homes = _homes(meaning, registered.keys() - self.emptied)
        self.of_target = [centre.form for centre in meaning.centres]
        self.of_target += self._of_new_targets(
            meaning, Words([f"{r.raw} {r.text}" for r in rows], meaning.targets.tolist())
        )
        self.homes = {form: target for form, target in self.homes.items() if form not in self.emptied}

    def _of_new_targets(self, meaning: Meaning, words: Words) -> Iterator[str]:
        """Yield for each new target the best fitting name that is at home there, or a made-up one.

        An emptied name is fitter than any other: it names what it did, but is merged into nothing.
        """
        at_home: dict[int, list[str]] = defaultdict(list)
        for form, target in self.homes.items():
            at_home[target].append(form)
        taken = {*self.registered, *self.homes, *self.reserved}
        for target in meaning.new:
            if own := at_home[target]:
                yield max(own, key=lambda form: (form in self.emptied, words.fit(self.keys[form], target), form))
            else:
                key = words.made_up_name(target, taken)
                taken.add(form := normalise.normal_form(key))
                self.keys[form] = key
                yield form

    @property
    def new_forms(self) -> list[str]:
        """All names to be registered, in their order."""
        return sorted({*self.homes, *self.new_centre_of})

    @property
    def new_centre_of(self) -> dict[str, str]:
        """The centre of each new name."""
        homes = {form: self.of_target[target] for form, target in self.homes.items()}
        return homes | {form: form for form in self.of_target if form not in self.registered}

    def is_at_home(self, form: str, target: int) -> bool:
        """Whether a name, new or registered, belongs to this target."""
        return self.homes.get(form) == target or self.registered.get(form) == self.of_target[target]


def _emptied(meaning: Meaning, registered: Mapping[str, str]) -> set[str]:
    """Return the registered names that have no theme any more and are merged by no rule."""
    centres = {centre.form for centre in meaning.centres}
    return {form for form, centre in registered.items() if form == centre and form not in centres}


def _homes(meaning: Meaning, registered: Collection[str]) -> dict[str, int]:
    """Return the target of each name that is not registered: the one that holds most of its themes."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for row, (form, target) in enumerate(zip(meaning.forms, meaning.targets.tolist(), strict=True)):
        if form not in registered and row not in meaning.moved:
            counts[form][target] += 1
    return {form: min(found, key=lambda target: (-found[target], target)) for form, found in sorted(counts.items())}


def _assigned(rows: Sequence[ThemeRow], meaning: Meaning, names: _Names) -> Iterator[Assigned]:
    """Yield each theme's signature: its own name where that is at home, else its target's."""
    found = zip(rows, meaning.forms, meaning.targets.tolist(), meaning.scores.tolist(), strict=True)
    for number, (row, form, target, score) in enumerate(found):
        if number in meaning.moved:
            yield Assigned(row.id, names.of_target[target], PERSON, score)
        elif names.is_at_home(form, target):
            yield Assigned(row.id, form, OWN_NAME, score)
        else:
            yield Assigned(row.id, names.of_target[target], _rule(meaning, target), score)


def _merges(meaning: Meaning, names: _Names) -> Iterator[NewMerge]:
    members: dict[str, list[int]] = defaultdict(list)
    for row, (form, target) in enumerate(zip(meaning.forms, meaning.targets.tolist(), strict=True)):
        if names.homes.get(form) == target and row not in meaning.moved:
            members[form].append(row)
    for form, target in names.homes.items():
        parent = names.of_target[target]
        if form != parent:
            score = float(meaning.scores[members[form]].mean())
            reason = _reason(names.keys[form], _key(meaning, names, target), len(members[form]), score)
            yield NewMerge(form, parent, _rule(meaning, target), score, reason)


def _rule(meaning: Meaning, target: int) -> str:
    return REGISTRY if target < len(meaning.centres) else MEANING


def _key(meaning: Meaning, names: _Names, target: int) -> str:
    return meaning.centres[target].key if target < len(meaning.centres) else names.keys[names.of_target[target]]


def _reason(child: str, parent: str, count: int, score: float) -> str:
    return f"{count} theme{'s' if count > 1 else ''} named {child}: mean cosine {score:.2f} to the centre of {parent}"


def _centres(meaning: Meaning, names: _Names) -> Iterator[Centre]:
    """Yield the centres that got themes, as they are now."""
    added = sums_by_label(meaning.vectors, meaning.targets, meaning.count)
    for target in np.flatnonzero(meaning.sizes).tolist():
        total, size = added[target], int(meaning.sizes[target])
        if target < len(meaning.centres):
            total, size = meaning.old_sums[target] + total, meaning.centres[target].size + size
        yield Centre(names.of_target[target], _key(meaning, names, target), total.tobytes(), size)
