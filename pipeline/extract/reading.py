"""Ask an extractor and parse its answer: pure, no row is touched."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.extract.base import Answer, Extractor, at_once
from pipeline.extract.llm.faults import AnswerFault
from pipeline.extract.profiles import Profile
from pipeline.extract.quotes import verified
from pipeline.extract.theme_gate import judge
from pipeline.extract.themes import ProposedTheme, Reading
from pipeline.ledger.claims import Claimed
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS
from pipeline.ledger.transcript import Question, Transcript
from pipeline.merge.rules.normalise import normal_form
from pipeline.models import Item

MAX_DELIVERIES = 3
"""An item whose reading ended its worker this often is failed instead of read again, and so for its parsing."""


UNIT_TOLERANCE = 1e-3
"""How far a vector's length may be from 1: float32 sums of some hundred squares stay far below."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A theme before it is a row; `quotes` are verified (quote, start, end), `details` what is said of each."""

    proposed: ProposedTheme
    vector: bytes
    quotes: tuple[tuple[str, int, int], ...]
    unread_language: str = ""
    gate_score: float | None = None
    gate_reason: str = ""
    details: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer, or an error in place of one, makes of an item; `flaws` as in `Item.flaws`."""

    state: str
    category: str = ""
    reason: str = ""
    stage: str = ""
    error: str = ""
    error_class: str = ""
    themes: tuple[Draft, ...] = ()
    flaws: Mapping[str, int] | None = None


def ask(
    questions: Sequence[Question], profile: Profile, extractor: Extractor, is_wanted: Callable[[], bool] = lambda: True
) -> Iterator[tuple[int, Answer | Exception]]:
    """Ask about all at once and yield each answer as it comes, by its question's key, while they are wanted.

    If that fails, those that came count, and each of the others is asked about alone, so that a bad conversation costs
    only itself. Errors of the infrastructure rise.
    """
    answered, reader = set(), at_once(extractor)
    try:
        # A generator: each answer is stored by the caller before the next one is asked for, and closing it ends the
        # asking.
        readings = reader.read([question.transcript for question in questions], profile)
        for question, answer in zip(questions, readings, strict=True):
            answered.add(question.key)
            yield question.key, answer
            if not is_wanted():
                return
    # before `Exception`, of which they are: a database that is away is no fault of a conversation
    except INFRASTRUCTURE_ERRORS:
        raise
    except Exception as error:
        if len(questions) == 1:
            yield questions[0].key, error
            return
    for question in questions:
        if question.key not in answered and is_wanted():
            yield from ask([question], profile, extractor)


def parse(question: Question, answer: Answer | Exception, profile: Profile, extractor: Extractor) -> Outcome:
    """Turn the raw answer to a question into an outcome; an unreadable answer, and an error, are outcomes too."""
    if isinstance(answer, AnswerFault):
        return failed_outcome(answer.stage, answer)
    if isinstance(answer, Exception):
        return failed_outcome(Item.Stage.READ, answer)
    try:
        reading = Reading.model_validate_json(answer.text)
        if not profile.category(reading.category).goes_on:
            why = reading.filtered_because or reading.category
            return Outcome(Item.State.FILTERED, reading.category, why, flaws=answer.flaws or None)
        vectors = _vectors(answer.vectors, len(reading.themes), extractor.dimension)
        drafts, dropped = _drafts(question.transcript, reading, vectors, profile)
    except Exception as error:  # a mistake of ours included: salvage parses again once it is fixed
        return failed_outcome(Item.Stage.PARSE, error)
    if not drafts:
        why = reading.filtered_because or "no theme found"
        return Outcome(Item.State.FILTERED, reading.category, why, flaws=answer.flaws or None)
    flaws = {**answer.flaws, **({"quotes_dropped": dropped} if dropped else {})}
    return Outcome(Item.State.EXTRACTED, reading.category, themes=tuple(drafts), flaws=flaws or None)


def _vectors(stored: bytes, count: int, dimension: int) -> np.ndarray:
    """Return the (count, dimension) vectors; ValueError unless they are that many, finite, and of length 1."""
    if len(stored) != 4 * count * dimension:
        raise ValueError(f"{len(stored)} bytes of vectors do not fit {count} themes of {dimension} numbers each")
    rows = np.frombuffer(stored, np.float32).reshape(count, dimension)
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    if not np.all(np.abs(lengths - 1) < UNIT_TOLERANCE):
        raise ValueError(f"vectors must have length 1; these have {', '.join(f'{length:.3g}' for length in lengths)}")
    return rows


def _drafts(transcript: Transcript, reading: Reading, vectors: np.ndarray, profile: Profile) -> tuple[list[Draft], int]:
    """Return one draft a distinct name, and how many quotes stand nowhere in the conversation and are left out.

    Twins in one answer become one, with the quotes of all.
    """
    drafts: dict[str, Draft] = {}
    dropped, text = 0, transcript.text
    for proposed, vector in zip(reading.themes, vectors, strict=True):
        # raises for a category that the profile does not have: the answer is malformed, and not stored under another
        # label
        profile.category(proposed.category)
        found: dict[tuple[str, int, int], dict[str, Any]] = {}
        for quote, stands in _stand(transcript, text, proposed):
            if stands is None:
                dropped += 1
            else:
                found.setdefault(stands, proposed.details_of(quote))
        if profile.needs_quotes and not found:
            continue
        form = normal_form(proposed.signature)
        # Two themes of one conversation under one name would count it twice, and
        # one_theme_per_run_conversation_profile_raw_key forbids it. The first one's words and vector stand; the quotes
        # of both are kept, each once.
        if twin := drafts.get(form):
            both = found | dict(zip(twin.quotes, twin.details, strict=True))
            order = dict.fromkeys((*twin.quotes, *found))
            drafts[form] = replace(twin, quotes=tuple(order), details=tuple(both[quote] for quote in order))
        else:
            drafts[form] = Draft(
                proposed,
                vector.tobytes(),
                tuple(found),
                reading.unread_language,
                *judge(proposed, profile),
                tuple(found.values()),
            )
    return list(drafts.values()), dropped


def _stand(
    transcript: Transcript, text: str, proposed: ProposedTheme
) -> Iterator[tuple[str, tuple[str, int, int] | None]]:
    """Yield the quotes with where each stands; one that is said to be of a unit (a verse) has to stand within it."""
    if not proposed.quote_details:
        yield from zip(proposed.quotes, verified(text, proposed.quotes), strict=True)
        return
    for place, quote in enumerate(proposed.quotes):
        details = proposed.quote_details[place] if place < len(proposed.quote_details) else {}
        start, end = transcript.span_of(str(details.get("unit", "")))
        (stands,) = verified(text[start:end], [quote])
        yield quote, stands and (stands[0], stands[1] + start, stands[2] + start)


def failed_outcome(stage: str, error: Exception) -> Outcome:
    """Return what an error at this stage makes of an item."""
    name = type(error).__name__
    reason = error.reason if isinstance(error, AnswerFault) else f"could not {stage}: {name}"
    return Outcome(Item.State.FAILED, reason=reason, stage=stage, error=str(error), error_class=name)


def most_deliveries(claimed: Claimed, answers: Mapping[int, object]) -> int:
    """Return how often an item may be begun: as often again once its answer is there."""
    # Deliveries before the answer came say nothing about parsing it, and are counted in the same column.
    return MAX_DELIVERIES * (2 if claimed.item_id in answers else 1)


def worn_out_outcome(claimed: Claimed, *, is_answered: bool) -> Outcome:
    """Return what becomes of an item whose reading, or parsing if it is answered, ended its worker too often."""
    # this delivery is counted and did not begin it
    times = claimed.delivery_count - 1
    return Outcome(
        Item.State.FAILED,
        reason=f"started {times} times, never finished",
        stage=Item.Stage.PARSE if is_answered else Item.Stage.READ,
        error_class="WorkerLost",
        error=f"{claimed.question.transcript.key} was started {times} times and its worker died each "
        f"time{', though its answer is stored' if is_answered else ''}.",
    )
