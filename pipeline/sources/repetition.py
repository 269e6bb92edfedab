"""What the conversations of a source share word for word: counted after an import, kept with the source.

It is counted over what is stored and not over what just came, so that it does not depend on how many imports brought
the conversations, nor on their order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db.models import F, Func, IntegerField

from pipeline.models import Conversation, Source
from pipeline.sources.own_words.reading import VERSE, left_out
from pipeline.sources.own_words.repeated import Passage, PassageCounter, Repeated

SAMPLE = 1000
"""Conversations that are counted, drawn by a hash of their ids: a fifth of them is known to 1.3 hundredths."""

MAX_MESSAGES = 40
MAX_CHARACTERS = 20_000
"""Of each conversation its first messages are counted, of each message its beginning."""

MAX_STORED = 500_000
"""Bytes, as stored: a conversation with more is left out of the sample, so that memory stays bounded."""


def remember_repeated(source: Source) -> list[Passage]:
    """Count again what the source's conversations share, store it with the source, and return it."""
    passages = count_repeated(_sample(source))
    Source.objects.filter(pk=source.pk).update(repeated_passages=[passage.as_json() for passage in passages])
    source.refresh_from_db(fields=["repeated_passages"])
    return passages


def count_repeated(conversations: Iterable[Sequence[Mapping[str, str]]]) -> list[Passage]:
    """Return what conversations share, each given by its messages as a version stores them."""
    counter = PassageCounter()
    for messages in conversations:
        said = [
            (turn.get("role", ""), turn["text"][:MAX_CHARACTERS])
            for turn in messages[:MAX_MESSAGES]
            if turn.get("role") != VERSE
        ]
        counter.add([(role, text, left_out(text, role=role)) for role, text in said])
    return counter.passages()


def repeated_of(source: Source) -> Repeated:
    """Return what the source's conversations share, as it was counted last."""
    return Repeated.from_json(source.repeated_passages)


def _sample(source: Source) -> Iterator[list[dict[str, str]]]:
    hashed = Func(F("external_id"), function="hashtext", output_field=IntegerField())
    stored = Func(F("current_version__messages"), function="pg_column_size", output_field=IntegerField())
    rows = (
        Conversation.objects.filter(source=source, current_version__isnull=False)
        .annotate(hashed=hashed, stored=stored)
        .filter(stored__lte=MAX_STORED)
        .order_by("hashed", "id")
        .values_list("current_version__messages", flat=True)[:SAMPLE]
    )
    return rows.iterator(chunk_size=20)
