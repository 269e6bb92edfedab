"""A language model's endpoint: a real HTTP server that answers by what each conversation's text tells it.

It speaks OpenAI's chat completions. A conversation whose customer writes `name=calendar_sync_fails` is answered with a
theme of that name, so that seeded spelling twins come out as a model would spell them; `says=cut,ok` chooses faults for
the first questions about that text, one after the other, after which all is well. Whatever the schema asks for beyond
that is filled in. Each question leaves an `Asked`, so that tests see what was sent and what was paid for.
"""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

_WORD = re.compile(r"(\w+)=(\S+)")
TOKEN = 4  # bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it came: what the customer wrote in it, and how it was answered."""

    text: str
    body: dict[str, Any]
    key: str
    fault: str
    began: float
    ended: float
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_paid(self) -> bool:
        """Whether a provider would charge for the answer: it computed one."""
        return self.fault not in UNPAID


@dataclass
class Reply:
    """What goes back on the wire."""

    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    drip: float = 0.0  # seconds between the bytes
    cut_after: int | None = None  # bytes after which the connection ends


@dataclass
class Model:
    """The server's state: `seconds` an answer takes, `faults` for the next questions whatever they ask."""

    url: str = ""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    takes: Callable[[dict[str, Any]], str] = lambda body: ""  # what of a body it refuses; empty: nothing
    says: Callable[[dict[str, Any]], str | None] = lambda body: None  # the words of an answer of the test's own
    under_way: int = 0
    most_under_way: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)  # of the files, which stay here so that tests see what was sent
    batches: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 1  # at a batch before it is done
    orders_cut: int = 0  # so many orders of a batch are taken, and the connection ends before that is said
    lists_batches: bool = True
    deletes_refused: int = 0  # so many files are not deleted when that is asked for
    cancelled: list[str] = field(default_factory=list)

    def kept(self) -> set[str]:
        """Return the names of the files that the provider still has."""
        return set(self.files) - self.deleted

    def paid(self) -> Counter[str]:
        """Return how many answers were paid for, by the conversation's text."""
        return Counter(asked.text for asked in self.asked if asked.is_paid and asked.text)


@contextmanager
def language_model(seconds: float = 0.0, port: int = 0) -> Iterator[Model]:
    """Listen on a free port of this machine, in a thread with an event loop of its own."""
    model = Model(seconds=seconds)
    loop = asyncio.new_event_loop()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(lambda reader, writer: _serve(model, reader, writer), "127.0.0.1", port)

    server = loop.run_until_complete(listen())
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(240)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    mine = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in mine:
        task.cancel()
    await asyncio.gather(*mine, return_exceptions=True)


async def _serve(model: Model, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            content = await reader.readexactly(int(headers.get("content-length", 0)))
            if not await _answer(model, writer, lines[0], headers, content):
                break
    writer.close()
    with suppress(ConnectionError, asyncio.CancelledError):
        await writer.wait_closed()


async def _answer(
    model: Model, writer: asyncio.StreamWriter, line: str, headers: dict[str, str], content: bytes
) -> bool:
    """Answer one request; return whether the connection may be used again."""
    began = time.monotonic()
    if "/chat/completions" not in line and (reply := _of_batches(model, line, content)):
        return await _write(writer, reply)
    body = json.loads(content or b"{}")
    text = customer_text(body)
    fault = "elsewhere" if "/chat/completions" not in line else _fault(model, body, text)
    model.under_way += 1
    model.most_under_way = max(model.most_under_way, model.under_way)
    try:
        if model.seconds and fault not in UNPAID:
            await asyncio.sleep(model.seconds)
        own = model.says(body) if fault == "ok" else None
        reply = FAULTS.get(fault, plain)(body, text) if own is None else counted(completion(own), body)
    finally:
        model.under_way -= 1
    key = headers.get("authorization", "").removeprefix("Bearer ")
    model.asked.append(Asked(text, body, key, fault, began, time.monotonic(), line.split(" ")[1], headers))
    return await _write(writer, reply)


def _of_batches(model: Model, line: str, content: bytes) -> Reply | None:
    """Answer what is asked about files and batches. The fault `unanswered` has its batch expire without that line."""
    method, path, _ = line.split(" ", 2)
    match method, path.partition("?")[0].removeprefix("/v1").strip("/").split("/"):
        case "POST", ["files"]:
            rows = [json.loads(text) for text in content.decode().splitlines() if text.startswith("{")]
            return _object({"id": _keep(model, rows), "object": "file", "purpose": "batch"})
        case "POST", ["batches"]:
            rows = model.files[json.loads(content)["input_file_id"]]
            answers = [answer for row in rows if (answer := _line(model, row))]
            status = "completed" if len(answers) == len(rows) else "expired"
            name = f"batch-{len(model.batches)}"
            of = {"input_file_id": json.loads(content)["input_file_id"], "output_file_id": _keep(model, answers)}
            model.batches.append({"id": name, "object": "batch", "status": status, "looks": 0, **of})
            if model.orders_cut:
                model.orders_cut -= 1
                return Reply(b"", cut_after=0)
            return _object({**model.batches[-1], "status": "validating"})
        case "GET", ["batches"] if model.lists_batches:
            return _object({"object": "list", "data": model.batches[::-1], "has_more": False})
        case "POST", ["batches", name, "cancel"]:
            model.cancelled.append(name)
            return _object({"id": name, "object": "batch", "status": "cancelling"})
        case "GET", ["batches", name]:
            batch = next(each for each in model.batches if each["id"] == name)
            batch["looks"] += 1
            return _object(batch if batch["looks"] > model.looks else {**batch, "status": "in_progress"})
        case _, ["files", name, *_]:
            return _of_file(model, method, name)
    return None


def _of_file(model: Model, method: str, name: str) -> Reply:
    if name not in model.kept():
        return _error(404, message="no such file")({}, "")
    if method == "GET":
        return Reply(b"".join(json.dumps(row).encode() + b"\n" for row in model.files[name]))
    if model.deletes_refused:
        model.deletes_refused -= 1
        return _error(500, message="try later")({}, "")
    model.deleted.add(name)
    return _object({"id": name, "object": "file", "deleted": True})


def _object(found: dict[str, Any]) -> Reply:
    return Reply(json.dumps(found).encode())


def _keep(model: Model, rows: list[dict[str, Any]]) -> str:
    name = f"file-{len(model.files)}"
    model.files[name] = rows
    return name


def _line(model: Model, row: dict[str, Any]) -> dict[str, Any] | None:
    """Return the line of a batch's answers for one of its questions; None for one it leaves out."""
    text = customer_text(row["body"])
    fault, now = _fault(model, row["body"], text), time.monotonic()
    model.asked.append(Asked(text, row["body"], "", fault, now, now))
    if fault == "unanswered":
        return None
    reply = FAULTS[fault](row["body"], text)
    answer = {"status_code": reply.status, "body": json.loads(reply.content)}
    return {"custom_id": row["custom_id"], "response": answer, "error": None}


def _fault(model: Model, body: dict[str, Any], text: str) -> str:
    if refused := model.takes(body):
        return f"refuses {refused}"
    if model.faults:
        return model.faults.pop(0)
    script = dict(_WORD.findall(text)).get("says", "ok").split(",")
    place = model.answered[text]
    model.answered[text] += 1
    return script[place] if place < len(script) else "ok"


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    if reply.cut_after == 0:
        return False
    head = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in reply.headers.items())]
    head += [f"Content-Length: {len(reply.content)}", "", ""]
    writer.write("\r\n".join(head).encode("latin-1"))
    if reply.drip:
        for place in range(len(reply.content)):
            writer.write(reply.content[place : place + 1])
            await writer.drain()
            await asyncio.sleep(reply.drip)
    writer.write(reply.content[: reply.cut_after] if not reply.drip else b"")
    await writer.drain()
    return reply.cut_after is None


# --- What is said -------------------------------------------------------------------------------------------------


def customer_text(body: dict[str, Any]) -> str:
    """Return the first message of the conversation in a question; empty if there is none in it."""
    for message in body.get("messages", []):
        for line in str(message.get("content", "")).splitlines():
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and found.get("message") == 1:
                    return str(found["text"])
    return ""


def schema_in(body: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a question asks for, from where it stands: its own place, or a message."""
    wanted = body.get("response_format") or {}
    if "json_schema" in wanted:
        found: dict[str, Any] = wanted["json_schema"]["schema"]
        return found
    for message in body.get("messages", []):
        if "JSON schema:\n" in (text := str(message["content"])):
            return dict(json.loads(text.split("JSON schema:\n", 1)[1].splitlines()[0]))
    return {}


def answer_for(body: dict[str, Any], text: str) -> dict[str, Any]:
    """Return what a good model answers: by the words of the text where it is about support, else any valid value."""
    said = dict(_WORD.findall(text))
    schema = schema_in(body)
    found: dict[str, Any] = _filled(schema, said) if schema else {}
    if "themes" in schema.get("properties", {}):
        theme = schema["properties"]["themes"]["items"]
        category = said.get("category", "product_issue")
        names = said.get("name", "unnamed_problem").split("+")
        words = {"category": category, "summary": f"Problem {said.get('problem', 0)}.", "confidence": 0.9}
        found["category"] = category
        found["themes"] = [{**_filled(theme, said), **words, "signature": name, "quotes": [text]} for name in names]
    return found


def _filled(schema: dict[str, Any], said: dict[str, str]) -> Any:
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], said)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: _filled(field, said) for name, field in schema["properties"].items()}
    if kind == "array":
        item = schema["items"]
        units = [
            name
            for name, field in item.get("properties", {}).items()
            if len(field.get("enum", [])) and name in ("unit", "verse")
        ]
        if units:
            return [{**_filled(item, said), units[0]: unit} for unit in item["properties"][units[0]]["enum"]]
        return [_filled(item, said)]
    return {"string": "said", "number": 0.5, "integer": 1, "boolean": True, "null": None}[str(kind)]


def completion(text: object, finish: str | None = "stop", usage: bool = True, **message: Any) -> bytes:
    """Return the body of an answer."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    answered = len(text) // TOKEN if isinstance(text, str) else 40
    counted = {"prompt_tokens": 100, "completion_tokens": answered, "total_tokens": 100 + answered}
    found = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "fake", "choices": [choice]}
    return json.dumps({**found, "usage": counted if usage else None}).encode()


def _said(body: dict[str, Any], text: str) -> str:
    return json.dumps(answer_for(body, text), ensure_ascii=False)


def plain(body: dict[str, Any], text: str) -> Reply:
    """Answer well."""
    return counted(completion(_said(body, text)), body)


def counted(content: bytes, body: dict[str, Any]) -> Reply:
    """Return an answer that counts the tokens of its question, if it counts any."""
    found = json.loads(content)
    if usage := found["usage"]:
        usage["prompt_tokens"] = given = len(json.dumps(body, ensure_ascii=False).encode()) // TOKEN
        usage["total_tokens"] = given + usage["completion_tokens"]
    return Reply(json.dumps(found).encode())


def _mangled(change: Callable[[str], str], **words: Any) -> Callable[[dict[str, Any], str], Reply]:
    return lambda body, text: counted(completion(change(_said(body, text)), **words), body)


def _bytes(content: bytes, kind: str = "application/json", status: int = 200) -> Callable[[dict[str, Any], str], Reply]:
    return lambda body, text: Reply(content, status, {"Content-Type": kind})


def _error(
    status: int, code: str | None = None, type: str = "error", message: str = "no", **headers: str
) -> Callable[[dict[str, Any], str], Reply]:
    content = json.dumps({"error": {"message": message, "type": type, "code": code}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda body, text: Reply(content, status, {"Content-Type": "application/json", **named})


def _limit_by_date(body: dict[str, Any], text: str) -> Reply:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    return _error(429, "rate_limit_exceeded", Retry_After=at)(body, text)


def _changed(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any], str], Reply]:
    """Answer with a value in which something is wrong."""

    def answer(body: dict[str, Any], text: str) -> Reply:
        found = answer_for(body, text)
        change(found)
        return Reply(completion(json.dumps(found)))

    return answer


def _rows(found: dict[str, Any]) -> list[Any]:
    return next((value for value in found.values() if isinstance(value, list)), [])


def _wrong_enum(found: dict[str, Any]) -> None:
    found["category"] = "no_such_category"


def _latin1(body: dict[str, Any], text: str) -> Reply:
    content = json.dumps(json.loads(completion(_said(body, text + " caf\u00e9"))), ensure_ascii=False)
    return Reply(content.replace("caf\\u00e9", "caf\u00e9").encode("latin-1", "replace"))


FAULTS: dict[str, Callable[[dict[str, Any], str], Reply]] = {
    "ok": plain,
    "cut": _mangled(lambda said: said[: len(said) * 2 // 3]),
    "length": _mangled(lambda said: said[: len(said) // 2], finish="length"),
    "stray_quote": _mangled(lambda said: re.sub(r"(\"confidence\": [\d.]+)", r'\1"', said)),
    "single_quotes": _mangled(lambda said: said.replace("'", "").replace('"', "'")),
    "fences": _mangled(lambda said: f"```json\n{said}\n```"),
    "prose": _mangled(lambda said: f"Of course. Here is what I found:\n\n{said}\n\nDo you need anything else?"),
    "wrong_enum": _changed(_wrong_enum),
    "missing": _changed(lambda found: _rows(found)[:1] and _rows(found).pop()),
    "duplicate": _changed(lambda found: _rows(found).append({**_rows(found)[0], "reason": "other"})),
    "twice_the_key": _mangled(lambda said: said.replace("{", '{"category": "spam", ', 1)),
    "nan": _mangled(lambda said: re.sub(r'"confidence": [\d.]+', '"confidence": NaN', said)),
    "blank": _mangled(lambda said: ""),
    "invented_quote": _changed(lambda found: [row.update(quotes=["nobody said this"]) for row in _rows(found)]),
    "refusal": lambda body, text: Reply(completion(None, refusal="I can't help with that.")),
    "refusal_in_words": lambda body, text: Reply(completion("I'm sorry, but I can't help with that.")),
    "null": lambda body, text: Reply(completion(None)),
    "reasoning_only": lambda body, text: Reply(completion(None, reasoning_content="They write about ...")),
    "filtered": lambda body, text: Reply(completion("", finish="content_filter")),
    "choices_null": _bytes(b'{"id": "x", "choices": null, "usage": {"prompt_tokens": 9, "completion_tokens": 0}}'),
    "choices_none": _bytes(b'{"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 0}}'),
    "usage_null": lambda body, text: Reply(completion(_said(body, text), usage=False)),
    "latin1": _latin1,
    "html": _bytes(b"<html><body><h1>It works!</h1></body></html>", "text/html"),
    "nothing": _bytes(b""),
    "error_inside": _bytes(b'{"error": {"code": 502, "message": "Provider returned error"}, "user_id": "u"}'),
    "drip": lambda body, text: Reply(completion(_said(body, text)), drip=0.2),
    "content_filter": _error(400, "content_filter", "invalid_request_error"),
    "too_long": _error(400, "context_length_exceeded", "invalid_request_error"),
    "rejected": _error(422, "invalid", "invalid_request_error"),
    "no_key": _error(401, "invalid_api_key", message="Incorrect API key provided: sk-test-secret-key"),
    "no_money": _error(402, None),
    "no_quota": _error(429, "insufficient_quota", "insufficient_quota"),
    "no_model": _error(404, "model_not_found"),
    "no_deployment": _error(404, "DeploymentNotFound", message="The API deployment for this resource does not exist."),
    "no_such_tag": _bytes(b'{"error": "model \'fake-model\' not found"}', status=404),
    "page_not_found": _bytes(b"404 page not found", "text/plain", 404),
    "not_found_page": _bytes(b"<html><title>404 Not Found</title></html>", "text/html", 404),
    "detail_not_found": _bytes(b'{"detail": "Not Found"}', status=404),
    "resource_not_found": _error(404, "404", message="Resource not found"),
    "flagged": _bytes(
        json.dumps(
            {
                "error": {
                    "code": 403,
                    "message": "The model requires moderation, and the input was flagged.",
                    "metadata": {"reasons": ["violence"], "flagged_input": "...", "provider_name": "somebody"},
                }
            }
        ).encode(),
        status=403,
    ),
    "limit": _error(429, "rate_limit_exceeded", "requests", "INSUFFICIENT QUOTA for this minute", Retry_After="1"),
    "limit_by_date": _limit_by_date,
    "limit_without_a_word": _error(429, "rate_limit_exceeded"),
    "wait_an_hour": _error(429, "rate_limit_exceeded", Retry_After="3600"),
    "busy": _error(503, "overloaded", Retry_After="1"),
    "broken": _error(500),
    "hangs_up": lambda body, text: Reply(b"", cut_after=0),
    "hangs_up_halfway": lambda body, text: Reply(completion(_said(body, text)), cut_after=40),
    "elsewhere": _error(404),
}

UNPAID = frozenset({
    "content_filter", "too_long", "rejected", "no_key", "no_money", "no_quota", "no_model", "limit", "limit_by_date",
    "limit_without_a_word", "unanswered", "wait_an_hour", "busy", "broken", "hangs_up", "elsewhere", "no_deployment",
    "no_such_tag", "page_not_found", "not_found_page", "detail_not_found", "resource_not_found", "flagged",
})  # fmt: skip


def _refuses(word: str) -> Callable[[dict[str, Any], str], Reply]:
    return _error(400, "unsupported_parameter", "invalid_request_error", f"Unsupported parameter: '{word}'")


for _name in (
    "max_tokens",
    "temperature",
    "seed",
    "response_format",
    "strict",
    "json_schema",
    "json_object",
    "something",
):
    FAULTS[f"refuses {_name}"] = _refuses(_name)
