"""Where a run's themes are now: every theme in a story or an orphan."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import (
    Count,
    Exists,
    OuterRef,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from pipeline.ledger.current import current_themes
from pipeline.models import (
    Item,
    Orphan,
    Run,
    StoryEvidence,
    Theme,
)
from pipeline.models.theme import PASSED


def _story_count() -> Coalesce:
    """How many stories of a theme's root have its conversation."""
    of_root = StoryEvidence.objects.filter(story__signature=OuterRef("signature__root_link__root"))
    mine = of_root.filter(story__absorbed_by__isnull=True, conversation=OuterRef("conversation")).order_by()
    return Coalesce(Subquery(mine.values("conversation").annotate(number=Count("id")).values("number")), 0)


def _has_orphan() -> Exists:
    """Whether a theme's root waits as an orphan, dismissed or not."""
    of_root = Orphan.objects.filter(signature=OuterRef("signature__root_link__root"))
    return Exists(of_root.filter(graduated_at__isnull=True))


@dataclass(frozen=True, slots=True)
class Homes:
    """Where a run's themes are. The unit is themes; all but `total` add up to it.

    In a story, whatever its status, is a theme whose conversation is in one of its root; a waiting or dismissed orphan
    of its root is a home as well.
    """

    makes_stories: bool
    total: int
    unassigned: int
    held_by_gate: int
    replaced: int
    in_story: int
    in_orphan: int
    homeless: int
    in_two_stories: int

    @property
    def missed(self) -> int:
        """Themes that conservation misses: without a signature or, in a run that makes stories, without a home."""
        return self.unassigned + (self.homeless if self.makes_stories else 0)


def homes_of_themes(run: Run) -> Homes:
    """Where the themes of the run are now; those that a newer reading replaced need no home."""
    themes = Theme.objects.filter(run=run)
    total = themes.count()
    unassigned = themes.filter(PASSED, signature__isnull=True).count()
    held_by_gate = themes.exclude(PASSED).count()
    # counted in SQL and grouped by (stories, waits): a run has more themes than fit into memory comfortably
    current = (
        current_themes(run.profile, run)
        .filter(run=run)
        .annotate(stories=_story_count(), waits=_has_orphan())
        .order_by()
    )
    found: Counter[str] = Counter()
    for stories, waits, number in current.values_list("stories", "waits").annotate(number=Count("id")):
        home = ("in_orphan" if waits else "homeless", "in_story", "in_two_stories")[min(stories, 2)]
        found[home] += number
    homes = {home: found[home] for home in ("in_story", "in_orphan", "homeless", "in_two_stories")}
    replaced = total - unassigned - held_by_gate - sum(homes.values())
    return Homes(
        run.makes_stories, total=total, unassigned=unassigned, held_by_gate=held_by_gate, replaced=replaced, **homes
    )


def extracted_items_without_a_theme(run: Run) -> QuerySet[Item]:
    """Items that the ledger calls extracted and that have no theme: something was lost."""
    return Item.objects.filter(~Exists(Theme.objects.filter(item=OuterRef("pk"))), run=run, state=Item.State.EXTRACTED)
