"""The groups that decisions change: which names belong to a root, where themes are counted, and the sums of vectors."""

from collections.abc import Collection, Iterable

import numpy as np

from pipeline.models import Merge, Signature, Theme
from pipeline.models.signature import STANDING


def _parent_of(signature: int) -> int | None:

    standing = Merge.objects.filter(STANDING, child=signature)
    return standing.values_list("parent_id", flat=True).first()


def root_of(signature: int) -> int:
    """Return what a signature means in the end, itself if it is merged into none."""
    while (parent := _parent_of(signature)) is not None:
        signature = parent
    return signature


def centre_of(signature: int) -> int:
    """Return where the themes of a signature are counted: rules take a name there, people's merges do not."""
    while (parent := _parent_by_rule(signature)) is not None:
        signature = parent
    return signature


def _parent_by_rule(signature: int) -> int | None:
    merges = Merge.objects.filter(STANDING, child=signature).exclude(rule=Merge.PERSON)
    return merges.values_list("parent_id", flat=True).first()


def names_of(root: int) -> set[int]:
    """Return the root and all that is merged into it, over any number of merges."""
    return _below(root, by_rules_only=False)


def _below(signature: int, *, by_rules_only: bool) -> set[int]:
    merges = Merge.objects.filter(STANDING)
    if by_rules_only:
        merges = merges.exclude(rule=Merge.PERSON)
    found, newest = {signature}, {signature}
    while newest:
        newest = set(merges.filter(parent__in=newest).values_list("child_id", flat=True)) - found
        found |= newest
    return found


def recount(centres: Iterable[int]) -> None:
    """Store for each of these centres the sum of its themes' vectors and their number; none has no sum.

    Requires a transaction that holds the signatures. The sum is made in the order of the themes' ids.
    """
    for centre in sorted(set(centres)):
        themes = Theme.objects.filter(signature__in=_below(centre, by_rules_only=True)).order_by("id")
        vectors = [np.frombuffer(bytes(vector), np.float32) for vector in themes.values_list("vector", flat=True)]
        vector_sum = np.sum(vectors, axis=0, dtype=np.float64).astype(np.float32).tobytes() if vectors else None
        Signature.objects.filter(pk=centre).update(vector_sum=vector_sum, size=len(vectors))


def cosine_between(first: int, second: int) -> float | None:
    """Return the cosine between the centres of two roots, all centres below them together; None if one has none."""
    one, other = _group_sum(names_of(first)), _group_sum(names_of(second))
    if one is None or other is None:
        return None
    return float(np.clip(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)), -1.0, 1.0))


def _group_sum(names: Collection[int]) -> np.ndarray | None:
    sums = Signature.objects.filter(pk__in=names, size__gt=0).order_by("pk").values_list("vector_sum", flat=True)
    vectors = [np.frombuffer(bytes(vector_sum or b""), np.float32) for vector_sum in sums]
    if not vectors:
        return None
    total: np.ndarray = np.stack(vectors).sum(axis=0, dtype=np.float64)
    return total if total.any() else None
