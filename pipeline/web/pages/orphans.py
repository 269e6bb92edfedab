"""Orphans as cards: what each waits for, what people said, and a button to join, promote or dismiss it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from pipeline import review
from pipeline.group.current import Size, quotes_of_roots, sizes_that_wait
from pipeline.models import Change, Decision, Orphan
from pipeline.models.wording import counted
from pipeline.reports.exports import Chosen
from pipeline.review import DecisionRefused
from pipeline.review.triage import dismiss_orphans, restore_orphans
from pipeline.web.pages.acting import MOST_AT_ONCE, back, did
from pipeline.web.pages.exports import as_file
from pipeline.web.pages.frame import page, require, show
from pipeline.web.parts.files import wants_private
from pipeline.web.parts.numbers import number_in

PER_PAGE = 24
SHOWN = {"waiting": "waiting", "near": "near a story", "tipping": "one conversation short", "dismissed": "dismissed"}


@dataclass(frozen=True, slots=True)
class OrphanCard:
    """An orphan as a card."""

    orphan: Orphan
    title: str
    needs: str
    conversations: int
    customers: int
    last_at: datetime | None
    quote: str
    alike: int

    @property
    def has_near(self) -> bool:
        return bool(self.orphan.nearest_story and self.orphan.nearest_story.is_open)


@page("pipeline.view_orphan")
def orphans(request: HttpRequest) -> HttpResponse:
    """Show the orphans that the address asks for, those that need least first."""
    shown = request.GET.get("show", "waiting")
    shown = shown if shown in SHOWN else "waiting"
    word = request.GET.get("q", "")[:200].replace("\0", "")
    found = _asked_for(shown, word)
    listed = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": "Orphans",
        "shown": shown,
        "choices": SHOWN.items(),
        "word": word,
        "listed": listed,
        "cards": _cards(list(listed.object_list)),
    }
    return show(request, "pages/orphans.html", context)


@page("pipeline.view_orphan")
def export(request: HttpRequest) -> HttpResponse:
    """Return the orphans that the address asks for as a file, in the order of the list."""
    shown = request.GET.get("show", "waiting")
    found = _asked_for(shown if shown in SHOWN else "waiting", request.GET.get("q", "")[:200].replace("\0", ""))
    return as_file(request, "orphans", request.GET.get("format", "csv"), Chosen(private=wants_private(request)), found)


def _asked_for(shown: str, word: str) -> QuerySet[Orphan]:
    found: QuerySet[Orphan] = Orphan.objects.waiting().filter(dismissed_at__isnull=shown != "dismissed")
    if shown == "tipping":
        found = found.filter(missing_conversations=1)
    if shown == "near":
        found = found.filter(nearest_story__isnull=False).order_by(F("nearest_cosine").desc(nulls_last=True), "id")
    else:
        found = found.order_by("missing_conversations", F("nearest_cosine").desc(nulls_last=True), "id")
    if word:
        of_key = Q(signature__key__icontains=word.strip().replace(" ", "_"))
        found = found.filter(of_key | Q(signature__title__icontains=word.strip()))
    return found.select_related("signature", "nearest_story", "dismissed_by").defer("signature__vector_sum")


def _cards(rows: list[Orphan]) -> list[OrphanCard]:
    roots = [orphan.signature_id for orphan in rows]
    sizes, quotes = sizes_that_wait(roots), quotes_of_roots(roots)
    cards = []
    for orphan in rows:
        size = sizes.get(orphan.signature_id, Size())
        alike = round(100 * max(orphan.nearest_cosine or 0.0, 0.0))
        cards.append(
            OrphanCard(
                orphan, orphan.signature.name, orphan.detail, size.conversations, size.customers, size.last_at,
                quotes.get(orphan.signature_id, ""), alike,
            )
        )  # fmt: skip
    return cards


ACTIONS = {
    "join": ("Add to the nearest story", "pipeline.change_signature"),
    "promote": ("Make a story", "pipeline.change_signature"),
    "dismiss": ("Dismiss", "pipeline.change_orphan"),
    "restore": ("Return to waiting", "pipeline.change_orphan"),
}


@require_POST
@page("pipeline.view_orphan")
def act(request: HttpRequest) -> HttpResponse:
    """Do what a button says with one orphan or with all that were chosen; several are asked about first."""
    do, _, one = request.POST.get("do", "").partition(":")
    if do not in ACTIONS:
        raise Http404(f"{do[:40]!r} is not an action for orphans")
    require(request, ACTIONS[do][1])
    sent = [one] if one else request.POST.getlist("orphan")[:MOST_AT_ONCE]
    ids = [number for word in sent if (number := number_in(word)) is not None]
    chosen = Orphan.objects.waiting().filter(pk__in=ids).order_by("id")
    chosen = chosen.select_related("signature", "nearest_story__signature")
    rows = list(chosen)
    if not rows:
        messages.warning(request, "Choose some orphans first.")
        return back(request, reverse("admin:orphans"))
    if len(rows) > 1 and "confirmed" not in request.POST:
        return _ask(request, do, rows)
    _do(request, do, rows)
    return back(request, reverse("admin:orphans"))


def _ask(request: HttpRequest, do: str, rows: list[Orphan]) -> HttpResponse:
    label = ACTIONS[do][0]
    context = {
        "title": f"{label}: {counted(len(rows), 'orphan')}?", "rows": [row.signature.name for row in rows[:10]],
        "count": len(rows), "do": do, "label": label, "ids": [row.pk for row in rows], "field": "orphan",
        "next": request.POST.get("next", ""),
    }  # fmt: skip
    return show(request, "pages/confirm.html", context)


def _do(request: HttpRequest, do: str, rows: list[Orphan]) -> None:
    chosen, now = Orphan.objects.filter(pk__in=[row.pk for row in rows]), timezone.now()
    if do in ("dismiss", "restore"):
        change: Any = dismiss_orphans if do == "dismiss" else restore_orphans
        changes = change(orphans=chosen, by=request.user, at=now)
        told = "dismissed" if do == "dismiss" else "waiting again"
        did(request, f"{counted(len(changes), 'orphan is', 'orphans are')} {told}.", changes)
        return
    done, refused = list[Decision | Change](), ""
    for row in rows:
        try:
            done.append(_decide(request, do, row))
        except DecisionRefused as error:
            refused = str(error)
    if done:
        told = "joined the story near it" if do == "join" else "became a story"
        did(request, f"{counted(len(done), 'orphan')} {told}.", done)
    if refused:
        messages.warning(request, f"{refused[:1].upper()}{refused[1:]}")


def _decide(request: HttpRequest, do: str, row: Orphan) -> Decision | Change:
    if do == "promote":
        return review.promote_orphan(orphan=row, by=request.user)
    near = row.nearest_story
    if near is None or not near.is_open:
        raise DecisionRefused(f"there is no open story near {row.signature}.")
    return review.merge_signatures(child=row.signature, parent=near.signature, by=request.user, reason="orphans page")


ADDRESSES = [
    ("orphans/", "orphans", orphans),
    ("orphans/act/", "orphans_act", act),
    ("orphans/export/", "orphans_export", export),
]
