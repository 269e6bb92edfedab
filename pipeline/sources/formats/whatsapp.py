"""WhatsApp chats as the telephone exports them: `_chat.txt` of iOS, the text file of Android, each also in a zip.

The two write a message alike: `[12.05.26, 09:15:00] Cara: text` and `12/05/2026, 09:15 - Cara: text`; KakaoTalk does so
below a head. What language the telephone speaks shows in how it writes a time and in the lines of the chat itself.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from pipeline.sources.formats.base import Head, Options, Recognised, Stream
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.encodings import UnknownEncoding
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import Reject
from pipeline.sources.understanding.chats import DIRECT_PAUSE, GROUP_PAUSE, ChatMessage, cut, say_cut
from pipeline.sources.understanding.deleted import is_deleted
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.moments import DayOrder
from pipeline.sources.understanding.threads import record_of
from pipeline.sources.understanding.times import TimeColumn, TimeReader

LINE_LENGTH = 300
"""Characters of a line in which its beginning is looked for."""

MESSAGE_LENGTH = 100_000
"""Characters of a message that are kept: a longer one is a pasted file."""

DATE = r"\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}(?:\.| г\.)?|\d{4}[年년] ?\d{1,2}[月월] ?\d{1,2}[日일]"
_HALF = r"[AaPp]\.? ?[Mm]\.?|午前|午後|上午|下午|凌晨|早上|中午|晚上|오전|오후|πμ|μμ|vorm\.|nachm\.|ص|م|ق\.ظ\.?|ب\.ظ\.?"
_BETWEEN = r"(?:[,،]? | à | a las | klo | kl\. ?)"
TIME = rf"(?:(?:{_HALF}) ?)?\d{{1,2}}[:.]\d{{2}}(?:[:.]\d{{2}})?(?: ?(?:{_HALF}))?"
_MESSAGE = re.compile(
    rf"(?:\[(?P<ios>(?:{DATE}){_BETWEEN}{TIME})\] ?|(?P<android>(?:{DATE}){_BETWEEN}{TIME})(?: [-–] |, ))"
    r"(?P<rest>.*)$"
)
_AUTHOR = re.compile(r"([^:：\"“”„«»]{1,60}?) ?[:：] ")
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")

_BY_THE_CHAT = re.compile(
    r"end-to-end encrypted|ende-zu-ende-verschlüsselt|chiffrés de bout en bout|cifrad[oa]s? de extremo a extremo|"
    r"crittografat\w+ end-to-end|end-to-end versleuteld|protegidas com a criptografia|エンドツーエンド|端到端加密"
    r"|מוצפנ\w* מקצה לקצה|"
    r"security code (?:with .* )?changed|sicherheitsnummer .* geändert|business account|unternehmensaccount|"
    r"(?:created|changed) (?:the |this )?group|(?:created|changed) the subject|group's icon"
    r"|changed the group description|"
    r"joined using (?:this group's|an) invite link|hat die gruppe .* erstellt|hat den betreff|changed (?:to"
    r"|their phone number)|"
    r"this chat is with|you're now an admin|blocked this contact|unblocked this contact|turned (?:on|off) disappearing|"
    r"missed (?:voice|video) call|verpasster (?:sprach|video)anruf|appel (?:vocal|vidéo) manqué|llamada perdida"
    r"|chiamata persa|"
    r"gemiste (?:spraak|video)oproep|chamada de (?:voz|vídeo) perdida|不在着信|未接(?:语音|视频)通话",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(
    r"<?(?:media omitted|(?:image|video|audio|sticker|gif|document|contact card|voice message) omitted|"
    r"medien ausgeschlossen|(?:bild|video|audio|sticker|gif|dokument) weggelassen|médias? omis|(?:image|vidéo|audio"
    r"|sticker) absente?|"
    r"multimedia omitido|archivo omitido|(?:imagen|vídeo|audio|sticker) omitid[oa]|media omessi?|(?:immagine|video"
    r"|audio|sticker) omess[oa]|"
    r"media weggelaten|(?:afbeelding|video|audio|sticker) weggelaten|m[ií]dia (?:oculta|omitida)"
    r"|arquivo de mídia oculto|"
    r"(?:imagem|vídeo|áudio|figurinha) ocult[oa]|メディアは含まれていません|画像は含まれません|(?:省略多媒体文件"
    r"|媒体文件已忽略|图像已忽略)|"
    r"המדיה לא נכללה|ההודעה הושמטה)>?$|<?(?:attached|anhang|pièce jointe|adjunto|allegato|bijgevoegd"
    r"|anexado)\s?: .{1,200}>?$|"
    r".{1,200}\((?:file attached|datei angehängt|fichier joint|archivo adjunto|file allegato|bestand bijgevoegd"
    r"|arquivo anexado|ファイル添付|附件|文件附件)\)$|"
    r"null$",
    re.IGNORECASE,
)
_EDITED = re.compile(
    r"\s?<(?:this message was edited|diese nachricht wurde bearbeitet|ce message a été modifié"
    r"|se editó este mensaje)>$",
    re.I,
)
_DATE_PARTS = re.compile(r"(\d{1,4})([./-]) ?(\d{1,2})[./-] ?(\d{1,4})")


@dataclass(frozen=True, slots=True)
class _Line:
    """The beginning of a message: when, who (empty: the chat itself), and what."""

    when: str
    author: str
    text: str


class WhatsAppChat:
    """A chat of one or many people, one to a file."""

    name = "WhatsApp chat"

    def sniff(self, head: Head) -> float:
        lines = [line for line in head.text[:20_000].splitlines()[:60] if line.strip()]
        found = [each for line in lines if (each := _begins(line))]
        if not any(each.author for each in found):
            return 0.0
        if _begins(lines[0]):
            return 0.97
        # a head of some lines, as KakaoTalk writes it
        has_head = any(map(_begins, lines[1:5])) and len(found) > 1 and 2 * len(found) >= len(lines) - 4
        return 0.9 if has_head else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(text="message", author="name", times="at the start of each message")
        counts = Counter[str]()
        for part in stream.parts:
            yield from conversations(part, partial(text_lines, part, options), stream.summary, options, counts)
        say_cut(stream.summary, counts["messages"], counts["conversations"], options.pause, counts["skipped"])


def conversations(
    part: Part, lines: Callable[[], Iterable[str]], summary: Recognised, options: Options, counts: Counter[str]
) -> Rows:
    """Yield the conversations of one chat; `lines()` opens it, and may raise what reading a damaged file does.

    How its times are written is known only when all of it has been seen.
    """
    dates, authors = _Dates(), set[str]()
    # on disk: a chat of years does not fit into memory, and its dates can be read only at its end
    with Gathered() as gathered:
        number = 0
        try:
            for number, line in enumerate(_messages(lines()), start=1):
                if not line.author or not line.text:
                    counts["skipped"] += 1
                    continue
                counts["messages"] += 1
                dates.see(line.when)
                authors.add(line.author)
                gathered.add("", {**asdict(line), "number": number})
        except (*DAMAGE, OSError, UnknownEncoding) as error:
            yield Reject(number + 1, f"the rest of the chat cannot be read: {error}", unit="message", part=part.name)
        reader = dates.reader(options)
        if str(reader):
            summary.note(f"Dates are read with the {reader}; use --date-format if that is wrong.")
        pause = options.pause or (DIRECT_PAUSE if len(authors) <= 2 else GROUP_PAUSE)
        messages = (_chat_message(thing, reader, part) for thing in gathered.in_order(""))
        for thread in cut(messages, chat=_chat_name(part), pause=pause):
            counts["conversations"] += 1
            yield record_of(thread)


def _chat_message(thing: Mapping[str, Any], reader: TimeReader, part: Part) -> ChatMessage:
    """Return a kept message; its id is made of what it says, so that a longer export of the chat has it again."""
    said = f"{thing['when']} {thing['author']} {thing['text']}"
    key = hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]
    at = reader.read(thing["when"])
    return ChatMessage(key, thing["author"], thing["text"], at, line=thing["number"], part=part.name)


def _chat_name(part: Part) -> str:
    """Return what to call a chat: its file's name, or that of the zip that holds the file `_chat.txt` of iOS."""
    name = part.basename.removesuffix(".txt")
    return (part.folder.rpartition("/")[2].removesuffix(".zip") if name == "_chat" else name)[:100] or "chat"


# --- Lines --------------------------------------------------------------------------------------------------------


def _begins(line: str) -> _Line | None:
    """Return what a line begins, or None if it goes on with the message before."""
    seen = _SPACES.sub(" ", _UNSEEN.sub("", line[:LINE_LENGTH]))
    found = _MESSAGE.match(seen)
    if found is None:
        return None
    rest = found["rest"]
    whole = rest if len(line) <= LINE_LENGTH else rest + line[LINE_LENGTH:]
    author = _AUTHOR.match(f"{rest} ")
    when = _as_read(found["ios"] or found["android"])
    if author is None or _BY_THE_CHAT.search(rest):
        return _Line(when, "", whole)
    return _Line(when, author[1].lstrip("~ ").strip(), _text(whole[author.end() :]))


def _as_read(when: str) -> str:
    """Return a moment as it can be read in any language: `2.3.2026 8.10.05` for `2.3.2026 klo 8.10.05`."""
    when = _TO_TIME.sub(" ", when).replace(" г.", "")
    if when.isascii():
        return when
    digits = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in when)
    return _HALVES.sub(lambda found: " AM" if found[1][0] in "صق" else " PM", digits)


_TO_TIME = re.compile(rf"{_BETWEEN}(?={TIME}$)")
_HALVES = re.compile(r" ?(ص|م|ق\.ظ\.?|ب\.ظ\.?)$")


_ONLY_A_TIME = re.compile(rf"(?:{DATE}){_BETWEEN}{TIME}$")


def _messages(lines: Iterable[str]) -> Iterator[_Line]:
    """Yield the messages, each with the lines that belong to it; what stands before the first one is nobody's."""
    current: _Line | None = None
    more: list[str] = []
    size = 0
    for line in lines:
        begun = _begins(line)
        if begun is None and _ONLY_A_TIME.match(line.strip()[:LINE_LENGTH]):
            continue  # a new day, as KakaoTalk sets it apart
        if begun is None:
            size += len(line)
            if size <= MESSAGE_LENGTH:
                more.append(_UNSEEN.sub("", line))
            continue
        if current:
            yield _joined(current, more)
        current, more, size = begun, [], 0
    if current:
        yield _joined(current, more)


def _joined(line: _Line, more: list[str]) -> _Line:
    """Return a message with its further lines; a picture's line is nobody's, the words below it are."""
    text = "\n".join([line.text, *more]).strip()
    return replace(line, text=_EDITED.sub("", text[:MESSAGE_LENGTH]))


def _text(text: str) -> str:
    """Return what somebody wrote in a line; nothing where the chat says that something was sent or deleted."""
    return "" if _NO_TEXT.match(text.strip()[:LINE_LENGTH]) or is_deleted(text) else text


# --- Dates --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Dates:
    """What all dates of a chat show: numbers above 12, how they are written, and that a chat goes forward in time."""

    column: TimeColumn = field(default_factory=TimeColumn)
    separators: set[str] = field(default_factory=set)
    looks_american: bool = True  # 5/12/26, 9:15 PM: no zero in front, two digits of the year, capital letters
    last: dict[DayOrder, tuple[int, int, int]] = field(default_factory=dict)
    steps_back: Counter[DayOrder] = field(default_factory=Counter)

    def see(self, when: str) -> None:
        self.column.see(when)
        found = _DATE_PARTS.match(when)
        if not found or len(found[1]) == 4:
            return
        first, separator, second, year = found.groups()
        self.separators.add(separator)
        is_padded = first.startswith("0") or second.startswith("0")
        self.looks_american &= not is_padded and len(year) == 2 and when.endswith("M")
        days = {
            DayOrder.DAY_FIRST: (int(year), int(second), int(first)),
            DayOrder.MONTH_FIRST: (int(year), int(first), int(second)),
        }
        for order, day in days.items():
            self.steps_back[order] += day < self.last.get(order, day)
            self.last[order] = day

    def reader(self, options: Options) -> TimeReader:
        """Return what reads the times: as a person said, else as the dates show, else as telephones write them."""
        reader = self.column.reader(options.date_format)
        if options.date_format:
            return reader
        orders = dict(reader.day_orders)
        for separator in self.separators:
            if orders.get(separator, DayOrder.OPEN) is DayOrder.OPEN:
                orders[separator] = self._order()
        return replace(reader, day_orders=orders)

    def _order(self) -> DayOrder:
        by_days, by_months = self.steps_back[DayOrder.DAY_FIRST], self.steps_back[DayOrder.MONTH_FIRST]
        if by_days != by_months:
            return DayOrder.DAY_FIRST if by_days < by_months else DayOrder.MONTH_FIRST
        return DayOrder.MONTH_FIRST if self.looks_american else DayOrder.DAY_FIRST
