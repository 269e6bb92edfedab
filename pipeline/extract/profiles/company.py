"""What the web pages of a company tell about how it fares: is it closing, bought, insolvent, shrinking, led by others?

The reader here knows phrases with their context (`company_phrases`), and flags a page too many rather than miss one.
"""

from typing import Final

from pipeline.extract.profiles import Category, Gate, Profile
from pipeline.extract.profiles.company_reading import find_signals
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


COMPANY = Profile(
    name="company",
    version="company-1",
    categories=(
        Category("closing", True, "the company, or its whole business, closes or has closed"),
        Category("insolvency", True, "insolvency, bankruptcy, administration, receivership or liquidation"),
        Category("acquisition", True, "the company is bought, merged or becomes part of another"),
        Category("layoffs", True, "people are let go, or jobs are cut"),
        Category("leadership_change", True, "who leads the company changes"),
        Category("funding", True, "the company raised money"),
        Category("relaunch", True, "the company, its site or its brand starts afresh or reopens"),
        Category(NOTHING, False, "nothing of the kind"),
    ),
    # a page is a voice of its company, and three pages of one company are no story; nor does a page grow old
    gate=Gate(min_conversations=3, min_customers=2, recent_days=None),
    read_locally=read_company_page,
    needs_quotes=True,
    one_meaning_a_category=True,
)
