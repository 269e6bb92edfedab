"""The theme map: every theme a point, stories named; a canvas that our own script draws, and the same as a table."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError as BrokerError

from pipeline import tasks
from pipeline.group.current import homes_of
from pipeline.merge.forest import roots_of
from pipeline.models import Registry, Run, Story, Theme, ThemeMap
from pipeline.models.wording import words
from pipeline.reports.theme_map import Mapped, colouring, mapped_stories, maps, metadata_keys_on, packed_points
from pipeline.web.pages.frame import page, show
from pipeline.web.parts.numbers import number_in

OPERATE = "pipeline.operate_run"

NAMED = 2_000
"""Stories that the map can name; with more points than that nobody reads the names of the smaller ones."""

LISTED = 100
"""Stories in the table below the map."""

NEIGHBOURS = 3
META = "meta."


@page("pipeline.view_theme", "pipeline.view_story")
def theme_map(request: HttpRequest) -> HttpResponse:
    """Show the map of a profile; `by` says what colours it, and `story` which one is picked out."""
    known = list(maps())
    row = next((each for each in known if each.pk == request.GET.get("profile")), None) or _largest(known)
    context: dict[str, Any] = {
        "title": "Theme map",
        "map": row,
        "maps": known,
        "may_operate": request.user.has_perm(OPERATE),
        "unread": _not_on(row),
    }
    if row is None:
        context["profiles"] = sorted(set(Run.objects.order_by().values_list("profile", flat=True)[:200]))
        return show(request, "pages/map.html", context)
    keys = metadata_keys_on(row.pk)
    token = _token(row)
    stories = mapped_stories(row.pk, NAMED, token)
    context |= {
        "by": _by(request, keys),
        "choices": [
            ("story", "story"), ("period", "period"), ("status", "status of the story"), ("category", "category"),
            ("source", "source"), *((f"{META}{key}", words(key)) for key in keys),
        ],
        "picked": number_in(request.GET.get("story", "")) or 0,
        "points": row.points.count(),
        "listed": list(zip(stories[:LISTED], _near(stories), strict=False)),
        "more": max(0, len(stories) - LISTED),
        "token": token,
    }  # fmt: skip
    return show(request, "pages/map.html", context)


def _largest(known: Sequence[ThemeMap]) -> ThemeMap | None:
    return max(known, key=lambda row: (row.laid_out_count, row.pk), default=None)


def _by(request: HttpRequest, keys: Sequence[str]) -> str:
    asked = request.GET.get("by", "")
    known = {"story", "period", "status", "category", "source", *(f"{META}{key}" for key in keys)}
    return asked if asked in known else "story"


def _not_on(row: ThemeMap | None) -> Run | None:
    """Return the newest finished run whose themes are not on the map yet."""
    found = Run.objects.filter(first_finished_at__isnull=False, is_preview=False, themes__isnull=False)
    if row is not None:
        found = found.filter(profile=row.pk, first_finished_at__gt=row.drawn_at)
    newest: Run | None = found.order_by("-pk").first()
    return newest


def _near(stories: Sequence[Mapped]) -> list[list[Mapped]]:
    """Return for each of the listed stories those whose middle is nearest to its own: what an eye sees on the map."""
    if not stories:
        return []
    middles = np.array([(story.x, story.y) for story in stories])
    found = []
    for place, middle in enumerate(middles[:LISTED]):
        distances = ((middles - middle) ** 2).sum(axis=1)
        distances[place] = np.inf
        order = np.argsort(distances, kind="stable")[: min(NEIGHBOURS, len(stories) - 1)]
        found.append([stories[each] for each in order])
    return found


def _token(row: ThemeMap) -> str:
    """Return a word that changes whenever the points or the stories they belong to do; two questions."""
    registry = Registry.objects.filter(pk=row.pk).values_list("version", flat=True).first()
    counts = Story.objects.aggregate(
        newest=Max("pk"), absorbed=Count("pk", filter=Q(absorbed_by__isnull=False)),
        emptied=Count("pk", filter=Q(status=Story.Status.EMPTIED)),
    )  # fmt: skip
    told = (row.pk, row.version, registry, *counts.values())
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


# --- What the script asks for -------------------------------------------------------------------------------------


def _the_map(profile: str) -> ThemeMap:
    found: ThemeMap = get_object_or_404(ThemeMap, pk=profile)
    return found


@page("pipeline.view_theme", "pipeline.view_story")
def points(request: HttpRequest, profile: str) -> HttpResponse:
    """Return all points, packed; nothing where the browser has them already."""
    tag = f'"{_token(_the_map(profile))}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    _, packed = packed_points(profile)
    response = HttpResponse(packed, content_type="application/octet-stream")
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@page("pipeline.view_theme", "pipeline.view_story")
def stories(request: HttpRequest, profile: str) -> HttpResponse:
    """Return the stories that are named on the map, those with most points first."""
    row = _the_map(profile)
    rows = mapped_stories(row.pk, NAMED, _token(row))
    return JsonResponse({"stories": [[row.pk, row.title, words(row.status), row.points, row.x, row.y] for row in rows]})


@page("pipeline.view_theme", "pipeline.view_story")
def colours(request: HttpRequest, profile: str) -> HttpResponse:
    """Return the values that colour the map, and for each point which one it has."""
    by, _, key = request.GET.get("by", "").partition(".")
    _the_map(profile)
    if by not in ("source", "category", "status", "meta"):
        raise Http404(f"the map cannot be coloured by {by[:40]!r}")
    found = colouring(profile, by, key[:100].replace("\0", ""))
    places = base64.b64encode(found.places).decode()
    return JsonResponse({"values": found.values, "places": places})


@page("pipeline.view_theme", "pipeline.view_story")
def theme(request: HttpRequest, theme_id: int) -> HttpResponse:
    """Show what a point is: its quote, customer, day and story; with `open`, go to its conversation."""
    row: Theme = get_object_or_404(Theme.objects.select_related("conversation").defer("vector"), pk=theme_id)
    if "open" in request.GET:
        return HttpResponseRedirect(reverse("admin:conversation", args=[row.conversation_id]))
    quote = row.evidence.order_by("start").values_list("quote", flat=True).first()
    root = roots_of([row.signature_id]).get(row.signature_id) if row.signature_id else None
    home = homes_of([root.pk]).get(root.pk) if root else None
    context = {"theme": row, "quote": quote or row.summary, "story": home if isinstance(home, Story) else None}
    return show(request, "pages/map_theme.html", context)


@require_POST
@page("pipeline.view_theme", OPERATE)
def draw(request: HttpRequest) -> HttpResponse:
    """Have a worker bring the map of a profile up to date."""
    profile = request.POST.get("profile", "")[:50]
    if not Run.objects.filter(profile=profile).exists():
        raise Http404(f"the profile {profile!r} has no runs")
    try:
        tasks.draw_map.apply_async(kwargs={"profile": profile}, retry=False, ignore_result=True)
        messages.success(request, f"A worker is drawing the map of {profile}; reload the page in a moment.")
    except BrokerError as error:
        messages.warning(request, f"The queue cannot be reached ({error}), so the map cannot be drawn.")
    return HttpResponseRedirect(reverse("admin:map"), status=303)


ADDRESSES = [
    ("map/", "map", theme_map),
    ("map/draw/", "map_draw", draw),
    ("map/themes/<int:theme_id>/", "map_theme", theme),
    ("map/<str:profile>/points/", "map_points", points),
    ("map/<str:profile>/stories/", "map_stories", stories),
    ("map/<str:profile>/colours/", "map_colours", colours),
]
