"""What a scrape shows is what was counted last; where nobody counts, it counts itself."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from pipeline.models import Run, Tally
from pipeline.reports.tallies import LIVE_ITEMS, ORPHANS, RUNS, SHARE, STALE_AFTER, STORIES, numbers, renew_tallies
from tests.support.factories import ItemFactory, OrphanFactory, RunFactory, StoryFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()
SECOND = timedelta(seconds=1)


def test_what_was_counted_is_shown_until_it_is_counted_again(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    run = RunFactory(state="running")
    ItemFactory(run=run)
    StoryFactory(conversations=0, signature__created_run=run)
    OrphanFactory(conversations=0, signature__created_run=run)
    told = {RUNS: {"running": 1}, LIVE_ITEMS: {"pending": 1}, STORIES: {"candidate": 1}, ORPHANS: {"": 1}}
    assert numbers(at=NOW) == told  # nothing was counted yet
    assert renew_tallies(at=NOW)
    OrphanFactory(conversations=0, signature__created_run=run)
    with django_assert_num_queries(1):
        assert numbers(at=NOW + SECOND) == told
    assert renew_tallies(at=NOW + 60 * SECOND)
    assert numbers(at=NOW + 60 * SECOND)[ORPHANS] == {"": 2}


def test_a_state_that_nothing_is_in_any_more_goes() -> None:
    run = RunFactory(state="running")
    renew_tallies(at=NOW)
    Run.objects.filter(pk=run.pk).update(state="failed", finished_at=NOW)
    renew_tallies(at=NOW + 60 * SECOND)
    assert numbers(at=NOW + 60 * SECOND)[RUNS] == {"failed": 1}


def test_what_takes_long_is_counted_rarely_and_stale_numbers_are_not_shown() -> None:
    renew_tallies(at=NOW)
    Tally.objects.update(seconds=2.0)
    assert not renew_tallies(at=NOW + (2 * SHARE - 1) * SECOND)
    assert renew_tallies(at=NOW + (2 * SHARE + 1) * SECOND)
    RunFactory()
    late = NOW + (2 * SHARE + 2) * SECOND + STALE_AFTER
    assert numbers(at=late)[RUNS] == {"completed": 1}
