"""The stories as a list or a board, narrowed and sorted by the address; views that people saved; export; bulk."""

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from pipeline import review
from pipeline.models import Change, Decision, SavedView, Signature, Story
from pipeline.models.refusal import breaks
from pipeline.models.wording import counted, words
from pipeline.reports import exports
from pipeline.reports.trends import StoryRow, newest_moment, rows_of, story_rows
from pipeline.review import DecisionRefused
from pipeline.review.triage import set_status
from pipeline.web.pages.acting import MOST_AT_ONCE, back, did
from pipeline.web.pages.exports import as_file
from pipeline.web.pages.frame import page, require, show, since_last_visit
from pipeline.web.parts.choosing import Chosen, chosen_stories, fields
from pipeline.web.parts.files import wants_private
from pipeline.web.parts.numbers import number_in

PER_PAGE = 50
PER_COLUMN = 20
BOARD = (
    Story.Status.CANDIDATE, Story.Status.APPROVED, Story.Status.IN_PROGRESS, Story.Status.DONE, Story.Status.DISMISSED,
)  # fmt: skip
"""The columns of the board."""


@page("pipeline.view_story")
def stories(request: HttpRequest) -> HttpResponse:
    """Show the stories that the address asks for, as a list or as a board."""
    chosen, until, since = Chosen.read(request.GET), newest_moment(), since_last_visit(request)
    is_board = request.GET.get("view") == "board"
    context = {
        "title": "Stories",
        "chosen": chosen,
        "fields": fields(chosen, request),
        "is_board": is_board,
        "saved": SavedView.objects.filter(user=request.user.pk, page="stories"),
        "since": since,
        "query": request.GET.urlencode(),
        "statuses": [(status, words(status)) for status in BOARD],
        "map_url": reverse("admin:map") if request.user.has_perm("pipeline.view_theme") else "",
    }
    found = chosen_stories(chosen, until, request.user)
    if is_board:
        context["columns"] = _columns(chosen, until, since, request)
    else:
        # ids alone are sorted, not whole rows with their descriptions: only those of this page are read
        listed = Paginator(found.values_list("pk", flat=True), PER_PAGE).get_page(request.GET.get("page"))
        ids = list(listed.object_list)
        rows = rows_of(ids, until=until, since=since)
        context |= {"listed": listed, "rows": [rows[pk] for pk in ids if pk in rows]}
    return show(request, "pages/stories.html", context)


def _columns(chosen: Chosen, until: Any, since: Any, request: HttpRequest) -> list[tuple[str, list[StoryRow]]]:
    """Return the first stories of each status, by the order that is asked for."""
    every = Chosen(**{name: getattr(chosen, name) for name in Chosen.__slots__ if name != "status"}, status="all")
    found = chosen_stories(every, until, request.user).filter(status__in=BOARD)
    order: Any = [each if not isinstance(each, str) else _ordering(each) for each in found.query.order_by]
    place = Window(RowNumber(), partition_by=F("status"), order_by=order)
    first = found.annotate(place=place).filter(place__lte=PER_COLUMN).select_related("owner").order_by("place")
    rows = story_rows(list(first), until=until, since=since)
    return [(status, [row for row in rows if row.story.status == status]) for status in BOARD]


def _ordering(name: str) -> Any:
    return F(name[1:]).desc() if name.startswith("-") else F(name).asc()


# --- Views that people saved --------------------------------------------------------------------------------------


@require_POST
@page("pipeline.view_story")
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep a list as it is under a name, or forget one."""
    name, where = request.POST.get("name", "").strip()[:80], request.POST.get("page", "")
    if where not in ("stories", "search"):
        raise Http404
    if "forget" in request.POST:
        SavedView.objects.filter(user=request.user.pk, pk=number_in(request.POST.get("forget", "")) or 0).delete()
        return back(request)
    if not name:
        messages.warning(request, "Enter a name for the view.")
        return back(request)
    try:
        SavedView.objects.update_or_create(
            user_id=cast(int, request.user.pk),
            page=where,
            name=name,
            defaults={"query": request.POST.get("query", "")[:2000]},
        )
    except IntegrityError as error:
        if not breaks(error, "one_saved_view_per_user_page_and_name"):
            raise
    messages.success(request, f"“{name}” is saved. You can also share its address.")
    return back(request)


# --- Many at once -------------------------------------------------------------------------------------------------

BULK = {
    "approve": ("Approve", Story.Status.APPROVED),
    "start": ("Start work on", Story.Status.IN_PROGRESS),
    "done": ("Mark as done", Story.Status.DONE),
    "dismiss": ("Dismiss", Story.Status.DISMISSED),
    "candidate": ("Set back to candidate", Story.Status.CANDIDATE),
}


@require_POST
@page("pipeline.view_story")
def bulk(request: HttpRequest) -> HttpResponse:
    """Ask whether a change of several stories is meant, with their number; once that is confirmed, make it."""
    do = request.POST.get("do", "")
    chosen = _chosen_of(request)
    if do == "export":
        return _export(request, chosen, request.POST.get("format", "csv"))
    if do != "merge" and do not in BULK:
        raise Http404(f"{do!r} is not an action for several stories")
    require(request, "pipeline.change_signature" if do == "merge" else "pipeline.change_story")
    count = chosen.count()
    if not count or (do == "merge" and count < 2):
        messages.warning(request, "Choose two or more stories." if do == "merge" else "Choose some stories first.")
        return back(request)
    if "confirmed" not in request.POST:
        return _ask(request, do, chosen, count)
    done = _merge_all(request, chosen) if do == "merge" else _set_all(request, do, chosen)
    return done or back(request, reverse("admin:stories"))


def _chosen_of(request: HttpRequest) -> QuerySet[Story]:
    """Return the stories whose boxes were ticked, or all that the list shows on all its pages."""
    if request.POST.get("all"):
        asked = Chosen.read(_query(request.POST.get("query", "")))
        found = chosen_stories(asked, newest_moment(), request.user)
        return Story.objects.filter(pk__in=list(found.values_list("pk", flat=True)[:MOST_AT_ONCE]))
    ids = [number for word in request.POST.getlist("story")[:MOST_AT_ONCE] if (number := number_in(word))]
    return Story.objects.standing().filter(pk__in=ids)


def _query(text: str) -> Any:
    return QueryDict(text[:2000])


def _ask(request: HttpRequest, do: str, chosen: QuerySet[Story], count: int) -> HttpResponse:
    rows = story_rows(list(chosen.order_by("title")[:10]), until=newest_moment())
    largest = max(rows, key=lambda row: row.conversations)
    label = "Merge" if do == "merge" else BULK[do][0]
    told = f"{label} {counted(count, 'story', 'stories')}?"
    if do == "merge":
        told = f"Merge {count} stories into one, “{largest.story}”?"
    context = {
        "title": told, "rows": rows, "count": count, "do": do, "label": label,
        "needs_reason": do == "dismiss",
        "ids": list(chosen.values_list("pk", flat=True)),
        "next": request.POST.get("next", ""),
    }  # fmt: skip
    return show(request, "pages/confirm.html", context)


def _set_all(request: HttpRequest, do: str, chosen: QuerySet[Story]) -> HttpResponse | None:
    status = BULK[do][1]
    decided = set_status(
        stories=chosen, status=status, by=request.user, at=timezone.now(), reason=request.POST.get("reason", "")[:500]
    )
    changed = counted(len(decided.changed), "story is", "stories are")
    did(request, f"{changed} now {words(status)}.", decided.changes)
    if decided.refused:
        refused = counted(len(decided.refused), "story", "stories")
        messages.warning(request, f"{refused} not changed: the signature has another open story.")
    return None


def _merge_all(request: HttpRequest, chosen: QuerySet[Story]) -> HttpResponse | None:
    """Merge all into the largest; those that cannot be merged are named."""
    rows = sorted(
        story_rows(list(chosen.select_related("signature").defer("signature__vector_sum")), until=newest_moment()),
        key=lambda row: (-row.conversations, row.story.pk),
    )
    parent, merged, refused = rows[0].story, list[Decision | Change](), ""
    for row in rows[1:]:
        try:
            merged.append(
                review.merge_signatures(
                    child=_signature(row.story), parent=_signature(parent), by=request.user, reason="bulk merge"
                )
            )
        except DecisionRefused as error:
            refused = f"“{row.story}” was not merged: {error}"
    if merged:
        did(request, f"{counted(len(merged) + 1, 'story', 'stories')} are now one: “{parent}”.", merged)
    if refused:
        messages.warning(request, refused)
    return HttpResponseRedirect(reverse("admin:story", args=[parent.pk]), status=303)


def _signature(story: Story) -> Signature:
    found: Signature = story.signature
    return found


# --- Export -------------------------------------------------------------------------------------------------------


@page("pipeline.view_story")
def export(request: HttpRequest) -> HttpResponse:
    """Return the stories that the address asks for as a file, in one of the forms of `reports.exports`."""
    found = chosen_stories(Chosen.read(request.GET), newest_moment(), request.user)
    return _export(request, found, request.GET.get("format", "csv"))


def _export(request: HttpRequest, found: QuerySet[Story], form: str) -> HttpResponse:
    asked = exports.Chosen(private=wants_private(request))
    return as_file(request, "stories", form if form in exports.FORMS else "csv", asked, found.select_related("owner"))


ADDRESSES = [
    ("stories/", "stories", stories),
    ("stories/bulk/", "stories_bulk", bulk),
    ("stories/export/", "stories_export", export),
    ("views/", "save_view", save_view),
]
