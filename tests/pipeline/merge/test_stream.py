"""Groups hold when conversations come in many imports: the small version of `benchmarks.stream`."""

import random

from benchmarks.stream import MemoryRegistry, churn, foreign_joins, measure
from pipeline.merge.rules.records import ThemeRow
from tests.fakes.scripted import vector_of

WORDS = ("calendar", "invoice", "login", "export", "backup", "search", "webhook", "printer", "avatar", "timezone")


def said(problems: range, each: int, first: int = 0) -> tuple[list[ThemeRow], list[str]]:
    """Return themes of these problems, shuffled, and what each is about."""
    pairs = [(problem, number) for problem in problems for number in range(each)]
    random.Random(each).shuffle(pairs)
    rows = [
        ThemeRow(
            first + place,
            f"{WORDS[problem % 10]}_{problem}_fails",
            "It fails.",
            vector_of(problem, f"{pair}").tobytes(),
        )
        for place, pair in enumerate(pairs)
        for problem in pair[:1]
    ]
    return rows, [f"problem {problem}" for problem, _ in pairs]


def test_many_imports_are_as_good_as_one_and_equal_after_a_consolidation() -> None:
    rows, labels = said(range(12), 20)
    found = measure(rows, labels, imports=(10, 50))
    assert found.after[1].f1 > 0.95
    for quality in found.after.values():
        assert quality.f1 > found.after[1].f1 - 0.05
        assert 0.7 * found.true_groups <= quality.groups <= 1.4 * found.true_groups
    assert found.same_partition
    assert (found.pairs_kept, found.ids_kept) == (1.0, 1.0)


def test_a_foreign_batch_joins_no_signature_that_was_there() -> None:
    rows, _ = said(range(12), 20)
    foreign, _ = said(range(60, 64), 15, first=1000)
    assert foreign_joins(rows, foreign) <= 0.02


def test_the_order_of_imports_changes_nothing_after_a_consolidation() -> None:
    rows, _ = said(range(12), 10)
    partitions = []
    for seed in range(3):
        shuffled = rows.copy()
        random.Random(seed).shuffle(shuffled)
        registry = MemoryRegistry()
        for start in range(0, len(shuffled), 17):
            registry.take(shuffled[start : start + 17])
        registry.consolidate()
        groups: dict[str, set[int]] = {}
        for theme, group in registry.groups.items():
            groups.setdefault(group, set()).add(theme)
        partitions.append({frozenset(group) for group in groups.values()})
    assert partitions[0] == partitions[1] == partitions[2]


def test_a_tenth_more_moves_hardly_anything() -> None:
    rows, _ = said(range(12), 11)
    pairs, ids = churn(rows)
    assert pairs >= 0.97
    assert ids >= 0.95
