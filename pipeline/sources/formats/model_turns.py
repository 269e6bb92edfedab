"""Logs of what a language model was asked and answered: runs, traces and spans, as observability tools export them.

Every tool calls its fields something else, but all of them log one turn an object: what went in, what came out, and
which session it was in. The input mostly repeats all that was said before, and a run within a run repeats the outer
one. So the turns of a session are gathered, and of each only what is new is read.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Found, Options, Stream, limit
from pipeline.sources.formats.json_objects import JsonFormat, Rows, say_mapped, time_reader, too_long
from pipeline.sources.records import Reject
from pipeline.sources.understanding.column_names import NAMES, compact
from pipeline.sources.understanding.gathering import Gathered, order_of
from pipeline.sources.understanding.roles import BOT, CUSTOMER, SYSTEM, role_of
from pipeline.sources.understanding.threads import Said, Thread, record_of, text_of, word
from pipeline.sources.understanding.times import TimeReader

_INPUTS = (
    "inputmessages", "promptmessages", "messages", "inputs", "input", "prompt", "prompts", "question", "query",
    "request", "userinput",
)  # fmt: skip
_OUTPUTS = (
    "outputmessages", "completionmessages", "outputs", "output", "completion", "completions", "answer", "response",
    "responses", "generation", "generations", "reply", "result",
)  # fmt: skip
"""What a turn's two sides are called, the surest first."""

_SESSIONS = (
    "conversationid", "threadid", "chatid", "dialogid", "dialogueid", "chatsessionid", "gesprachid", "unterhaltungid",
    "sessionid", "sessionidentifier",
)  # fmt: skip
"""What names the conversation of a turn; a session comes last, since some tools call a whole project one."""

_USERS = ("enduserid", "userid", "customerid", "enduser", "user", "username")
_RUNS = ("traceid", "runid", "rootrunid")
_OUTER = ("parentrunid", "parentid", "parentspanid", "parentobservationid", "parentspan")
_KINDS = frozenset(("runtype", "spankind", "openinferencespankind", "observationtype", "kind", "type"))
_NOT_SPOKEN = frozenset(
    "tool retriever retrieval embedding reranker parser guardrail evaluator event function scorer".split()  # noqa: SIM905
)
"""Kinds of runs in which nobody speaks: a search repeats the question, and gives back pages."""

DEEP = 4
"""How deep in an object its sides and ids are looked for: `extra.metadata.thread_id`."""


class ModelTurns(JsonFormat):
    name = "turns of a language model"
    says = {"text": "what went in and what came out", "conversation": "session"}

    def fits(self, found: Found) -> float:
        """Return how sure it is that an object is a turn. Texts beside each other may be any questions and answers."""
        found = nested(found)
        given, answer = _side(found, _INPUTS), _side(found, _OUTPUTS)
        leaves = _leaves(found)
        is_of_a_run = bool(_first(leaves, _RUNS) or _first(leaves, _OUTER))
        is_kept_whole = any(isinstance(each, Mapping | list) for each in (given, answer))
        if not _first(leaves, _SESSIONS) and not is_of_a_run:
            return 0.0
        if _is_unspoken(leaves) and given is not None:
            return 0.5 if is_of_a_run else 0.0
        if given is None or answer is None or not (is_of_a_run or is_kept_whole):
            return 0.0
        return 0.95 if _said_in(given, CUSTOMER) and _said_in(answer, BOT) else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        clock = time_reader(options)
        say_mapped(stream.summary, self.name, options.mapping, takes=False)
        unspoken = 0
        with Gathered() as gathered:
            for each in self.objects(stream, options):
                if isinstance(each, Reject):
                    yield each
                    continue
                element, part, given = each
                found = nested(given)
                leaves = _leaves(found)
                turn = [] if _is_unspoken(leaves) else _turn_of(found)
                unspoken += not turn
                if not turn:
                    continue
                run = _first(leaves, _RUNS) or word(found.get("id")) or str(element.number)
                begun, ended = _times(found, clock)
                thing = {
                    "line": element.number, "part": part.label, "turn": turn, "run": run,
                    "is_inner": bool(_first(leaves, _OUTER)), "begun": begun, "ended": ended or begun,
                    "user": _first(leaves, _USERS),
                }  # fmt: skip
                gathered.add(_first(leaves, _SESSIONS) or run, thing, order=order_of(clock.read(begun)))
            if unspoken:
                stream.summary.note(
                    f"Left out: {counted(unspoken, 'run')} in which nobody speaks: of searches, of tools."
                )
            repeated = 0
            for name, things in gathered.groups(limit()):
                if things is None:
                    yield too_long(name)
                    continue
                thread, again = _conversation(name, things)
                repeated += again
                yield record_of(thread, clock)
            if repeated:
                stream.summary.note(f"Read once: {counted(repeated, 'message')} that later runs repeat.")


def _conversation(name: str, things: Sequence[Mapping[str, Any]]) -> tuple[Thread, int]:
    """Return the conversation that the turns of a session make, and how many messages were repeated in them.

    A run within a run is read only where the outer one says nothing.
    """
    outer = {thing["run"] for thing in things if not thing["is_inner"]}
    said: list[Said] = []
    repeated = 0
    for thing in things:
        turn = [Said(text, role) for role, text in thing["turn"]]
        if thing["is_inner"] and thing["run"] in outer:
            continue
        new = turn[_known(said, turn) :]
        repeated += len(turn) - len(new)
        for each in new:
            each.at = thing["ended"] if each.role == BOT else thing["begun"]
        said += new
    user = Counter(thing["user"] for thing in things if thing["user"]).most_common(1)
    return Thread(
        said, external_id=name, customer=user[0][0] if user else None, at=things[0]["begun"], is_gathered=False,
        line=things[0]["line"], part=things[0]["part"],
    ), repeated  # fmt: skip


def _known(said: Sequence[Said], turn: Sequence[Said]) -> int:
    """Return how many of the first messages of a turn the conversation has already, as its last ones.

    The input may hold the whole history, or the last part of it, with another instruction before it each time.
    """
    heard = [(each.role, " ".join(each.text.split())) for each in said if each.role != SYSTEM]
    told = [(each.role, " ".join(each.text.split())) for each in turn]
    start = next((place for place, (role, _) in enumerate(told) if role != SYSTEM), len(told)) if heard else 0
    bare = told[start:]
    lengths = range(min(len(heard), len(bare)), 0, -1)
    return start + next((length for length in lengths if heard[-length:] == bare[:length]), 0)


def _turn_of(found: Found) -> list[tuple[str, str]]:
    """Return what was said in a turn, as roles and texts: what went in, and then what came out."""
    given = _said_in(_side(found, _INPUTS), CUSTOMER)
    answer = _said_in(_side(found, _OUTPUTS), BOT)
    if answer[: len(given)] == given:
        return answer  # a graph gives back all of its state
    return [*given, *answer] if answer else given


def nested(found: Found) -> dict[str, Any]:
    """Return an object whose keys are paths, as `llm.input_messages.0.message.content`, with the objects they mean.

    Texts that hold JSON are read, too. What is nested already stays so.
    """
    whole: dict[str, Any] = {}
    for key, value in found.items():
        value = _parsed(value)
        steps = str(key).split(".")
        here = whole
        for step in steps[:-1]:
            inner = here.get(step)
            if not isinstance(inner, dict):
                # `input` beside `input.value`: the one that says more stays
                inner = here[step] = {"value": inner} if isinstance(inner, str) else {}
            here = inner
        if isinstance(value, Mapping):
            value = nested(value)
        if not isinstance(here.get(steps[-1]), dict):
            here[steps[-1]] = value
    return {key: _as_lists(value) for key, value in whole.items()}


def _as_lists(value: Any) -> Any:
    """Return an object whose keys count from 0 as the list that it stands for, in itself and all within it."""
    if not isinstance(value, dict):
        return value
    inner = {key: _as_lists(each) for key, each in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _parsed(value: object) -> object:
    """Return the JSON that a text holds, as cells and attributes carry it; any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") and value.rstrip()[-1:] in ("]", "}"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _side(found: Mapping[str, Any], names: Sequence[str]) -> object:
    """Return one side of a turn: of the keys that are called so the surest, of two alike the outer one."""
    ranks = {name: rank for rank, name in enumerate(names)}
    # messages say more than one text, though they may stand a level deeper
    ranked = [
        (not name.endswith("messages"), depth, ranks[name], value)
        for depth, key, value in _walk(found)
        if (name := compact(key)) in ranks and value and isinstance(value, str | list | Mapping)
    ]
    return min(ranked, key=lambda each: each[:3])[3] if ranked else None


def _walk(found: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[int, str, Any]]:
    """Yield the keys and values of an object and of those in it, with their depth; nothing of what was said."""
    inner = []
    for key, value in found.items():
        yield depth, str(key), value
        if isinstance(value, Mapping) and depth < DEEP and compact(str(key)) not in _SIDES:
            inner.append(value)
    for each in inner:
        yield from _walk(each, depth + 1)


_SIDES = frozenset((*_INPUTS, *_OUTPUTS)) - {"request", "response"}


def _leaves(found: Mapping[str, Any], outer: str = "", depth: int = 0) -> dict[str, str]:
    """Return the plain values in an object by their names, and by the name of what holds them too: `session.id`."""
    names: dict[str, str] = {}
    inner = []
    for key, value in found.items():
        name = compact(str(key))
        if isinstance(value, Mapping):
            if depth < DEEP and name not in _SIDES:
                inner.append((name, value))
        elif own := word(value):
            names.setdefault(name, own)
            names.setdefault(outer + name, own)
    for name, value in inner:
        for key, own in _leaves(value, name, depth + 1).items():
            names.setdefault(key, own)
    return names


def _first(leaves: Mapping[str, str], names: Sequence[str]) -> str:
    return next((leaves[name] for name in names if name in leaves), "")


def _is_unspoken(leaves: Mapping[str, str]) -> bool:
    """Return whether a run with these plain values is of a kind in which nobody speaks."""
    return any(leaves.get(name, "").casefold() in _NOT_SPOKEN for name in _KINDS)


def _times(found: Found, clock: TimeReader) -> tuple[str, str]:
    """Return when a turn began and ended, as it is written; nothing where that is not said."""
    given = {compact(str(key)): value for key, value in found.items()}
    begun = next((word(given[name]) for name in ("starttime", *NAMES["created_at"]) if clock.read(given.get(name))), "")
    ended = next((word(given[name]) for name in ("endtime", "endedat", "completedat") if given.get(name)), "")
    return begun, ended


# --- What a value says -------------------------------------------------------------------------------------------


def _said_in(value: object, role: str) -> list[tuple[str, str]]:
    """Return what was said in one side of a turn, as roles and texts; a bare text is of `role`.

    The shapes are those of the makers of models and of the libraries that call them: lists of messages, lists of such
    lists (batches, of which there is one), pairs of role and text, choices, candidates, generations.
    """
    value = _parsed(value)
    if isinstance(value, str):
        return [(role, value)] if value.strip() else []
    if isinstance(value, list):
        return _said_in_list(value, role)
    return _said_in_object(value, role) if isinstance(value, Mapping) else []


def _said_in_list(value: Sequence[object], role: str) -> list[tuple[str, str]]:
    """Return what a list of messages says, or of pairs of role and text, or the first of a batch of such lists."""
    batch = [each for each in value if isinstance(each, list)]
    if batch and len(batch) == len(value):
        pairs = [(_role(each[0]), each[1]) for each in batch if _is_pair(each)]
        return pairs if len(pairs) == len(batch) else _said_in(batch[0], role)
    return [said for each in value for said in _said_in(each, role)]


def _said_in_object(value: Mapping[str, Any], role: str) -> list[tuple[str, str]]:
    """Return what an object says: it is a message, holds one, or holds a list of them."""
    inner = value.get("kwargs") or value.get("data") or value.get("message")
    if isinstance(inner, Mapping) and not value.keys() & {"role", "content"}:
        return _said_in({"type": value.get("type"), **inner} if "data" in value else inner, role)
    said_by = _role(value.get("role") or value.get("author") or value.get("type"))
    if said_by == "tool":
        return []
    if text := text_of(value.get("content") or value.get("parts") or value.get("text")):
        return [(said_by or role, text)]
    names = (*_WITHIN, *(_INPUTS if role == CUSTOMER else _OUTPUTS))
    ranks = {name: rank for rank, name in reversed(list(enumerate(names)))}
    inside = sorted((ranks[name], str(key)) for key in value if (name := compact(str(key))) in ranks)
    return next((said for _, key in inside if (said := _said_in(value[key], role))), [])


_WITHIN = ("messages", "content", "choices", "candidates", "generations", "contents", "value", "text", "outputtext")


def _is_pair(value: Sequence[object]) -> bool:
    return len(value) == 2 and all(isinstance(each, str) for each in value) and bool(_role(value[0]))


def _role(value: object) -> str:
    """Return the role that a word for one means here: `human`, `ai`, `model`; `tool` for what no person says."""
    name = word(value).casefold()
    if name in ("tool", "function", "tool_result", "function_call"):
        return "tool"
    if name in ("ai", "assistant", "model", "chatbot", "aimessage", "ai_message"):
        return BOT
    if name in ("developer", "system"):
        return SYSTEM
    return (role_of(name) or "") if name not in ("text", "constructor", "message") else ""
