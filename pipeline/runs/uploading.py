"""What workers do with uploads: look into a large one, and import one, with its run if one is wanted."""

from dataclasses import asdict
from typing import Any

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from pipeline.ledger.errors import RunError
from pipeline.models import Upload
from pipeline.runs import uploads
from pipeline.runs.uploads import Look, Said
from pipeline.sources.records import UnreadableSource
from pipeline.tasks import RETRY, LongTask


@shared_task(
    base=LongTask,
    name="pipeline.look_into_upload",
    may_run_twice="it stores nothing but what it saw, which is the same twice",
    **RETRY,
)
def look_into_upload(*, upload_id: int, said: dict[str, Any]) -> None:
    """Note on an upload what it turns out to be, if what is said about it is so."""
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload is not None:
        uploads.look_and_note(upload=upload, said=Said(**said))


@shared_task(
    base=LongTask,
    name="pipeline.import_upload",
    may_run_twice="one delivery takes it; to a later one what is stored is unchanged, and a source has one live run",
    **RETRY,
)
def import_upload(*, upload_id: int) -> int | None:
    """Import an upload and start its run if one is wanted; return the run's id, None if there is none."""
    upload = Upload.objects.filter(pk=upload_id).first()
    run = uploads.import_wanted(upload=upload) if upload is not None else None
    return run.pk if run else None


def look_by_worker(upload: Upload, said: Said, *, again: bool = False) -> Look | None:
    """Return what a worker found an upload to be; None while one looks at it. Asks one where none was, or `again`.

    NotUnderstood with what is wrong with the file or with what was said, RunError if the queue cannot be reached.
    """
    asked = asdict(said)
    noted = upload.look or {}
    if noted.get("asked") == asked and not again:
        if problem := str(noted.get("problem") or ""):
            raise NotUnderstood(problem)
        found = noted.get("found")
        return Look(**found) if found else None
    Upload.objects.filter(pk=upload.pk).update(look={"asked": asked, "found": None, "problem": ""})
    try:
        given = {"upload_id": upload.pk, "said": asked}
        look_into_upload.apply_async(kwargs=given, retry=False, ignore_result=True)
    except BrokerError as error:
        raise RunError(f"the queue cannot be reached ({error}), so no worker can check the file.") from error
    return None


class NotUnderstood(UnreadableSource):
    """A worker could not read a file, or not as was said; the message says why."""


@shared_task(name="pipeline.watch_uploads", may_run_twice="an import that is sent twice is taken by one delivery")
def watch_uploads() -> int:
    """Send again the imports whose worker died or whose message was lost; return how many. Beat calls it."""
    ids = uploads.imports_to_send_again(timezone.now())
    for upload_id in ids:
        import_upload.apply_async(kwargs={"upload_id": upload_id}, ignore_result=True)
    return len(ids)


def send_import(upload: Upload) -> None:
    """Ask a worker for an import that was noted. RunError, with the failure noted, if the queue cannot be reached."""
    try:
        import_upload.apply_async(kwargs={"upload_id": upload.pk}, retry=False, ignore_result=True)
    except BrokerError as error:
        why = f"the queue cannot be reached ({error}); nothing was imported."
        uploads.give_up(upload=upload, why=why)
        raise RunError(why) from error
