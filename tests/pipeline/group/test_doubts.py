"""Attention looks at the result: what unites a group may be something else than a problem."""

import numpy as np
import pytest

from pipeline.group.doubts import doubt_of_result
from pipeline.models import Evidence, Run, Theme
from tests.support.seeding import finish, scripts, seed, start

pytestmark = pytest.mark.django_db(transaction=True)


def run_of(texts: list[str]) -> Run:
    return finish(start(seed(texts)))


def named_apart(problem: int, count: int) -> list[str]:
    """Scripts of one problem that a reader gave many names."""
    words = ("lift", "stairs", "door", "hall", "cellar", "roof", "yard")
    return [f"nr {number} name={words[number % 7]}_dirty problem={problem}" for number in range(count)]


def test_one_story_with_most_of_a_run_needs_attention() -> None:
    run = run_of([*named_apart(1, 22), *scripts(2, 4)])
    assert run.state == "needs_attention"
    assert "of 30 conversations are in one group, “" in run.attention
    assert f"./manage.py diagnose {run.pk}" in run.attention


def test_it_says_so_if_most_of_it_are_the_very_same_words() -> None:
    run = run_of(scripts(3, 8))
    Theme.objects.filter(run=run).update(signature=Theme.objects.filter(run=run).earliest("id").signature)
    Evidence.objects.filter(theme__run=run, theme__raw_signature__lt="problem_002").update(
        quote="Your parcel was sent."
    )
    assert ", 16 of them with identical wording. Is it a form or a notice" in doubt_of_result(run)


@pytest.mark.parametrize("texts", [scripts(4, 8), [*named_apart(1, 12), *scripts(3, 1)], scripts(2, 10)])
def test_a_run_of_several_stories_or_of_few_conversations_needs_none(texts: list[str]) -> None:
    run = run_of(texts)
    assert (run.state, run.attention) == ("completed", "")


def test_a_quote_that_stands_in_conversations_about_different_things_needs_attention() -> None:
    run = run_of(scripts(4, 8))
    footer = "Our office is closed on bank holidays."
    chosen = Evidence.objects.filter(theme__run=run).order_by("id")[:6].values_list("id", flat=True)
    Evidence.objects.filter(pk__in=list(chosen)).update(quote=footer)
    assert doubt_of_result(run).startswith(f"“{footer}” is quoted from 6 conversations about different things")


def test_a_quote_of_one_problem_may_be_repeated() -> None:
    run = run_of(scripts(4, 8))
    same = Evidence.objects.filter(theme__run=run, theme__raw_signature="problem_001_fails")
    same.update(quote="The lift is stuck.")
    assert doubt_of_result(run) == ""


def test_a_large_group_that_is_less_alike_than_any_two_themes_needs_attention() -> None:
    run = run_of(scripts(4, 8))
    group = Theme.objects.filter(run=run, raw_signature="problem_001_fails").order_by("id")
    for axis, theme in enumerate(group):  # all at right angles
        theme.vector = np.eye(64, dtype=np.float32)[axis].tobytes()
        theme.save(update_fields=["vector"])
    assert "the conversations of the group “Problem 001 fails” are less similar (0.00)" in doubt_of_result(run)
