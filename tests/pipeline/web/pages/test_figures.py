"""Books on the pages: their chapters, what was found in each verse, and languages side by side."""

import re

import pytest
from django.test import Client

from pipeline.models import Item, Source
from tests.pipeline.web.pages.scenes import LOOKING, address, client_of, person, read
from tests.support.factories import ConversationFactory, ConversationVersionFactory, SourceFactory
from tests.support.shelves import RIVER, chapter_of_a_book, figure

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Client:
    return client_of(person("rita", *LOOKING))


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_only_book_is_shown_at_once_and_none_says_how_to_bring_one(reader: Client) -> None:
    assert "No books yet" in read(reader, address("books"))
    assert address("books") not in read(reader, address("search"))
    chapter_of_a_book()
    source = Source.objects.get(kind="books")
    assert reader.get(address("books")).headers["Location"] == address("book", source.pk)
    assert address("books") in read(reader, address("search"))
    SourceFactory(kind="books", name="hills")
    assert "hills" in read(reader, address("books"))


def test_chapters_are_counted_by_kind(reader: Client) -> None:
    chapter_of_a_book(1)
    chapter_of_a_book(2)
    item = Item.objects.order_by("-id")[0]
    figure(item, RIVER["en"][0], "2:1", "simile", "the year", "a flood")
    where = address("book", Source.objects.get(kind="books").pk)
    shown = read(reader, where)
    assert "5 figures of speech" in text_of(shown)
    assert "simile 3" in text_of(shown)
    assert "Chapter 2 3 figures" in text_of(shown)
    assert "Chapter 1 1 figure" in text_of(read(reader, where, kind="simile"))


def test_a_chapter_that_failed_or_was_not_read_says_so(reader: Client) -> None:
    chapter = chapter_of_a_book()
    Item.objects.update(state="failed", stage="parse", error_class="X", reason="no answer")
    where = address("book", chapter.source_id)
    assert "1 chapter could not be read" in text_of(read(reader, where))
    assert "The newest reading failed" in read(reader, address("chapter", chapter.pk))
    unread = ConversationFactory(
        source=chapter.source, external_id="River:2", messages=[{"role": "verse", "text": "One.", "unit": "2:1"}],
        metadata={"book": "River", "chapter": 2},
    )  # fmt: skip
    assert "Nobody has read it yet" in read(reader, address("chapter", unread.pk))


def test_figures_are_marked_in_the_verse_and_languages_stand_side_by_side(reader: Client) -> None:
    chapter = chapter_of_a_book(3)
    shown = read(reader, address("chapter", chapter.pk))
    row = shown.split('id="v2"')[1].split("</tr>")[0]
    assert "<mark>The water came like a grey animal.</mark>" in row
    assert row.index("grey animal") < row.index("graues Tier")
    assert "the water spoken of as a grey animal" in text_of(shown)
    assert 'href="#v2"' in shown
    similes = read(reader, address("chapter", chapter.pk), kind="simile")
    assert "<mark>The water" in similes
    assert "<mark>The hills" not in similes


def test_languages_are_chosen_where_there_are_more_than_two(reader: Client) -> None:
    chapter = chapter_of_a_book(1, texts={**RIVER, "fr": ["Il pleuvait.", "L'eau vint.", "Les collines."]})
    shown = read(reader, address("chapter", chapter.pk))
    assert "Il pleuvait." not in shown
    chosen = reader.get(address("chapter", chapter.pk), {"language": ["en", "fr"]}).content.decode()
    assert "Il pleuvait." in chosen
    assert "In jenem Jahr" not in chosen


def test_a_place_leads_to_its_verses(reader: Client) -> None:
    first, third = chapter_of_a_book(1), chapter_of_a_book(3)
    where = address("book", first.source_id)
    response = reader.get(where, {"place": "3:2-3"}, follow=True)
    shown = response.content.decode()
    assert response.redirect_chain[0][0].startswith(address("chapter", third.pk))
    assert 'id="v2"' in shown
    assert 'id="v1"' not in shown
    assert "in verses 2 to 3" in text_of(shown)
    assert "is not a chapter or verse" in read(reader, where, place="Ezekiel")
    assert "This book has no chapter 9" in read(reader, where, place="9")
    assert reader.get(address("chapter", third.pk), {"verses": "x"}).status_code == 400
    before, after = address("chapter", first.pk), address("chapter", third.pk)
    assert f'href="{after}"' in read(reader, before)
    assert f'href="{before}"' in read(reader, after)


def test_a_chapter_whose_text_changed_shows_what_was_read(reader: Client) -> None:
    chapter = chapter_of_a_book()
    chapter.current_version = ConversationVersionFactory(
        conversation=chapter, messages=[{"role": "verse", "text": "Other words.", "unit": "1:1", "language": "en"}]
    )
    chapter.save()
    shown = read(reader, address("chapter", chapter.pk))
    assert "The text has changed since it was read" in shown
    assert "<mark>The water came like a grey animal.</mark>" in shown


def test_who_may_not_see_themes_sees_no_book() -> None:
    chapter = chapter_of_a_book()
    stranger = client_of(person("sam", "view_story"))
    for name, *args in (("books",), ("book", chapter.source_id), ("chapter", chapter.pk)):
        assert stranger.get(address(name, *args)).status_code == 403
