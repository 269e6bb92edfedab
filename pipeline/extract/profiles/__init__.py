"""Profiles say what to look for in conversations; each is registered in settings.PROFILES by dotted path."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.extract.llm.steps import Prompt
from pipeline.models.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of conversation; `goes_on` says whether its conversations become themes or are filtered."""

    name: str
    goes_on: bool
    description: str


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
class Profile:
    """What to look for, as data: `version` changes whenever an answer would.

    `prompt` says how a language model reads for it; without one it is for the local reader alone.
    """

    name: str
    version: str
    categories: tuple[Category, ...]
    gate: Gate
    prompt: Prompt | None = None

    def category(self, name: str) -> Category:
        """Return the category of that name; KeyError with the known names if there is none."""
        for category in self.categories:
            if category.name == name:
                return category
        known = ", ".join(category.name for category in self.categories)
        raise KeyError(f"profile {self.name} has no category {name!r}; it knows {known}")


class UnknownProfile(Refusal):
    """No profile of that name is registered."""


@cache
def get_profile(name: str) -> Profile:
    """Return the registered profile; UnknownProfile names the registered ones."""
    try:
        path = settings.PROFILES[name]
    except KeyError:
        known = ", ".join(sorted(settings.PROFILES))
        raise UnknownProfile(f"there is no profile {name!r}; registered are: {known}") from None
    profile: Profile = import_string(path)
    return profile
