"""Which theme means which problem: the same answer in any order, no chains, no made-up twins of names in use."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from pipeline.merge.rules.assign import assign, in_order
from pipeline.merge.rules.decisions import NO_DECISIONS, Contradiction, Decisions
from pipeline.merge.rules.naming import LONGEST_WORD, Words
from pipeline.merge.rules.normalise import normal_form
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow
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
    return {theme_id: found.root_of[form] for theme_id, form in found.groups.items()}


@dataclass
class Growing:
    """A registry that keeps what merges write, as the database does; each merge is given all themes so far."""

    names: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    rows: dict[int, ThemeRow] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    root_of: dict[str, str] = field(default_factory=dict)
    consolidated: int = 0

    @property
    def registered(self) -> Registered:
        return Registered(dict(self.names), dict(self.parents))

    def look(
        self, themes: Sequence[ThemeRow], decisions: Decisions = NO_DECISIONS, *, consolidate: bool = False
    ) -> Assignment:
        return assign([*self.rows.values(), *themes], self.registered, decisions, consolidate=consolidate)

    def merge(self, themes: Sequence[ThemeRow]) -> Assignment:
        count = len(self.rows) + len(themes)
        found = self.look(themes, consolidate=count >= 1.5 * self.consolidated)
        self.consolidated = count if found.consolidated else self.consolidated
        for new in found.signatures:
            assert new.form not in self.names, f"{new.form} is registered twice"
            self.names[new.form] = new.key
        for form in found.unmerged:
            del self.parents[form]
        self.parents |= {merge.child: merge.parent for merge in found.merges}
        forms = {one.theme_id: one.form for one in found.themes}
        every = [*self.rows.values(), *themes]
        self.rows = {row.id: replace(row, signature=forms.get(row.id, row.signature)) for row in every}
        self.groups, self.root_of = dict(found.groups), dict(found.root_of)
        for row in self.rows.values():
            assert self.registered.centre_of(row.signature) == self.groups[row.id]
        return found

    def root(self, row: ThemeRow) -> str:
        return self.root_of[self.groups[row.id]]


# --- Growing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("portions", [1, 2, 11, 50])
def test_a_registry_that_grows_in_portions_keeps_one_root_a_problem_and_hardly_makes_names_up(portions: int) -> None:
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
    made_up = set(registry.names) - {normal_form(row.raw) for row in rows}
    assert len(made_up) <= (5 if portions == 50 else 0)  # of two rows at a time, some find their name in use elsewhere
    assert len(registry.groups) == len(rows)


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
    found = registry.look([theme(900, "another_word", 3)])
    (growth,) = found.growths
    assert (growth.form, growth.size, found.changed, found.moved) == (registry.root(rows[3]), 1, (), ())
    added = np.frombuffer(growth.vector_sum, np.float32)
    np.testing.assert_allclose(added, vector_of(3, "text 900"), atol=1e-5)
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
    expected, shuffled = registry.look(rows), [*registry.rows.values(), *rows]
    random.Random(seed).shuffle(shuffled)
    backwards = Registered(dict(reversed(registry.names.items())), dict(reversed(registry.parents.items())))
    found = assign(shuffled, backwards)
    assert set(found.themes) == set(expected.themes)
    assert (found.groups, found.signatures, found.merges) == (expected.groups, expected.signatures, expected.merges)


def test_nothing_is_assigned_where_there_is_nothing() -> None:
    registry = Growing()
    registry.merge(planted())
    found = assign([], registry.registered)
    assert (found.themes, found.signatures, found.merges, found.growths) == ((), (), (), ())
    assert found.root_of == {form: registry.registered.centre_of(form) for form in registry.names}


def test_vectors_of_different_lengths_are_refused() -> None:
    narrow = ThemeRow(1, "narrow", "It fails.", np.ones(4, np.float32).tobytes())
    with pytest.raises(ValueError, match="the vectors have different lengths"):
        assign([theme(0, "wide", 1), narrow], Registered())
    registry = Growing()
    registry.merge([theme(0, "wide", 1)])
    with pytest.raises(ValueError, match="the vectors have different lengths"):
        registry.look([narrow])


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
    assert len(set(registry.groups.values())) == 3
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


# --- Decisions ----------------------------------------------------------------------------------------------------


def grown(*problems: tuple[str, int]) -> Growing:
    """Return a registry that knows each problem by its name, from six themes."""
    registry = Growing()
    registry.merge(
        [theme(100 * n + each, name, problem) for n, (name, problem) in enumerate(problems) for each in range(6)]
    )
    return registry


def decided(registry: Growing, rows: Sequence[ThemeRow], decisions: Decisions = NO_DECISIONS) -> Assignment:
    return registry.look(rows, decisions)


def test_a_theme_goes_with_the_nearest_centre_and_shares_the_root_a_person_gave_it() -> None:
    registry = grown(("export_stops", 31), ("invoice_empty", 32))
    found = decided(registry, [theme(900, "csv_broken", 32)], Decisions(merges={"invoiceempty": "exportstop"}))
    assert [(growth.form, growth.size) for growth in found.growths] == [("invoiceempty", 1)]
    assert [(merge.child, merge.parent) for merge in found.merges] == [("csvbroken", "invoiceempty")]
    assert (found.groups[900], root_of(found)[900]) == ("invoiceempty", "exportstop")


@pytest.mark.parametrize("vetoed", [False, True])
def test_a_theme_that_bears_a_vetoed_name_keeps_out_of_the_others_root(vetoed: bool) -> None:
    registry = grown(("export_stops", 31), ("invoice_empty", 32))
    vetoes = frozenset({("exportstop", "invoiceempty")}) if vetoed else frozenset()
    found = decided(registry, [theme(900, "invoice_empty", 31)], Decisions(vetoes=vetoes))
    assert (root_of(found)[900] == "exportstop") is not vetoed


def test_a_veto_reaches_all_that_people_merged_into_a_root() -> None:
    registry = grown(("export_stops", 31), ("invoice_empty", 32), ("login_loops", 33))
    merges = {"invoiceempty": "exportstop"}
    found = decided(
        registry,
        [theme(900, "login_loops", 32)],
        Decisions(vetoes=frozenset({("loginloop", "exportstop")}), merges=merges),
    )
    assert root_of(found)[900] not in ("exportstop", "loginloop")


@pytest.mark.parametrize("vetoed", [False, True])
def test_a_new_group_holds_no_two_names_with_a_veto(vetoed: bool) -> None:
    rows = [theme(n, "planner_stuck" if n % 3 else "diary_stuck", 31) for n in range(9)]
    vetoes = frozenset({("plannerstuck", "diarystuck")}) if vetoed else frozenset()
    roots = root_of(assign(rows, Registered(), Decisions(vetoes=vetoes)))
    assert len({roots[n] for n in range(9) if n % 3}) == len({roots[n] for n in range(0, 9, 3)}) == 1
    assert (roots[0] == roots[1]) is not vetoed


def test_equal_names_do_not_keep_a_theme_from_the_nearer_side_of_a_split() -> None:
    registry = grown(("it_fails", 31), ("it_fails_again", 32))
    apart = Decisions(splits=frozenset({("itfail", "itfailagain")}))
    rows = [theme(900, "it_fails", 32), theme(901, "it_fails", 31)]
    found = root_of(decided(registry, rows, apart))
    assert (found[900], found[901]) == ("itfailagain", "itfail")


def test_a_moved_theme_stays_where_it_was_put_and_is_counted_there() -> None:
    registry = grown(("export_stops", 31), ("invoice_empty", 32))
    found = decided(registry, [theme(900, "csv_broken", 32)], Decisions(moves={900: "exportstop"}))
    assert [(one.form, one.rule) for one in found.themes] == [("exportstop", "person")]
    assert [(growth.form, growth.size) for growth in found.growths] == [("exportstop", 1)]
    assert (found.signatures, found.merges) == ((), ())


def test_a_new_name_that_a_person_gave_means_the_signature_that_bears_it() -> None:
    registry = grown(("it_fails", 31))
    found = decided(registry, [theme(900, "ExportStops", 31)], Decisions(renames={"exportstop": "itfail"}))
    assert [(one.form, one.rule) for one in found.themes] == [("itfail", "own_name")]
    assert (found.signatures, found.merges) == ((), ())


@pytest.mark.parametrize(
    "decisions",
    [
        Decisions(vetoes=frozenset({("a", "b")}), merges={"a": "b"}),
        Decisions(vetoes=frozenset({("c", "b")}), merges={"a": "b", "c": "a"}),
        Decisions(splits=frozenset({("a", "c")}), merges={"a": "b", "c": "b"}),
        Decisions(splits=frozenset({("x", "y")}), merges={"a": "b", "b": "a", "x": "a"}),
    ],
)
def test_decisions_that_contradict_each_other_are_refused(decisions: Decisions) -> None:
    with pytest.raises(Contradiction, match="undo one"):
        assign([theme(0, "wide", 1)], Registered(), decisions)


def test_a_move_to_what_is_no_centre_is_refused() -> None:
    with pytest.raises(ValueError, match="theme 0 was moved to nowhere"):
        assign([theme(0, "wide", 1)], Registered(), Decisions(moves={0: "nowhere"}))


def test_opposite_names_do_not_share_a_group_unless_a_person_merged_them() -> None:
    rows = [theme(n, "light_on" if n % 3 else "light_off", 31) for n in range(9)]
    roots = root_of(assign(rows, Registered()))
    assert {roots[n] for n in range(9) if n % 3}.isdisjoint({roots[n] for n in range(0, 9, 3)})
    merged = root_of(assign(rows, Registered(), Decisions(merges={"lightoff": "lighton"})))
    assert len(set(merged.values())) == 1


def test_a_theme_does_not_go_to_the_centre_of_its_opposite() -> None:
    registry = grown(("light_on", 31), ("invoice_empty", 32))
    assert root_of(decided(registry, [theme(900, "light_off", 31)]))[900] == "lightoff"
    assert root_of(decided(registry, [theme(900, "lamp_off", 31)]))[900] == "lighton"


def test_the_same_themes_again_go_where_they_went_and_make_nothing_new() -> None:
    rows, registry = planted(), Growing()
    registry.merge(rows)
    again = decided(registry, [ThemeRow(row.id + 5000, row.raw, row.text, row.vector) for row in rows])
    roots = root_of(again)
    assert {r.id: roots[r.id + 5000] for r in rows} == {r.id: registry.root(r) for r in rows}
    assert (again.signatures, again.merges, again.moved) == ((), (), ())
    assert (again.signatures, again.merges) == ((), ())


def test_themes_are_ordered_by_all_that_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.merge.rules.assign.TAKEN", 7)  # tables are taken over from one to the next
    draw = random.Random(3)
    # few of everything, so that many are equal in name and in the beginning of the vector, and some in all
    themes = [
        ThemeRow(
            number,
            draw.choice(["Login fails", "login_fails", "slow export"]),
            draw.choice(["", "It fails."]),
            np.array([draw.choice([-1.5, 0.0, 2.0]), draw.choice([-1.0, 3.0])], np.float32).tobytes(),
            draw.choice(["", "loginfail"]),
        )
        for number in range(60)
    ]
    expected = sorted(themes, key=lambda row: (normal_form(row.raw), row.vector, row.raw, row.text, row.signature))

    rows, vectors = in_order(iter(themes))
    assert [row.id for row in rows] == [row.id for row in expected]
    assert [vector.tobytes() for vector in vectors] == [row.vector for row in expected]
