"""A person answers a user instead of the automation, until it is released or its time is over."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Greatest

from sessions.chat.durations import LONGEST_TAKEOVER, lengths
from sessions.chat.expiry import check_aware
from sessions.chat.insert_once import claim
from sessions.chat.users import check_id
from sessions.models import Message, Takeover

STANDS = Q(ended_at__isnull=True)
WAITS_FOR_A_PERSON = STANDS & Q(taken_by="")


class AlreadyTakenOverError(Exception):
    """Somebody else answers this user; the message says who and until when."""


def standing_takeover(user_id: str, *, at: datetime) -> Takeover | None:
    """Return the takeover that holds back the automation for the user at that moment."""
    return _standing(user_id, at).first()


def locked_takeover(user_id: str, *, at: datetime) -> Takeover | None:
    """Return what `standing_takeover` does; until the transaction ends, which it needs, nobody releases it."""
    return _standing(user_id, at).select_for_update(no_key=True).first()


def take_over(*, user_id: str, by: str, at: datetime, until: datetime | None = None) -> Takeover:
    """Let `by` answer the user until then, or for SESSION_LENGTHS["takeover"]; what awaits an answer is held for them.

    Opens a transaction. Who has taken over already extends; a user who waits for a person has found one. Raises
    AlreadyTakenOverError if somebody else has taken over, and ValueError for an unusable id or an end that is not later
    than `at`, or later than LONGEST_TAKEOVER after it.
    """
    check_id(user_id, "user id")
    check_id(by, "person's name")
    until = _end(check_aware(at), until)
    with transaction.atomic():
        end_takeovers_whose_time_is_over(at=at, user_id=user_id)
        columns = {"user_id": user_id, "taken_by": by, "taken_at": at, "until": until}
        is_ours = claim(Takeover, unique=["user_id"], where=STANDS, **columns) or _come(user_id, by, at, until)
        if not is_ours and not extend_takeover(user_id=user_id, by=by, at=at, until=until):
            raise _refusal(user_id)
        _hold_messages(user_id)
        return Takeover.objects.get(STANDS, user_id=user_id)


def wait_for_a_person(*, user_id: str, at: datetime) -> bool:
    """Hold back the automation until a person comes and releases the user, for SESSION_LENGTHS["takeover"] at most.

    Return whether this call did, False while somebody has taken over or is waited for. Needs no transaction. What
    awaits its answer is held when its turn comes, but not the message whose handler calls this: it is still answered.
    """
    end_takeovers_whose_time_is_over(at=at, user_id=user_id)
    columns = {"user_id": user_id, "taken_by": "", "taken_at": at, "until": _end(check_aware(at), None)}
    return claim(Takeover, unique=["user_id"], where=STANDS, **columns) is not None


def extend_takeover(*, user_id: str, by: str, at: datetime, until: datetime | None = None) -> bool:
    """Let a takeover of `by` that stands go on until then, or for its whole length from now; return whether it did.

    It is never shortened. Needs no transaction. ValueError for an end that `take_over` refuses.
    """
    standing = _standing(user_id, at).filter(taken_by=by)
    return bool(standing.update(until=Greatest("until", Value(_end(at, until)))))


def release(*, user_id: str, by: str, at: datetime) -> bool:
    """Let the automation answer again; return whether this call did, False when nobody had taken over.

    Anybody may release, and is recorded. Needs no transaction.
    """
    check_id(by, "person's name")
    return bool(_standing(user_id, at).update(ended_at=at, ended_by=by, ended_reason=Takeover.EndedReason.RELEASED))


def end_takeovers_whose_time_is_over(*, at: datetime, user_id: str | None = None) -> int:
    """Close the rows, of one user or of all, that hold nothing back any more; return how many. Needs no transaction."""
    over = Takeover.objects.filter(STANDS, until__lte=at)
    if user_id is not None:
        over = over.filter(user_id=user_id)
    return over.update(ended_at=F("until"), ended_reason=Takeover.EndedReason.TIME_OVER)


def _standing(user_id: str, at: datetime) -> QuerySet[Takeover]:
    return Takeover.objects.filter(STANDS, user_id=user_id, until__gt=at)


def _come(user_id: str, by: str, at: datetime, until: datetime) -> bool:
    """Return whether the user was waiting for a person, and now has this one."""
    waiting = Takeover.objects.filter(WAITS_FOR_A_PERSON, user_id=user_id, until__gt=at)
    return bool(waiting.update(taken_by=by, taken_at=at, until=Greatest("until", Value(until))))


def _hold_messages(user_id: str) -> None:
    """Needs a transaction. A locked one is just being answered, perhaps by a handler that waits for our takeover."""
    waiting = Message.objects.select_for_update(skip_locked=True)
    ids = list(waiting.filter(user_id=user_id, state=Message.State.RECEIVED).values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids).update(state=Message.State.HELD)


def _end(at: datetime, until: datetime | None) -> datetime:
    end = at + lengths().takeover if until is None else until
    if end <= at:
        raise ValueError(f"A takeover until {end:%Y-%m-%d %H:%M %Z} would end before it starts. Pass a later end.")
    if end - at > LONGEST_TAKEOVER:
        raise ValueError(
            f"A takeover until {end:%Y-%m-%d %H:%M %Z} is too long. It can last at most {LONGEST_TAKEOVER}."
        )
    return end


def _refusal(user_id: str) -> AlreadyTakenOverError:
    other = Takeover.objects.filter(STANDS, user_id=user_id).first()
    if other is None:
        return AlreadyTakenOverError(f"The takeover of user {user_id} was released a moment ago. Try again.")
    return AlreadyTakenOverError(
        f"{other.taken_by} is answering user {user_id} until {other.until:%Y-%m-%d %H:%M %Z}. Release that takeover "
        "first, or wait."
    )
