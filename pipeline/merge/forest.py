"""Signatures form a forest of merges: roots, and the names below them.

The same forest is a view in SQL (`SignatureRoot`), for queries that join. Here it is for code that walks it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Count, Q, QuerySet

from pipeline.models import Merge, Signature, SignatureRoot, Theme
from pipeline.models.signature import STANDING


@dataclass(frozen=True, slots=True)
class Forest:
    """The merges of a profile as edges from child to parent, by ids of signatures: those of rules and those of people.

    A centre is a name that rules merged into no other: themes are counted there. A root is what a name means in the
    end: people's merges join centres under one.
    """

    by_rules: Mapping[int, int] = field(default_factory=dict)
    by_people: Mapping[int, int] = field(default_factory=dict)

    def centre(self, signature: int) -> int:
        """Return where the themes of a name are counted."""
        while (parent := self.by_rules.get(signature)) is not None:
            signature = parent
        return signature

    def root(self, signature: int) -> int:
        """Return what the name means in the end; itself where nobody merged it."""
        *_, root = self.path(signature)
        return root

    def path(self, signature: int) -> Iterator[int]:
        """Yield the name and each that it was merged into, up to its root."""
        yield signature
        # a name has one standing merge at most, by a rule or by a person; `or` will do, for no id is 0
        while (parent := self.by_rules.get(signature) or self.by_people.get(signature)) is not None:
            yield (signature := parent)


def standing_forest(profile: str) -> Forest:
    """Return the merges of a profile that stand."""
    return _forest(Merge.objects.filter(STANDING, child__profile=profile))


def forest_at(profile: str, at: datetime) -> Forest:
    """Return the merges of a profile that stood at that moment."""
    made = Merge.objects.filter(child__profile=profile, created_at__lte=at)
    return _forest(made.filter(STANDING | Q(undone_at__gt=at)))


def _forest(merges: QuerySet[Merge]) -> Forest:
    return Forest(
        by_rules=dict(merges.exclude(rule=Merge.PERSON).values_list("child_id", "parent_id")),
        by_people=dict(merges.filter(rule=Merge.PERSON).values_list("child_id", "parent_id")),
    )


LEAVES = """
WITH RECURSIVE leaf (signature_id, root_id) AS (
    SELECT id, id FROM pipeline_signature root
    WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM pipeline_merge WHERE child_id = root.id AND undone_at IS NULL)
    UNION ALL
    SELECT merge.child_id, leaf.root_id FROM leaf JOIN pipeline_merge merge ON merge.parent_id = leaf.signature_id
    WHERE merge.undone_at IS NULL
)
"""
"""Begins a statement: `leaf` is each signature that means one of the roots in the parameter, with that root.

Down from these roots, where the view goes down from all roots of all profiles before any is chosen.
"""


def leaves_of(roots: Sequence[int]) -> dict[int, int]:
    """The root of each signature that means one of these roots, themselves included; what is no root has none.

    Asked first, so that themes are then found by the index on their signature: the view would hide it.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{LEAVES} SELECT signature_id, root_id FROM leaf", [list(roots)])
        return dict(cursor.fetchall())


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
