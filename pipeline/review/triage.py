"""What people say of stories and orphans one by one: a status, an owner, words. No theme changes its group by it.

Each is recorded as a `Change`, which the pages list and `undo_change` takes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from pipeline.group.settle import point_to_nearest_stories
from pipeline.models import Change, Comment, Orphan, Story
from pipeline.models.refusal import breaks
from pipeline.models.signature import STANDING
from pipeline.models.wording import words
from pipeline.review.deciding import DecisionRefused, ModelActor, authored

EDITABLE = {
    "title": Change.What.TITLE,
    "description": Change.What.DESCRIPTION,
    "owner_id": Change.What.OWNER,
    "ticket_url": Change.What.TICKET,
}
"""Columns of a story that a person writes, and what such a change is called."""

WRITTEN = ("title", "description")
"""Those whose change makes the words a person's: no run replaces them any more."""


@dataclass(slots=True)
class Decided:
    """The stories whose status changed, those whose signature has another open story, and the record of the changes."""

    changed: list[Story] = field(default_factory=list)
    refused: list[Story] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def set_status(*, stories: QuerySet[Story], status: str, by: Any, at: datetime, reason: str = "") -> Decided:
    """Give the stories a status and record who decided; those that have it stay as they are. Opens transactions.

    Orphans that were nearest to a story that is closed now look for another.
    """
    decided = Decided()
    for story in stories.exclude(status=status).select_related("signature").order_by("id"):
        after = {"status": status, "reviewed_at": at.isoformat(), "reviewed_by_id": by.pk if by else None}
        try:
            with transaction.atomic():
                before = {
                    "status": story.status,
                    "reviewed_at": story.reviewed_at.isoformat() if story.reviewed_at else None,
                    "reviewed_by_id": story.reviewed_by_id,
                }
                # of two people at once the second finds the status changed, and writes nothing over it
                mine = Story.objects.filter(pk=story.pk, status=story.status)
                if mine.update(status=status, reviewed_at=at, reviewed_by=by):
                    record = _record(Change.What.STATUS, before, after, by, at, story=story, reason=reason)
                    decided.changes.append(record)
                    decided.changed.append(story)
        except IntegrityError as error:
            if not breaks(error, "one_open_story_per_signature"):
                raise
            decided.refused.append(story)
    if status not in Story.OPEN:
        _look_for_other_stories(decided.changed)
    return decided


def edit_story(*, story: Story, by: Any, at: datetime, **columns: object) -> list[Change]:
    """Write columns of EDITABLE, each change recorded by itself; those that have the value already are left alone.

    Opens a transaction. What a person wrote is never taken back by a run: title and description note when and by whom.
    A `ModelActor` writes only where no person has: DecisionRefused otherwise.
    """
    changes = []
    with transaction.atomic():
        current = Story.objects.select_for_update(no_key=True, of=("self",)).get(pk=story.pk)
        if isinstance(by, ModelActor) and current.edited_at and not current.edited_actor:
            raise DecisionRefused(f"a person wrote the title or the description of “{current}”, which is kept.")
        for name, value in columns.items():
            before, after = {name: getattr(current, name)}, {name: value}
            if before == after:
                continue
            if name in WRITTEN:
                before |= _written_of(current)
                after |= _written(by, at)
            Story.objects.filter(pk=story.pk).update(**_columns(after))
            current.refresh_from_db(fields=list(after))
            changes.append(_record(EDITABLE[name], before, after, by, at, story=current))
    return changes


WRITER = ("edited_at", "edited_by_id", "edited_actor")
"""The columns that say when and by whom title and description were written last."""


def _written_of(story: Story) -> dict[str, Any]:
    return {"edited_at": _iso(story.edited_at), "edited_by_id": story.edited_by_id, "edited_actor": story.edited_actor}


def _written(by: Any, at: datetime) -> dict[str, Any]:
    if isinstance(by, ModelActor):
        return {"edited_at": _iso(at), "edited_by_id": None, "edited_actor": str(by)}
    return {"edited_at": _iso(at), "edited_by_id": by.pk if by else None, "edited_actor": ""}


def dismiss_orphans(*, orphans: QuerySet[Orphan], by: Any, at: datetime) -> list[Change]:
    """Dismiss the orphans that wait, record who did it, and return the changes. Opens a transaction for each."""
    waiting = (orphans & Orphan.objects.to_review()).order_by("id")
    after = {"dismissed_at": at.isoformat(), "dismissed_by_id": by.pk if by else None}
    return _change_waiting(list(waiting), after, by, at)


def restore_orphans(*, orphans: QuerySet[Orphan], by: Any, at: datetime) -> list[Change]:
    """Let dismissed orphans wait again, and return the changes. Opens a transaction for each."""
    dismissed = orphans.filter(dismissed_at__isnull=False).order_by("id")
    return _change_waiting(list(dismissed), {"dismissed_at": None, "dismissed_by_id": None}, by, at)


def _change_waiting(orphans: list[Orphan], after: Mapping[str, Any], by: Any, at: datetime) -> list[Change]:
    changes = []
    for orphan in orphans:
        before = {"dismissed_at": _iso(orphan.dismissed_at), "dismissed_by_id": orphan.dismissed_by_id}
        with transaction.atomic():
            mine = Orphan.objects.waiting().filter(pk=orphan.pk, dismissed_at=orphan.dismissed_at)
            if mine.update(**_columns(after)):
                changes.append(_record(Change.What.DISMISSAL, before, after, by, at, orphan=orphan))
    return changes


def comment(*, story: Story, text: str, by: Any, at: datetime) -> Comment:
    """Write a comment under a story; DecisionRefused if it is empty."""
    if not (said := text.strip()):
        raise DecisionRefused("the comment is empty; write something first.")
    made: Comment = Comment.objects.create(story=story, text=said, created_at=at, created_by=by)
    return made


def remove_comment(*, comment: Comment, by: Any, at: datetime) -> bool:
    """Take a comment off the page; the row stays. Whether it stood until now."""
    standing = Comment.objects.filter(pk=comment.pk, removed_at__isnull=True)
    return bool(standing.update(removed_at=at, removed_by=by))


def undo_change(*, change: Change, by: Any, at: datetime) -> None:
    """Put back what a change replaced. Opens a transaction.

    DecisionRefused if it was undone already, or somebody has changed the same since: that would be lost.
    """
    row: Story | Orphan = change.story or change.orphan  # type: ignore[assignment]  # a constraint says one is there
    try:
        with transaction.atomic():
            if not Change.objects.filter(STANDING, pk=change.pk).update(undone_at=at, undone_by=by):
                raise DecisionRefused(f"this change to {row} has already been undone.")
            if not change.after:
                return  # it changed no column
            # the times are noted with each change; another edit of another column must not stand in the way
            names = [name for name in change.after if name not in WRITER]
            mine = type(row)._default_manager.filter(pk=row.pk, **_matching({n: change.after[n] for n in names}))
            before = {**change.before, **_writer_without(change)}
            if not mine.update(**_columns(before)):
                raise DecisionRefused(
                    f"someone has changed the {words(change.what)} of {row} since; undo that first, or set it by hand."
                )
    except IntegrityError as error:
        if not breaks(error, "one_open_story_per_signature"):
            raise
        raise DecisionRefused(f"{row} cannot be reopened because its signature has another open story.") from error
    if isinstance(row, Story) and change.what == Change.What.STATUS:
        row.refresh_from_db(fields=["status"])
        if not row.is_open:
            _look_for_other_stories([row])


def _writer_without(change: Change) -> dict[str, Any]:
    """Return who wrote a story last, without this change: title and description are two changes and one writer.

    Nothing for a change that is about neither. Where another of the two stands, its writer is the story's.
    """
    if not set(WRITTEN) & set(change.after):
        return {}
    written = Change.objects.filter(STANDING, story=change.story_id, what__in=[EDITABLE[name] for name in WRITTEN])
    latest = written.exclude(pk=change.pk).order_by("-id").first()
    return {name: (latest.after if latest else change.before).get(name, "") for name in WRITER}


def _record(
    what: Change.What, before: Mapping[str, Any], after: Mapping[str, Any], by: Any, at: datetime, **about: Any
) -> Change:
    made: Change = Change.objects.create(
        what=what, before=dict(before), after=dict(after), created_at=at, **authored(by), **about
    )
    return made


def _look_for_other_stories(closed: list[Story]) -> None:
    for profile in sorted({story.signature.profile for story in closed}):
        point_to_nearest_stories(profile=profile, roots=[])


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _columns(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored values as a row has them: moments stand in JSON as text."""
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value else value
        for name, value in stored.items()
    }


def _matching(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter that finds the row only where it has these values."""
    columns = _columns(stored)
    return {(f"{name}__isnull" if value is None else name): (value is None or value) for name, value in columns.items()}
