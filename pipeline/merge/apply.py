"""Give each theme of a run its signature: compute on a frozen registry without a lock, apply in one transaction.

If the registry changed meanwhile, or somebody else applies, nothing is written and the work is done again.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from pipeline.merge import registry
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.records import Assignment, Centre, Registered, ThemeRow
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import Merge, Registry, Run, Signature, Theme
from pipeline.models.copy import copy_rows
from pipeline.models.refusal import Refusal

log = logging.getLogger(__name__)

BATCH = 1000

MOST_LOST = 3
"""Times that a merge computes in vain because people decided meanwhile. The next time it lets them wait instead: a
merge of many themes takes longer than people pause, and would never end."""


class MixedModels(Refusal):
    """Vectors of different models meet; they cannot be compared."""


def merge_themes(*, run: Run, following: str) -> bool:
    """Assign the run's unassigned themes and move the run to the phase `following`; say whether that was done.

    Computes without a lock, and again if the registry changed meanwhile; after MOST_LOST times it holds the registry.
    False: the run is no longer in this life and phase. Raises MixedModels. Idempotent: themes that have a signature
    keep it.
    """
    for _ in range(MOST_LOST):
        if _compute_and_apply(run, following):
            return True
        if not _unchanged(run).exists():
            return False
    log.info("run %s: the registry of %s changed %s times; decisions wait now", run.pk, run.profile, MOST_LOST)
    with transaction.atomic():
        Registry.objects.select_for_update().get(profile=run.profile)
        return _compute_and_apply(run, following)


def _compute_and_apply(run: Run, following: str) -> bool:
    """Assign on the registry as it is now. False: it or the run changed meanwhile; nothing was written."""
    frozen, _ = Registry.objects.get_or_create(profile=run.profile)
    model, themes = _unassigned(run)
    registered, decisions = _read_registry(run, model)
    if not _is_unchanged(frozen):
        return False
    assignment = assign(themes, registered, decisions)
    with transaction.atomic():
        if not _is_still_mine(run, frozen):
            return False
        version = frozen.version + 1
        apply_assignment(run=run, assignment=assignment, model=model, rules=NEWEST.version, version=version)
        Registry.objects.filter(pk=frozen.pk).update(version=version)
        Run.objects.filter(pk=run.pk).update(
            phase=following, advance_claimed_at=None, phase_count=0, heartbeat_at=timezone.now()
        )
    return True


def _unchanged(run: Run) -> QuerySet[Run]:
    """The run, if it still is in this life and phase."""
    return Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase, state=Run.State.RUNNING)


def refuse_other_model(*, profile: str, model: str) -> None:
    """Raise MixedModels if the profile's signatures have vectors of another model than this."""
    signatures = Signature.objects.filter(profile=profile, vector_sum__isnull=False)
    other = signatures.exclude(vector_model=model).values_list("vector_model", flat=True).first()
    if other:
        raise MixedModels(
            f"the signatures of profile {profile} have vectors of the model {other}, this extractor makes those of "
            f"{model}: they cannot be compared. Use one extractor for a profile."
        )


# --- Reading ------------------------------------------------------------------------------------------------------


def _unassigned(run: Run) -> tuple[str, Iterator[ThemeRow]]:
    """Return the model of the run's unassigned themes, "" if there are none, and the themes, read when asked for."""
    themes = Theme.objects.filter(run=run, signature__isnull=True)
    models = sorted(set(themes.values_list("vector_model", flat=True)))
    if len(models) > 1:
        raise MixedModels(f"run {run.pk} has vectors of {' and '.join(models)}; read it again with --force-refresh")
    rows = themes.values_list("id", "raw_signature", "summary", "vector").iterator(chunk_size=5000)
    return (models[0] if models else ""), (ThemeRow(pk, raw, text, bytes(vector)) for pk, raw, text, vector in rows)


def _read_registry(run: Run, model: str) -> tuple[Registered, Decisions]:
    if model:
        refuse_other_model(profile=run.profile, model=model)
    names = registry.forest(run.profile)
    unassigned = Theme.objects.filter(run=run, signature__isnull=True)
    decisions = registry.standing_decisions(names, run.profile, unassigned)
    return registry.registered(names, run.profile), decisions


def _is_unchanged(frozen: Registry) -> bool:
    """Whether what was read is of one moment: nobody decided or merged while it was read."""
    return Registry.objects.filter(pk=frozen.pk, version=frozen.version).exists()


# --- Applying -----------------------------------------------------------------------------------------------------


def _is_still_mine(run: Run, frozen: Registry) -> bool:
    """Lock the registry row and the run; False if either changed or somebody else holds the registry now."""
    registries = Registry.objects.select_for_update(skip_locked=True)
    if not registries.filter(pk=frozen.pk, version=frozen.version).exists():
        log.info("run %s: the registry of %s changed; computing again", run.pk, run.profile)
        return False
    return _unchanged(run).select_for_update().exists()


def apply_assignment(*, run: Run, assignment: Assignment, model: str, rules: str, version: int) -> None:
    """Write what these rules assigned as this version of the registry. Requires a transaction that holds it."""
    _lock_centres(run.profile, [centre.form for centre in assignment.centres])
    _register(run, assignment, model)
    forms = {merge.child for merge in assignment.merges} | {merge.parent for merge in assignment.merges}
    ids = _ids(run.profile, forms | {theme.form for theme in assignment.themes})
    _renew_centres(run.profile, assignment.centres)
    _record_merges(run, assignment, ids, model, rules, version)
    _assign_themes(assignment, ids, version)


def _lock_centres(profile: str, forms: Sequence[str]) -> None:
    """Lock the registered ones in the order in which groups are settled and people decide: none waits in a ring."""
    centres = Signature.objects.filter(profile=profile, normal_form__in=forms).order_by("pk")
    list(centres.select_for_update(no_key=True).values_list("pk"))


def _register(run: Run, assignment: Assignment, model: str) -> None:
    """Add the new names; those that nothing bears any more, or that a regroup let go, are there already."""
    forms = [new.form for new in assignment.signatures]
    empty = Signature.objects.filter(profile=run.profile, normal_form__in=forms, size=0)
    now, there = timezone.now(), set(empty.values_list("normal_form", flat=True))
    columns = ["profile", "key", "normal_form", "created_at", "created_run_id", "vector_model", "size"]
    new = ((one.key, one.form) for one in assignment.signatures if one.form not in there)
    copy_rows(Signature, columns, ((run.profile, *names, now, run.pk, model, 0) for names in new))


def _ids(profile: str, forms: set[str]) -> dict[str, int]:
    named = Signature.objects.filter(profile=profile, normal_form__in=forms)
    return dict(named.values_list("normal_form", "pk"))


_RENEW_CENTRES = """
UPDATE pipeline_signature signature SET vector_sum = centre.vector_sum, size = centre.size
FROM unnest(%s::text[], %s::bytea[], %s::int[]) AS centre (form, vector_sum, size)
WHERE signature.profile = %s AND signature.normal_form = centre.form
"""


def _renew_centres(profile: str, centres: Sequence[Centre]) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(centres), BATCH):
            rows = centres[start : start + BATCH]
            columns: list[Any] = [
                [row.form for row in rows],
                [row.vector_sum for row in rows],
                [row.size for row in rows],
            ]
            cursor.execute(_RENEW_CENTRES, [*columns, profile])


def _record_merges(run: Run, assignment: Assignment, ids: dict[str, int], model: str, rules: str, version: int) -> None:
    columns = ["child_id", "parent_id", "rule", "score", "reason"]
    rows = ((ids[new.child], ids[new.parent], new.rule, new.score, new.reason) for new in assignment.merges)
    columns += ["rule_version", "vector_model", "run_id", "registry_version", "created_at"]
    same = (rules, model, run.pk, version, timezone.now())
    copy_rows(Merge, columns, ((*row, *same) for row in rows))


_ASSIGN = """
UPDATE pipeline_theme theme
SET signature_id = assigned.signature, signature_rule = assigned.rule, signature_score = assigned.score,
    registry_version = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::float8[]) AS assigned (theme, signature, rule, score)
WHERE theme.id = assigned.theme
"""


def _assign_themes(assignment: Assignment, ids: dict[str, int], version: int) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(assignment.themes), BATCH * 5):
            rows = assignment.themes[start : start + BATCH * 5]
            columns = [[row.theme_id for row in rows], [ids[row.form] for row in rows]]
            cursor.execute(_ASSIGN, [version, *columns, [row.rule for row in rows], [row.score for row in rows]])
