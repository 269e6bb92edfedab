"""Record what an endpoint says, and say it again without one: LLM_RECORD names the file to write, LLM_REPLAY to read.

Below the client, where requests become bytes: so a replayed run goes through every line that a real one does, with its
retries, its faults and its dropped connections. A question is known by a hash of what was sent; questions themselves
are not in the file, answers are. One that was asked several times is answered in the same order again.
"""

import base64
import fcntl
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings

from pipeline.extract.llm.faults import RunFault

_KEPT = ("content-type", "retry-after", "retry-after-ms")


class NotRecorded(RunFault):
    """The recording has no answer to a question."""


class Recorder(httpx2.AsyncBaseTransport):
    """Sends requests on, and appends what comes back to a file, a line each; several processes may write to one."""

    def __init__(self, path: Path, inner: httpx2.AsyncBaseTransport) -> None:
        self._path, self._inner = path, inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer of the endpoint, written down; raise what broke the connection, written down too."""
        key = _key(request)
        try:
            response = await self._inner.handle_async_request(request)
            body = await response.aread()
        except httpx2.TransportError as error:
            self._write({"key": key, "error": type(error).__name__})
            raise
        headers = {name: value for name in _KEPT if (value := response.headers.get(name))}
        self._write({
            "key": key, "status": response.status_code, "headers": headers, "body": base64.b64encode(body).decode()
        })  # fmt: skip
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    def _write(self, row: dict[str, Any]) -> None:
        with self._path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # a long line may be written in pieces
            file.write(json.dumps(row).encode() + b"\n")


class Replayer(httpx2.AsyncBaseTransport):
    """Answers from a recording; NotRecorded for a question that is not in it, or not as often."""

    def __init__(self, path: Path) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        try:
            for line in path.read_text().splitlines():
                row = json.loads(line)
                self._rows[row["key"]].append(row)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotRecorded(f"the recording {path} cannot be read: {error}") from error

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the recorded answer, or raise what was recorded in its place."""
        waiting = self._rows.get(_key(request))
        if not waiting:
            raise NotRecorded(
                "the recording has no answer to this request. Have the prompt, model or data changed since it was made?"
            )
        # in the order in which they came: a question that failed first fails first again
        row = waiting.pop(0)
        if "error" in row:
            raise httpx2.ConnectError(row["error"], request=request)
        body = base64.b64decode(row["body"])
        return httpx2.Response(row["status"], headers=row["headers"], content=body, request=request)


def forget_recorded(*, is_of: Callable[[str], bool]) -> int:
    """Remove the answers that quote somebody from the recordings LLM_RECORD and LLM_REPLAY; return how many.

    `is_of` tells whether a text quotes them. The file is rewritten in its place, while nobody can append to it.
    """
    removed = 0
    for path in {Path(name) for name in (settings.LLM_RECORD, settings.LLM_REPLAY) if name}:
        if not path.is_file():
            continue
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = file.readlines()
            kept = [line for line in lines if not any(map(is_of, _texts_of(line)))]
            removed += len(lines) - len(kept)
            if len(kept) != len(lines):
                file.seek(0)
                file.writelines(kept)
                file.truncate()
    return removed


def _texts_of(line: bytes) -> Iterator[str]:
    """Yield the texts of a recorded answer, also those of JSON that stands inside a text."""
    try:
        body = base64.b64decode(json.loads(line).get("body", "")).decode()
    except ValueError:  # nothing that was recorded by us
        return
    yield from texts_in(body)


def texts_in(text: str) -> Iterator[str]:
    """Yield the strings that stand anywhere in a JSON text, or the text itself if it is no JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        yield text
        return
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield from texts_in(value) if value[:1] in ("{", "[") else [value]
        elif isinstance(value, list | dict):
            waiting += value.values() if isinstance(value, dict) else value


def _key(request: httpx2.Request) -> str:
    """Return what tells one question from another, wherever it is sent."""
    return hashlib.sha256(request.url.path.encode() + b"\n" + request.content).hexdigest()
