"""What the themes of one signature must show to be a story. Every way to a story, and back, asks `judge`.

Pure: `members` reads the rows, the profile's `Gate` has the numbers. Settling, the preview of a
regroup, comparisons and the review queue ask the same function, so that what is shown as missing is what is missing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import sqrt
from statistics import fmean

from pipeline.extract.profiles import Gate
from pipeline.models import Orphan
from pipeline.models.wording import counted
from pipeline.sources.understanding.language import language_name

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Member:
    """One current theme of a root signature, with what the gates look at; `score` is its cosine to the centre."""

    theme_id: int
    conversation_id: int
    customer: str
    occurred_at: datetime
    category: str
    summary: str
    confidence: float
    score: float | None
    has_evidence: bool
    unread_language: str = ""
    source_id: int = 0


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure it is that a group is one real problem, in four parts of 0 to 1.

    size: 1 - 1 / (n + 1)^2 for n voices, see `_conversation_count`: 0.75, 0.89, 0.94, ... 0.99 from nine on.
    cohesion: the mean cosine of its themes to their centre. A theme that a person put there has none and is left out;
        where all are, people vouch for the whole: 1.
    evidence: the share of conversations with a quote that stands in their text.
    reader: the mean confidence of the reader, of each conversation's surest theme.
    """

    size: float
    cohesion: float
    evidence: float
    reader: float

    @property
    def score(self) -> int:
        """The geometric mean of the two judgements, cohesion and reader, times what stands behind them; 0 to 100.

        A product, so that no part makes up for one that is nearly nothing. Age is no part of it: recency has a gate of
        its own, and what people saw once does not fade. On four labelled sets (sample, STAR, SGD, Banking77) the 171
        groups of at least three have 61 to 87. Gates ask for 40: at 50 a third of the voice commands that belong to a
        group were lost, for the reader is less sure of them (benchmarks/QUALITY.md).
        """
        return round(100 * sqrt(self.cohesion * self.reader) * self.evidence * self.size)

    def as_json(self) -> dict[str, float]:
        """Return the parts by name, to three digits."""
        return {name: round(part, 3) for name, part in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Rejection:
    """One gate that a group does not pass, and what it needs in words."""

    reason: Orphan.Reason
    need: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a group of themes is: a story if no gate rejects it, else an orphan."""

    confidence: Confidence
    rejections: tuple[Rejection, ...] = ()
    missing_conversations: int = 0

    @property
    def is_story(self) -> bool:
        return not self.rejections

    @property
    def reason(self) -> str:
        """That of the first gate that rejects; empty for a story."""
        return self.rejections[0].reason if self.rejections else ""

    @property
    def detail(self) -> str:
        """What it needs, of all gates."""
        return "; ".join(rejection.need for rejection in self.rejections)


def judge(members: Sequence[Member], gate: Gate, as_of: datetime | None) -> Verdict:
    """Say whether the themes of one signature, at least one, make a story, and if not, all that is missing.

    Gates: language, size, evidence, confidence, and recency, which counts from `as_of` (None: nothing is too old).
    """
    confidence = confidence_of(members)
    missing = max(gate.min_conversations - _conversation_count(members), 0)
    return Verdict(confidence, tuple(_rejections(members, confidence, gate, as_of)), missing)


MOST_OF_A_REASON = 200
"""Characters of a hold's reason that an orphan shows; the hold has all of it."""


def with_hold(verdict: Verdict, reason: str | None) -> Verdict:
    """Return the verdict of a group that a decision holds back for that reason; None: none does."""
    if reason is None:
        return verdict
    told = f"held back: {reason}" if reason else "held back"
    rejection = Rejection(Orphan.Reason.HELD, told[:MOST_OF_A_REASON])
    return replace(verdict, rejections=(*verdict.rejections, rejection))


def confidence_of(members: Sequence[Member]) -> Confidence:
    """Return the parts of the confidence of a group with at least one theme."""
    conversations = _conversation_count(members)
    scores = [max(member.score, 0.0) for member in members if member.score is not None]
    # by conversation: one in which three themes were named alike must not count three times
    surest: dict[int, float] = {}
    for member in members:
        surest[member.conversation_id] = max(member.confidence, surest.get(member.conversation_id, 0.0))
    return Confidence(
        size=1 - 1 / (conversations + 1) ** 2,
        cohesion=min(fmean(scores), 1.0) if scores else 1.0,
        evidence=len(_proven(members)) / len({member.conversation_id for member in members}),
        reader=fmean(surest.values()),
    )


def _rejections(
    members: Sequence[Member], confidence: Confidence, gate: Gate, as_of: datetime | None
) -> Iterator[Rejection]:
    """Yield what each gate asks for beyond what new conversations would bring anyway."""
    # first, for it makes the likeness of the group, and so all other figures, worth nothing
    yield from _unread(members)
    missing = max(gate.min_conversations - _conversation_count(members), 0)
    customers = customers_of(members)
    yield from _shortage(Orphan.Reason.TOO_FEW, missing, "conversation")
    yield from _shortage(Orphan.Reason.TOO_FEW, gate.min_customers - customers.count - missing, "customer", customers)
    unproven = gate.min_conversations - len(_proven(members)) - missing
    yield from _shortage(Orphan.Reason.NO_EVIDENCE, unproven, "verified quote")
    if missing:
        return  # each new conversation changes how sure the group is, and is recent
    if confidence.score < gate.min_confidence:
        yield Rejection(
            Orphan.Reason.LOW_CONFIDENCE, f"confidence {confidence.score} of 100, needs {gate.min_confidence}"
        )
    newest = max(member.occurred_at for member in members)
    if gate.recent_days is not None and as_of is not None and newest < as_of - timedelta(days=gate.recent_days):
        yield Rejection(
            Orphan.Reason.NOT_RECENT,
            f"last seen {newest:%Y-%m-%d}, more than {gate.recent_days} days before {as_of:%Y-%m-%d}",
        )


def _unread(members: Sequence[Member]) -> Iterator[Rejection]:
    """Reject a group of which the model could not read most: that its texts are alike says nothing then."""
    unread = Counter(member.unread_language for member in members if member.unread_language)
    if 2 * unread.total() > len(members):
        language = language_name(unread.most_common(1)[0][0])
        yield Rejection(Orphan.Reason.LANGUAGE, f"needs a model that reads its language ({language})")


def _shortage(
    reason: Orphan.Reason, count: int, what: str, customers: "Customers | None" = None
) -> Iterator[Rejection]:
    if count > 0:
        known = f" ({customers})" if customers and customers.unknown else ""
        yield Rejection(reason, f"needs {counted(count, f'more {what}')}{known}")


@dataclass(frozen=True, slots=True)
class Customers:
    """Whose conversations a group has: distinct customers that are known, and conversations that name none."""

    known: int
    unknown: int

    @property
    def count(self) -> int:
        """What the gate counts: nothing says that two unknown customers are one, so each conversation counts."""
        return self.known + self.unknown

    def __str__(self) -> str:
        """Return in words how much of the count is known."""
        if not self.unknown:
            return f"{self.known} known"
        conversations = counted(self.unknown, "conversation")
        names, counts = ("names", "counts as one") if self.unknown == 1 else ("name", "count as one each")
        return f"{self.known or 'none'} known; {conversations} {names} no customer and {counts}"


def customers_of(members: Iterable[Member]) -> Customers:
    """Return the customers of a group; the case of an address or a name makes no second one."""
    by_conversation = {member.conversation_id: member.customer.casefold() for member in members}
    known = set(by_conversation.values()) - {""}
    return Customers(len(known), sum(not customer for customer in by_conversation.values()))


def _conversation_count(members: Iterable[Member]) -> int:
    """Return how many conversations there are, those in which a customer repeats their words counted once.

    What one customer of a source says again in the same words, but for numbers, is one voice: a form that is sent three
    times is no story.
    """
    # Members come in the order of time, the best theme of a conversation first; reversed, that one is left of each.
    first = {member.conversation_id: member for member in reversed(list(members))}
    voices = {
        # without a customer nobody knows that two conversations are one voice: each counts
        (member.source_id, member.customer, _wording(member.summary)) if member.customer else pk
        for pk, member in first.items()
    }
    return len(voices)


def _wording(summary: str) -> str:
    return " ".join(_NUMBER.sub("#", summary.casefold()).split())


def _proven(members: Iterable[Member]) -> set[int]:
    """Return the conversations with a verified quote."""
    return {member.conversation_id for member in members if member.has_evidence}
