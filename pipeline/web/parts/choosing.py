"""Which stories a list shows and in which order: read from the address, so that every state of it can be shared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Avg, Case, Count, Exists, F, FloatField, Max, OuterRef, Q, QuerySet, When
from django.http import HttpRequest, QueryDict

from pipeline.models import Source, Story, StoryEvidence
from pipeline.models.wording import words
from pipeline.reports.trends import PERIOD
from pipeline.web.parts.figures import stories_that_mention
from pipeline.web.parts.numbers import number_in

SORTS = {
    "size": "largest first",
    "trend": "fastest growing first",
    "severity": "most severe first",
    "confidence": "most confident first",
    "newest": "newest first",
    "title": "by title",
}
PERIODS = {"7": "in the last 7 days", "30": "in the last 30 days", "90": "in the last 90 days"}
CONFIDENCES = {"80": "80 or more", "60": "60 or more", "40": "40 or more"}

SEVERITIES = {"low": 1.0, "medium": 2.0, "high": 3.0, "critical": 4.0}
"""What readers that judge severity say of a theme; a story is as severe as its themes are on average."""

NEWEST_THEMES = 3_000
"""Themes in which product areas are looked for: the newest, so that the list of choices is of now, and quick."""

MOST_NEIGHBOURS = 2000
"""Stories among which `next` and `previous` are found."""


@dataclass(frozen=True, slots=True)
class Field:
    """A choice above a list: its name in the address, its label, and what can be chosen."""

    name: str
    label: str
    choices: Sequence[tuple[str, str]]
    value: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for; whatever it says that means nothing is passed over."""

    status: str = "open"
    profile: str = ""
    source: str = ""
    category: str = ""
    area: str = ""
    owner: str = ""
    run: str = ""
    seen: str = ""
    confidence: str = ""
    q: str = ""
    customer: str = ""
    sort: str = "size"

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order differs from what the list shows by itself."""
        return replace(self, sort="size") != Chosen()

    @classmethod
    def read(cls, query: QueryDict) -> "Chosen":
        """Return what a query asks for."""
        said = {name: query.get(name, "")[:200].replace("\0", "") for name in cls.__slots__ if query.get(name)}
        numbers = ("run", "source", "seen", "confidence")
        said = {name: value for name, value in said.items() if name not in numbers or number_in(value) is not None}
        if said.get("sort") not in SORTS:
            said.pop("sort", None)
        if said.get("status") not in ("open", "all", *Story.Status.values):
            said.pop("status", None)
        return cls(**said)


def chosen_stories(chosen: Chosen, until: datetime, user: Any) -> QuerySet[Story]:
    """Return the stories that are asked for, sorted. Their sizes are not counted but where the order needs them."""
    stories: QuerySet[Story] = Story.objects.standing()
    if chosen.status == "open":
        stories = stories.filter(status__in=Story.OPEN)
    elif chosen.status != "all":
        stories = stories.filter(status=chosen.status)
    equal = {"signature__profile": chosen.profile, "category": chosen.category, "confidence__gte": chosen.confidence}
    stories = stories.filter(**{name: value for name, value in equal.items() if value})
    if chosen.owner:
        stories = stories.filter(_owned(chosen.owner, user))
    stories = _narrowed_by_conversations(stories, chosen, until)
    if chosen.q:
        for word in chosen.q.split()[:8]:
            stories = stories.filter(pk__in=stories_that_mention(word).values("pk"))
    return _sorted(stories, chosen.sort, until)


def _owned(owner: str, user: Any) -> Q:
    if owner == "none":
        return Q(owner__isnull=True)
    return Q(owner=user.pk if owner == "me" else number_in(owner) or 0)


def _narrowed_by_conversations(stories: QuerySet[Story], chosen: Chosen, until: datetime) -> QuerySet[Story]:
    inside = StoryEvidence.objects.filter(story=OuterRef("pk"))
    if chosen.run:
        stories = stories.filter(Q(first_run=int(chosen.run)) | Exists(inside.filter(run=int(chosen.run))))
    if chosen.source:
        stories = stories.filter(Exists(inside.filter(conversation__source=int(chosen.source))))
    if chosen.area:
        stories = stories.filter(Exists(inside.filter(theme__details__product_area=chosen.area)))
    if chosen.customer:
        stories = stories.filter(Exists(inside.filter(conversation__customer__iexact=chosen.customer)))
    if chosen.seen:
        # a hundred years at most: no date lies before the year 1
        since = until - timedelta(days=min(int(chosen.seen), 36_500))
        stories = stories.filter(Exists(inside.filter(conversation__occurred_at__gt=since)))
    return stories


def _sorted(stories: QuerySet[Story], sort: str, until: datetime) -> QuerySet[Story]:
    if sort == "confidence":
        return stories.order_by("-confidence", "id")
    if sort == "title":
        return stories.order_by("title", "id")
    if sort == "newest":
        return stories.order_by("-created_at", "-id")
    if sort == "severity":
        severities = [When(evidence__theme__details__severity=name, then=weight) for name, weight in SEVERITIES.items()]
        weight = Avg(Case(*severities, default=None, output_field=FloatField()))
        return stories.annotate(weight=weight, size=Count("evidence")).order_by(
            F("weight").desc(nulls_last=True), "-size", "id"
        )
    if sort == "trend":
        at, period = F("evidence__conversation__occurred_at"), timedelta(weeks=PERIOD)
        recent = Q(evidence__conversation__occurred_at__gt=until - period)
        before = Q(
            evidence__conversation__occurred_at__gt=until - 2 * period,
            evidence__conversation__occurred_at__lte=until - period,
        )
        grown = Count("evidence", filter=recent) - Count("evidence", filter=before)
        return stories.annotate(grown=grown, newest_at=Max(at)).order_by(
            "-grown", F("newest_at").desc(nulls_last=True), "id"
        )
    return stories.annotate(size=Count("evidence")).order_by("-size", "title", "id")


def fields(chosen: Chosen, request: HttpRequest) -> list[Field]:
    """Return the choices above the list; three questions."""
    categories, profiles, areas = _there_are()
    owners = get_user_model()._default_manager.filter(is_active=True, is_staff=True).order_by("username")[:200]
    sources = Source.objects.order_by("kind", "name")[:200]
    found = [
        Field("status", "Status", [("open", "open"), *((s, words(s)) for s in Story.Status.values), ("all", "all")],
              chosen.status),
        Field("category", "Category", [("", "any"), *((c, words(c)) for c in categories)], chosen.category),
        Field("source", "Source", [("", "any"), *((str(s.pk), str(s)) for s in sources)], chosen.source),
        Field("owner", "Owner", [("", "anybody"), ("me", "me"), ("none", "nobody"),
              *((str(u.pk), u.get_username()) for u in owners if u.pk != request.user.pk)], chosen.owner),
        Field("seen", "Last seen", [("", "ever"), *PERIODS.items()], chosen.seen),
        Field("confidence", "Confidence", [("", "any"), *CONFIDENCES.items()], chosen.confidence),
        Field("sort", "Order", list(SORTS.items()), chosen.sort),
    ]  # fmt: skip
    if areas:
        place = next(place for place, field in enumerate(found) if field.name == "category") + 1
        found.insert(place, Field("area", "Product area", [("", "any"), *((a, a) for a in areas)], chosen.area))
    if len(profiles) > 1:
        found.insert(1, Field("profile", "Profile", [("", "any"), *((p, p) for p in profiles)], chosen.profile))
    return found


_THERE_ARE = """
SELECT 'category', category FROM pipeline_story WHERE absorbed_by_id IS NULL AND category <> '' GROUP BY 2
UNION ALL
SELECT DISTINCT 'profile', signature.profile FROM pipeline_story story
JOIN pipeline_signature signature ON signature.id = story.signature_id WHERE story.absorbed_by_id IS NULL
UNION ALL (
    SELECT 'area', details ->> 'product_area' FROM (
        SELECT details FROM pipeline_theme ORDER BY id DESC LIMIT %s
    ) newest
    WHERE jsonb_typeof(details -> 'product_area') = 'string' AND details ->> 'product_area' <> ''
    GROUP BY 2 ORDER BY count(*) DESC, 2 LIMIT 60
)
"""


def _there_are() -> tuple[list[str], list[str], list[str]]:
    """Return the categories and profiles of stories, and the product areas that readers named of late; by name."""
    with connection.cursor() as cursor:
        cursor.execute(_THERE_ARE, [NEWEST_THEMES])
        rows = sorted(cursor.fetchall())
    categories, profiles, areas = ([name for kind, name in rows if kind == k] for k in ("category", "profile", "area"))
    return categories, profiles, [area[:200] for area in areas]
