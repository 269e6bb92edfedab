"""Which theme means which problem: the same answer in any order, no chains, no made-up twins of names in use."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from pipeline.signatures.assign import Assignment, Registered, RootRow, ThemeRow, assign
from pipeline.signatures.naming import LONGEST_WORD, Words
from pipeline.signatures.normalise import normal_form
from tests.fakes.scripted import vector_of

FEATURES = ("calendar", "invoice", "login", "export", "backup", "search", "webhook", "printer", "avatar", "timezone")
SYMPTOMS = ("sync_broken", "stops_working", "sync_failure")


def theme(number: int, raw: str, problem: int, text: str = "It fails.") -> ThemeRow:
    return ThemeRow(number, raw, text, vector_of(problem, f"text {number}").tobytes())


def planted(each: int = 10) -> list[ThemeRow]:
    """Return `each` themes for each of ten problems; what a problem is called changes from theme to theme."""
    return [
        theme(number, f"{FEATURES[problem]}_{SYMPTOMS[number % 3]}", problem, f"{FEATURES[problem]} is broken")
        for number, problem in enumerate(list(range(len(FEATURES))) * each)
    ]


def problem_of(row: ThemeRow) -> int:
    return row.id % len(FEATURES)


def root_of(found: Assignment) -> dict[int, str]:
    """Return the form of each theme's root."""
    return {one.theme_id: found.root_of[one.form] for one in found.themes}


@dataclass
class Growing:
    """A registry that keeps what merges write, as the database does."""

    roots: dict[str, RootRow] = field(default_factory=dict)
    root_of: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    forms: dict[int, str] = field(default_factory=dict)

    def merge(self, themes: Sequence[ThemeRow]) -> None:
        found = assign(themes, Registered(tuple(self.roots.values()), dict(self.root_of)))
        for new in found.signatures:
            assert new.form not in self.keys, f"{new.form} is registered twice"
            self.keys[new.form] = new.key
        self.roots |= {root.form: root for root in found.roots}
        self.root_of = dict(found.root_of)
        self.forms |= {one.theme_id: one.form for one in found.themes}

    def root(self, row: ThemeRow) -> str:
        return self.root_of[self.forms[row.id]]


# --- Growing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("portions", [1, 2, 11, 50])
def test_a_registry_that_grows_in_portions_keeps_one_root_a_problem_and_makes_no_name_up(portions: int) -> None:
    rows = planted()
    random.Random(portions).shuffle(rows)
    registry = Growing()
    for portion in np.array_split(np.arange(len(rows)), portions):
        registry.merge([rows[i] for i in portion])
    roots: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        roots[problem_of(row)].add(registry.root(row))
    assert {problem: len(found) for problem, found in roots.items()} == dict.fromkeys(range(len(FEATURES)), 1)
    assert len(set.union(*roots.values())) == len(FEATURES)
    assert set(registry.keys) <= {normal_form(row.raw) for row in rows}
    assert sum(root.size for root in registry.roots.values()) == len(rows)


@pytest.mark.parametrize("each", [1, 3])
def test_single_themes_that_come_one_at_a_time_find_each_other(each: int) -> None:
    registry = Growing()
    for row in planted(each=8)[:: len(FEATURES)]:
        registry.merge(
            [row] if each == 1 else [row, *(theme(row.id + 1000 + n, "other_thing", 70 + n) for n in (0, 1))]
        )
    assert len({registry.root(row) for row in planted(each=8)[:: len(FEATURES)]}) == 1


def test_a_registered_root_grows_by_what_it_gets_and_others_stay_as_they_are() -> None:
    rows = planted()
    registry = Growing()
    registry.merge(rows)
    found = assign([theme(900, "another_word", 3)], Registered(tuple(registry.roots.values()), registry.root_of))
    assert [(root.form, root.size) for root in found.roots] == [(registry.root(rows[3]), 11)]
    before = np.frombuffer(registry.roots[found.roots[0].form].vector_sum, np.float32)
    after = np.frombuffer(found.roots[0].vector_sum, np.float32)
    np.testing.assert_allclose(after - before, vector_of(3, "text 900"), atol=1e-5)
    (merge,) = found.merges
    assert (merge.child, merge.rule) == ("anotherword", "registry")
    assert merge.reason.startswith("1 theme named another_word: mean cosine 0.")


def test_a_problem_nobody_had_gets_a_root_of_its_own_beside_a_large_registry() -> None:
    registry = Growing()
    registry.merge(planted())
    new = theme(900, "calendar_sync_broken", 77)
    registry.merge([new])
    assert registry.root(new) not in {registry.root(row) for row in planted()}


# --- Shape --------------------------------------------------------------------------------------------------------


def test_a_chain_of_neighbours_is_not_one_problem() -> None:
    """Each is near the next, the ends have nothing in common."""
    angles = np.linspace(0, np.pi / 2, 31)
    rng = np.random.default_rng(5)
    rows = []
    for number, angle in enumerate(angles):
        vector = 0.2 * rng.standard_normal(64) / 8
        vector[0] += np.cos(angle)
        vector[1] += np.sin(angle)
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        rows.append(ThemeRow(number, f"link_{number:02}", "A link.", unit.tobytes()))
    roots = root_of(assign([*rows, *(theme(100 + n, f"other_{n}", n % 5) for n in range(20))], Registered()))
    assert roots[0] != roots[30]


def test_a_chain_that_comes_link_by_link_is_not_one_problem() -> None:
    registry, rows = Growing(), []
    for number, angle in enumerate(np.linspace(0, np.pi / 2, 16)):
        vector = np.zeros(64, np.float32)
        vector[:2] = np.cos(angle), np.sin(angle)
        rows.append(ThemeRow(number, f"link_{number:02}", "A link.", vector.tobytes()))
    registry.merge([theme(100 + n, f"other_{n % 5}", n % 5) for n in range(30)])
    for row in rows:
        registry.merge([row])
    assert registry.root(rows[0]) != registry.root(rows[-1])


@pytest.mark.parametrize("seed", range(5))
def test_neither_order_nor_ids_matter(seed: int) -> None:
    rows, registry = planted(), Growing()
    registry.merge([theme(1000 + n, f"known_{n % 3}", n % 3) for n in range(9)])
    frozen = Registered(tuple(registry.roots.values()), registry.root_of)
    expected, shuffled = assign(rows, frozen), rows.copy()
    random.Random(seed).shuffle(shuffled)
    found = assign(shuffled, Registered(frozen.roots[::-1], frozen.root_of))
    assert set(found.themes) == set(expected.themes)
    assert (found.signatures, found.merges, found.roots) == (expected.signatures, expected.merges, expected.roots)


def test_nothing_is_assigned_where_there_is_nothing() -> None:
    registry = Growing()
    registry.merge(planted())
    found = assign([], Registered(tuple(registry.roots.values()), registry.root_of))
    assert (found.themes, found.signatures, found.merges, found.roots) == ((), (), (), ())
    assert found.root_of == registry.root_of


def test_vectors_of_different_lengths_are_refused() -> None:
    narrow = ThemeRow(1, "narrow", "It fails.", np.ones(4, np.float32).tobytes())
    with pytest.raises(ValueError, match="vectors of different lengths meet"):
        assign([theme(0, "wide", 1), narrow], Registered())
    registry = Growing()
    registry.merge([theme(0, "wide", 1)])
    with pytest.raises(ValueError, match="vectors of different lengths meet"):
        assign([narrow], Registered(tuple(registry.roots.values()), registry.root_of))


# --- Names --------------------------------------------------------------------------------------------------------


def test_one_name_for_two_problems_becomes_two_signatures_of_which_the_larger_keeps_it() -> None:
    rows = [theme(n, "it_fails", 31, "The export stops.") for n in range(6)]
    rows += [theme(10 + n, "it_fails", 32, "The invoice is empty.") for n in range(4)]
    found = assign(rows, Registered())
    roots = root_of(found)
    assert {roots[n] for n in range(6)} == {"itfail"}
    (second,) = {roots[10 + n] for n in range(4)}
    keys = {new.form: new.key for new in found.signatures}
    assert keys[second] not in ("it_fails", "itfail")
    assert set(keys[second].split("_")) <= {"the", "invoice", "empty", "it", "fail"}
    assert "invoice" in keys[second] or "empty" in keys[second]


def test_a_name_that_is_registered_for_another_problem_is_not_taken_twice() -> None:
    registry = Growing()
    registry.merge([theme(n, "it_fails", 31, "The export stops.") for n in range(6)])
    second = [theme(10 + n, "it_fails", 32, "The invoice is empty.") for n in range(4)]
    registry.merge(second)
    third = [theme(20 + n, "ItFails", 33, "The invoice is empty.") for n in range(4)]
    registry.merge(third)
    roots = [{registry.root(row) for row in rows} for rows in (second, third)]
    assert len(registry.roots) == 3
    assert len(set.union(*roots)) == 2
    assert "itfail" not in set.union(*roots)


def test_the_most_used_spelling_becomes_the_key() -> None:
    names = ["multi_network_failure", "MultinetworkFailures", "multi_network_failures", "multi_network_failures"]
    found = assign([theme(n, name, 1) for n, name in enumerate(names)], Registered())
    assert [(new.form, new.key) for new in found.signatures] == [("multinetworkfailure", "multi_network_failures")]
    assert found.merges == ()


@pytest.mark.parametrize("word", ["x" * 31, "y" * 240, "½" * 300, "z" * 100_000])
def test_a_very_long_word_is_no_part_of_a_made_up_name_and_keys_stay_short(word: str) -> None:
    rows = [theme(n, "it_fails", 31, "It fails.") for n in range(6)]
    rows += [theme(10 + n, "it_fails", 32, f"It fails with {word}.") for n in range(4)]
    rows += [theme(20 + n, word, 33, word) for n in range(4)]
    found = assign(rows, Registered())
    assert len({*root_of(found).values()}) == 3
    assert len({new.key for new in found.signatures}) == len(found.signatures)
    assert all(len(new.key) <= 200 and len(new.form) <= 200 for new in found.signatures)
    (made_up,) = {root_of(found)[10 + n] for n in range(4)}
    assert (
        len(max(next(new.key for new in found.signatures if new.form == made_up).split("_"), key=len)) <= LONGEST_WORD
    )


@pytest.mark.parametrize(
    ("text", "taken", "name"),
    [
        ("export fails daily", set(), "daily_export"),
        ("export fails daily", {"dailyexport"}, "daily_export_fail"),
        ("export fails", {"exportfail"}, "export_fail_2"),
        ("export fails", {"exportfail", "exportfail2", "exportfail3"}, "export_fail_4"),
        ("a of it", set(), "unnamed"),
        ("a of it", {"unnamed"}, "unnamed_2"),
        (f"{'a' * 120} {'b' * 120}", {"unnamed"}, "unnamed_2"),
        ("", {"unnamed"}, "unnamed_2"),
    ],
)
def test_a_made_up_name_is_typical_and_nobody_elses(text: str, taken: set[str], name: str) -> None:
    assert Words([text] * 3, [0] * 3).made_up_name(0, taken) == name


def test_a_rare_word_of_a_few_themes_is_no_name_for_all() -> None:
    texts = [*["invoice late zyzzyva"] * 4, *["invoice late"] * 6, *["invoice late"] * 11]
    assert Words(texts, [*[0] * 10, *range(1, 12)]).made_up_name(0, set()) == "invoice_late"
