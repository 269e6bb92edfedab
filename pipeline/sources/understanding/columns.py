"""Which column of a table, or which path in a JSON object, means what: by its name, by its values, or as a person says.

`find` gives a `Mapping`, which says in a sentence what it took for what, so that a person can check it. Where columns
would do alike, nothing is guessed: `AmbiguousColumns` names them, with the --map to give.
"""

import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.sources.understanding import times
from pipeline.sources.understanding.column_names import FIELDS, NAMES, UnknownColumn, compact
from pipeline.sources.understanding.roles import (
    AGENT,
    CUSTOMER,
    ROLES,
    is_flag,
    is_role_word,
    normalise,
    role_in_field,
    role_of,
)


class AmbiguousColumns(ValueError):
    """It cannot be told which column is meant; the message names the candidates and what to give."""


_ROLE_ITSELF: Final = frozenset(
    "role senderrole authorrole participantrole rolle rol ruolo papel 役割 角色 역할".split()  # noqa: SIM905
)
"""Names of columns that say a role, whatever the words in them."""

# Columns about the other side, or about later events, whatever else their name says.
_NOT_THE_CUSTOMER: Final = re.compile(
    r"agent|assign|owner|operator|staff|bearbeiter|zustandig|assistent|empfanger|^to$|^cc$|manager|company|firma"
)
_TIME_OF_DAY: Final = frozenset("time uhrzeit zeit heure hora ora orario tijd createdtime 時刻 时间".split())  # noqa: SIM905


_BEGUN: Final = re.compile(
    r"creat|submit|opened|posted|publish|received|erstellt|eingang|creado|creacion|cree|creato|作成|创建|생성"
)
_LATER: Final = re.compile(r"repl|respon|updat|edit|modif|clos|resol|dev|answer|antwort|delet|export|import")
"""Parts of the names of times: of when it began, and of what happened later."""


# --- Values -------------------------------------------------------------------------------------------------------

_EMAIL: Final = re.compile(r"(?:[^<>@]{0,200}<)?[^\s@<>]{1,64}@[^\s@<>]{1,190}\.[^\s@<>]{2,60}>?$")
_SHORTENED: Final = re.compile(r"\d[.,]\d{1,6}E\+\d{1,3}$", re.IGNORECASE)
_URL: Final = re.compile(r"https?://\S+$")
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?( ?[ap]\.?m\.?)?$", re.IGNORECASE)
_DENSE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
MAX_DISTINCT: Final = 2000


NULLS: Final = frozenset(("NULL", "null", "\\N", "(null)", "<null>", "[NULL]", "0000-00-00 00:00:00", "#N/A"))
"""How databases and spreadsheets write that there is no value."""


@dataclass(slots=True)
class Profile:
    """What the values of one column look like, counted over a sample of rows."""

    name: str
    filled: int = 0
    words: int = 0
    lettered: int = 0
    emails: int = 0
    moments: int = 0
    urls: int = 0
    clocks: int = 0
    roles: int = 0
    role_words: int = 0
    """Values that are nothing but a word for a role: `Agent`, and not `User 5`."""
    longest: int = 0
    distinct: set[str] = field(default_factory=set)
    sides: set[str] = field(default_factory=set)

    def see(self, value: object) -> None:
        """Count one value; empty ones do not count."""
        text = value.strip() if isinstance(value, str) else "" if value is None else str(value)
        if not text or text in NULLS:
            return
        self.filled += 1
        self.longest = max(self.longest, len(text))
        self.words += _word_count(text)
        self.lettered += any(sign.isalpha() for sign in text[:200])
        if len(self.distinct) < MAX_DISTINCT:
            self.distinct.add(text[:200])
        if len(text) > 300:
            return
        self.emails += text.count("@") == 1 and _EMAIL.match(text) is not None
        self.moments += not isinstance(value, bool) and (times.looks_like_time(value) or _is_moment(value))
        self.urls += _URL.match(text) is not None
        self.clocks += _CLOCK.match(text) is not None
        if role := role_in_field(self.name, value):
            self.roles += 1
            self.role_words += is_role_word(text)
            self.sides.add(role)

    def share(self, count: int) -> float:
        """Return a count as a share of the values."""
        return count / self.filled if self.filled else 0.0

    @property
    def mean_words(self) -> float:
        """The mean number of words; two signs of a script without spaces count as one."""
        return self.words / self.filled if self.filled else 0.0

    @property
    def uniqueness(self) -> float:
        """The share of values that are different from each other."""
        return len(self.distinct) / min(self.filled, MAX_DISTINCT) if self.filled else 0.0

    @property
    def is_text(self) -> bool:
        """Whether the values are sentences: several words, hardly ever the same, neither links nor times."""
        others = max(self.share(self.emails), self.share(self.urls), self.share(self.moments))
        return self.mean_words >= 3 and self.uniqueness >= 0.3 and others < 0.5

    @property
    def is_question(self) -> bool:
        """Whether the name itself is a sentence, as in an export of a survey."""
        name = self.name.strip()
        return name.endswith(("?", "\uff1f", "\u061f")) or _word_count(name) >= 5


def _word_count(text: str) -> int:
    return len(text.split()) + len(_DENSE.findall(text[:2000])) // 2


def _is_moment(value: object) -> bool:
    """Return whether a number or a date is a time; whether its column means one is for the name to say."""
    return not isinstance(value, str) and times.read(value) is not None


_SAID: Final = frozenset(
    """
    message messages text comment comments reply response answer question input output says nachricht antwort frage
    message texte reponse mensaje respuesta messaggio risposta bericht
    """.split()  # noqa: SIM905
)
"""What a column holds that also says who speaks: `Agent reply`."""

_TRACKER: Final = frozenset(
    """
    assignee assigneeemail assignedto idlist listname sectioncolumn duedate completedat parenttask projects tags
    resourcetype resourcesubtype gid completed createdby permalinkurl numsubtasks
    """.split()  # noqa: SIM905
)
"""Columns of lists of tasks: there `Name` is what the task is called, and nobody's name."""


# --- Finding ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which columns mean which field. Of several, texts are joined, and of customers the first that is given counts."""

    fields: dict[str, tuple[str, ...]]
    columns: tuple[str, ...]
    time_of_day: str = ""
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> tuple[str, ...]:
        """Return the columns of a field; empty if there is none."""
        return self.fields.get(name, ())

    def one(self, name: str) -> str:
        """Return the first column of a field, or an empty word."""
        return next(iter(self.of(name)), "")

    @property
    def unused(self) -> list[str]:
        """The columns that mean none of the fields; they are kept in the metadata."""
        used = {column for columns in self.fields.values() for column in columns} | {self.time_of_day}
        return [column for column in self.columns if column not in used]

    def described(self) -> dict[str, str]:
        """Return the field and its columns in words: {"text": "Subject + Description", ...}."""
        return {name: " + ".join(columns) for name, columns in self.fields.items() if columns}

    def __str__(self) -> str:
        """Return the sentence that a person can check."""
        found = ", ".join(f'{name} = "{columns}"' for name, columns in self.described().items())
        unused = self.unused
        rest = f"; not used: {', '.join(unused[:12])}{', ...' if len(unused) > 12 else ''}" if unused else ""
        return f"Columns: {found}{rest}"


_IDS_END: Final = ("id", "key", "number", "nummer", "nr", "uuid", "番号", "编号", "번호")
_NO_ID: Final = re.compile(r"(?:said|paid|valid|void|aid|bid|grid|covid|hybrid|android|fluid|solid|monkey)$")
"""Words that end like the name of an id."""


def find(profiles: Sequence[Profile], given: MappingOf[str, str] | None = None) -> Mapping:
    """Return what each column means.

    `given` is what a person says (see `parse_mapping`), which goes before everything. AmbiguousColumns where no column
    is the text, or several may be; UnknownColumn where `given` names one that is not there.
    """
    finder = _Finder(list(profiles), dict(given or {}))
    return finder.mapping()


class _Finder:
    """Finds the columns one field after the other, the surest first; a column has one meaning."""

    def __init__(self, profiles: list[Profile], given: dict[str, str]) -> None:
        self._profiles = {profile.name: profile for profile in profiles}
        self._given = given
        self._found: dict[str, tuple[str, ...]] = {}
        self._notes: list[str] = []
        self._shortened: set[str] = set()

    def mapping(self) -> Mapping:
        for name, columns in self._given.items():
            self._found[name] = tuple(self._named(name, column) for column in columns.split("\n") if column)
        self._find("reply_to")
        self._find_id()
        self._find_parent()
        self._find("conversation", lambda profile: profile.longest <= 200 and profile.mean_words < 3)
        self._find_times()
        self._find_role()
        self._find_sides()
        self._find_texts()
        self._find_customer()
        self._find("author", self._fits_author)
        self._find("label", lambda profile: profile.mean_words < 8)
        self._find("url", lambda profile: profile.share(profile.urls) >= 0.5)
        self._find_reply()
        self._find("metadata")
        self._find("classified_at")
        order = {name: place for place, name in enumerate(FIELDS)}
        fields = dict(sorted(self._found.items(), key=lambda each: order.get(each[0], 99)))
        return Mapping(fields, tuple(self._profiles), self._time_of_day(), tuple(self._notes))

    # --- One field ------------------------------------------------------------------------------------------------

    def _named(self, name: str, column: str) -> str:
        """Return the column that a person names, in whatever case and spacing."""
        if column in self._profiles:
            return column
        alike = [each for each in self._profiles if compact(each) == compact(column)]
        if len(alike) == 1:
            return alike[0]
        there = ", ".join(repr(each) for each in self._profiles)
        raise UnknownColumn(f"--map {name}={column}: there is no such column. Columns: {there}")

    def _free(self) -> list[Profile]:
        used = {column for columns in self._found.values() for column in columns} | self._shortened
        return [profile for profile in self._profiles.values() if profile.name not in used]

    def _by_name(self, name: str, fits: Any = lambda _: True) -> list[Profile]:
        """Return the unused columns with a name of that field whose values fit, the best name first."""
        known = NAMES[name]
        ranked = [(rank, profile) for profile in self._free() if (rank := known.get(compact(profile.name))) is not None]
        # an empty column with the best name says nothing beside one that holds something
        ranked.sort(key=lambda each: (not each[1].filled, each[0]))
        return [profile for _, profile in ranked if not profile.filled or fits(profile)]

    def _find(self, name: str, fits: Any = lambda _: True) -> None:
        if name in self._found:
            return
        if found := self._by_name(name, fits):
            self._found[name] = (found[0].name,)

    # --- Who says what, in columns of their own -------------------------------------------------------------------

    def _find_sides(self) -> None:
        """Find the texts of both sides where each has a column: `Visitor message` and `Agent message`."""
        if "text" in self._found:
            return
        sides: dict[str, list[str]] = {CUSTOMER: [], AGENT: []}
        for each in self._free():
            words = [compact(word) for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", each.name) if word]
            # one word says who, the other that it is what they said; a name alone says neither
            role = next((role for word in words[:-1] if (role := role_of(word)) in sides), None)
            if role and words[-1] in _SAID and each.share(each.lettered) >= 0.5:
                sides[role].append(each.name)
        if len(sides[CUSTOMER]) == len(sides[AGENT]) == 1:
            self._found["text"], self._found["reply"] = tuple(sides[CUSTOMER]), tuple(sides[AGENT])
            return
        replies = [each for each in self._free() if _is_called_reply(each.name) and each.share(each.lettered) >= 0.5]
        others = [
            each for each in self._free()
            if each not in replies and (each.is_text or compact(each.name) in NAMES["text"]) and each.filled
        ]  # fmt: skip
        if len(replies) == 1 and others:
            self._found["reply"] = (replies[0].name,)

    def _find_reply(self) -> None:
        """Find the column of what the firm answered; not where the text beside it is always the same question."""
        if "reply" in self._found:
            return
        text = self._profiles.get(next(iter(self._found.get("text", ())), ""))
        if text is None or (text.filled > 3 and text.uniqueness < 0.5):
            return
        self._find("reply", lambda profile: profile.share(profile.lettered) >= 0.5 and profile.mean_words >= 2)

    # --- Fields that need a closer look ---------------------------------------------------------------------------

    def _find_id(self) -> None:
        if "id" not in self._found:
            self._pass_over_shortened()
        self._find("id", lambda profile: profile.longest <= 200 and profile.mean_words < 3)
        if "id" in self._found:
            return
        theirs = {*NAMES["customer_id"], *NAMES["conversation"], *NAMES["customer"], *NAMES["author"]}
        alike = [
            each for each in self._free()
            if (name := compact(each.name)).endswith(_IDS_END) and not _NO_ID.search(name) and name not in theirs
            and each.uniqueness >= 0.95 and 0 < each.longest <= 64 and each.mean_words < 2
        ]  # fmt: skip
        if alike:
            self._found["id"] = (alike[0].name,)

    def _pass_over_shortened(self) -> None:
        """Leave out ids that a spreadsheet shortened: `1.23E+15` stands for many."""
        for name in [each.name for each in self._by_name("id") if any(map(_SHORTENED.match, each.distinct))]:
            example = next(value for value in self._profiles[name].distinct if _SHORTENED.match(value))
            self._notes.append(
                f"The column {name!r} is not used as the ID: a spreadsheet shortened its numbers ({example}), so that "
                "different ones look alike. Export the file again without opening it in a spreadsheet."
            )
            self._shortened.add(name)

    def _find_parent(self) -> None:
        """Find the column that names the row which is answered after the id itself: `Post ID` and `Parent Post ID`."""
        own = compact(next(iter(self._found.get("id", ())), ""))
        if not own or "reply_to" in self._found:
            return
        names = {f"{before}{own}" for before in ("parent", "replyto", "inreplyto", "quoted", "antwortauf")}
        if parents := [each for each in self._free() if compact(each.name) in names and each.filled]:
            self._found["reply_to"] = (parents[0].name,)

    def _find_times(self) -> None:
        if "created_at" in self._found:
            return
        written = [
            each for each in self._free() if each.filled and each.share(max(each.moments, _readable(each))) >= 0.5
        ]
        named = [each for each in self._by_name("created_at") if not each.filled or each in written]
        named.sort(key=lambda each: not each.filled)
        if not named:
            dates = [each for each in written if each.share(each.moments) >= 0.9]
            if len(dates) == 1:
                named = dates
            elif begun := [
                each for each in dates if _BEGUN.search(compact(each.name)) and not _LATER.search(compact(each.name))
            ]:
                named = begun
            elif dates:
                names = ", ".join(repr(each.name) for each in dates)
                self._notes.append(
                    f"No time column was recognised by its name; it could be {names}. Choose it with --map "
                    "created_at=..."
                )
        if named:
            self._found["created_at"] = (named[0].name,)

    def _time_of_day(self) -> str:
        """Return the column with the time of day that belongs to a column of days."""
        day = self._profiles.get(next(iter(self._found.get("created_at", ())), ""))
        if day is None or not day.distinct or any(":" in value for value in day.distinct):
            return ""
        clocks = [
            each
            for each in self._free()
            if each.share(each.clocks) >= 0.8
            and (compact(each.name) in _TIME_OF_DAY or each.name.startswith("column "))
        ]
        return clocks[0].name if len(clocks) == 1 else ""

    def _find_role(self) -> None:
        if "role" in self._found:
            return
        fits = [
            each for each in self._by_name("role")
            if each.share(each.roles) >= 0.6
            and (is_flag(each.name) or CUSTOMER in each.sides)
            and len(each.distinct) <= 50
            and not _holds_names(each)
        ]  # fmt: skip
        plain = [each for each in self._by_name("role") if compact(each.name) in _ROLE_ITSELF and each.mean_words < 4]
        by_value = [
            each for each in self._free()
            if each.share(each.roles) >= 0.95
            and len(each.sides) > 1
            and CUSTOMER in each.sides
            and len(each.distinct) <= 12
        ]  # fmt: skip
        if found := fits or plain or by_value:
            self._found["role"] = (found[0].name,)

    def _find_customer(self) -> None:
        if "customer" in self._found:
            return
        columns: list[str] = []
        for name in ("customer_email", "customer_id", "customer"):
            found = self._called_the_customer(name)
            if name == "customer" and (by := self._who_did_it()) and (not found or compact(found[0].name) in _TITLES):
                # beside `Asked by` a `Name` is what the row is called
                if found and "subject" not in self._found:
                    self._found["subject"] = (found[0].name,)
                found = by
            if found and found[0].name not in columns:
                columns.append(found[0].name)
        if not any(compact(each) in NAMES["customer"] for each in columns):
            columns += self._names_in_parts()
        if columns := columns or self._customer_by_value():
            self._found["customer"] = tuple(columns)

    def _called_the_customer(self, name: str) -> list[Profile]:
        """Return the columns with a name of one of the fields of the customer; of messages those of who wrote none."""
        found = [
            each for each in self._by_name(name, _fits_customer) if not _NOT_THE_CUSTOMER.search(compact(each.name))
        ]
        if not self._has_messages:
            return found
        writers = {"customer": NAMES["author"], "customer_id": ("authorid", "senderid", "userid")}.get(name, ())
        return [each for each in found if compact(each.name) not in writers]

    def _who_did_it(self) -> list[Profile]:
        """Return the column of who began it, as a participle with `by` says in several languages: `Asked by`."""
        if self._has_messages:
            return []
        return [
            each for each in self._free()
            if each.filled and _fits_customer(each) and each.share(each.lettered) >= 0.5
            and _BY.fullmatch(each.name.strip())
        ]  # fmt: skip

    def _names_in_parts(self) -> list[str]:
        """Return the columns of first and last names, the first name first, where none has the whole: see `NAME_PARTS`.

        They belong to one person if the same word, or none, stands before both: `RecipientFirstName`. Either may be
        missing, where it is said of whom the other is.
        """
        free = [(each, compact(each.name)) for each in self._free() if _fits_customer(each)]
        free = [(each, name) for each, name in free if not _NOT_THE_CUSTOMER.search(name)]
        parts = [
            [(each.name, name.removesuffix(end)) for each, name in free for end in ends if name.endswith(end)]
            for ends in NAME_PARTS
        ]
        pairs = [[first, last] for first, whose in parts[0] for last, others in parts[1] if whose == others]
        alone = [
            [name] for part in parts for name, whose in part if role_of(whose) == CUSTOMER or whose in _RESPONDENTS
        ]
        return (pairs or alone or [[]])[0]

    def _answers_to(self, question: Profile) -> tuple[str, ...]:
        """Return the column of answers where that of questions has the same few again and again, as some surveys do."""
        if compact(question.name) not in _QUESTIONS or question.filled < 4 or question.uniqueness > 0.5:
            return ()
        return tuple(each.name for each in self._by_name("reply") if each.share(each.lettered) >= 0.3)[:1]

    def _customer_by_value(self) -> list[str]:
        """Return the column that says it in other words, as `Review Consumer Name`, or the only one of addresses."""
        free = [each for each in self._free() if not _NOT_THE_CUSTOMER.search(compact(each.name))]
        called = [each for each in free if each.filled and _fits_customer(each) and _is_called_customer(each.name)]
        if not called and not self._has_messages:  # nothing but the word: `Guest`, `Patient`, `Huésped`
            called = [
                each for each in free
                if each.filled and _fits_customer(each) and each.share(each.lettered) >= 0.5 and not each.is_text
                and ROLES.get(normalise(each.name)) == CUSTOMER  # one: `Members` are the team's
            ]  # fmt: skip
        mails = [each for each in free if each.share(each.emails) >= 0.9]
        return [called[0].name] if called else [mails[0].name] if len(mails) == 1 else []

    def _fits_author(self, profile: Profile) -> bool:
        """Return whether a column names who wrote a row. The agent of a ticket did not write what the customer says."""
        if not self._has_messages and _NOT_THE_CUSTOMER.search(compact(profile.name)):
            return False
        return profile.mean_words < 5 and profile.filled > 0

    @property
    def _has_messages(self) -> bool:
        """Whether a row is a message rather than a conversation: then its author need not be the customer."""
        ids = self._profiles.get(next(iter(self._found.get("id", ())), ""))
        repeats = ids is not None and ids.filled > 1 and ids.uniqueness < 0.95
        return repeats or any(name in self._found for name in ("role", "reply_to", "conversation"))

    def _find_texts(self) -> None:
        self._find("subject", lambda profile: profile.share(profile.lettered) >= 0.5 and profile.longest <= 2000)
        if "subject" not in self._found:
            names = {compact(each): each for each in self._profiles}
            if "name" in names and len(_TRACKER & names.keys()) >= 2:
                self._found["subject"] = (names["name"],)
        if "text" not in self._found:
            self._found["text"] = self._texts()
        if not self._found["text"] and (subject := self._found.pop("subject", ())):
            self._found["text"] = subject
        if not self._found["text"]:
            there = ", ".join(repr(each) for each in self._profiles) or "none"
            raise AmbiguousColumns(
                f"no column was recognised as the text. Columns: {there}. Choose it with --map text=COLUMN"
            )

    def _texts(self) -> tuple[str, ...]:
        """Return the columns of the text: the best by name, all open answers of a survey, or the only one by value."""
        named = self._by_name("text", lambda profile: profile.share(profile.lettered) >= 0.5)
        by_value = [each for each in self._free() if each.is_text and not each.is_question]
        named = [each for each in named if each.filled] or ([] if by_value else named)
        open_answers = [each for each in self._free() if each.is_question and each.is_text]
        if open_answers and not any(each.is_text for each in named):
            return tuple(each.name for each in open_answers)
        if named and (answers := self._answers_to(named[0])):
            return answers
        if named:
            best = named[0]
            wordier = [each for each in named[1:] if best.mean_words < 2 and each.mean_words > 4 * best.mean_words]
            best = wordier[0] if wordier else best
            others = ", ".join(repr(each.name) for each in named if each is not best and each.is_text)
            if others:
                self._notes.append(
                    f"The text is taken from {best.name!r}, not {others}. Change that with --map text=COLUMN "
                    "(can be repeated)."
                )
            return (best.name,)
        texts = sorted((each for each in self._free() if each.is_text), key=lambda each: -each.mean_words)
        # what has the name of another field says something else, however many words that takes
        texts = [each for each in texts if not any(compact(each.name) in NAMES[name] for name in _NO_TEXTS)] or texts
        if len(texts) > 1 and len(called := [each for each in texts if _is_called_text(each.name)]) == 1:
            others = ", ".join(repr(each.name) for each in texts if each is not called[0])
            self._notes.append(
                f"The text is taken from {called[0].name!r}, not {others}. Change that with --map text=COLUMN "
                "(can be repeated)."
            )
            return (called[0].name,)
        if len(texts) > 1 and texts[1].mean_words * 2 > texts[0].mean_words:
            names = ", ".join(repr(each.name) for each in texts)
            raise AmbiguousColumns(
                f"several columns could be the text: {names}. Choose one or more with --map "
                f"text={_quoted(texts[0].name)}"
            )
        return tuple(each.name for each in texts[:1])


_NO_TEXTS: Final = (
    "reply",
    "customer",
    "customer_email",
    "created_at",
    "role",
    "author",
    "label",
    "url",
    "conversation",
)


_TITLES: Final = frozenset("name nom nombre nome naam nazwa namn navn nimi 名前 名称 이름 имя название".split())  # noqa: SIM905
"""Names of columns that hold who wrote, or what a row is called."""

_BY: Final = re.compile(
    r"(?:ask|rais|report|submitt|creat|open|sent|request|writt|post|logg|enter|add)(?:e?n|ed)?[ _]by"
    r"|(?:gefragt|gestellt|gemeldet|erstellt|eingereicht|geschrieben|gesendet|angefragt|eingegangen)[ _]von"
    r"|(?:pos|demand|envoy|signal|cr)ée?[ _]par|(?:écrit|soumis|transmis)e?[ _]par"
    r"|(?:pregunt|envi|cre|solicit|report)ad[oa][ _]por|escrit[oa][ _]por"
    r"|(?:inviat|creat|segnalat|richiest|chiest)[oa][ _]da|scritt[oa][ _]da"
    r"|(?:gevraagd|gemeld|ingediend|gestuurd|aangemaakt|gesteld)[ _]door"
    r"|(?:pergunt|envi|cri|solicit|relat)ad[oa][ _]por|(?:zadane|zgłoszone|wysłane|utworzone)[ _]przez"
    r"|(?:ställd|skickad|skapad|rapporterad)[ _]av",
    re.IGNORECASE,
)
"""What a column is called that says who asked. Who answered, closed or last changed it is somebody else."""

NAME_PARTS: Final = (
    ("firstname", "givenname", "vorname", "prenom", "voornaam", "fornamn", "fornavn", "imie", "primeironome"),
    ("lastname", "surname", "familyname", "nachname", "nomdefamille", "apellido", "apellidos", "cognome", "achternaam",
     "efternamn", "etternavn", "nazwisko", "sobrenome"),
)  # fmt: skip
"""How the names of columns end that hold first names, and last names."""

_RESPONDENTS: Final = frozenset(("recipient", "respondent", "participant"))


def _holds_names(profile: Profile) -> bool:
    """Return whether a column that could say the role or who wrote holds names: `User 1`, `User 2` are nobody's roles.

    Roles are words of their own, or both sides of a talk that come again and again.
    """
    could_be = compact(profile.name) in NAMES["author"] or compact(profile.name) in NAMES["customer"]
    if not could_be or is_flag(profile.name) or profile.share(profile.role_words) >= 0.5:
        return False
    comes_again = profile.filled < 4 or profile.uniqueness <= 0.8
    return len(profile.sides) < 2 or not comes_again


_OUR: Final = frozenset(
    "our unsere unser notre nos nuestra nuestro nostra nostro onze ons nossa nosso nasza nasze vår наш bizim".split()  # noqa: SIM905
)
"""Words before what the firm said: `Our reply`."""


def _words_of(name: str) -> list[str]:
    """Return the words of a name, as names are compared: of `Customer name`, `customer_name` or `customerName`."""
    return [compact(word) for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if word]


def _is_called_reply(name: str) -> bool:
    """Return whether a column is called what the firm answered: `Our message`, `Staff answer`, `Notre réponse`."""
    words = _words_of(name)
    if not 2 <= len(words) <= 3:
        return False
    what = words[-1]
    return (words[0] in _OUR and (what in NAMES["reply"] or what in _SAID)) or (
        what in NAMES["reply"] and role_of(" ".join(words[:-1])) == AGENT
    )


def _is_called_text(name: str) -> bool:
    """Return whether the name of a column has a word for a text in it: `Customer's problem description`, `问题描述`."""
    if _NOT_THE_CUSTOMER.search(compact(name)):
        return False
    words = _words_of(name)
    dense = compact(name)
    return any(word in NAMES["text"] for word in words) or any(
        word in dense for word in NAMES["text"] if _DENSE.match(word) and len(word) > 1
    )


_QUESTIONS: Final = frozenset(
    map(
        compact,
        (
            "question",
            "questiontext",
            "frage",
            "pregunta",
            "domanda",
            "質問",
            "问题",
            "질문",
            "вопрос",
            "pytanie",
            "soru",
            "vraag",
        ),
    )
)


def _readable(profile: Profile) -> int:
    """Return how many of the values can be read as times, where the name says that they are."""
    if compact(profile.name) not in NAMES["created_at"]:
        return 0
    readable = sum(times.is_time(value) for value in profile.distinct)
    return round(readable / len(profile.distinct) * profile.filled) if profile.distinct else 0


def _is_called_customer(name: str) -> bool:
    words = _words_of(name)
    says_how = [
        word for word in words if word in ("name", "email", "mail", "username", "handle", "nickname", "id", "nom")
    ]
    return len(says_how) == 1 and any(role_of(word) == CUSTOMER for word in words if word not in says_how)


def _fits_customer(profile: Profile) -> bool:
    return profile.mean_words < 6 and profile.share(profile.moments) < 0.5 and profile.share(profile.urls) < 0.5


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"[^\w.]", name) else name
