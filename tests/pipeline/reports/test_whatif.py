"""What a run's themes would make at other strictnesses; nothing is written."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.models import Merge, Orphan, Signature, Story, Theme
from pipeline.reports import whatif
from pipeline.reports.whatif import STRICTNESSES, Point, what_if
from tests.fakes import scripted
from tests.pipeline.group.test_settle import later
from tests.support.seeding import finish, first_run, scripts, seed, start

pytestmark = pytest.mark.django_db


def counts() -> list[object]:
    """Return what must not change."""
    themes = list(Theme.objects.order_by("id").values_list("signature_id", "signature_score", "registry_version"))
    return [themes, *(model.objects.count() for model in (Signature, Merge, Story, Orphan))]


def point(points: tuple[Point, ...], strictness: float) -> Point:
    return next(one for one in points if one.strictness == strictness)


def test_the_rules_as_they_are_give_what_the_run_has_and_nothing_is_written() -> None:
    run = first_run([*scripts(3, 4), "nr 1 name=rare problem=50"])
    before = counts()
    found = what_if(run=run)
    as_it_is = point(found.points, 1.0)
    assert (as_it_is.signatures, as_it_is.stories, as_it_is.orphans) == (4, 3, 1)
    assert (as_it_is.conversations, as_it_is.largest) == (12, 4)
    assert [one.strictness for one in found.points] == list(STRICTNESSES)
    assert counts() == before


def test_stricter_rules_make_more_signatures_and_more_lenient_ones_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every theme has a name of its own: nothing but meaning brings them together."""
    vector = scripted.vector_of
    monkeypatch.setattr(scripted, "vector_of", lambda problem, text, noise: leaning(vector, problem, text))
    texts = [f"nr {n} name={'abc'[p]}_{'wxyz'[n]}_fails problem={p}" for p in range(3) for n in range(4)]
    run = finish(start(seed(texts)))
    found = what_if(run=run, strictnesses=(0.5, 1.0, 3.0))
    assert [one.signatures for one in found.points] == [2, 3, 12]
    assert [(one.stories, one.largest) for one in found.points] == [(2, 8), (3, 4), (0, 0)]


def leaning(vector: Callable[[int, str], np.ndarray], problem: int, text: str) -> np.ndarray:
    """Return the fake's vectors, but that problem 1 leans towards problem 0."""
    leant = vector(problem, text) + (0.6 * vector(0, "the middle") if problem == 1 else 0)
    unit: np.ndarray = (leant / np.linalg.norm(leant)).astype(np.float32)
    return unit


def test_what_earlier_runs_know_is_there_and_what_they_read_counts() -> None:
    first_run(scripts(2, 4))
    run = finish(start(later(0, 1, day=2)))
    (as_it_is,) = what_if(run=run, strictnesses=(1.0,)).points
    assert (as_it_is.signatures, as_it_is.stories, as_it_is.conversations) == (1, 1, 5)


def test_the_curve_covers_both_sides_of_the_rules_as_they_are() -> None:
    assert min(whatif.STRICTNESSES) < 1.0 < max(whatif.STRICTNESSES)
    assert 1.0 in whatif.STRICTNESSES
