"""What the web pages of a company tell about how it fares: is it closing, bought, insolvent, shrinking, led by others?

The reader here knows phrases with their context (`company_phrases`), and flags a page too many rather than miss one.
"""

from functools import partial
from typing import Any, Final

from pipeline.extract.llm.steps import Prompt, Steps
from pipeline.extract.profiles import Category, Gate, Profile, plain
from pipeline.extract.profiles.company_reading import find_signals
from pipeline.extract.profiles.plain import Wanted
from pipeline.extract.themes import ProposedTheme, Reading
from pipeline.ledger.transcript import Transcript

NEGATIVE: Final = ("closing", "insolvency", "acquisition", "layoffs", "leadership_change")
"""Signals after which a person should look. Who leads or owns a company is no bad news, but a reason to look."""

POSITIVE: Final = ("funding", "relaunch")

NOTHING: Final = "no_signal"


def read_company_page(transcript: Transcript) -> Reading:
    """Return the signals that a page gives, each under its own name, or that it gives none."""
    found = find_signals(transcript)
    if not found:
        return Reading(category=NOTHING, filtered_because="nothing that is looked for")
    themes = [
        ProposedTheme(
            signature=one.signal,
            category=one.signal,
            summary=one.summary,
            quotes=list(one.quotes),
            confidence=one.confidence,
        )
        for one in found
    ]
    return Reading(category=found[0].signal, themes=themes)


CATEGORIES: Final = (
    Category("closing", True, "the company, or its whole business, closes or has closed"),
    Category("insolvency", True, "insolvency, bankruptcy, administration, receivership or liquidation"),
    Category("acquisition", True, "the company is bought, merged or becomes part of another"),
    Category("layoffs", True, "people are let go, or jobs are cut"),
    Category("leadership_change", True, "who leads the company changes"),
    Category("funding", True, "the company raised money"),
    Category("relaunch", True, "the company, its site or its brand starts afresh or reopens"),
    Category(NOTHING, False, "nothing of the kind"),
)

TASK: Final = (
    "You read pages of the web site of one company, and say what a page tells about how that company fares. Each "
    "signal is a theme, once a page; its name is its category. Only what the page says of this company itself and"
    " as a fact counts: not of others, not as advice, terms, history of years ago, a rumour that is denied, or "
    "something that may happen. Closing a gap, a deal, an office over the holidays or an old version is no "
    "closing. Quote the sentence that says it. When in doubt, give the signal with a low confidence: a person "
    "looks at it."
)


def read_with_model(wanted: Wanted, page: Transcript, known: Any) -> Steps:
    """Ask a language model about a page; each signal has its category for its name, and counts once."""
    reading: Reading = yield from plain.read(wanted, page, known)
    themes: dict[str, ProposedTheme] = {}
    for theme in sorted(reading.themes, key=lambda theme: -theme.confidence):
        first = themes.setdefault(theme.category, theme.model_copy(update={"signature": theme.category}))
        if first is not theme:
            quotes = list(dict.fromkeys([*first.quotes, *theme.quotes]))
            themes[theme.category] = first.model_copy(update={"quotes": quotes})
    return reading.model_copy(update={"themes": list(themes.values())})


COMPANY = Profile(
    name="company",
    version="company-1",
    categories=CATEGORIES,
    # a page is a voice of its company, and three pages of one company are no story; nor does a page grow old
    gate=Gate(min_conversations=3, min_customers=2, recent_days=None),
    prompt=Prompt(version="company-1", read=partial(read_with_model, Wanted(TASK, CATEGORIES))),
    read_locally=read_company_page,
    needs_quotes=True,
    one_meaning_a_category=True,
)
