"""In which language a text is written: by its script where that settles it, else by an n-gram detector (ELD).

Languages are named by BCP 47: `de`, `he`, `ja`. What cannot be told is `und` in the Latin script and `und-Cyrl`,
`und-Arab`, ... in another, so that a reader that knows no other script than Latin still knows what it cannot read.
Empty means that nobody looked, or that there is nothing to read. Pure: the same text gives the same answer.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

import eldc

UNDETERMINED = "und"
MOST_CHARACTERS = 1_000
"""Of a text that are looked at: enough for any language, and the same cost for a sentence and a book."""

FEWEST_LETTERS = 4
"""Letters a detector gets to see; a shorter word may be of any language of its script."""

SURE_BY = 0.1
"""How far the best language must be ahead of the next where the detector itself is not sure, and it is a usual one.

Of 800 short commands each in German, Italian, Dutch and English: .93 .93 .95 .98 right, .016 .016 .013 .001 wrong, the
others unknown. Without it: .97 .97 .98 1.00 right and .030 .034 .023 .004 wrong.
"""

SURE_BY_IN_DEVANAGARI = 0.004
"""The same where only Hindi and Marathi are possible: their scores lie close together, and it is rarely sure."""

IDEOGRAPH_WEIGHT = 3
"""Letters of an alphabet that one Chinese, Japanese or Korean letter counts for: product names stay in Latin."""

_CODE = re.compile(r"[\d_/\\@<>{}=]")
"""What no word has: addresses, codes, paths and markup."""

_RANGES = {  # letters of each script, by their code points; marks are left out, they follow letters
    "Latn": r"A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "Grek": r"\u0370-\u0373\u0376-\u0377\u0386-\u03ff\u1f00-\u1fff",
    "Cyrl": r"\u0400-\u0481\u048a-\u052f",
    "Armn": r"\u0531-\u0556\u0561-\u0587",
    "Hebr": r"\u05d0-\u05ea\u05ef-\u05f2",
    "Arab": r"\u0620-\u064a\u0671-\u06d3\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "Ethi": r"\u1200-\u135a",
    "Deva": r"\u0904-\u0939\u0958-\u0961",
    "Beng": r"\u0985-\u09b9\u09dc-\u09e1",
    "Guru": r"\u0a05-\u0a39\u0a59-\u0a5e",
    "Gujr": r"\u0a85-\u0ab9",
    "Orya": r"\u0b05-\u0b39\u0b5c-\u0b61",
    "Taml": r"\u0b85-\u0bb9",
    "Telu": r"\u0c05-\u0c39",
    "Knda": r"\u0c85-\u0cb9",
    "Mlym": r"\u0d05-\u0d3a",
    "Sinh": r"\u0d85-\u0dc6",
    "Thai": r"\u0e01-\u0e30",
    "Laoo": r"\u0e81-\u0eb0",
    "Tibt": r"\u0f40-\u0f6c",
    "Mymr": r"\u1000-\u102a",
    "Geor": r"\u10a0-\u10ff",
    "Khmr": r"\u1780-\u17b3",
    "Hang": r"\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e",
    "Kana": r"\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d",
    "Hani": r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
}
_LETTERS = {script: re.compile(f"[{letters}]") for script, letters in _RANGES.items()}
_HEAVY = frozenset({"Hang", "Kana", "Hani"})

_LANGUAGE_OF_SCRIPT = {
    "Grek": "el", "Armn": "hy", "Hebr": "he", "Beng": "bn", "Guru": "pa", "Gujr": "gu", "Orya": "or", "Taml": "ta",
    "Telu": "te", "Knda": "kn", "Mlym": "ml", "Sinh": "si", "Thai": "th", "Laoo": "lo", "Tibt": "bo", "Mymr": "my",
    "Geor": "ka", "Khmr": "km", "Hang": "ko", "Kana": "ja",
}  # fmt: skip
_LANGUAGES_OF_SCRIPT = {
    "Latn": frozenset({
        "az", "ca", "cs", "da", "de", "en", "es", "et", "eu", "fi", "fr", "hr", "hu", "is", "it", "lt", "lv", "ms",
        "nl", "no", "pl", "pt", "ro", "sk", "sl", "sq", "sr", "sv", "tl", "tr", "vi", "yo",
    }),
    "Cyrl": frozenset({"be", "bg", "ru", "sr", "uk"}),
    "Arab": frozenset({"ar", "fa", "ku", "ur"}),
    "Deva": frozenset({"hi", "mr"}),
    "Ethi": frozenset({"am"}),
    "Hani": frozenset({"zh"}),
}  # fmt: skip
"""Which answers of the detector are believed in a script that several languages share."""

_USUAL = frozenset({
    "ar", "cs", "da", "de", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "it", "ja", "ko", "mr", "nl", "no", "pl",
    "pt", "ro", "ru", "sv", "tr", "uk", "vi", "zh",
})  # fmt: skip
"""Which languages a few words may be in; slang and brands look Tagalog or Albanian now and then."""

NAMES = {
    "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali",
    "bo": "Tibetan", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian",
    "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ka": "Georgian", "km": "Khmer", "kn": "Kannada",
    "ko": "Korean", "ku": "Kurdish", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "ml": "Malayalam",
    "mr": "Marathi", "ms": "Malay or Indonesian", "my": "Burmese", "nl": "Dutch", "no": "Norwegian", "or": "Odia",
    "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "si": "Sinhala",
    "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "ta": "Tamil",
    "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "yo": "Yoruba", "zh": "Chinese", UNDETERMINED: "unknown",
    "und-Cyrl": "unknown, in Cyrillic script", "und-Arab": "unknown, in Arabic script",
    "und-Deva": "unknown, in Devanagari script", "und-Ethi": "unknown, in Ethiopic script",
    "und-Hani": "unknown, in Chinese characters", "und-Zyyy": "unknown, in a script of its own",
}  # fmt: skip

eldc.init()


def language_of(text: str) -> str:
    """Return the language of a text by its BCP 47 code, `und` or `und-SCRIPT` if it cannot be told, "" without words.

    Short texts are unknown rather than wrong. Addresses, codes and markup are no language and are left out.
    """
    return _language_of_beginning(text[:MOST_CHARACTERS])


@lru_cache(maxsize=256)  # a conversation is asked about several times in a row
def _language_of_beginning(text: str) -> str:
    words = " ".join([word for word in text.split() if not _CODE.search(word)])
    script, letters = _script(words)
    if not letters:
        return ""
    if script in _LANGUAGE_OF_SCRIPT:
        return _LANGUAGE_OF_SCRIPT[script]
    unknown = UNDETERMINED if script == "Latn" else f"{UNDETERMINED}-{script}"
    if letters < FEWEST_LETTERS or script not in _LANGUAGES_OF_SCRIPT:
        return unknown
    least = SURE_BY_IN_DEVANAGARI if script == "Deva" else SURE_BY
    return _detected(words, _LANGUAGES_OF_SCRIPT[script], least) or unknown


def _detected(words: str, possible: frozenset[str], least: float) -> str:
    """Return the detector's language if it is one of the possible ones and clear enough, else ""."""
    found = eldc.detect_details(words)
    ranked = sorted(found.scores.items(), key=lambda scored: (-scored[1], scored[0]))
    if not ranked or ranked[0][0] not in possible:
        return ""
    (best, score), next_score = ranked[0], ranked[1][1] if len(ranked) > 1 else 0.0
    return best if found.reliable or (best in _USUAL and score - next_score >= least) else ""


def _script(text: str) -> tuple[str, int]:
    """Return the script most of the text is in, by ISO 15924, and how many letters of it there are.

    A Japanese text is told from a Chinese one by its kana, of which one in ten letters is enough.
    """
    if text.isascii():
        return "Latn", sum(map(str.isalpha, text))
    counts = {script: len(letters.findall(text)) for script, letters in _LETTERS.items()}
    if counts["Kana"] * 10 >= counts["Hani"] and counts["Kana"]:
        counts["Kana"] += counts.pop("Hani")
    weights = {script: count * (IDEOGRAPH_WEIGHT if script in _HEAVY else 1) for script, count in counts.items()}
    script = max(weights, key=weights.__getitem__)
    if counts[script]:
        return script, counts[script]
    return "Zyyy", sum(map(str.isalpha, text))


def language_name(code: str) -> str:
    """Return what a language is called on screens; a code without a name comes back as it is."""
    return NAMES.get(code, code)


def is_latin(code: str) -> bool:
    """Whether a text of this language may be in the Latin script: then a reader of English sees words at least."""
    return code in _LANGUAGES_OF_SCRIPT["Latn"] or code in ("", UNDETERMINED)


def counted_languages(codes: Iterable[tuple[str, int]]) -> str:
    """Return (code, count) pairs as words: "English 40, German 3"; an empty code is left out."""
    return ", ".join(f"{language_name(code)} {count:,}" for code, count in codes if code)
