"""The theme map's page and what its script asks for; the same in a table for those who see no map."""

from typing import Any

import pytest
from django.test import Client

from pipeline.models import Story
from pipeline.reports.theme_map import POINT_BYTES, draw_map
from tests.pipeline.web.pages.scenes import LOOKING, address, client_of, person, read
from tests.support.factories import RunFactory, StoryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _vectors_elsewhere(settings: Any, tmp_path: Any) -> None:
    settings.CACHE_DIR = str(tmp_path)


@pytest.fixture
def viewer() -> Client:
    return client_of(person("vera", *LOOKING))


def a_map() -> Story:
    for title, size in (("Reminders never arrive", 3), ("Deposit charged twice", 2)):
        StoryFactory(title=title, conversations=size, first_run=RunFactory())
    draw_map(profile="support")
    found = Story.objects.order_by("id")[0]
    assert isinstance(found, Story)
    return found


def test_without_a_map_the_page_says_how_one_comes_to_be(viewer: Client) -> None:
    assert "No map yet" in read(viewer, address("map"))
    RunFactory()
    assert "Draw the map of support" not in read(viewer, address("map"))
    operator = client_of(person("oscar", *LOOKING, "operate_run"))
    assert "Draw the map of support" in read(operator, address("map"))


def test_the_table_says_what_the_map_shows(viewer: Client) -> None:
    story = a_map()
    shown = read(viewer, address("map"))
    table = shown.split("The same as a table")[1]
    assert table.index("Reminders never arrive") < table.index("Deposit charged twice</a> ")
    assert f'data-show-story="{story.pk}"' in table
    assert "5 themes of support" in shown
    assert 'href="/admin/map/"' in read(viewer, address("stories"))
    assert f"story={story.pk}" in read(viewer, address("story", story.pk))


def test_points_are_sent_once_until_something_changes(viewer: Client) -> None:
    story = a_map()
    first = viewer.get(address("map_points", "support"))
    assert len(first.content) == 5 * POINT_BYTES
    known = {"if-none-match": first.headers["ETag"]}
    assert viewer.get(address("map_points", "support"), headers=known).status_code == 304
    Story.objects.filter(pk=story.pk).update(status="emptied", status_before="candidate")
    assert viewer.get(address("map_points", "support"), headers=known).status_code == 200


def test_stories_and_colours_are_told_as_data(viewer: Client) -> None:
    story = a_map()
    told = viewer.get(address("map_stories", "support")).json()["stories"]
    assert told[0][:4] == [story.pk, "Reminders never arrive", "candidate", 3]
    colours = viewer.get(address("map_colours", "support"), {"by": "status"}).json()
    assert colours["values"] == [["candidate", 5]]
    assert viewer.get(address("map_colours", "support"), {"by": "nonsense"}).status_code == 404
    assert viewer.get(address("map_points", "nobody")).status_code == 404


def test_a_point_shows_its_quote_and_opens_its_conversation(viewer: Client) -> None:
    story = a_map()
    theme = story.evidence.order_by("id")[0].theme
    shown = read(viewer, address("map_theme", theme.pk))
    quote = theme.evidence.get().quote
    assert quote[:30] in shown
    assert "Reminders never arrive" in shown
    opened = viewer.get(address("map_theme", theme.pk), {"open": "1"})
    assert opened.headers["Location"] == address("conversation", theme.conversation_id)


def test_only_an_operator_has_it_drawn() -> None:
    RunFactory()
    viewer = client_of(person("vic", *LOOKING))
    assert viewer.post(address("map_draw"), {"profile": "support"}).status_code == 403
    stranger = client_of(person("sam", "view_story"))
    assert stranger.get(address("map")).status_code == 403
    assert stranger.get(address("map_points", "support")).status_code == 403
