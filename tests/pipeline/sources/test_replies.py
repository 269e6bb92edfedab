"""Messages that answer each other are one thread, in whatever order they come."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.understanding.replies import Replies


def roots(*messages: tuple[str, str]) -> list[str]:
    with Replies() as replies:
        for number, (message, parent) in enumerate(messages, start=1):
            replies.add(number, message, parent)
        return [root for _, root in replies.roots()]


def test_a_chain_is_one_thread_whatever_comes_first() -> None:
    assert roots(("1", ""), ("2", "1"), ("3", "2"), ("9", "")) == ["1", "1", "1", "9"]
    assert roots(("3", "2"), ("1", ""), ("9", ""), ("2", "1")) == ["1", "1", "9", "1"]


def test_answers_to_one_message_are_one_thread_also_if_it_is_missing() -> None:
    assert roots(("1", ""), ("2", "1"), ("3", "1")) == ["1", "1", "1"]
    assert roots(("2", "1"), ("3", "1"), ("4", "3")) == ["1", "1", "1"]


def test_a_circle_has_an_end() -> None:
    assert roots(("1", "2"), ("2", "1"), ("3", "3"), ("4", "")) == ["1", "2", "3", "4"]


def test_a_message_that_comes_twice_does_not_double_its_thread() -> None:
    assert roots(("1", ""), ("2", "1"), ("2", "1"), ("3", "2")) == ["1", "1", "1", "1"]


def test_a_thread_of_fifty_thousand_answers_takes_no_time_to_speak_of() -> None:
    assert set(roots(*[(str(number), str(number - 1) if number else "") for number in range(50_000)])) == {"0"}


@given(st.lists(st.integers(min_value=0, max_value=60), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_any_forest_comes_back(parents: list[int], order: random.Random) -> None:
    above = {number: parent % number for number, parent in enumerate(parents, start=1)}  # 0: none
    numbers = list(above)
    order.shuffle(numbers)
    found = roots(*[(str(number), str(above[number] or "")) for number in numbers])
    for number, root in zip(numbers, found, strict=True):
        while above[number]:
            number = above[number]
        assert root == str(number)
