"""What a person did last, said in a line that takes it back, and the door through which it is taken back."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from pipeline import review
from pipeline.models import Change, Decision, Hold, Merge, Move, Rename, Split, Veto
from pipeline.models.wording import counted
from pipeline.review import DecisionRefused
from pipeline.review.triage import undo_change
from pipeline.web.pages.frame import page, require

REMEMBERED = 30
"""Actions of a person that `u` takes back, the last one first."""

MOST_AT_ONCE = 2_000
"""Rows that one action may change: each is undone by itself."""

DONE = "done"
"""Where the session keeps them."""

KINDS: dict[str, type[Decision] | type[Change]] = {
    "merge": Merge, "veto": Veto, "split": Split, "move": Move, "rename": Rename, "hold": Hold,
    "change": Change,
}  # fmt: skip

RIGHTS = {"change": "pipeline.change_story"}
"""What undoing asks for; decisions about signatures ask for that of deciding."""

DECIDING = "pipeline.change_signature"


def did(request: HttpRequest, text: str, records: Sequence[Decision | Change]) -> None:
    """Say on the next page what was done, with a button that takes it back; `u` does so too."""
    tokens = [token_of(record) for record in records]
    if tokens:
        done = request.session.get(DONE, [])
        request.session[DONE] = [*done, {"text": text, "tokens": tokens}][-REMEMBERED:]
    messages.success(request, text, extra_tags="undoable" if tokens else "")


def token_of(record: Decision | Change) -> str:
    """Return a record as a word that an address can carry."""
    return f"{record._meta.model_name}-{record.pk}"


@require_POST
@page("pipeline.view_story")
def undo(request: HttpRequest) -> HttpResponse:
    """Take back what is named by `record`, or else what the person did last; say what came of it."""
    named = request.POST.get("record", "")
    done = list(request.session.get(DONE, []))
    if not named and not done:
        messages.info(request, "Nothing to undo.")
        return back(request)
    entry: dict[str, Any] = {"text": "", "tokens": [named]} if named else done[-1]
    undone, refused = 0, ""
    # the last first: a later change may stand on an earlier one of the same action
    for token in reversed(entry["tokens"]):
        try:
            _undo_one(request, token)
            undone += 1
        except DecisionRefused as error:
            refused = str(error)
    if named:
        request.session[DONE] = [each for each in done if named not in each["tokens"]]
    else:
        # also where it was refused: `u` then goes on to what was done before, and does not stop at it for ever
        request.session[DONE] = done[:-1]
    if refused:
        some = f"{counted(undone, 'change was', 'changes were')} undone. " if undone else ""
        messages.warning(request, f"{some}Not undone: {refused}")
    else:
        messages.success(request, f"Undone: {entry['text'] or counted(undone, 'change')}")
    return back(request)


def _undo_one(request: HttpRequest, token: str) -> None:
    kind, _, number = token.partition("-")
    if kind not in KINDS or not number.isdecimal():
        raise DecisionRefused(f"{token[:40]!r} is not something that can be undone.")
    # asked for each: `u` may take back several of different kinds
    require(request, RIGHTS.get(kind, DECIDING))
    record = KINDS[kind]._default_manager.filter(pk=int(number)).first()
    if record is None:
        raise DecisionRefused("it no longer exists.")
    if isinstance(record, Change) and record.what == Change.What.PROMOTION:
        review.undo_promotion(change=record, by=request.user)
    elif isinstance(record, Change):
        undo_change(change=record, by=request.user, at=timezone.now())
    else:
        review.undo(decision=record, by=request.user)


def back(request: HttpRequest, otherwise: str = "") -> HttpResponseRedirect:
    """Return to the page the form says it came from, if it is one of ours."""
    wanted = request.POST.get("next", "") or request.headers.get("Referer", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return _see(wanted)
    return _see(otherwise or reverse("admin:index"))


def _see(address: str) -> HttpResponseRedirect:
    response = HttpResponseRedirect(address)
    response.status_code = 303  # what was posted is not posted again there
    return response


ADDRESSES = [("undo/", "undo", undo)]
