"""What groups are called, and the home of each name: the group that holds most of the themes that bear it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.merge.rules import normalise
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.meaning import Meaning
from pipeline.merge.rules.naming import Words
from pipeline.merge.rules.records import Registered, ThemeRow, centre_of


class Names:
    """The name of each target, and what rules merge each name into.

    keys: the spelling of each name, registered or new. of_target: the name of each target; target_of: its inverse.
    parents: the name that rules merge a name into, of all that are merged now.
    unmerged: registered names whose merge by a rule ends, because they are centres now or have gone elsewhere.
    rows_of: the rows that bear a name. found: the names of all targets.
    """

    def __init__(
        self, rows: Sequence[ThemeRow], meaning: Meaning, registered: Registered, decisions: Decisions
    ) -> None:
        self.registered, self.meaning = registered, meaning
        self.keys = {**meaning.keys, **registered.names}
        self.rows_of: dict[str, list[int]] = defaultdict(list)
        for row, form in enumerate(meaning.forms):
            # a theme that a person put somewhere says nothing about where its name is at home
            if row not in meaning.pinned:
                self.rows_of[form].append(row)
        recognised = {target: meaning.centres[centre] for target, centre in meaning.recognised.items()}
        homes = self._homes(set(recognised.values()))
        self.of_target = self._names_of_targets(rows, recognised, homes, decisions)
        self.target_of = {form: target for target, form in enumerate(self.of_target)}
        self.found = set(self.of_target)
        self.parents = self._merged(homes)
        self.unmerged = sorted(form for form, parent in registered.parents.items() if self.parents.get(form) != parent)

    def centre_of(self, form: str) -> str:
        """Return where the themes of a name are counted now."""
        return centre_of(self.parents, form)

    def is_new_parent(self, form: str) -> bool:
        """Whether a rule merges the name now that did not before."""
        return form in self.parents and self.registered.parents.get(form) != self.parents[form]

    def is_rehomed(self, form: str) -> bool:
        """Whether a name that was registered has another parent now, or none any more."""
        return form in self.registered.names and self.registered.parents.get(form) != self.parents.get(form)

    @property
    def new_forms(self) -> list[str]:
        """All names to be registered, in their order."""
        return sorted({*self.found, *self.parents} - self.registered.names.keys())

    def _homes(self, recognised: set[str]) -> dict[str, int]:
        """Return the target that holds most themes of each name that is no recognised centre.

        In a join, registered names stay where they are as long as there is a group there.
        """
        homes = {}
        for form, members in sorted(self.rows_of.items()):
            known = form in self.registered.names and self.registered.centre_of(form) in recognised
            if form in recognised or (known and not self.meaning.consolidated):
                continue
            counts = Counter(self.meaning.targets[members].tolist())
            homes[form] = min(counts, key=lambda target: (-counts[target], target))
        return homes

    def _names_of_targets(
        self, rows: Sequence[ThemeRow], recognised: dict[int, str], homes: dict[str, int], decisions: Decisions
    ) -> list[str]:
        return [
            recognised.get(target) or new
            for target, new in enumerate(self._fitting(rows, recognised, homes, decisions))
        ]

    def _fitting(
        self, rows: Sequence[ThemeRow], recognised: dict[int, str], homes: dict[str, int], decisions: Decisions
    ) -> Iterator[str]:
        """Yield for each new target the best fitting name that is at home there, or a made-up one; "" for others.

        A name that people count on and that has lost its themes is fitter than any other where it is at home.
        """
        words = self._words(rows, recognised)
        at_home: dict[int, list[str]] = defaultdict(list)
        for form, target in homes.items():
            at_home[target].append(form)
        # also what people renamed to: a made-up name must not be the twin of one that somebody uses
        taken = {*self.registered.names, *self.rows_of, *decisions.renames, *recognised.values()}
        counted_on = self.registered.kept | self.registered.first
        for target in range(self.meaning.count):
            if target in recognised:
                yield ""
            elif own := at_home[target]:
                yield max(own, key=lambda form: (form in counted_on, words.fit(self.keys[form], target), form))
            else:
                key = words.made_up_name(target, taken)
                taken.add(form := normalise.normal_form(key))
                self.keys[form] = key
                yield form

    def _words(self, rows: Sequence[ThemeRow], recognised: dict[int, str]) -> Words:
        """Return the words of all targets in a consolidation; of new ones and their rows only in a join."""
        targets = self.meaning.targets
        some = np.arange(len(rows))
        if not self.meaning.consolidated:
            some = np.flatnonzero(~np.isin(targets, list(recognised)) | (self.meaning.stood < 0))
        return Words([f"{rows[row].raw} {rows[row].text}" for row in some.tolist()], targets[some].tolist())

    def _merged(self, homes: dict[str, int]) -> dict[str, str]:
        """Return what rules merge each name into: the target it is at home in; centres and kept names into nothing."""
        # What is a target now is merged into nothing. All else stays merged as it was, but for the names with themes of
        # their own.
        parents = {child: parent for child, parent in self.registered.parents.items() if child not in self.found}
        free = [form for form in homes if form not in self.found and form not in self.registered.kept]
        for form in sorted(free, key=lambda form: form in parents):  # those without a parent first: they had children
            goal = self.of_target[homes[form]]
            if centre_of(parents, form) != goal:
                parents[form] = goal
        return parents
