"""The command: what it prints, where rejects go, how it ends, what it costs."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from pipeline.models import Conversation, Source
from tests.support.commands import Captured, manage

pytestmark = pytest.mark.django_db

only_on_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")

GOOD = '{"id": "a", "text": "Hello"}\n'


def environment() -> dict[str, str]:
    """Return the environment of a process that works on the test database."""
    name = str(connection.settings_dict["NAME"])
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE": name}


def run(*words: str | Path, folder: Path, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run the command as people do."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "import_conversations", *map(str, words)]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=folder, env=environment(), check=False)


def rejects(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_prints_the_counts(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text(GOOD)
    call_command("import_conversations", str(path), "--name", "march")
    said = capsys.readouterr().out
    assert "Recognised as conversations (1), id = id, text = text.\n" in said
    assert f"Imported {path}: 1 new, 0 updated, 0 unchanged, 0 rejected\n" in said
    assert Source.objects.get().name == "march"
    assert not Path(f"{path}.rejects.jsonl").exists()


def test_it_tells_what_it_did_not_read_in_a_folder(tmp_path: Path, capsys: Captured) -> None:
    """What has no conversations is told apart from what may have some, but not in a vendor's own shape."""
    days = [{"type": "message", "user": "U1", "text": "The bell is silent", "ts": "1777709000.0"}]
    (tmp_path / "2026-05-02.json").write_text(json.dumps(days))
    (tmp_path / "canvases.json").write_text(json.dumps([{"title": "Phone", "body": "How we answer the phone"}]))
    (tmp_path / "logo.txt").write_text("<><><><>")
    call_command("import_conversations", str(tmp_path), "--dry-run")
    said = " ".join(capsys.readouterr().out.split())
    assert "Skipped because they contain no conversations: logo.txt." in said
    assert "only accompany the others (Slack export): canvases.json. If they contain conversations, import them" in said


def test_it_lists_rejects_beside_the_file_and_ends_with_3(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text(GOOD + "oops\n" + '{"id": 5}\n' + GOOD)
    with pytest.raises(CommandError, match=r"export\.jsonl\.rejects\.jsonl") as ended:
        call_command("import_conversations", str(path))
    assert ended.value.returncode == 3
    said = capsys.readouterr().out
    assert "1 new, 0 updated, 0 unchanged, 3 rejected\n" in said
    assert (
        "1 x no text (line 3): nothing to read was found there; if there is text, choose its field or column with"
        in said
    )
    assert rejects(tmp_path / "export.jsonl.rejects.jsonl") == [
        {"line": 2, "unit": "line", "reason": "broken JSON: expected value at column 1", "raw": "oops"},
        {"line": 3, "unit": "line", "reason": "no text", "id": "5", "raw": '{"id": 5}'},
        {"line": 4, "unit": "line", "reason": "duplicate id: already in line 1", "id": "a", "raw": GOOD.strip()},
    ]


def test_it_replaces_the_rejects_of_an_earlier_import(tmp_path: Path) -> None:
    path, listed = tmp_path / "export.jsonl", tmp_path / "export.jsonl.rejects.jsonl"
    for content, count in (("{1\n{2\n", 2), ("{1\n", 1), (GOOD, 0)):
        path.write_text(content)
        if count:
            with pytest.raises(CommandError):
                call_command("import_conversations", str(path))
            assert len(rejects(listed)) == count
        else:
            call_command("import_conversations", str(path))
    assert [each.name for each in tmp_path.iterdir()] == ["export.jsonl"]


@only_on_linux
def test_it_says_where_the_rejects_are_if_not_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "export.jsonl"
    path.write_text("{oops\n")
    with path.open() as file, pytest.raises(CommandError, match="Rejected rows and why: ") as ended:
        call_command("import_conversations", f"/proc/self/fd/{file.fileno()}")  # not even root writes there
    elsewhere = Path(str(ended.value).removeprefix("Rejected rows and why: "))
    assert rejects(elsewhere)[0]["raw"] == "{oops"


@pytest.mark.parametrize("content", [None, b"just words"])
def test_it_ends_with_1_and_one_sentence_if_there_is_nothing_to_read(
    tmp_path: Path, capsys: Captured, content: bytes | None
) -> None:
    path = tmp_path / "export"
    if content:
        path.write_bytes(content)
    assert manage("import_conversations", str(path)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert str(path) in said.err


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_it_reads_standard_input(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    ended = run("-", folder=tmp_path, stdin=pack(GOOD.encode() + b"{oops\n"))
    assert ended.returncode == 3, ended.stderr
    assert b"1 new, 0 updated, 0 unchanged, 1 rejected\n" in ended.stdout
    assert Conversation.objects.get().source.name == "stdin"
    assert rejects(tmp_path / "stdin.rejects.jsonl")[0]["line"] == 2


def test_it_takes_the_names_of_columns(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "t.csv").write_text("ticket,body\n7,Hello\n")
    words = ("import_conversations", str(tmp_path / "t.csv"), "--id-column", "ticket", "--text-column", "body")
    assert manage(*words) == 0
    assert "1 new, 0 updated, 0 unchanged, 0 rejected\n" in capsys.readouterr().out


MEASURE = """
import re, sys, django
from config import embedded
embedded.hold()
django.setup()
from pipeline.sources.ingest import Import, import_files
print(import_files(Import((sys.argv[1],))).counts, re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def peak_megabytes(path: Path) -> float:
    """Import in a process of its own; return the most memory it had. (ru_maxrss would begin at the parent's.)"""
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=settings.BASE_DIR, env=environment(), check=True)
    return int(done.stdout.split()[-1]) / 1024


def write_many(path: Path, count: int) -> Path:
    text = "The calendar does not sync. " * 30
    with path.open("w") as file:
        for number in range(count):
            print(f'{{"id": {number}, "text": "{text}"}}', file=file)
    return path


@pytest.mark.slow
@only_on_linux
@pytest.mark.django_db(transaction=True)
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    small = peak_megabytes(write_many(tmp_path / "small.jsonl", 5_000))
    large = peak_megabytes(write_many(tmp_path / "large.jsonl", 50_000))
    assert Conversation.objects.count() == 55_000
    assert large < small + 15


@pytest.mark.slow
@only_on_linux
@pytest.mark.django_db(transaction=True)
def test_memory_does_not_grow_with_a_line_that_is_too_long(tmp_path: Path) -> None:
    small, large = write_many(tmp_path / "small.jsonl", 1), tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.write(b'{"id": "long", "text": "')
        for _ in range(200):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + GOOD.encode())
    assert peak_megabytes(large) < peak_megabytes(small) + 40
