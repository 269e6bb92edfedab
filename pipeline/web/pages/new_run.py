"""New run: a file is dropped or a source picked, what was recognised is shown and corrected, and the run starts.

A file that is large comes in pieces that the browser cuts; a worker looks at it and imports it, and the page says how
far that is. Small ones take the same way, only that the page itself looks at them.
"""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from pipeline.extract.llm.budget import dollars_of
from pipeline.models import Run, Source, Upload
from pipeline.models.refusal import Refusal
from pipeline.runs import preview, start, uploading, uploads
from pipeline.runs.create import Selection, profile_of
from pipeline.runs.uploads import Look, Said, Wanted, WrongPiece, keep_upload
from pipeline.sources.books.source import BooksSource
from pipeline.sources.file import FileSource
from pipeline.sources.records import is_live
from pipeline.sources.remedies import on_screen
from pipeline.web.pages.frame import page, show
from pipeline.web.parts.numbers import number_in

OPERATE = "pipeline.operate_run"
FIELDS = ("id", "text", "subject", "customer", "created_at", "role", "author", "conversation", "label", "url")
"""Of a record, that a person may say where they stand."""

KINDS = ((FileSource.kind, "conversations"), (BooksSource.kind, "a book"))
READER = "local"

PIECE_BYTES = 4_000_000
"""Of a file that comes in pieces: what the web server takes in one request is limited (WEB_BODY_LIMIT)."""


@page(OPERATE)
def new_run(request: HttpRequest) -> HttpResponse:
    """Ask for a file or a source; with `source` in the address, show what a run of it would read."""
    if request.method == "POST":
        return _keep(request)
    waiting = Upload.objects.filter(run__isnull=True, created_by=request.user.pk)
    context: dict[str, Any] = {
        "title": "New run",
        "sources": [(source, is_live(source.kind)) for source in Source.objects.order_by("kind", "name")[:500]],
        "limit": settings.UPLOAD_LIMIT,
        "piece": PIECE_BYTES,
        "uploads": waiting.exclude(state=Upload.State.ARRIVING)[:5],
    }
    number = number_in(request.GET.get("source", ""))
    if number is not None:
        source = get_object_or_404(Source, pk=number)
        context |= {"source": source, "is_live_source": is_live(source.kind), **_readers(source, source.kind)}
        dry = number_in(request.GET.get("dry", ""))
        context["dry"] = Run.objects.filter(source=source, is_preview=True, pk=dry).first() if dry else None
    return show(request, "pages/new_run.html", context)


def _readers(source: Source | None, kind: str) -> dict[str, Any]:
    """Return the profiles and readers there are, with those of the source's last run, else of its kind."""
    last = Run.objects.filter(source=source, is_preview=False).order_by("-pk").first() if source else None
    return {
        "profiles": list(settings.PROFILES),
        "profile": (profile_of(source) if source else "") or start.default_profile(kind),
        "extractors": [name for name in settings.EXTRACTORS if name != "null"],
        "extractor": last.extractor if last else READER,
        "judges": settings.LLM_MODEL if kind != Source.WEBSITES else "",
    }


# --- A file arrives -----------------------------------------------------------------------------------------------


def _keep(request: HttpRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if file is None:
        messages.warning(request, "Choose a file first.")
        return _see(reverse("admin:new_run"))
    upload = keep_upload(name=file.name or "upload", chunks=file.chunks(), by=request.user, at=timezone.now())
    return _see(_page_of(upload))


@require_POST
@page(OPERATE)
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a file that comes in pieces; say where they go."""
    size = request.POST.get("size", "")
    try:
        upload = uploads.begin_upload(
            name=request.POST.get("name", "upload")[:300],
            size=int(size) if size.isdecimal() and len(size) <= 15 else 0,
            by=request.user,
            at=timezone.now(),
        )
    except WrongPiece as error:
        return JsonResponse({"problem": str(error)}, status=400)
    return JsonResponse({"piece": reverse("admin:new_run_piece", args=[upload.token]), "page": _page_of(upload)})


@require_POST
@page(OPERATE)
def piece(request: HttpRequest, token: Any) -> HttpResponse:
    """Take a piece of a file, as bytes; `begins` in the address says where it stands. Say where the next one begins."""
    upload = _mine(request, token)
    begins = request.GET.get("begins", "")
    # not `request.body`: that is limited to what a form may hold
    data = request.read(PIECE_BYTES + 1)
    if not begins.isdecimal() or len(begins) > 15 or not 0 < len(data) <= PIECE_BYTES:
        return JsonResponse(
            {"problem": f"A piece has 1 to {PIECE_BYTES:,} bytes and says where it begins."}, status=400
        )
    try:
        row = uploads.add_piece(upload=upload, begins=int(begins), piece=data)
    except WrongPiece as error:
        return JsonResponse({"problem": str(error), "next": error.expected}, status=409)
    except Refusal as error:
        return JsonResponse({"problem": str(error)}, status=410)
    return JsonResponse({"next": row.size})


def _mine(request: HttpRequest, token: Any) -> Upload:
    """Return an upload of this person."""
    found: Upload = get_object_or_404(Upload, token=token, created_by=request.user.pk)
    return found


def _page_of(upload: Upload, query: str = "") -> str:
    return reverse("admin:new_run_file", args=[upload.token]) + (f"?{query}" if query else "")


# --- What it is ---------------------------------------------------------------------------------------------------


@page(OPERATE)
def new_run_file(request: HttpRequest, token: Any) -> HttpResponse:
    """Show what an upload was recognised as, with a few conversations, and what can be said otherwise.

    While a worker looks at it or imports it, show how far that is; once its run has started, that.
    """
    upload = get_object_or_404(Upload.objects.select_related("run"), token=token)
    if upload.run is not None:
        return HttpResponseRedirect(reverse("admin:run", args=[upload.run.pk]))
    said = said_of(request.GET)
    context: dict[str, Any] = {
        "title": upload.name,
        "upload": upload,
        "said_of": said,
        "query": request.GET.urlencode(),
    }
    if upload.state in (Upload.State.ARRIVING, Upload.State.IMPORTING):
        return show(request, "pages/new_run_wait.html", context)
    look, problem = _look(upload, said, again="again" in request.GET)
    if look is None and not problem:
        return show(request, "pages/new_run_wait.html", context)
    kind = look.kind if look else said.kind or FileSource.kind
    known = Source.objects.filter(pk=look.known).first() if look else None
    context |= {
        "problem": on_screen(problem or upload.error),
        "look": look,
        "notes": [on_screen(note) for note in look.notes] if look else [],
        "reasons": [on_screen(reason) for reason in look.reasons] if look else [],
        "known": known,
        "fields": _fields(look.fields if look else {}, said),
        "samples": [(each, parse_datetime(each["occurred_at"])) for each in look.samples] if look else [],
        "kinds": KINDS,
        "kind": kind,
        **_readers(known, kind),
    }
    return show(request, "pages/new_run_file.html", context)


def _look(upload: Upload, said: Said, *, again: bool) -> tuple[Look | None, str]:
    """Return what an upload turned out to be, or what is wrong with it; neither while a worker looks at it."""
    if uploads.is_looked_at_once(upload):
        try:
            return uploads.look_into(upload, said), ""
        except uploads.WRONG as error:
            return None, str(error)
    try:
        return uploading.look_by_worker(upload, said, again=again), ""
    except Refusal as error:
        return None, str(error)


@page(OPERATE)
def live(request: HttpRequest, token: Any) -> HttpResponse:
    """Show how far a worker is with an upload; the whole page again once it is done."""
    upload = get_object_or_404(Upload.objects.select_related("run"), token=token)
    response = show(request, "pages/new_run_live.html", {"upload": upload})
    looked = upload.look is not None and bool(upload.look.get("found") or upload.look.get("problem"))
    if upload.run is not None:
        response.headers["HX-Redirect"] = reverse("admin:run", args=[upload.run.pk])
    elif upload.state == Upload.State.FAILED or (upload.state == Upload.State.KEPT and looked):
        response.headers["HX-Refresh"] = "true"
    return response


def said_of(query: QueryDict) -> Said:
    """Return what an address says about a file."""
    plain = {
        name: query.get(name, "").replace("\0", "").strip() for name in ("date_format", "encoding", "name", "kind")
    }
    return Said(
        mapping={field: column for field in FIELDS if (column := _column(query, field))},
        date_format=plain["date_format"][:60],
        encoding=plain["encoding"][:40],
        name=plain["name"][:200],
        kind=plain["kind"] if plain["kind"] in dict(KINDS) else "",
    )


def _column(query: QueryDict, field: str) -> str:
    return query.get(f"map_{field}", "")[:200].replace("\0", "").strip()


def _fields(recognised: dict[str, str], said: Said) -> list[tuple[str, str, str]]:
    """Return each field with what a person said of it and where it was found by itself."""
    found = {meaning.replace(" ", "_"): where for meaning, where in recognised.items()}
    also = {"times": "created_at", "time": "created_at", "roles": "role"}
    found |= {also[name]: where for name, where in found.items() if name in also}
    return [(name, said.mapping.get(name, ""), found.get(name, "")) for name in FIELDS]


@require_POST
@page(OPERATE)
def start_file(request: HttpRequest, token: Any) -> HttpResponse:
    """Have a worker import an upload as it was shown, and start its run."""
    upload = get_object_or_404(Upload, token=token)
    query = QueryDict(request.POST.get("query", "")[:4000])
    try:
        wanted = Wanted(
            said=said_of(query),
            profile=request.POST.get("profile", "")[:50],
            extractor=request.POST.get("extractor", READER)[:50],
            limit=_limit(request.POST),
            force_refresh="force_refresh" in request.POST,
            replaces_texts="replaces" in request.POST,
            another_profile="another_profile" in request.POST,
            judge="judge" in request.POST,
            budget=budget_in(request.POST),
        )
        if uploads.want_run(upload=upload, wanted=wanted):
            uploading.send_import(upload)
    except uploads.WRONG as error:
        return _refused(request, error, _page_of(upload, query.urlencode()))
    return _see(_page_of(upload, query.urlencode()))


@require_POST
@page(OPERATE)
def start_source(request: HttpRequest) -> HttpResponse:
    """Start a run of a source, or count what it would read."""
    source = get_object_or_404(Source, pk=number_in(request.POST.get("source", "")) or 0)
    back = f"{reverse('admin:new_run')}?source={source.pk}"
    chosen: dict[str, Any] = {
        "profile": request.POST.get("profile", "")[:50],
        "extractor": request.POST.get("extractor", READER)[:50],
    }
    another = "another_profile" in request.POST
    try:
        chosen["selection"] = _selection(request.POST)
        opened = start.open_source(str(source))
        if request.POST.get("do") == "dry":
            chosen["profile"] = start.chosen_profile(opened, chosen["profile"], another=another)
            return _see(f"{back}&dry={preview.preview(source=opened, **chosen).pk}")
        run = start.start_run(source=opened, another_profile=another, **chosen)
    except Refusal as error:
        return _refused(request, error, back)
    Run.objects.filter(pk=run.pk).update(created_by=request.user.pk)
    messages.success(request, f"Run {run.pk} of {run.source} has started.")
    return _see(reverse("admin:run", args=[run.pk]))


def _selection(sent: QueryDict) -> Selection:
    budget = budget_in(sent)
    return Selection(
        limit=_limit(sent), force_refresh="force_refresh" in sent, judge="judge" in sent,
        budget=Decimal(budget) if budget else None,
    )  # fmt: skip


def budget_in(sent: QueryDict) -> str | None:
    """Return the dollars that a form allows a run, in digits; None where it says nothing. NoAmount if it is no amount.

    A run without a limit would be the opposite of what was meant.
    """
    word = sent.get("budget", "").strip().removeprefix("$")
    if not word:
        return None
    try:
        return str(dollars_of(word))
    except ValueError as error:
        raise NoAmount(f"Budget: {error}") from error


class NoAmount(Refusal):
    """What was written as a budget is no amount of money."""


def _limit(sent: QueryDict) -> int | None:
    limit = sent.get("limit", "")
    return int(limit) if limit.isdecimal() and 0 < len(limit) <= 9 and int(limit) else None


def _refused(request: HttpRequest, error: Exception, back: str) -> HttpResponse:
    told = on_screen(str(error))
    messages.error(request, f"{told[:1].upper()}{told[1:]}")
    return _see(back)


def _see(address: str) -> HttpResponse:
    return HttpResponseRedirect(address, status=303)


ADDRESSES = [
    ("runs/new/", "new_run", new_run),
    ("runs/new/source/", "new_run_source", start_source),
    ("runs/new/begin/", "new_run_begin", begin),
    ("runs/new/<uuid:token>/piece/", "new_run_piece", piece),
    ("runs/new/<uuid:token>/live/", "new_run_live", live),
    ("runs/new/<uuid:token>/", "new_run_file", new_run_file),
    ("runs/new/<uuid:token>/start/", "new_run_start", start_file),
]
