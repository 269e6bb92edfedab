"""What becomes of stories when their signatures are merged, and when that is undone."""

from collections.abc import Iterable

from django.db.models import Q

from pipeline.models import Merge, Orphan, Story, StoryEvidence
from pipeline.models.signature import STANDING
from pipeline.review.centres import names_of


def _open_story(signature: int) -> Story | None:
    stories = Story.objects.open().filter(signature=signature)
    return stories.select_related("signature").first()


def hand_over_story(*, child: int, parent: int) -> Story | None:
    """Bring the child's open story under the parent and return it, None if there is none.

    The parent's open story absorbs it; if the parent has none, it becomes the parent's. Either way it keeps its
    people's columns. Requires a transaction that holds both signatures. `Merge.story` should remember it.
    """
    story = _open_story(child)
    if story is None:
        return None
    if absorber := _open_story(parent):
        Story.objects.filter(pk=story.pk).update(absorbed_by=absorber)
    else:
        Story.objects.filter(pk=story.pk).update(signature=parent)
    return story


def give_back_story(merge: Merge) -> None:
    """Give the merge's child the story back that it handed over. Requires a transaction that holds both signatures."""
    if merge.story_id is None:
        return
    absorber = _open_story(merge.child_id)  # somebody reopened an old one meanwhile
    Story.objects.filter(pk=merge.story_id).update(signature=merge.child, absorbed_by=absorber)


def take_back_growth(roots: Iterable[int]) -> None:
    """Take from the stories of these roots what only a decision gave them; settling gives back what is still theirs.

    A story goes if no run made it and nobody touched it: if its group passes the gates, it is made again. A closed
    story loses the conversations a decision brought whose themes mean something else now. Requires a transaction.
    """
    for root in sorted(set(roots)):
        # evidence without a run was brought by a decision; what runs brought stays in a closed story
        brought = StoryEvidence.objects.filter(story__signature=root, run__isnull=True)
        brought.exclude(story__status__in=Story.OPEN).exclude(theme__signature__in=names_of(root)).delete()
        for story in _made_by_decisions(root):
            let_wait_again(story)
            story.delete()


def _made_by_decisions(root: int) -> list[Story]:
    """Return the root's candidates that no run made and no person touched, and that stand for no other story."""
    candidates = (
        Story.objects.standing()
        .filter(
            Story.UNTOUCHED & Q(absorbed__isnull=True) & Q(recurrences__isnull=True),
            signature=root,
            first_run__isnull=True,
        )
        .exclude(handed_over_by__in=Merge.objects.filter(STANDING))
    )
    return list(candidates)


def let_wait_again(story: Story) -> None:
    """Let the orphans that became this story wait as before, one a signature. Requires a transaction."""
    for orphan in Orphan.objects.filter(story=story).order_by("id"):
        if not Orphan.objects.waiting().filter(signature=orphan.signature_id).exists():
            Orphan.objects.filter(pk=orphan.pk).update(graduated_at=None, story=None)
