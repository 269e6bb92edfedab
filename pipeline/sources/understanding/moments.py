# ruff: noqa: RUF001, E501 (letters of other scripts are meant; some are counted as two columns)
"""One value of a time as exports write it: ISO 8601, epochs, Excel's serials, months in thirty languages, clocks, zones.

`parse` reads it as far as it says itself. What is a day and what a month in `01/02/2026` only the whole column tells:
such a value is an `OpenDate`, which `times` decides.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

MAX_LENGTH = 80
"""A longer text is not a time. It also bounds what the patterns below can cost."""


class DayOrder(StrEnum):
    """What the first number of `01/02/2026` is."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    OPEN = "open"


def is_empty(value: object) -> bool:
    """Return whether a cell says that there is no time."""
    return value is None or (isinstance(value, str) and value.strip().casefold() in _EMPTY)


_EMPTY: Final = {"", "-", "--", "n/a", "na", "nan", "nat", "null", "none", "nil", "#n/a", "\\n", "0000-00-00 00:00:00"}


@dataclass(frozen=True, slots=True)
class _Clock:
    hour: int = 0
    minute: int = 0
    second: int = 0
    microsecond: int = 0
    zone: tzinfo | None = None

    def on(self, year: int, month: int, day: int) -> datetime | None:
        try:
            parts = (self.hour, self.minute, min(self.second, 59), self.microsecond)  # a leap second is the one before
            return in_utc(datetime(year, month, day, *parts, tzinfo=self.zone))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class OpenDate:
    """A date in numbers with the year last, of which it may be open what is the day."""

    first: int
    second: int
    year: int
    separator: str
    clock: _Clock

    def at(self, order: DayOrder) -> datetime | None:
        """Return the moment; if the order stays open, only that of a date which one order alone can explain."""
        as_day_first = self.clock.on(self.year, self.second, self.first)
        as_month_first = self.clock.on(self.year, self.first, self.second)
        if order is DayOrder.DAY_FIRST:
            return as_day_first or as_month_first
        if order is DayOrder.MONTH_FIRST:
            return as_month_first or as_day_first
        if as_day_first and as_month_first and as_day_first != as_month_first:
            return None
        return as_day_first or as_month_first


def parse(value: object) -> datetime | OpenDate | None:
    """Return the moment that a value tells, `OpenDate` where day and month may be exchanged, None if it tells none."""
    if isinstance(value, str):
        return _of_text(value) if len(value) <= MAX_LENGTH else None
    if isinstance(value, datetime):
        return _in_range(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        text = repr(value) if isinstance(value, float) else str(value)
        return _of_number(text) if NUMBER.match(text) else None
    if isinstance(value, dict):  # as MongoDB, Microsoft Graph, Firestore, Jira's service desk and others write it
        inner = next((value[key] for key in _IN_AN_OBJECT if value.get(key) not in (None, "")), None)
        return parse(inner)
    return None


_IN_AN_OBJECT: Final = (
    "$date", "$numberLong", "iso8601", "dateTime", "datetime", "epochMillis", "_seconds", "seconds", "timestamp",
    "time", "date", "value", "raw",
)  # fmt: skip
"""Fields of an object that stands for a time, the surest first."""


@lru_cache(maxsize=4096)
def _of_text(text: str) -> datetime | OpenDate | None:
    text = text.strip()
    if NUMBER.match(text):
        return _of_number(text.replace(",", "."))
    if is_empty(text):
        return None
    if re.match(r"\d{4}-\d|\d{8}T\d", text):  # `fromisoformat` alone would read more: weeks, or eight digits
        try:
            return _in_range(datetime.fromisoformat(text))
        except ValueError:
            pass
    if found := _PLAIN_DATE.match(text):
        clock = _Clock(int(found[5] or 0), int(found[6] or 0), int(found[7] or 0))
        either = OpenDate(int(found[1]), int(found[3]), int(found[4]), found[2], clock)
        return either if either.at(DayOrder.DAY_FIRST) else None
    if found := _DOTNET.match(text):
        return _of_number(found[1])
    return _of_words(text)


# what `_of_words` would find as well, only slower: the commonest way of all in tables
_PLAIN_DATE: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:,? (\d{1,2}):(\d{2})(?::(\d{2}))?)?$", re.ASCII)


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without a zone is taken to be in UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_range(moment: datetime) -> datetime | None:
    try:
        return in_utc(moment)
    except OverflowError:
        return None


# --- Numbers ------------------------------------------------------------------------------------------------------

NUMBER: Final = re.compile(r"\d{1,20}(?:[.,]\d{1,20})?$")
_DOTNET: Final = re.compile(r"\\?/Date\((\d{9,14})(?:[+-]\d{4})?\)\\?/$")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
_EXCEL_DAYS: Final = range(20_000, 60_000)  # 1954 to 2064; neither an epoch nor a year is written with five digits
_SECONDS: Final = range(100_000_000, 4_102_444_800)  # 1973 to 2100


def _of_number(text: str) -> datetime | None:
    """Return the moment of an epoch in s, ms, us or ns, of an Excel serial, or of digits such as 20260502."""
    whole = text.partition(".")[0]
    if "." not in text and len(whole) in (8, 12, 14) and (at := _of_digits(whole)):
        return at
    number = Decimal(text)
    # an Excel serial has its time of day behind the point; rounded to the second, for its fractions are binary
    if int(number) in _EXCEL_DAYS:
        return _EXCEL_EPOCH + timedelta(seconds=round(number * 86_400))
    # only one unit can bring a number between 1973 and 2100: their ranges do not overlap
    for exponent in (0, 3, 6, 9):
        seconds = number.scaleb(-exponent)
        if int(seconds) in _SECONDS:
            return _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    return None


def _of_digits(digits: str) -> datetime | None:
    """Return the moment of YYYYMMDD with hours and minutes, and seconds, where they follow."""
    if not "1970" <= digits[:4] < "2100":
        return None
    hour, minute, second = (int(digits[at : at + 2] or 0) for at in (8, 10, 12))
    if hour > 23 or minute > 59 or second > 59:
        return None
    return _Clock(hour, minute, second).on(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


# --- Words --------------------------------------------------------------------------------------------------------


def _bare(word: str) -> str:
    """Return a word as `_plain` leaves it: `październik` without its accent, `май` without the sign above."""
    return "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign))


_MONTHS: Final[dict[str, int]] = {
    _bare(word): number
    for number, words in enumerate(
        (
            "january jan januar janner jaenner janvier janv enero ene gennaio gen janeiro januari"
            " styczeń stycznia sty leden ledna januára ianuarie ian január tammikuuta tammikuu ocak oca gener"
            " январь января янв січень січня січ януари яну ιανουαριου ιανουαριος ιαν ינואר يناير जनवरी",
            "february feb februar fevrier fevr fev febrero febbraio fevereiro februari"
            " luty lutego lut únor února února februára februarie február helmikuuta helmikuu şubat şub febrer"
            " февраль февраля фев февр лютий лютого лют февруари φεβρουαριου φεβρουαριος φεβ פברואר فبراير फ़रवरी फरवरी",
            "march mar marz maerz mrz mars marzo marco maart mrt"
            " marzec marca březen března martie március márc maaliskuuta maaliskuu mart març marts maret"
            " март марта березень березня бер μαρτιου μαρτιος μαρ מרץ مارس मार्च",
            "april apr avril avr abril abr aprile"
            " kwiecień kwietnia kwi duben dubna apríla aprilie április ápr huhtikuuta huhtikuu nisan nis"
            " апрель апреля апр квітень квітня квіт кві април απριλιου απριλιος απρ אפריל أبريل إبريل अप्रैल",
            "may mai mayo maggio mag maio mei"
            " maj maja květen května máj mája május toukokuuta toukokuu mayıs maig"
            " май мая травень травня трав μαιου μαιος μαι מאי مايو मई",
            "june jun juni juin junio giugno giu junho"
            " czerwiec czerwca cze červen června júna iunie iun június kesäkuuta kesäkuu haziran haz juny"
            " июнь июня июн червень червня черв юни ιουνιου ιουνιος ιουν יוני يونيو जून",
            "july jul juli juillet juil julio luglio lug julho"
            " lipiec lipca lip červenec července júla iulie iul július heinäkuuta heinäkuu temmuz tem juliol"
            " июль июля июл липень липня лип юли ιουλιου ιουλιος ιουλ יולי يوليو जुलाई",
            "august aug aout agosto ago augustus"
            " sierpień sierpnia sie srpen srpna srp augusta augusztus elokuuta elokuu ağustos ağu augusti agost agustus agu"
            " август августа авг серпень серпня серп αυγουστου αυγουστος αυγ אוגוסט أغسطس अगस्त",
            "september sept sep septembre septiembre setiembre settembre set sett setembro"
            " wrzesień września wrz září zář septembra septembrie szeptember szept syyskuuta syyskuu eylül eyl setembre"
            " сентябрь сентября сен сент вересень вересня вер септември σεπτεμβριου σεπτεμβριος σεπ ספטמבר سبتمبر सितंबर",
            "october oct oktober okt octobre octubre ottobre ott outubro out"
            " październik października paź říjen října októbra octombrie október lokakuuta lokakuu ekim eki"
            " октябрь октября окт жовтень жовтня жовт жов октомври οκτωβριου οκτωβριος οκτ אוקטובר أكتوبر अक्टूबर",
            "november nov novembre noviembre novembro"
            " listopad listopada listopadu lis novembra noiembrie noi marraskuuta marraskuu kasım kas"
            " ноябрь ноября ноя нояб листопад листопада лист ноември νοεμβριου νοεμβριος νοε נובמבר نوفمبر नवंबर",
            "december dec dezember dez decembre diciembre dic dicembre dezembro"
            " grudzień grudnia gru prosinec prosince decembra decembrie joulukuuta joulukuu aralık ara desember des desembre"
            " декабрь декабря дек грудень грудня груд декември δεκεμβριου δεκεμβριος δεκ דצמבר ديسمبر दिसंबर",
        ),
        start=1,
    )
    for word in words.split()
}
_NOTHING: Final = frozenset(  # days of the week, and words between the parts of a date
    _bare(word)
    for word in """
    mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat saturday sun sunday
    mo montag di dienstag mi mittwoch do donnerstag fr freitag sa samstag sonnabend so sonntag
    lun lundi mardi mer mercredi jeu jeudi ven vendredi sam samedi dim dimanche
    lunes martes mie miercoles jue jueves vie viernes sab sabado dom domingo
    lunedi martedi mercoledi gio giovedi venerdi sabato domenica
    seg segunda ter terca qua quarta qui quinta sex sexta feira
    ma maandag dinsdag wo woensdag donderdag vr vrijdag za zaterdag zo zondag
    pon poniedziałek wt wto wtorek śr śro środa czw czwartek pt pią piątek sob sobota niedz nie nd niedziela
    po pondělí út úterý st středa čt čtvrtek pá pátek neděle hétfő kedd szerda csütörtök péntek szombat vasárnap
    måndag mandag tisdag tirsdag onsdag torsdag fredag lördag lørdag söndag søndag mån man tis tir ons tor tors fre lör
    lør sön søn maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai ti ke to pe la su
    pazartesi pzt salı sal çarşamba çar perşembe per cuma cum cumartesi cmt pazar paz luni marți miercuri joi vineri
    sâmbătă duminică пн пнд понедельник понеділок вт втр вторник вівторок ср срд среда среду середа чт чтв четверг четвер
    пт птн пятница пятницу п'ятниця сб сбт суб суббота субботу субота вс вск воскресенье нд неділя
    δευτερα τριτη τεταρτη πεμπτη παρασκευη σαββατο κυριακη δευ τρι τετ πεμ παρ σαβ κυρ
    יום ראשון שני שלישי רביעי חמישי שישי שבת בשעה الأحد الاثنين الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت
    at on the of um uhr den am le a de del el las los il alle ore om uur as h hrs kl klo
    г года год р року r roku rok godz o v в во о saat ora óra noon في في الساعة
    """.split()  # noqa: SIM905 (read best as text)
)
_ZONES: Final[dict[str, float]] = {
    **dict.fromkeys(("z", "utc", "gmt", "wet", "zulu"), 0),
    **dict.fromkeys(("cet", "mez", "bst", "west", "wat"), 1),
    **dict.fromkeys(("cest", "mesz", "eet", "sast"), 2),
    **dict.fromkeys(("eest", "msk"), 3),
    **dict.fromkeys(("edt", "clt"), -4),
    **dict.fromkeys(("est", "cdt"), -5),
    **dict.fromkeys(("cst", "mdt"), -6),
    **dict.fromkeys(("mst", "pdt"), -7),
    **dict.fromkeys(("pst", "akdt"), -8),
    **dict.fromkeys(("sgt", "hkt", "awst"), 8),
    **dict.fromkeys(("jst", "kst"), 9),
    "hst": -10, "akst": -9, "brt": -3, "ist": 5.5, "acst": 9.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip

_CJK: Final = (
    # days of the week first: one of them is written as a month is, 月曜日
    (
        re.compile(
            r"[月火水木金土日]曜日?|(?:星期|週|周)[一二三四五六日天]|[월화수목금토일]요일|\([月火水木金土日월화수목금토일]\)"
        ),
        " ",
    ),
    (re.compile(r"[年月년월]\s*"), "-"),
    (re.compile(r"[日일号]"), " "),
    (re.compile(r"[時时点시]\s*(?=\d)"), ":"),
    (re.compile(r"[時时点시]"), ":00"),
    (re.compile(r"[分분]\s*(?=\d)"), ":"),
    (re.compile(r"[分분秒초]"), " "),
    (re.compile(r"(?:午前|上午|오전)\s*([\d:]+)"), r"\1 am"),
    (re.compile(r"(?:午後|下午|오후)\s*([\d:]+)"), r"\1 pm"),
)
_HALF: Final = re.compile(r"(?<![a-z])([ap])\.?\s?m(?:\.|(?![a-z]))")
_CLOCK: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:[:h](\d{2}))(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?(?!\d)\s*([ap]m)?"
    r"|(?<!\d)(\d{1,2})\s*([ap]m)"
    r"|(?<!\d)(\d{1,2})h(?![a-z\d])"
    r"|(?<=\d\s)(\d{1,2})\.(\d{2})(?:\.(\d{2}))?$"
)
_OFFSET: Final = re.compile(r"(?:utc|gmt|z)?\s*([+-])(\d{1,2})(?::?(\d{2}))?(?![\d./-])")
_AREA: Final = re.compile(r"\[?([a-z]+(?:/[a-z_+-]+){1,2})\]?")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})\.?$")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})\.?$")


def _of_words(text: str) -> datetime | OpenDate | None:
    """Return the moment of anything that is neither ISO nor a number."""
    text = _plain(text)
    clock, rest = _take_clock(text)
    if clock is None:
        return None
    words = [word for word in re.split(r"[\s,;]+", rest) if word.strip(".:-/'")]
    numbers = " ".join(word for word in words if word.rstrip(".") not in _NOTHING)
    if found := _YEAR_FIRST.match(numbers):
        return clock.on(int(found[1]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.match(numbers):
        first, second, year = int(found[1]), int(found[3]), _full_year(found[4])
        either = OpenDate(first, second, year, found[2], clock)
        return either if either.at(DayOrder.DAY_FIRST) else None
    return _of_month_name(re.split(r"[\s,./-]+", " ".join(words)), clock)


def _plain(text: str) -> str:
    """Return the text in small letters without accents, with Far Eastern signs between numbers as Western ones."""
    text = unicodedata.normalize("NFKC", text).casefold()
    for pattern, sign in _CJK:
        text = pattern.sub(sign, text)
    text = _bare(text)
    text = re.sub(r"\([^()]*\)$", "", text.strip())  # (Central European Summer Time)
    text = re.sub(r"(?<=\d)t(?=\d)", " ", text)
    # as Oracle writes: `02-may-26 08.00.00.000000000 am`
    text = re.sub(r"(?<=[a-z]-\d\d )(\d\d)\.(\d\d)\.(\d\d)(?:\.\d{1,9})?", r"\1:\2:\3", text)
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th|er|o|º|ª)(?![a-z])", "", text)
    text = re.sub(r"(?<=\d)([-.])\s+(?=\d)", r"\1", text)  # `02. 05. 2026`, `2026. 5. 2.`
    return _HALF.sub(lambda half: half[1] + "m", text).strip(" \"'")


def _take_clock(text: str) -> tuple[_Clock | None, str]:
    """Return the time of day with its zone, midnight if there is none, and the text without both; None: impossible."""
    found = _CLOCK.search(text)
    if found is None:
        return _Clock(), text
    hour, minute, second, fraction, half = _clock_parts(found)
    if half:
        hour = hour % 12 + 12 * (half == "pm") if hour <= 12 else hour
    if hour > 23 or minute > 59 or second > 60:
        return None, text
    zone, tail = _take_zone(text[found.end() :])
    microsecond = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return _Clock(hour, minute, second, microsecond, zone), f"{text[: found.start()].rstrip(' :')} {tail}"


def _clock_parts(found: re.Match[str]) -> tuple[int, int, int, str, str]:
    if found[1]:
        return int(found[1]), int(found[2]), int(found[3] or 0), found[4] or "", found[5] or ""
    if found[6]:
        return int(found[6]), 0, 0, "", found[7]
    if found[8]:
        return int(found[8]), 0, 0, "", ""
    return int(found[9]), int(found[10]), int(found[11] or 0), "", ""


def _take_zone(tail: str) -> tuple[tzinfo | None, str]:
    """Return the zone in what follows the clock, and the rest; an offset says more than a name."""
    area = _AREA.search(tail)
    named = _area_zone(area[1]) if area else None
    if area and named:
        tail = tail.replace(area[0], " ")
    if offset := _OFFSET.search(tail):
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        if hours <= 14 and minutes < 60:
            ahead = timedelta(hours=hours, minutes=minutes) * (1 if offset[1] == "+" else -1)
            return timezone(ahead), tail[: offset.start()] + " " + tail[offset.end() :]
    for word in re.findall(r"[a-z]+", tail):
        if word in _ZONES and named is None:
            return timezone(timedelta(hours=_ZONES[word])), re.sub(rf"(?<![a-z]){word}(?![a-z])", " ", tail, count=1)
    return named, tail


@cache
def _areas() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def _area_zone(name: str) -> tzinfo | None:
    known = _areas().get(name)
    return ZoneInfo(known) if known else None


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 69 else 1900)  # as POSIX does


def _of_month_name(words: list[str], clock: _Clock) -> datetime | None:
    """Return the moment of a date that names its month: `2 May 2026`, `May 2, 2026`, `02/May/26`."""
    words = [word.strip("'") for word in words]
    months = [place for place, word in enumerate(words) if word in _MONTHS]
    if len(months) > 1 and words[months[0]] == "mar":  # Tuesday in three languages
        months = months[1:]
    numbers = [word for word in words if word.isdecimal()]
    others = [word for place, word in enumerate(words) if word and not word.isdecimal() and place not in months[:1]]
    if len(months) != 1 or len(numbers) != 2 or any(word not in _NOTHING and word != "mar" for word in others):
        return None
    # `2 May 2026` or `2026 May 2`
    day, year = numbers if len(numbers[0]) <= 2 else reversed(numbers)
    if len(day) > 2 or len(year) not in (2, 4):
        return None
    return clock.on(_full_year(year), _MONTHS[words[months[0]]], int(day))
