"""The rules that give themes their signatures, by number. What rows carry is frozen: a change makes a new number.

The newest are the live modules beside this one; older ones lie in `versions`, and `regroup` can still apply them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.signatures import assign, cluster, naming, normalise, opposites
from pipeline.signatures.assign import Assignment, Registered, ThemeRow
from pipeline.signatures.decisions import Decisions
from pipeline.signatures.versions.v1 import assign as assign_v1
from pipeline.signatures.versions.v1 import cluster as cluster_v1
from pipeline.signatures.versions.v1 import normalise as normalise_v1

Assign = Callable[[Iterable[ThemeRow], Registered, Decisions], Assignment]


class UnknownRules(Exception):
    """There are no rules of that number."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of all rules that decide which theme means what; `version` is stored with runs and merges."""

    number: int
    version: str
    assign: Assign


_VERSIONS = (
    Rules(1, f"{normalise_v1.VERSION} {assign_v1.VERSION} {cluster_v1.VERSION}", assign_v1.assign),
    Rules(2, " ".join(module.VERSION for module in (normalise, assign, cluster, opposites, naming)), assign.assign),
)
NEWEST = _VERSIONS[-1]


def get_rules(number: int) -> Rules:
    """Return the rules of that number; UnknownRules names the known ones."""
    for rules in _VERSIONS:
        if rules.number == number:
            return rules
    known = ", ".join(str(rules.number) for rules in _VERSIONS)
    raise UnknownRules(f"there are no rules {number}; known are: {known}. The newest are the default of new runs.")
