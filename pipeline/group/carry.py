"""What people see follows the themes, when a pass took all of a signature's themes elsewhere.

A signature that is recognised keeps its story: then nothing is to be done here. Only where no theme is left does the
story go where most of its themes went. All of this may run twice, and requires a transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Count, F

from pipeline.extract.profiles import get_profile
from pipeline.group.gates import judge
from pipeline.group.members import members_of
from pipeline.merge.forest import leaves_of
from pipeline.models import MergePass, Orphan, Reassignment, Run, SignatureRoot, Story, Theme


def roots_of_passes(passes: Iterable[MergePass]) -> list[int]:
    """Return the roots that lost or got themes in these passes, and those that are no roots any more, rising."""
    moved = Reassignment.objects.filter(merge_pass__in=list(passes))
    touched = {pk for (pk,) in moved.values_list("source_id").union(moved.values_list("target_id"))}
    links = SignatureRoot.objects.filter(signature__in=touched)
    return sorted(touched | set(links.values_list("root_id", flat=True)))


def roots_scored_by(passes: Iterable[MergePass]) -> list[int]:
    """Return the roots whose themes have other scores since these passes, rising: of a consolidation all.

    How sure a story is follows from these scores, so it is to be settled.
    """
    passes = list(passes)
    again = {one.profile for one in passes if one.kind == MergePass.Kind.CONSOLIDATION}
    roots = SignatureRoot.objects.filter(signature__profile__in=again, signature__size__gt=0)
    return sorted({*roots_of_passes(passes), *roots.values_list("root_id", flat=True)})


def carry(*, passes: Sequence[MergePass], roots: Sequence[int], run: Run | None, profile: str) -> None:
    """Bring stories and dismissed orphans of emptied roots to where their themes went, and take back candidates.

    A candidate nobody touched goes if its group no longer passes the gates: settling makes an orphan of what is left.
    """
    groups = members_of(profile=profile, roots=roots, run=run)
    emptied = [root for root in roots if not groups[root]]
    goals = _goals(emptied, passes)
    # what went on to a root that is empty as well follows in the pass that emptied it
    goals = {root: goal for root, goal in goals.items() if goal not in emptied}
    mostly = _make_up_most(goals, passes)
    _carry_stories(goals, mostly)
    _carry_dismissed_orphans({root: goal for root, goal in goals.items() if root in mostly})
    gate, as_of = get_profile(profile).gate, run.as_of if run else None
    failing = [root for root in roots if groups[root] and not judge(groups[root], gate, as_of).is_story]
    take_back(failing)


def _goals(emptied: Sequence[int], passes: Sequence[MergePass]) -> dict[int, int]:
    """Return for each of these roots the root that most of its themes mean now; ties go to the lower id."""
    root_of = {root: root for root in emptied} | leaves_of(emptied)
    moved = Reassignment.objects.filter(merge_pass__in=list(passes), source__in=list(root_of))
    went = list(moved.values_list("source_id", "theme__signature_id"))
    links = SignatureRoot.objects.filter(signature__in={signature for _, signature in went})
    goal_of = dict(links.values_list("signature_id", "root_id"))
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    for source, signature in went:
        if signature in goal_of:
            counts[root_of[source]][goal_of[signature]] += 1
    return {root: min(found, key=lambda goal: (-found[goal], goal)) for root, found in counts.items()}


def _make_up_most(goals: Mapping[int, int], passes: Sequence[MergePass]) -> set[int]:
    """Return the roots from which at least half of their goal's themes came: only then may what people closed go there,
    or it would silence another problem.
    """
    goal_of = leaves_of(sorted(set(goals.values())))
    inside: Counter[int] = Counter()
    for signature, count in Theme.objects.filter(signature__in=goal_of).values_list("signature_id", Count("pk")):
        inside[goal_of[signature]] += count
    # an emptied name may be a root itself and mean another that was emptied with it: what left it came from both
    roots_of: dict[int, set[int]] = {root: {root} for root in goals}
    for leaf, root in leaves_of(sorted(goals)).items():
        roots_of.setdefault(leaf, set()).add(root)
    moved = Reassignment.objects.filter(merge_pass__in=list(passes), source__in=roots_of, theme__signature__in=goal_of)
    # each theme once, however many of the passes moved it
    came = {
        (root, goal_of[signature], theme)
        for source, signature, theme in moved.values_list("source_id", "theme__signature_id", "theme_id")
        for root in roots_of[source]
    }
    counts = Counter((root, goal) for root, goal, _ in came)
    return {root for root, goal in goals.items() if 2 * counts[root, goal] >= inside[goal]}


def _carry_stories(goals: Mapping[int, int], mostly: set[int]) -> None:
    """Where open ones meet, the one that people touched stays, else the largest; it absorbs the others."""
    stories = list(Story.objects.standing().filter(signature__in=goals).order_by("id"))
    going = {
        story.pk: goals[story.signature_id]
        for story in stories
        # an open story goes with most of its themes; a closed one only where it would not silence a problem it never
        # was about
        if story.status in Story.OPEN or story.signature_id in mostly
    }
    # one_open_story_per_signature: of those that meet at one root all but one are absorbed first
    meeting: dict[int, list[Story]] = defaultdict(list)
    for story in Story.objects.open().filter(signature__in=goals.values()):
        meeting[story.signature_id].append(story)
    for story in stories:
        if story.pk in going and story.status in Story.OPEN:
            meeting[going[story.pk]].append(story)
    for together in (stories for stories in meeting.values() if len(stories) > 1):
        first = max(together, key=_standing)
        Story.objects.filter(pk__in=[story.pk for story in together if story.pk != first.pk]).update(absorbed_by=first)
    _move_together(going)


def _standing(story: Story) -> tuple[bool, int, int]:
    """Return what makes a story absorb others that it meets: that people touched it, then its size, then its age."""
    is_written = story.edited_at is not None and not story.edited_actor
    is_touched = story.reviewed_at is not None or is_written
    return is_touched, story.evidence.count(), -story.pk


def _move_together(goals: Mapping[int, int]) -> None:
    """Move stories at once: meanwhile each is its own absorber, so that two that swap roots never meet."""
    standing = Story.objects.standing().filter(pk__in=goals)
    free = list(standing.values_list("pk", flat=True))
    standing.update(absorbed_by=F("pk"))
    for pk, root in goals.items():
        Story.objects.filter(pk=pk).exclude(signature=root).update(signature=root)
    Story.objects.filter(pk__in=free).update(absorbed_by=None)


def _carry_dismissed_orphans(goals: Mapping[int, int]) -> None:
    """Let what people dismissed follow its themes."""
    waiting = Orphan.objects.waiting()
    dismissed = waiting.filter(signature__in=goals, dismissed_at__isnull=False).order_by("signature_id")
    at_goals = waiting.filter(signature__in=goals.values(), dismissed_at__isnull=False)
    there = set(at_goals.values_list("signature_id", flat=True))
    for orphan in dismissed:
        goal = goals[orphan.signature_id]
        if goal not in there and not Story.objects.standing().filter(signature=goal).exists():
            # the waiting one that nobody decided about makes room: one_waiting_orphan_per_signature
            waiting.filter(signature=goal).delete()
            Orphan.objects.filter(pk=orphan.pk).update(signature=goal)
            there.add(goal)


def take_back(roots: Sequence[int]) -> None:
    """Delete the candidates of these roots that nobody touched and nothing else stands for."""
    untouched = Story.objects.standing().filter(
        Story.UNTOUCHED,
        signature__in=roots,
        absorbed__isnull=True,
        recurrences__isnull=True,
        handed_over_by__isnull=True,
    )
    Story.objects.filter(pk__in=list(untouched.values_list("pk", flat=True))).delete()
