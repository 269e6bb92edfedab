"""What pages cost: at most fifteen questions each, however many rows there are."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pipeline.models import (
    Company,
    CompanyUrl,
    Conversation,
    Fetch,
    MapPoint,
    Run,
    Snapshot,
    Story,
    Theme,
    ThemeMap,
)
from pipeline.sources.searchable import renew_search_texts
from tests.pipeline.web.pages.scenes import address, client_of
from tests.support.factories import ItemFactory, OrphanFactory, RunFactory, StoryFactory, alice
from tests.support.shelves import chapter_of_a_book, watched_company

pytestmark = pytest.mark.django_db

MOST = 15


def fill(count: int) -> None:
    for number in range(count):
        story = StoryFactory(title=f"Story {number}", conversations=2)
        OrphanFactory(conversations=1, nearest_story=story, nearest_cosine=0.8)
        ItemFactory(run=RunFactory(state="completed_with_errors"), state="failed")
        watched_company(f"Company {number}")
        chapter_of_a_book(Conversation.objects.filter(source__kind="books").count() + 1)
    the_map, _ = ThemeMap.objects.get_or_create(pk="support", vector_model="m", defaults={"drawn_at": timezone.now()})
    for theme in Theme.objects.filter(profile="support", map_point__isnull=True):
        MapPoint.objects.create(theme=theme, map=the_map, x=theme.pk, y=1.0)
    for each in Story.objects.all():
        evidence = each.evidence.select_related("conversation__source").first()
        assert evidence is not None
        renew_search_texts(source=evidence.conversation.source)


def pages() -> dict[str, str]:
    story = Story.objects.order_by("id")[0]
    evidence = story.evidence.select_related("conversation__current_version").order_by("id").first()
    assert evidence is not None
    assert evidence.conversation.current_version is not None
    chapter = Conversation.objects.filter(source__kind="books").order_by("id")[0]
    said = evidence.conversation.current_version.messages[0]["text"]
    word = max(re.findall(r"[a-z]+", said.casefold()), key=len)  # found, however few rows there are
    run = Run.objects.filter(state="completed_with_errors").order_by("id")[0]
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
        "search": f"{address('search')}?q={word}",
        "conversation": address("conversation", evidence.conversation_id),
        "customers": address("customers"),
        "customer": f"{address('customer')}?name={evidence.conversation.customer}",
        "companies": address("companies"),
        "company": address("company", Company.objects.order_by("id")[0].pk),
        "changes of companies": address("company_changes"),
        "page of a company": address("company_page", CompanyUrl.objects.order_by("id")[0].pk),
        "snapshot": address("company_snapshot", Snapshot.objects.order_by("id")[0].pk),
        "change": address("company_change", Fetch.objects.order_by("id")[1].pk),
        "book": address("book", chapter.source_id),
        "chapter": address("chapter", chapter.pk),
        "map": address("map"),
        "points of the map": address("map_points", "support"),
        "stories of the map": address("map_stories", "support"),
        "colours of the map": f"{address('map_colours', 'support')}?by=status",
        "point of the map": address("map_theme", evidence.theme_id),
        "runs": address("runs"),
        "run": address("run", run.pk),
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
