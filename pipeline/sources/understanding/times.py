"""Times as exports write them, read into UTC.

One value is often not enough: `01/02/2026` is a day in January or in February. So a column is looked at as a whole
first (`TimeColumn.see` for each value), and then read by the `TimeReader` it gives. What stays open is None, never a
guess: a conversation is kept with its time marked unknown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pipeline.sources.understanding.moments import NUMBER, DayOrder, OpenDate, in_utc, is_empty, parse


class BadDateFormat(ValueError):
    """A date format that says nothing about days and months; the message says what to give."""


# --- A column -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class TimeColumn:
    """What all values of one column show together. A few counters, however long the column is."""

    day_first: Counter[str] = field(default_factory=Counter)  # by separator: the first number can only be a day
    month_first: Counter[str] = field(default_factory=Counter)
    either: Counter[str] = field(default_factory=Counter)
    given: int = 0
    read: int = 0

    def see(self, value: object) -> None:
        """Take one value into account; empty ones say nothing."""
        if is_empty(value):
            return
        self.given += 1
        parsed = parse(value)
        self.read += parsed is not None
        if not isinstance(parsed, OpenDate):
            return
        if parsed.first > 12:
            self.day_first[parsed.separator] += 1
        elif parsed.second > 12:
            self.month_first[parsed.separator] += 1
        elif parsed.first != parsed.second:
            self.either[parsed.separator] += 1

    def day_order(self, separator: str) -> DayOrder:
        """Return the order of the dates with that separator.

        One date that only one order can explain decides for all, unless more than one in a hundred say the opposite.
        Dates with dots are written with the day first wherever dots are used.
        """
        days, months = self.day_first[separator], self.month_first[separator]
        # more, not as many: a column without such dates stays open
        if days > 99 * months:
            return DayOrder.DAY_FIRST
        if months > 99 * days:
            return DayOrder.MONTH_FIRST
        return DayOrder.DAY_FIRST if separator == "." and not months else DayOrder.OPEN

    def reader(self, date_format: str = "", beside: "TimeColumn | None" = None) -> "TimeReader":
        """Return what reads this column.

        `date_format` says the order where the column leaves it open (see `read_date_format`). `beside` is the evidence
        of the other times of the same file, which one program wrote in one way.
        """
        pattern, order = read_date_format(date_format) if date_format else ("", DayOrder.OPEN)
        orders: dict[str, DayOrder] = {}
        for separator in {*self.day_first, *self.month_first, *self.either}:
            # what a person said, else what the column shows, else what the file's other times show
            own = order if order is not DayOrder.OPEN else self.day_order(separator)
            if own is DayOrder.OPEN and beside is not None and not self.is_mixed(separator):
                own = beside.day_order(separator)
            orders[separator] = own
        return TimeReader(orders, pattern, order)

    def is_mixed(self, separator: str) -> bool:
        """Return whether some dates have the day first and others the month."""
        return bool(self.day_first[separator] and self.month_first[separator])


@dataclass(frozen=True, slots=True)
class TimeReader:
    """Reads the values of one column. Without arguments it reads all that needs no column: any but `01/02/2026`."""

    day_orders: Mapping[str, DayOrder] = field(default_factory=dict)
    pattern: str = ""
    default_order: DayOrder = DayOrder.OPEN

    def read(self, value: object) -> datetime | None:
        """Return the moment in UTC, or None if there is none, it cannot be read, or it stays open."""
        if self.pattern and isinstance(value, str):
            try:
                return in_utc(datetime.strptime(value.strip(), self.pattern))  # noqa: DTZ007 (a missing zone means UTC)
            except (ValueError, OverflowError):
                pass  # a column may hold other ways of writing besides
        parsed = parse(value)
        if isinstance(parsed, OpenDate):
            return parsed.at(self._order(parsed))
        return parsed

    def why_not(self, value: object) -> str:
        """Return in a few words why `read` gives None, with what helps."""
        parsed = parse(value)
        if isinstance(parsed, OpenDate) and parsed.at(DayOrder.DAY_FIRST) and parsed.at(DayOrder.MONTH_FIRST):
            return "it is unclear whether the day or the month comes first; add --date-format DD/MM/YYYY or MM/DD/YYYY"
        return "not a known time format; add --date-format"

    def __str__(self) -> str:
        """Return what is to be said of the order: `day first`, or nothing where no order was needed."""
        if self.pattern:
            return f"as {self.pattern}"
        return ", ".join(sorted({order for order in self.day_orders.values() if order is not DayOrder.OPEN}))

    def _order(self, parsed: "OpenDate") -> DayOrder:
        order = self.day_orders.get(parsed.separator, self.default_order)
        if order is DayOrder.OPEN and parsed.separator == "." and not self.day_orders:
            return DayOrder.DAY_FIRST
        return order


def read(value: object) -> datetime | None:
    """Return the moment of a value that stands alone, in UTC; None if it cannot be read or stays open."""
    return TimeReader().read(value)


def is_time(value: object) -> bool:
    """Return whether a value is a time, also one of which day and month stay open."""
    return parse(value) is not None


def looks_like_time(value: object) -> bool:
    """Return whether a value of an unknown column is written as a time. Of bare numbers only epochs look like one."""
    if isinstance(value, str) and NUMBER.match(value.strip()):
        digits = value.strip().partition(".")[0]
        return len(digits) in (10, 13) and parse(value) is not None
    return not isinstance(value, int | float) and parse(value) is not None


def read_date_format(given: str) -> tuple[str, DayOrder]:
    """Return the strptime pattern, if it is one, and the order of days and months that a date format says.

    Taken are `%d/%m/%Y %H:%M` (strptime), `DD/MM/YYYY` in letters, and the words dmy, mdy, day-first, month-first.
    BadDateFormat if it says neither.
    """
    words = re.sub(r"[\s_-]", "", given.casefold())
    if words in ("dayfirst", "dmy"):
        return "", DayOrder.DAY_FIRST
    if words in ("monthfirst", "mdy"):
        return "", DayOrder.MONTH_FIRST
    if "%" in given:
        return _read_pattern(given)
    letters = given.strip().partition(" ")[0].upper()
    if "T" in letters:
        letters = letters.translate(str.maketrans("TJ", "DY"))  # TT.MM.JJJJ
    letters = letters.translate(str.maketrans("JGA", "DDY"))  # JJ/MM/AAAA, GG/MM/AAAA, DD/MM/AAAA
    day, month = letters.find("D"), letters.find("M")
    if day < 0 or month < 0 or not set(letters) <= set("DMY./-"):
        raise BadDateFormat(f"the date format {given!r} is unknown; {_FORMATS}")
    return "", DayOrder.DAY_FIRST if day < month else DayOrder.MONTH_FIRST


def _read_pattern(given: str) -> tuple[str, DayOrder]:
    if not re.search("%[yYxcs]", given):
        raise BadDateFormat(f"the date format {given!r} has no year; {_FORMATS}")
    try:
        datetime.strptime(datetime(2026, 2, 1, tzinfo=UTC).strftime(given), given)  # noqa: DTZ007
    except ValueError as error:
        raise BadDateFormat(f"the date format {given!r} cannot be used: {error}; {_FORMATS}") from error
    day, month = given.find("%d"), max(given.find("%m"), given.find("%b"), given.find("%B"))
    if day < 0 or month < 0:
        return given, DayOrder.OPEN
    return given, DayOrder.DAY_FIRST if day < month else DayOrder.MONTH_FIRST


_FORMATS: Final = "use DD/MM/YYYY, MM/DD/YYYY, or a pattern such as '%d/%m/%Y %H:%M'"


def unreadable(values: Iterator[object], reader: TimeReader) -> Counter[str]:
    """Return how many values that are not empty cannot be read, by reason with what helps."""
    return Counter(reader.why_not(value) for value in values if not is_empty(value) and reader.read(value) is None)
