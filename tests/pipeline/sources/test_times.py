"""Times in every way exports write them; days and months are told apart by the whole column."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.understanding.moments import MAX_LENGTH, DayOrder
from pipeline.sources.understanding.times import (
    BadDateFormat,
    TimeColumn,
    TimeReader,
    looks_like_time,
    read,
    read_date_format,
)

EIGHT = datetime(2026, 5, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-02 08:00", "2026-05-02T08:00:00Z", "2026-05-02T08:00:00.000+00:00", "2026-05-02T10:00:00+0200",
        "2026-05-02 08:00:00 UTC", "2026-05-02 03:00:00 -0500", "2026-05-02T01:00:00-07:00[America/Los_Angeles]",
        "2026-05-02 10:00 Europe/Berlin", "20260502T080000Z", "2026/05/02 08:00", "2026.05.02 08:00",
        "02.05.2026 08:00", "2.5.2026, 8:00 Uhr", "02. 05. 2026 08:00", "02.05.2026 08.00", "Sa, 02.05.2026, 08:00",
        "May 2, 2026 8:00 AM", "May 2nd, 2026 at 8:00 a.m.", "Saturday, May 2, 2026 at 4:00:00 AM EDT",
        "8:00 AM - May 2, 2026",
        "2 May 2026 10:00 CEST", "02-May-2026 08:00", "02/May/26 8:00 AM", "02/May/2026:08:00:00 +0000",
        "Sat, 02 May 2026 08:00:00 +0000", "Sat, 02 May 2026 08:00:00 GMT", "Sat 02 May 2026 08:00:00 +0000",
        "Sat May 02 08:00:00 +0000 2026", "Sat May  2 08:00:00 2026",
        "Sat May 02 2026 10:00:00 GMT+0200 (Central European Summer Time)",
        "2. Mai 2026 um 08:00 Uhr", "2 mai 2026 à 8h00", "2 de mayo de 2026 8:00 a. m.", "2 maggio 2026 alle ore 08:00",
        "2 de maio de 2026 às 08:00", "2 mei 2026 om 08:00", "sábado, 2 de mayo de 2026, 08:00",
        "2026年5月2日 8時00分", "2026年05月02日 上午8:00", "2026년 5월 2일 오전 8:00", "2026. 5. 2. 오전 8:00",
        "1777708800", "1777708800000", "1777708800000000", "1777708800.000000", 1777708800, 1777708800.0, 1777708800000,
        "202605020800", "20260502080000", "/Date(1777708800000)/", {"$date": "2026-05-02T08:00:00Z"},
        {"$date": {"$numberLong": "1777708800000"}}, EIGHT, EIGHT.replace(tzinfo=None), EIGHT + timedelta(0),
    ],
    ids=str,
)  # fmt: skip
def test_it_reads_the_moment(written: object) -> None:
    assert read(written) == EIGHT


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("20260502", date(2026, 5, 2)), ("46144", date(2026, 5, 2)), (46144, date(2026, 5, 2)), ("1er août 2026",
        date(2026, 8, 1)),
        ("31/12/2026", date(2026, 12, 31)), ("12/31/2026", date(2026, 12, 31)), ("13-05-26", date(2026, 5, 13)),
        ("mar. 2 juin 2026", date(2026, 6, 2)), ("20 mars 2026", date(2026, 3, 20)), (date(2026, 5, 2), date(2026, 5,
        2)),
        ("14. Dezember 2025", date(2025, 12, 14)), ("3 févr. 2026", date(2026, 2, 3)), ("7 gen 2026", date(2026, 1, 7)),
    ],
    ids=str,
)  # fmt: skip
def test_it_reads_the_day(written: object, day: date) -> None:
    assert read(written) == datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_it_reads_an_excel_serial_to_the_second_and_slack_to_the_microsecond() -> None:
    assert read("46144.33") == datetime(2026, 5, 2, 7, 55, 12, tzinfo=UTC)
    assert read("46144,5") == datetime(2026, 5, 2, 12, tzinfo=UTC)
    assert read(46144.333333333336) == EIGHT
    assert read("1777708800.000100") == EIGHT + timedelta(microseconds=100)


@pytest.mark.parametrize(
    "written",
    [
        "", "n/a", "NULL", "0000-00-00 00:00:00", "0000-00-00", "abc", "yesterday", "3 days ago", "May 2026", "2026",
        "2026-05",
        "1.2.3", "v2.5.2026", "10.20.30.40", "2026-02-30", "31.02.2026", "2026-05-02 25:00", "99/99/2026", "5", "0",
        0, 17, -1,
        1e300, float("nan"), True, None, [], {}, "x" * 10_000, "9" * 5000, "May May 2 2026", "2 May 2026 08:00 XYZ",
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_it_says_unknown_where_there_is_no_time(written: object) -> None:
    assert read(written) is None
    assert not looks_like_time(written)


def test_it_takes_no_number_of_an_unknown_column_for_a_time_but_an_epoch() -> None:
    assert looks_like_time("1777708800")
    assert looks_like_time("1777708800000")
    assert not looks_like_time("46144")
    assert not looks_like_time("20260502")
    assert not looks_like_time(1777708800)


# --- The whole column ---------------------------------------------------------------------------------------------


def column(*values: object) -> TimeColumn:
    seen = TimeColumn()
    for value in values:
        seen.see(value)
    return seen


def test_one_date_that_only_one_order_explains_decides_for_all() -> None:
    assert column("01/02/2026", "13/02/2026").reader().read("01/02/2026") == datetime(2026, 2, 1, tzinfo=UTC)
    assert column("01/02/2026", "02/13/2026").reader().read("01/02/2026") == datetime(2026, 1, 2, tzinfo=UTC)


def test_what_stays_open_is_unknown_and_says_what_helps() -> None:
    reader = column("01/02/2026 13:45", "03/04/2026 08:00").reader()
    assert reader.read("01/02/2026 13:45") is None
    assert "--date-format" in reader.why_not("01/02/2026 13:45")
    assert reader.read("05/05/2026") == datetime(2026, 5, 5, tzinfo=UTC)


def test_dates_with_dots_have_the_day_first_unless_the_column_says_otherwise() -> None:
    assert column("01.02.2026").reader().read("01.02.2026") == datetime(2026, 2, 1, tzinfo=UTC)
    assert column("01.02.2026", "01.22.2026").reader().read("01.02.2026") == datetime(2026, 1, 2, tzinfo=UTC)


def test_a_mixed_column_reads_what_is_clear_and_leaves_the_rest_open() -> None:
    reader = column("13/02/2026", "02/13/2026", "01/02/2026").reader()
    assert reader.read("13/02/2026") == reader.read("02/13/2026") == datetime(2026, 2, 13, tzinfo=UTC)
    assert reader.read("01/02/2026") is None


def test_one_slip_in_two_hundred_dates_changes_nothing() -> None:
    reader = column(*["25/02/2026"] * 200, "02/25/2026").reader()
    assert reader.read("01/02/2026") == datetime(2026, 2, 1, tzinfo=UTC)


def test_another_column_of_the_same_file_decides_what_this_one_leaves_open() -> None:
    closed = column("23/02/2026 08:00")
    assert column("01/02/2026").reader(beside=closed).read("01/02/2026") == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ("DD/MM/YYYY", DayOrder.DAY_FIRST), ("MM/DD/YYYY HH:mm", DayOrder.MONTH_FIRST), ("dd.MM.yyyy",
        DayOrder.DAY_FIRST),
        ("TT.MM.JJJJ", DayOrder.DAY_FIRST), ("JJ/MM/AAAA", DayOrder.DAY_FIRST), ("MM/GG/AAAA", DayOrder.MONTH_FIRST),
        ("day-first", DayOrder.DAY_FIRST), ("monthfirst", DayOrder.MONTH_FIRST),
        ("mdy", DayOrder.MONTH_FIRST), ("%d/%m/%Y", DayOrder.DAY_FIRST), ("%m-%d-%y %H:%M", DayOrder.MONTH_FIRST),
        ("hello", None), ("%H:%M", None), ("%Q %Y", None),
    ],
)  # fmt: skip
def test_a_date_format_says_the_order_or_is_refused(given: str, order: DayOrder | None) -> None:
    if order is None:
        with pytest.raises(BadDateFormat, match="DD/MM/YYYY"):
            read_date_format(given)
    else:
        assert read_date_format(given)[1] == order


def test_a_date_format_goes_before_what_the_column_shows_and_other_ways_are_read_besides() -> None:
    reader = column("01/02/2026").reader("%d/%m/%Y %Hh%M")
    assert reader.read("01/02/2026 13h45") == datetime(2026, 2, 1, 13, 45, tzinfo=UTC)
    assert reader.read("03/02/2026") == datetime(2026, 2, 3, tzinfo=UTC)
    assert reader.read("2026-05-02 08:00") == EIGHT


def test_it_says_how_it_reads() -> None:
    assert str(column("13/02/2026").reader()) == "day first"
    assert str(column("2026-05-02").reader()) == ""


# --- Any moment in any way ----------------------------------------------------------------------------------------

WAYS = [
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d %B %Y %H:%M:%S",
    "%B %d, %Y %I:%M:%S %p",
    "%a %b %d %H:%M:%S +0000 %Y", "%a, %d %b %Y %H:%M:%S GMT", "%d/%b/%y %I:%M:%S %p", "%d-%b-%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p", "%d-%m-%Y %H:%M:%S", "%Y%m%d%H%M%S", "%s",
]  # fmt: skip
moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@settings(max_examples=300, deadline=None)
@given(at=st.lists(moments, min_size=1, max_size=12), way=st.sampled_from(WAYS))
def test_a_column_comes_back_as_it_was_written_or_stays_open(at: list[datetime], way: str) -> None:
    written = [str(int(each.timestamp())) if way == "%s" else each.strftime(way) for each in at]
    reader = column(*written).reader()
    back = [reader.read(each) for each in written]
    if any(found is None for found in back):  # only numbers that can be both may stay open
        assert way[1] in "dm"
        assert all(each.day <= 12 for each in at)
    assert all(found in (None, each) for found, each in zip(back, at, strict=True))


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(max_size=90), st.text("0123456789/.-: TZ年月日apmMAYmay+", max_size=40), st.integers(), st.floats()
    )
)
def test_anything_is_read_or_unknown_and_never_an_error(value: object) -> None:
    found = read(value)
    assert found is None or found.utcoffset() == timedelta(0)
    assert isinstance(TimeReader().why_not(value), str)
    assert len(str(value)) <= MAX_LENGTH or found is None
