"""Pairs of signatures that people judged."""

from dataclasses import dataclass

from pipeline.models import (
    Merge,
    Veto,
)
from pipeline.models.signature import STANDING


@dataclass(frozen=True, slots=True)
class ReviewedPair:
    """What a person said about two signatures, by their keys: whether they are the same problem."""

    first: str
    second: str
    same: bool


def reviewed_pairs(profile: str) -> list[ReviewedPair]:
    """The profile's pairs that people judged and that still stand: merges are the same, vetoes are not."""
    # what a language model decided is no measure of anything
    merges = Merge.objects.filter(STANDING, rule=Merge.PERSON, actor="", child__profile=profile)
    vetoes = Veto.objects.filter(STANDING, actor="", first__profile=profile)
    same = [ReviewedPair(*keys, True) for keys in merges.values_list("child__key", "parent__key").order_by("id")]
    return [*same, *(ReviewedPair(*keys, False) for keys in vetoes.values_list("first__key", "second__key"))]
