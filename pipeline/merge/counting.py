"""The sum and the number of the themes of centres, counted from the rows.

`Signature.vector_sum` and `size` are a second copy of what the themes say, kept because a screen cannot add up a
hundred thousand vectors. `merge.apply` and people's decisions (`review`) renew it in the transaction in which themes
move.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from django.db import connection
from django.db.models import Exists, OuterRef

from pipeline.merge.rules.records import Growth
from pipeline.models import Merge, Signature, Theme
from pipeline.models.signature import STANDING

BATCH = 1000
"""Centres stored by one statement: 1.5 kB each for a model of 384 numbers."""


def recount(centres: Iterable[int]) -> None:
    """Store for each of these signatures the sum of its themes' vectors and their number; none has no sum.

    A centre's themes are its own and those of the names that rules merged into it; a name that a rule merged has none.
    Requires a transaction that holds the signatures. The sum is made in the order of the themes' ids.
    """
    wanted = sorted(set(centres))
    merged = Merge.objects.filter(STANDING, child=OuterRef("pk")).exclude(rule=Merge.PERSON)
    roots = set(Signature.objects.filter(~Exists(merged), pk__in=wanted).values_list("pk", flat=True))
    sums, sizes = _sums(_names_below(roots))
    # added in float64 and stored in float32, so that the order of the themes hardly shows
    rows = [(pk, sums[pk].astype(np.float32).tobytes() if pk in sums else None, sizes[pk]) for pk in wanted]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), BATCH):
            cursor.execute(_STORE, [list(column) for column in zip(*rows[start : start + BATCH], strict=True)])


_STORE = """
UPDATE pipeline_signature signature SET vector_sum = counted.vector_sum, size = counted.size
FROM unnest(%s::bigint[], %s::bytea[], %s::int[]) AS counted (id, vector_sum, size)
WHERE signature.id = counted.id
"""


def _names_below(centres: Collection[int]) -> dict[int, int]:
    """Return the centre of each name that rules merged into one of these, over any number of merges; and of each."""
    centre_of = {centre: centre for centre in centres}
    newest = list(centres)
    merges = Merge.objects.filter(STANDING).exclude(rule=Merge.PERSON)
    while newest:
        found = merges.filter(parent__in=newest).values_list("child_id", "parent_id")
        # those found before are left out: a ring, which only the registry's lock prevents, would never end
        below = {child: centre_of[parent] for child, parent in found if child not in centre_of}
        centre_of |= below
        newest = list(below)
    return centre_of


def _sums(centre_of: Mapping[int, int]) -> tuple[dict[int, np.ndarray], Counter[int]]:
    sums: dict[int, np.ndarray] = {}
    sizes: Counter[int] = Counter()
    themes = Theme.objects.filter(signature__in=list(centre_of)).order_by("id")
    for signature, vector in themes.values_list("signature_id", "vector").iterator(chunk_size=5000):
        centre, numbers = centre_of[signature], np.frombuffer(bytes(vector), np.float32)
        if centre in sums:
            sums[centre] += numbers
        else:
            sums[centre] = numbers.astype(np.float64)
        sizes[centre] += 1
    return sums, sizes


def grow(profile: str, growths: Iterable[Growth]) -> None:
    """Add new themes to the sums that are stored. Requires a transaction that holds the signatures.

    Where `recount` would read all themes of a centre, this reads none. Its sums are rounded once more each time, far
    below what a cosine shows.
    """
    added = {growth.form: growth for growth in growths}
    stored = Signature.objects.filter(profile=profile, normal_form__in=added).values_list(
        "pk", "normal_form", "vector_sum", "size"
    )
    rows = [(pk, _added(bytes(total or b""), added[form]), size + added[form].size) for pk, form, total, size in stored]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), BATCH):
            cursor.execute(_STORE, [list(column) for column in zip(*rows[start : start + BATCH], strict=True)])


def _added(total: bytes, growth: Growth) -> bytes:
    more = np.frombuffer(growth.vector_sum, np.float32)
    if not total:
        return more.tobytes()
    grown: bytes = (np.frombuffer(total, np.float32) + more).astype(np.float32).tobytes()
    return grown
