"""The calls that docs/howto/use-the-api.md shows are sent, in its order, with real ids in place of its variables."""

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from pipeline.models import Merge, Orphan, Run, Story, Upload
from tests.pipeline.web.api.programs import Program, token_for
from tests.support.factories import StoryFactory, UserFactory

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "howto" / "use-the-api.md").read_text()
CALLS = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
CSV = b"id,who,text\nT1,Ann,The calendar shows it twice.\n"


def _curl() -> ArgumentParser:
    """Return a reader of those options of curl that the page uses."""
    parser = ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("-K", choices=["token.curl"], required=True)
    parser.add_argument("-G", action="store_true")
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-X", choices=["POST", "PATCH", "PUT"])
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-F", choices=["file=@export.csv"])
    parser.add_argument("--data-binary", choices=["@piece.0000"])
    parser.add_argument("-d", "--data-urlencode", action="append", default=[])
    return parser


def send(client: Client, call: str) -> Any:
    """Send what a call of curl says."""
    said = _curl().parse_args(shlex.split(call)[1:])
    headers = dict(header.split(": ", 1) for header in said.H)
    if said.F:
        return client.post(said.address, {"file": SimpleUploadedFile("export.csv", CSV)}, headers=headers)
    if said.data_binary:
        return client.generic(said.X, said.address, CSV, headers.pop("Content-Type"), headers=headers)
    if said.G:
        query = "&".join(
            f"{name}={quote(value)}" for name, _, value in (each.partition("=") for each in said.data_urlencode)
        )
        return client.get(f"{said.address}?{query}", headers=headers)
    if not said.data_urlencode:
        return client.get(said.address, headers=headers)
    [body] = said.data_urlencode
    return client.generic(said.X, said.address, body, headers.pop("Content-Type"), headers=headers)


def test_the_page_shows_calls() -> None:
    assert len(CALLS) >= 15


def test_each_call_that_is_shown_is_understood(run: Run, program: Program, settings: Settings, tmp_path: Path) -> None:
    settings.UPLOADS_DIR, settings.HEARTBEAT_PATIENCE = str(tmp_path), 0
    UserFactory(username="alice")
    first, second = Story.objects.open().order_by("id")
    known: dict[str, object] = {
        "API": "/api/v1", "RUN": run.pk, "STORY": first.pk, "ORPHAN": Orphan.objects.waiting().get().pk,
    }  # fmt: skip
    for call in CALLS:
        for name, size in (("UPLOAD", 0), ("LARGE", 5_300_000)):
            if upload := Upload.objects.filter(whole_size=size).first():
                known[name] = upload.token
        if merge := Merge.objects.filter(rule=Merge.PERSON).first():
            known["DECISION"] = merge.pk
        filled = re.sub(r"\$([A-Z]+)", lambda name: str(known[name[1]]), call)
        filled = filled.replace('"child": 7', f'"child": {second.signature_id}')
        filled = filled.replace('"parent": 3', f'"parent": {first.signature_id}')
        answer = send(program.client, filled)
        # 409: no worker is there to start a run, nothing is missing in one that completed, no story is near the orphan
        assert answer.status_code in (200, 201, 202, 304, 409), (filled, answer.content.decode())
        if answer.status_code == 409:
            assert any(word in call for word in ('"$API/runs', "/stop", "/salvage", "/join")), answer.content.decode()


def test_the_python_that_is_shown_reads_every_page(live_server: LiveServer) -> None:
    made = [StoryFactory(conversations=1).pk for _ in range(3)]
    [shown] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(shown.replace('"limit": 200', '"limit": 2'), names)
    read = names["rows"](f"{live_server.url}/api/v1/stories", token_for(["read"]), status="all", order="updated")
    assert [row["id"] for row in read] == made
