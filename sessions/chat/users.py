"""Who a front end's users are, as far as we need to know: their ids and their clocks."""

import logging
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings

from sessions.chat.insert_once import claim
from sessions.models import ChatUser

logger = logging.getLogger(__name__)

LONGEST_ID = 200
MADE_UP = "stress-"
"""How the ids of `stress_sessions` begin. Metrics leave them out, for their sessions are removed after the run."""
NO_PLACES = {"localtime", "Factory"}  # files of some machines' zone database, and not the same on another


def check_id(value: str, what: str) -> str:
    """Return an id of the front end as it is; ValueError if it cannot be stored."""
    if not 0 < len(value) <= LONGEST_ID:
        raise ValueError(f"A {what} must have 1 to {LONGEST_ID} characters; this one has {len(value)}.")
    if not value.strip():
        raise ValueError(f"A {what} cannot be blank.")
    if "\0" in value:
        raise ValueError(f"A {what} cannot contain a NUL character.")
    return value


def default_zone() -> ZoneInfo:
    """Return the zone of users whose own is unknown."""
    return ZoneInfo(getattr(settings, "SESSION_ZONE", "UTC"))


def zone_of(user_id: str) -> ZoneInfo:
    """Return the user's time zone, or the default."""
    name = ChatUser.objects.filter(user_id=user_id).values_list("zone", flat=True).first()
    return zone_named(name) if name else default_zone()


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of that name; where this machine does not know it, the default, and an error in the log."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        logger.error(
            ("the time zone %r is unknown on this machine, so %s is used. Update its tzdata."), name, default_zone().key
        )
        return default_zone()


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA names of this machine's time zones."""
    return frozenset(available_timezones() - NO_PLACES)


def remember_user(*, user_id: str) -> None:
    """Make sure that the user has a row. One statement, needs no transaction. ValueError for an unusable id."""
    check_id(user_id, "user id")
    claim(ChatUser, unique=["user_id"], user_id=user_id)


def set_zone(*, user_id: str, zone: str) -> None:
    """Remember the user's time zone. Needs no transaction. ValueError for a name that is no IANA zone."""
    if zone not in zone_names():
        raise ValueError(f"{zone[:64]!r} is not a time zone. Write a name such as Europe/Berlin.")
    remember_user(user_id=user_id)
    ChatUser.objects.filter(user_id=user_id).exclude(zone=zone).update(zone=zone)  # an equal one waits for no lock
