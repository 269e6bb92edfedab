"""Making a story of an orphan though the gates hold it back, because a person wants it; and taking that back.

No rule has to remember it: `settle` never turns a story into an orphan again, so the gates are overruled once and need
no exception later.
"""

from typing import Any

from pipeline.group import settle as group
from pipeline.models import Change, Orphan, Story
from pipeline.models.signature import STANDING
from pipeline.review.deciding import DecisionRefused, as_of, deciding, lock, settle
from pipeline.review.handover import let_wait_again


def promote_orphan(*, orphan: Orphan, by: Any, reason: str = "") -> Change:
    """Decide that a waiting orphan is a story now; return the change, whose `story` is approved and grows as others do.

    Opens a transaction. DecisionRefused if it does not wait any more, or nothing is left in it.
    """
    with deciding(orphan.signature.profile, by) as stamp:
        lock([orphan.signature_id])
        waiting = Orphan.objects.waiting().filter(pk=orphan.pk)
        if not waiting.exists():
            raise DecisionRefused(f"{orphan.signature} is no longer an orphan; see its story.")
        before: dict[str, Any] = {"dismissed_at": None, "dismissed_by_id": None}
        if orphan.dismissed_at:
            before = {"dismissed_at": orphan.dismissed_at.isoformat(), "dismissed_by_id": orphan.dismissed_by_id}
        waiting.update(dismissed_at=None, dismissed_by=None)
        group.settle(
            profile=stamp.profile,
            as_of=as_of(stamp.profile),
            roots=[orphan.signature_id],
            promoted={orphan.signature_id},
        )
        story = Story.objects.open().filter(signature=orphan.signature_id).first()
        if story is None:
            raise DecisionRefused(f"{orphan.signature} has no conversations left to make a story of.")
        Story.objects.filter(pk=story.pk).update(status=Story.Status.APPROVED, reviewed_at=stamp.at, reviewed_by=by)
        # once more, now that it is approved: for its description, its nearest orphans and its title
        settle(stamp, [orphan.signature_id])
        made: Change = Change.objects.create(
            what=Change.What.PROMOTION,
            story=story,
            orphan=orphan,
            before=before,
            after={"story": story.pk},
            reason=reason,
            created_at=stamp.at,
            created_by=by,
        )
    return made


def undo_promotion(*, change: Change, by: Any) -> None:
    """Let the orphan wait again and remove the story that was made of it. Opens a transaction.

    If the group passes the gates by now, settling makes it a candidate at once. DecisionRefused if it was undone
    already, or people have worked on the story since: their work would be lost.
    """
    orphan = change.orphan
    if orphan is None:
        raise DecisionRefused("the orphan that became this story no longer exists.")
    with deciding(orphan.signature.profile, by) as stamp:
        lock([orphan.signature_id])
        if not Change.objects.filter(STANDING, pk=change.pk).update(undone_at=stamp.at, undone_by=by):
            raise DecisionRefused(f"making {orphan.signature} a story has already been undone.")
        story = change.story
        if story is not None:
            _refuse_worked_on(story, change)
            Change.objects.filter(pk=change.pk).update(story=None)
            let_wait_again(story)
            story.delete()
        Orphan.objects.waiting().filter(pk=orphan.pk).update(
            dismissed_at=change.before["dismissed_at"], dismissed_by=change.before["dismissed_by_id"]
        )
        settle(stamp, [orphan.signature_id])


def _refuse_worked_on(story: Story, change: Change) -> None:
    later = Change.objects.filter(STANDING, story=story).exclude(pk=change.pk).order_by("id").first()
    if later:
        raise DecisionRefused(f"someone has changed the story since ({later}). Undo that first.")
    if story.comments.filter(removed_at__isnull=True).exists():
        raise DecisionRefused(f"“{story}” has comments, so this cannot be undone; dismiss the story instead.")
    if story.absorbed.exists() or story.absorbed_by_id:
        raise DecisionRefused(f"“{story}” has been merged with another story since. Undo that first.")
