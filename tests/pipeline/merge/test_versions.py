"""Versions of the rules: numbered, the newest by default."""

from importlib import import_module
from pathlib import Path

import pytest

from pipeline.merge.rules import antonyms, naming, versions
from pipeline.merge.rules.decisions import NO_DECISIONS
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow
from pipeline.merge.rules.versions import NEWEST, Rules, UnknownRules, get_rules
from tests.fakes.scripted import vector_of


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


@pytest.mark.parametrize("each", [4, 40])
@pytest.mark.parametrize("known", versions.VERSIONS, ids=lambda known: str(known.number))
def test_every_version_finds_what_is_plain(known: Rules, each: int) -> None:
    found = groups(known.assign(themes(6, each), Registered(), NO_DECISIONS))
    assert sorted(map(sorted, found.values())) == [list(range(p * each, (p + 1) * each)) for p in range(6)]
    assert all(any(word in root for word in ("problem", "fail")) for root in found)


def test_versions_are_found_by_number_and_the_newest_has_the_highest(other_rules: Rules) -> None:
    assert [get_rules(number) for number in (0, NEWEST.number)] == [other_rules, NEWEST]
    assert len({one.version for one in versions.VERSIONS}) == 2


def test_the_newest_version_names_every_module_that_has_one() -> None:
    folder = Path(versions.__file__).parent
    modules = [
        import_module(".".join(["pipeline.merge.rules", *file.relative_to(folder).with_suffix("").parts]))
        for file in sorted(folder.rglob("*.py"))
    ]
    named = {module.VERSION for module in modules if hasattr(module, "VERSION")}
    assert set(NEWEST.version.split()) == named
    assert {antonyms.VERSION, naming.VERSION} <= named


def test_an_unknown_number_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownRules, match=r"there is no version 99 of the rules. Versions: 1\."):
        get_rules(99)
