"""What the web pages of a company tell about how it fares: is it closing, bought, insolvent, shrinking, led by others?

The reader here compares sentences with many of our own by their meaning (`company_meaning`), and flags a page too many
rather than miss one.
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
    Category("closing", True, "the company, or its entire business, is closing or has closed"),
    Category("insolvency", True, "insolvency, bankruptcy, administration, receivership or liquidation"),
    Category("acquisition", True, "the company is bought, merges or becomes part of another"),
    Category("layoffs", True, "employees are let go, or jobs are cut"),
    Category("leadership_change", True, "the company gets new leaders, or loses some"),
    Category("funding", True, "the company raised money"),
    Category("relaunch", True, "the company, its site or its brand is relaunched, or it reopens"),
    Category(NOTHING, False, "none of these"),
)

TASK: Final = (
    "You read pages from the website of one company and identify what a page reveals about how that company is doing. "
    "Each signal is a theme, given at most once per page, and its name is its category. Only what the page states as a "
    "fact about this company itself counts: nothing about others, no advice, no terms and conditions, no history from "
    "years ago, no denied rumours and nothing that merely might happen. Closing a gap, closing a deal, closing an "
    "office over the holidays or retiring an old version does not mean that the company is closing. Quote the sentence "
    "that says it. If in doubt, give the signal with a low confidence: a person will check it."
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
    version="company-4",
    categories=CATEGORIES,
    # a page is a voice of its company, and three pages of one company are no story; nor does a page grow old
    gate=Gate(min_conversations=3, min_customers=2, recent_days=None),
    prompt=Prompt(version="company-prompt-2", read=partial(read_with_model, Wanted(TASK, CATEGORIES))),
    read_locally=read_company_page,
    needs_quotes=True,
    one_meaning_a_category=True,
)
