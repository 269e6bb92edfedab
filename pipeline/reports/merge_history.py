"""The registry of a profile as it stood before each of its merges, rebuilt from what the earlier merges recorded.

A merge reads a frozen registry and writes the next version of it: its themes and its merges carry that version. So the
registry before version N is what the themes and merges of the versions below N add up to. Vectors are summed in the
order in which `assign` sums them, and come out equal bit by bit.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, Q, Sum

from pipeline.merge.rules.assign import in_order
from pipeline.merge.rules.grouping.neighbours import Floats
from pipeline.merge.rules.records import Centre, Registered, ThemeRow
from pipeline.models import Merge, Move, Regroup, Rename, Signature, Split, Theme, Veto
from pipeline.models.wording import counted


@dataclass(frozen=True, slots=True)
class AssignedTheme:
    """What a merge recorded for one theme; `form` is the normal form of its signature, empty if it has none now."""

    theme: ThemeRow
    run_id: int
    form: str
    rule: str
    score: float | None


@dataclass(frozen=True, slots=True)
class RecordedMerge:
    """One merge: the version of the registry it wrote, what it gave each theme, and which (child, parent) it merged."""

    version: int
    given: tuple[AssignedTheme, ...]
    merges: frozenset[tuple[str, str]]


class RegistryHistory:
    """A registry that grows pass by pass, as the real one did."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._forms: set[str] = set()
        self._sums: dict[str, Floats] = {}
        self._sizes: dict[str, int] = {}

    def take(self, done: RecordedMerge) -> None:
        """Apply what a merge wrote."""
        self._forms |= {given.form for given in done.given if given.form}
        self._forms |= {form for merge in done.merges for form in merge}
        self._parents |= dict(done.merges)
        by_theme = {given.theme.id: given.form for given in done.given}
        rows: dict[str, list[bytes]] = defaultdict(list)
        for theme in in_order(given.theme for given in done.given if given.form):
            rows[self.centre_of(by_theme[theme.id])].append(theme.vector)
        for centre, vectors in rows.items():
            self._add(centre, vectors)

    def _add(self, centre: str, vectors: Sequence[bytes]) -> None:
        added = np.zeros(len(vectors[0]) // 4, np.float32)
        for vector in vectors:
            added += np.frombuffer(vector, np.float32)
        self._sums[centre] = self._sums[centre] + added if centre in self._sums else added
        self._sizes[centre] = self._sizes.get(centre, 0) + len(vectors)

    def centre_of(self, form: str) -> str:
        """Return the centre of a name after the last pass taken."""
        while form in self._parents:
            form = self._parents[form]
        return form

    def registered(self, keys: Mapping[str, str]) -> Registered:
        """Return the registry as the next merge reads it; `keys` gives the spelling of each normal form."""
        return Registered(
            centres=tuple(
                Centre(form, keys.get(form, form), total.tobytes(), self._sizes[form])
                for form, total in sorted(self._sums.items())
            ),
            centre_of={form: self.centre_of(form) for form in self._forms},
        )


def recorded_merges(profile: str) -> Iterator[RecordedMerge]:
    """Yield every merge of the profile that gave a theme its signature, the earliest first; one at a time in memory."""
    merges: dict[int, set[tuple[str, str]]] = defaultdict(set)
    recorded = Merge.objects.filter(child__profile=profile)
    edges = recorded.values_list("registry_version", "child__normal_form", "parent__normal_form")
    for version, child, parent in edges.iterator():
        merges[version].add((child, parent))
    for version, rows in groupby(_themes(profile), key=itemgetter(0)):
        yield RecordedMerge(version, tuple(_given(row) for row in rows), frozenset(merges[version]))


def _themes(profile: str) -> Iterator[tuple[Any, ...]]:
    assigned = Theme.objects.filter(profile=profile, registry_version__isnull=False).order_by("registry_version")
    return assigned.values_list(
        "registry_version", "id", "raw_signature", "summary", "vector", "run_id", "signature__normal_form",
        "signature_rule", "signature_score",
    ).iterator(chunk_size=2000)  # fmt: skip


def _given(row: tuple[Any, ...]) -> AssignedTheme:
    _, pk, raw, summary, vector, run_id, form, rule, score = row
    return AssignedTheme(ThemeRow(pk, raw, summary, bytes(vector)), run_id, form or "", rule, score)


def obstacles(profile: str, *, before: int, at: datetime | None) -> list[str]:
    """Return, in words, why the registry before a version cannot be rebuilt: what changed it and left no record to add.

    `at` is when that version was written: what was undone later does not matter to it. None: undone at all.
    """
    earlier = Merge.objects.filter(child__profile=profile, registry_version__lt=before)
    assigned = Theme.objects.filter(profile=profile, registry_version=OuterRef("registry_version"))
    undone = Q(undone_at__isnull=False) if at is None else Q(undone_at__lt=at)
    found = (
        (earlier.filter(undone).count(), "earlier merge was undone", "earlier merges were undone"),
        (
            earlier.exclude(rule=Merge.PERSON).filter(~Exists(assigned)).count(),
            "earlier merge has none of its themes left",
            "earlier merges have none of their themes left",
        ),
        (_decided(profile, before), "earlier decision was made by people", "earlier decisions were made by people"),
        (
            Regroup.objects.filter(run__profile=profile, registry_version__lte=before).count(),
            "earlier run was regrouped",
            "earlier runs were regrouped",
        ),
    )
    known = [counted(count, one, more) for count, one, more in found if count]
    gone = _gone(profile) if before > 1 else 0
    return [*known, counted(gone, "theme is gone", "themes are gone")] if gone else known


def _gone(profile: str) -> int:
    """Count the themes that signatures still hold and no row is, as after a run was deleted.

    Which version held them nobody can tell any more, only that before the first one there were none.
    """
    held: int = Signature.objects.filter(profile=profile).aggregate(held=Sum("size", default=0))["held"]
    return max(held - Theme.objects.filter(profile=profile, signature__isnull=False).count(), 0)


def _decided(profile: str, before: int) -> int:
    """Count what people decided before a version of the registry, undone or not."""
    merges = Merge.objects.filter(child__profile=profile, rule=Merge.PERSON)
    splits = Split.objects.filter(signature__profile=profile)
    moves = Move.objects.filter(theme__profile=profile)
    renames, vetoes = Rename.objects.filter(profile=profile), Veto.objects.filter(first__profile=profile)
    made = (merges, splits, moves, renames, vetoes)
    return sum(decisions.filter(registry_version__lt=before).count() for decisions in made)
