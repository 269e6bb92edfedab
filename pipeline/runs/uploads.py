"""Files that people upload for a run: kept in a folder of their own for a week, looked at, imported with the run."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings

from pipeline.models import Run, Source, Upload
from pipeline.models.refusal import Refusal
from pipeline.runs import start
from pipeline.runs.create import Selection
from pipeline.runs.preview import CHARACTERS_A_TOKEN
from pipeline.sources.formats import Options, Recognised
from pipeline.sources.ingest import Import, Imported
from pipeline.sources.reasons import Reasons
from pipeline.sources.records import Record, Reject
from pipeline.sources.remembered import with_remembered

KEPT = timedelta(days=7)
SAMPLES = 5
MOST_REJECTS = 200
"""Rejected rows that are kept to be shown."""


class UploadGone(Refusal):
    """The file is not there any more; upload it again."""


def keep_upload(*, name: str, chunks: Iterable[bytes], by: Any, at: datetime) -> Upload:
    """Store a file and return its row; files of other uploads that are older than a week go."""
    forget_old_uploads(at)
    upload = Upload(name=Path(name).name[:200] or "upload", size=0, created_at=at, created_by=by)
    folder = _folder(upload)
    folder.mkdir(parents=True, mode=0o700)
    # x: the folder is new, so a file that is there is somebody else's doing
    with (folder / _safe(upload.name)).open("xb") as file:
        for chunk in chunks:
            upload.size += file.write(chunk)
    upload.save()
    return upload


def path_of(upload: Upload) -> Path:
    """Return where an upload lies; UploadGone if it does not any more."""
    path = _folder(upload) / _safe(upload.name)
    if not path.is_file():
        raise UploadGone(f"{upload.name} is not kept any more; upload it again.")
    return path


def forget_upload(upload: Upload) -> None:
    """Remove the file of an upload, if it still lies there; the row stays."""
    shutil.rmtree(_folder(upload), ignore_errors=True)


def _folder(upload: Upload) -> Path:
    return Path(settings.UPLOADS_DIR) / upload.token.hex


def _safe(name: str) -> str:
    """Return a name that is one in its folder, whatever somebody's machine called the file."""
    kept = "".join(letter if letter.isalnum() or letter in "._- " else "_" for letter in name).strip(". ")
    return kept[-120:] or "upload"


def forget_old_uploads(at: datetime) -> int:
    """Remove the files that are older than a week; return how many uploads that concerned."""
    folders = _old_folders(at)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)


def old_upload_files(at: datetime) -> int:
    """Return how many uploads have a file that is older than a week."""
    return len(_old_folders(at))


def _old_folders(at: datetime) -> list[Path]:
    old = Upload.objects.filter(created_at__lt=at - KEPT)
    return [folder for upload in old if (folder := _folder(upload)).exists()]


# --- What is in it ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Look:
    """What a file turned out to be: how it is understood, a few conversations, how many there are, and the rejects."""

    summary: Recognised
    samples: list[Record] = field(default_factory=list)
    conversations: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    tokens: int = 0
    known: Source | None = None
    source_name: str = ""


def look_into(upload: Upload, options: Options, name: str = "") -> Look:
    """Read a whole upload and store nothing. Raises UnreadableSource and UploadGone."""
    asked = import_of(upload, options, name)
    file = asked.file()
    known = Source.objects.filter(kind=file.kind, name=file.name).first()
    file.options = with_remembered(known, options)
    reasons, look, characters = Reasons(), Look(file.summary, known=known, source_name=file.name), 0
    for row in file.records():
        if isinstance(row, Reject):
            reasons.add(row)
            continue
        look.conversations += 1
        characters += sum(len(message["text"]) for message in row.messages)
        if len(look.samples) < SAMPLES:
            look.samples.append(row)
    look.summary = file.summary
    look.rejected, look.reasons = reasons.counts.total(), reasons.sentences()
    look.tokens = characters // CHARACTERS_A_TOKEN
    return look


def import_of(upload: Upload, options: Options, name: str = "", *, replaces_texts: bool = False) -> Import:
    """Return what is asked for when an upload is imported; without a name the source is called like the file."""
    path = path_of(upload)
    return Import((str(path),), name or Path(upload.name).stem[:200] or None, options, replaces_texts)


def start_upload(
    *,
    upload: Upload,
    options: Options,
    name: str,
    profile: str,
    extractor: str,
    selection: Selection,
    replaces_texts: bool = False,
    another_profile: bool = False,
) -> Run:
    """Import an upload and start a run of its source; note on the upload what became of its rows.

    Raises what `start.start_run_with_import` raises, and UploadGone; then no run was started.
    """

    def note(imported: Imported) -> None:
        rejects = _first_rejects(imported.counts.rejects_path)
        Upload.objects.filter(pk=upload.pk).update(imported=str(imported.counts)[:200], rejects=rejects)

    run = start.start_run_with_import(
        files=import_of(upload, options, name, replaces_texts=replaces_texts),
        profile=profile,
        extractor=extractor,
        selection=selection,
        on_import=note,
        another_profile=another_profile,
    )
    Upload.objects.filter(pk=upload.pk).update(run=run)
    return run


def _first_rejects(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line.replace("\\u0000", "")) for line in islice(lines, MOST_REJECTS)]
