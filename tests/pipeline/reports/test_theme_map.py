"""The map of a profile: every theme that counts is one point, which stays where it is when others come."""

import struct
from typing import Any

import numpy as np
import pytest

from pipeline.models import MapPoint, Run, Story, Theme, ThemeMap
from pipeline.reports import layout, theme_map
from pipeline.reports.theme_map import POINT_BYTES, colouring, draw_map, mapped_stories, packed_points
from tests.support.factories import NOON, MergeFactory, RunFactory, SourceFactory, StoryFactory, ThemeFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _vectors_elsewhere(settings: Any, tmp_path: Any) -> None:
    settings.CACHE_DIR = str(tmp_path)


def a_story(count: int = 3, **columns: Any) -> Story:
    """Store a story of a finished run."""
    story: Story = StoryFactory(conversations=count, first_run=RunFactory(), **columns)
    return story


def places() -> dict[int, tuple[float, float]]:
    return {row.theme_id: (row.x, row.y) for row in MapPoint.objects.all()}


def test_each_theme_gets_a_point_and_drawing_again_changes_nothing() -> None:
    a_story(), a_story(2)
    drawn = draw_map(profile="support")
    assert drawn is not None
    assert (drawn.points, drawn.come, drawn.gone, drawn.is_laid_out) == (5, 5, 0, True)
    assert set(places()) == set(Theme.objects.values_list("pk", flat=True))
    before, version = places(), ThemeMap.objects.get().version
    draw_map(profile="support")
    assert (places(), ThemeMap.objects.get().version) == (before, version)


def test_points_stay_where_they_are_when_a_run_brings_more() -> None:
    a_story(12)
    draw_map(profile="support")
    before = places()
    a_story(4)
    drawn = draw_map(profile="support")
    assert drawn is not None
    assert (drawn.points, drawn.come, drawn.is_laid_out) == (16, 4, False)
    assert {theme: place for theme, place in places().items() if theme in before} == before
    a_story(20)  # now more have come than there were: all are laid out together again
    again = draw_map(profile="support")
    assert again is not None
    assert again.is_laid_out
    assert len(places()) == 36


def test_a_theme_that_was_read_again_leaves_the_map() -> None:
    story = a_story(3)
    draw_map(profile="support")
    old = story.evidence.order_by("id")[0].theme
    newer = RunFactory(source=old.conversation.source)
    ThemeFactory(
        run=newer, item__run=newer, item__conversation=old.conversation, conversation=old.conversation,
        signature=story.signature,
    )  # fmt: skip
    drawn = draw_map(profile="support")
    assert drawn is not None
    assert (drawn.points, drawn.come, drawn.gone) == (3, 1, 1)
    assert old.pk not in places()


def test_themes_of_runs_that_are_not_finished_and_of_other_profiles_are_not_on_it() -> None:
    a_story(2)
    live = RunFactory(state="running", phase="extract")
    ThemeFactory(run=live, item__run=live, signature=a_story(1).signature)
    other = RunFactory(profile="company")
    ThemeFactory(run=other, item__run=other, signature=a_story(1).signature)
    draw_map(profile="support")
    assert len(places()) == 4
    assert set(Run.objects.filter(themes__map_point__isnull=False).values_list("profile", "state")) == {
        ("support", "completed")
    }


def test_nothing_is_stored_on_a_map_that_somebody_else_drew_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    a_story(3)
    laid_out = layout.lay_out

    def while_another_draws(*given: Any) -> Any:
        ThemeMap.objects.create(profile="support", vector_model="m", version=1, drawn_at=NOON)
        return laid_out(*given)

    monkeypatch.setattr(layout, "lay_out", while_another_draws)
    assert draw_map(profile="support") is None
    assert places() == {}


def test_another_model_makes_another_map() -> None:
    a_story(3)
    draw_map(profile="support")
    before = places()
    Theme.objects.update(vector_model="other")
    drawn = draw_map(profile="support")
    assert drawn is not None
    assert drawn.is_laid_out
    assert set(places()) == set(before)
    assert ThemeMap.objects.get().vector_model == "other"


def test_a_profile_without_themes_has_no_map() -> None:
    drawn = draw_map(profile="support")
    assert drawn is not None
    assert drawn.points == 0
    assert not ThemeMap.objects.exists()


# --- What the page is told ----------------------------------------------------------------------------------------


def unpacked(packed: bytes) -> list[tuple[float, float, int, int, int]]:
    return [struct.unpack_from(">ffqqi", packed, at) for at in range(0, len(packed), POINT_BYTES)]


def test_points_are_packed_with_their_story_and_day() -> None:
    story, other = a_story(3), a_story(1)
    Story.objects.filter(pk=other.pk).delete()
    draw_map(profile="support")
    count, packed = packed_points("support")
    rows = unpacked(packed)
    assert count == len(rows) == 4
    assert sorted(row[2] for row in rows) == [0, story.pk, story.pk, story.pk]
    assert [row[3] for row in rows] == sorted(places())
    for x, y, _, theme, day in rows:
        assert np.allclose((x, y), places()[theme], rtol=1e-5)
        at = Theme.objects.get(pk=theme).conversation.occurred_at
        assert day == (at.date() - theme_map.FIRST_DAY).days


def test_stories_are_named_in_their_middle_and_points_follow_a_merge() -> None:
    large, small = a_story(3), a_story(1)
    draw_map(profile="support")
    assert [(row.pk, row.points) for row in mapped_stories("support", 10)] == [(large.pk, 3), (small.pk, 1)]
    MergeFactory(child=small.signature, parent=large.signature)
    Story.objects.filter(pk=small.pk).update(absorbed_by=large)
    assert [(row.pk, row.points) for row in mapped_stories("support", 10)] == [(large.pk, 4)]
    assert mapped_stories("support", 0) == []


def test_a_map_is_coloured_by_what_its_points_have() -> None:
    source = SourceFactory(name="mail")
    story = a_story(3)
    for number, theme in enumerate(Theme.objects.order_by("pk")):
        theme.conversation.source = source
        theme.conversation.metadata = {"plan": "gold" if number else "", "it's": "100 %"}
        theme.conversation.save()
    draw_map(profile="support")
    assert colouring("support", "source").values == [("file:mail", 3)]
    found = colouring("support", "meta", "plan")
    assert found.values == [("gold", 2), ("unknown", 1)]
    assert list(found.places) == [1, 0, 0]
    assert colouring("support", "meta", "it's").values == [("100 %", 3)]
    assert colouring("support", "meta", "%(profile)s").values == [("unknown", 3)]
    assert colouring("support", "status").values == [(story.status, 3)]
    with pytest.raises(KeyError):
        colouring("support", "nonsense")


def test_what_is_rare_is_coloured_together() -> None:
    a_story(14)
    for number, theme in enumerate(Theme.objects.order_by("pk")):
        theme.conversation.metadata = {"plan": f"plan {number:02}"}
        theme.conversation.save()
    draw_map(profile="support")
    found = colouring("support", "meta", "plan")
    assert len(found.values) == theme_map.MOST_COLOURS + 1
    assert found.values[-1] == (theme_map.OTHER, 5)
    assert max(found.places) == theme_map.MOST_COLOURS
