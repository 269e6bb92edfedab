"""What people decided about signatures, as the rules see it. It stands above every rule.

`merge.registry` reads it from the rows (`standing_decisions`). By normal form and not by id: the rules know no ids of
signatures, for names that are about to be registered have none.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


class Contradiction(ValueError):
    """Two standing decisions cannot both be kept."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Standing decisions; signatures are named by normal form.

    vetoes: pairs, in any order, that never share a root. Nor does a theme that bears one's name go to the other.
    splits: pairs that never share a root. Themes go to the nearer of the two, whatever they are called.
    merges: child -> parent, both with a centre of their own. Each theme stays with its centre; the root is shared.
    moves: id of a theme -> the signature it belongs to.
    renames: normal form of a new name -> the signature that bears it now.
    """

    vetoes: frozenset[tuple[str, str]] = frozenset()
    splits: frozenset[tuple[str, str]] = frozenset()
    merges: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[int, str] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)

    def named(self, form: str) -> str:
        """Return the form of the signature that is meant by the form of a name."""
        return self.renames.get(form, form)

    def root(self, form: str) -> str:
        """Return where the merges lead from a signature; itself if it is merged into none. Contradiction on a ring."""
        # the registry's lock keeps rings from being made; rows that were written by hand may have one
        seen = {form}
        while form in self.merges:
            form = self.merges[form]
            if form in seen:
                raise Contradiction(f"{form} is merged into itself by {len(seen)} merges; undo one of them")
            seen.add(form)
        return form

    def vetoed(self) -> defaultdict[str, set[str]]:
        """Return for each signature with a veto those it must not meet."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for one, other in self.vetoes:
            found[one].add(other)
            found[other].add(one)
        return found

    def refuse_contradictions(self, centre_of: Mapping[str, str]) -> None:
        """Raise Contradiction if a pair that must not share a root does; `centre_of` as in `records.Registered`."""
        for one, other in sorted(self.vetoes | self.splits):
            if self.root(centre_of.get(one, one)) == self.root(centre_of.get(other, other)):
                raise Contradiction(f"{one} and {other} are both merged and kept apart; undo one of the two decisions")


NO_DECISIONS = Decisions()
