"""How stories grow over time, and which of them grew or went quiet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet, Value
from django.utils import timezone

from pipeline.models import Run, Story
from pipeline.reports.summary import quotes_of, with_sizes

WEEKS = 12
"""That are looked at, counted back from the newest conversation."""

PERIOD = 4
"""Weeks that are compared with as many before them."""

FEW = 3
"""Conversations in a period below which nothing is called growing or quiet: chance moves small numbers."""

_WEEKLY = """
SELECT evidence.story_id, floor(extract(epoch FROM %(until)s - conversation.occurred_at) / 604800)::int, count(*)
FROM pipeline_storyevidence evidence
JOIN pipeline_conversation conversation ON conversation.id = evidence.conversation_id
WHERE evidence.story_id = ANY(%(stories)s) AND conversation.occurred_at <= %(until)s
  AND conversation.occurred_at > %(until)s - make_interval(weeks => %(weeks)s)
GROUP BY 1, 2
"""


def newest_moment() -> datetime:
    """Return up to when trends are counted: the newest moment that finished runs count recency from, or now."""
    finished = Run.objects.filter(state__in=Run.FINISHED, is_preview=False)
    newest: datetime | None = finished.aggregate(newest=Max("as_of"))["newest"]
    return newest or timezone.now()


def weekly(stories: Sequence[int], until: datetime, weeks: int = WEEKS) -> dict[int, list[int]]:
    """Return for each of these stories its conversations in each of the last weeks, the oldest first. One question."""
    found = {story: [0] * weeks for story in stories}
    with connection.cursor() as cursor:
        cursor.execute(_WEEKLY, {"until": until, "stories": list(stories), "weeks": weeks})
        for story, ago, count in cursor.fetchall():
            found[story][weeks - 1 - max(ago, 0)] = count
    return found


def week_ends(until: datetime, weeks: int = WEEKS) -> list[datetime]:
    """Return the moment each of the last weeks ended, the oldest first."""
    return [until - timedelta(weeks=ago) for ago in reversed(range(weeks))]


@dataclass(frozen=True, slots=True)
class StoryRow:
    """A story in a list: its size, its weeks (the oldest first), one quote, and what came since a last visit."""

    story: Story
    conversations: int
    customers: int
    first_at: datetime | None
    last_at: datetime | None
    weeks: list[int] = field(default_factory=list)
    quote: str = ""
    came: int = 0
    is_new: bool = False

    @property
    def recent(self) -> int:
        """Conversations of the last period."""
        return sum(self.weeks[-PERIOD:])

    @property
    def before(self) -> int:
        """Conversations of the period before."""
        return sum(self.weeks[-2 * PERIOD : -PERIOD])

    @property
    def is_growing(self) -> bool:
        return is_growing(self.recent, self.before)

    @property
    def is_quiet(self) -> bool:
        return is_quiet(self.recent, self.before)

    @property
    def change(self) -> str:
        """The last period against the one before, in words."""
        return change_in_words(self.recent, self.before)


def is_growing(recent: int, before: int) -> bool:
    """Whether a period has half as many again as the one before, and enough of them to mean something."""
    return recent >= FEW and 2 * recent >= 3 * before


def is_quiet(recent: int, before: int) -> bool:
    """Whether nothing came in a period though enough did in the one before."""
    return recent == 0 and before >= FEW


def change_in_words(recent: int, before: int) -> str:
    """Return how a period stands to the one before: +9, -3, or the same."""
    return f"{recent - before:+d}" if recent != before else "no change"


def story_rows(
    stories: Sequence[Story], *, until: datetime, since: datetime | None = None, with_quotes: bool = True
) -> list[StoryRow]:
    """Return the rows of these stories, in their order; two or three questions for any number of them."""
    found = Story.objects.filter(pk__in=[story.pk for story in stories])
    return _rows(stories, _sized(found, since) if stories else {}, until, since, with_quotes)


def rows_of(ids: Sequence[int], *, until: datetime, since: datetime | None = None) -> dict[int, StoryRow]:
    """Return the rows of the stories with these ids that are there; three questions."""
    sized = _sized(Story.objects.filter(pk__in=ids).select_related("owner"), since) if ids else {}
    rows = _rows(list(sized.values()), sized, until, since, with_quotes=True)
    return {row.story.pk: row for row in rows}


def _sized(stories: QuerySet[Story], since: datetime | None) -> dict[int, Story]:
    """Return the stories by id, with their sizes and `came`: conversations that runs finished since then added."""
    is_later = Q(evidence__run__first_finished_at__gt=since)
    came = Count("evidence", filter=is_later, distinct=True) if since else Value(0)
    return {story.pk: story for story in with_sizes(stories).annotate(came=came).order_by()}


def _rows(
    stories: Sequence[Story],
    sized: Mapping[int, Story],
    until: datetime,
    since: datetime | None,
    with_quotes: bool,
) -> list[StoryRow]:
    ids = [story.pk for story in stories]
    quotes = quotes_of(stories) if with_quotes else {}
    weeks = weekly(ids, until)
    rows = []
    for story in stories:
        size: object = sized.get(story.pk)
        rows.append(
            StoryRow(
                story=story,
                conversations=getattr(size, "conversations", 0),
                customers=getattr(size, "customers", 0),
                first_at=getattr(size, "first_at", None),
                last_at=getattr(size, "last_at", None),
                weeks=weeks[story.pk],
                quote=quotes.get(story.pk, ""),
                came=getattr(size, "came", 0),
                is_new=since is not None and story.created_at > since,
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class Now:
    """Home in numbers: conversations of the last week and of the week before, approved stories that nobody owns, and
    since a visit: conversations read, stories that are new, stories that grew.
    """

    last_week: int
    week_before: int
    without_owner: int
    read: int
    new: int
    grown: int


_NOW = """
SELECT count(*) FILTER (WHERE occurred_at > %(until)s - interval '7 days'),
       count(*) FILTER (WHERE occurred_at <= %(until)s - interval '7 days'),
       (SELECT count(*) FROM pipeline_story
        WHERE absorbed_by_id IS NULL AND owner_id IS NULL AND status IN ('approved', 'in_progress')),
       (SELECT count(*) FROM pipeline_item item JOIN pipeline_run run ON run.id = item.run_id
        WHERE run.first_finished_at > %(since)s AND item.state IN ('extracted', 'filtered')),
       (SELECT count(*) FROM pipeline_story WHERE created_at > %(since)s AND absorbed_by_id IS NULL),
       (SELECT count(DISTINCT evidence.story_id) FROM pipeline_storyevidence evidence
        JOIN pipeline_run run ON run.id = evidence.run_id JOIN pipeline_story story ON story.id = evidence.story_id
        WHERE run.first_finished_at > %(since)s AND story.created_at <= %(since)s AND story.status <> 'dismissed')
FROM pipeline_conversation WHERE occurred_at > %(until)s - interval '14 days' AND occurred_at <= %(until)s
"""


def counts_now(until: datetime, since: datetime | None) -> Now:
    """Return the numbers of Home; those since a visit are 0 without one. One question."""
    with connection.cursor() as cursor:
        # nothing came after `infinity`: on a first visit these counts are 0, and cost nothing
        cursor.execute(_NOW, {"until": until, "since": since or "infinity"})
        return Now(*cursor.fetchone())


_MOVING = """
SELECT story_id, recent, before FROM (
    SELECT evidence.story_id,
           count(*) FILTER (WHERE conversation.occurred_at > %(until)s - %(period)s) AS recent,
           count(*) FILTER (WHERE conversation.occurred_at <= %(until)s - %(period)s) AS before
    FROM pipeline_conversation conversation
    JOIN pipeline_storyevidence evidence ON conversation.id = evidence.conversation_id
    JOIN pipeline_story story ON story.id = evidence.story_id
    WHERE conversation.occurred_at > %(until)s - 2 * %(period)s AND conversation.occurred_at <= %(until)s
      AND story.absorbed_by_id IS NULL AND story.status IN ('candidate', 'approved', 'in_progress')
    GROUP BY evidence.story_id
) AS counted
WHERE recent >= %(few)s AND 2 * recent >= 3 * before OR recent = 0 AND before >= %(few)s
"""


def moving(until: datetime) -> tuple[list[int], list[int]]:
    """Return the open stories that grow, those that grow most first, and those that went quiet. One question."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"until": until, "period": timedelta(weeks=PERIOD), "few": FEW}
        cursor.execute(_MOVING, values)
        found = cursor.fetchall()
    growing = sorted((before - recent, story) for story, recent, before in found if recent)
    quiet = sorted((-before, story) for story, recent, before in found if not recent)
    return [story for _, story in growing], [story for _, story in quiet]
