"""A write that is sent twice under one idempotency key happens once: the second gets the first one's answer.

The unique row of the key is the lock. Where a write's effects are rows alone, key, effects and answer are one
transaction: a second sender waits for the first at the row, and after a crash none of it is there. A write that starts
a run or imports a file cannot be one transaction: its key is noted first, and a key without an answer is refused, for
nobody knows how far it came. A refusal (4xx) changed nothing and is not kept: the same key may be tried again.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja.errors import ValidationError

from pipeline.models import ApiToken, KeyedWrite
from pipeline.models.refusal import breaks
from pipeline.web.api.problems import KeyInUse, KeyReused

KEPT = timedelta(days=1)
"""How long an answer is given again."""

KEY = re.compile(r"[!-~]{1,200}")
"""What a key may be: visible ASCII, as a header carries it unchanged."""

AT_ONCE = 200
"""Rows over their time that a write takes along."""

REPLAYED = "Idempotency-Replayed"
"""The header of an answer that was given before."""


class _TakenBack(Exception):
    """Carries a refusal out of a transaction, which is rolled back."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer


def answer(
    request: HttpRequest, token: ApiToken, key: str, do: Callable[[], HttpResponse], in_one_transaction: bool
) -> HttpResponse:
    """Return the answer to a write: what `do` says, or what was said when this key came first.

    Raises ValidationError for a key that cannot be kept, KeyReused if it came with another request, and KeyInUse if
    that one has no answer. Opens transactions.
    """
    if not KEY.fullmatch(key):
        message = "must have 1 to 200 visible ASCII characters, without blanks"
        raise ValidationError([{"loc": ("header", "Idempotency-Key"), "type": "key", "msg": message}])
    now, digest = timezone.now(), _digest(request)
    _forget_old(now)
    wanted = KeyedWrite(token=token, key=key, digest=digest, begun_at=now)
    try:
        return _together(wanted, do) if in_one_transaction else _step_by_step(wanted, do)
    except IntegrityError as error:
        if not breaks(error, "one_write_per_token_and_key"):
            raise
    return _said_before(wanted)


def _together(wanted: KeyedWrite, do: Callable[[], HttpResponse]) -> HttpResponse:
    """Note the key, do it and keep the answer, all or nothing."""
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)  # waits here for whoever has the same key in hand
            given = do()
            if given.status_code >= 400:
                raise _TakenBack(given)
            _keep(wanted, given)
    except _TakenBack as refused:
        return refused.answer
    return given


def _step_by_step(wanted: KeyedWrite, do: Callable[[], HttpResponse]) -> HttpResponse:
    """Note the key, do it, and keep the answer. If we die between, the key stays without one."""
    with transaction.atomic():
        wanted.save(force_insert=True)
    given = do()
    if given.status_code < 400:
        _keep(wanted, given)
    elif given.status_code < 500:
        wanted.delete()
    return given


def _keep(wanted: KeyedWrite, given: HttpResponse) -> None:
    KeyedWrite.objects.filter(pk=wanted.pk).update(status=given.status_code, answer=given.content.decode())


def _said_before(wanted: KeyedWrite) -> HttpResponse:
    found = KeyedWrite.objects.filter(token=wanted.token_id, key=wanted.key).first()
    if found is None or (found.digest == wanted.digest and found.status is None):
        begun = f" at {found.begun_at:%Y-%m-%d %H:%M:%S} UTC" if found else ""
        raise KeyInUse(f"A write with the Idempotency-Key {wanted.key} was begun{begun} and has no answer yet.")
    if found.digest != wanted.digest:
        raise KeyReused(f"The Idempotency-Key {wanted.key} came with another request before.")
    headers = {REPLAYED: "true"}
    return HttpResponse(found.answer, status=found.status, content_type="application/json", headers=headers)


def _digest(request: HttpRequest) -> str:
    """Return what tells a request from another: method, address and body; of files their contents, not the wire's
    boundaries, which are others each time.
    """
    found = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if not (request.content_type or "").startswith("multipart/"):
        found.update(request.body)
        return found.hexdigest()
    for name, values in sorted(request.POST.lists()):
        found.update(repr((name, values)).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            found.update(repr((name, file.name, file.size)).encode())
            for chunk in file.chunks():
                found.update(chunk)
            file.seek(0)
    return found.hexdigest()


def _forget_old(now: datetime) -> None:
    """Remove some of the keys whose day is over; who removes at the same time takes others."""
    with transaction.atomic():
        old = KeyedWrite.objects.filter(begun_at__lt=now - KEPT).order_by("begun_at")
        ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
        if ids:
            KeyedWrite.objects.filter(pk__in=ids).delete()
