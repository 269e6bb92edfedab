"""Describes a group: what it is about in one member's words, since when, and what three central members say of it.

Pure. The nearest member is not always the one to quote: "Cancel.", "Correct, also for the ones already sent." and half
a sentence say nothing to who was not there. So of the central ones that is taken which has a clause that could be a
title and the words that most of them say; quotes of a word or two come last.
"""

from collections.abc import Sequence

from pipeline.extract.local.quotes import shortened
from pipeline.extract.redaction import Redactor
from pipeline.group.clauses import clauses, count_words, is_shouted
from pipeline.group.gates import Member
from pipeline.group.speech import CHATTER
from pipeline.group.vocabulary import Vocabulary

CENTRAL = 8
"""Members nearest to the middle that are looked at."""

QUOTES = 3
"""Quotes in a description."""

SAYS_ENOUGH = 4
"""Words from which on a quote says something to who reads it alone; shorter ones fill up."""

TYPICAL, LATER, LONG = 0.1, 0.02, 0.01
"""What it is worth to say what most say, what a summary loses for each that is nearer to the middle, and for each word
beyond SHORT; beside what its first clauses lose, see `clauses`."""

OWN = 0.5
"""How much counts what is one person's: see `Vocabulary.strangeness`."""

SHORT = 16

LONGEST_QUOTE = 180
"""Characters of a quote that are shown; the story has all of it."""


def describe(members: Sequence[Member], quotes: Sequence[str]) -> str:
    """Return the description of a group. `quotes` are those of the CENTRAL nearest members, in their order."""
    central = sorted(members, key=nearness)[:CENTRAL]
    summary = _telling([hidden(member.summary, member) for member in central if member.summary])
    if not summary:
        summary = "What was said here was erased."
    said = {_plain(summary): ""}
    # in two rounds, so that short ones come last but where all are short
    for is_short in (False, True):
        for quote in quotes:
            if (count_words(quote) < SAYS_ENOUGH) == is_short and not _repeats(quote, said):
                said.setdefault(_plain(quote), shortened(" ".join(quote.split()), LONGEST_QUOTE))
    first = min(member.occurred_at for member in members)
    lines = [f"\u201c{quote}\u201d" for quote in list(said.values())[1 : QUOTES + 1]]
    return "\n".join([summary, f"Since {first.day} {first:%B %Y}.", *lines])


def nearness(member: Member) -> tuple[bool, float, int]:
    """Order members by the middle of the group; one whose text was erased says nothing, so it comes last."""
    return not member.summary, -(member.score or 0.0), member.theme_id


def hidden(text: str, member: Member) -> str:
    """Return what a member says with placeholders for what is private: descriptions go into exports and notices."""
    return Redactor((member.customer,), text).hide(text)


def _telling(summaries: Sequence[str]) -> str:
    """Return the summary that says best what all say: sayable, in the words of most, near the middle."""
    vocabulary = Vocabulary([summaries], [[]])
    english = vocabulary.is_english(0)
    fits = [vocabulary.fit(summary, 0) for summary in summaries]
    most = max(fits, default=0.0) or 1.0
    best, least = "", float("inf")
    for place, (summary, fit) in enumerate(zip(summaries, fits, strict=True)):
        # without any clause it says nothing, or nothing to others; better than none at all
        said = clauses(summary, english=english)[:2]
        lost = min((clause.awkward for clause in said), default=1.0) + LONG * max(0, count_words(summary) - SHORT)
        # shouted, cut off, quoted from a screen or half of that, or about something else than the matter
        is_cut = summary.endswith("\u2026") or summary.count('"') % 2 == 1 or summary.startswith(('"', "\u201c"))
        lost += 0.1 * (is_shouted(summary) + bool(english and CHATTER.search(summary))) + 0.2 * is_cut
        # names and numbers of one person, which stand in the quotes where they belong
        lost += OWN * vocabulary.strangeness(summary, 0)
        lost += LATER * place - TYPICAL * fit / most
        if lost < least:
            best, least = summary, lost
    return best.capitalize() if is_shouted(best) else best


def _repeats(quote: str, said: Sequence[str] | dict[str, str]) -> bool:
    """Whether a quote is part of what was said already, or has it as a part."""
    return any(_plain(quote) in other or other in _plain(quote) for other in said)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!?\u2026 ")
