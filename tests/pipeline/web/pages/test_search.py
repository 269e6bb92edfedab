"""Search by words and by meaning, and what stands around the hits: stories, customers, conversations."""

import numpy as np
import pytest
from django.test import Client

from pipeline.models import Conversation, Item, SearchText, Story
from pipeline.reports import meaning
from pipeline.reports.search import Chips, find_conversations, hits, pieces_of_headline
from pipeline.sources.searchable import renew_search_texts
from tests.pipeline.web.pages.scenes import address, read, two_stories_and_an_orphan
from tests.support.decided import broken_promises, state
from tests.support.factories import ConversationFactory, ItemFactory, SourceFactory, StoryFactory, ThemeFactory

pytestmark = pytest.mark.django_db


def said(text: str, language: str = "", **columns: object) -> Conversation:
    """Return a conversation with this text, read in a language, and indexed."""
    conversation: Conversation = ConversationFactory(text=text, **columns)
    if language:
        ItemFactory(conversation=conversation, state="extracted", language=language)
    renew_search_texts(source=conversation.source)
    return conversation


def found(words: str, **chips: object) -> list[int]:
    return find_conversations(words, Chips(**chips)).conversations  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "We were charging her card twice.", "charged cards"),
        ("de", "Die Rechnungen wurden doppelt verschickt.", "Rechnung"),
        ("fr", "Les paiements sont refusés depuis hier.", "paiement refusé"),
        ("es", "Las citas desaparecieron del calendario.", "cita"),
        ("ru", "Календарь показывает записи дважды.", "календари"),
        ("", "Nobody has read this charging thing yet.", "charging"),
        ("xx", "Plain words of no known tongue", "tongue"),
        ("ja", "予約が二重に表示されます", "二重"),
        ("th", "ปฏิทินแสดงนัดหมายซ้ำ", "นัดหมาย"),
    ],
)
def test_a_word_is_found_in_the_forms_of_its_language(language: str, text: str, words: str) -> None:
    mine, other = said(text, language), said("Something else entirely.", "en")
    assert found(words) == [mine.pk]
    assert other.pk not in found(words)


def test_phrases_alternatives_and_exclusions_are_understood() -> None:
    one, other = said("The card was charged twice.", "en"), said("The card was refused.", "en")
    assert found('"charged twice"') == [one.pk]
    assert set(found("refused or charged")) == {one.pk, other.pk}
    assert found("card -charged") == [other.pk]
    assert found("card -charging") == [other.pk]


@pytest.mark.parametrize("words", ["'", '"', "a & | ! ( :*", "%", "\\", "-", "or", "x" * 5000, "\u202e", "<b>"])
def test_nothing_that_is_typed_breaks_the_search(bob: Client, words: str) -> None:
    said("a plain text", "en")
    read(bob, address("search"), q=words)
    read(bob, address("search"), q=words, by="words", since="no", source="x", page="-3")


def test_ids_and_customers_are_found_as_they_stand() -> None:
    mine = said("Hello.", "en", external_id="TICKET-4711", customer="Bookings & Sons")
    assert found("ticket-4711") == [mine.pk]
    assert found("sons") == [mine.pk]


def test_a_grown_or_reread_conversation_is_indexed_again() -> None:
    conversation = said("We were charging her twice.")
    assert SearchText.objects.get().config == "simple"
    ItemFactory(conversation=conversation, state="extracted", language="en")
    assert renew_search_texts(source=conversation.source) == 1
    assert renew_search_texts(source=conversation.source) == 0
    assert SearchText.objects.get().config == "english"
    assert found("charged") == [conversation.pk]


def test_a_megabyte_without_a_space_is_stored_and_the_rest_found() -> None:
    mine = said(f"beginning {'x' * 1_000_000} end", "en")
    assert found("beginning") == [mine.pk]


def test_chips_narrow_by_source_customer_time_story_and_metadata() -> None:
    gold = said("card", "en", metadata={"plan": "gold"}, customer="Ann")
    free = said("card", "en", metadata={"plan": "free"}, customer="Ben")
    story = StoryFactory(conversations=0)
    theme = ThemeFactory(item__conversation=free, signature=story.signature)
    story.evidence.create(conversation=free, theme=theme, run=theme.run)
    assert found("card", metadata={"plan": "gold"}) == [gold.pk]
    assert found("card", customer="BEN") == [free.pk]
    assert found("card", source=gold.source_id) == [gold.pk]
    assert found("card", story=story.pk) == [free.pk]
    assert found("card", since=gold.occurred_at.replace(year=2099)) == []
    assert set(found("")) >= {gold.pk, free.pk}


def test_hits_are_highlighted_and_no_text_forges_a_highlight() -> None:
    mine = said("before \ue000forged\ue001 the charge came twice <b>after</b>", "en")
    (hit,) = hits([mine.pk], "charges")
    assert [text for text, is_hit in hit.pieces if is_hit] == ["charge"]
    assert "".join(text for text, _ in hit.pieces).startswith("before forged the charge")
    assert pieces_of_headline("") == []


def test_the_page_shows_stories_customers_and_chips_behind_the_hits(bob: Client) -> None:
    source = SourceFactory()
    story = StoryFactory(title="Charged twice", conversations=0)
    for number in range(3):
        conversation = ConversationFactory(
            source=source,
            text="They charged my card twice.",
            customer="bramble-vets",
            metadata={"plan": "gold", "n": number},
        )
        theme = ThemeFactory(item__conversation=conversation, signature=story.signature)
        story.evidence.create(conversation=conversation, theme=theme, run=theme.run)
    Item.objects.update(language="en")
    renew_search_texts(source=source)
    page = read(bob, address("search"), q="charging")
    assert page.count("<mark>charged</mark>") == 3
    assert "Charged twice" in page
    assert "3 of its 3" in page
    assert "bramble-vets" in page
    assert "meta.plan=gold" in page
    narrowed = read(bob, address("search"), q="charging", **{"meta.plan": "silver"})
    assert "No conversation contains these words" in narrowed


def test_meaning_finds_what_no_word_of_the_question_stands_in(bob: Client) -> None:
    embedder = meaning.shared_embedder()
    texts = {"The diary shows each visit two times over.": 0, "The invoice lacks our tax number.": 1}
    themes = {}
    for text in texts:
        vector = embedder.encode([text])[0].astype(np.float32).tobytes()
        themes[text] = ThemeFactory(
            item__conversation__text=text, summary=text, vector=vector, vector_model=embedder.name
        )
    best = meaning.near_conversations("appointments appear twice in the calendar")[0]
    assert best.conversation == themes["The diary shows each visit two times over."].conversation_id
    later = "Each booking is doubled in my calendar."
    vector = embedder.encode([later])[0].astype(np.float32).tobytes()
    newer = ThemeFactory(item__conversation__text=later, summary=later, vector=vector, vector_model=embedder.name)
    assert (
        meaning.near_conversations("appointments appear twice in the calendar")[0].conversation == newer.conversation_id
    )
    page = read(bob, address("search"), q="appointments appear twice in the calendar", by="meaning")
    assert "with a similar meaning" in page
    assert "Each booking is doubled" in page


def test_chosen_conversations_become_a_story_and_go_back(bob: Client) -> None:
    two_stories_and_an_orphan()
    before, (one, other) = state(), Story.objects.order_by("id")
    chosen = [
        *one.evidence.values_list("conversation", flat=True)[:2],
        *other.evidence.values_list("conversation", flat=True)[:1],
    ]
    sent = {"conversation": chosen, "name": "A thing of its own"}
    page = bob.post(address("search_story"), sent, follow=True).content.decode()
    assert "is now a story with 3 conversations" in page
    made = Story.objects.order_by("-id")[0]
    assert set(made.evidence.values_list("conversation", flat=True)) == set(chosen)
    assert broken_promises() == []
    bob.post(address("undo"))
    assert state() == before


def test_a_conversation_shows_its_thread_and_why_it_is_where_it_is(bob: Client) -> None:
    two_stories_and_an_orphan()
    story = Story.objects.order_by("id")[0]
    row = story.evidence.select_related("conversation").first()
    assert row is not None
    page = read(bob, address("conversation", row.conversation_id))
    assert "<mark>" in page
    assert f"which is the story “{story.title}”" in page
    assert "read it and found something" in page
    assert bob.get(address("conversation", 999_999)).status_code == 404
    assert bob.get(address("conversation", row.conversation_id), {"version": "x"}).status_code == 400


def test_customers_lead_to_what_they_said_and_to_their_stories(bob: Client) -> None:
    story = StoryFactory(title="Reminders", conversations=2, conversations__item__conversation__customer="Bramble-Vets")
    ConversationFactory(customer="bramble-vets", text="Again me.")
    page = read(bob, address("customers"))
    assert page.count("ramble-") == 2
    of_one = read(bob, address("customer"), name="BRAMBLE-vets")
    assert "3 conversations" in of_one
    assert story.title in of_one
    assert "Again me." in of_one
    assert "No conversation names this customer" in read(bob, address("customer"), name="nobody")
