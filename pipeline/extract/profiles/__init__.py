"""Profiles say what to look for in conversations; each is registered in settings.PROFILES by dotted path."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.extract.llm.steps import Prompt
from pipeline.extract.profiles.vocabulary import FITS_NONE, NO_VOCABULARY, Vocabulary
from pipeline.extract.themes import ProposedTheme, Reading
from pipeline.ledger.transcript import Transcript
from pipeline.models.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of conversation; `goes_on` says whether its conversations become themes or are filtered."""

    name: str
    goes_on: bool
    description: str


ALWAYS = (Category(FITS_NONE, False, "fits no name of a strict vocabulary"),)
"""Categories that every profile has."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One more thing that is asked of each theme, such as its severity; kept in `Theme.details` under its name.

    `values` are the words an answer may be; without any it is free text. What the conversation does not say is null:
    no word stands for "don't know", and the coverage of a facet is the share of themes where it is not null.
    """

    name: str
    question: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """What a group of conversations must show to become a story; `pipeline.group.gates.judge` asks for it.

    Customers: a conversation whose customer is unknown counts as one of its own. Recency: the newest conversation is at
    most so many days older than the run's `as_of`; None switches it off. Confidence: of 100, see `gates.Confidence`.
    """

    min_conversations: int = 3
    min_customers: int = 1
    recent_days: int | None = 30
    min_confidence: int = 40


@dataclass(frozen=True, slots=True)
class ThemeGate:
    """What a single theme must show to be grouped with others; see `pipeline.extract.theme_gate`.

    `least` is the score, in 0..1, from which it passes. `blocked` are patterns of names that say nothing, whatever the
    score: a group under such a name would be a heap.
    """

    least: float = 0.3
    blocked: tuple[str, ...] = ("unknown_issue", "other_issue", "*_question", "general_*")

    def blocks(self, signature: str) -> str:
        """Return the pattern that a name is blocked by; empty if none."""
        name = signature.casefold()
        return next((pattern for pattern in self.blocked if fnmatchcase(name, pattern)), "")


def summary_of(theme: ProposedTheme) -> str:
    """Return what a theme's vector is made of where `read_locally` reads, unless its profile says otherwise."""
    return theme.summary


@dataclass(frozen=True, slots=True)
class Profile:
    """What to look for, as data and small pure functions: `version` changes whenever an answer would.

    `prompt` says how a language model reads for it; without one it is for the local reader alone. `read_locally` is a
    pure function that reads one conversation in the local reader's place, which then only makes the vectors. `facets`
    are what is asked of each theme besides. `vocabulary` are the names that are known; one that people gave
    (`./manage.py vocabulary`) takes its place. `needs_quotes`: a theme none of whose quotes stands in the conversation
    is left out and counted. `one_meaning_a_category`: wherever a category is found the same is meant, whatever the
    words; so its themes share one vector, at a right angle to those of all others. `meaning_of` gives the words that a
    theme's vector is made of where `read_locally` reads.
    """

    name: str
    version: str
    categories: tuple[Category, ...]
    gate: Gate
    prompt: Prompt | None = None
    read_locally: Callable[[Transcript], Reading] | None = None
    facets: tuple[Facet, ...] = ()
    vocabulary: Vocabulary = NO_VOCABULARY
    theme_gate: ThemeGate = field(default_factory=ThemeGate)
    needs_quotes: bool = False
    meaning_of: Callable[[ProposedTheme], str] = summary_of
    one_meaning_a_category: bool = False

    def category(self, name: str) -> Category:
        """Return the category of that name; KeyError with the known names if there is none."""
        for category in (*self.categories, *ALWAYS):
            if category.name == name:
                return category
        known = ", ".join(category.name for category in self.categories)
        raise KeyError(f"profile {self.name} has no category {name!r}. Categories: {known}")


class UnknownProfile(Refusal):
    """No profile of that name is registered."""


@cache
def get_profile(name: str) -> Profile:
    """Return the registered profile; UnknownProfile names the registered ones."""
    try:
        path = settings.PROFILES[name]
    except KeyError:
        known = ", ".join(sorted(settings.PROFILES))
        raise UnknownProfile(f"there is no profile {name!r}. Profiles: {known}") from None
    profile: Profile = import_string(path)
    return profile
