"""Give each theme of a run its signature: compute on a frozen registry without a lock, apply in one transaction.

If the registry changed meanwhile, or somebody else applies, nothing is written and the work is done again.

Called by `advance` for a run (`merge_themes`), and by `review.regroup` for a whole profile (`read_scene`, the rules,
then `apply_assignment`). In: themes with raw signatures and vectors, the registry, people's decisions. Out: each
theme's signature with rule and score, new names, merges, what moved and why, and the next version of the registry. What
the rules decide is computed in `rules`, which knows no database; stories are made of it in `group`.
"""

import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from pipeline.ledger.current import current_themes
from pipeline.merge import registry
from pipeline.merge.counting import grow, recount
from pipeline.merge.registry import Names
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.due import Counted, is_due
from pipeline.merge.rules.grouping.vectors import MIN_STORY
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow
from pipeline.merge.rules.versions import NEWEST, Rules
from pipeline.models import Merge, MergePass, Reassignment, Registry, Run, Signature, Theme
from pipeline.models.copy import copy_rows, read_rows
from pipeline.models.signature import STANDING
from pipeline.models.theme import PASSED

log = logging.getLogger(__name__)

BATCH = 5000
"""Themes written by one statement."""

AT_ONCE = 20_000
"""Themes up to which a merge groups all of them again by itself, which takes some seconds; of more, a task does, unless
the run itself brought so many that joining would take longer."""

MUCH_OF_IT = 1 / 3
"""Share of all themes from which on a run brought so many."""

MOST_LOST = 3
"""Times that a merge computes in vain because people decided meanwhile. The next time it lets them wait instead: a
merge of many themes takes longer than people pause, and would never end."""


class MixedModels(Exception):
    """Vectors of different models meet; they cannot be compared."""


class RegistryChanged(Exception):
    """Somebody merged or decided while this was computed; nothing was written."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A profile at one version of its registry, as `assign` is given it.

    now: how many current themes and how many stories there are; new_count: how many themes have no signature yet.
    """

    frozen: Registry
    names: Names
    model: str
    themes: tuple[QuerySet[Theme], ...]
    now: Counted
    new_count: int
    registered: Registered
    decisions: Decisions

    @property
    def is_due(self) -> bool:
        """Whether all themes are to be grouped again."""
        return is_due(self.now, last_counted(self.frozen))

    def rows(self) -> Generator[ThemeRow, None, None]:
        """Read the themes; one by one, so that many fit into memory. Close it where it may not be read to its end."""
        form_of = self.names.form_of
        columns = ("id", "raw_signature", "summary", "vector", "signature_id")
        for themes in self.themes:
            for pk, raw, summary, vector, signature in read_rows(themes, columns):
                yield ThemeRow(pk, raw, summary, vector, form_of[signature] if signature else "")


# --- A run --------------------------------------------------------------------------------------------------------


def merge_themes(*, run: Run, following: str) -> bool:
    """Assign the run's unassigned themes and move the run to the phase `following`; say whether that was done.

    Computes without a lock, and again if the registry changed meanwhile; after MOST_LOST times it holds the registry.
    False: the run is no longer in this life and phase. Raises MixedModels. Idempotent: where nothing is left to assign,
    nothing is grouped.
    """
    for _ in range(MOST_LOST):
        if _compute_and_apply(run, following):
            return True
        # Tried in vain: if the run was stopped or taken over there is nothing to try again for.
        if not _unchanged(run).exists():
            return False
    # Holding the lock while computing breaks the rule that nothing long runs in a transaction, and is the only way to
    # end: see MOST_LOST. The compute reads and writes on this same connection, so its own lock does not stop it
    # (tests/races/test_decisions.py, test_a_merge_ends_though_people_never_stop_to_decide).
    log.info(
        "run %s: the registry of %s changed %s times; people's decisions now wait until the merge is done",
        run.pk,
        run.profile,
        MOST_LOST,
    )
    with transaction.atomic():
        Registry.objects.select_for_update().get(profile=run.profile)
        return _compute_and_apply(run, following)


def _compute_and_apply(run: Run, following: str) -> bool:
    """Assign on the registry as it is now. False: it or the run changed meanwhile; nothing was written."""
    scene = read_scene(profile=run.profile, run=run)
    # the scene is read by several statements; with another version by now it may be of two moments, and is thrown away
    if not is_unchanged(scene.frozen):
        return False
    assignment = None
    if scene.new_count:
        much = scene.new_count >= MUCH_OF_IT * scene.now.themes
        at_once = scene.is_due and (much or scene.now.themes <= AT_ONCE)
        with closing(scene.rows()) as rows:
            assignment = NEWEST.assign(rows, scene.registered, scene.decisions, consolidate=at_once)
    with transaction.atomic():
        # Names and phase change in one transaction: a crash between the two would merge again, on a registry that has
        # changed.
        if not _is_still_mine(run, scene.frozen):
            return False
        if assignment:
            reason = f"merge of run {run.pk}"
            apply_assignment(scene=scene, assignment=assignment, rules=NEWEST, reason=reason, run=run)
        Run.objects.filter(pk=run.pk).update(
            phase=following, advance_claimed_at=None, phase_count=0, heartbeat_at=timezone.now()
        )
    return True


def _unchanged(run: Run) -> QuerySet[Run]:
    """The run, if it still is in this life and phase."""
    return Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase, state=Run.State.RUNNING)


def _is_still_mine(run: Run, frozen: Registry) -> bool:
    """Lock the registry row and the run; False if either changed or somebody else holds the registry now."""
    # A locked row is skipped and not waited for: whoever holds it is changing the version, so what was computed is lost
    # anyway. The run is locked until the commit, so that a stop falls before these rows or after them.
    registries = Registry.objects.select_for_update(skip_locked=True)
    if not registries.filter(pk=frozen.pk, version=frozen.version).exists():
        log.info("run %s: the registry of %s changed; computing again", run.pk, run.profile)
        return False
    return _unchanged(run).select_for_update().exists()


def refuse_other_model(*, profile: str, model: str) -> None:
    """Raise MixedModels if the profile's signatures have vectors of another model than this."""
    signatures = Signature.objects.filter(profile=profile, vector_sum__isnull=False)
    other = signatures.exclude(vector_model=model).values_list("vector_model", flat=True).first()
    if other:
        raise MixedModels(
            f"the signatures of profile {profile} have vectors from the model {other}, but this extractor uses "
            f"{model}, and the two cannot be compared. Use one extractor per profile, or move the profile with "
            f"`./manage.py reembed {profile}`."
        )


# --- Reading ------------------------------------------------------------------------------------------------------


def read_scene(*, profile: str, run: Run | None = None, strict: bool | None = None) -> Scene:
    """Read what there is to group: all current themes, and those of the run that have no signature. Raises MixedModels.

    strict: whether the profile is to be strict from now on; None: as it is. What is read is of one moment if
    `is_unchanged` says so afterwards.
    """
    frozen, _ = Registry.objects.get_or_create(profile=profile)
    if strict is not None:
        frozen.strict = strict  # written by `apply_assignment`, with what comes of it
    themes = current_themes(profile, run)
    # those that the gate held back keep no signature (PASSED); a run that merges again only has left what it did not
    # assign
    new = Theme.objects.filter(PASSED, run=run, signature__isnull=True) if run else Theme.objects.none()
    model = _model_of(profile, new, run)
    names = registry.names_of_profile(profile)
    new_count = new.count()
    return Scene(
        frozen=frozen,
        names=names,
        model=model,
        themes=(themes, new),
        # current themes all have a signature, so nothing is counted twice
        now=Counted(themes.count() + new_count, count_stories(profile)),
        new_count=new_count,
        registered=replace(
            registry.registered(names, profile), model=model, hold=registry.hold_of(strict=frozen.strict)
        ),
        decisions=registry.standing_decisions(names, profile, themes, new),
    )


def _model_of(profile: str, new: QuerySet[Theme], run: Run | None) -> str:
    models = sorted(set(new.values_list("vector_model", flat=True)))
    if run and len(models) > 1:
        raise MixedModels(f"run {run.pk} has vectors from {' and '.join(models)}; read it again with --force-refresh")
    if models:
        refuse_other_model(profile=profile, model=models[0])
        return models[0]
    stored = Signature.objects.filter(profile=profile, size__gt=0).values_list("vector_model", flat=True)
    return stored.first() or ""


def count_stories(profile: str) -> int:
    """Return how many signatures of a profile have themes enough for a story."""
    return Signature.objects.filter(profile=profile, size__gte=MIN_STORY).count()


def last_counted(frozen: Registry) -> Counted:
    """Return what there was when all themes of a profile were last grouped again."""
    return Counted(frozen.consolidated_count, frozen.consolidated_stories)


def is_unchanged(frozen: Registry) -> bool:
    """Whether what was read is of one moment: nobody decided or merged while it was read."""
    return Registry.objects.filter(pk=frozen.pk, version=frozen.version).exists()


# --- Applying -----------------------------------------------------------------------------------------------------


def apply_assignment(
    *, scene: Scene, assignment: Assignment, rules: Rules, reason: str, run: Run | None = None, by: Any = None
) -> MergePass:
    """Write what these rules assigned as the next version of the registry, and return the record of the pass.

    Requires a transaction that holds the registry. What people see is settled afterwards.
    """
    profile, version = scene.frozen.profile, scene.frozen.version + 1
    done = MergePass(
        profile=profile,
        run=run,
        kind=MergePass.Kind.CONSOLIDATION if assignment.consolidated else MergePass.Kind.JOIN,
        rules=rules.version,
        strict=scene.frozen.strict,
        registry_version=version,
        theme_count=scene.now.themes,
        new_count=scene.new_count,
        moved_count=len(assignment.moved),
        reason=reason,
        created_at=timezone.now(),
        created_by=by,
    )
    # signatures before themes and merges, and by id: the order of `group.settle` and of people's decisions
    _lock(profile, assignment)
    done.save()
    _register(done, assignment, scene.model)
    # read after `_register`, so that the new names have ids, too
    ids = dict(Signature.objects.filter(profile=profile).values_list("normal_form", "pk"))
    # Old merges end before new ones are recorded: a name that goes elsewhere has both, and
    # one_standing_merge_per_signature holds after every statement.
    _end_merges(done, [ids[form] for form in assignment.unmerged])
    _record_merges(done, assignment, ids, scene.model)
    _assign_themes(done, assignment, ids)
    moved = ((done.pk, one.theme_id, ids[one.source], ids[one.target], one.reason) for one in assignment.moved)
    copy_rows(Reassignment, ["merge_pass_id", "theme_id", "source_id", "target_id", "reason"], moved)
    # Centres that only grew get the sum of what is new; the others are counted again from their rows, after these were
    # written. Counting all again would read every vector of each story that grew, for a run that brought ten themes.
    grow(profile, assignment.growths)
    recount(ids[form] for form in assignment.changed)
    consolidated = {}
    if assignment.consolidated:
        consolidated = {"consolidated_count": scene.now.themes, "consolidated_stories": count_stories(profile)}
    Registry.objects.filter(pk=profile).update(version=version, strict=scene.frozen.strict, **consolidated)
    return done


def _lock(profile: str, assignment: Assignment) -> None:
    """Lock what is there in the order in which groups are settled and people decide: none waits in a ring.

    tests/races/test_decisions.py, test_locks_on_signatures_are_taken_in_one_order. `no_key`, because foreign keys of
    new themes and evidence need not wait for this.
    """
    forms = {*assignment.changed, *(growth.form for growth in assignment.growths)}
    signatures = Signature.objects.filter(profile=profile, normal_form__in=forms).order_by("pk")
    list(signatures.select_for_update(no_key=True).values_list("pk"))


def _register(done: MergePass, assignment: Assignment, model: str) -> None:
    """Add the new names; those that nothing bears any more are there already."""
    forms = [new.form for new in assignment.signatures]
    # A free name (see `registry.free_names`) is not among those the rules saw, so they give it as a new one. Its row is
    # used again. The rows come sorted by name, so that two merges never insert the same names in opposite order
    # (tests/races/test_decisions.py).
    free = Signature.objects.filter(profile=done.profile, normal_form__in=forms, size=0)
    there = set(free.values_list("normal_form", flat=True))
    columns = ["profile", "key", "normal_form", "created_at", "created_run_id", "vector_model", "size"]
    new = ((one.key, one.form) for one in assignment.signatures if one.form not in there)
    copy_rows(Signature, columns, ((done.profile, *names, done.created_at, done.run_id, model, 0) for names in new))


def _end_merges(done: MergePass, children: list[int]) -> None:
    """End merges by rules that do not hold any more.

    The rules undo, no person: `undone_by` stays empty, or later merges would take it for a decision to keep apart.
    """
    merges = Merge.objects.filter(STANDING, child__in=children).exclude(rule=Merge.PERSON)
    merges.update(undone_at=done.created_at)


def _record_merges(done: MergePass, assignment: Assignment, ids: dict[str, int], model: str) -> None:
    columns = ["child_id", "parent_id", "rule", "score", "reason"]
    rows = ((ids[new.child], ids[new.parent], new.rule, new.score, new.reason) for new in assignment.merges)
    columns += ["rule_version", "vector_model", "run_id", "registry_version", "created_at"]
    same = (done.rules, model, done.run_id, done.registry_version, done.created_at)
    copy_rows(Merge, columns, ((*row, *same) for row in rows))


# A consolidation assigns all themes, of which most stay as they are: those rows are not written, or every consolidation
# would rewrite the table. The version is that of the change that brought the theme to its signature, so it stays where
# only the score is another.
_ASSIGN = """
UPDATE pipeline_theme theme
SET signature_id = assigned.signature, signature_rule = assigned.rule, signature_score = assigned.score,
    registry_version = CASE WHEN theme.signature_id = assigned.signature THEN theme.registry_version ELSE %s END
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::float8[]) AS assigned (theme, signature, rule, score)
WHERE theme.id = assigned.theme
    AND (theme.signature_id, theme.signature_rule, theme.signature_score)
        IS DISTINCT FROM (assigned.signature, assigned.rule, assigned.score)
"""


def _assign_themes(done: MergePass, assignment: Assignment, ids: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(assignment.themes), BATCH):
            rows = assignment.themes[start : start + BATCH]
            columns = [[row.theme_id for row in rows], [ids[row.form] for row in rows]]
            rules, scores = [row.rule for row in rows], [row.score for row in rows]
            cursor.execute(_ASSIGN, [done.registry_version, *columns, rules, scores])
