"""Files that people upload for a run: kept in a folder of their own for a week, looked at, imported with the run.

A large file comes in pieces, and a worker looks at it; each is imported by a worker (`uploading`). Pages and the API
show how far that is.
"""

import json
import shutil
from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from pipeline.ledger.claims import stale_before
from pipeline.ledger.heartbeat import beating
from pipeline.models import Run, Source, Upload
from pipeline.models.refusal import Refusal
from pipeline.runs import start
from pipeline.runs.create import Selection, refuse_live
from pipeline.runs.preview import CHARACTERS_A_TOKEN
from pipeline.sources.books.json_books import JsonBook
from pipeline.sources.books.osis import is_osis
from pipeline.sources.books.source import BooksSource
from pipeline.sources.file import FileSource
from pipeline.sources.formats import Options, Recognised
from pipeline.sources.ingest import Import, Imported, import_files
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import DAMAGE, parts_of
from pipeline.sources.reasons import Reasons
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.remembered import with_remembered
from pipeline.sources.staging import ImportCounts
from pipeline.sources.understanding.column_names import UnknownColumn, parse_mapping
from pipeline.sources.understanding.times import BadDateFormat, read_date_format

KEPT = timedelta(days=7)
SAMPLES, SAMPLE_MESSAGES, SAMPLE_CHARACTERS = 5, 3, 400
MOST_REJECTS = 200
"""Rejected rows that are kept to be shown."""

LOOKED_AT_ONCE = 4_000_000
"""Bytes up to which a file is looked at while the page waits: about a second. A worker looks at larger ones."""

WRONG = (Refusal, UnknownColumn, BadDateFormat)
"""What is wrong with a file or with what was said about it; the message is for people."""


class UploadGone(Refusal):
    """The file is not there any more; upload it again."""


class WrongPiece(Refusal):
    """A piece does not belong where it was sent; `expected` is the byte at which the next one begins."""

    def __init__(self, message: str, expected: int = 0) -> None:
        super().__init__(message)
        self.expected = expected


# --- Arriving -----------------------------------------------------------------------------------------------------


def keep_upload(*, name: str, chunks: Iterable[bytes], by: Any, at: datetime) -> Upload:
    """Store a file and return its row; files of other uploads that are older than a week go."""
    forget_old_uploads(at)
    upload = Upload(name=Path(name).name[:200] or "upload", size=0, created_at=at, created_by=by)
    # x: the folder is new, so a file that is there is somebody else's doing
    with _new_file(upload).open("xb") as file:
        for chunk in chunks:
            upload.size += file.write(chunk)
    upload.save()
    return upload


def begin_upload(*, name: str, size: int, by: Any, at: datetime) -> Upload:
    """Return the row of a file that comes in pieces. WrongPiece if it is larger than the limit."""
    if not 0 < size <= settings.UPLOAD_LIMIT:
        raise WrongPiece(
            f"{name[:80]} has {size:,} bytes; files of up to {settings.UPLOAD_LIMIT:,} bytes can be uploaded."
        )
    forget_old_uploads(at)
    upload = Upload(
        name=Path(name).name[:200] or "upload", size=0, whole_size=size, state=Upload.State.ARRIVING, created_at=at,
        created_by=by,
    )  # fmt: skip
    _new_file(upload).touch(exist_ok=False)
    upload.save()
    return upload


def add_piece(*, upload: Upload, begins: int, piece: bytes) -> Upload:
    """Write a piece of a file behind those that are here, and return the row. Opens a transaction that holds the row.

    A piece that came twice is written once. WrongPiece says where the next one begins, if it is not this one.
    """
    with transaction.atomic():
        row = Upload.objects.select_for_update().get(pk=upload.pk)
        if row.state != Upload.State.ARRIVING or begins != row.size or row.size + len(piece) > row.whole_size:
            raise WrongPiece(f"{row.name} continues at byte {row.size:,} of {row.whole_size:,}.", row.size)
        with path_of(row).open("r+b") as file:
            file.seek(begins)  # what a piece wrote whose transaction failed is written over
            file.write(piece)
            file.truncate()
        row.size += len(piece)
        if row.size == row.whole_size:
            row.state = Upload.State.KEPT
        row.save(update_fields=["size", "state"])
    return row


def path_of(upload: Upload) -> Path:
    """Return where an upload lies; UploadGone if it does not any more."""
    path = _folder(upload) / _safe(upload.name)
    if not path.is_file():
        raise UploadGone(f"{upload.name} is no longer stored, or not in this process's UPLOADS_DIR; upload it again.")
    return path


def forget_upload(upload: Upload) -> None:
    """Remove the file of an upload, if it still lies there, and what was seen in it; the row stays."""
    shutil.rmtree(_folder(upload), ignore_errors=True)
    Upload.objects.filter(pk=upload.pk).update(look=None)


def _new_file(upload: Upload) -> Path:
    folder = _folder(upload)
    folder.mkdir(parents=True, mode=0o700)
    return folder / _safe(upload.name)


def _folder(upload: Upload) -> Path:
    return Path(settings.UPLOADS_DIR) / upload.token.hex


def _safe(name: str) -> str:
    """Return a name that is one in its folder, whatever somebody's machine called the file."""
    kept = "".join(letter if letter.isalnum() or letter in "._- " else "_" for letter in name).strip(". ")
    return kept[-120:] or "upload"


def forget_old_uploads(at: datetime) -> int:
    """Remove the files that are older than a week, and what was seen in them; return how many had one."""
    Upload.objects.filter(created_at__lt=at - KEPT, look__isnull=False).update(look=None)
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


# --- What was said about it ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says about a file; empty where it is left to be recognised.

    `mapping` gives a field its column, `kind` is `file` or `books`, `name` that of the source.
    """

    mapping: dict[str, str] = field(default_factory=dict)
    date_format: str = ""
    encoding: str = ""
    name: str = ""
    kind: str = ""

    def options(self) -> Options:
        """Return it as formats take it. Raises UnknownColumn or BadDateFormat."""
        mapping = parse_mapping([f"{name}={column}" for name, column in self.mapping.items() if column])
        if self.date_format:
            read_date_format(self.date_format)
        return Options(mapping, self.encoding, self.date_format)


def kind_of(upload: Upload) -> str:
    """Return `books` for a file that is a book, chapter by chapter, and `file` for all others."""
    with ExitStack() as opened, suppress(OSError, UnreadableSource, *DAMAGE):
        for part in islice(parts_of([str(path_of(upload))], opened), 3):
            head = head_of(part, Options())
            if is_osis(head.text) or JsonBook().sniff(head):
                return BooksSource.kind
    return FileSource.kind


def import_of(upload: Upload, said: Said, *, replaces_texts: bool = False) -> Import:
    """Return what is asked for when an upload is imported; without a name the source is called like the file.

    UploadGone if its file is not there, WrongPiece if pieces of it are still missing.
    """
    if upload.state == Upload.State.ARRIVING:
        raise WrongPiece(
            f"{upload.name} has not arrived: {upload.size:,} of {upload.whole_size:,} bytes are here.", upload.size
        )
    path, name = path_of(upload), said.name or Path(upload.name).stem[:200] or None
    kind = said.kind if said.kind in (FileSource.kind, BooksSource.kind) else kind_of(upload)
    return Import((str(path),), name, said.options(), replaces_texts, kind)


# --- What is in it ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Look:
    """What a file turned out to be: how it is understood, a few conversations, how many there are, and the rejects.

    Plain values, so that a worker can store it. `known` is the id of the source it would add to, 0 for a new one.
    """

    kind: str
    source_name: str
    known: int = 0
    format: str = ""
    encoding: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    conversations: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    tokens: int = 0


def is_looked_at_once(upload: Upload) -> bool:
    """Whether a file is small enough to be looked at while its page waits."""
    return upload.size <= LOOKED_AT_ONCE


def look_into(upload: Upload, said: Said) -> Look:
    """Read a whole upload and store nothing. Raises what is in WRONG."""
    asked = import_of(upload, said)
    file = asked.file()
    known = Source.objects.filter(kind=file.kind, name=file.name).first()
    file.options = with_remembered(known, asked.options)
    reasons, look, characters = Reasons(), Look(file.kind, file.name, known.pk if known else 0), 0
    for row in file.records():
        if isinstance(row, Reject):
            reasons.add(row)
            continue
        look.conversations += 1
        characters += sum(len(message["text"]) for message in row.messages)
        if len(look.samples) < SAMPLES:
            look.samples.append(_sample(row))
    look.rejected = reasons.counts.total()
    look.reasons = reasons.sentences()
    look.tokens = characters // CHARACTERS_A_TOKEN
    return _described(look, file.summary)


def _described(look: Look, summary: Recognised) -> Look:
    look.format, look.encoding = summary.format, summary.encoding
    look.notes = list(summary.notes)
    look.fields = {str(field): str(where) for field, where in summary.fields.items()}
    look.columns = sorted({*map(str, summary.unused_columns), *look.fields.values()})
    return look


def _sample(record: Record) -> dict[str, Any]:
    return {
        "external_id": record.external_id,
        "customer": record.customer,
        "occurred_at": record.occurred_at.isoformat() if record.occurred_at else "",
        "messages": [
            {"role": message["role"], "text": message["text"][:SAMPLE_CHARACTERS]}
            for message in record.messages[:SAMPLE_MESSAGES]
        ],
        "more": max(0, len(record.messages) - SAMPLE_MESSAGES),
    }


def look_and_note(*, upload: Upload, said: Said) -> None:
    """Look into an upload and keep on its row what was found, or what is wrong with it."""
    found, problem = None, ""
    try:
        found = asdict(look_into(upload, said))
    except WRONG as error:
        problem = str(error)
    told = {"asked": asdict(said), "found": found, "problem": problem}
    Upload.objects.filter(pk=upload.pk).update(look=_storable(told))


def _storable(value: Any) -> Any:
    """Return plain values without the one character that PostgreSQL's JSON cannot hold."""
    return json.loads(json.dumps(value).replace("\\u0000", ""))


# --- Importing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run of an upload should be."""

    said: Said
    profile: str
    extractor: str
    limit: int | None = None
    force_refresh: bool = False
    replaces_texts: bool = False
    another_profile: bool = False
    judge: bool = False
    budget: str | None = None
    """US dollars that the run may spend, in digits: a wish is kept as JSON."""

    @property
    def selection(self) -> Selection:
        budget = Decimal(self.budget) if self.budget else None
        return Selection(limit=self.limit, force_refresh=self.force_refresh, judge=self.judge, budget=budget)


def want_run(*, upload: Upload, wanted: Wanted) -> bool:
    """Note that a run of an upload is wanted; whoever calls sends it to a worker. False if it is under way already.

    RunError if a run may not start, UploadGone if the file is not there: then nothing is noted.
    """
    start.ready_to_import(
        files=import_of(upload, wanted.said, replaces_texts=wanted.replaces_texts),
        profile=wanted.profile,
        extractor=wanted.extractor,
        selection=wanted.selection,
        another_profile=wanted.another_profile,
    )
    return _note_wish(upload, asdict(wanted))


def want_import(*, upload: Upload, said: Said, replaces_texts: bool = False) -> bool:
    """Note that an upload is to be imported without a run; whoever calls sends it to a worker. False if one is at it.

    Raises what is in WRONG if the file cannot be read, or not as was said, and RunIsLive if a run reads its source:
    then nothing is noted.
    """
    asked = import_of(upload, said, replaces_texts=replaces_texts)
    file = asked.file()
    # as a start does: a run must not find other texts than those it was planned with
    if known := Source.objects.filter(kind=file.kind, name=file.name).first():
        refuse_live(source=known)
    with closing(cast(Generator[object], file.records())) as rows:  # the first row shows whether it can be read so
        next(rows, None)
    return _note_wish(upload, {"said": asdict(said), "replaces_texts": replaces_texts})


def _note_wish(upload: Upload, choice: dict[str, Any]) -> bool:
    idle = Upload.objects.filter(pk=upload.pk, state__in=_IDLE)
    noted = idle.update(
        state=Upload.State.IMPORTING, error="", row_count=0, counts={}, imported="", rejects=[],
        choice=_storable(choice), sent_at=timezone.now(), heartbeat_at=None,
    )  # fmt: skip
    return bool(noted)


_IDLE = (Upload.State.KEPT, Upload.State.FAILED, Upload.State.IMPORTED)


def give_up(*, upload: Upload, why: str) -> None:
    """Note that an upload which was to be imported is not, and why."""
    waiting = Upload.objects.filter(pk=upload.pk, state=Upload.State.IMPORTING)
    waiting.update(state=Upload.State.FAILED, error=why)


def import_wanted(*, upload: Upload) -> Run | None:
    """Import an upload as it was wanted, and start its run if one was; note on its row how far it is.

    Returns None where no run is wanted, another worker is at it, or it failed for a reason that is noted. Rows that an
    earlier delivery stored are unchanged for a later one, and its run is at work.
    """
    mine = Upload.objects.filter(pk=upload.pk, state=Upload.State.IMPORTING)
    # taken from whoever fell silent: of two deliveries one imports
    taken = mine.filter(Q(heartbeat_at=None) | Q(heartbeat_at__lt=stale_before())).update(heartbeat_at=timezone.now())
    if not taken:
        return None
    with beating(lambda: mine.update(heartbeat_at=timezone.now())):
        upload.refresh_from_db()
        return _import_and_start(upload, mine)


def _import_and_start(upload: Upload, mine: QuerySet[Upload]) -> Run | None:
    said = Said(**upload.choice["said"])

    def note_batch(counts: ImportCounts) -> None:
        mine.update(row_count=counts.rows)

    def note(imported: Imported) -> None:
        counts = {name: getattr(imported.counts, name) for name in COUNTED}
        rejects = _first_rejects(imported.counts.rejects_path)
        mine.update(imported=str(imported.counts)[:200], counts=counts, source=imported.source, rejects=rejects)

    try:
        files = import_of(upload, said, replaces_texts=upload.choice["replaces_texts"])
        if "profile" not in upload.choice:
            note(import_files(files, note_batch))
            mine.update(state=Upload.State.IMPORTED, look=None)
            return None
        wanted = Wanted(**{**upload.choice, "said": said})
        file = files.file()
        known = Source.objects.filter(kind=file.kind, name=file.name).first()
        run = start.import_and_set_out(
            files=files,
            profile=start.chosen_profile(known, wanted.profile, another=wanted.another_profile, kind=files.kind),
            extractor=wanted.extractor,
            selection=wanted.selection,
            on_import=note,
            on_batch=note_batch,
        )
    except WRONG as error:
        mine.update(state=Upload.State.FAILED, error=str(error) or type(error).__name__)
        return None
    Run.objects.filter(pk=run.pk).update(created_by=upload.created_by_id)
    Upload.objects.filter(pk=upload.pk).update(state=Upload.State.STARTED, run=run, error="", look=None)
    return run


COUNTED = ("new", "updated", "unchanged", "rejected")
"""What `Upload.counts` holds."""

LOST_AFTER = timedelta(minutes=10)
"""After which a message that no worker took is taken for lost; sending it twice does no harm."""


def imports_to_send_again(at: datetime) -> list[int]:
    """Return the uploads whose worker died or whose message was lost, and note that they are sent now."""
    abandoned = Q(heartbeat_at__lt=stale_before()) | Q(heartbeat_at=None, sent_at__lt=at - LOST_AFTER)
    waiting = Upload.objects.filter(abandoned, state=Upload.State.IMPORTING)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:100])
    Upload.objects.filter(pk__in=ids).update(sent_at=at)
    return ids


def _first_rejects(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line.replace("\\u0000", "")) for line in islice(lines, MOST_REJECTS)]
