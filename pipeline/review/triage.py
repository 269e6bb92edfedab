"""What people say of stories and orphans one by one: a status, a dismissal. Nothing moves by it from group to group."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from pipeline.group.settle import point_to_nearest_stories
from pipeline.models import Orphan, Story
from pipeline.models.refusal import breaks


@dataclass(slots=True)
class Decided:
    """The stories whose status changed, and those whose signature has another open story."""

    changed: list[Story] = field(default_factory=list)
    refused: list[Story] = field(default_factory=list)


def set_status(*, stories: QuerySet[Story], status: str, by: Any, at: datetime) -> Decided:
    """Give the stories a status and record who decided; those that have it stay as they are. Opens transactions.

    Orphans that were nearest to a story that is closed now look for another.
    """
    decided = Decided()
    for story in stories.exclude(status=status).select_related("signature").order_by("id"):
        try:
            with transaction.atomic():
                mine = Story.objects.filter(pk=story.pk, status=story.status)
                if mine.update(status=status, reviewed_at=at, reviewed_by=by):
                    decided.changed.append(story)
        except IntegrityError as error:
            if not breaks(error, "one_open_story_per_signature"):
                raise
            decided.refused.append(story)
    if status not in Story.OPEN:
        for profile in sorted({story.signature.profile for story in decided.changed}):
            point_to_nearest_stories(profile=profile, roots=[])
    return decided


def dismiss_orphans(*, orphans: QuerySet[Orphan], by: Any, at: datetime) -> list[Orphan]:
    """Dismiss the orphans that wait, record who did it, and return them."""
    guarded = Orphan.objects.to_review()
    waiting = list((orphans & guarded).order_by("id"))
    return [orphan for orphan in waiting if guarded.filter(pk=orphan.pk).update(dismissed_at=at, dismissed_by=by)]


def restore_orphans(*, orphans: QuerySet[Orphan]) -> list[Orphan]:
    """Let dismissed orphans wait again, and return them."""
    dismissed = list(orphans.filter(dismissed_at__isnull=False).order_by("id"))
    guarded = Orphan.objects.filter(dismissed_at__isnull=False)
    return [orphan for orphan in dismissed if guarded.filter(pk=orphan.pk).update(dismissed_at=None, dismissed_by=None)]


def record_edit(*, story: Story, by: Any, at: datetime) -> None:
    """Note who wrote the story's texts: what a person worked on is never taken back."""
    Story.objects.filter(pk=story.pk).update(edited_at=at, edited_by=by)
