"""Titling: which stories are due a title, what is written, and what people wrote stays."""

from collections.abc import Iterator, Sequence

import pytest
from django.db import connection

from pipeline import review
from pipeline.extract.base import get_extractor
from pipeline.extract.embedding import Embedder
from pipeline.extract.local.reader import LocalExtractor
from pipeline.group import titling
from pipeline.group.titles import Floats
from pipeline.ledger.transcript import Message
from pipeline.models import Run, Signature, Story
from tests.support import seeding
from tests.support.factories import StoryFactory, alice
from tests.support.seeding import NOW, change, finish, seed, start

LOCKERS = [
    "The locker code is refused at the door. I need my shoes.",
    "My locker code is refused, the screen blinks red.",
    "Locker code refused since the new panel came.",
    "The locker code is refused every morning at the gym.",
]
BUSES = [
    "The school bus comes twenty minutes late. Our son waits in the rain.",
    "The school bus is late every day.",
    "Why is the school bus late? Nobody answers the phone.",
    "The school bus comes late, my daughter misses the first lesson.",
]


@pytest.fixture
def first_run() -> Run:
    """Return a finished run of the local reader: two stories."""
    run = seeding.first_run([*LOCKERS, *BUSES], "local")
    assert (run.state, Story.objects.count()) == ("completed", 2)
    return run


def story_about(word: str) -> Story:
    """Return the story that has the word in its title."""
    return Story.objects.get(title__icontains=word)


@pytest.mark.django_db
def test_a_run_gives_each_story_a_title_in_peoples_words(first_run: Run) -> None:
    said = " ".join([*LOCKERS, *BUSES]).casefold()
    for story in Story.objects.all():
        assert story.title.rstrip("?").casefold() in said
        assert story.titled_at is not None
        assert (story.title_size, story.evidence.filter(in_title=True).count()) == (4, 4)
    assert {"locker" in title.lower() for title in Story.objects.values_list("title", flat=True)} == {True, False}


@pytest.mark.django_db
def test_a_description_says_what_since_when_and_in_which_words(first_run: Run) -> None:
    what, since, *quotes = story_about("bus").description.splitlines()
    assert what.endswith((".", "?"))
    assert since == "Since 1 November 2026."
    assert len(quotes) == 3
    assert all(quote.strip("\u201c\u201d") in " ".join(BUSES) for quote in quotes)
    assert what.rstrip(".") not in {quote.strip("\u201c\u201d.") for quote in quotes}


@pytest.mark.django_db
def test_nobody_is_due_twice(first_run: Run) -> None:
    assert not titling.stories_due_a_title("support").exists()
    assert titling.title_stories(profile="support") == 0


@pytest.mark.django_db
def test_a_title_stays_while_most_of_its_conversations_do(first_run: Run) -> None:
    story = story_about("bus")
    Story.objects.filter(pk=story.pk).update(title="Buses")
    seed([f"The school bus is late {word}." for word in ("again", "here", "today")])
    finish(start(first_run.source, "local"))
    story.refresh_from_db()
    assert (story.title, story.evidence.count(), story.title_size) == ("Buses", 7, 4)


@pytest.mark.django_db
def test_a_title_goes_with_most_of_its_conversations(first_run: Run) -> None:
    story = story_about("bus")
    Story.objects.filter(pk=story.pk).update(title="Shampoo is empty")
    story.evidence.filter(pk__in=story.evidence.values("pk")[:2]).update(in_title=False)
    assert titling.title_stories(profile="support") == 1
    assert "late" in story_about("bus").title


@pytest.mark.django_db
def test_conversations_that_left_count_as_much_as_new_ones(first_run: Run) -> None:
    change(first_run.source, [None] * 4 + ["The locker code is refused at the gym door."] * 2 + [None] * 2)
    Story.objects.update(title_size=5)
    finish(start(first_run.source, "local"))
    assert story_about("bus").title_size == 2


@pytest.mark.django_db
def test_what_a_person_wrote_stays(first_run: Run) -> None:
    story = story_about("bus")
    Story.objects.filter(pk=story.pk).update(title="Mine", description="My words", edited_at=NOW, titled_at=None)
    seed(["The school bus is late today."])
    finish(start(first_run.source, "local"))
    story.refresh_from_db()
    assert (story.title, story.description) == ("Mine", "My words")


@pytest.mark.django_db
def test_a_closed_story_keeps_its_title(first_run: Run) -> None:
    Story.objects.update(status=Story.Status.DONE, titled_at=None)
    assert titling.title_stories(profile="support") == 0


@pytest.mark.django_db(transaction=True)
def test_a_renamed_signature_names_its_story_until_that_is_undone(first_run: Run) -> None:
    story = story_about("bus")
    rename = review.rename_signature(signature=story.signature, name="coaches_late", by=alice())
    story.refresh_from_db()
    assert story.title == "Coaches late"
    assert titling.title_stories(profile="support") == 0
    review.undo(decision=rename, by=alice())
    assert story_about("bus").pk == story.pk


@pytest.mark.django_db(transaction=True)
def test_a_decision_titles_the_stories_it_makes(first_run: Run) -> None:
    bus, locker = story_about("bus"), story_about("locker")
    merge = review.merge_signatures(child=bus.signature, parent=locker.signature, by=alice())
    review.undo(decision=merge, by=alice())
    assert {story_about("bus").pk, story_about("locker").pk} == {bus.pk, locker.pk}
    assert not titling.stories_due_a_title("support").exists()


class Meddler:
    """The embedded model; while it reads, somebody else takes a title."""

    def __init__(self, model: Embedder, title: str) -> None:
        self.model, self.title, self.in_transaction = model, title, False

    def encode(self, texts: Sequence[str]) -> Floats:
        return self.model.encode(texts)

    def without_language(self, vector: Floats, language: str) -> Floats:
        return vector

    def rank(self, word: str) -> int | None:
        self.in_transaction |= connection.in_atomic_block
        if self.title:
            self.title, title = "", self.title
            StoryFactory(title=title, signature__profile="support", status=Story.Status.DONE)
        return self.model.rank(word)


@pytest.mark.django_db(transaction=True)
def test_a_title_taken_while_the_model_reads_is_left_to_who_took_it(
    first_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = story_about("bus")
    Story.objects.filter(pk=story.pk).update(title="Bus", titled_at=None)
    extractor = get_extractor("local")
    assert isinstance(extractor, LocalExtractor)
    meddler = Meddler(extractor.embedder, story.title)
    monkeypatch.setattr(titling, "model_of", lambda space: meddler)
    assert titling.title_stories(profile="support") == 1
    found = Story.objects.get(pk=story.pk)
    assert found.title not in ("Bus", story.title)
    assert not meddler.in_transaction, "a transaction is open while the model reads"


@pytest.mark.django_db
def test_a_run_that_was_stopped_writes_no_title(first_run: Run) -> None:
    Story.objects.update(titled_at=None)
    first_run.state = Run.State.STOPPED
    assert titling.title_stories(profile="support", run=first_run) == 0


@pytest.mark.django_db
def test_vectors_of_another_model_leave_the_words_to_decide(first_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Signature.objects.update(vector_model="another-model")
    assert titling.model_of("another-model") is None
    Story.objects.update(titled_at=None, title="Bus or locker")
    assert titling.title_stories(profile="support") == 2
    assert "late" in story_about("school bus").title


def test_an_opening_ends_where_the_matter_is_said() -> None:
    said = ("Hello!", "My bus is late.", "It is the number nine from the harbour to the hills.", "It is red.")
    messages = [Message("customer", text) for text in said]
    messages.insert(1, Message("agent", "How can I help?"))
    assert titling.opening(iter(messages)) == "\n".join(said[:3])
    assert titling.opening([Message("agent", "Good morning.")]) == "Good morning."
    assert titling.opening([]) == ""


def test_an_opening_asks_for_no_message_behind_its_last() -> None:
    """In a long thread with quoted mail each message costs time to tell own words apart."""
    asked = []

    def coming() -> Iterator[Message]:
        for number in range(40):
            asked.append(number)
            yield Message("customer", "My bus is late again today.")

    titling.opening(coming())
    assert asked == [0, 1]
