"""Review as one stream: a question at a time, answered by a key, taken back by another."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError as BrokerError

from pipeline import review as decisions
from pipeline import tasks
from pipeline.group.current import themes_that_wait
from pipeline.models import Evidence, Orphan, Signature, Story
from pipeline.models.wording import counted, words
from pipeline.reports.trends import newest_moment, story_rows
from pipeline.review import DecisionRefused
from pipeline.review.asking import KINDS, Waiting, differing_words, marked, signatures_of, waiting_questions
from pipeline.review.stream import Question, confirm_story, leave_orphan
from pipeline.review.triage import set_status
from pipeline.web.pages.acting import did
from pipeline.web.pages.frame import page, require, show
from pipeline.web.parts.numbers import number_in

QUOTES = 3
SKIPPED = "skipped"
"""Where the session keeps what was put off; it comes again at the next login, or when nothing else is left."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is shown of one side of a question: a title, where it leads, how large it is, and a few quotes in pieces."""

    title: str
    url: str
    told: str
    quotes: list[list[tuple[str, bool]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A button: what is sent, what stands on it, and its keys."""

    do: str
    text: str
    key: str
    also: str = ""
    is_main: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is shown: the headline, why it is asked and what the answers do, its sides and buttons."""

    question: Question
    headline: str
    why: str
    sides: list[Side]
    answers: list[Answer]


@page("pipeline.view_story")
def review(request: HttpRequest) -> HttpResponse:
    """Show the question that comes next."""
    kind = request.GET.get("kind", "")
    kinds = (kind,) if kind in KINDS else KINDS
    skipped = list(request.session.get(SKIPPED, []))
    waiting, asked = _next_asked(kinds, skipped)
    if asked is None and skipped:  # what was put off comes again once nothing else is left
        request.session[SKIPPED] = []
        waiting, asked = _next_asked(kinds, [])
    context = {"title": "Review", "asked": asked, "waiting": waiting, "kind": kind, "kinds": NAMES}
    return show(request, "pages/review.html", context)


NAMES = (
    ("", "All"), ("story", "New stories"), ("pair", "Pairs"), ("orphan", "Orphans near a story"),
    ("changed", "Changed"),
)  # fmt: skip


def _next_asked(kinds: Any, skipped: list[str]) -> tuple[Waiting, Asked | None]:
    """Return what waits, and the first question that can still be asked."""
    waiting = waiting_questions(kinds, skipped)
    _have_pairs_found(waiting.outdated)
    for question in waiting.questions[:20]:
        if asked := _ASK[question.kind](question):
            return waiting, asked
    return waiting, None


def _have_pairs_found(profiles: Sequence[str]) -> None:
    """Have a worker look for the pairs of these profiles; whoever asks meanwhile sees those found before."""
    for profile in profiles:
        # a minute: many people at the page ask for it once, and a worker that died is asked again
        if cache.add(f"pairs-asked:{profile}", True, 60):
            with suppress(BrokerError):  # without a queue the other kinds of questions are there all the same
                tasks.find_pairs.apply_async(kwargs={"profile": profile}, retry=False, ignore_result=True)


def _of_story(question: Question) -> Asked | None:
    story = Story.objects.filter(pk=question.first).select_related("signature").defer("signature__vector_sum").first()
    if story is None:
        return None
    is_new = question.kind == "story"
    answers = [
        Answer("approve" if is_new else "seen", "Approve" if is_new else "Still right", "a", "y", True),
        Answer("dismiss", "Dismiss", "x", "n"),
    ]
    [row] = story_rows([story], until=newest_moment(), with_quotes=False)
    why = (
        "A run found this story and nobody has reviewed it yet. Approve it to keep it for the team. Dismiss it to "
        "remove it from the lists; it still collects conversations in the background."
        if is_new
        else f"It has grown since it was last reviewed, and is {words(story.status)}. Is it still about one problem?"
    )
    told = (
        f"{counted(row.conversations, 'conversation')}, {counted(row.customers, 'customer')}, {row.change} in 4 weeks"
    )
    side = Side(story.title, reverse("admin:story", args=[story.pk]), told, _plain(_quotes(story.signature_id)))
    return Asked(question, "Is this a story?" if is_new else "Is this story still right?", why, [side], answers)


def _of_pair(question: Question) -> Asked | None:
    signatures = signatures_of(question)
    if len(signatures) < 2:
        return None
    child, parent = signatures
    sides = [_side(parent), _side(child)]
    quotes = [_quotes(parent.pk), _quotes(child.pk)]
    marks = differing_words(" ".join(quotes[0]), " ".join(quotes[1]))
    shown = [
        Side(side.title, side.url, side.told, [marked(quote, words_of) for quote in said])
        for side, said, words_of in zip(sides, quotes, marks, strict=True)
    ]
    why = (
        f"The rules only just kept these apart. “Yes” merges them into “{shown[0].title}”; “No” keeps them apart. "
        "Both also apply to later runs."
    )
    answers = [
        Answer("yes", "Yes, one problem", "y", "a", True),
        Answer("no", "No, two problems", "n", "x"),
    ]
    return Asked(question, "Are these one problem?", why, shown, answers)


def _of_orphan(question: Question) -> Asked | None:
    orphan = Orphan.objects.filter(pk=question.first).select_related("signature", "nearest_story__signature").first()
    if orphan is None or orphan.nearest_story is None:
        return None
    story = orphan.nearest_story
    quotes = [_quotes(orphan.signature_id), _quotes(story.signature_id)]
    marks = differing_words(" ".join(quotes[0]), " ".join(quotes[1]))
    told = f"orphan: {orphan.detail}"
    sides = [
        Side(orphan.signature.name, reverse("admin:orphans"), told, [marked(q, marks[0]) for q in quotes[0]]),
        Side(story.title, reverse("admin:story", args=[story.pk]), words(story.status),
             [marked(q, marks[1]) for q in quotes[1]]),
    ]  # fmt: skip
    why = (
        "It is too small to be a story, but similar to one. Add it to that story, make it a separate story, or "
        "leave it."
    )
    answers = [
        Answer("join", f"Add to “{story.title}”", "y", "a", True),
        Answer("promote", "Make a story", "p"),
        Answer("leave", "Leave as an orphan", "n", "x"),
    ]
    return Asked(question, "Does this belong to the story?", why, sides, answers)


_ASK = {"story": _of_story, "changed": _of_story, "pair": _of_pair, "orphan": _of_orphan}


def _side(signature: Signature) -> Side:
    home = decisions.home_of(signature)
    title = home.title if isinstance(home, Story) else signature.name
    url = reverse("admin:story", args=[home.pk]) if isinstance(home, Story) else reverse("admin:orphans")
    return Side(title, url, words(home.status) if isinstance(home, Story) else "orphan", [])


def _quotes(root: int) -> list[str]:
    """Return a few quotes of what a root means, those nearest to its middle first, each of another conversation."""
    themes = themes_that_wait([root]).order_by("-signature_score", "id").values_list("pk", flat=True)[: 3 * QUOTES]
    found = Evidence.objects.filter(theme__in=list(themes)).order_by("theme_id", "start").distinct("theme_id")
    by_theme = dict(found.values_list("theme_id", "quote"))
    quotes = dict.fromkeys(" ".join(by_theme[pk][:600].split()) for pk in themes if pk in by_theme)
    return list(quotes)[:QUOTES]


def _plain(quotes: list[str]) -> list[list[tuple[str, bool]]]:
    return [[(quote, False)] for quote in quotes]


# --- Answers ------------------------------------------------------------------------------------------------------


@require_POST
@page("pipeline.view_story")
def answer(request: HttpRequest) -> HttpResponse:
    """Take an answer and show the next question."""
    question, do = _sent(request), request.POST.get("do", "")
    if do == "skip":
        request.session[SKIPPED] = [*request.session.get(SKIPPED, []), question.token][-500:]
    else:
        try:
            _take(request, question, do)
        except DecisionRefused as refused:
            messages.warning(request, f"{str(refused)[:1].upper()}{str(refused)[1:]}")
    kind = request.POST.get("kind", "")
    return HttpResponseRedirect(f"{reverse('admin:review')}{f'?kind={kind}' if kind in KINDS else ''}", status=303)


def _sent(request: HttpRequest) -> Question:
    kind, _, ids = request.POST.get("question", "").partition("-")
    numbers = [number for word in ids.split("-") if (number := number_in(word)) is not None]
    if kind not in KINDS or len(numbers) != (2 if kind == "pair" else 1):
        raise Http404("this question does not exist")
    return Question(kind, *numbers)


def _take(request: HttpRequest, question: Question, do: str) -> None:
    taken = {"pair": _take_pair, "orphan": _take_orphan}.get(question.kind, _take_story)
    taken(request, question, do)


def _take_story(request: HttpRequest, question: Question, do: str) -> None:
    require(request, "pipeline.change_story")
    story = Story.objects.filter(pk=question.first).first()
    if story is None:
        raise DecisionRefused("the story no longer exists.")
    if do == "seen":
        did(request, f"“{story}” stays as it is.", [confirm_story(story=story, by=request.user, at=timezone.now())])
        return
    status = {"approve": Story.Status.APPROVED, "dismiss": Story.Status.DISMISSED}.get(do)
    if status is None:
        raise DecisionRefused("choose one of the answers.")
    mine = Story.objects.filter(pk=story.pk)
    decided = set_status(stories=mine, status=status, by=request.user, at=timezone.now())
    did(request, f"“{story}” is now {words(status)}.", decided.changes)


def _take_pair(request: HttpRequest, question: Question, do: str) -> None:
    require(request, "pipeline.change_signature")
    signatures = signatures_of(question)
    if len(signatures) < 2 or do not in ("yes", "no"):
        raise DecisionRefused("this pair no longer exists; here is the next question.")
    child, parent = signatures
    decided = decisions.answer(child=child, parent=parent, same=do == "yes", by=request.user)
    told = f"“{child.name}” is now part of “{parent.name}”." if do == "yes" else ("They stay two separate problems.")
    did(request, told, [decided])


def _take_orphan(request: HttpRequest, question: Question, do: str) -> None:
    orphan = Orphan.objects.filter(pk=question.first).select_related("signature", "nearest_story__signature").first()
    if orphan is None:
        raise DecisionRefused("the orphan no longer exists; here is the next question.")
    act_on_orphan(request, orphan, do)


def act_on_orphan(request: HttpRequest, orphan: Orphan, do: str) -> None:
    """Join an orphan to its nearest story, make a story of it, or leave it; say so. Raises DecisionRefused."""
    require(request, "pipeline.change_orphan" if do == "leave" else "pipeline.change_signature")
    name, near = orphan.signature.name, orphan.nearest_story
    if do == "promote":
        made = decisions.promote_orphan(orphan=orphan, by=request.user)
        did(request, f"“{name}” is now a story.", [made])
    elif do == "join" and near is not None:
        if not near.is_open:
            raise DecisionRefused(f"“{near}” is no longer open.")
        merge = decisions.merge_signatures(child=orphan.signature, parent=near.signature, by=request.user)
        did(request, f"“{name}” now belongs to “{near}”.", [merge])
    elif do == "leave":
        did(request, f"“{name}” stays an orphan.", [leave_orphan(orphan=orphan, by=request.user, at=timezone.now())])
    else:
        raise DecisionRefused("there is no similar story to add it to.")


ADDRESSES = [("review/", "review", review), ("review/answer/", "review_answer", answer)]
