"""Assign a run's themes anew, by rules of another version: look at the difference first, then apply it.

What people decided stays, and so do stories they work on: a story follows most of its conversations.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from pipeline.extract.profiles import get_profile
from pipeline.group import settle, titling
from pipeline.group.gates import judge
from pipeline.group.lineage import Change, changes
from pipeline.merge import apply, registry
from pipeline.merge.forest import leaves_of
from pipeline.merge.rules.records import Assignment
from pipeline.merge.rules.versions import Rules
from pipeline.models import Merge, Orphan, Registry, Regroup, Run, Signature, Story, Theme
from pipeline.models.refusal import Refusal
from pipeline.models.signature import STANDING
from pipeline.review import reassignment
from pipeline.review.centres import recount
from pipeline.review.reassignment import Groups, Reassignment


class RegistryChanged(Refusal):
    """Somebody merged or decided while this was computed; nothing was written."""


@dataclass(frozen=True, slots=True)
class Side:
    """What the run's themes mean: distinct signatures, and which of the groups they are in are stories."""

    signatures: int
    stories: int
    orphans: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What other rules change; pairs are pairs of themes, sizes are conversations.

    themes: how many are assigned anew; held: how many stay because people decided about their signatures.
    changes: what becomes of each story, by name.
    """

    run: int
    rules_before: str
    rules: str
    themes: int
    held: int
    pairs_joined: int
    pairs_split: int
    before: Side
    after: Side
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, object]:
        """Return the difference as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be written, and the difference it makes."""

    reassignment: Reassignment
    rules: Rules
    assignment: Assignment
    difference: Difference


# --- Looking ------------------------------------------------------------------------------------------------------


def plan_regroup(*, run: Run, rules: Rules) -> Plan:
    """Compute what these rules would make of the run's themes; nothing is written. Raises NothingToReplay."""
    taken = reassignment.take_out(run)
    assignment = rules.assign(taken.themes, taken.registered, taken.decisions)
    scene = reassignment.scene(taken, [assignment])
    before, after = scene.before(), scene.after(assignment)
    joined, split = _pairs_changed(before, after)
    difference = Difference(
        run=run.pk,
        rules_before=run.versions.get("rules", ""),
        rules=rules.version,
        themes=len(taken.themes),
        held=len(taken.held),
        pairs_joined=joined,
        pairs_split=split,
        before=_side(scene.of_run(before), run),
        after=_side(scene.of_run(after), run),
        changes=tuple(_changes(before, after, run, reassignment.keys_of(taken, assignment))),
    )
    return Plan(taken, rules, assignment, difference)


def _side(groups: Groups, run: Run) -> Side:
    stories = len(reassignment.stories_of(groups, run))
    return Side(len(groups), stories, len(groups) - stories)


def _pairs_changed(before: Groups, after: Groups) -> tuple[int, int]:
    """Return how many pairs of themes are joined and how many are split."""
    root_of = {member.theme_id: root for root, members in after.items() for member in members}
    cells = Counter((root, root_of[member.theme_id]) for root, members in before.items() for member in members)
    both = reassignment.pairs(cells.values())
    return (
        reassignment.pairs(len(members) for members in after.values()) - both,
        reassignment.pairs(len(members) for members in before.values()) - both,
    )


def _changes(before: Groups, after: Groups, run: Run, keys: Mapping[str, str]) -> list[Change]:
    shared = {(keys[one], keys[other]): count for (one, other), count in reassignment.flows(before, after).items()}
    sizes = [
        {keys[root]: size for root, size in reassignment.stories_of(groups, run).items()} for groups in (before, after)
    ]
    return changes(sizes[0], sizes[1], shared, shared)


# --- Applying -----------------------------------------------------------------------------------------------------


def regroup(*, plan: Plan, reason: str, by: Any = None) -> Regroup:
    """Write what was planned, and return the ledger's entry. Opens one transaction that holds the registry.

    Rule-made merges of names that only these themes bore are undone; names nobody bears any more are free. Stories and
    orphans are settled. Raises RegistryChanged if the registry is not the one the plan was made on.
    """
    taken = plan.reassignment
    with transaction.atomic():
        version = _hold_registry(taken)
        _let_go(taken)
        apply.apply_assignment(
            run=taken.run, assignment=plan.assignment, model=taken.model, rules=plan.rules.version, version=version
        )
        roots = sorted(taken.roots | _roots_now(taken))
        _count_anew(taken)
        passage = _passage(taken, roots)
        _carry_stories(passage, roots)
        _carry_dismissed_orphans(passage, roots)
        _take_back_candidates(taken.run, roots)
        for start in range(0, len(roots), settle.BATCH):
            batch = roots[start : start + settle.BATCH]
            settle.settle(profile=taken.run.profile, as_of=taken.run.as_of, roots=batch, run=taken.run)
        entry = _record(plan, version, reason, by)
    settle.point_to_nearest_stories(profile=taken.run.profile, roots=roots)
    titling.title_stories(profile=taken.run.profile, roots=roots)
    return entry


def _hold_registry(taken: Reassignment) -> int:
    """Lock the registry, the run and the signatures the themes are in now, in order; return the next version."""
    held = Registry.objects.select_for_update().filter(pk=taken.frozen.pk, version=taken.frozen.version)
    ended = Run.objects.select_for_update().filter(pk=taken.run.pk, epoch=taken.run.epoch, state=taken.run.state)
    if not held.exists() or not ended.exists():
        raise RegistryChanged(
            f"someone else merged or decided in profile {taken.run.profile} at the same time; nothing was written. "
            "Try again."
        )
    signatures = Signature.objects.filter(pk__in=taken.released | taken.centres | taken.roots).order_by("pk")
    list(signatures.select_for_update(no_key=True).values_list("pk"))
    version = taken.frozen.version + 1
    Registry.objects.filter(pk=taken.frozen.pk).update(version=version)
    return version


def _let_go(taken: Reassignment) -> None:
    """Undo the merges of released names, and free the names: without a merge and a sum they may be given anew.

    The rules undo, no person: `undone_by` stays empty, or later merges would take it for a decision to keep apart.
    """
    merges = Merge.objects.filter(STANDING, child__in=taken.released).exclude(rule=Merge.PERSON)
    merges.update(undone_at=timezone.now())
    Signature.objects.filter(pk__in=taken.released).update(vector_sum=None, size=0)


def _roots_now(taken: Reassignment) -> set[int]:
    names = registry.forest(taken.run.profile)
    themes = Theme.objects.filter(run=taken.run, signature__isnull=False)
    return {names.root(signature) for signature in themes.values_list("signature_id", flat=True).distinct()}


def _count_anew(taken: Reassignment) -> None:
    """Store the exact sums of all signatures that lost or got themes: what was taken out and put in left crumbs."""
    names = registry.forest(taken.run.profile)
    got = Theme.objects.filter(run=taken.run, signature__isnull=False).values_list("signature_id", flat=True)
    recount({names.centre(signature) for signature in {*got.distinct(), *taken.centres} if signature in names.form_of})


def _record(plan: Plan, version: int, reason: str, by: Any) -> Regroup:
    taken, difference = plan.reassignment, plan.difference
    Run.objects.filter(pk=taken.run.pk).update(versions={**taken.run.versions, "rules": plan.rules.version})
    return Regroup.objects.create(
        run=taken.run,
        rules_before=difference.rules_before,
        rules=difference.rules,
        registry_version=version,
        themes=difference.themes,
        pairs_joined=difference.pairs_joined,
        pairs_split=difference.pairs_split,
        reason=reason,
        created_at=timezone.now(),
        created_by=by,
    )


# --- What people see follows --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passage:
    """Where most themes of a root went, and where most themes of a root came from; themselves if as many do."""

    goals: Mapping[int, int]
    origins: Mapping[int, int]

    def goal(self, root: int) -> int:
        return self.goals.get(root, root)

    def origin(self, root: int) -> int:
        return self.origins.get(root, root)


def _passage(taken: Reassignment, roots: Iterable[int]) -> Passage:
    """Count all themes of these roots, those that were not assigned anew as well."""
    leaves = leaves_of(sorted(roots))
    themes = Theme.objects.filter(signature__in=leaves).values_list("id", "signature_id")
    before = {theme: taken.names.root(signature) for theme, signature in taken.signature_of.items()}
    counts = Counter((before.get(theme, leaves[signature]), leaves[signature]) for theme, signature in themes)
    return Passage(_most(counts), _most({(new, old): count for (old, new), count in counts.items()}))


def _most(counts: Mapping[tuple[int, int], int]) -> dict[int, int]:
    """Return for the first of each pair the second that most share with it; itself, or the lower id, on a tie."""
    ranked = sorted(counts.items(), key=lambda cell: (cell[1], cell[0][0] == cell[0][1], -cell[0][1]))
    return {one: other for (one, other), _ in ranked}


def _carry_stories(passage: Passage, roots: Sequence[int]) -> None:
    """Bring each story to the root that most of its signature's themes mean now.

    Where open ones meet, the one that people touched stays, else the largest; it absorbs the others. A closed story
    goes only where it makes up most of what is there: elsewhere it would silence another problem.
    """
    stories = list(Story.objects.filter(signature__in=roots, absorbed_by__isnull=True).order_by("id"))
    goals = {story.pk: passage.goal(story.signature_id) for story in stories}
    for story in stories:
        if story.status not in Story.OPEN and passage.origin(goals[story.pk]) != story.signature_id:
            del goals[story.pk]
    meeting: dict[int, list[Story]] = defaultdict(list)
    for story in stories:
        if story.status in Story.OPEN:
            meeting[goals[story.pk]].append(story)
    for together in (stories for stories in meeting.values() if len(stories) > 1):
        first = max(together, key=_standing)
        others = [story.pk for story in together if story.pk != first.pk]
        Story.objects.filter(pk__in=others).update(absorbed_by=first)
    _move_together(goals)


def _standing(story: Story) -> tuple[bool, int, int]:
    """Return what makes a story absorb others that it meets: that people touched it, then its size, then its age."""
    is_touched = story.reviewed_at is not None or story.edited_at is not None
    return is_touched, story.evidence.count(), -story.pk


def _move_together(goals: Mapping[int, int]) -> None:
    """Move stories at once: meanwhile each is its own absorber, so that two that swap roots never meet."""
    standing = Story.objects.filter(pk__in=goals, absorbed_by__isnull=True)
    free = list(standing.values_list("pk", flat=True))
    standing.update(absorbed_by=F("pk"))
    for pk, root in goals.items():
        Story.objects.filter(pk=pk).exclude(signature=root).update(signature=root)
    Story.objects.filter(pk__in=free).update(absorbed_by=None)


def _carry_dismissed_orphans(passage: Passage, roots: Sequence[int]) -> None:
    """Let what people dismissed follow its themes to where it makes up most of what is there."""
    waiting = Orphan.objects.filter(signature__in=roots, graduated_at__isnull=True)
    dismissed = {orphan.signature_id: orphan.pk for orphan in waiting.filter(dismissed_at__isnull=False)}
    for root, orphan in sorted(dismissed.items()):
        goal = passage.goal(root)
        if goal != root and passage.origin(goal) == root and goal not in dismissed:
            waiting.filter(signature=goal).delete()
            Orphan.objects.filter(pk=orphan).update(signature=goal)


def _take_back_candidates(run: Run, roots: Sequence[int]) -> None:
    """Delete the candidates nobody touched whose groups no longer pass the gates: settling makes orphans of them."""
    gate = get_profile(run.profile).gate
    members = settle.members_of(profile=run.profile, roots=roots, run=run)
    failing = [root for root in roots if members[root] and not judge(members[root], gate, run.as_of).is_story]
    untouched = Story.objects.filter(
        Story.UNTOUCHED,
        signature__in=failing,
        absorbed_by__isnull=True,
        absorbed__isnull=True,
        recurrences__isnull=True,
        handed_over_by__isnull=True,
    )
    Story.objects.filter(pk__in=list(untouched.values_list("pk", flat=True))).delete()
