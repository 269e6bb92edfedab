"""How much of a source was read: so that nobody takes a part of it for the whole."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from pipeline.models import Run


@dataclass(frozen=True, slots=True)
class Coverage:
    """A source's conversations by what became of them under a profile, in finished runs and their newest reading.

    `unread` were never read: no run has chosen them yet. `first_at` and `last_at` span all of them.
    """

    conversations: int
    with_theme: int
    left_out: int
    failed: int
    unread: int
    first_at: datetime | None
    last_at: datetime | None

    @property
    def read_share(self) -> float:
        """The share, of 1, that was read, whatever was found."""
        return (self.with_theme + self.left_out) / self.conversations if self.conversations else 0.0


_COVERAGE = """
WITH newest AS (
    SELECT DISTINCT ON (item.conversation_id) item.conversation_id, item.state
    FROM pipeline_item item JOIN pipeline_run run ON run.id = item.run_id
    WHERE run.source_id = %(source)s AND run.profile = %(profile)s AND NOT run.is_preview
      AND item.state IN ('extracted', 'filtered', 'failed')
    ORDER BY item.conversation_id, item.id DESC
)
SELECT count(*), count(*) FILTER (WHERE newest.state = 'extracted'), count(*) FILTER (WHERE newest.state = 'filtered'),
       count(*) FILTER (WHERE newest.state = 'failed'), count(*) FILTER (WHERE newest.state IS NULL),
       min(conversation.occurred_at), max(conversation.occurred_at)
FROM pipeline_conversation conversation LEFT JOIN newest ON newest.conversation_id = conversation.id
WHERE conversation.source_id = %(source)s
"""


def coverage_of(run: Run) -> Coverage:
    """Return how much of a run's source was read under its profile until now; one question."""
    with connection.cursor() as cursor:
        cursor.execute(_COVERAGE, {"source": run.source_id, "profile": run.profile})
        return Coverage(*cursor.fetchone())
