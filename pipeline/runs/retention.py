"""What is kept no longer, by settings.KEEP: texts go for good, rows that only say what did not happen go whole.

Works in batches, each a short transaction; may run twice, and beside itself. What a live run works with stays.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session as LoginSession
from django.db import models, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from pipeline.models import (
    Batch,
    Call,
    CompanyUrl,
    ConversationVersion,
    Item,
    MergePass,
    Reassignment,
    Reservation,
    Run,
    Snapshot,
    Source,
    Theme,
    Upload,
)
from pipeline.review.deciding import deciding, lock
from pipeline.runs.erase import blank_versions, stand_in
from pipeline.runs.uploads import forget_old_uploads, old_upload_files
from pipeline.tasks import LongTask

BATCH = 1000

MOST = 500_000
"""Rows of one kind that are forgotten at once: their ids are held in memory. The next hour takes more."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of thing that is kept for a time.

    rows: what is over age, before a moment. forget: what becomes of those with these ids; returns of how many.
    """

    name: str
    keep: str
    rows: Callable[[datetime], QuerySet[Any]]
    forget: Callable[[Sequence[int], datetime], int]


def apply_retention(
    *, at: datetime, dry_run: bool = False, keep: Mapping[str, timedelta | None] = {}
) -> dict[str, int]:
    """Forget what is older than settings.KEEP, or `keep`, allows; return how many rows of each kind.

    Opens transactions, one for each batch. A dry run only counts.
    """
    lengths: Mapping[str, timedelta | None] = keep or settings.KEEP
    counts = {}
    for step in STEPS:
        length = lengths.get(step.keep)
        if length is None:
            continue
        before = at - length
        counts[step.name] = step.rows(before).count() if dry_run else sum(_batches(step, before, at))
    counts["uploaded files"] = old_upload_files(at) if dry_run else forget_old_uploads(at)
    over = LoginSession.objects.filter(expire_date__lt=at)
    counts["logins that ended"] = over.count() if dry_run else over.delete()[0]
    return counts


@shared_task(
    base=LongTask,
    name="pipeline.apply_retention",
    may_run_twice="what has been deleted is not found a second time",
)
def forget_what_is_old() -> dict[str, int]:
    """Forget what is older than settings.KEEP allows; return how many rows of each kind. Beat calls it every hour."""
    return apply_retention(at=timezone.now())


def _batches(step: Step, before: datetime, at: datetime) -> Iterator[int]:
    """Yield how many rows each batch forgot. All ids are asked for at once: each question looks at the whole table."""
    ids = list(step.rows(before).order_by("pk").values_list("pk", flat=True)[:MOST])
    for start in range(0, len(ids), BATCH):
        yield step.forget(ids[start : start + BATCH], at)


_IS_LIVE = Q(run__state__in=Run.LIVE)


# --- Texts --------------------------------------------------------------------------------------------------------


def _old_answers(before: datetime) -> QuerySet[Any]:
    return Call.objects.filter(answered_at__lt=before, erased_at__isnull=True).exclude(item__run__state__in=Run.LIVE)


def _forget_answers(ids: Sequence[int], at: datetime) -> int:
    forgotten = Call.objects.filter(pk__in=ids, erased_at__isnull=True)
    return forgotten.update(answer="", raw=b"", vectors=b"", vectors_hash="", request_hash="", erased_at=at)


def _old_messages(before: datetime) -> QuerySet[Any]:
    """Texts stored that long ago of conversations that began that long ago. Pages go by their snapshots."""
    in_use = Item.objects.filter(_IS_LIVE, version=OuterRef("pk"))
    return ConversationVersion.objects.filter(
        ~Exists(in_use), erased_at__isnull=True, stored_at__lt=before, conversation__occurred_at__lt=before,
        conversation__page__isnull=True,
    )  # fmt: skip


@transaction.atomic
def _forget_messages(ids: Sequence[int], at: datetime) -> int:
    return blank_versions(ids=ids, at=at, keeps_hash=True)


def _old_snapshots(before: datetime) -> QuerySet[Any]:
    """Those that are not what was seen last of their page."""
    is_current = CompanyUrl.objects.filter(snapshot=OuterRef("pk"))
    in_use = Item.objects.filter(_IS_LIVE, version=OuterRef("version"))
    return Snapshot.objects.filter(
        ~Exists(is_current), ~Exists(in_use), first_seen_at__lt=before, version__erased_at__isnull=True
    )


@transaction.atomic
def _forget_snapshots(ids: Sequence[int], at: datetime) -> int:
    found = list(Snapshot.objects.filter(pk__in=ids).order_by("pk"))
    for snapshot in found:  # a text that returns is seen for the first time again: its hash must not find this row
        Snapshot.objects.filter(pk=snapshot.pk).update(title="", content_hash=f"erased-{snapshot.pk}")
    return blank_versions(ids=[snapshot.version_id for snapshot in found], at=at, keeps_hash=False)


# --- Vectors ------------------------------------------------------------------------------------------------------


def _old_vectors(before: datetime) -> QuerySet[Any]:
    old = Theme.objects.filter(erased_at__isnull=True, run__first_finished_at__lt=before)
    return old.exclude(_IS_LIVE)


def _forget_vectors(ids: Sequence[int], at: datetime) -> int:
    """Hold the registry of one profile after the other, for as long as a batch takes."""
    mine = Theme.objects.filter(pk__in=ids, erased_at__isnull=True)
    count = 0
    for profile in sorted(set(mine.values_list("profile", flat=True))):
        with deciding(profile, None):
            themes = list(mine.filter(profile=profile).order_by("pk"))
            lock(theme.signature_id for theme in themes if theme.signature_id)
            stand_in(themes=themes, at=at, by_stand_ins=True)
            count += len(themes)
    return count


# --- The ledger ---------------------------------------------------------------------------------------------------

_IS_OVER = Q(state__in=[*Run.FINISHED, Run.State.FAILED, Run.State.LOST, Run.State.STOPPED])


def _old_skipped(before: datetime) -> QuerySet[Any]:
    """What a run did not read because nothing had changed: a nightly run notes that of each conversation there is."""
    over = Run.objects.filter(_IS_OVER, finished_at__lt=before).exclude(source__kind=Source.WEBSITES)
    return Item.objects.filter(state=Item.State.SKIPPED, run__in=over)


@transaction.atomic
def _forget_skipped(ids: Sequence[int], at: datetime) -> int:
    """Each run says how many of its rows went, so that its counts stay what they were."""
    runs = sorted(set(Item.objects.filter(pk__in=ids).values_list("run_id", flat=True)))
    held = Run.objects.select_for_update().filter(_IS_OVER, pk__in=runs).order_by("pk")  # a salvage that begins waits
    count = 0
    for run in held:
        skipped = Item.objects.filter(pk__in=ids, run=run, state=Item.State.SKIPPED)
        gone = int(skipped._raw_delete(skipped.db))  # nothing refers to a skipped item
        Run.objects.filter(pk=run.pk).update(removed_count=F("removed_count") + gone)
        count += gone
    return count


def _old_previews(before: datetime) -> QuerySet[Any]:
    return Run.objects.filter(is_preview=True, created_at__lt=before)


def _settled_batches(before: datetime) -> QuerySet[Any]:
    return Batch.objects.filter(settled_at__lt=before).exclude(_IS_LIVE)


def _dead_reservations(before: datetime) -> QuerySet[Any]:
    return Reservation.objects.filter(made_at__lt=before).exclude(budget__run__state__in=Run.LIVE)


def _old_moves(before: datetime) -> QuerySet[Any]:
    """Those of earlier passes: the newest pass of a profile is made again from its moves when a run is verified."""
    newest = MergePass.objects.values("profile").annotate(newest=Max("pk")).values("newest")
    return Reassignment.objects.filter(merge_pass__created_at__lt=before).exclude(merge_pass__in=newest)


def _old_rejects(before: datetime) -> QuerySet[Any]:
    return Upload.objects.filter(created_at__lt=before).exclude(rejects=[])


def _forget_rejects(ids: Sequence[int], at: datetime) -> int:
    return Upload.objects.filter(pk__in=ids).update(rejects=[])


def _delete(model: type[models.Model]) -> Callable[[Sequence[int], datetime], int]:
    """Return what deletes rows of a model, with what hangs on them."""

    def delete(ids: Sequence[int], at: datetime) -> int:
        return model._default_manager.filter(pk__in=ids).delete()[1].get(model._meta.label, 0)

    return delete


STEPS = (
    Step("raw answers", "answers", _old_answers, _forget_answers),
    Step("texts", "messages", _old_messages, _forget_messages),
    Step("snapshots", "snapshots", _old_snapshots, _forget_snapshots),
    Step("vectors", "vectors", _old_vectors, _forget_vectors),
    Step("skipped items", "ledger", _old_skipped, _forget_skipped),
    Step("dry runs", "ledger", _old_previews, _delete(Run)),
    Step("settled batches", "ledger", _settled_batches, _delete(Batch)),
    Step("reservations", "ledger", _dead_reservations, _delete(Reservation)),
    Step("moves of earlier passes", "moves", _old_moves, _delete(Reassignment)),
    Step("lists of rejected rows", "rejects", _old_rejects, _forget_rejects),
)
