"""Two runs of one profile beside each other: what became of the stories of the first in the second.

A run's view are the conversations it read or skipped as unchanged, with what they meant when it ended or was last
regrouped: merges, moves and undoings of later are left out. Groups that pass the profile's gates there are its stories.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from pipeline.extract.profiles import get_profile
from pipeline.group import current
from pipeline.group.gates import Member, judge
from pipeline.group.lineage import Change, Flows, changes
from pipeline.merge.forest import Forest, forest_at
from pipeline.models import Item, Move, Reassignment, Run, Signature, Story, StoryEvidence, Theme
from pipeline.models.refusal import Refusal


class NotComparable(Refusal):
    """The two runs cannot be compared; the message says why."""


@dataclass(frozen=True, slots=True)
class View:
    """What a run saw: its groups by root signature, and the merges that stood, when it ended."""

    run: Run
    groups: Mapping[int, Sequence[Member]]
    signature_of: Mapping[int, int]
    forest: Forest

    def stories(self) -> dict[int, int]:
        """Return the roots of the view's stories with their conversations."""
        gate = get_profile(self.run.profile).gate
        return {
            root: len({member.conversation_id for member in members})
            for root, members in self.groups.items()
            if judge(members, gate, self.run.as_of).is_story
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of stories from run `before` to run `after`; sizes are conversations in the runs' views."""

    before: int
    after: int
    profile: str
    stories_before: int
    stories_after: int
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, object]:
        """Return the comparison as plain values."""
        return asdict(self)


def compare_runs(*, before: Run, after: Run) -> Comparison:
    """Return what became of the stories of one run in the other. Raises NotComparable."""
    _refuse(before, after)
    one, other = _view(before), _view(after)
    keys = dict(Signature.objects.filter(profile=before.profile).values_list("pk", "key"))
    stories = [{keys[root]: size for root, size in view.stories().items()} for view in (one, other)]
    went = _by_name(_flows(one, other), keys)
    came = _by_name(((later, earlier) for earlier, later in _flows(other, one)), keys)
    return Comparison(
        before=before.pk,
        after=after.pk,
        profile=before.profile,
        stories_before=len(stories[0]),
        stories_after=len(stories[1]),
        changes=tuple(changes(stories[0], stories[1], went, came)),
    )


def comparable_run_before(run: Run) -> Run | None:
    """Return the newest finished run before this one of its source and profile, if this one saw all that it had seen.

    If it saw less, stories would seem to be gone whose conversations it never looked at.
    """
    if run.state not in Run.FINISHED or not run.makes_stories:
        return None
    earlier = Run.objects.filter(source=run.source, profile=run.profile, state__in=Run.FINISHED, is_preview=False)
    before = earlier.filter(pk__lt=run.pk).order_by("-pk").first()
    if before is None:
        return None
    seen = Item.objects.filter(run=run, conversation=OuterRef("conversation"))
    missed = Item.objects.filter(~Exists(seen), run=before, state__in=(*_READ, Item.State.SKIPPED))
    return None if missed.exists() else before


_READ = (Item.State.EXTRACTED, Item.State.FILTERED)


def stories_that_lost(run: Run) -> list[tuple[Story, int]]:
    """Return the stories that lost conversations which the run read again, and how many, the most first."""
    newest = Item.objects.filter(
        conversation=OuterRef("conversation"), run__profile=run.profile, run__first_finished_at__isnull=False,
        state__in=_READ, id__lt=OuterRef("id"),
    ).order_by("-id")  # fmt: skip
    read_again = Item.objects.filter(run=run, state__in=_READ).annotate(earlier=Subquery(newest.values("id")[:1]))
    themes = Theme.objects.filter(item__in=read_again.values("earlier"), signature__isnull=False)
    meant: dict[int, set[int]] = defaultdict(set)
    for root, conversation in themes.values_list("signature__root_link__root", "conversation"):
        meant[root].add(conversation)
    stories = Story.objects.standing().filter(
        signature__in=meant,
        status__in=(*Story.OPEN, Story.Status.EMPTIED),
        created_at__lte=run.created_at,
    )
    # what is still there is taken off, so that what is left has gone
    kept = StoryEvidence.objects.filter(story__in=stories, conversation__in=set().union(*meant.values()))
    counts = {story.pk: len(meant[story.signature_id]) for story in stories}
    for story_id in kept.values_list("story", flat=True):
        counts[story_id] -= 1
    lost = [(story, counts[story.pk]) for story in stories if counts[story.pk] > 0]
    return sorted(lost, key=lambda one: (-one[1], one[0].pk))


def _refuse(before: Run, after: Run) -> None:
    if before.profile != after.profile:
        raise NotComparable(
            f"run {before.pk} was read with the profile {before.profile}, run {after.pk} with {after.profile}; runs "
            "with different profiles cannot be compared."
        )
    for run in (before, after):
        if run.state not in Run.FINISHED:
            raise NotComparable(f"run {run.pk} is {run.state}; only finished runs have stories to compare.")


# --- What a run saw -----------------------------------------------------------------------------------------------


def _view(run: Run) -> View:
    at = _end(run)
    forest, moved = forest_at(run.profile, at), _moved_since(run.profile, at)
    groups: dict[int, list[Member]] = defaultdict(list)
    signature_of = {}
    for now, member in current.members(_themes_seen(run)):
        signature = signature_of[member.theme_id] = moved.get(member.theme_id, now)
        groups[forest.root(signature)].append(member)
    return View(run, groups, signature_of, forest)


def _end(run: Run) -> datetime:
    """Return when the run had given its themes their signatures: what people and later passes did since is left out."""
    assert run.finished_at  # `_refuse` lets finished ones pass
    return run.finished_at


def _themes_seen(run: Run) -> QuerySet[Theme]:
    """Return the themes of the run's own readings, and of the newest earlier ones of what it skipped as unchanged."""
    earlier = Item.objects.filter(
        conversation=OuterRef("conversation"),
        run__profile=run.profile,
        run__first_finished_at__isnull=False,
        state__in=_READ,
        id__lt=OuterRef("id"),
    ).order_by("-id")
    skipped = Item.objects.filter(run=run, state=Item.State.SKIPPED)
    readings = skipped.annotate(reading=Subquery(earlier.values("id")[:1])).values("reading")
    return Theme.objects.filter(Q(run=run) | Q(item__in=readings), signature__isnull=False)


def _moved_since(profile: str, at: datetime) -> dict[int, int]:
    """Return the signature that each theme had then, of those that people or passes moved since."""
    moves = Move.objects.filter(target__profile=profile)
    passes = Reassignment.objects.filter(merge_pass__profile=profile, merge_pass__created_at__gt=at)
    events = [
        *moves.filter(created_at__gt=at).values_list("created_at", "theme_id", "source_id"),
        *moves.filter(created_at__lte=at, undone_at__gt=at).values_list("undone_at", "theme_id", "target_id"),
        *passes.values_list("merge_pass__created_at", "theme_id", "source_id"),
    ]
    return {theme: signature for _, theme, signature in sorted(events, reverse=True)}  # the earliest event stays


# --- From one to the other ----------------------------------------------------------------------------------------


def _flows(one: View, other: View) -> Iterator[tuple[int, int]]:
    """Yield for each conversation of each group of one view the group of the other view that it leads to.

    Led by the conversation where both saw it, else by its signature, if the other view's time knew that.
    """
    seen = {
        (member.conversation_id, other.signature_of[member.theme_id]): root
        for root, members in other.groups.items()
        for member in members
    }
    # a conversation with several themes may be in several groups of a view
    places: dict[int, list[int]] = defaultdict(list)
    for (conversation, _), root in seen.items():
        places[conversation].append(root)
    for root, members in one.groups.items():
        for conversation, signature in {(m.conversation_id, one.signature_of[m.theme_id]) for m in members}:
            yield from ((root, place) for place in _places(conversation, signature, places, other))


def _places(conversation: int, signature: int, places: Mapping[int, Sequence[int]], other: View) -> set[int]:
    if conversation in places:
        found = set(places[conversation])
        meant = other.forest.root(signature)
        return {meant} if meant in found else found
    return {other.forest.root(signature)}


def _by_name(flows: Iterator[tuple[int, int]], keys: Mapping[int, str]) -> Flows:
    return Counter((keys[one], keys[other]) for one, other in flows if one in keys and other in keys)
