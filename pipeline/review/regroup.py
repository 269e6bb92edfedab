"""Group all themes of a profile again: look at the difference first, then apply it.

A consolidation: what it finds depends on all current themes and on what people decided, and not on the order in which
runs brought them. Signatures and their stories are recognised by the themes they share with what stood.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from pipeline.extract.profiles import get_profile
from pipeline.group import current, naming, settle, titling
from pipeline.group.carry import carry, roots_of_passes, roots_scored_by
from pipeline.group.gates import Member, judge
from pipeline.group.lineage import Change, changes
from pipeline.ledger.current import current_themes
from pipeline.merge.apply import (
    RegistryChanged,
    Scene,
    apply_assignment,
    count_stories,
    is_unchanged,
    last_counted,
    read_scene,
)
from pipeline.merge.rules import due
from pipeline.merge.rules.due import Counted
from pipeline.merge.rules.records import Assignment
from pipeline.merge.rules.versions import NEWEST, Rules
from pipeline.models import MergePass, Registry, Signature
from pipeline.models.refusal import Refusal
from pipeline.review.deciding import as_of

REASON = "much has changed since all themes were last grouped"

Groups = Mapping[str, Sequence[Member]]
"""The current themes of each root, by the root's normal form."""


class NothingToRegroup(Refusal):
    """The profile has no themes."""


@dataclass(frozen=True, slots=True)
class Side:
    """What the themes mean: distinct signatures, and which of the groups they are in are stories."""

    signatures: int
    stories: int
    orphans: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What grouping everything again changes; pairs are pairs of themes, sizes are conversations.

    strict: whether loosely fitting conversations stay outside. themes: how many were looked at; moved: how many go to
    another signature. changes: what becomes of each story.
    """

    profile: str
    rules: str
    strict: bool
    themes: int
    moved: int
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

    scene: Scene
    rules: Rules
    assignment: Assignment
    difference: Difference


# --- Looking ------------------------------------------------------------------------------------------------------


def plan_regroup(*, profile: str, rules: Rules = NEWEST, strict: bool | None = None) -> Plan:
    """Compute what these rules make of all current themes; nothing is written. Raises NothingToRegroup.

    strict: whether the profile is to be strict from then on; None: as it is.
    """
    scene = read_scene(profile=profile, strict=strict)
    if not scene.now.themes:
        raise NothingToRegroup(f"profile {profile} has no themes with a signature yet; run it on a source first.")
    with closing(scene.rows()) as rows:
        assignment = rules.assign(rows, scene.registered, scene.decisions, consolidate=True)
    # Read after the scene, in other statements: the check below says whether both are of one moment.
    before, after = groups_before_and_after(scene, assignment)
    if not is_unchanged(scene.frozen):
        raise RegistryChanged(
            f"a run or another person changed signatures of profile {profile} at the same time. Try again."
        )
    joined, split = _pairs_changed(before, after)
    now = as_of(profile)
    sides = [stories_of(groups, profile, now) for groups in (before, after)]
    keys = keys_of(profile, assignment)
    flows = {(keys[one], keys[other]): count for (one, other), count in _flows(before, after).items()}
    sizes = [{keys[root]: size for root, size in stories.items()} for stories in sides]
    difference = Difference(
        profile=profile,
        rules=rules.version,
        strict=scene.frozen.strict,
        themes=scene.now.themes,
        moved=len(assignment.moved),
        pairs_joined=joined,
        pairs_split=split,
        before=Side(len(before), len(sides[0]), len(before) - len(sides[0])),
        after=Side(len(after), len(sides[1]), len(after) - len(sides[1])),
        changes=tuple(changes(sizes[0], sizes[1], flows, flows)),
    )
    return Plan(scene, rules, assignment, difference)


def groups_before_and_after(scene: Scene, assignment: Assignment) -> tuple[Groups, Groups]:
    """Return the current themes by what they mean, and by what an assignment says they mean."""
    names, scores = scene.names, {theme.theme_id: theme.score for theme in assignment.themes}
    before: dict[str, list[Member]] = defaultdict(list)
    after: dict[str, list[Member]] = defaultdict(list)
    for signature, member in current.members(current_themes(scene.frozen.profile)):
        if signature in names.form_of and member.theme_id in assignment.groups:
            before[names.form_of[names.root(signature)]].append(member)
            moved = replace(member, score=scores.get(member.theme_id, member.score))
            after[scene.decisions.root(assignment.groups[member.theme_id])].append(moved)
    return before, after


def stories_of(groups: Groups, profile: str, now: datetime | None) -> dict[str, int]:
    """Return the roots whose groups pass the profile's gates as of then, with their conversations."""
    gate = get_profile(profile).gate
    return {
        root: len({member.conversation_id for member in members})
        for root, members in groups.items()
        if judge(members, gate, now).is_story
    }


def _flows(before: Groups, after: Groups) -> Counter[tuple[str, str]]:
    """Return how many conversations of a group before are in a group after, by both roots."""
    root_of = {member.theme_id: root for root, members in after.items() for member in members}
    shared = {
        (root, root_of[member.theme_id], member.conversation_id)
        for root, members in before.items()
        for member in members
    }
    return Counter((one, other) for one, other, _ in shared)


def _pairs_changed(before: Groups, after: Groups) -> tuple[int, int]:
    """Return how many pairs of themes are joined and how many are split."""
    root_of = {member.theme_id: root for root, members in after.items() for member in members}
    cells = Counter((root, root_of[member.theme_id]) for root, members in before.items() for member in members)
    both = _pairs(cells.values())
    return (
        _pairs(len(members) for members in after.values()) - both,
        _pairs(len(members) for members in before.values()) - both,
    )


def _pairs(groups: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in groups)


def keys_of(profile: str, assignment: Assignment) -> dict[str, str]:
    """Return the readable name of each normal form, as it stands or as it would be registered."""
    known = Signature.objects.filter(profile=profile).values_list("normal_form", "key")
    return {new.form: new.key for new in assignment.signatures} | dict(known)


# --- Applying -----------------------------------------------------------------------------------------------------


def regroup(*, plan: Plan, reason: str, by: Any = None) -> MergePass:
    """Write what was planned, and return the record of the pass. Opens one transaction that holds the registry.

    Stories and orphans are settled in it. Raises RegistryChanged if the registry is not the one the plan was made on.
    """
    profile = plan.scene.frozen.profile
    with transaction.atomic():
        _hold_registry(plan.scene.frozen)
        done = apply_assignment(scene=plan.scene, assignment=plan.assignment, rules=plan.rules, reason=reason, by=by)
        # as in `group.settle.settle_run`: stories go along with their themes before what is left is settled
        carry(passes=[done], roots=roots_of_passes([done]), run=None, profile=profile)
        roots = roots_scored_by([done])
        for start in range(0, len(roots), settle.BATCH):
            batch = roots[start : start + settle.BATCH]
            settle.settle(profile=profile, as_of=as_of(profile), roots=batch)
    settle.point_to_nearest_stories(profile=profile, roots=roots)
    titling.title_stories(profile=profile, roots=roots)
    naming.name_signatures(profile=profile)
    return done


def _hold_registry(frozen: Registry) -> None:
    """Lock the registry; RegistryChanged if it is not as it was."""
    if not Registry.objects.select_for_update().filter(pk=frozen.pk, version=frozen.version).exists():
        raise RegistryChanged(
            f"a run or another person changed signatures of profile {frozen.pk} at the same time; nothing was "
            "written. Try again."
        )


def is_due(profile: str) -> bool:
    """Whether so much has changed since all themes were last grouped together that it is time to do so again."""
    registry = Registry.objects.filter(pk=profile).first()
    now = Counted(current_themes(profile).count(), count_stories(profile))
    return registry is not None and due.is_due(now, last_counted(registry))


def consolidate(*, profile: str) -> MergePass | None:
    """Group all themes of a profile again if that is due; return the record. None: not due, or somebody decided."""
    if not is_due(profile):
        return None
    try:
        return regroup(plan=plan_regroup(profile=profile), reason=REASON)
    except RegistryChanged:
        return None  # it is still due, and the next run of the profile asks again
