"""A conversation's thread with its quotes marked and what was not read in grey."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.ledger.transcript import transcript_of
from pipeline.models import Conversation, ConversationVersion, Theme
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
