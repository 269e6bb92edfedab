"""Understand the stored answers of extracted conversations again, after the code that understands them was changed.

Only where the themes come out otherwise than they are stored is anything changed: those themes go, what they were in is
counted and settled without them, and the conversation waits to be parsed again, like one that lost its theme. What a
person has moved stays as it is.
"""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from pipeline.extract.base import asks, get_extractor
from pipeline.extract.knowledge import profile_of
from pipeline.merge.counting import recount
from pipeline.models import Call, Item, Move, Run, Signature, SignatureRoot, Theme
from pipeline.models.signature import STANDING
from pipeline.reports.verify import differences, items_with_answers
from pipeline.review.deciding import deciding, lock, settle


def items_read_otherwise(run: Run) -> list[int]:
    """Return the extracted items of the run whose stored answers say something else today than their themes do.

    Answers whose vectors are gone are left out, for they would have to be read again, and so is what people moved.
    """
    profile, extractor = profile_of(run), get_extractor(run.extractor)
    moved = Exists(Move.objects.filter(STANDING, theme__item=OuterRef("pk")))
    items = run.items.filter(~moved, state=Item.State.EXTRACTED)
    if not asks(extractor):
        items = items.filter(Exists(Call.objects.filter(~Q(vectors=b""), item=OuterRef("pk"))))
    return [item.pk for item in items_with_answers(items) if differences(item, profile, extractor)]


def forget_themes(*, run: Run, items: list[int]) -> int:
    """Delete the themes of these items and settle what they were in; return how many. Opens transactions."""
    gone = 0
    for ids in _pieces(items):
        with transaction.atomic(), deciding(run.profile, None) as stamp:
            themes = Theme.objects.filter(run=run, item__in=ids)
            leaves = list(themes.filter(signature__isnull=False).values_list("signature", flat=True).distinct())
            roots = list(SignatureRoot.objects.filter(signature__in=leaves).values_list("root", flat=True).distinct())
            lock({*leaves, *roots})
            gone += themes.count()
            themes.delete()
            recount(Signature.objects.filter(pk__in={*leaves, *roots}).values_list("pk", flat=True))
            settle(stamp, roots)
    return gone


def _pieces(items: list[int], size: int = 500) -> Iterator[list[int]]:
    yield from (items[start : start + size] for start in range(0, len(items), size))
