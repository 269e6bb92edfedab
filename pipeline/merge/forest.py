"""Signatures form a forest of merges: roots, and the names below them."""

from collections.abc import Sequence

from django.db.models import Count, QuerySet

from pipeline.models import Merge, Signature, SignatureRoot, Theme
from pipeline.models.signature import STANDING


def leaves_of(roots: Sequence[int]) -> dict[int, int]:
    """The root of each signature that means one of these roots, themselves included.

    Asked first, so that themes are then found by the index on their signature: the view would hide it.
    """
    return dict(SignatureRoot.objects.filter(root__in=roots).values_list("signature_id", "root_id"))


def roots_of(signatures: Sequence[int]) -> dict[int, Signature]:
    """For each of these signatures what it means in the end: itself, or the one it was merged into."""
    links = SignatureRoot.objects.filter(signature__in=signatures).select_related("root").defer("root__vector_sum")
    return {link.signature_id: link.root for link in links}


def merges_into(root: Signature | int) -> QuerySet[Merge]:
    """Standing merges that lead to this root, directly or over others."""
    merges = Merge.objects.filter(STANDING, child__root_link__root=root)
    merges = merges.select_related("child", "parent", "run__source", "created_by")
    return merges.defer("child__vector_sum", "parent__vector_sum").order_by("-score", "id")


def spellings_of(signature: Signature) -> QuerySet[Theme, tuple[str, int]]:
    """Raw signatures that came to mean this one, each with its number of themes, the commonest first."""
    mine = Theme.objects.filter(signature__in={signature.pk, *leaves_of([signature.pk])})
    return mine.values_list("raw_signature").annotate(number=Count("id")).order_by("-number", "raw_signature")
