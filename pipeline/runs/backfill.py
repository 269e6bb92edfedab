"""Attach conversations that another system classified, and that no run planned, to the run they belong to."""

from dataclasses import asdict, dataclass

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from pipeline.models import Conversation, Run

LISTED = 20
"""How many of the conversations that are left are listed."""


@dataclass(frozen=True, slots=True)
class Left:
    """A classified conversation for which there is no run; `classified_at` in ISO format."""

    source: str
    external_id: str
    classified_at: str


@dataclass(frozen=True, slots=True)
class Backfill:
    """What was done, or would be done. The unit is conversations.

    `without_run` counts before and after those without a first run; `by_run` says how many each run got.
    """

    conversations: int
    without_run_before: int
    without_run_after: int
    by_run: dict[int, int]
    left_count: int
    left: tuple[Left, ...]

    @property
    def attached(self) -> int:
        return sum(self.by_run.values())

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


# A span begins with the run and ends when it first finished, both ends included: what is salvaged later does not move
# it. Until then it ends with the run's last life; that of a live run is open. Of several that hold the moment it is the
# run that began last. A run that was never planned and a dry run read nothing.
_RUN = """
SELECT run.id FROM pipeline_run run
WHERE run.source_id = conversation.source_id AND NOT run.is_preview AND run.phase <> 'plan'
  AND run.created_at <= conversation.classified_at
ORDER BY conversation.classified_at <= coalesce(run.first_finished_at, run.finished_at, 'infinity') DESC,
         run.created_at DESC, run.id DESC
LIMIT 1
"""
_WAITING = "conversation.classified_at IS NOT NULL AND conversation.first_run_id IS NULL"

_WOULD_ATTACH = f"""
SELECT run_id, count(*) FROM (
    SELECT ({_RUN}) AS run_id FROM pipeline_conversation conversation WHERE {_WAITING}
) found WHERE run_id IS NOT NULL GROUP BY run_id ORDER BY run_id
"""

# Locked in the order in which an import and a plan lock them (`plan.FIRST_RUN`), so that none waits for another in a
# circle; who set the column meanwhile keeps it. The database looks at a locked row again before it gives it out.
_ATTACH = f"""
WITH waiting AS (
    SELECT conversation.id, conversation.source_id, conversation.classified_at FROM pipeline_conversation conversation
    WHERE {_WAITING} ORDER BY conversation.external_id, conversation.source_id FOR NO KEY UPDATE
), attached AS (
    UPDATE pipeline_conversation SET first_run_id = chosen.run_id
    FROM (SELECT conversation.id, ({_RUN}) AS run_id FROM waiting conversation) chosen
    WHERE pipeline_conversation.id = chosen.id AND chosen.run_id IS NOT NULL
      AND pipeline_conversation.first_run_id IS NULL
    RETURNING first_run_id
)
SELECT first_run_id, count(*) FROM attached GROUP BY first_run_id ORDER BY first_run_id
"""


def backfill_runs(*, dry_run: bool = False) -> Backfill:
    """Give each classified conversation without a run the run whose time span holds that moment, as `first_run`.

    If none does, the newest run of its source that started before; if there is none, it is left. One statement; no
    items are made, and doing it twice changes nothing more. A dry run only says what would be done.
    """
    unattached = Conversation.objects.filter(first_run__isnull=True)
    before = unattached.count()
    with connection.cursor() as cursor:
        cursor.execute(_WOULD_ATTACH if dry_run else _ATTACH)
        by_run = dict(cursor.fetchall())
    left = _without_any_run().order_by("source", "external_id").select_related("source")
    return Backfill(
        conversations=Conversation.objects.count(),
        without_run_before=before,
        without_run_after=before - sum(by_run.values()) if dry_run else unattached.count(),
        by_run=by_run,
        left_count=left.count(),
        left=tuple(_left(conversation) for conversation in left[:LISTED]),
    )


def _without_any_run() -> QuerySet[Conversation]:
    """Classified conversations whose source had no run yet."""
    planned = Run.objects.filter(source=OuterRef("source"), is_preview=False).exclude(phase=Run.Phase.PLAN)
    begun = planned.filter(created_at__lte=OuterRef("classified_at"))
    return Conversation.objects.filter(~Exists(begun), classified_at__isnull=False, first_run__isnull=True)


def _left(conversation: Conversation) -> Left:
    classified_at = conversation.classified_at.isoformat() if conversation.classified_at else ""
    return Left(str(conversation.source), conversation.external_id, classified_at)
