"""What workers do for the page New run: look into a large upload, and import one with its run."""

from typing import Any

from celery import shared_task

from pipeline.models import Upload
from pipeline.runs import uploads
from pipeline.runs.uploads import Said
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
    may_run_twice="conversations that are stored are unchanged the second time, and a source has one live run",
    **RETRY,
)
def import_upload(*, upload_id: int) -> int | None:
    """Import an upload and start its run; return the run's id, None if there is none to start."""
    upload = Upload.objects.filter(pk=upload_id).first()
    run = uploads.import_wanted(upload=upload) if upload is not None else None
    return run.pk if run else None
