"""What all decisions share: one at a time in a profile, a new version of its registry, and its groups settled again."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from pipeline.group import settle as group
from pipeline.group.naming import name_signatures
from pipeline.group.titling import title_stories
from pipeline.models import Registry, Run, Signature
from pipeline.models.refusal import Refusal


class DecisionRefused(Refusal):
    """A decision cannot be taken or undone; the message says why, and what to do first."""


@dataclass(frozen=True, slots=True)
class ModelActor:
    """A language model that decides, in the place of a person: which, and by which of its judgements."""

    model: str
    judgement_id: int

    def __str__(self) -> str:
        return f"model:{self.model}"[:120]


def authored(by: Any) -> dict[str, Any]:
    """Return the columns that say who decided: a person, None where nobody is known, or a `ModelActor`."""
    if isinstance(by, ModelActor):
        return {"created_by": None, "actor": str(by), "judgement_id": by.judgement_id}
    return {"created_by": by}


def person(by: Any) -> Any:
    """Return who decides if it is a person, for columns that only people stand in; None for a model."""
    return None if isinstance(by, ModelActor) else by


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who decides (a person, or a `ModelActor`), when, and as which version of the profile's registry."""

    profile: str
    version: int
    at: datetime
    by: Any

    @property
    def columns(self) -> dict[str, Any]:
        """The columns every decision has."""
        return {"registry_version": self.version, "created_at": self.at, **authored(self.by)}


@contextmanager
def deciding(profile: str, by: Any) -> Iterator[Stamp]:
    """Hold the profile's registry in a transaction and raise its version, so that a merge that runs computes again.

    One decision at a time in a profile: without the lock two people who merge in opposite directions would hang the
    names in a ring (tests/races/test_decisions.py). The version is raised at the end, and only if nothing was refused.
    """
    with transaction.atomic():
        # people may decide before the first merge; the row has to be there to be locked
        Registry.objects.get_or_create(profile=profile)
        registry = Registry.objects.select_for_update().get(profile=profile)
        stamp = Stamp(profile, registry.version + 1, timezone.now(), by)
        yield stamp
        Registry.objects.filter(pk=registry.pk).update(version=stamp.version)


def lock(signatures: Iterable[int]) -> None:
    """Lock the signatures in the order in which a run settles them, so that nobody waits in a ring.

    Requires a transaction, and to be its first lock on signatures.
    """
    rows = Signature.objects.filter(pk__in=set(signatures)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def settle(stamp: Stamp, roots: Iterable[int]) -> None:
    """Bring stories and orphans of these roots in line, as of the newest finished run. Requires a transaction.

    Titles are chosen after it, when no lock is held.
    """
    group.settle(profile=stamp.profile, as_of=as_of(stamp.profile), roots=sorted(set(roots)))
    group.point_to_nearest_stories(profile=stamp.profile, roots=sorted(set(roots)))
    title_afterwards(stamp.profile, roots)


def title_afterwards(profile: str, roots: Iterable[int]) -> None:
    """Choose the titles that the stories of these roots are due once the transaction is over.

    If that fails the decision stands all the same, and the next run chooses them.
    """
    # after the commit: the model reads for a second or more, and nothing may be locked meanwhile
    for choose in (
        partial(title_stories, profile=profile, roots=sorted(set(roots))),
        partial(name_signatures, profile=profile),
    ):
        transaction.on_commit(choose, robust=True)


def as_of(profile: str) -> datetime | None:
    """Return when recency counts from where people decide: as of the newest finished run; previews never count.

    Not now: an import of last year's conversations would turn every story into an orphan at the first decision.
    """
    finished = Run.objects.filter(profile=profile, state__in=Run.FINISHED, is_preview=False)
    newest: datetime | None = finished.aggregate(newest=Max("as_of"))["newest"]
    return newest
