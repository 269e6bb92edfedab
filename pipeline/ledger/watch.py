"""Looking after live runs: heartbeats, runs that wait their turn, chunks that must be sent again."""

from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from pipeline.ledger.claims import stale_before
from pipeline.ledger.counts import find_run, unfinished_items
from pipeline.ledger.errors import RunError as RunError
from pipeline.ledger.states import end_run
from pipeline.models import Item, Run


def silence_message() -> str:
    """Say why a run that sent no heartbeat is lost."""
    return f"no heartbeat for more than {settings.RUN_LOST_AFTER} s"


def touch_heartbeat(*, run_id: int) -> None:
    """Send a heartbeat."""
    Run.objects.filter(pk=run_id, state__in=Run.LIVE).update(heartbeat_at=timezone.now())


def is_waiting_its_turn(run: Run) -> bool:
    """Whether nobody reads this run's items because the workers read another run's just now."""
    if run.phase != Run.Phase.EXTRACT or run.state != Run.State.RUNNING:
        return False
    unfinished = unfinished_items(run)
    if not unfinished.exists() or unfinished.filter(state=Item.State.READING).exists():
        return False
    return Item.objects.filter(state=Item.State.READING, claimed_at__gte=stale_before()).exists()


def lose_if_silent(*, run_id: int) -> bool:
    """Mark a live run lost if it sent no heartbeat for RUN_LOST_AFTER, though it was sent out again; say whether.

    Silence alone is not enough: after a night in which nobody looked after any run, it is first sent out again, and is
    lost only when that moves nothing for CLAIM_TIMEOUT. A run that died while it was planned cannot be sent out.
    """
    # A dispatch sets both times alike and every sign of life renews the heartbeat: sent later than that means sent
    # again since, and nothing came of it.
    sent_in_vain = Q(dispatched_at__gt=F("heartbeat_at"), dispatched_at__lte=stale_before())
    silent_since = timezone.now() - timedelta(seconds=settings.RUN_LOST_AFTER)
    hopeless = Q(heartbeat_at__lte=silent_since) & (sent_in_vain | Q(phase=Run.Phase.PLAN))
    return end_run(find_run(run_id), Run.State.LOST, silence_message(), hopeless)


def chunks_to_send_again(*, run: Run) -> list[int]:
    """Return the chunks whose messages or workers are gone, and note that they are sent now; empty when all is well.

    A chunk is sent again when its claims are stale, or when it waits and nothing of the run moved for CLAIM_TIMEOUT:
    sending one that was only queued is harmless, for the second message finds nothing to claim.
    """
    if run.phase != Run.Phase.EXTRACT:
        return []
    stale = stale_before()
    moving = Q(state=Item.State.READING, claimed_at__gte=stale) | Q(finished_at__gte=stale)
    abandoned = Q(state=Item.State.READING, claimed_at__lt=stale)
    # While anything moves, waiting chunks are queued behind it; once nothing does, their messages may be gone with
    # Redis.
    if not run.items.filter(moving).exists():
        abandoned |= Q(state=Item.State.PENDING)
    chunks = list(unfinished_items(run).filter(abandoned).values_list("chunk", flat=True).distinct())
    if not chunks:
        return []
    # A guarded update, for beat and a waiting command look after the same run: one of them sends, and once in
    # CLAIM_TIMEOUT at most.
    due = Run.objects.filter(Q(dispatched_at__isnull=True) | Q(dispatched_at__lt=stale), pk=run.pk, epoch=run.epoch)
    return sorted(chunks) if due.update(dispatched_at=timezone.now()) else []


def is_ready_to_advance(run: Run) -> bool:
    """Whether a phase of a running run is over or waits for somebody: nobody who shows signs of life is at it."""
    if run.phase == Run.Phase.EXTRACT:
        return not unfinished_items(run).exists()
    return run.advance_claimed_at is None or run.advance_claimed_at < stale_before()
