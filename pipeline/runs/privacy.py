"""A self-test of privacy: canaries are planted, read by a language model, and looked for wherever they must not be.

The model is a server on this machine that writes down every byte it is sent, and answers with all it saw: as talkative
as a provider can be. What is planted, read and grouped is rolled back in the end, so nothing of it stays.
"""

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from pipeline.advance import advance
from pipeline.extract.chunk import read_chunk
from pipeline.ledger.counts import item_counts, unfinished_chunks
from pipeline.ledger.errors import RunError
from pipeline.models import Call, Judgement, Orphan, Run, Source, Story, Theme
from pipeline.reports.exports import KINDS, Chosen, exported, written
from pipeline.reports.run_report import html_of, report_of_run
from pipeline.reports.summary import run_summary, stories_of_run
from pipeline.review.judge.session import judge
from pipeline.runs.create import Selection, create_run
from pipeline.sources.ingest import ingest
from pipeline.sources.records import Record

CUSTOMER = "Marabel Quillfeather"

CANARIES: tuple[tuple[str, str], ...] = (
    ("email", "marabel.quillfeather@canary.example"),
    ("email", "ｍａｒａｂｅｌ＠ｃａｎａｒｙ．ｅｘａｍｐｌｅ"),  # noqa: RUF001 - wide letters are the point
    ("email", "mara\u200bbel@ca\u200cnary.example"),
    ("phone", "+44 20 7946 0123"),
    ("card", "4111 1111 1111 1111"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("ip", "203.0.113.77"),
    ("ip", "2001:db8::c0de:77"),
    ("api_key", "sk-proj-canary0123456789abcdefgh"),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJ5ZXMifQ.c2lnbmF0dXJlLW9mLWNhbmFyeQ"),
    ("secret", "C4naryPassw0rd77"),
    ("name", CUSTOMER),
)

_TEXTS = (
    "My calendar shows every event twice since I signed in as {}.",
    "The invoice for {} never arrived, please send it again.",
    "I cannot log in, the page says that {} is not known.",
)


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary where it must not be: its kind, and the place."""

    kind: str
    place: str


@dataclass(frozen=True, slots=True)
class PrivacyReport:
    """What was planted and looked at, and what leaked; `bytes_sent` is all that the server was sent."""

    canaries: int
    conversations: int
    calls: int
    bytes_sent: int
    themes: int
    titles: int
    judged: int
    batched: int
    """Questions that were handed over in a batch's file."""
    log_lines: int
    leaks: tuple[Leak, ...]
    missing: str
    """Why the test says nothing, if it does: a run in which nothing was read cannot leak."""

    @property
    def holds(self) -> bool:
        return not self.leaks and not self.missing


class _Undo(Exception):
    """Raised to roll the planted rows back."""


def privacy_selftest(extractor: str = "llm", canaries: Sequence[tuple[str, str]] = CANARIES) -> PrivacyReport:
    """Plant canaries, read them by a model that is a recorder, and return where they came to light. Leaves no row."""
    report: PrivacyReport | None = None
    with _recorder() as recorder, _asking(recorder.url), _log() as lines:
        try:
            with transaction.atomic():
                report = _planted(extractor, canaries, recorder, lines)
                raise _Undo
        except _Undo:
            pass
    assert report is not None
    return report


def _planted(
    extractor: str, canaries: Sequence[tuple[str, str]], recorder: "_Recorder", lines: list[str]
) -> PrivacyReport:
    source = Source.objects.create(kind="file", name=f"privacy-selftest-{uuid4().hex[:8]}")
    ingest(source=source, records=iter(_records(canaries)))
    run = create_run(source=source, profile="support", extractor=extractor, selection=Selection(concurrency=2))
    for chunk in unfinished_chunks(run):
        read_chunk(run_id=run.pk, epoch=run.epoch, chunk=chunk, delivery=f"selftest {chunk}")
    run = advance(run_id=run.pk)
    batched = 0
    if extractor == "llm" and run.state in Run.FINISHED:
        judge(run_id=run.pk, most=5)  # the judge is told what readers said: one more way out
        batched = _batched(source, recorder)
    titles = [f"{story.title} {story.description}" for story in stories_of_run(run)]
    themes = Theme.objects.filter(run=run)
    calls = Call.objects.filter(Q(item__run=run) | Q(judgement__run=run))
    places = {
        "the provider": b"\n".join(recorder.bodies).decode(),
        "a stored answer": "\n".join(calls.values_list("answer", flat=True)),
        "a story's title": "\n".join([*titles, *_untitled(run)]),
        "an export": _exported(run),
        "the log": "\n".join(lines),
    }
    leaks = tuple(
        Leak(kind, place) for place, text in places.items() for kind, value in canaries if _holds(text, value)
    )
    counts = item_counts(run)
    missing = "" if counts.extracted else f"nothing was read: {run.error or run.attention}"
    return PrivacyReport(
        canaries=len(canaries),
        conversations=counts.planned,
        calls=calls.count(),
        bytes_sent=sum(map(len, recorder.bodies)),
        themes=themes.count(),
        titles=len(titles),
        judged=run.judgements.exclude(state=Judgement.State.WAITING).count(),
        batched=batched,
        log_lines=len(lines),
        leaks=leaks,
        missing=missing,
    )


def _batched(source: Source, recorder: "_Recorder") -> int:
    """Have everything read once more in batches, whose files are another way out; return how many questions they had.

    The answers are not waited for: what is looked at has left by then.
    """
    selection = Selection(batch=True, force_refresh=True)
    run = create_run(source=source, profile="support", extractor="llm", selection=selection)
    before = len(recorder.bodies)
    for chunk in unfinished_chunks(run):
        read_chunk(run_id=run.pk, epoch=run.epoch, chunk=chunk, delivery=f"selftest batch {chunk}")
    return sum(body.count(b'"custom_id"') for body in recorder.bodies[before:])


def _records(canaries: Sequence[tuple[str, str]]) -> Iterator[Record]:
    """Yield conversations in threes alike, so that stories are made of them; each holds one canary, one all of them."""
    number = 0
    for kind, value in canaries:
        said = f"password: {value}" if kind == "secret" else value
        for text in _TEXTS:
            number += 1
            yield _record(number, text.format(said))
    yield _record(number + 1, "All of it: " + "; ".join(f"password: {v}" if k == "secret" else v for k, v in canaries))


def _record(number: int, text: str) -> Record:
    messages = [{"role": "customer", "author": CUSTOMER, "text": text, "created_at": ""}]
    return Record(number, f"canary-{number}", messages, customer=CUSTOMER)


def _untitled(run: Run) -> list[str]:
    """Return the names that stand where a story or orphan has no title."""
    keys = Theme.objects.filter(run=run).values_list("signature__key", "signature__title")
    waiting = Orphan.objects.filter(signature__themes__run=run).values_list("signature__key", "signature__title")
    return [str(name) for names in (*keys, *waiting) for name in names if name]


def _exported(run: Run) -> str:
    """Return what leaves as a file: exports of every kind, the run's report, and what tables and summaries hold.

    Of the tables everything a reader said but the quotes, which are the conversation.
    """
    rows = Theme.objects.filter(run=run).values("raw_signature", "category", "summary", "details", "gate_reason")
    items = run.items.values("category", "reason", "error", "error_class")
    stories = Story.objects.filter(first_run=run).values("title", "description")
    judged = run.judgements.values("verdict", "reason", "answer", "outcome", "error")
    tables = [run_summary(run).as_json(), list(rows), list(items), list(stories), list(judged)]
    files = [
        b"".join(written(exported(what, Chosen(run=run.pk) if "run" in kind.filters else Chosen()), form)).decode()
        for what, kind in KINDS.items()
        for form in ("csv", "jsonl", "md")
    ]
    report = "" if run.is_live else html_of(report_of_run(run_id=run.pk))
    return "\n".join([json.dumps(tables, default=str, ensure_ascii=False), *files, report])


def _holds(text: str, value: str) -> bool:
    """Whether a canary stands in a text, as it is or as JSON writes it, in any case."""
    text = text.casefold()
    forms = {value, json.dumps(value)[1:-1], json.dumps(json.dumps(value)[1:-1])[1:-1]}
    parts = set(value.split()) if value == CUSTOMER else set()
    return any(form.casefold() in text for form in forms | parts)


# --- The recorder ---------------------------------------------------------------------------------------------------


class _Recorder:
    """A server that keeps every body it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                bodies.append(str(self.headers).encode() + body)
                answer = _answer(json.loads(body)) if self.path.endswith("/completions") else _taken(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words: object) -> None:
                pass

        return Handler


@contextmanager
def _recorder() -> Iterator[_Recorder]:
    recorder = _Recorder()
    thread = threading.Thread(target=recorder.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.server.shutdown()
        recorder.server.server_close()
        thread.join()


def _answer(body: dict[str, Any]) -> bytes:
    """Answer with what was asked, as far as it was said: each word of the conversation comes back."""
    said = str(body["messages"][-1]["content"])
    wanted = (body.get("response_format") or {}).get("json_schema", {}).get("schema", {})
    text = next(
        (found["text"] for line in said.splitlines() if isinstance(found := _json(line), dict) and "text" in found),
        said,
    )
    content = json.dumps(_filled(wanted, str(text)), ensure_ascii=False) if wanted else '{"ok": true}'
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": len(said) // 4, "completion_tokens": 50, "total_tokens": len(said) // 4 + 50}
    return json.dumps(
        {"id": "c", "object": "chat.completion", "model": "recorder", "choices": [choice], "usage": usage}
    ).encode()


def _taken(path: str) -> bytes:
    """Say that a file was taken, or a batch ordered."""
    name = path.rstrip("/").rpartition("/")[2]
    return json.dumps({"id": f"{name}-{uuid4().hex[:8]}", "object": name, "status": "validating"}).encode()


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _filled(schema: dict[str, Any], text: str) -> Any:
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], text)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _filled(field, text) for name, field in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_filled(schema["items"], text)]
    return {"string": text[:150], "number": 0.9, "integer": 1, "boolean": True}.get(str(schema.get("type")))


# --- Around it ------------------------------------------------------------------------------------------------------

_ASKING = {"LLM_MODEL": "privacy-selftest", "LLM_API_KEY": "", "LLM_API_KEY_FILE": "", "LLM_EXTRA_BODY": {}}


@contextmanager
def _asking(url: str) -> Iterator[None]:
    """Let the settings of this process name the recorder as the model's endpoint, and no other."""
    if getattr(settings, "LLM_RECORD", "") or getattr(settings, "LLM_REPLAY", ""):
        raise RunError("LLM_RECORD or LLM_REPLAY is set, so the self-test would be recorded. Unset it first.")
    words = {**_ASKING, "LLM_BASE_URL": url}
    before = {name: getattr(settings, name) for name in words}
    try:
        for name, value in words.items():
            setattr(settings, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


@contextmanager
def _log() -> Iterator[list[str]]:
    """Collect everything that is logged here, at whatever level."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    keeper, root = Keeper(logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(keeper)
