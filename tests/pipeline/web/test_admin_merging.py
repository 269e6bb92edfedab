"""What the admin shows of gates, nearest stories, what-if and regroups."""

import pytest
from django.test import Client

from pipeline.models import Orphan, Run, Story
from pipeline.web.parts import curve
from tests.pipeline.web.test_admin import client_of, list_of, page_of, read
from tests.support.factories import bob
from tests.support.seeding import finish, first_run, scripts, seed, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    """Two stories and an orphan."""
    return first_run([*scripts(2, 4), "nr 1 name=rare problem=50"])


@pytest.fixture
def reviewer() -> Client:
    return client_of(bob())


def test_an_orphan_leads_to_the_story_nearest_to_it(reviewer: Client, run: Run) -> None:
    orphan = Orphan.objects.get()
    assert orphan.nearest_story is not None
    for address in (page_of(orphan), list_of("orphan")):
        assert page_of(orphan.nearest_story) in read(reviewer, address)


def test_the_confidence_is_shown_with_its_parts(reviewer: Client, run: Run) -> None:
    for row in (Orphan.objects.get(), Story.objects.order_by("id")[0]):
        page = read(reviewer, page_of(row))
        assert f"Confidence {row.confidence} of 100" in page
        assert "Cohesion: mean cosine to the centre" in page
        assert f"{row.confidence_parts['size']:.2f}" in page


def test_a_run_draws_the_curve_only_when_asked(reviewer: Client, run: Run) -> None:
    assert "lm-chart" not in read(reviewer, page_of(run))
    assert "?what_if=1" in read(reviewer, page_of(run))
    page = read(reviewer, f"{page_of(run)}?what_if=1")
    assert 'aria-label="stories: 2, 2, 2, 2, 2' in page
    assert "1.0 (current)" in page


def test_a_large_run_is_left_to_the_command(reviewer: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "MOST_THEMES", 8)
    page = read(reviewer, f"{page_of(run)}?what_if=1")
    assert "lm-chart" not in page
    assert f"./manage.py merge_whatif {run.pk}" in page


def test_a_run_says_how_its_themes_were_grouped(reviewer: Client, run: Run) -> None:
    page = read(reviewer, page_of(run))
    assert "all themes were regrouped" in page
    later = finish(start(seed(["nr 7 name=problem_000_fails problem=0"], name="later")))
    page = read(reviewer, page_of(later))
    assert "new themes joined the existing groups" in page
    assert "1 new themes joined the existing groups; 0 moved" in page or "How themes were grouped" in page
