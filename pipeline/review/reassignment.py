"""A run's themes taken out of the registry and assigned anew, in memory: what other rules would have made of them.

What people decided stays: themes of signatures that a standing decision names are not taken out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.extract.profiles import get_profile
from pipeline.group import settle
from pipeline.group.gates import Member, judge
from pipeline.merge import registry
from pipeline.merge.registry import Forest
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.records import Assignment, Centre, Registered, ThemeRow
from pipeline.models import Registry, Run, Signature, Theme
from pipeline.models.refusal import Refusal

Groups = Mapping[str, Sequence[Member]]
"""The current themes of each root, by the root's normal form."""


class NothingToReassign(Refusal):
    """The run has no themes that could be assigned anew; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Reassignment:
    """A run's themes beside the registry as it is without them.

    frozen: the registry row, with the version this was read at.
    model: of the themes' vectors.
    registered, decisions: what `assign` is given.
    names: the registry as it is, with the themes.
    released: names that only these themes bear: they may be given anew.
    signature_of: the signature of each theme, now.
    held: the signature of each of the run's themes that stay, because people decided about it.
    """

    run: Run
    frozen: Registry
    model: str
    themes: tuple[ThemeRow, ...]
    registered: Registered
    decisions: Decisions
    names: Forest
    released: frozenset[int]
    signature_of: Mapping[int, int]
    held: Mapping[int, int]

    @property
    def centres(self) -> set[int]:
        """Ids of the signatures in which the themes are counted now."""
        return {self.names.centre(signature) for signature in self.signature_of.values()}

    @property
    def roots(self) -> set[int]:
        """Ids of what the run's themes mean now, those that stay as well."""
        signatures = {*self.signature_of.values(), *self.held.values()}
        return {self.names.root(signature) for signature in signatures}


# --- Taking out ---------------------------------------------------------------------------------------------------


def take_out(run: Run) -> Reassignment:
    """Return the run's themes and the registry without them; nothing is written. Raises NothingToReplay."""
    if run.is_live:
        raise NothingToReassign(f"run {run.pk} is {run.state}: wait until it has ended, then try again.")
    frozen, _ = Registry.objects.get_or_create(profile=run.profile)
    names = registry.forest(run.profile)
    held = {names.centre(signature) for signature in registry.decided(run.profile)}
    rows, models, staying = _rows(run, names, held)
    if not rows:
        raise NothingToReassign(_why_nothing(run, len(staying)))
    signature_of = {row.id: signature for row, signature in rows}
    released = _released(run, names, set(signature_of.values()))
    decisions = registry.standing_decisions(names, run.profile, Theme.objects.filter(pk__in=list(signature_of)))
    return Reassignment(
        run=run,
        frozen=frozen,
        model=models.pop(),
        themes=tuple(row for row, _ in rows),
        registered=_without(registry.registered(names, run.profile), names, released, rows),
        decisions=decisions,
        names=names,
        released=released,
        signature_of=signature_of,
        held=staying,
    )


def _rows(run: Run, names: Forest, held: set[int]) -> tuple[list[tuple[ThemeRow, int]], set[str], dict[int, int]]:
    """Return the themes to be taken out with their signatures, their vectors' models, and the signatures of others."""
    rows, models, staying = [], set(), {}
    themes = Theme.objects.filter(run=run, signature__isnull=False).order_by("id")
    columns = themes.values_list("id", "raw_signature", "summary", "vector", "signature_id", "vector_model")
    for pk, raw, summary, vector, signature, model in columns.iterator(chunk_size=5000):
        if names.centre(signature) in held:
            staying[pk] = signature
        else:
            rows.append((ThemeRow(pk, raw, summary, bytes(vector)), signature))
            models.add(model)
    return rows, models, staying


def _why_nothing(run: Run, held: int) -> str:
    if held:
        return f"run {run.pk}: people decided about the signatures of all its {held} themes; undo a decision first."
    return f"run {run.pk} has no merged themes; `./manage.py run_status {run.pk}` shows what happened to it."


def _released(run: Run, names: Forest, signatures: Iterable[int]) -> frozenset[int]:
    """Return the names that nothing but the run's themes bears, nor any name that rules merged into them."""
    centres = {names.centre(signature) for signature in signatures}
    touched = {pk for pk in names.form_of if names.centre(pk) in centres}
    elsewhere = Theme.objects.filter(signature__in=touched).exclude(run=run).values_list("signature_id", flat=True)
    kept: set[int] = set()
    for signature in elsewhere.distinct():
        kept.update(_upwards(names, signature))
    return frozenset(touched - kept)


def _upwards(names: Forest, signature: int | None) -> Iterator[int]:
    while signature is not None:
        yield signature
        signature = names.by_rules.get(signature)


def _without(
    whole: Registered, names: Forest, released: frozenset[int], rows: Iterable[tuple[ThemeRow, int]]
) -> Registered:
    """Return the registry without the released names, and without the vectors of these themes."""
    lost: dict[str, list[bytes]] = defaultdict(list)
    for row, signature in rows:
        lost[names.form_of[names.centre(signature)]].append(row.vector)
    gone = {names.form_of[pk] for pk in released}
    return Registered(
        centres=tuple(
            _less(centre, lost[centre.form]) if centre.form in lost else centre
            for centre in whole.centres
            if centre.form not in gone
        ),
        centre_of={form: centre for form, centre in whole.centre_of.items() if form not in gone},
    )


def _less(centre: Centre, vectors: Sequence[bytes]) -> Centre:
    taken = np.frombuffer(b"".join(vectors), np.float32).reshape(len(vectors), -1)
    left = np.frombuffer(centre.vector_sum, np.float32) - taken.sum(axis=0, dtype=np.float64)
    return replace(centre, vector_sum=left.astype(np.float32).tobytes(), size=centre.size - len(vectors))


# --- Looking at what came of it -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scene:
    """All current themes that an assignment could concern: each with its root now, by normal form."""

    replay: Reassignment
    members: Sequence[tuple[str, Member]]

    def before(self) -> Groups:
        """Return the groups as they are."""
        return _grouped(self.members)

    def after(self, assignment: Assignment) -> Groups:
        """Return the groups as they would be."""
        anew = {theme.theme_id: theme for theme in assignment.themes}
        return _grouped(
            (assignment.root_of[found.form], replace(member, score=found.score))
            if (found := anew.get(member.theme_id))
            else (root, member)
            for root, member in self.members
        )

    def of_run(self, groups: Groups) -> Groups:
        """Return the groups that hold any of the run's themes."""
        mine = self.replay.signature_of.keys() | self.replay.held.keys()
        return {root: members for root, members in groups.items() if any(member.theme_id in mine for member in members)}


def scene(replay: Reassignment, assignments: Iterable[Assignment]) -> Scene:
    """Read the current themes of all roots that the themes mean now, or would mean."""
    id_of = {form: pk for pk, form in replay.names.form_of.items()}
    reached = {assignment.root_of[theme.form] for assignment in assignments for theme in assignment.themes}
    roots = sorted(replay.roots | {id_of[form] for form in reached if form in id_of})
    groups = settle.members_of(profile=replay.run.profile, roots=roots, run=replay.run)
    form_of = replay.names.form_of
    return Scene(replay, [(form_of[root], member) for root in roots for member in groups[root]])


def _grouped(members: Iterable[tuple[str, Member]]) -> dict[str, list[Member]]:
    groups: dict[str, list[Member]] = defaultdict(list)
    for root, member in members:
        groups[root].append(member)
    return groups


def stories_of(groups: Groups, run: Run) -> dict[str, int]:
    """Return the roots whose groups pass the profile's gates as of the run, with their conversations."""
    gate = get_profile(run.profile).gate
    return {
        root: len({member.conversation_id for member in members})
        for root, members in groups.items()
        if judge(members, gate, run.as_of).is_story
    }


def flows(before: Groups, after: Groups) -> Counter[tuple[str, str]]:
    """Return how many conversations of a group before are in a group after, by both roots."""
    root_of = {member.theme_id: root for root, members in after.items() for member in members}
    shared = {
        (root, root_of[member.theme_id], member.conversation_id)
        for root, members in before.items()
        for member in members
    }
    return Counter((one, other) for one, other, _ in shared)


def pairs(groups: Iterable[int]) -> int:
    """Return how many pairs of themes are together in groups of these sizes."""
    return sum(size * (size - 1) // 2 for size in groups)


def keys_of(replay: Reassignment, assignment: Assignment) -> dict[str, str]:
    """Return the readable name of each normal form, as it stands or as it would be registered."""
    known = Signature.objects.filter(profile=replay.run.profile).values_list("normal_form", "key")
    return {new.form: new.key for new in assignment.signatures} | dict(known)
