"""What a story's page tells beyond its numbers: who is behind it, its typical quotes, and what happened to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Min, Prefetch, Q, QuerySet

from pipeline.merge.forest import leaves_of
from pipeline.models import (
    Change,
    Comment,
    Decision,
    Evidence,
    Hold,
    Merge,
    Move,
    Rename,
    Split,
    Story,
    StoryEvidence,
    Veto,
)
from pipeline.models.wording import counted, words
from pipeline.reports.trends import PERIOD

MOST_KEYS, MOST_VALUES = 6, 5
"""Metadata keys that are told of a story, and values of each."""

MOST_EVENTS = 60


def typical_evidence(story: Story) -> QuerySet[StoryEvidence]:
    """The story's conversations, those nearest to its middle first, with their themes and quotes; no vectors."""
    rows = story.evidence.select_related("conversation", "theme", "run").defer("theme__vector")
    quotes = Prefetch("theme__evidence", Evidence.objects.select_related("version").order_by("start"))
    return rows.order_by(F("theme__signature_score").desc(nulls_last=True), "id").prefetch_related(quotes)


@dataclass(frozen=True, slots=True)
class Share:
    """How large a part of all conversations of a period a story is, and of the period before; None without any."""

    now: float | None
    before: float | None


def share_of(recent: int, before: int, until: datetime) -> Share:
    """Return the shares of a story with so many conversations in the last period and the one before. One question."""
    values: dict[str, Any] = {"until": until, "period": timedelta(weeks=PERIOD)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE occurred_at > %(until)s - %(period)s), count(*) FROM pipeline_conversation"
            " WHERE occurred_at > %(until)s - 2 * %(period)s AND occurred_at <= %(until)s",
            values,
        )
        now, both = cursor.fetchone()
    return Share(recent / now if now else None, before / (both - now) if both > now else None)


# --- Who ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """The commonest values of one key of the conversations, each with how many conversations have it."""

    name: str
    key: str
    values: list[tuple[str, int]]
    more: int = 0


_METADATA = """
SELECT key, value, count(*) AS number, sum(count(*)) OVER (PARTITION BY key) AS of_key
FROM pipeline_storyevidence evidence
JOIN pipeline_conversation conversation ON conversation.id = evidence.conversation_id,
     jsonb_each(conversation.metadata) AS pair (key, held), LATERAL (SELECT left(held #>> '{}', 120)) AS text (value)
WHERE evidence.story_id = %s AND jsonb_typeof(conversation.metadata) = 'object'
  AND jsonb_typeof(held) IN ('string', 'number', 'boolean') AND held #>> '{}' <> ''
GROUP BY key, value
"""


def who(story: Story) -> list[Group]:
    """Return the customers with most conversations of the story, then what its metadata says. Two questions.

    A key whose values hardly repeat (an id, a time) tells nothing about a group and is left out.
    """
    customers = (
        story.evidence.exclude(conversation__customer="").order_by().values_list("conversation__customer")
        .annotate(number=Count("id")).order_by("-number", "conversation__customer")
    )  # fmt: skip
    named = list(customers[: MOST_VALUES + 1])
    groups = [Group("Customers", "customer", named[:MOST_VALUES], max(len(named) - MOST_VALUES, 0))] if named else []
    with connection.cursor() as cursor:
        cursor.execute(_METADATA, [story.pk])
        found: dict[str, list[tuple[int, str, int]]] = {}
        for key, value, number, of_key in cursor.fetchall():
            found.setdefault(key, []).append((number, value, int(of_key)))
    told = []
    for key, values in found.items():
        values.sort(key=lambda each: (-each[0], each[1]))
        total = values[0][2]
        if total > 2 and 2 * len(values) > total:
            continue
        told.append((total, Group(words(key).capitalize(), key, [(v, n) for n, v, _ in values[:MOST_VALUES]])))
    told.sort(key=lambda pair: (-pair[0], pair[1].key))
    return [*groups, *(group for _, group in told[:MOST_KEYS])]


# --- What happened ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a story: when, who did it, what in words; `record` undoes it where it can be."""

    at: datetime
    who: str
    told: str
    reason: str = ""
    record: Decision | Change | None = None
    undone: bool = False
    tags: tuple[str, ...] = field(default=())

    @property
    def token(self) -> str:
        return f"{self.record._meta.model_name}-{self.record.pk}" if self.record is not None and not self.undone else ""


def activity(story: Story) -> list[Event]:
    """Return what people and runs did to the story, the newest first; eleven questions."""
    mine = set(leaves_of([story.signature_id])) | {story.signature_id}
    events = [
        *_changes(Change.objects.filter(story=story)),
        *_decisions(mine),
        *_growth(story),
        Event(story.created_at, "", "the story was made", tags=("run",)),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)[:MOST_EVENTS]


def comments(story: Story) -> QuerySet[Comment]:
    """Comments under the story that stand, the oldest first."""
    return story.comments.filter(removed_at__isnull=True).select_related("created_by").order_by("id")


def _changes(changes: QuerySet[Change]) -> Iterable[Event]:
    for change in changes.select_related("created_by").order_by("-id")[:MOST_EVENTS]:
        yield Event(change.created_at, _who(change), told_change(change), change.reason, change, not change.stands)


def told_change(change: Change) -> str:
    """Return a change in words."""
    before, after, what = change.before, change.after, change.what
    if what == Change.What.STATUS:
        same = before.get("status") == after.get("status")
        return "reviewed it again" if same else f"{words(before['status'])} → {words(after['status'])}"
    if what == Change.What.TITLE:
        return f"renamed it from “{before['title'][:120]}”"
    if what == Change.What.DESCRIPTION:
        return "wrote the description"
    if what == Change.What.OWNER:
        return "changed the owner" if after.get("owner_id") else "removed the owner"
    if what == Change.What.TICKET:
        return "linked a ticket" if after.get("ticket_url") else "removed the ticket"
    if what == Change.What.PROMOTION:
        return "made an orphan into this story"
    if what == Change.What.LEFT:
        return "kept an orphan separate from it"
    return words(what)


def _decisions(names: set[int]) -> Iterable[Event]:
    of_people = Q(created_by__isnull=False) | Q(undone_by__isnull=False)
    asked: list[tuple[type[Decision], Q, tuple[str, ...]]] = [
        (Merge, (Q(child__in=names) | Q(parent__in=names)) & (Q(rule=Merge.PERSON) | of_people), ("child", "parent")),
        (Veto, Q(first__in=names) | Q(second__in=names), ("first", "second")),
        (Split, Q(signature__in=names) | Q(made__in=names), ("signature", "made")),
        (Move, (Q(source__in=names) | Q(target__in=names)) & Q(split__isnull=True), ("source", "target", "theme")),
        (Rename, Q(signature__in=names), ("signature",)),
        (Hold, Q(signature__in=names), ("signature",)),
    ]
    for model, about, related in asked:
        rows: Any = model._default_manager.filter(about).select_related("created_by", *related)
        rows = rows.defer(*(f"{name}__vector_sum" for name in related if name != "theme"))
        if "theme" in related:
            rows = rows.defer("theme__vector", "source__vector_sum", "target__vector_sum")
        for row in rows.order_by("-id")[:MOST_EVENTS]:
            told = _DECIDED[model].format(*(_plain(getattr(row, name)) for name in related))
            yield Event(row.created_at, _who(row), told, row.reason, row, not row.stands)


_DECIDED: dict[type[Decision], str] = {
    Merge: "merged “{0}” into “{1}”",
    Veto: "decided that “{0}” and “{1}” are two problems",
    Split: "split “{1}” from “{0}”",
    Move: "moved “{2}” from “{0}” to “{1}”",
    Rename: "renamed the signature “{0}”",
    Hold: "held “{0}” back",
}


def _growth(story: Story) -> Iterable[Event]:
    rows = story.evidence.filter(run__isnull=False).order_by().values_list("run", "run__first_finished_at")
    for run, at, number in rows.annotate(number=Count("id")).order_by("-run")[:20]:
        if at:
            yield Event(at, "", f"run {run} added {counted(number, 'conversation')}", tags=("run",))


def _plain(name: object) -> str:
    return str(name).replace("_", " ")


def _who(row: Decision | Change) -> str:
    """Return who did it: a person by name, a language model as model:NAME; empty where nobody is known."""
    return row.actor or (row.created_by.get_username() if row.created_by else "")


def run_marks(story: Story, ends: Sequence[datetime]) -> list[str]:
    """Return for each week that ended then the runs that finished in it and brought the story conversations."""
    found = story.evidence.filter(run__first_finished_at__isnull=False).order_by().values_list("run")
    marks = [""] * len(ends)
    for run, at in found.annotate(at=Min("run__first_finished_at")).order_by("run"):
        for place, end in enumerate(ends):
            if end - timedelta(weeks=1) < at <= end:
                marks[place] = f"{marks[place]}, {run}" if marks[place] else f"run {run}"
    return marks
