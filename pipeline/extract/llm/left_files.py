"""Delete what a batch leaves at the provider: the files of its questions and of its answers.

They hold what conversations say, and providers keep them for weeks. Each is a row from the moment nobody needs it, and
deleting it is tried until the provider says that it is gone. No run waits for that, and none fails by it.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from pipeline.extract.llm.endpoint import Target, base_of, target
from pipeline.extract.llm.faults import AnswerFault, RunFault
from pipeline.models import Batch, LeftFile, Run

log = logging.getLogger(__name__)

TRY_EVERY = timedelta(minutes=10)
"""Between two tries to delete a file."""

TRY_FOR = timedelta(days=30)
"""How long a file is tried: providers delete files of batches by themselves after that."""

AT_ONCE = 50
"""Files deleted at a time, at most: whoever looks after runs has more to do."""


def leave(*, base_url: str, file_ids: Sequence[str]) -> None:
    """Note files that nobody needs any more; names that are empty are none. Requires the caller's transaction."""
    now = timezone.now()
    rows = [LeftFile(base_url=base_url, file_id=file_id, left_at=now) for file_id in file_ids if file_id]
    LeftFile.objects.bulk_create(rows, ignore_conflicts=True)


def leave_batches(*, runs: QuerySet[Run]) -> None:
    """Note the questions of batches that are out, before their runs are deleted: nobody collects their answers.

    Requires the caller's transaction.
    """
    out = Batch.objects.filter(run__in=runs, settled_at=None).values_list("file_id", flat=True)
    leave(base_url=base_of(settings.LLM_BASE_URL), file_ids=list(out))


def delete() -> int:
    """Try to delete the files that are left at the provider of the settings; return how many are gone. Never raises
    what the provider answers.

    Those at another provider wait until the settings name it again. After the first that fails the others wait too:
    the provider is away, or the key may not delete.
    """
    now, gone = timezone.now(), 0
    due = Q(tried_at=None) | Q(tried_at__lte=now - TRY_EVERY)
    waiting = LeftFile.objects.filter(due).order_by("id")
    if not waiting.exists():
        return 0
    LeftFile.objects.filter(left_at__lt=now - TRY_FOR).delete()
    try:
        asked = target()
    except RunFault as fault:
        log.warning("files of batches cannot be deleted: %s", fault)
        return 0
    for file in waiting.filter(base_url=asked.base_url)[:AT_ONCE]:
        if not LeftFile.objects.filter(due, pk=file.pk).update(tried_at=now):
            continue  # somebody else is at it
        try:
            async_to_sync(_delete)(asked, file.file_id)
        except (AnswerFault, RunFault) as fault:
            log.warning("file %s could not be deleted at %s, and is tried again later: %s", file, asked.host, fault)
            LeftFile.objects.filter(pk=file.pk).update(problem=str(fault).replace("\0", ""))
            break
        file.delete()
        gone += 1
    return gone


async def _delete(asked: Target, file_id: str) -> None:
    from pipeline.extract.llm.client import Client  # its library takes most of a second to load

    async with Client(asked) as client:
        await client.delete_file(file_id)
