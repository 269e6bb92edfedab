"""What became of groups, as a pure function: every kind, and where a link begins."""

import pytest

from pipeline.group.lineage import Change, changes


def told(found: list[Change]) -> list[str]:
    """Return the changes in a line each: `merged a 4 + b 3 > c 7`."""

    def side(groups: tuple) -> str:
        return " + ".join(f"{group.name} {group.size}" for group in groups) or "-"

    return [f"{change.kind} {side(change.before)} > {side(change.after)}" for change in found]


def became(before: dict[str, set[int]], after: dict[str, set[int]]) -> list[str]:
    """Return what became of groups whose members are seen twice."""
    flows = {(a, b): len(one & other) for a, one in before.items() for b, other in after.items() if one & other}
    return told(changes(sizes(before), sizes(after), flows, flows))


def sizes(groups: dict[str, set[int]]) -> dict[str, int]:
    return {name: len(members) for name, members in groups.items()}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"a": {1, 2, 3}}, ["new - > a 3"]),
        ({"a": {1, 2, 3}}, {}, ["gone a 3 > -"]),
        ({"a": {1, 2, 3}}, {"a": {1, 2, 3}}, ["same a 3 > a 3"]),
        ({"a": {1, 2, 3}}, {"a": {1, 2, 3, 4}}, ["grown a 3 > a 4"]),
        ({"a": {1, 2, 3, 4}}, {"a": {1, 2, 3}}, ["shrunk a 4 > a 3"]),
        ({"a": {1, 2, 3}}, {"renamed": {1, 2, 3}}, ["same a 3 > renamed 3"]),
        ({"a": {1, 2, 3}, "b": {4, 5}}, {"a": {1, 2, 3, 4, 5}}, ["merged a 3 + b 2 > a 5"]),
        ({"a": {1, 2, 3, 4, 5}}, {"a": {1, 2, 3}, "b": {4, 5}}, ["split a 5 > a 3 + b 2"]),
        ({"a": {1, 2, 3}}, {"b": {4, 5, 6}}, ["new - > b 3", "gone a 3 > -"]),
        (
            {"a": {1, 2, 3}, "b": {4, 5, 6, 7}},
            {"c": {1, 2, 3, 4, 5}, "d": {6, 7}},
            ["merged b 4 + a 3 > c 5", "split b 4 > c 5 + d 2"],
        ),
    ],
)
def test_it_tells_every_kind(before: dict[str, set[int]], after: dict[str, set[int]], expected: list[str]) -> None:
    assert became(before, after) == expected


def test_groups_that_swap_a_few_are_not_linked() -> None:
    before = {"a": {*range(10)}, "b": {*range(10, 20)}}
    after = {"a": {*range(8), 18, 19}, "b": {*range(10, 18), 8, 9}}
    assert became(before, after) == ["same a 10 > a 10", "same b 10 > b 10"]


@pytest.mark.parametrize(("half", "kind"), [(2, "split"), (1, "same")])
def test_half_of_either_side_makes_a_link(half: int, kind: str) -> None:
    before = {"a": 8, "x": 4}
    after = {"a": 8, "c": 4}
    went = {("a", "a"): 8 - half, ("a", "c"): half, ("x", "a"): half}
    assert kind in [change.kind for change in changes(before, after, went, went)]


def test_a_flow_from_one_side_is_enough() -> None:
    """Another source has other conversations; what they mean was named before all the same."""
    assert told(changes({"a": 5}, {"a": 9}, {}, {("a", "a"): 9})) == ["grown a 5 > a 9"]


def test_the_order_is_by_kind_and_then_by_size() -> None:
    found = became({"x": {1, 2, 3}}, {"small": {7, 8, 9}, "large": {10, 11, 12, 13}, "x": {1, 2, 3, 4}})
    assert found == ["new - > large 4", "new - > small 3", "grown x 3 > x 4"]
