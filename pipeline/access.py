"""API tokens: made and shown once for some purposes and a time, kept as digests, revoked by name.

One kind for all programs: those that read and decide here, front ends of chats, and what scrapes the numbers.

A token has 256 random bits, so a plain SHA-256 keeps it: there is no dictionary to try, and no need to be slow.
"""

import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from pipeline.models import ApiToken
from pipeline.models.refusal import Refusal, breaks

FORM = re.compile(r"leitmotif_([0-9a-f]{16})_[0-9a-f]{64}")
NO_DIGEST = "0" * 64
LIFE = timedelta(days=365)
"""How long a token counts unless another time is named."""


LONGEST_NAME = 200


class TokenNameTakenError(Refusal):
    """Another token that counts has this name."""


class OutOfScopeError(Refusal):
    """The token counts, but not for what was asked."""


def make_token(
    *,
    name: str,
    at: datetime,
    by: str = "",
    scopes: Collection[str] = ApiToken.CHAT,
    acts_for: Any = None,
    life: timedelta | None = LIFE,
) -> tuple[ApiToken, str]:
    """Return a new token's row and the token itself, which is kept nowhere. Opens a transaction.

    `by` is the person who made it; empty, a command did. `acts_for` is the user in whose name it decides, who must be
    named where the scopes change something. A `life` of None has no end. An expired token of this name is revoked.
    Raises TokenNameTakenError, and ValueError for a name, scopes or life that cannot be stored.
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.strip() or "\0" in name:
        raise ValueError(f"A token's name has 1 to {LONGEST_NAME} characters, and is not blank.")
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone.")
    if not scopes or not set(scopes) <= set(ApiToken.Scope.values):
        raise ValueError(f"The scopes of a token are one or more of {', '.join(ApiToken.Scope.values)}.")
    if acts_for is None and (changing := sorted(set(scopes) & set(ApiToken.CHANGES))):
        raise ValueError(f"A token for {' and '.join(changing)} acts for somebody: say for whom.")
    if life is not None and life <= timedelta(0):
        raise ValueError("A token's life is longer than nothing.")
    handle = secrets.token_hex(8)
    token = f"leitmotif_{handle}_{secrets.token_hex(32)}"
    try:
        with transaction.atomic():
            ApiToken.objects.filter(name=name, revoked_at__isnull=True, expires_at__lte=at).update(revoked_at=at)
            row = ApiToken.objects.create(
                name=name,
                handle=handle,
                digest=_digest(token),
                scopes=sorted(set(scopes)),
                acts_for=acts_for,
                made_at=at,
                made_by=by,
                expires_at=None if life is None else at + life,
            )
    except IntegrityError as error:
        if not breaks(error, "one_counting_token_per_name"):
            raise
        raise TokenNameTakenError(
            f"There is already a token named {name}. Revoke it first, or choose another name."
        ) from error
    return row, token


def find_token(token: str, at: datetime | None = None) -> ApiToken | None:
    """Return the row of a token that counts now, or at another moment. One question, with the person it acts for.

    How long it takes does not depend on how much of a guess is right.
    """
    form = FORM.fullmatch(token)
    counting = ApiToken.objects.filter(revoked_at__isnull=True).select_related("acts_for")
    row = counting.filter(handle=form[1]).first() if form else None
    # compared where there is no row, too: a wrong handle takes as long as a wrong secret
    is_right = secrets.compare_digest(row.digest if row else NO_DIGEST, _digest(token))
    return row if row and is_right and row.counts(at or timezone.now()) else None


def revoke_token(*, name: str, at: datetime, by: str = "") -> bool:
    """Make the token count no longer; return whether this call did. Needs no transaction."""
    counting = ApiToken.objects.filter(name=name, revoked_at__isnull=True)
    return bool(counting.update(revoked_at=at, revoked_by=by))


def _digest(token: str) -> str:
    return sha256(token.encode(errors="surrogatepass")).hexdigest()
