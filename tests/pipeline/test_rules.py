"""Versions of the rules: frozen, numbered, the newest by default."""

import hashlib
from importlib import import_module
from pathlib import Path

import pytest

from pipeline.signatures import naming, opposites, rules
from pipeline.signatures.assign import Assignment, Registered, ThemeRow
from pipeline.signatures.decisions import NO_DECISIONS
from pipeline.signatures.rules import NEWEST, UnknownRules, get_rules
from tests.fakes.scripted import vector_of

FROZEN = {
    1: "4bd0820b76522533",
}
"""Of the modules of each old version. A difference means that somebody changed rules that rows name: make new ones."""


@pytest.mark.parametrize("number", FROZEN)
def test_old_rules_stay_as_they_were(number: int) -> None:
    folder = Path(rules.__file__).parent / "versions" / f"v{number}"
    digest = hashlib.sha256()
    for module in sorted(folder.glob("*.py")):
        digest.update(module.read_bytes())
    assert digest.hexdigest()[:16] == FROZEN[number]


def themes(problems: int, each: int) -> list[ThemeRow]:
    """Return themes of well separated problems, under a good name or none at all."""
    return [
        ThemeRow(
            id=problem * each + number,
            raw=f"problem_{problem}_fails" if number % 2 else "it_fails",
            text=f"Problem {problem} fails again.",
            vector=vector_of(problem, f"{problem} {number}").tobytes(),
        )
        for problem in range(problems)
        for number in range(each)
    ]


def groups(assignment: Assignment) -> dict[str, set[int]]:
    """Return the ids of the themes of each root."""
    found: dict[str, set[int]] = {}
    for theme in assignment.themes:
        found.setdefault(assignment.root_of[theme.form], set()).add(theme.theme_id)
    return found


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("each", [4, 40])
def test_every_version_still_finds_what_is_plain(number: int, each: int) -> None:
    found = groups(get_rules(number).assign(themes(6, each), Registered(), NO_DECISIONS))
    assert sorted(map(sorted, found.values())) == [list(range(p * each, (p + 1) * each)) for p in range(6)]
    assert all(any(word in root for word in ("problem", "fail")) for root in found)


def test_versions_differ_in_name_and_the_newest_has_the_highest_number() -> None:
    known = [get_rules(number) for number in (1, 2)]
    assert len({one.version for one in known}) == len(known)
    assert known[-1] is NEWEST


def test_the_newest_version_names_every_module_that_has_one() -> None:
    folder = Path(rules.__file__).parent
    modules = [import_module(f"pipeline.signatures.{file.stem}") for file in sorted(folder.glob("*.py"))]
    named = {module.VERSION for module in modules if hasattr(module, "VERSION")}
    assert set(NEWEST.version.split()) == named
    assert {opposites.VERSION, naming.VERSION} <= named


def test_an_unknown_number_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownRules, match=r"there are no rules 99; known are: 1, 2\."):
        get_rules(99)
