"""What waits for a person's word, as one stream: new stories, pairs that may be one, orphans near a story, and stories
that changed since somebody reviewed them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from pipeline.models import Change, Orphan, Story, StoryEvidence
from pipeline.models.signature import STANDING
from pipeline.review.deciding import DecisionRefused

NEAR_ENOUGH = 0.55
"""Cosine from which on an orphan may belong to its nearest story, after what all stories share is taken away."""

Kind = Literal["story", "pair", "orphan", "changed"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by kind and ids: a story, an orphan, or the two signatures of a pair."""

    kind: Kind
    first: int
    second: int = 0

    @property
    def token(self) -> str:
        """The question as one word, for addresses."""
        return f"{self.kind}-{self.first}" + (f"-{self.second}" if self.second else "")


def new_stories() -> QuerySet[Story]:
    """Candidates that nobody has reviewed, the largest first."""
    waiting = Story.objects.standing().filter(status=Story.Status.CANDIDATE, reviewed_at__isnull=True)
    return waiting.annotate(size=Count("evidence")).order_by("-size", "id")


def changed_stories() -> QuerySet[Story]:
    """Approved stories that runs added conversations to since somebody reviewed them."""
    added = StoryEvidence.objects.filter(story=OuterRef("pk"), run__first_finished_at__gt=OuterRef("reviewed_at"))
    reviewed = Story.objects.standing().filter(status__in=(Story.Status.APPROVED, Story.Status.IN_PROGRESS))
    return reviewed.filter(Exists(added)).order_by("reviewed_at", "id")


def near_orphans() -> QuerySet[Orphan]:
    """Waiting orphans that lie near an open story, the nearest first, without those somebody left there."""
    left = Change.objects.filter(
        STANDING, orphan=OuterRef("pk"), what=Change.What.LEFT, story=OuterRef("nearest_story")
    )
    waiting = Orphan.objects.to_review().filter(
        nearest_cosine__gte=NEAR_ENOUGH,
        nearest_story__status__in=Story.OPEN, nearest_story__absorbed_by__isnull=True,
    )  # fmt: skip
    asked: QuerySet[Orphan] = waiting.exclude(Exists(left)).order_by(F("nearest_cosine").desc(), "id")
    return asked


_COUNT = """
SELECT (SELECT count(*) FROM pipeline_story
        WHERE status = 'candidate' AND reviewed_at IS NULL AND absorbed_by_id IS NULL)
     + (SELECT count(*) FROM pipeline_orphan orphan JOIN pipeline_story story ON story.id = orphan.nearest_story_id
        WHERE orphan.graduated_at IS NULL AND orphan.dismissed_at IS NULL AND orphan.nearest_cosine >= %s
          AND story.status IN ('candidate', 'approved', 'in_progress') AND story.absorbed_by_id IS NULL
          AND NOT EXISTS (SELECT FROM pipeline_change WHERE orphan_id = orphan.id AND what = 'left'
                          AND undone_at IS NULL AND story_id = story.id))
"""


def open_question_count() -> int:
    """How many new stories and near orphans wait; pairs are left out, which cannot be counted in passing."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [NEAR_ENOUGH])
        return int(cursor.fetchone()[0])


def leave_orphan(*, orphan: Orphan, by: Any, at: datetime) -> Change:
    """Decide that an orphan stays what it is beside its nearest story: it is not asked about again while that is so."""
    if orphan.graduated_at or orphan.nearest_story_id is None:
        raise DecisionRefused(f"{orphan.signature} is no longer an orphan near a story.")
    made: Change = Change.objects.create(
        what=Change.What.LEFT, orphan=orphan, story_id=orphan.nearest_story_id, created_at=at, created_by=by
    )
    return made


def confirm_story(*, story: Story, by: Any, at: datetime) -> Change:
    """Note that a person has looked at how a reviewed story grew, and leaves it as it is. Opens a transaction."""
    with transaction.atomic():
        mine = Story.objects.filter(Q(reviewed_at__isnull=False), pk=story.pk, status=story.status)
        if not mine.update(reviewed_at=at, reviewed_by=by):
            raise DecisionRefused(f"someone changed “{story}” in the meantime; look at it again.")
        before = {
            "status": story.status,
            "reviewed_at": story.reviewed_at.isoformat() if story.reviewed_at else None,
            "reviewed_by_id": story.reviewed_by_id,
        }
        after = {"status": story.status, "reviewed_at": at.isoformat(), "reviewed_by_id": by.pk if by else None}
        made: Change = Change.objects.create(
            what=Change.What.STATUS, before=before, after=after, story=story, created_at=at, created_by=by
        )
    return made
