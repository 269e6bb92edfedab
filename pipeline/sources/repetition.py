"""What the conversations of a source share word for word: counted after an import, kept with the source.

It is counted over what is stored and not over what just came, so that it does not depend on how many imports brought
the conversations, nor on their order.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, Func, IntegerField

from pipeline.models import Conversation, Source
from pipeline.sources.own_words.reading import VERSE, left_out
from pipeline.sources.own_words.repeated import MAX_COUNTED, Passage, PassageCounter, Repeated, needed_of, units_of

SAMPLE = 1000
"""Conversations that are counted, drawn by a hash of their ids: a fifth of them is known to 1.3 hundredths."""

MAX_MESSAGES = 40
MAX_CHARACTERS = 20_000
"""Of each conversation its first messages are counted, of each message its beginning."""

MAX_STORED = 500_000
"""Bytes, as stored: a conversation with more is left out of the sample, so that memory stays bounded."""

Messages = Sequence[Mapping[str, str]]
"""A conversation, as a version stores it."""


def remember_repeated(source: Source) -> list[Passage]:
    """Count again what the source's conversations share, store it with the source, and return it."""
    passages = count_repeated(_Sample(source))
    Source.objects.filter(pk=source.pk).update(repeated_passages=[passage.as_json() for passage in passages])
    source.refresh_from_db(fields=["repeated_passages"])
    return passages


def count_repeated(conversations: Iterable[Messages]) -> list[Passage]:
    """Return what conversations share; they are gone through twice.

    To tell quotations and signatures apart takes ten times as long as to count sentences. So all sentences are counted
    first, and only conversations that hold one of the frequent ones are looked at closely: what is rare in the whole
    text is rare in a part of it.
    """
    frequent = _frequent_keys(conversations)
    if not frequent:
        return []
    counter = PassageCounter()
    for messages in conversations:
        said = _beginnings(messages)
        if frequent.isdisjoint(unit.key for _, text in said for unit in units_of(text)):
            counter.pass_over()
        else:
            counter.add([(role, text, left_out(text, role=role)) for role, text in said])
    return counter.passages()


def _frequent_keys(conversations: Iterable[Messages]) -> frozenset[str]:
    """Return the keys of the sentences that enough conversations hold, whoever says them."""
    total, counts = 0, Counter[str]()
    for messages in conversations:
        total += 1
        counts.update({unit.key for _, text in _beginnings(messages) for unit in units_of(text)})
        if len(counts) > MAX_COUNTED:
            # what many share is seen twice long before a hundred thousand other sentences are
            counts = Counter({key: count for key, count in counts.items() if count > 1})
    return frozenset(key for key, count in counts.items() if count >= needed_of(total))


def _beginnings(messages: Messages) -> list[tuple[str, str]]:
    """Return (role, text) of the first messages; verses of a book are no passages, however often they come."""
    return [
        (turn.get("role", ""), turn["text"][:MAX_CHARACTERS])
        for turn in messages[:MAX_MESSAGES]
        if turn.get("role") != VERSE
    ]


def repeated_of(source: Source) -> Repeated:
    """Return what the source's conversations share, as it was counted last."""
    return Repeated.from_json(source.repeated_passages)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Some conversations of a source, the same ones each time they are gone through."""

    source: Source

    def __iter__(self) -> Iterator[Messages]:
        # drawn by a hash and not at random: the same conversations each time, whatever the order of imports
        hashed = Func(F("external_id"), function="hashtext", output_field=IntegerField())
        stored = Func(F("current_version__messages"), function="pg_column_size", output_field=IntegerField())
        rows = (
            Conversation.objects.filter(source=self.source, current_version__isnull=False)
            .annotate(hashed=hashed, stored=stored)
            .filter(stored__lte=MAX_STORED)
            .order_by("hashed", "id")
            .values_list("current_version__messages", flat=True)[:SAMPLE]
        )
        return rows.iterator(chunk_size=20)
