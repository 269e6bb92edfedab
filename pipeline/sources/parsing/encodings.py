# ruff: noqa: RUF001 (letters of other scripts are meant)
"""In which encoding a file is: the whole file in one, or not at all, and what was chosen is said.

In this order: what a person says (`--encoding`), a byte order mark, UTF-16 by its zero bytes, UTF-8 if the bytes are
valid, then what reads best. For the last, the parts of the file with other than ASCII letters are read in each
candidate, and judged by how usual the letters are in the languages that are written so. charset-normalizer is asked
where that leaves two nearly equal: alone it reads French as Latin-6 and Shift-JIS as Korean, when the text is short.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

from pipeline.sources.parsing import twice_encoded

SAMPLE_BYTES: Final = 48 * 1024
"""What is kept of a file to judge its letters by: at most this, from its beginning and from places all over it."""

PIECE: Final = 1 << 16


class UnknownEncoding(ValueError):
    """The file cannot be read as text; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of a file become text. `sample` is a place with unusual letters, for a person to check."""

    codec: str
    why: str
    mark: int = 0
    """Bytes of the byte order mark, which are no text."""
    sample: str = ""
    damaged: int = 0
    """Bytes of a UTF-8 file that are not UTF-8; they are surrogates in the text, so that their rows can be rejected."""

    @property
    def name(self) -> str:
        """The encoding's usual name."""
        return _NAMES.get(self.codec, self.codec.upper().replace("_", "-"))

    def __str__(self) -> str:
        """Return what is printed: `Windows-1252 (by its letters, German: Größe der Tür)`."""
        why = ": ".join(part for part in (self.why, self.sample) if part)
        damage = f", {self.damaged:,} bytes are damaged" if self.damaged else ""
        return self.name + (f" ({why})" if why else "") + damage


_NAMES: Final = {
    "utf-8": "UTF-8", twice_encoded.CODEC: "UTF-8 encoded twice",
    "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32",
    "cp932": "Shift-JIS", "cp949": "EUC-KR", "cp950": "Big5", "mac_roman": "Mac Roman", "cp874": "Windows-874",
    **{f"cp{number}": f"Windows-{number}" for number in range(1250, 1259)},
}  # fmt: skip

MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins the same
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def choose(
    pieces: Callable[[], Iterable[bytes]], given: str = "", declared: str = "", *, may_be_mixed: bool = True
) -> Encoding:
    """Return the encoding of all the bytes that `pieces()` yields; it is called once for each look at the file.

    `given` is a person's word: that encoding or an error. `declared` is what a header says; it counts if it fits.
    Unless it `may_be_mixed`, a file in which letters of UTF-8 are more than chance is of no other encoding.
    UnknownEncoding if the bytes are not all text in one encoding, or which one cannot be told.
    """
    if given:
        return _given(pieces, given)
    if found := _by_marks(pieces) or (declared and _declared(pieces, declared)):
        return _encoded_twice(pieces, found) or found
    look = _look(pieces())
    if look.has_escapes and not look.bad and (found := _strict(pieces, "iso2022_jp", "by its escape sequences")):
        return found
    # mostly valid: UTF-8 with damage, whose rows are rejected one by one
    if look.bad <= look.good // 2:
        found = Encoding("utf-8", "", damaged=look.bad)
        return (_encoded_twice(pieces, found) if look.good else None) or found
    # a few letters of another encoding look like UTF-8 by chance; many are a file of two parts, which reads badly
    is_mixed = look.good > look.bad // 10
    is_tried = may_be_mixed or look.bad > 3 * look.good
    # In the Far Eastern sets pairs of bytes look like UTF-8 by chance, and a text of two parts is none of theirs.
    needed = (VERY_GOOD if is_mixed else GOOD_ENOUGH, GOOD_ENOUGH if look.bad >= 2 * look.good else VERY_GOOD)
    if is_tried and (found := _by_letters(pieces, look.sample, *needed)):
        return found
    if is_mixed:
        raise UnknownEncoding(
            f"part of it is UTF-8 ({look.good:,} letters) and part is not ({look.bad:,} bytes); save it in one "
            "encoding, or choose one with --encoding"
        )
    if _is_no_text(look.sample):
        raise UnknownEncoding("it is neither text nor a file of a format that is known")
    raise UnknownEncoding("it is not UTF-8 and its encoding could not be detected; choose it with --encoding")


_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1b"))


def _is_no_text(sample: bytes) -> bool:
    """Return whether one in twenty bytes or more is a control character, which no text in any encoding of bytes has."""
    return bool(sample) and 20 * (len(sample) - len(sample.translate(None, _CONTROLS))) >= len(sample)


def decoded(pieces: Iterable[bytes], encoding: Encoding) -> Iterator[str]:
    """Yield the text of the pieces. UnknownEncoding where they are not of that encoding; damaged UTF-8 see Encoding."""
    errors = "surrogateescape" if encoding.damaged else "strict"
    decoder = codecs.getincrementaldecoder(encoding.codec)(errors)
    skip = encoding.mark
    try:
        for piece in pieces:
            if text := decoder.decode(piece[skip:]):
                yield text
            skip = max(0, skip - len(piece))
        if text := decoder.decode(b"", final=True):
            yield text
    except UnicodeDecodeError as error:
        raise UnknownEncoding(f"parts of it are not {encoding.name}: {error.reason}") from error


# --- Said, marked, or valid ---------------------------------------------------------------------------------------


def _by_marks(pieces: Callable[[], Iterable[bytes]]) -> Encoding | None:
    head = _head(pieces)
    for mark, codec in MARKS:
        if head.startswith(mark):
            return _strict(pieces, codec, "by its byte order mark", len(mark)) or _damaged(pieces, codec, len(mark))
    codec = _without_mark(head)
    return _strict(pieces, codec, "by its zero bytes") if codec else None


def _given(pieces: Callable[[], Iterable[bytes]], given: str) -> Encoding:
    try:
        codec = codecs.lookup(given).name
        if not codecs.lookup(given)._is_text_encoding:  # hex, zip ... (the standard library's own mark)
            raise LookupError
    except LookupError:
        raise UnknownEncoding(
            f"there is no encoding {given!r}; try for example utf-8, utf-16, cp1252 or shift_jis"
        ) from None
    head, mark = _head(pieces), 0
    if codec in ("utf-16", "utf-32"):
        codec = next((name for bom, name in MARKS if head.startswith(bom)), f"{codec}-le")
    for bom, name in MARKS:
        if codec in (name, "utf-8-sig") and head.startswith(bom):
            mark = len(bom)
    codec = codec.replace("utf-8-sig", "utf-8")
    found = _strict(pieces, codec, "as you specified", mark)
    if found is None:
        raise UnknownEncoding(f"parts of it are not {Encoding(codec, '').name}; try another --encoding")
    return found


def _declared(pieces: Callable[[], Iterable[bytes]], declared: str) -> Encoding | None:
    try:
        return _strict(pieces, codecs.lookup(declared).name, "as declared in the file")
    except LookupError:
        return None


def _strict(pieces: Callable[[], Iterable[bytes]], codec: str, why: str, mark: int = 0) -> Encoding | None:
    """Return the encoding if all bytes are valid in it."""
    encoding = Encoding(codec, why, mark)
    try:
        for _ in decoded(pieces(), encoding):
            pass
    except UnknownEncoding:
        return None
    return encoding


def _damaged(pieces: Callable[[], Iterable[bytes]], codec: str, mark: int) -> Encoding:
    """Return UTF-8 with damage; other encodings with a mark are all right or nothing."""
    if codec != "utf-8":
        raise UnknownEncoding(f"it starts as {Encoding(codec, '').name} but is damaged further on")
    return Encoding(codec, "by its byte order mark", mark, damaged=_look(pieces()).bad)


def _encoded_twice(pieces: Callable[[], Iterable[bytes]], found: Encoding) -> Encoding | None:
    """Return the encoding of a file in UTF-8 whose letters were read wrongly and saved once more; else None."""
    if found.codec != "utf-8" or found.damaged:
        return None
    evidence = twice_encoded.evidence_in(decoded(_blocks(pieces()), found))
    if not evidence.is_enough:
        return None
    why = "it was read as Windows-1252 and saved once more; its letters were restored"
    return Encoding(twice_encoded.CODEC, why, found.mark, sample=evidence.example)


def _head(pieces: Callable[[], Iterable[bytes]]) -> bytes:
    head = b""
    for piece in pieces():
        head += piece
        if len(head) >= 4096:
            break
    return head[:4096]


def _without_mark(head: bytes) -> str:
    """Return UTF-16 if every other byte is mostly zero, as in text of a Western script without a byte order mark."""
    if len(head) < 8 or b"\0" not in head:
        return ""
    even, odd = head[0::2], head[1::2]
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    return ""


@dataclass(slots=True)
class _Look:
    """What one pass over the bytes shows: letters that are valid UTF-8 beyond ASCII, bytes that are not, a sample."""

    good: int = 0
    bad: int = 0
    sample: bytes = b""
    has_escapes: bool = False


_ESCAPED: Final = re.compile("[\udc80-\udcff]")


def _look(pieces: Iterable[bytes]) -> _Look:
    look, samples, size, place = _Look(), [], 0, 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for piece in _blocks(pieces):
        look.has_escapes = look.has_escapes or b"\x1b$" in piece
        if piece.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(piece)
        bad = len(_ESCAPED.findall(text))
        look.bad += bad
        look.good += sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - bad
        place += 1
        # half of the sample from the beginning, half from places all over the file
        if bad and (size < SAMPLE_BYTES // 2 or place % 16 == 0) and size < SAMPLE_BYTES:
            samples.append(_around(piece))
            size += len(samples[-1])
    look.bad += len(_ESCAPED.findall(decoder.decode(b"", final=True)))
    look.sample = b"\n".join(samples)
    return look


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes in pieces of at least PIECE, so that lines are seen whole."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= PIECE:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _around(piece: bytes) -> bytes:
    """Return the lines of a piece with bytes beyond ASCII, up to 8 kB of them; whole, so that no letter is cut."""
    lines = re.split(rb"[\r\n]+", piece)
    kept, size = [], 0
    for line in (line[:2000] for line in lines if not line.isascii()):
        if size > 8192:
            break
        kept.append(line)
        size += len(line)
    return b"\n".join(kept)


# --- By the letters -----------------------------------------------------------------------------------------------

_WESTERN: Final = ("cp1252", "iso8859_15", "mac_roman", "cp850", "cp437")
_CENTRAL: Final = ("cp1250", "iso8859_2", "cp852", "mac_latin2")
_CYRILLIC: Final = ("cp1251", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic")

# Of each language the encodings it is met in, the likeliest first, and its letters beyond ASCII, the commonest first.
_LANGUAGES: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("German", _WESTERN, "üäößé"),
    ("French", _WESTERN, "éèàêçôûîâùœëïüæÿ"),
    ("Spanish", _WESTERN, "óáíéñúü¿¡ªº"),
    ("Portuguese", _WESTERN, "ãçáéíóõêâúàôüº"),
    ("Italian", _WESTERN, "èàùòìéóî°"),
    ("Dutch", _WESTERN, "éëïöüèáó"),
    ("Nordic", _WESTERN, "äåöøæéü"),
    ("Catalan", _WESTERN, "àéóèòíúçïü·"),
    ("English", _WESTERN, "éñöüèï"),
    ("Polish", _CENTRAL, "łąężśćóńź"),
    ("Czech", _CENTRAL, "íáéěřšýžčůúťňďó"),
    ("Hungarian", _CENTRAL, "áéőöíóüúű"),
    ("Romanian", _CENTRAL, "ăîâşţșț"),
    ("Croatian", _CENTRAL, "čžšćđ"),
    ("several Western languages", _WESTERN, "éüäóöíáèàñçßêåãøúôæîâõûùœëïòìÿ¿¡ªº°"),
    ("several Central European languages", _CENTRAL, "áéíółěąčęšžřśżýćůúöüőńťňďźűäăîâşţșțđ"),
    ("Turkish", ("cp1254", "iso8859_9", "cp857", "mac_turkish"), "ıışüöğçİâî"),
    ("Baltic", ("cp1257", "iso8859_13"), "āėšžīųūčēņįąļķģęõäöü"),
    ("Russian", _CYRILLIC, "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"),
    ("Ukrainian", _CYRILLIC, "оанитвіерслкдумпязьбгйчхжїюцєшщфґ"),
    ("Bulgarian", _CYRILLIC, "аеоитнсрвлкдпмзуъгячбжщцхшйюфь"),
    ("Greek", ("cp1253", "iso8859_7", "cp737", "mac_greek"), "αοιετσνηυρπκμλςωόίάγέήθδύχώφβξζψϊ"),
    ("Hebrew", ("cp1255", "iso8859_8", "cp862"), "יוהלאמרתבנשחכקםדעפטסגזןצףךץ"),
    ("Arabic", ("cp1256", "iso8859_6"), "اليمونترببعدسفهكحقجأةشصطذخىضغءثزئإظؤآ،؟"),
    ("Thai", ("cp874",), "านรอกเงมยลวดทสตะปบคหแจพชขใไโผซถศธณญภษฉฟ่้ัีิ์ืุูำ็"),
    (
        "Japanese",
        ("cp932", "euc_jp"),
        "のにいてしをたとがなでまりはかるすんうあこもっきれさらくだよつけ。、ーンスルイトアラリドクシ日人年",
    ),
    (
        "Chinese",
        ("gb18030",),
        "的一是不了我在有人这，。上大来和个到们为要时地出就可以会也你对生能而子那得于着下自之年说没后作里用发好请订单款",
    ),
    (
        "Chinese, traditional",
        ("cp950",),
        "的一是不了我在有人這，。上大來和個到們為要時地出就可以會也你對生能而子那得於著下自之年說沒後作裡用發好請訂單款",
    ),
    ("Korean", ("cp949",), "이다는에을가고의하지한은로를도사어서기시나자대일리습니해정제아그인요수부보스주있었주문"),
)
_WORDS: Final[
    dict[str, frozenset[str]]
] = {  # everyday words without other letters, which tell alphabets apart that share signs
    "German": frozenset(("der", "die", "das", "und", "ist", "nicht", "ich", "mit", "auf", "ein", "seit", "zu")),
    "French": frozenset(("le", "la", "les", "et", "est", "pas", "je", "une", "un", "des", "mon", "depuis")),
    "Spanish": frozenset(("el", "la", "los", "que", "no", "en", "es", "mi", "por", "una", "con", "y")),
    "Portuguese": frozenset(("o", "a", "os", "que", "de", "em", "um", "uma", "meu", "minha", "com", "e")),
    "Italian": frozenset(("il", "la", "che", "non", "di", "un", "una", "mi", "con", "del", "e")),
    "Polish": frozenset(("nie", "na", "do", "jest", "w", "i", "z", "mi", "jak", "po")),
    "Czech": frozenset(("je", "na", "se", "to", "mi", "jsem", "v", "a", "po", "kde")),
    "Hungarian": frozenset(("a", "az", "nem", "hogy", "egy", "van", "meg", "is", "ez")),
    "Turkish": frozenset(("bir", "ve", "bu", "da", "de", "ne", "mi", "benim")),
    "Baltic": frozenset(("ir", "un", "nav", "uz", "par", "mans", "kad", "yra", "mano", "ar", "ja", "on")),
}
_RANKS: Final = {
    name: {letter: rank for rank, letter in reversed(list(enumerate(letters)))} for name, _, letters in _LANGUAGES
}
_SIGNS: Final = frozenset("–—‘’‚“”„…€£°«»·•§©®™½²³´\u00a0×→‹›№")
_FINAL: Final = frozenset("ςךםןףץةى")
"""Letters that stand only at the end of a word, in Greek, Hebrew and Arabic."""

_COMMON: Final = {  # what the common half of the Far Eastern sets is encoded in
    "cp932": ("cp932", 0x81, 0x98),
    "euc_jp": ("euc_jp", 0xA1, 0xD0),
    "gb18030": ("gb2312", 0xA1, 0xD8),
    "cp950": ("big5", 0xA1, 0xC7),
    "cp949": ("euc_kr", 0xA1, 0xC9),
}
_UNSPACED: Final = frozenset((*_COMMON, "cp874"))  # in these scripts foreign words and numbers stand without spaces
GOOD_ENOUGH: Final = 0.3
"""Mean score of the letters below which no reading is believed. Right readings of a sentence have 0.5 to 0.95."""
VERY_GOOD: Final = 0.5
NEARLY: Final = 0.04
"""Readings whose scores differ by less are told apart by charset-normalizer."""


def _by_letters(
    pieces: Callable[[], Iterable[bytes]], sample: bytes, good_enough: float, in_the_far_east: float
) -> Encoding | None:
    """Return the encoding in which the sample reads best, if it reads as well as `good_enough` says, and is valid."""
    readings = sorted(_readings(sample), key=lambda reading: -reading.score)
    for reading in _nearest_first(readings, sample):
        if reading.score < (in_the_far_east if reading.codec in _COMMON else good_enough):
            continue
        why = f"by its letters, {reading.language}"
        if found := _strict(pieces, reading.codec, why):
            return Encoding(found.codec, why, sample=_excerpt(reading.text))
    return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """The sample read in one encoding as one language, with the mean score of its letters."""

    codec: str
    language: str
    text: str
    score: float


def _readings(sample: bytes) -> Iterator[_Reading]:
    texts: dict[str, str | None] = {}
    words = {word.decode() for word in re.findall(rb"[a-z]+", sample.lower())}
    for language, codec_names, _ in _LANGUAGES:
        for place, codec in enumerate(codec_names):
            if codec not in texts:
                texts[codec] = _read(sample, codec)
            if text := texts[codec]:
                # Small differences that decide between near equals: a likelier encoding of the language, its everyday
                # words in the text, and a language of its own before a mixture, which nearly anything fits a little.
                score = _score(text, language, codec) - 0.02 * place
                if not _WORDS.get(language, frozenset()).isdisjoint(words):
                    score += 0.15
                if language.startswith("several"):
                    score -= 0.1
                yield _Reading(codec, language, text, score)


def _read(sample: bytes, codec: str) -> str | None:
    """Return the sample in an encoding, or None if it is not in it. Its lines may end within a letter."""
    text = sample.decode(codec, "replace")
    return text.replace("\ufffd", "") if text.count("\ufffd") <= 2 * sample.count(b"\n") + 1 else None


def _nearest_first(readings: Sequence[_Reading], sample: bytes) -> list[_Reading]:
    """Return the readings, best first; of those that are nearly the best, what charset-normalizer says comes first."""
    if not readings:
        return []
    best = readings[0]
    # encodings that give the very same text are no rivals
    rivals = [each for each in readings if each.score > best.score - NEARLY and each.text != best.text]
    if not rivals:
        return list(readings)
    match = from_bytes(sample, cp_isolation=sorted({best.codec, *(each.codec for each in rivals)})).best()
    said = str(match) if match else ""
    return sorted(readings, key=lambda each: (each.score <= best.score - NEARLY, each.text != said, -each.score))


def _score(text: str, language: str, codec: str) -> float:
    """Return the mean over the characters beyond ASCII: 1 for the commonest letter of the language, down to -2.

    Each word counts once, or a file with one word ten thousand times would be judged by that. A capital within a word,
    a sign between two letters, or two scripts in one word is how a wrong reading shows.
    """
    ranks, total, count = _RANKS[language], 0.0, 0
    for word in Counter(re.findall(r"\S*[^\x00-\x7f]\S*", text)):
        for before, letter, after in zip(" " + word, word, word[1:] + " ", strict=False):
            if letter > "\x7f":
                total += _letter_score(letter, before, after, ranks, codec)
                count += 1
    return total / count if count else 0.0


def _letter_score(letter: str, before: str, after: str, ranks: dict[str, int], codec: str) -> float:
    rank = ranks.get(letter.lower(), ranks.get(letter))
    if rank is not None:
        # signs of the list may stand anywhere, its letters only within words as they are written
        wrong = 0.0 if letter in "ªº°¿¡、。，" else _wrongly_placed(letter, before, after, ranks, codec)
        return wrong or 1 - rank / (2 * len(ranks))
    if letter in _SIGNS:
        inside = before.isalpha() and after.isalpha()
        return (0.7 if letter in "’‘·" else -1.5) if inside else 0.6
    if codec in _COMMON:
        return 0.35 if _is_common(letter, codec) else -0.7
    # of a script that is not Latin the list has the whole alphabet: another letter is of another language
    return -0.6 if letter <= "\u036f" and unicodedata.category(letter).startswith("L") else -2.0


def _wrongly_placed(letter: str, before: str, after: str, ranks: dict[str, int], codec: str) -> float:
    """Return what a letter loses where no word has it, 0 where it may stand."""
    if letter in _FINAL and after in ranks:
        return -1.5
    if codec not in _UNSPACED and (_is_strange(letter, before) or _is_strange(letter, after)):
        return -1.5
    if before.islower() if letter.isupper() else letter.islower() and before.isupper() and after.isupper():
        return -3.0
    return 0.0


def _is_strange(letter: str, beside: str) -> bool:
    """Return whether two signs side by side are hardly of one word: of two scripts, or a letter and a digit."""
    return beside.isascii() and (beside.isdecimal() or (letter > "\u036f" and beside.isalpha()))


def _is_common(letter: str, codec: str) -> bool:
    """Return whether a sign is in the half of its set that everyday texts are written with."""
    narrow, first, last = _COMMON[codec]
    try:
        return first <= letter.encode(narrow)[0] < last
    except UnicodeEncodeError:
        return False


def _excerpt(text: str) -> str:
    """Return a short piece of the text around a letter beyond ASCII."""
    found = re.search(r"[^\x00-\x7f]", text)
    start = max(0, (found.start() if found else 0) - 15)
    return " ".join(text[start : start + 40].split())
