"""Search over everything: by words and by meaning, narrowed by chips, with the stories and customers behind it."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST

from pipeline import review
from pipeline.extract.embedding import EmbeddingModelError
from pipeline.models import SavedView, Source, Story
from pipeline.models.wording import counted
from pipeline.reports import exports, meaning
from pipeline.reports.search import (
    Chips,
    Found,
    customers_behind,
    find_conversations,
    hits,
    metadata_keys,
    stories_behind,
)
from pipeline.reports.summary import with_sizes
from pipeline.review import DecisionRefused
from pipeline.web.pages.acting import back, did
from pipeline.web.pages.exports import as_file
from pipeline.web.pages.frame import page, show
from pipeline.web.parts.files import wants_private
from pipeline.web.parts.numbers import number_in

PER_PAGE = 20
BEHIND = 6
LONGEST = 300
META = "meta."
"""Before the metadata key in the address: `meta.plan=gold`."""

WAYS = (("words", "by words"), ("meaning", "by meaning"))


@page("pipeline.view_conversation")
def search(request: HttpRequest) -> HttpResponse:
    """Show what is found for the address, a page at a time."""
    words = request.GET.get("q", "")[:LONGEST].replace("\0", " ").strip()
    way = "meaning" if request.GET.get("by") == "meaning" and words else "words"
    chips = read_chips(request.GET)
    found, cosines, problem = _find(words, way, chips)
    number = _page_number(request, len(found.conversations))
    shown = found.conversations[(number - 1) * PER_PAGE : number * PER_PAGE]
    behind = stories_behind(found.conversations, BEHIND)
    sources = list(Source.objects.order_by("kind", "name")[:200])
    stories = with_sizes(Story.objects.order_by()).in_bulk([pk for pk, _ in behind])
    context = {
        "title": f"Search: {words}" if words else "Conversations",
        "asked": words,
        "searched": words,
        "way": way,
        "ways": WAYS,
        "problem": problem,
        "hits": hits(shown, words if way == "words" else "", cosines),
        "total": len(found.conversations),
        "is_all": found.is_all,
        "number": number,
        "has_next": len(found.conversations) > number * PER_PAGE,
        "chips": _shown_chips(request.GET),
        "keys": _keys(found.conversations, chips),
        "stories": [(stories[pk], count) for pk, count in behind if pk in stories],
        "customers": customers_behind(found.conversations, BEHIND),
        "sources": sources,
        "has_books": any(source.kind == "books" for source in sources) and request.user.has_perm("pipeline.view_theme"),
        "source": chips.source,
        "saved": SavedView.objects.filter(user=request.user.pk, page="search"),
        "query": request.GET.urlencode(),
    }
    return show(request, "pages/search.html", context)


@page("pipeline.view_conversation")
def export(request: HttpRequest) -> HttpResponse:
    """Return the conversations that the address finds as a file, the oldest first.

    More than a search can rank are not cut off without a word: whoever asked is told to narrow it down.
    """
    words = request.GET.get("q", "")[:LONGEST].replace("\0", " ").strip()
    chips = read_chips(request.GET)
    chosen = exports.Chosen(private=wants_private(request))
    rows = exports.kind_of("conversations").chosen(chosen)
    if words or chips != Chips():
        found, _, problem = _find(words, "meaning" if request.GET.get("by") == "meaning" and words else "words", chips)
        if problem or not found.is_all:
            many = (
                f"More than {counted(len(found.conversations), 'conversation')} match: narrow the search to export it."
            )
            messages.warning(request, problem or many)
            rest = request.GET.copy()
            rest.pop("format", None)
            return HttpResponseRedirect(f"{reverse('admin:search')}?{rest.urlencode()}", status=303)
        rows = rows.filter(pk__in=found.conversations)
    return as_file(request, "conversations", request.GET.get("format", "csv"), chosen, rows)


def _find(words: str, way: str, chips: Chips) -> tuple[Found, dict[int, float], str]:
    """Return what was found, how near it is where it was found by meaning, and what stood in the way, if anything."""
    if way == "words":
        return find_conversations(words, chips), {}, ""
    try:
        near = meaning.near_conversations(words)
    except EmbeddingModelError as error:
        return Found([], True), {}, str(error)
    cosines = {each.conversation: each.cosine for each in near}
    if chips == Chips():
        return Found(list(cosines), True), cosines, ""
    allowed = set(find_conversations("", chips).conversations)
    return Found([pk for pk in cosines if pk in allowed], True), cosines, ""


def read_chips(query: Any) -> Chips:
    """Return what narrows the search, as the address says it."""
    return Chips(
        since=_midnight(query.get("since", "")),
        until=_midnight(query.get("until", ""), days=1),
        source=number_in(query.get("source", "")),
        customer=query.get("customer", "")[:200].replace("\0", ""),
        story=number_in(query.get("story", "")),
        metadata={
            name.removeprefix(META)[:100].replace("\0", ""): value[:200].replace("\0", "")
            for name, value in query.items()
            if name.startswith(META) and value
        },
    )


def _midnight(word: str, days: int = 0) -> datetime | None:
    try:
        found: date | None = parse_date(word[:10])
    except ValueError:
        return None
    if found is None or found.year > 9000:
        return None
    return timezone.make_aware(datetime(found.year, found.month, found.day)) + timedelta(days=days)  # noqa: DTZ001


def _page_number(request: HttpRequest, total: int) -> int:
    asked = number_in(request.GET.get("page", "")) or 1
    return max(1, min(asked, -(-total // PER_PAGE)))


CHIPS = ("since", "until", "source", "customer", "story")


def _shown_chips(query: Any) -> list[tuple[str, str, str]]:
    """Return name, text and the address without it for each chip that narrows now."""
    shown = []
    for name, value in query.items():
        if (name in CHIPS or name.startswith(META)) and value:
            rest = query.copy()
            rest.pop(name)
            rest.pop("page", None)
            text = _chip_text(name, value)
            shown.append((name, text, f"?{rest.urlencode()}"))
    return shown


def _chip_text(name: str, value: str) -> str:
    if name == "source" and (number := number_in(value)):
        return f"source {Source.objects.filter(pk=number).first() or value}"
    if name == "story" and (number := number_in(value)):
        return f"in “{Story.objects.filter(pk=number).first() or value}”"
    return f"{name.removeprefix(META)} {value[:60]}"


def _keys(ids: list[int], chips: Chips) -> list[tuple[str, list[tuple[str, int]]]]:
    return [(key, values) for key, values in metadata_keys(ids) if key not in chips.metadata] if ids else []


@require_POST
@page("pipeline.change_signature")
def make_story(request: HttpRequest) -> HttpResponse:
    """Make the chosen conversations a story of their own: out of the stories and orphans they are in, under a name."""
    name = " ".join(request.POST.get("name", "").split())[:180]
    chosen = [number for word in request.POST.getlist("conversation") if (number := number_in(word))]
    if not chosen or not name:
        messages.warning(request, "Choose conversations and enter a name for the story.")
        return back(request)
    try:
        made, records = review.gather(conversations=chosen, name=name, by=request.user)
    except DecisionRefused as refused:
        messages.warning(request, f"{str(refused)[:1].upper()}{str(refused)[1:]}")
        return back(request)
    did(request, f"“{made}” is now a story with {counted(len(chosen), 'conversation')}.", records)
    return HttpResponseRedirect(reverse("admin:story", args=[made.pk]), status=303)


ADDRESSES = [
    ("search/", "search", search),
    ("search/export/", "search_export", export),
    ("search/story/", "search_story", make_story),
]
