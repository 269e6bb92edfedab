"""The one door: which spans of a message, or of a thread's messages, are not the writer's own words."""

from collections.abc import Iterable, Iterator

from pipeline.sources.own_words import legal, quotes
from pipeline.sources.own_words.endings import signature_spans
from pipeline.sources.own_words.forms import form_spans
from pipeline.sources.own_words.glance import clues_in
from pipeline.sources.own_words.notices import notice_spans
from pipeline.sources.own_words.repeated import CUSTOMER, NOTHING_REPEATED, Repeated, repeated_spans
from pipeline.sources.own_words.spans import WHOLE, Span, free_lines, has_words, lines_of, tidy

VERSE = "verse"
"""The role of a message that is a verse of a book: all of it is its author's own words, quoted or repeated or not."""

MIN_KNOWN_LINE = 8
"""Characters of a line by which a quotation of an earlier message is recognised."""

MAX_KNOWN_LINES = 20_000


def left_out(
    text: str, *, role: str = CUSTOMER, repeated: Repeated = NOTHING_REPEATED, earlier: Iterable[str] = ()
) -> tuple[Span, ...]:
    """Return the spans of a message that are not its writer's own words: (start, end, reason), sorted and disjoint.

    `earlier` are the lines of the messages before it. If no word would be left, the message is read as it is, unless
    it is quoted, automatic, or an agent's template as a whole.
    """
    spans = _framing(text, role, earlier if isinstance(earlier, (set, frozenset)) else frozenset(earlier))
    # What the text itself shows comes first, then what is repeated among the rest: sentences inside a quoted mail
    # belong to it.
    found = tidy(text, [*spans, *repeated_spans(text, spans, repeated.said_by(role))])
    if not found or has_words(text, found):
        return found
    # nothing of their own is left; the rest decides whether that is a finding or a mistake of ours
    is_whole = any(reason in WHOLE and has_words(text[start:end]) for start, end, reason in found)
    if is_whole or role != CUSTOMER:
        return found
    # better too much than nothing: without what is repeated, or else without any of it
    return spans if has_words(text, spans) else ()


def left_out_of_thread(
    messages: Iterable[tuple[str, str]], repeated: Repeated = NOTHING_REPEATED
) -> Iterator[tuple[Span, ...]]:
    """Yield the spans for each (role, text) of a thread, in its order; who needs the first ones asks for no others."""
    known: set[str] = set()
    before = ""
    for role, text in messages:
        # Only lines before a message: a customer's first words are not a quotation of the answer that repeats them.
        # Noted once another message follows; after the last one nobody needs them.
        if before and len(known) < MAX_KNOWN_LINES:
            known.update(line.text for line in lines_of(before) if len(line.text) >= MIN_KNOWN_LINE)
        if role == VERSE:  # a book that quotes or repeats itself means it
            yield ()
            continue
        yield left_out(text, role=role, repeated=repeated, earlier=known)
        before = text


def _framing(text: str, role: str, earlier: frozenset[str] | set[str]) -> tuple[Span, ...]:
    """Return the spans that the text itself shows, without what other conversations share."""
    lines, clues = lines_of(text), clues_in(text)
    spans: tuple[Span, ...] = ()
    if quotes.are_possible(text, clues):
        spans = tidy(text, quotes.quoted_spans(text, lines, earlier))
    # in this order, each among what the one before left: quotes hold signatures, forms hold notices
    for find, is_possible in ((form_spans, "form" in clues), (legal.legal_spans, legal.are_possible(clues))):
        if is_possible:
            spans = tidy(text, [*spans, *(span for run in free_lines(lines, spans) for span in find(text, run))])
    endings: list[Span] = []
    for run in free_lines(lines, spans):
        is_before_end = any(start >= run[-1].end for start, _, _ in spans)
        endings += signature_spans(text, run, before_end=is_before_end)
    if endings:
        spans = tidy(text, [*spans, *endings])
    if role == CUSTOMER:
        notices = notice_spans(text, spans, may_be_reply="automatic reply" in clues)
        spans = tidy(text, [*spans, *notices])
    return spans
