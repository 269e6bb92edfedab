"""API tokens: made and shown once, kept as digests, revoked by name.

A token has 256 random bits, so a plain SHA-256 keeps it: there is no dictionary to try, and no need to be slow.
"""

import re
import secrets
from datetime import datetime
from hashlib import sha256

from django.db import IntegrityError, transaction

from pipeline.models.refusal import breaks
from sessions.chat.expiry import check_aware
from sessions.chat.users import check_id
from sessions.models import ApiToken

FORM = re.compile(r"leitmotif_([0-9a-f]{16})_[0-9a-f]{64}")
NO_DIGEST = "0" * 64


class TokenNameTakenError(Exception):
    """Another token that counts has this name."""


def make_token(*, name: str, at: datetime, by: str = "") -> tuple[ApiToken, str]:
    """Return a new token's row and the token itself, which is kept nowhere. Opens a transaction.

    `by` is the person who made it; empty, a command did. Raises TokenNameTakenError, and ValueError for a name that
    cannot be stored.
    """
    check_id(name, "token's name")
    handle = secrets.token_hex(8)
    token = f"leitmotif_{handle}_{secrets.token_hex(32)}"
    try:
        with transaction.atomic():
            row = ApiToken.objects.create(
                name=name, handle=handle, digest=_digest(token), made_at=check_aware(at), made_by=by
            )
    except IntegrityError as error:
        if not breaks(error, "one_counting_token_per_name"):
            raise
        raise TokenNameTakenError(f"There is a token named {name}. Revoke it first, or take another name.") from error
    return row, token


def find_token(token: str) -> ApiToken | None:
    """Return the row of a token that counts. How long it takes does not depend on how much of a guess is right."""
    form = FORM.fullmatch(token)
    row = ApiToken.objects.filter(handle=form[1], revoked_at__isnull=True).first() if form else None
    is_right = secrets.compare_digest(row.digest if row else NO_DIGEST, _digest(token))
    return row if is_right else None


def revoke_token(*, name: str, at: datetime, by: str = "") -> bool:
    """Make the token count no longer; return whether this call did. Needs no transaction."""
    counting = ApiToken.objects.filter(name=name, revoked_at__isnull=True)
    return bool(counting.update(revoked_at=check_aware(at), revoked_by=by))


def _digest(token: str) -> str:
    return sha256(token.encode(errors="surrogatepass")).hexdigest()
