"""A conversation's thread with its quotes marked and what was not read in grey."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.ledger.transcript import CUSTOMER, transcript_of
from pipeline.models import Conversation, ConversationVersion, Theme
from pipeline.sources.own_words.repeated import Repeated
from pipeline.sources.repetition import repeated_of
from pipeline.web.parts.sections import Thread
from pipeline.web.parts.texts import Span, turns_of


def thread_of(
    version: ConversationVersion, themes: Sequence[Theme], marks: Mapping[int, int], left_out: Sequence[Span]
) -> Thread:
    """Return the thread of a version; `marks` number the themes, whose evidence should be prefetched."""
    quotes = [
        Span(quote.start, quote.end, marks[theme.pk])
        for theme in themes
        for quote in theme.evidence.all()
        if quote.version_id == version.pk
    ]
    reasons = Counter(span.left_out for span in left_out)
    told = ", ".join(f"{reason} ({count})" if count > 1 else reason for reason, count in sorted(reasons.items()))
    return Thread("Conversation", turns_of(version, [*quotes, *left_out]), left_out=told)


def left_out_of(conversation: Conversation, version: ConversationVersion) -> list[Span]:
    """Return what is not read of a version, at its places in the version's text."""
    transcript = transcript_of("", version.messages, repeated_of(conversation.source))
    spans, offset = [], 0
    for message in transcript.messages:
        spans += [Span(offset + start, offset + end, left_out=reason) for start, end, reason in message.left_out]
        offset += len(message.text) + 1
    return spans


READ = 20_000
"""Characters of each message from which a customer's first words are taken: no page shows more than a few hundred."""


def own_words_of(conversations: Sequence[Conversation]) -> dict[int, str]:
    """Return what the customers themselves said in these conversations, without the team's words, quotes, signatures.

    The sources and current versions should be selected with them. Where no message is the customer's, or nothing of
    it is their own, the text is empty.
    """
    shared: dict[int, Repeated] = {}
    said = {}
    for row in conversations:
        if row.source_id not in shared:
            shared[row.source_id] = repeated_of(row.source)
        stored = row.current_version.messages if row.current_version else []
        messages = [{**message, "text": message["text"][:READ]} for message in stored]
        transcript = transcript_of("", messages, shared[row.source_id])
        said[row.pk] = "\n".join(each.own_text for each in transcript.messages if each.role == CUSTOMER).strip()
    return said
