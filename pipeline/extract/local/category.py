"""Decides a conversation's category and, on strong evidence only, that it does not go on.

To filter a real request is much worse than to let noise through: noise becomes an orphan that nobody is shown, a
filtered request is lost. So spam needs points of two kinds, and small talk must be small talk throughout.
"""

import re

from pipeline.extract.local.finding import Finding, Kind
from pipeline.extract.local.patterns import (
    AUTOMATIC,
    MISDIRECTED,
    NO_REQUEST,
    PRAISE,
    REFUSED_BY_AGENT,
    SMALL_TALK,
    SPAM,
    WRONG_ADDRESSEE,
)
from pipeline.extract.local.text import CustomerSide, compile_words, plain
from pipeline.extract.local.words import (
    ACCOUNT_WORDS,
    BILLING_WORDS,
    CONFIGURATION_WORDS,
    STRONG_ACCOUNT,
    STRONG_BILLING,
)

GENERAL, SPAM_CATEGORY = "general_inquiry", "spam"

_SPAM = tuple((points, what, compile_words(pattern)) for points, what, pattern in SPAM)
_SPAM_POINTS = 3
_MAX_OPENING = 2000  # characters
_REFUSED = re.compile(REFUSED_BY_AGENT)
_AUTOMATIC = re.compile(AUTOMATIC)
_MISDIRECTED = re.compile(MISDIRECTED)
_WRONG_ADDRESSEE = re.compile(WRONG_ADDRESSEE)
_APOLOGY = re.compile(r"\b(?:sorry|oops|ignore|apologies|my mistake|my bad|embarrassing)\b")
_NO_REQUEST = re.compile(NO_REQUEST)
_PRAISE = re.compile(PRAISE)
_MAX_PRAISE = 400  # characters; a longer text praises in passing
_WANTS = re.compile(r"\b(?:want|need|like|looking|please|can you|could you|help|get me|find|show me|search)\b")
_CRY_FOR_HELP = re.compile(r"\b(?:help|urgent|fix|sort|problem|issue|advise|assist\w*)\b")


def reason_to_filter(side: CustomerSide, opening: str, finding: Finding) -> tuple[str, str]:
    """Return (category, readable reason) of a conversation that does not go on, else two empty strings.

    `opening` is what the customer opens with, as written, with the greetings: spam and automatic replies show there.
    """
    text = f" {plain(opening[:_MAX_OPENING])}"
    if spam := _spam(text, side, finding):
        return SPAM_CATEGORY, spam
    if reason := _empty(text, side) or _not_for_us(text, side, finding):
        return GENERAL, reason
    return "", ""


def _spam(text: str, side: CustomerSide, finding: Finding) -> str:
    found = [(points, what) for points, what, pattern in _SPAM if pattern.search(text)]
    if not found:
        return ""
    refused = 2 * bool(_REFUSED.search(plain(side.agent)))
    # a text that states a clear problem needs more, and one kind of sign alone is never enough
    enough = _SPAM_POINTS + (finding.kind is Kind.PROBLEM and finding.weight >= 3)
    if sum(points for points, _ in found) + refused < enough or len(found) + refused < 2:
        return ""
    return "looks like an unasked offer or fraud: " + ", ".join(what for _, what in found)


def _empty(text: str, side: CustomerSide) -> str:
    if not all(SMALL_TALK.issuperset(words.split()) for words in side.plains) or _CRY_FOR_HELP.search(text):
        return ""
    return "only greetings, thanks or small talk, no request" if text.strip() else "it contains no words"


def _not_for_us(text: str, side: CustomerSide, finding: Finding) -> str:
    if _AUTOMATIC.search(text[:300]) and not side.question:
        return "an automatic reply, not a request"
    misdirected = _APOLOGY.search(side.text) and _MISDIRECTED.search(plain(side.agent))
    if misdirected or _WRONG_ADDRESSEE.search(side.text):
        return "sent here by mistake; it was meant for someone else"
    if _praises(side, finding):
        return "thanks or praise, no request"
    return ""


def _praises(side: CustomerSide, finding: Finding) -> bool:
    opening = side.text[: side.opening_end]
    if finding.kind is not Kind.UNCLEAR or side.question or _WANTS.search(opening) or len(opening) > _MAX_PRAISE:
        return False
    return bool(_NO_REQUEST.search(opening)) or (" not " not in opening and len(_PRAISE.findall(opening)) >= 2)


def category_of(side: CustomerSide, finding: Finding, signature: str) -> str:
    """Return the category by words; empty if they decide nothing."""
    if finding.kind is Kind.REQUEST:
        return "feature_request"
    words = {*side.plains[finding.sentence].split(), *signature.split("_")} if side.plains else set()
    if finding.kind is Kind.QUESTION and finding.name == "order":
        return "how_to_question"
    if finding.kind is Kind.HOW_TO:
        return _how_to_category(words)
    account, billing = len(words & ACCOUNT_WORDS), len(words & BILLING_WORDS)
    # `password` beats any number of billing words: whoever cannot get in cannot pay
    if account and (account >= billing or words & STRONG_ACCOUNT):
        return "account_issue"
    if billing:
        return "billing_question"
    if finding.kind is Kind.PROBLEM:
        return "product_issue"
    return "configuration_help" if words & CONFIGURATION_WORDS else ""


def _how_to_category(words: set[str]) -> str:
    if words & STRONG_ACCOUNT:
        return "account_issue"
    if words & STRONG_BILLING:
        return "billing_question"
    if words & CONFIGURATION_WORDS:
        return "configuration_help"
    return "how_to_question"
