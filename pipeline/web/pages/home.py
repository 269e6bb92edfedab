"""Home: what happened since a person's last visit, and what waits for them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, When
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from pipeline.models import Item, Orphan, Run, Story
from pipeline.models.wording import agreeing, counted
from pipeline.reports.trends import Now, counts_now, moving, newest_moment, rows_of
from pipeline.review.stream import new_stories
from pipeline.web.pages.frame import question_count, show, since_last_visit

SHOWN = 8
FEW = 4


@dataclass(frozen=True, slots=True)
class Card:
    """A small card from elsewhere: rows of name, value and tone, and where more stands."""

    title: str
    rows: list[tuple[str, object, str]]
    address: str = ""
    more: str = ""


CARDS: list[tuple[str, Callable[[], Card]]] = []
"""Cards that other apps put on Home, each with the permission to see it."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run on Home."""

    run: Run
    planned: int
    finished: int
    url: str
    note: str


@dataclass(frozen=True, slots=True)
class OrphanLine:
    """An orphan that one more conversation would make a story."""

    name: str
    needs: str
    near: str
    near_url: str


def home(request: HttpRequest) -> TemplateResponse:
    """Show what this person may see of it: a fixed number of questions."""
    may = request.user.has_perm
    has_cards = any(may(right) for right, _ in CARDS)
    seen = _stories(request) if may("pipeline.view_story") else {"told": "", "facts": []}
    runs = _runs() if may("pipeline.view_run") else None
    orphans = _orphans() if may("pipeline.view_orphan") else None
    context = {
        "title": "Home",
        **seen,
        "runs": runs,
        "orphans": orphans,
        "has_cards": has_cards,
        "runs_url": reverse("admin:runs"),
        "new_run_url": reverse("admin:new_run"),
    }
    return show(request, "pages/home.html", context)


def cards(request: HttpRequest) -> TemplateResponse:
    """Show the cards that other apps put on Home; asked for by itself."""
    shown = [card() for right, card in CARDS if request.user.has_perm(right)]
    return show(request, "pages/cards.html", {"cards": shown})


def _stories(request: HttpRequest) -> dict[str, Any]:
    since, until = since_last_visit(request), newest_moment()
    now = counts_now(until, since)
    growing, quiet = moving(until)
    largest = list(new_stories().values_list("pk", flat=True)[:SHOWN])
    wanted = list(dict.fromkeys([*largest, *growing[:FEW], *quiet[:FEW]]))
    rows = rows_of(wanted, until=until, since=since)
    questions = question_count(request)
    change = f", {now.last_week - now.week_before:+d} compared with the week before" if now.week_before else ""
    facts = [
        (now.last_week, f"{agreeing(now.last_week, 'conversation')} in the last week of data{change}", ""),
        (
            len(growing),
            f"{agreeing(len(growing), 'open story is', 'open stories are')} growing, {_gone_quiet(len(quiet))}",
            f"{reverse('admin:stories')}?sort=trend",
        ),
        (
            questions,
            f"{agreeing(questions, 'question is', 'questions are')} waiting for your answer",
            reverse("admin:review") if questions else "",
        ),
        (
            now.without_owner,
            f"{agreeing(now.without_owner, 'approved story has', 'approved stories have')} no owner",
            f"{reverse('admin:stories')}?owner=none",
        ),
    ]
    return {
        "title": "Since your last visit" if since else "Home",
        "told": _told(since, now),
        "since": since,
        "facts": facts,
        "to_review": [rows[pk] for pk in largest if pk in rows],
        "has_stories": bool(rows) or Story.objects.open().exists(),
        "moving": [
            ("Growing", [rows[pk] for pk in growing[:FEW] if pk in rows]),
            ("Gone quiet", [rows[pk] for pk in quiet[:FEW] if pk in rows]),
        ],
    }


def _gone_quiet(number: int) -> str:
    return f"{number or 'none'} {agreeing(number, 'has', 'have') if number else 'has'} gone quiet"


def _told(since: datetime | None, now: Now) -> str:
    """Return in a sentence what came since the last visit."""
    if since is None:
        return (
            "Stories are problems that several conversations share. Read them, approve or dismiss them, and merge "
            "duplicates."
        )
    if not (now.read or now.new or now.grown):
        return "Nothing new has been read since your last visit."
    new = counted(now.new, "story is new", "stories are new")
    grew = counted(now.grown, "story grew", "stories grew")
    return f"{counted(now.read, 'conversation was', 'conversations were')} read. {new}, {grew}."


def _runs() -> list[RunLine]:
    """Return the runs that are live, and the newest; two questions."""
    is_live = Case(When(state__in=Run.LIVE, then=1), default=0)
    runs = list(Run.objects.filter(is_preview=False).select_related("source").order_by(is_live.desc(), "-id")[:FEW])
    counts = {run.pk: [0, 0] for run in runs}
    items = Item.objects.filter(run__in=counts).order_by().values_list("run", "state")
    for run, state, count in items.annotate(number=Count("id")):
        counts[run][0] += count
        counts[run][1] += count if state not in Item.UNFINISHED else 0
    return [
        RunLine(
            run,
            counts[run.pk][0],
            counts[run.pk][1],
            _run_url(run),
            (run.error or run.attention or str(run.source))[:160],
        )
        for run in runs
    ]


def _run_url(run: Run) -> str:
    return reverse("admin:run", args=[run.pk])


def _orphans() -> list[OrphanLine]:
    nearly = Orphan.objects.to_review().filter(missing_conversations=1).select_related("signature", "nearest_story")
    lines = []
    for orphan in nearly.defer("signature__vector_sum").order_by("-confidence", "id")[:FEW]:
        near = orphan.nearest_story if orphan.nearest_story and orphan.nearest_story.is_open else None
        lines.append(
            OrphanLine(
                orphan.signature.name,
                f"{orphan.detail[:1].upper()}{orphan.detail[1:]}.",
                near.title if near else "",
                reverse("admin:story", args=[near.pk]) if near else "",
            )
        )
    return lines


ADDRESSES = [("cards/", "cards", cards)]
