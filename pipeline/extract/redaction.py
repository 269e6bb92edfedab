"""What must not leave the machine: found in a text and replaced by placeholders such as `[EMAIL_1]`.

Nothing is kept about what was replaced: it is found again in the stored text whenever an answer has to be understood,
so the way back leads through the database alone. The same value has the same placeholder all through a conversation.

Looked for are e-mail addresses, phone numbers (`phonenumbers`), cards (Luhn), IBANs (mod 97), IPv4 and IPv6, private
keys, API keys, JWTs, passwords in addresses and behind `password:`, and the names of the customer; besides, what your
own patterns and detectors find (REDACTION_PATTERNS, REDACTION_DETECTORS). Looked at is the text as a person sees it:
after NFKC, without invisible characters, with the digits of all scripts as 0 to 9.

What it cannot do, plainly: it knows no names but those of the customer's record and of who writes, no postal
addresses, no dates of birth, and no secret that has no form. A detector of yours can
(docs/howto/keep-private-data-here.md).

Each pattern takes time in proportion to the text: what it passes over it does not try again (possessive quantifiers,
bounded repetition, a look behind so that a long word is entered once). Before a pattern looks, RE2 says in a fraction
of the time whether there is anything for it at all (`_HINTS`); in most texts there is nothing for most. Cards are
found, and what overlaps is joined, by array arithmetic. The worst texts known took 0.2 to 0.6 s of processor time a MB
on a busy machine (1 to 2.4 before that): tests/pipeline/extract/test_redaction.py has them.
"""

import ipaddress
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import phonenumbers
import re2
from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.extract.llm.steps import Steps
from pipeline.extract.profiles.comparisons import words_of
from pipeline.ledger.transcript import Transcript
from pipeline.sources.own_words.reading import VERSE

Found = tuple[int, int, str]
"""Start and end in the text that was looked at, and what it is: `email`."""

Places = npt.NDArray[np.int64]

Detector = Callable[[str], Iterable[Found]]

MOST_NUMBERS = 500
"""Numbers of a text that `phonenumbers` is asked about (60 us each); of more, all that look like one are replaced."""

LEAST_NAME = 3
"""Letters of a name's part that is replaced where it stands alone."""


# --- The text as it is seen -----------------------------------------------------------------------------------------

_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
_ARE_HIDDEN = frozenset(("Cf", "Cc"))


@cache
def _seen(letter: str) -> str:
    """Return what a letter looks like: NFKC, digits as ASCII, dashes as -, nothing for what cannot be seen."""
    if letter in _DASHES:
        return "-"
    if unicodedata.category(letter) in _ARE_HIDDEN or letter in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0":
        return ""
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    return "".join(each for each in unicodedata.normalize("NFKC", letter) if unicodedata.category(each) != "Cf")


def as_seen(text: str) -> tuple[str, Places | None]:
    """Return a text as a person sees it, and for each of its characters the place in the text; None if all agree."""
    if text.isascii():
        return text, None
    table = {ord(letter): _seen(letter) for letter in set(text) if not letter.isascii()}
    seen = text.translate(table)
    if all(len(each) == 1 for each in table.values()):
        return seen, None
    # a table of lengths by code point: in a loop over letters a megabyte would take seconds
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.ones(int(codes.max()) + 1, np.uint8)
    for code, each in table.items():
        lengths[code] = len(each)
    return seen, np.repeat(np.arange(len(codes)), lengths[codes])


# --- What has a form ------------------------------------------------------------------------------------------------

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private_key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s]*+(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
        ),
    ),
    ("jwt", re.compile(r"(?<![\w.-])eyJ[\w-]{6,}+\.[\w-]{4,}+(?:\.[\w-]*+)?")),
    ("password", re.compile(r"(?<=://)[^\s/@:]{1,200}+:[^\s/@]{1,200}+(?=@)")),
    ("email", re.compile(r"(?<![\w.%+'-])[\w.%+'-]++@[\w-]++(?:\.[\w-]++)++")),
    (
        "email",
        re.compile(
            r"(?<![\w.%+-])[\w.%+-]++ ?[\[({]at[\])}] ?[\w-]++(?:(?: ?[\[({]dot[\])}] ?|\.)[\w-]++)++", re.IGNORECASE
        ),
    ),
    (
        "api_key",
        re.compile(
            r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk)[-_](?:(?:live|test|proj|ant|or)[-_])?[A-Za-z0-9_-]{12,}+|gh[pousr]_\w{20,}+"
            r"|github_pat_\w{20,}+|glpat-[\w-]{16,}+|xox[abeoprs]-[\w-]{10,}+|(?:AKIA|ASIA)[0-9A-Z]{16}+|AIza[\w-]{30,}+"
            r"|ya29\.[\w-]{20,}+|SG\.[\w-]{16,}+\.[\w-]{16,}+|hf_[A-Za-z0-9]{20,}+|npm_[A-Za-z0-9]{20,}+"
            r"|(?:shpat|shpss|dop_v1|sq0atp|whsec|rk_live)[-_][A-Za-z0-9]{16,}+)"
        ),
    ),
)

_SECRET = re.compile(
    r"(?<![A-Za-z0-9])(?:api[ _-]?key|access[ _-]?key|secret(?:[ _-]?key)?|auth[ _-]?token|token|password|passwort"
    r"|passwd|pwd|passphrase|pin|bearer)(?:\s{0,3}(?:[:=]|=>)\s{0,3}|\s{1,3}(?:is|was|ist)\s{1,3}|\s{1,3})[\"'`]?+"
    r"([^\s\"'`,;<>()\[\]]{4,300}+)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"(?<![\w+/=.-])[\w+-]{24,}+={0,2}+(?![\w/])")

_IP4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)")
_IP6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:.]++(?:%\w{1,20}+)?")

_PHONE = re.compile(r"(?<![\w+.])(?:\+|\(\+|00)?\(?\d(?:[ ()./-]{0,3}\d){5,14}(?![\w])")
_DATE = re.compile(r"(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d(?: \d{1,2})?")
_TIME_OF_LOG = re.compile(r"(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}[ T]?\d{1,2}")

_IBAN_START = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})\d\d")
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE BI", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


# What a text must hold for a pattern to find anything in it: without look-around, so that RE2 can say it, and never
# narrower than the pattern. RE2's \w and \d are ASCII, as the digits of a text are that was made by `as_seen`. In two
# sets, each of which RE2 looks for in one pass: words, and what is counted. Of both together it would need many more
# states, and on texts of digits and colons seven times as long.
_HINTS = (
    {
        "private_key": r"-----BEGIN ",
        "jwt": r"eyJ",
        "password": r"://[^\s/@:]",
        "email": r"@|(?i:[\[({]at[\])}])",
        "api_key": r"[spr]k[-_]|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|ASIA|AIza|ya29\.|SG\.|hf_|npm_|shpat"
        r"|shpss|dop_v1|sq0atp|whsec",
        "secret": r"(?i)api[ _-]?key|access[ _-]?key|secret|token|pass(?:wor[dt]|wd|phrase)|pwd|pin|bearer",
        "iban": r"[A-Za-z]{2}\d\d",
    },
    {
        "token": r"[A-Za-z0-9_+-]{24}",
        "ip4": r"\d\.\d{1,3}\.\d{1,3}\.\d",
        "ip6": r":[0-9A-Fa-f.]{0,20}:",
        "phone": r"\d(?:[ ()./-]{0,3}\d){5}",
        "card": r"\d(?:[ .-]?\d){12}",
    },
)


def _set_of(hints: Mapping[str, str]) -> tuple["re2.Set", tuple[str, ...]]:
    """Return what finds all hints that a text holds at once, and their names by the numbers it gives."""
    options = re2.Options()
    options.never_capture = True
    found = re2.Set.SearchSet(options)
    for hint in hints.values():
        found.Add(hint)
    found.Compile()
    return found, tuple(hints)


_SETS = tuple(_set_of(hints) for hints in _HINTS)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A text as a person sees it, and what the quick look at it said."""

    text: str
    raw: bytes
    kinds: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "_Seen":
        raw = text.encode(errors="replace")  # half letters, which no UTF-8 has, are no hint to anything
        return cls(text, raw, frozenset(names[number] for hints, names in _SETS for number in hints.Match(raw) or ()))

    def may_hold(self, kind: str) -> bool:
        """Whether the pattern of this kind may find something in it; where it may not it need not look."""
        return kind in self.kinds


def _by_form(seen: _Seen) -> Iterator[Found]:
    for kind, pattern in _FORMS:
        if seen.may_hold(kind):
            for found in pattern.finditer(seen.text):
                yield found.start(), found.end(), kind


def _secrets(seen: _Seen) -> Iterator[Found]:
    """Yield what stands behind `password:`, and tokens too random to be words."""
    text = seen.text
    for found in _SECRET.finditer(text) if seen.may_hold("secret") else ():
        said, between = found[1], text[found.start() : found.start(1)]
        if any(map(str.isdigit, said)) or (re.search("[:=]", between) and not said.isalpha()):
            yield found.start(1), found.end(1), "secret"
    for found in _TOKEN.finditer(text) if seen.may_hold("token") else ():
        if _is_random(found[0]):
            yield found.start(), found.end(), "secret"


@lru_cache(10_000)
def _is_random(token: str) -> bool:
    """Whether a long token is drawn and not written: digits and letters through each other, and many kinds of them."""
    digits = sum(map(str.isdigit, token))
    letters = sum(map(str.isalpha, token))
    if digits < 3 or letters < 3 or not token.isascii():
        return False
    counts = Counter(token[:200])
    total = sum(counts.values())
    entropy = -sum(count / total * math.log2(count / total) for count in counts.values())
    changes = len(re.findall(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]|(?<=[a-z])[A-Z]", token[:200]))
    return entropy >= 3.2 and changes >= 5


def _addresses(seen: _Seen) -> Iterator[Found]:
    for found in _IP4.finditer(seen.text) if seen.may_hold("ip4") else ():
        if _is_address(found[0]):
            yield found.start(), found.end(), "ip"
    for found in _IP6.finditer(seen.text) if seen.may_hold("ip6") else ():
        if length := _length_of_address(found[0]):
            yield found.start(), found.start() + length, "ip"


@lru_cache(10_000)
def _length_of_address(word: str) -> int:
    """Return how much of a word of hexadecimal digits and colons is an address, without the colon or dot that ends a
    sentence; 0 if it is none."""
    address = word.rstrip(".") if word.endswith(".") else word
    address = address if address.endswith("::") else address.rstrip(":")
    is_one = address.count(":") >= 2 and any(map(str.isalnum, address)) and _is_address(address)
    return len(address) if is_one else 0


@lru_cache(10_000)
def _is_address(word: str) -> bool:
    if len(word) > 70:
        return False
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _ibans(seen: _Seen) -> Iterator[Found]:
    text = seen.text
    for found in _IBAN_START.finditer(text) if seen.may_hold("iban") else ():
        length = _IBAN_LENGTHS.get(found[1].upper())
        rest = _rest_of_iban(length - 4).match(text, found.end()) if length else None
        if rest:
            word = re.sub("[ -]", "", text[found.start() : rest.end()]).upper()
            number = "".join(str(int(letter, 36)) for letter in word[4:] + word[:4])
            if int(number) % 97 == 1:
                yield found.start(), rest.end(), "iban"


@cache
def _rest_of_iban(count: int) -> re.Pattern[str]:
    return re.compile(rf"(?:[ -]?[A-Za-z0-9]){{{count}}}(?![A-Za-z0-9])")


# First digits and lengths of cards: ISO/IEC 7812 ranges of the large networks.
_CARD_LENGTHS = {
    "1": (), "2": (16,), "30": (14,), "36": (14,), "38": (14, 16), "39": (14,), "34": (15,), "37": (15,),
    "35": (16, 17, 18, 19), "4": (13, 16, 19), "5": (13, 14, 15, 16, 17, 18, 19), "6": (13, 14, 15, 16, 17, 18, 19),
}  # fmt: skip


def _cards(seen: _Seen) -> Iterator[Found]:
    """Yield numbers of 13 to 19 digits that pass Luhn's test and begin as cards do, alone or within a longer row.

    Digits may be parted by single spaces, dots or dashes; a card begins and ends where a group of digits does. All
    windows of one length are tested at once, with sums from the beginning (every second digit doubled).
    """
    if not seen.may_hold("card"):
        return
    if len(seen.raw) == len(seen.text):  # a byte is a letter
        codes = np.frombuffer(seen.raw, np.uint8)
    else:
        codes = np.frombuffer(seen.text.encode("utf-32-le", "surrogatepass"), np.uint32)
    places = np.flatnonzero((codes >= 48) & (codes <= 57))
    digits = (codes[places] - 48).astype(np.int64)
    gaps = np.diff(places)
    parted = np.isin(codes[np.minimum(places[:-1] + 1, len(codes) - 1)], [ord(each) for each in " .-"])
    breaks = np.concatenate([[0], np.cumsum(~((gaps == 1) | ((gaps == 2) & parted)))])  # the same within one row
    begins = np.concatenate([[True], gaps > 1])
    ends = np.concatenate([gaps > 1, [True]])
    doubled = np.where(digits > 4, 2 * digits - 9, 2 * digits)
    even = np.arange(len(digits)) % 2 == 0
    sums = [
        np.concatenate([[0], np.cumsum(np.where(even, doubled, digits))]),
        np.concatenate([[0], np.cumsum(np.where(even, digits, doubled))]),
    ]
    for length in range(19, 12, -1):
        first = np.arange(len(digits) - length + 1)
        last = first + length - 1
        fits = (
            begins[first] & ends[last] & (breaks[first] == breaks[last]) & (digits[first] >= 2) & (digits[first] <= 6)
        )
        first = first[fits]
        end = first + length
        # digits are doubled where their place is the end's, modulo 2: every second one, counted from behind
        total = np.where(end % 2 == 0, sums[0][end] - sums[0][first], sums[1][end] - sums[1][first])
        for start in first[total % 10 == 0]:
            two = f"{digits[start]}{digits[start + 1]}"
            if length in _CARD_LENGTHS.get(two, _CARD_LENGTHS.get(two[0], ())):
                yield int(places[start]), int(places[start + length - 1]) + 1, "card"


def _phones(seen: _Seen) -> Iterator[Found]:
    if not seen.may_hold("phone"):
        return
    judged: dict[str, bool] = {}  # a number that is repeated is asked about once
    asked = 0
    for found in _PHONE.finditer(seen.text):
        number, start = found[0], found.start()
        if number.startswith("(") and ")" not in number:  # the bracket is around the number
            number, start = number[1:], start + 1
        is_phone = judged.get(number)
        if is_phone is None:
            if is_phone := _looks_like_phone(number):
                asked += 1
                is_phone = asked > MOST_NUMBERS or _is_phone(number)
            judged[number] = is_phone
        if is_phone:
            yield start, found.end(), "phone"


def _looks_like_phone(number: str) -> bool:
    """Whether a number is neither a date nor too short: worth asking `phonenumbers` about."""
    if _DATE.fullmatch(number) or _TIME_OF_LOG.match(number):
        return False
    return number.startswith(("+", "(+", "00")) or sum(map(str.isdigit, number)) >= 7


@cache
def _regions() -> tuple[str, ...]:
    return tuple(settings.REDACTION_REGIONS)


def _is_phone(number: str) -> bool:
    """Whether a number is a telephone's: an international one anywhere, another in one of REDACTION_REGIONS."""
    bare = number.replace("(+", "+", 1)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    regions: tuple[str | None, ...] = (None,) if bare.startswith("+") else _regions()
    for region in regions:
        try:
            parsed = phonenumbers.parse(bare, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(parsed) if region is None else phonenumbers.is_valid_number(parsed):
            return True
    return False


# --- Names ----------------------------------------------------------------------------------------------------------

_NAME_PARTS = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_COMMON = words_of(
    "will mark may june april august rose hope grace joy faith art bill rob jack dean page case long young brown white "
    "black green king price best day new the and von van der den del support user admin customer test info mail office "
    "team sales service guest anonymous unknown client"
)
"""Parts of names that are words as well: they are replaced as part of the whole name alone."""


def full_name(name: str) -> list[str]:
    """Return the parts of a person's full name, such as Ann Smith; nothing for an id, an address or a single word."""
    parts = _NAME_PARTS.findall(name)
    is_full = 1 < len(parts) < 6 and not any(letter.isdigit() or letter in "@_/" for letter in name)
    if not is_full or not all(part[0].isupper() or not part[0].isascii() for part in parts):
        return []
    return [part for part in parts if len(part) >= LEAST_NAME and part.lower() not in _COMMON]


def _names(seen: _Seen, names: Sequence[str]) -> Iterator[Found]:
    """Yield where the names stand: a whole one in any case, its parts where they are written with a capital."""
    text, lower = seen.text, seen.text.lower()
    whole, parts = set[str](), set[str]()
    for name in names:
        found = _NAME_PARTS.findall(unicodedata.normalize("NFKC", name))
        if "@" in name or not any(part.lower() in lower for part in found):
            continue
        if len(found) > 1:
            whole.add(r"\s{1,3}".join(re.escape(part) for part in found[:6]))
            whole.add(rf"{re.escape(found[-1])},\s{{0,3}}{re.escape(found[0])}")
        parts |= {part for part in found if len(part) >= LEAST_NAME and part.lower() not in _COMMON}
    if whole:
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(whole, key=lambda each: (-len(each), each)))})(?!\w)", re.I)
        yield from ((found.start(), found.end(), "name") for found in pattern.finditer(text))
    if parts:
        forms = {form for part in parts for form in (part.capitalize(), part.upper(), part.title(), part)}
        forms = {form for form in forms if form[:1].isupper() or not form[:1].isascii()}
        if forms:
            pattern = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(map(re.escape, forms)))})(?!\w)")
            yield from ((found.start(), found.end(), "name") for found in pattern.finditer(text))


_SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of letters, which no UTF-8 has; RE2 reads UTF-8."""


# --- Yours ----------------------------------------------------------------------------------------------------------


@cache
def _own_patterns() -> tuple[tuple[str, "re2._Regexp"], ...]:
    """Return the patterns of REDACTION_PATTERNS; RE2 takes linear time whatever they are."""
    return tuple((kind, re2.compile(pattern)) for kind, pattern in settings.REDACTION_PATTERNS.items())


@cache
def _own_detectors() -> tuple[Detector, ...]:
    return tuple(import_string(path) for path in settings.REDACTION_DETECTORS)


def _own(text: str) -> Iterator[Found]:
    for kind, pattern in _own_patterns():
        for found in pattern.finditer(_SURROGATES.sub("\ufffd", text)):
            yield found.start(), found.end(), kind
    for detect in _own_detectors():
        yield from detect(text)


# --- Together -------------------------------------------------------------------------------------------------------


_DETECTORS = (_by_form, _secrets, _ibans, _cards, _addresses, _phones)
"""In the order of their certainty: what is found by an earlier one names what overlaps."""


def find_private(text: str, names: Sequence[str] = ()) -> list[Found]:
    """Return what must not leave, as places in the text: sorted, and apart; the surest kind names what overlaps."""
    # the surest first: where two overlap the earlier one names the kind, and all that either covers is hidden
    shown, places = as_seen(text)
    seen = _Seen.of(shown)
    found = [one for detect in _DETECTORS for one in detect(seen)]
    found += _names(seen, names)
    found += _own(shown)
    found = _joined([one for one in found if one[1] > one[0]])
    if places is None:
        return found
    # by the last letter and not the one behind it, which may have been hidden letters away
    return [(int(places[start]), int(places[end - 1]) + 1, kind) for start, end, kind in found]


def _joined(found: Sequence[Found]) -> list[Found]:
    """Return places in which those that overlap are one, sorted; the first of them in the given order names it."""
    if len(found) < 2:
        return list(found)
    starts, ends = (np.fromiter((one[side] for one in found), np.int64, len(found)) for side in (0, 1))
    order = np.argsort(starts, kind="stable")
    reach = np.maximum.accumulate(ends[order])  # how far what begins until here goes
    begins = np.flatnonzero(np.concatenate([[True], starts[order][1:] >= reach[:-1]]))
    lasts = np.concatenate([begins[1:], [len(found)]]) - 1
    surest = np.minimum.reduceat(order, begins)
    rows = zip(starts[order][begins].tolist(), reach[lasts].tolist(), surest.tolist(), strict=True)
    return [(start, end, found[rank][2]) for start, end, rank in rows]


@dataclass(slots=True)
class Redactor:
    """Replaces what is private in the texts of one conversation, and knows the way back while it lives.

    `names` are those of the customer's record and of the people who write. `context` is all the conversation's text: a
    placeholder that somebody wrote themselves is not given to anything else.
    """

    names: tuple[str, ...] = ()
    context: str = ""
    _placeholders: dict[tuple[str, str], str] = field(default_factory=dict)
    _originals: dict[str, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def hide(self, text: str) -> str:
        """Return the text with placeholders in the place of what is private."""
        pieces: list[str] = []
        last = 0
        for start, end, kind in find_private(text, self.names):
            pieces += [text[last:start], self._placeholder(kind, text[start:end])]
            last = end
        return "".join([*pieces, text[last:]])

    def show(self, text: str) -> str:
        """Return the text with what the placeholders stand for; others are left."""
        return PLACEHOLDER.sub(lambda found: self._originals.get(found[0], found[0]), text)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many different values of each kind were replaced."""
        return dict(self._counts)

    def _placeholder(self, kind: str, value: str) -> str:
        key = (kind, as_seen(value)[0].casefold())
        if key not in self._placeholders:
            # who wrote [EMAIL_1] themselves must not get somebody's address in its place
            while (placeholder := self._next(kind)) in self.context:
                pass
            self._placeholders[key] = placeholder
            self._originals[placeholder] = value
        return self._placeholders[key]

    def _next(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"[{kind.upper()}_{self._counts[kind]}]"


PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]{0,40}_\d{1,6}\]")
"""What stands in the place of something private."""


# --- A conversation -------------------------------------------------------------------------------------------------


def redact(transcript: Transcript) -> tuple[Transcript, Redactor]:
    """Return a conversation with placeholders in its authors' own words, and what knows the way back.

    What is not their own words (a quoted reply, a signature) is left out: no reader is sent it.
    """
    names = {message.author for message in transcript.messages if message.author and message.role != VERSE}
    names |= {transcript.customer} if transcript.customer else set()
    redactor = Redactor(tuple(sorted(names)), transcript.text)
    hidden = [(message, redactor.hide(message.own_text)) for message in transcript.messages]
    messages = tuple(replace(message, text=text, author="", left_out=()) for message, text in hidden)
    return replace(transcript, messages=messages, customer=""), redactor


def read_redacted(read: Callable[[Transcript, Any], Steps], transcript: Transcript, known: object) -> Steps:
    """Read a conversation of which the reader, and so whoever it asks, sees placeholders alone.

    Quotes come back as they stand in the conversation, so that they can be found there. Everything else that the reader
    says (names, summaries, details) keeps its placeholders: it goes into titles and exports.
    """
    hidden, redactor = redact(transcript)
    reading = yield from read(hidden, known)
    themes = []
    for theme in reading.themes:
        quotes = [redactor.show(quote) for quote in theme.quotes]
        themes.append(theme.model_copy(update={"quotes": quotes}))
    return reading.model_copy(update={"themes": themes})


_MAY_BE_PRIVATE = re.compile(r"[\d@]|\bat[\])}]|[Ss]ecret|[Pp]ass|[Tt]oken|[Kk]ey|PRIVATE|[^\x00-\x7f]")


def without_private(text: str) -> str:
    """Return a text with placeholders for what has a form; quick where there is nothing of the kind."""
    return Redactor(context=text).hide(text) if _MAY_BE_PRIVATE.search(text) else text
