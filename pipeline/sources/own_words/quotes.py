# ruff: noqa: E501 (letters of other scripts count as two columns)
"""What a message repeats of earlier ones: quoted replies, forwarded mail, the headers of mail in a text.

A line of `>` alone proves nothing: customers quote an error that way. It counts as a reply together with the line
that says who wrote it, or with marks of a second level, or when an earlier message of the thread holds its lines.
"""

import re
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field

from pipeline.sources.own_words.spans import FORM, QUOTED, Line, Span, over

MAX_ATTRIBUTION = 350
"""Characters of "On ... wrote:", over at most three lines."""

ENOUGH_WORDS = 5
"""A forwarded mail is read with what stands above it, unless that has this many words of its own."""

# --- Who wrote what is quoted -------------------------------------------------------------------------------------

_DATE = re.compile(
    r"\b(?:19|20|25)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|(?:19|20)\d\d\s?[年년/.-]|\d{1,2}\s?月\s?\d{1,2}\s?日"
)
_TIME = re.compile(r"\b\d{1,2}(?:[:.h：]|\s?h\s?)\d{2}\b|\d{1,2}[時点时]|\d{1,2}\s?(?:am|pm|uhr)\b", re.IGNORECASE)
_DAY = re.compile(
    r"\b(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mi[ée]|jue|vie|s[áa]b|dom|gio"
    r"|ma|"
    r"wo|vr|za|zo|seg|ter|qua|qui|sex)\w{0,8}\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>@,;:\[\]()]{1,64}@[^\s<>@,;:\[\]()]{3,100}")
_VERB = re.compile(
    r"\b(?:wrote|writes|schrieb|schreibt|geschrieben|a\s[ée]crit|[ée]crivait|escribi[óo]|escribe|ha\sscritto|scrisse|"
    r"scrive|schreef|geschreven|escreveu|escreve|написал\w?|пишет|написав|napisał\w*|pisze|skrev|skriver|kirjoitti"
    r"|yazdı|"
    r"napsal\w*|írta|a\sscris|je\snapisal\w*|έγραψε)\b"
    r"|のメール|が?書きました|さんは書|写道|寫道|写信|来信|כתבה?(?:/ה)?\b|\bמאת\b|كتب|작성|wrote$",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(
    r"(?-i:\bI\b)|\b(?:ich|j['’](?:ai|écri\w*)|yo|escribí|he\sescrito|ho\sscritto|scrivevo|ik|escrevi|we\swrote|wir"
    r"|nous|wij)\b"
    r"|私|我|僕|כתבתי|כתבנו",
    re.IGNORECASE,
)
_SECOND_PERSON = re.compile(
    r"\b(?:you|your|du|ihr|ihre?|sie|vous|votre|tu|usted|ustedes|lei|voi|jij|jullie|uw|você|vocês)\b|您|你|御社|貴社",
    re.IGNORECASE,
)
_ENDS_LIKE_ONE = re.compile(r"[:：︰]\s{0,3}[*_]{0,2}$")


def attribution_strength(text: str) -> int:
    """Return how surely a text says who wrote the lines after it: 0 not, 1 if marks `>` follow, 2 without them too.

    It ends in a colon, and names a date or time together with an address or a word for writing, in any order. A first
    person ("On Monday I wrote:") is the customer's own telling, and so may a second person be ("your agent wrote:").
    """
    if len(text) > MAX_ATTRIBUTION or not _ENDS_LIKE_ONE.search(text):
        return 0
    told = _ADDRESS.sub(" ", text)
    if _FIRST_PERSON.search(told):
        return 0
    strength = _strength(text)
    return min(strength, 1) if strength and _SECOND_PERSON.search(told) else strength


def _strength(text: str) -> int:
    has_date, has_time = bool(_DATE.search(text)), bool(_TIME.search(text))
    has_address, has_verb = "@" in text and bool(_ADDRESS.search(text)), bool(_VERB.search(text))
    if has_address and has_verb:
        return 2
    if has_address and (has_date or has_time):
        return 2 if text.rstrip(":：*_ ").endswith((">", "]", ")")) else 1
    if has_verb and has_date and (has_time or _names_somebody(text)):
        return 2
    return int(has_verb and (has_date or has_time or bool(_DAY.search(text))))


def _names_somebody(text: str) -> bool:
    """Return whether the word before the verb begins with a capital."""
    before = text[: found.start()] if (found := _VERB.search(text)) else text
    last = before.rstrip(" ,")[-40:].rpartition(" ")[2]
    return last[:1].isupper() and not last[-1:].isdigit()


# --- Headers of mail that stand in a text -------------------------------------------------------------------------

FROM_LINE = re.compile(
    r"[*_]{0,2}(?:from|von|de|da|van|fra|från|od|kimden|от|差出人|送信者|发件人|寄件者|寄件人|מאת"
    r"|보낸\s사람)[*_]{0,2}\s{0,2}[:：]",
    re.IGNORECASE,
)
HEADER_LINE = re.compile(
    r"[*_]{0,2}(?P<name>sent|date|to|cc|bcc|subject|reply-to|importance|attachments?|message-id|gesendet|datum|an"
    r"|kopie|"
    r"betreff|envoyé|à|objet|pièces jointes|enviado(?:\sel)?|enviada(?:\sem)?|fecha|para|asunto|assunto|data|inviato|a|"
    r"oggetto|verzonden|aan|onderwerp|sendt|til|emne|skickat|till|ämne|wysłano|do|temat|отправлено|дата|кому|тема"
    r"|送信日時|"
    r"日時|日付|宛先|件名|发送时间|發送時間|日期|时间|收件人|抄送|主题|主題|主旨|נשלח|תאריך|אל"
    r"|נושא)[*_]{0,2}\s{0,2}[:：]",
    re.IGNORECASE,
)
SUBJECTS = frozenset(
    [
        "subject",
        "betreff",
        "objet",
        "asunto",
        "assunto",
        "oggetto",
        "onderwerp",
        "emne",
        "ämne",
        "temat",
        "тема",
        "件名",
        "主题",
        "主題",
        "主旨",
        "נושא",
    ]
)
_ORIGINAL = re.compile(
    r"[-_=*\s]{2,40}(?:original\s?message|ursprüngliche\s?nachricht|originalnachricht|message\sd['’]origine|"
    r"message\soriginal|mensaje\soriginal|messaggio\soriginale|oorspronkelijk\sbericht|mensagem\soriginal|original"
    r"meddelelse|originalmeddelande|исходное\sсообщение|(?:oryginalna\swiadomość|wiadomość\soryginalna)|původní\szpráva|원본\s메[시세]지|orijinal\s(?:ileti|mesaj)|元のメッセージ|原始邮件|原始郵件|הודעה\sמקורית)[-_=*\s]{0,40}$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-_=*\s]{0,40}(?:forwarded\smessage|begin\sforwarded\smessage:?|weitergeleitete\snachricht|anfang\sder\s"
    r"weitergeleiteten\snachricht:?|message\s(?:transféré|transmis)|début\sdu\smessage\s(?:réexpédié|transféré)\s?:?|"
    r"mensaje\sreenviado|inicio\sdel\smensaje\sreenviado:?|messaggio\s(?:inoltrato|rinviato)"
    r"|inizio\smessaggio\sinoltrato:?|"
    r"doorgestuurd\sbericht|begin\sdoorgestuurd\sbericht:?|mensagem\sencaminhada|início\sda\smensagem\sreencaminhada:?|"
    r"転送(?:された)?メッセージ:?|wiadomość przekazana(?: dalej)?|przekazana wiadomość|пересылаемое (?:сообщение|письмо)|пересланное (?:сообщение"
    r"|письмо)|переслане повідомлення|přeposlaná zpráva|vidarebefordrat meddelande|videresendt (?:meddelelse|melding)"
    r"|전달된 메[시세]지|转发的?(?:邮件|消息)|轉寄郵件|הודעה\sשהועברה)[-_=*\s]{0,40}$",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_-]{10,}$")
HEADER_LINES = 8


@dataclass(frozen=True, slots=True)
class _Beginning:
    """Lines first..last-1 that begin the text of a mail: its headers, with the line above them."""

    last: int
    is_forwarded: bool


def _mail_beginning(lines: Sequence[Line], first: int) -> _Beginning | None:
    line = lines[first].text
    is_original, is_forwarded = bool(_ORIGINAL.match(line)), bool(_FORWARDED.match(line))
    place = first
    if is_original or is_forwarded or _RULE.match(line):
        place = _next_written(lines, first + 1, within=3)
    # Outlook draws a line above the headers; then the sender's address and one more header are no accident
    is_ruled = first < place < len(lines) and not is_forwarded and "@" in lines[place].text
    last = _headers_end(lines, place, fewest=1 if is_ruled else 2)
    if last is None and (is_original or (is_forwarded and line[:1] in "-_=*")):
        last = first + 1
    return _Beginning(last, is_forwarded) if last is not None else None


def _headers_end(lines: Sequence[Line], first: int, fewest: int = 2) -> int | None:
    """Return the place after the headers that begin there: From and `fewest` more, in any order.

    A contact form has less than two.
    """
    last, names, has_sender = first, set[str](), False
    for place in range(first, min(first + HEADER_LINES, len(lines))):
        line = lines[place].text
        if FROM_LINE.match(line):
            has_sender = True
        elif found := HEADER_LINE.match(line):
            names.add(found["name"].lower())
        elif not names or not line or not _ADDRESS.search(line):  # more addresses of a header before it
            break
        last = place + 1
    return last if has_sender and len(names) >= fewest else None


def _next_written(lines: Sequence[Line], place: int, within: int = 3) -> int:
    """Return the place of the next line that is not empty; `place` itself if there is none within so many."""
    return next((each for each in range(place, min(place + within, len(lines))) if lines[each].text), place)


# --- The spans ----------------------------------------------------------------------------------------------------

_FLAT = re.compile(
    r"(?:\b(?:wrote|schrieb|a [ée]crit ?|escribió|ha scritto|schreef|escreveu)|写道|כתב)[^:：\n]{0,80}[:：]",
    re.IGNORECASE,
)
_FLAT_STARTS = ("On ", "Am ", "Le ", "El ", "Il ", "Op ", "Em ", "在", "于", "ב-", "בתאריך")


_SAYS_WHO = re.compile(
    r"(?!.{0,60}\b(?:I|we|ich|wir|je|nous|yo|nosotros|io|noi|ik|wij|eu|nós|jag|vi)\b)[^\s>].{0,60}"
    r"\b(?:wrote|schrieb|schreibt|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał(?:\(a\))?|"
    r"kirjoitti|написал)\s?:$",
    re.IGNORECASE,
)
"""`Lee wrote:`, without a time: it says whose the lines with `>` right below are, and nothing by itself."""


CLUES = {"verb of writing": _VERB, "sender": FROM_LINE, "original mail": _ORIGINAL, "forwarded mail": _FORWARDED}
"""What `glance` looks for."""


def are_possible(text: str, clues: Set[str]) -> bool:
    """Whether a text with these clues and no others can quote: it takes marks, or a sender's name, address or verb."""
    return ">" in text or "@" in text or not clues.isdisjoint(CLUES)


def quoted_spans(text: str, lines: Sequence[Line], earlier: Collection[str] = ()) -> list[Span]:
    """Return the spans of a text that are quoted from other mail; `earlier` are the lines of the thread so far."""
    search = _Search(text, lines, earlier)
    while search.place < len(lines):
        search.step()
    return search.spans


@dataclass(slots=True)
class _Search:
    """Goes down the lines; `words` counts those of the writer's own so far."""

    text: str
    lines: Sequence[Line]
    earlier: Collection[str]
    spans: list[Span] = field(default_factory=list)
    place: int = 0
    words: int = 0
    answers: bool = False
    """Whether lines with `>` were said to be somebody's: then so are those further down, between which one answers."""

    def step(self) -> None:
        """Judge the line at `place`, with those that belong to it, and move on."""
        line = self.lines[self.place]
        if not line.text and not line.depth:
            self.place += 1
        elif line.depth:
            self._block()
        elif found := _attributed(self.lines, self.place):
            self._attributed(*found)
        elif _SAYS_WHO.match(line.text) and self._is_above_a_block():
            self.answers = True
            self._is_quoted(_block_end(self.lines, self.place + 1))
        elif beginning := _mail_beginning(self.lines, self.place):
            self._mail(beginning)
        elif (start := _flat_attribution(self.text, line, self.words)) is not None:
            self._rest_is_quoted(start)
        else:
            self._is_own(self.place + 1)

    def _block(self) -> None:
        """Lines with `>`, and no line above that says whose they are."""
        end = _block_end(self.lines, self.place)
        if self.answers or _is_reply(self.lines[self.place : end], self.earlier):
            self._is_quoted(end)
        else:
            self._is_own(end)

    def _attributed(self, end: int, strength: int) -> None:
        """A line that says who wrote what follows: lines with `>`, or all the rest below something of one's own."""
        following = _next_written(self.lines, end)
        if following < len(self.lines) and self.lines[following].depth:
            self.answers = True
            self._is_quoted(_block_end(self.lines, following))
        # something of the writer's own stands above: what follows is the mail that they answer
        elif strength == 2 and self.words:
            self._rest_is_quoted(self.lines[self.place].start)
        # nothing of their own yet: only the line is left out, for below it is all there is to read
        elif strength == 2:
            self._is_quoted(end)
        else:
            self._is_own(self.place + 1)

    def _is_above_a_block(self) -> bool:
        following = self.place + 1
        return following < len(self.lines) and bool(self.lines[following].depth)

    def _mail(self, beginning: _Beginning) -> None:
        """The headers of a mail: it is quoted if enough stands above it, else it is what there is to read."""
        if self.words >= (ENOUGH_WORDS if beginning.is_forwarded else 1):
            self._rest_is_quoted(self.lines[self.place].start)
        else:
            self.spans += _headers(self.text, self.lines[self.place : beginning.last])
            self.place = beginning.last

    def _is_quoted(self, end: int) -> None:
        self.spans.append(over(self.lines[self.place], self.lines[end - 1], QUOTED))
        self.place = end

    def _is_own(self, end: int) -> None:
        self.words += sum(len(line.text.split()) for line in self.lines[self.place : end])
        self.place = end

    def _rest_is_quoted(self, start: int) -> None:
        self.spans.append((start, len(self.text), QUOTED))
        self.place = len(self.lines)


def _block_end(lines: Sequence[Line], place: int) -> int:
    """Return the place after a block of lines with `>`; empty lines inside belong to it."""
    end = place
    while place < len(lines) and (lines[place].depth or not lines[place].text):
        if lines[place].depth:
            end = place + 1
        place += 1
    return end


def _is_reply(block: Sequence[Line], earlier: Collection[str]) -> bool:
    """Return whether lines with `>`, and no line that says whose they are, are quoted from a mail all the same."""
    written = [line.text for line in block if line.text]
    if len({line.depth for line in block}) > 1 and any(_attributed(block, place) for place in range(len(block))):
        return True
    # the head of a message that is answered, as Signal's keepers quote it
    if len(written) > 1 and FROM_LINE.match(written[0]) and HEADER_LINE.match(written[1]):
        return True
    # half of the lines, for programs wrap and shorten what they quote
    known = sum(text in earlier for text in written)
    return bool(written) and 2 * known >= len(written)


def _attributed(lines: Sequence[Line], place: int) -> tuple[int, int] | None:
    """Return the place after the attribution that begins there, and its strength; it may be broken over three lines."""
    line = lines[place]
    if line.is_cut:
        return None
    if strength := attribution_strength(line.text):
        return place + 1, strength
    if not _begins_attribution(line.text):
        return None
    joined = line.text
    for end in range(place + 1, min(place + 3, len(lines))):
        following = lines[end]
        if not following.text or following.depth != line.depth or following.is_cut:
            return None
        joined = f"{joined} {following.text}"
        if strength := attribution_strength(joined):
            is_alone = attribution_strength(following.text) and not following.text.startswith("<")
            return None if is_alone else (end + 1, strength)
    return None


def _begins_attribution(text: str) -> bool:
    return not text.endswith((".", "!", "?", ":", "。")) and bool(
        _DATE.search(text) or _TIME.search(text) or ("@" in text and _ADDRESS.search(text))
    )


def _headers(text: str, lines: Sequence[Line]) -> list[Span]:
    """Return the spans of mail headers that are read with their mail: of the subject only its label."""
    spans = []
    for line in lines:
        found = HEADER_LINE.search(text, line.start, line.end)
        if found and found["name"].lower() in SUBJECTS and not line.depth:
            spans.append((line.start, found.end(), FORM))
        elif line.text:
            spans.append(over(line, line, QUOTED))
    return spans


def _flat_attribution(text: str, line: Line, words: int) -> int | None:
    """Return where "On ... wrote:" begins inside a line: the line breaks of such a mail were lost on its way."""
    for found in _FLAT.finditer(text, line.start, min(line.end, line.start + 20_000)):
        window = max(line.start, found.start() - MAX_ATTRIBUTION // 2)
        before = text[window : found.end()]
        starts = [at for start in _FLAT_STARTS if (at := before.rfind(start, 0, found.start() - window)) >= 0]
        for at in sorted(starts, reverse=True):
            is_word = at == 0 or not before[at - 1].isalnum()
            said_before = words or text[line.start : window + at].strip()
            if is_word and said_before and "@" in before[at:] and attribution_strength(before[at:]) == 2:
                return window + at
    return None
