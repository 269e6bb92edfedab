"""What pages cost: at most fifteen questions each, however many rows there are."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pipeline.models import Story
from pipeline.sources.searchable import renew_search_texts
from tests.pipeline.web.pages.scenes import address, client_of
from tests.support.factories import ItemFactory, OrphanFactory, RunFactory, StoryFactory, alice

pytestmark = pytest.mark.django_db

MOST = 15


def fill(count: int) -> None:
    for number in range(count):
        story = StoryFactory(title=f"Story {number}", conversations=2)
        OrphanFactory(conversations=1, nearest_story=story, nearest_cosine=0.8)
        ItemFactory(run=RunFactory(state="completed_with_errors"), state="failed")
    for each in Story.objects.all():
        evidence = each.evidence.select_related("conversation__source").first()
        assert evidence is not None
        renew_search_texts(source=evidence.conversation.source)


def pages() -> dict[str, str]:
    story = Story.objects.order_by("id")[0]
    evidence = story.evidence.order_by("id").first()
    assert evidence is not None
    return {
        "home": address("index"),
        "stories": address("stories"),
        "board": f"{address('stories')}?view=board",
        "by trend": f"{address('stories')}?sort=trend",
        "story": address("story", story.pk),
        "all of it": f"{address('story', story.pk)}?all=1",
        "similar": address("story_similar", story.pk),
        "parts": address("story_parts", story.pk),
        "who": address("story_who", story.pk),
        "activity": address("story_activity", story.pk),
        "edit": address("story_edit", story.pk),
        "review": address("review"),
        "orphans": address("orphans"),
        "conversations": address("search"),
        "search": f"{address('search')}?q=calendar",
        "conversation": address("conversation", evidence.conversation_id),
        "customers": address("customers"),
        "customer": f"{address('customer')}?name=bramble-vets",
        "runs": address("runs"),
        "new run": address("new_run"),
        "schedules": address("schedules"),
    }


def questions(client: Client, where: str) -> list[str]:
    client.get(where)  # what is kept between requests
    cache.clear()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(where).status_code == 200, where
    return [
        query["sql"][:150]
        for query in captured.captured_queries
        if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))
    ]


def test_no_page_asks_more_where_there_are_more_rows() -> None:
    client = client_of(alice())
    fill(2)
    few = {name: questions(client, where) for name, where in pages().items()}
    fill(6)
    many = {name: questions(client, where) for name, where in pages().items()}
    grown = {name: (len(few[name]), len(many[name])) for name in few if len(many[name]) > len(few[name]) + 1}
    assert grown == {}
    too_many = {name: (len(asked), asked) for name, asked in many.items() if len(asked) > MOST}
    assert {name: count for name, (count, _) in too_many.items()} == {}
