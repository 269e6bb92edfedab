"""New run: a file is dropped or a source picked, what was recognised is shown and corrected, and the run starts."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from pipeline.models import Run, Source, Upload
from pipeline.models.refusal import Refusal
from pipeline.runs import preview, start
from pipeline.runs.create import OtherProfile, Selection, profile_of
from pipeline.runs.uploads import keep_upload, look_into, start_upload
from pipeline.sources.formats import Options
from pipeline.sources.ingest import WouldReplace
from pipeline.sources.records import UnreadableSource, is_live
from pipeline.sources.understanding.columns import UnknownColumn, parse_mapping
from pipeline.sources.understanding.times import BadDateFormat, read_date_format
from pipeline.web.pages.frame import page, show

OPERATE = "pipeline.operate_run"
FIELDS = ("id", "text", "subject", "customer", "created_at", "role", "author", "conversation", "label", "url")
"""Of a record, that a person may say where they stand."""

READER = "local"


@page(OPERATE)
def new_run(request: HttpRequest) -> HttpResponse:
    """Ask for a file or a source; with `source` in the address, show what a run of it would read."""
    if request.method == "POST":
        return _keep(request)
    context: dict[str, Any] = {
        "title": "New run",
        "sources": [(source, is_live(source.kind)) for source in Source.objects.order_by("kind", "name")[:500]],
        "limit": settings.UPLOAD_LIMIT // 1_000_000,
        "uploads": Upload.objects.filter(run__isnull=True, created_by=request.user.pk)[:5],
    }
    number = request.GET.get("source", "")
    if number.isdecimal() and len(number) <= 18:
        source = get_object_or_404(Source, pk=int(number))
        context |= {"source": source, "is_live_source": is_live(source.kind), **_readers(source)}
        dry = request.GET.get("dry", "")
        context["dry"] = (
            Run.objects.filter(source=source, is_preview=True, pk=int(dry)).first() if dry.isdecimal() else None
        )
    return show(request, "pages/new_run.html", context)


def _readers(source: Source | None) -> dict[str, Any]:
    """Return the profiles and readers there are, with those that the source was read with last."""
    last = Run.objects.filter(source=source, is_preview=False).order_by("-pk").first() if source else None
    return {
        "profiles": list(settings.PROFILES),
        "profile": (profile_of(source) if source else "") or start.DEFAULT_PROFILE,
        "extractors": [name for name in settings.EXTRACTORS if name != "null"],
        "extractor": last.extractor if last else READER,
    }


def _keep(request: HttpRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if file is None:
        messages.warning(request, "Choose a file first.")
        return _see(reverse("admin:new_run"))
    upload = keep_upload(name=file.name or "upload", chunks=file.chunks(), by=request.user, at=timezone.now())
    return _see(reverse("admin:new_run_file", args=[upload.token]))


@page(OPERATE)
def new_run_file(request: HttpRequest, token: Any) -> HttpResponse:
    """Show what an upload was recognised as, with a few conversations, and what can be said otherwise."""
    upload = get_object_or_404(Upload, token=token)
    said = _said(request.GET)
    context: dict[str, Any] = {
        "title": upload.name, "upload": upload, "fields": [], "name": request.GET.get("name", "")[:200],
    }  # fmt: skip
    try:
        look = look_into(upload, options_of(request.GET), context["name"])
    except (Refusal, UnknownColumn, BadDateFormat) as error:
        context["problem"] = str(error)
        return show(request, "pages/new_run_file.html", {**context, **_readers(None), "fields": _fields({}, said)})
    context |= {
        "look": look,
        "fields": _fields(look.summary.fields, said),
        "columns": sorted({*look.summary.unused_columns, *look.summary.fields.values()}),
        "samples": [(record, record.messages[:3], len(record.messages) - 3) for record in look.samples],
        "query": request.GET.urlencode(),
        **_readers(look.known),
    }
    return show(request, "pages/new_run_file.html", context)


def _said(query: QueryDict) -> dict[str, str]:
    return {name: query.get(f"map_{name}", "")[:200].replace("\0", "").strip() for name in FIELDS}


def _fields(recognised: Any, said: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return each field with what a person said of it and where it was found by itself."""
    found = {meaning.replace(" ", "_"): where for meaning, where in recognised.items()}
    also = {"times": "created_at", "time": "created_at", "roles": "role"}
    found |= {also[name]: where for name, where in found.items() if name in also}
    return [(name, said[name], str(found.get(name, ""))) for name in FIELDS]


def options_of(query: QueryDict) -> Options:
    """Return what a person said about a file. Raises UnknownColumn or BadDateFormat."""
    mapping = parse_mapping([f"{name}={column}" for name, column in _said(query).items() if column])
    form = query.get("date_format", "")[:60].strip()
    if form:
        read_date_format(form)
    return Options(mapping, query.get("encoding", "")[:40].strip(), form)


@require_POST
@page(OPERATE)
def start_file(request: HttpRequest, token: Any) -> HttpResponse:
    """Import an upload as it was shown, and start its run."""
    upload = get_object_or_404(Upload, token=token)
    query = QueryDict(request.POST.get("query", "")[:4000])
    back = reverse("admin:new_run_file", args=[upload.token]) + (f"?{query.urlencode()}" if query else "")
    try:
        run = start_upload(
            upload=upload,
            options=options_of(query),
            name=query.get("name", "")[:200].strip(),
            profile=request.POST.get("profile", "")[:50],
            extractor=request.POST.get("extractor", READER)[:50],
            selection=_selection(request.POST),
            replaces_texts="replaces" in request.POST,
            another_profile="another_profile" in request.POST,
        )
    except (Refusal, UnknownColumn, BadDateFormat) as error:
        return _refused(request, error, back)
    Run.objects.filter(pk=run.pk).update(created_by=request.user.pk)
    messages.success(request, f"Run {run.pk} of {run.source} has started.")
    return _see(reverse("admin:run", args=[run.pk]))


@require_POST
@page(OPERATE)
def start_source(request: HttpRequest) -> HttpResponse:
    """Start a run of a source, or count what it would read."""
    number = request.POST.get("source", "")
    source = get_object_or_404(Source, pk=int(number) if number.isdecimal() and len(number) <= 18 else 0)
    back = f"{reverse('admin:new_run')}?source={source.pk}"
    chosen: dict[str, Any] = {
        "profile": request.POST.get("profile", "")[:50],
        "extractor": request.POST.get("extractor", READER)[:50],
        "selection": _selection(request.POST),
    }
    another = "another_profile" in request.POST
    try:
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
    limit = sent.get("limit", "")
    return Selection(
        limit=int(limit) if limit.isdecimal() and 0 < len(limit) <= 9 and int(limit) else None,
        force_refresh="force_refresh" in sent,
    )


def _refused(request: HttpRequest, error: Exception, back: str) -> HttpResponse:
    hints = {
        OtherProfile: " Tick “read under another profile as well” if that is meant.",
        WouldReplace: " Give the source a name of its own, or tick “replace the texts”.",
        UnreadableSource: "",
    }
    hint = next((told for kind, told in hints.items() if isinstance(error, kind)), "")
    messages.error(request, f"{str(error)[:1].upper()}{str(error)[1:]}{hint}")
    return _see(back)


def _see(address: str) -> HttpResponse:
    return HttpResponseRedirect(address, status=303)


ADDRESSES = [
    ("runs/new/", "new_run", new_run),
    ("runs/new/source/", "new_run_source", start_source),
    ("runs/new/<uuid:token>/", "new_run_file", new_run_file),
    ("runs/new/<uuid:token>/start/", "new_run_start", start_file),
]
