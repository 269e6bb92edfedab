"""Chooses what to quote of a conversation and sums it up in the customer's own words."""

import re
from collections import Counter

from pipeline.extract.local.finding import Finding, Kind
from pipeline.extract.local.text import CustomerSide
from pipeline.extract.local.words import STOP_WORDS

MAX_QUOTE = 300
MAX_SUMMARY = 200
_SECOND_WORTH = 0.5
_SHORT = 4  # words; a shorter sentence says too little alone
# What only leads on to a sentence, or numbers it: "also,", "on top of that,", "- ", "2. ".
_LEAD_IN = re.compile(
    r"^(?:(?:(?:and|but|so|also|well|ok|okay|anyway|basically|please|pls|ps|p\.s\.|first(?:ly)?(?=,)|second(?:ly)?(?=,)"
    r"|secondly|thirdly|finally(?=,)|lastly(?=,)|separately(?=,)|unrelated(?=[:,])|in addition(?=,)|additionally(?=,)"
    r"|(?:besides|on top of|apart from) (?:that|this)(?=,)|(?:and )?another (?:thing|issue|problem|question)(?=[:,])"
    r"|while i(?:'m| am) (?:here|at it)(?=,))[,:]?|(?:\d{1,2}|[a-e])[.):](?=\s)|[-*\u2022\u2013])\s+)+",
    re.IGNORECASE,
)

# What is asked without a mark: "how do i export this".
_ASKS = re.compile(
    r"(?:how|why|when|where|what)(?:['\u2019]s| (?:do|does|did|can|could|is|are|was|will|would|should|much|many|long)) "
    r"|(?:is|are|was|do|does|did|can|could|will|would|should|may) (?:i|you|we|it|the|there|my|this|that|your) ",
    re.IGNORECASE,
)


def choose_quotes(side: CustomerSide, finding: Finding) -> list[str]:
    """Return one or two verbatim parts of the conversation, the telling one first; none if nothing was said."""
    if not side.sentences:
        return []
    worths = _worths(side, finding)
    first, *others = sorted(range(len(worths)), key=lambda number: (-worths[number], number))
    second = [number for number in others[:1] if worths[number] > _SECOND_WORTH and not _is_short(side, number)]
    return [_cut(side.sentences[number].text) for number in (first, *second)]


def _worths(side: CustomerSide, finding: Finding) -> list[float]:
    """What each sentence tells: the finding itself, words that recur, in the opening, near the finding."""
    contents = [_content(words) for words in side.plains]
    counts = Counter(word for content in contents for word in content)
    worths = []
    for number, content in enumerate(contents):
        recurring = sum([counts[word] > 1 for word in content])
        worth = 2 * recurring / (len(content) + 2) + 0.1 * min(len(content), 10)
        worth -= 0.1 * min(abs(number - finding.sentence), 10) + 1.5 * (number >= side.opening)
        worths.append(worth + _found_here(side, finding, number))
    return worths


def _found_here(side: CustomerSide, finding: Finding, number: int) -> float:
    if number != finding.sentence or finding.kind is Kind.UNCLEAR:
        return 0.0
    return 1.0 if _is_short(side, number) else 4.0


def _is_short(side: CustomerSide, number: int) -> bool:
    return side.plains[number].count(" ") < _SHORT - 1


def _content(words: str) -> set[str]:
    return {word for word in words.split() if len(word) > 2 and word not in STOP_WORDS}


def _cut(text: str) -> str:
    """Return the text, or its beginning up to a word's end: still verbatim."""
    if len(text) <= MAX_QUOTE:
        return text
    return text[:MAX_QUOTE].rsplit(maxsplit=1)[0].rstrip(",;:-")


def summarise(quotes: list[str], otherwise: str) -> str:
    """Return one sentence of at most 200 characters, from the first quote, else from another text."""
    text = " ".join((quotes[0] if quotes else otherwise[:MAX_QUOTE]).split())
    text = _LEAD_IN.sub("", text) or text
    if len(text) > MAX_SUMMARY:
        text = shortened(text, MAX_SUMMARY)
    if not text:
        return "The conversation is empty."
    text = text[0].upper() + text[1:]
    if text[-1] in ".!?…\"')" and not (text[-1] == "." and _ASKS.match(text)):
        return text
    return text.rstrip(" ,;:-.") + ("?" if _ASKS.match(text) else ".")


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters.

    A longer one is cut at a clause's end if there is one late enough, else at a word's, and ends in "…".
    """
    if len(text) <= most:
        return text
    head = text[: most - 1]
    clause = max(head.rfind(mark) for mark in (", ", "; ", ": ", " - ", " (", " \u2013 "))
    cut = clause if clause > most // 2 else head.rfind(" ")
    return head[: cut if cut > 0 else most - 1].rstrip(" ,;:-\u2013(") + "…"
