"""Which current themes each group has, as the gates look at them."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q

from pipeline.group import current
from pipeline.group.gates import Member
from pipeline.ledger.current import current_themes
from pipeline.merge.forest import leaves_of
from pipeline.models import Run, Story, StoryEvidence


def members_of(*, profile: str, roots: Sequence[int], run: Run | None = None) -> dict[int, list[Member]]:
    """Return the current themes of each root, in the order of their conversations' time; those of `run` count too."""
    # a root's themes are its own and those of all names that were merged into it
    leaves = leaves_of(roots)
    groups: dict[int, list[Member]] = defaultdict(list)
    for signature, member in current.members(current_themes(profile, run).filter(signature__in=leaves)):
        groups[leaves[signature]].append(member)
    # or one conversation would be in two stories of one signature (conservation: in_two_stories)
    for root, conversation_id in _kept_by_earlier_stories(roots):
        groups[root] = [member for member in groups[root] if member.conversation_id != conversation_id]
    return groups


def _kept_by_earlier_stories(roots: Sequence[int]) -> list[tuple[int, int]]:
    """Return (root, conversation) of the closed stories that have another beside them: what they have stays theirs.

    The other came when the problem of a done one came back, or by a merge. It is open, or else the newer.
    """
    others = Story.objects.standing().filter(signature=OuterRef("story__signature"))
    beside = others.filter(Q(status__in=Story.OPEN) | Q(pk__gt=OuterRef("story")))
    closed = Q(Exists(beside), story__absorbed_by__isnull=True) & ~Q(story__status__in=Story.OPEN)
    earlier = StoryEvidence.objects.filter(Q(story__recurrences__isnull=False) | closed, story__signature__in=roots)
    return list(earlier.values_list("story__signature_id", "conversation_id").distinct())
