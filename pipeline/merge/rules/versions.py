"""The rules that give themes their signatures, by number. Runs and merges name the version that decided them.

The newest are the live modules beside this one. Once a version has been released, a change to them keeps the old ones
as a frozen copy with a number of their own, so that `regroup --rules N` can still apply them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pipeline.merge.rules import antonyms, assign, naming, normalise, sides
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.grouping import partition
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow


class Assign(Protocol):
    """What assigns themes: `assign.assign`, or that of an older version."""

    def __call__(
        self, themes: Iterable[ThemeRow], registered: Registered, decisions: Decisions, *, consolidate: bool = False
    ) -> Assignment: ...


class UnknownRules(Exception):
    """There are no rules of that number."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of all rules that decide which theme means what; `version` is stored with runs and merges."""

    number: int
    version: str
    assign: Assign


_PARTS = (normalise, assign, partition, antonyms, sides, naming)

VERSIONS = (Rules(1, " ".join(module.VERSION for module in _PARTS), assign.assign),)
"""All known rules, the oldest first."""

NEWEST = VERSIONS[-1]


def get_rules(number: int) -> Rules:
    """Return the rules of that number; UnknownRules names the known ones."""
    for rules in VERSIONS:
        if rules.number == number:
            return rules
    known = ", ".join(str(rules.number) for rules in VERSIONS)
    raise UnknownRules(
        f"there is no version {number} of the rules. Versions: {known}. New runs use the newest by default."
    )
