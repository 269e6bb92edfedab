"""A story: what people said, who they are, what it is near to, and what was decided; every decision is one key."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from pipeline import review
from pipeline.models import Change, Comment, Decision, Story, StoryEvidence, Theme
from pipeline.models.wording import counted, words
from pipeline.reports.about_story import activity, comments, run_marks, share_of, typical_evidence, who
from pipeline.reports.charts import columns
from pipeline.reports.trends import WEEKS, newest_moment, story_rows, week_ends
from pipeline.review import DecisionRefused
from pipeline.review.similar import parts_of, similar_stories
from pipeline.review.triage import comment, edit_story, remove_comment, set_status
from pipeline.web.pages.acting import back, did
from pipeline.web.pages.frame import page, require, show, since_last_visit
from pipeline.web.parts.choosing import MOST_NEIGHBOURS, Chosen, chosen_stories
from pipeline.web.parts.confidence import confidence
from pipeline.web.parts.links import is_link
from pipeline.web.parts.numbers import number_in
from pipeline.web.parts.passages import passages
from pipeline.web.parts.texts import excerpts_of

TYPICAL = 5
PER_PAGE = 50
SIMILAR = 5


def the_story(story_id: int) -> Story:
    """Return the story with who is named on it; Http404 if there is none of this id."""
    found = Story.objects.select_related(
        "signature", "owner", "reviewed_by", "edited_by", "recurs_from", "absorbed_by", "first_run"
    )
    story: Story = get_object_or_404(found.defer("signature__vector_sum"), pk=story_id)
    return story


@page("pipeline.view_story")
def story(request: HttpRequest, story_id: int) -> HttpResponse:
    """Show a story; with `?all` all its conversations, a page at a time."""
    row = the_story(story_id)
    if row.absorbed_by_id:
        messages.info(request, f"“{row}” was merged into this story.")
        return HttpResponseRedirect(reverse("admin:story", args=[row.absorbed_by_id]))
    since, until = since_last_visit(request), newest_moment()
    [figures] = story_rows([row], until=until, with_quotes=False)
    ends, evidence = week_ends(until), typical_evidence(row)
    shows_all = "all" in request.GET
    pages = Paginator(evidence, PER_PAGE)
    pages.count = figures.conversations  # it is known already
    listed = pages.get_page(request.GET.get("page")) if shows_all else None
    before, after = _neighbours(request, row)
    context = {
        "title": row.title,
        "story": row,
        "figures": figures,
        "share": share_of(figures.recent, figures.before, until),
        "weeks": columns(figures.weeks, [f"{end.day} {end:%b}" for end in ends], run_marks(row, ends)),
        "week_count": WEEKS,
        "quotes": [_quote(each, since) for each in (listed.object_list if listed else evidence[:TYPICAL])],
        "listed": listed,
        "shows_all": shows_all,
        "comments": comments(row),
        "ticket_is_link": is_link(row.ticket_url),
        "inside": request.GET.get("in", "")[:2000],
        "before": before,
        "after": after,
    }
    return show(request, "pages/story.html", context)


def _quote(row: StoryEvidence, since: Any) -> dict[str, Any]:
    quotes = list(row.theme.evidence.all())
    finished = row.run.first_finished_at if row.run else None
    return {
        "row": row,
        "conversation": row.conversation,
        "url": reverse("admin:conversation", args=[row.conversation_id]),
        "excerpts": excerpts_of(quotes),
        "summary": row.theme.summary,
        "is_fresh": bool(since and finished and finished > since),
    }


def _neighbours(request: HttpRequest, row: Story) -> tuple[int | None, int | None]:
    """Return the stories before and after this one in the list it was opened from, or in that of all open stories."""
    chosen = Chosen.read(QueryDict(request.GET.get("in", request.POST.get("in", ""))[:2000]))
    ids = list(chosen_stories(chosen, newest_moment(), request.user).values_list("pk", flat=True)[:MOST_NEIGHBOURS])
    if row.pk not in ids:
        return None, (ids[0] if ids else None)
    place = ids.index(row.pk)
    return (ids[place - 1] if place else None), (ids[place + 1] if place + 1 < len(ids) else None)


# --- Parts that are asked for by themselves -----------------------------------------------------------------------


@page("pipeline.view_story")
def similar(request: HttpRequest, story_id: int) -> HttpResponse:
    """Show the stories that lie near this one, each with a button that merges."""
    row = the_story(story_id)
    near = similar_stories(row, SIMILAR)
    rows = {each.story.pk: each for each in story_rows([one.story for one in near], until=newest_moment())}
    found = [(rows[one.story.pk], round(100 * one.cosine)) for one in near]
    return show(
        request, "pages/similar.html", {"story": row, "near": found, "inside": request.GET.get("in", "")[:2000]}
    )


@page("pipeline.view_story")
def parts(request: HttpRequest, story_id: int) -> HttpResponse:
    """Show the parts the story may fall into, with a button that splits it so."""
    row = the_story(story_id)
    return show(
        request, "pages/parts.html", {"story": row, "found": parts_of(row), "inside": request.GET.get("in", "")[:2000]}
    )


@page("pipeline.view_story")
def about(request: HttpRequest, story_id: int) -> HttpResponse:
    """Show who is behind the story."""
    row = the_story(story_id)
    return show(request, "pages/who.html", {"story": row, "who": who(row), "customer_url": reverse("admin:customer")})


@page("pipeline.view_story")
def history(request: HttpRequest, story_id: int) -> HttpResponse:
    """Show what happened to the story, and why its conversations belong together."""
    row = the_story(story_id)
    context = {"story": row, "events": activity(row), "folded": [confidence(row), *passages(row.signature)]}
    return show(request, "pages/activity.html", {**context, "here": reverse("admin:story", args=[row.pk])})


@page("pipeline.change_story")
def edit(request: HttpRequest, story_id: int) -> HttpResponse:
    """Show the form to write title, description, owner and ticket."""
    people = get_user_model()._default_manager.filter(is_active=True, is_staff=True).order_by("username")
    context = {"story": the_story(story_id), "owners": people, "inside": request.GET.get("in", "")[:2000]}
    return show(request, "pages/edit.html", context)


# --- Deciding -----------------------------------------------------------------------------------------------------

STATUSES = {
    "approve": Story.Status.APPROVED,
    "start": Story.Status.IN_PROGRESS,
    "done": Story.Status.DONE,
    "dismiss": Story.Status.DISMISSED,
    "candidate": Story.Status.CANDIDATE,
}
GOES_ON = ("approve", "dismiss")
"""What is answered by the next story."""


@require_POST
@page("pipeline.view_story")
def act(request: HttpRequest, story_id: int) -> HttpResponse:
    """Do what a button of the page says, and show what came of it with a way back."""
    row, do = the_story(story_id), request.POST.get("do", "")
    if do not in ACTIONS:
        raise Http404(f"{do[:40]!r} is not an action for stories")
    right, action = ACTIONS[do]
    require(request, right)
    following = _neighbours(request, row)[1] if do in GOES_ON else None
    try:
        where = action(request, row, do)
    except DecisionRefused as refused:
        messages.warning(request, f"{str(refused)[:1].upper()}{str(refused)[1:]}")
        where = None
    return _see(request, where or following or row.pk)


def _see(request: HttpRequest, story_id: int) -> HttpResponse:
    inside = request.POST.get("in", "")[:2000]
    if request.POST.get("next"):
        return back(request)
    query = QueryDict(mutable=True)
    if inside:
        query["in"] = inside
    address = reverse("admin:story", args=[story_id]) + (f"?{query.urlencode()}" if query else "")
    return HttpResponseRedirect(address, status=303)


def _set_status(request: HttpRequest, row: Story, do: str) -> int | None:
    reason = request.POST.get("reason", "").strip()[:500]
    status = STATUSES[do]
    decided = set_status(
        stories=Story.objects.filter(pk=row.pk), status=status, by=request.user, at=timezone.now(), reason=reason
    )
    if decided.refused:
        raise DecisionRefused(f"“{row}” stays {words(row.status)}: its signature has another open story.")
    if not decided.changed:
        messages.info(request, f"“{row}” was already {words(status)}.")
    else:
        did(request, f"“{row}” is now {words(status)}.", decided.changes)
    return row.pk if do not in GOES_ON else None


def _merge(request: HttpRequest, row: Story, do: str) -> int | None:
    other = the_story(number_in(request.POST.get("other", "")) or 0)
    merge = review.merge_signatures(child=other.signature, parent=row.signature, by=request.user, reason="story page")
    did(request, f"“{other}” and “{row}” are now one story.", [merge])
    return row.pk


def _different(request: HttpRequest, row: Story, do: str) -> int | None:
    other = the_story(number_in(request.POST.get("other", "")) or 0)
    kept = review.veto(first=row.signature, second=other.signature, by=request.user, reason="story page")
    did(request, f"“{other}” stays a separate problem, in later runs too.", [kept])
    return row.pk


def _split(request: HttpRequest, row: Story, do: str) -> int | None:
    """Split by a threshold, or take the chosen conversations out under a name."""
    if chosen := [number for word in request.POST.getlist("conversation") if (number := number_in(word))]:
        name = request.POST.get("name", "").strip()
        if not name:
            raise DecisionRefused("enter a name for the new story: what are the chosen conversations about?")
        made: list[Decision | Change] = [
            review.split_signature(signature=row.signature, conversations=chosen, name=name, by=request.user)
        ]
        did(request, f"{counted(len(chosen), 'conversation')} of “{row}” became the new story “{name}”.", made)
        return row.pk
    try:
        threshold = float(request.POST.get("threshold", ""))
    except ValueError:
        raise DecisionRefused("choose the conversations that are about another problem.") from None
    splits = review.split_by_threshold(signature=row.signature, threshold=threshold, by=request.user)
    did(request, f"“{row}” was split into {len(splits) + 1}.", splits)
    return row.pk


def _move(request: HttpRequest, row: Story, do: str) -> int | None:
    """Move the chosen conversations to another story."""
    other = the_story(number_in(request.POST.get("other", "")) or 0)
    chosen = [number for word in request.POST.getlist("conversation") if (number := number_in(word))]
    themes = Theme.objects.filter(pk__in=row.evidence.filter(conversation__in=chosen).values("theme"))
    moves: list[Decision | Change] = [
        review.move_theme(theme=theme, target=other.signature, by=request.user) for theme in themes.order_by("pk")
    ]
    if not moves:
        raise DecisionRefused("choose the conversations that belong to another story.")
    did(request, f"{counted(len(moves), 'conversation')} moved to “{other}”.", moves)
    return row.pk


def _edit(request: HttpRequest, row: Story, do: str) -> int | None:
    """Write title, description, owner or ticket: whichever were sent."""
    sent, columns = request.POST, dict[str, object]()
    if "title" in sent:
        columns["title"] = " ".join(sent["title"].split())[:200] or row.title
    if "description" in sent:
        columns["description"] = sent["description"].replace("\r\n", "\n").strip()[:20_000]
    if "owner" in sent:
        owner = get_user_model()._default_manager.filter(pk=number_in(sent["owner"]) or 0, is_active=True).first()
        columns["owner_id"] = owner.pk if owner else None
    if "ticket_url" in sent:
        columns["ticket_url"] = sent["ticket_url"].strip()[:2000]
        if columns["ticket_url"] and not is_link(str(columns["ticket_url"])):
            raise DecisionRefused("the ticket must be a web address that starts with https:// or http://.")
    changes = edit_story(story=row, by=request.user, at=timezone.now(), **columns)
    if changes:
        did(request, f"Changed: {', '.join(words(change.what) for change in changes)}.", changes)
    return row.pk


def _comment(request: HttpRequest, row: Story, do: str) -> int | None:
    comment(story=row, text=request.POST.get("text", "")[:10_000], by=request.user, at=timezone.now())
    messages.success(request, "Your comment was added.")
    return row.pk


def _remove_comment(request: HttpRequest, row: Story, do: str) -> int | None:
    written = get_object_or_404(Comment, story=row, pk=number_in(request.POST.get("comment", "")) or 0)
    if written.created_by_id != request.user.pk:
        require(request, "pipeline.delete_comment")
    remove_comment(comment=written, by=request.user, at=timezone.now())
    messages.success(request, "The comment was removed.")
    return row.pk


Action = Callable[[HttpRequest, Story, str], int | None]

ACTIONS: dict[str, tuple[str, Action]] = {
    **dict.fromkeys(STATUSES, ("pipeline.change_story", _set_status)),
    "merge": ("pipeline.change_signature", _merge),
    "different": ("pipeline.change_signature", _different),
    "split": ("pipeline.change_signature", _split),
    "move": ("pipeline.change_signature", _move),
    "edit": ("pipeline.change_story", _edit),
    "comment": ("pipeline.add_comment", _comment),
    "remove_comment": ("pipeline.add_comment", _remove_comment),
}


ADDRESSES = [
    ("stories/<int:story_id>/", "story", story),
    ("stories/<int:story_id>/similar/", "story_similar", similar),
    ("stories/<int:story_id>/parts/", "story_parts", parts),
    ("stories/<int:story_id>/who/", "story_who", about),
    ("stories/<int:story_id>/activity/", "story_activity", history),
    ("stories/<int:story_id>/edit/", "story_edit", edit),
    ("stories/<int:story_id>/act/", "story_act", act),
]
