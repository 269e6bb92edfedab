"""The groups that decisions change: which names belong to a root, where themes are counted, and the sums of vectors.

Asked of the rows as they are now, inside of a decision's transaction; `merge.forest` reads a whole profile at once.
"""

from collections.abc import Collection

import numpy as np
from django.db.models import QuerySet

from pipeline.models import Merge, Signature
from pipeline.models.signature import STANDING


def root_of(signature: int) -> int:
    """Return what a signature means in the end, itself if it is merged into none."""
    return _climb(signature, Merge.objects.filter(STANDING))


def centre_of(signature: int) -> int:
    """Return where the themes of a signature are counted: rules take a name there, people's merges do not."""
    return _climb(signature, Merge.objects.filter(STANDING).exclude(rule=Merge.PERSON))


def _climb(signature: int, merges: QuerySet[Merge]) -> int:
    """Follow the merges upwards, row by row: a decision needs one way, and all merges of a profile may be many."""
    while (parent := merges.filter(child=signature).values_list("parent_id", flat=True).first()) is not None:
        signature = parent
    return signature


def names_of(root: int) -> set[int]:
    """Return the root and all that is merged into it, over any number of merges."""
    merges = Merge.objects.filter(STANDING)
    found, newest = {root}, {root}
    while newest:
        newest = set(merges.filter(parent__in=newest).values_list("child_id", flat=True)) - found
        found |= newest
    return found


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
