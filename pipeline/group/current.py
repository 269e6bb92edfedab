"""What the groups consist of now: members, sizes, centres, homes.

Reads only, for settling and for screens. Which themes are current is decided in `ledger.current`; here they are taken
by root. All take many roots at once: screens show hundreds of groups, and a query for each would take seconds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from django.db.models import (
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
)
from django.db.models.functions import Lower

from pipeline.group.gates import Member
from pipeline.ledger.current import was_read_again
from pipeline.merge.forest import LEAVES, leaves_of
from pipeline.merge.rules.records import GroupSum
from pipeline.models import (
    Evidence,
    Item,
    Orphan,
    Run,
    SignatureRoot,
    Story,
    Theme,
)


def members(themes: QuerySet[Theme]) -> Iterator[tuple[int, Member]]:
    """The signature of each of these themes, and what the gates look at, in the order of their conversations' time."""
    rows = (
        themes.annotate(proven=Exists(Evidence.objects.filter(theme=OuterRef("pk"))))
        .order_by("conversation__occurred_at", "conversation_id", F("signature_score").desc(), "id")
        .values_list(
            "signature_id", "id", "conversation_id", "conversation__customer",
            "conversation__occurred_at", "category", "summary", "confidence", "signature_score", "proven",
            "unread_language", "conversation__source_id",
        )
    )  # fmt: skip
    for row in rows:
        yield row[0], Member(*row[1:])


def affected_roots(run: Run) -> list[int]:
    """Ids of the root signatures that the run's readings touch, rising: those of every theme of its conversations."""
    read = Item.objects.filter(run=run, state__in=(Item.State.EXTRACTED, Item.State.FILTERED))
    themes = Theme.objects.filter(profile=run.profile, conversation__in=read.values("conversation"))
    leaves = themes.filter(signature__isnull=False).values("signature")
    roots = SignatureRoot.objects.filter(signature__in=leaves)
    return list(roots.values_list("root_id", flat=True).distinct().order_by("root_id"))


def open_stories(profile: str) -> QuerySet[Story]:
    """Stories of the profile that people still work on."""
    return Story.objects.open().filter(signature__profile=profile)


_CENTRES = """
SELECT leaf.root_id, centre.vector_sum, centre.size
FROM leaf JOIN pipeline_signature centre ON centre.id = leaf.signature_id
WHERE centre.vector_sum IS NOT NULL AND centre.size > 0
ORDER BY centre.id
"""


def centres_of(roots: Sequence[int]) -> list[GroupSum]:
    """The centre of each of these roots that has one, by rising id: with those of the names merged into it."""
    sums: dict[int, np.ndarray] = {}
    sizes: Counter[int] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(LEAVES + _CENTRES, [list(roots)])
        rows = cursor.fetchall()
    for root, vector_sum, size in rows:
        vector = np.frombuffer(bytes(vector_sum), np.float32)
        sums[root] = sums[root] + vector if root in sums else vector
        sizes[root] += size
    return [GroupSum(root, sums[root].tobytes(), sizes[root]) for root in sorted(sums)]


@dataclass(frozen=True, slots=True)
class Size:
    """How much a group of themes is; unknown customers count each."""

    themes: int = 0
    conversations: int = 0
    customers: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


def _sizes(themes: QuerySet[Theme], group: str) -> dict[int, Size]:
    unknown = Q(conversation__customer="")
    rows = themes.values_list(group).annotate(
        themes=Count("id", distinct=True),
        conversations=Count("conversation", distinct=True),
        customers=Count(Lower("conversation__customer"), filter=~unknown, distinct=True)
        + Count("conversation", filter=unknown, distinct=True),
        first_at=Min("conversation__occurred_at"),
        last_at=Max("conversation__occurred_at"),
    )
    return {pk: Size(*figures) for pk, *figures in rows.order_by()}


def sizes_of_signatures(signatures: Sequence[int]) -> dict[int, Size]:
    """For each of these signatures all its themes ever: a root's with those of the names merged into it."""
    own = _sizes(Theme.objects.filter(signature__in=signatures), "signature")
    return own | _sizes(_themes_of_roots(signatures), "signature__root_link__root")


def sizes_that_wait(roots: Sequence[int]) -> dict[int, Size]:
    """For each of these roots the themes that count towards a story."""
    return _sizes(themes_that_wait(roots), "signature__root_link__root")


def themes_that_wait(roots: Sequence[int]) -> QuerySet[Theme]:
    """Themes of these roots that count towards a story: those of each conversation's newest reading."""
    return _themes_of_roots(roots).exclude(was_read_again(Q(run__first_finished_at__isnull=False)))


def _themes_of_roots(roots: Sequence[int]) -> QuerySet[Theme]:
    # by signature for the index, and by root again so that callers can group by it
    return Theme.objects.filter(signature__in=leaves_of(roots), signature__root_link__root__in=roots)


def quotes_of_roots(roots: Sequence[int]) -> dict[int, str]:
    """For each of these roots one quote: that of the theme nearest to its middle."""
    root = "theme__signature__root_link__root"
    rows = (
        Evidence.objects.filter(theme__signature__in=leaves_of(roots))
        .exclude(quote="")
        .order_by(root, F("theme__signature_score").desc(nulls_last=True), "theme_id", "start")
        .distinct(root)
    )
    return dict(rows.values_list(root, "quote"))


def homes_of(roots: Sequence[int]) -> dict[int, Story | Orphan]:
    """For each of these signatures its newest story, or else the orphan that waits."""
    orphans = Orphan.objects.waiting().filter(signature__in=roots)
    stories = Story.objects.standing().filter(signature__in=roots).order_by("id")
    homes: dict[int, Story | Orphan] = {orphan.signature_id: orphan for orphan in orphans}
    return homes | {story.signature_id: story for story in stories}
