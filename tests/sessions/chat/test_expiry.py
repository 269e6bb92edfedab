"""The pure rule: which cut-offs hold at a moment, for a zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from sessions.chat.expiry import NEVER, ExpiryRules, expiry_cutoffs

RULES = ExpiryRules()
BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
ZONES = [BERLIN, NEW_YORK, KOLKATA]


def day_end(at: datetime, zone: ZoneInfo, rules: ExpiryRules = RULES) -> datetime:
    return expiry_cutoffs(at, zone, rules).day_end


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize(
    ("wall_clock", "expected"),
    [
        ("2026-07-15 00:00", "2026-07-14 20:00"),
        ("2026-07-15 09:00", "2026-07-14 20:00"),
        ("2026-07-15 19:59:59.999999", "2026-07-14 20:00"),
        ("2026-07-15 20:00", "2026-07-15 20:00"),
        ("2026-07-15 20:00:00.000001", "2026-07-15 20:00"),
        ("2026-07-15 20:39", "2026-07-15 20:00"),
        ("2026-07-15 23:59", "2026-07-15 20:00"),
        ("2026-07-15 23:59:59.999999", "2026-07-15 20:00"),
        ("2026-07-16 00:00", "2026-07-15 20:00"),
        ("2026-01-01 00:00", "2025-12-31 20:00"),
        ("2028-03-01 07:00", "2028-02-29 20:00"),
    ],
)
def test_the_day_ends_at_eight_in_the_evening_of_the_users_calendar(
    zone: ZoneInfo, wall_clock: str, expected: str
) -> None:
    at = datetime.fromisoformat(wall_clock).replace(tzinfo=zone)
    assert day_end(at, zone) == datetime.fromisoformat(expected).replace(tzinfo=zone)
    assert day_end(at.astimezone(UTC), zone) == day_end(at, zone)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [(KOLKATA, "2026-07-15 14:30"), (BERLIN, "2026-07-14 18:00"), (NEW_YORK, "2026-07-15 00:00")],
    ids=str,
)
def test_one_moment_lies_in_different_days_of_different_users(zone: ZoneInfo, expected: str) -> None:
    at = datetime(2026, 7, 15, 15, 9, tzinfo=UTC)  # 20:39 in Kolkata, 17:09 in Berlin, 11:09 in New York
    assert day_end(at, zone) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        # the clock goes forward: the night has 23 hours; from winter's 19:00 UTC to summer's 18:00 UTC
        (BERLIN, "2026-03-29 17:59", "2026-03-28 19:00"),
        (BERLIN, "2026-03-29 18:00", "2026-03-29 18:00"),
        (NEW_YORK, "2026-03-08 23:59", "2026-03-08 01:00"),
        (NEW_YORK, "2026-03-09 00:00", "2026-03-09 00:00"),
        # the clock goes back: 25 hours
        (BERLIN, "2026-10-25 18:59", "2026-10-24 18:00"),
        (BERLIN, "2026-10-25 19:00", "2026-10-25 19:00"),
        (NEW_YORK, "2026-11-02 00:59", "2026-11-01 00:00"),
        (NEW_YORK, "2026-11-02 01:00", "2026-11-02 01:00"),
    ],
)
def test_the_day_ends_by_the_wall_clock_when_summer_time_begins_and_ends(
    zone: ZoneInfo, at: str, expected: str
) -> None:
    found = day_end(datetime.fromisoformat(at).replace(tzinfo=UTC), zone)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # Berlin's 02:30 comes twice on 2026-10-25: the day ends at the first, and only once
        ("2026-10-25 00:29", "2026-10-24 00:30"),
        ("2026-10-25 00:30", "2026-10-25 00:30"),
        ("2026-10-25 01:29", "2026-10-25 00:30"),
        ("2026-10-25 01:31", "2026-10-25 00:30"),
        # and does not come on 2026-03-29: the day ends when it would have, at 03:30 of summer time
        ("2026-03-29 01:29", "2026-03-28 01:30"),
        ("2026-03-29 01:30", "2026-03-29 01:30"),
    ],
)
def test_a_day_end_inside_the_changed_hour_happens_once(at: str, expected: str) -> None:
    found = day_end(datetime.fromisoformat(at).replace(tzinfo=UTC), BERLIN, ExpiryRules(day_end=time(2, 30)))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_day_that_a_zone_left_out_has_no_end() -> None:
    apia = ZoneInfo("Pacific/Apia")  # went from 2011-12-29 to 2011-12-31 at midnight
    assert day_end(datetime(2011, 12, 31, 0, 30, tzinfo=apia), apia) == datetime(2011, 12, 29, 20, tzinfo=apia)


def test_the_latest_day_end_stands_for_all_before_it() -> None:
    """Expired by day end iff a day end E has last_message_at < E <= at: counted out, hour by hour over a month."""
    begin = datetime(2026, 3, 20, 0, 30, tzinfo=UTC)
    ends = [datetime(2026, 3, day, 20, tzinfo=BERLIN) for day in range(15, 32)]
    for hours in range(240):
        at = begin + timedelta(hours=hours)
        for silence in (0, 1, 7, 13, 30, 100):
            last_message_at = at - timedelta(hours=silence)
            expected = any(last_message_at < end.astimezone(UTC) <= at for end in ends)
            assert (last_message_at < day_end(at, BERLIN)) == expected


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_silence_and_age_are_counted_in_hours_that_passed_not_on_the_clock(zone: ZoneInfo) -> None:
    at = datetime(2026, 3, 29, 6, tzinfo=BERLIN)  # the clock went from 02:00 to 03:00
    found = expiry_cutoffs(at, zone, RULES)
    assert found.idle_before == datetime(2026, 3, 28, 21, tzinfo=UTC)
    assert found.started_before == datetime(2026, 3, 28, 4, tzinfo=UTC)


def test_a_rule_that_is_off_makes_nothing_out_of_date() -> None:
    found = expiry_cutoffs(datetime.now(UTC), UTC, ExpiryRules(idle=None, day_end=None, max_age=None))
    assert found.idle_before == found.started_before == found.day_end == NEVER


def test_midnight_is_a_day_end_like_any_other() -> None:
    at = datetime(2026, 7, 15, 9, tzinfo=BERLIN)
    assert day_end(at, BERLIN, ExpiryRules(day_end=time(0))) == datetime(2026, 7, 15, tzinfo=BERLIN)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        expiry_cutoffs(datetime(2026, 7, 15, 20, 39), BERLIN, RULES)  # noqa: DTZ001


@pytest.mark.parametrize(
    "wrong", [{"idle": timedelta(0)}, {"max_age": -timedelta(1)}, {"day_end": time(20, tzinfo=UTC)}]
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ExpiryRules(**wrong)  # type: ignore[arg-type]
