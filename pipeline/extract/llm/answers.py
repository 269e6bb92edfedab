"""From the bytes of an answer to what was asked for: decoded, checked, repaired only where that is safe.

Nothing here trusts the endpoint, whatever it promises of schemas. Pure: the same bytes give the same, so stored answers
are understood again at any time.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.extract.llm.faults import (
    ContentFiltered,
    CutOff,
    ErrorInside,
    NoContent,
    NotACompletion,
    Refused,
    Undecodable,
)
from pipeline.extract.llm.steps import WHOLE, Ask
from pipeline.extract.llm.wire import LISTED_AS

MOST_REPAIRED = 2_000_000
"""Characters of an answer that are repaired at most: repair takes memory and time beyond that."""

COMPLETE = "stop"
"""The finish reason of an answer that its model ended itself."""

_SHOWN = 300
_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL)  # some servers leave reasoning in the content


# --- The envelope -------------------------------------------------------------------------------------------------


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str = ""
    text: str | None = None


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    content: str | list[_Part] | None = None
    refusal: str | None = None
    reasoning: Any = None
    reasoning_content: Any = None

    @property
    def text(self) -> str | None:
        """The content as one text; some servers send it in parts."""
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content


class _Choice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    message: _Message | None = None
    finish_reason: str | None = None


class _Cached(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    cached_tokens: int | None = None


class _Usage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None


class _Completion(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes of a 200 answer, and the seconds it took from the question to the last byte."""

    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counted them; `is_known` is False where it did not say.

    Output is the larger of what it says and of total minus input: some proxies leave out the reasoning tokens that they
    charge for. Cached tokens are part of the input.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around an answer: for the ledger, whatever the answer is worth."""

    finish_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    model: str = ""


def envelope_of(body: bytes) -> Envelope:
    """Return what the bytes say of tokens and ending; nothing where they cannot be read. Never raises."""
    try:
        found = _Completion.model_validate_json(body)
    except ValueError:
        return Envelope()
    reason = found.choices[0].finish_reason if found.choices else None
    return Envelope(reason or "", _usage(found.usage), found.model or "")


def _usage(said: _Usage | None) -> Usage:
    if said is None or said.prompt_tokens is None:
        return Usage()
    given = max(said.prompt_tokens, 0)
    # see Usage: the larger of the two, so that a budget is never kept by what was not counted
    answered = max(said.completion_tokens or 0, (said.total_tokens or 0) - given, 0)
    cached = min(max((said.prompt_tokens_details and said.prompt_tokens_details.cached_tokens) or 0, 0), given)
    return Usage(given, answered, cached, is_known=bool(given or answered))


def content_of(body: bytes) -> tuple[str, bool]:
    """Return the text of an answer and whether the model ended it by itself; AnswerFault if there is none."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Undecodable(f"byte {error.start} of {len(body)} is not UTF-8") from error
    try:
        found = _Completion.model_validate_json(text)
    except ValueError as error:
        raise NotACompletion(f"{len(body)} bytes, which are not a chat completion: {_short(text)}") from error
    if found.error:
        raise ErrorInside(_short(json.dumps(found.error, ensure_ascii=False)))
    if not found.choices or found.choices[0].message is None:
        raise NoContent(f"it contains no choice: {_short(text)}")
    return _content(found.choices[0])


def _content(choice: _Choice) -> tuple[str, bool]:
    message, ended = choice.message, choice.finish_reason or ""
    assert message is not None
    if ended == "content_filter":
        raise ContentFiltered("finish_reason content_filter")
    if ended == "error":
        raise ErrorInside("finish_reason error")
    # a refusal beside a text is a remark; some servers fill both
    if message.refusal and not message.text:
        raise Refused(_short(message.refusal))
    if ended == "length":
        raise CutOff(f"finish_reason length after {len(message.text or '')} characters")
    if message.text is None:
        thought = bool(message.reasoning or message.reasoning_content)
        told = "it only reasoned; set a lower reasoning effort in LLM_EXTRA_BODY" if thought else "content is null"
        raise NoContent(f"{told}, finish_reason {ended or 'not given'}")
    return message.text, ended == COMPLETE


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


# --- The answer ---------------------------------------------------------------------------------------------------


class _Unusable(ValueError):
    """The text is not the JSON that was asked for; says why."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What an answer says of each unit, what is wrong with the others, and what had to be done to read it.

    `unasked` are units that it answers though nobody asked.
    """

    values: Mapping[str, Any]
    problems: Mapping[str, str]
    is_repaired: bool = False
    unasked: tuple[str, ...] = ()


def understand(body: bytes, ask: Ask[Any]) -> Understood:
    """Return what an answer says. AnswerFault if there is no text in it; what is wrong with the text is a problem."""
    text, is_complete = content_of(body)
    units = ask.units or (WHOLE,)
    try:
        found, is_repaired = _json_of(text, is_complete=is_complete)
        if not ask.units:
            return _understood({WHOLE: [found]}, ask, units, is_repaired=is_repaired)
        return _understood(_by_unit(found, ask.unit_field), ask, units, is_repaired=is_repaired)
    except _Unusable as error:
        return Understood({}, dict.fromkeys(units, str(error)))


def _understood(
    found: Mapping[str, list[Any]], ask: Ask[Any], units: tuple[str, ...], *, is_repaired: bool
) -> Understood:
    values, problems = {}, {}
    for unit in units:
        said = found.get(unit, [])
        # twice the same is once; twice different is none, for nobody knows which was meant
        if not said or any(other != said[0] for other in said[1:]):
            problems[unit] = f"answered {len(said)} times with different results" if said else "not answered"
            continue
        try:
            values[unit] = ask.answer.model_validate(said[0])
        except (ValidationError, RecursionError) as error:
            problems[unit] = _told(error)
    unasked = tuple(unit for unit in found if unit not in units)
    return Understood(values, problems, is_repaired, unasked)


def _told(error: Exception) -> str:
    """Return what is wrong in a line, without the text itself: it goes into the next question and into logs."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    told = [f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in error.errors(include_url=False)]
    return "; ".join(told[:5])


def _by_unit(found: Any, field_name: str) -> dict[str, list[Any]]:
    rows = found.get(LISTED_AS) if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise _Unusable(f"it contains no list `{LISTED_AS!r}`")
    by_unit: dict[str, list[Any]] = {}
    for row in rows:
        unit = row.get(field_name) if isinstance(row, dict) else None
        if isinstance(unit, str | int) and not isinstance(unit, bool):
            by_unit.setdefault(str(unit).strip(), []).append({**row, field_name: str(unit).strip()})
    return by_unit


def _json_of(text: str, *, is_complete: bool) -> tuple[Any, bool]:
    """Return the JSON in a text and whether it had to be repaired; _Unusable if it cannot be had safely."""
    if _THOUGHTS.match(text):
        text = _THOUGHTS.sub("", text)
    if not text.strip():
        raise _Unusable("it is empty")
    try:
        return _strict(text), False
    except _Unusable:
        raise  # it is JSON, and says two things at once or no number: no repair makes it say one
    except (ValueError, RecursionError) as error:
        problem = error
    # what the model did not end is cut: closing its brackets would invent an end
    if not is_complete:
        raise _Unusable("it is not JSON, and the model did not finish it")
    if len(text) > MOST_REPAIRED:
        raise _Unusable(f"it is not JSON, and its {len(text):,} characters are too many to repair")
    return _repaired(text, problem), True


def _strict(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twin = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise _Unusable(f"an object has the key {twin[:50]!r} twice")
    return found


def _no_constant(name: str) -> Any:
    raise _Unusable(f"it contains {name}, which is not a valid number")


def _repaired(text: str, problem: Exception) -> Any:
    """Return the JSON that is meant by a complete text.

    The library closes what was cut and lets the last of two equal keys win, both in silence. So a text whose brackets
    do not close is taken as cut, whatever its end says, and one in which a key stands more often than in what came out
    of it is refused.
    """
    if text.count("{") + text.count("[") > text.count("}") + text.count("]"):
        raise _Unusable(f"it is cut off: {problem}")
    from json_repair import repair_json  # few answers need it

    try:
        found = repair_json(text, return_objects=True, skip_json_loads=True)
    except (RecursionError, ValueError) as error:
        raise _Unusable(f"it is not JSON: {problem}") from error
    if not isinstance(found, dict | list) or not found:
        raise _Unusable(f"it is not JSON: {problem}")
    _refuse_doubtful(found, text)
    return found


def _refuse_doubtful(found: Any, text: str) -> None:
    """_Unusable if the repair of a text may have hidden that a key is in it twice, or left what is no number."""
    keys: Counter[str] = Counter()
    for node in _nodes(found):
        if isinstance(node, dict):
            keys.update(map(str, node))
        elif isinstance(node, float) and not math.isfinite(node):
            raise _Unusable("it contains an invalid number")
    for key, count in keys.items():
        if len(re.findall(rf"[\"'\s{{,]{re.escape(key)}[\"']?\s*:", text)) > count:
            raise _Unusable(f"it is not JSON, and may have the key {key[:50]!r} twice")


def _nodes(found: Any) -> Iterator[Any]:
    """Yield everything in a JSON value, itself first, without recursion."""
    waiting = [found]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
