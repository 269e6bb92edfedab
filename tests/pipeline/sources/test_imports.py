"""What an import of any file promises, whatever is in it: every row is accounted for, nothing is replaced unasked."""

import gzip
import json
import os
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from pipeline.models import Conversation, Source
from pipeline.sources.file import FileSource
from pipeline.sources.ingest import Import, Imported, WouldReplace, import_files
from pipeline.sources.records import Record, Reject, UnreadableSource
from tests.pipeline.sources.exports import ASK
from tests.support.damaged import damaged, damaged_file

SHARED = Path(settings.BASE_DIR).parent / "shared" / "cases"


def bring(*paths: Path, **options: Any) -> Imported:
    return import_files(Import(tuple(map(str, paths)), **options))


def lines(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


# --- Nothing unasked ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_second_file_of_one_name_replaces_nothing_unasked(tmp_path: Path) -> None:
    january = lines(tmp_path / "jan/export.jsonl", {"id": 1, "text": "The bell is silent"}, {"id": 2, "text": "Jammed"})
    february = lines(
        tmp_path / "feb/export.jsonl", {"id": 1, "text": "The light is dim"}, {"id": 3, "text": "Flat tyre"}
    )
    bring(january)
    with pytest.raises(
        WouldReplace, match=r"1 would be replaced, .* 'The bell is silent' by 'The light is dim'.*--name.*--yes"
    ):
        bring(february)
    assert Conversation.objects.count() == 2
    assert str(bring(february, name="february").counts) == "2 new, 0 updated, 0 unchanged, 0 rejected"
    assert str(bring(february, replaces_texts=True).counts) == "1 new, 1 updated, 0 unchanged, 0 rejected"


@pytest.mark.django_db
def test_a_thread_that_has_grown_is_no_other_text(tmp_path: Path) -> None:
    first = [{"role": "customer", "text": "The bell is silent"}]
    bring(lines(tmp_path / "a.jsonl", {"id": 1, "messages": first}))
    grown = [*first, {"role": "agent", "text": "Since when?"}]
    assert bring(lines(tmp_path / "a.jsonl", {"id": 1, "messages": grown})).counts.updated == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "is_refused"), [("", False), (" \n", False), ("[]", False), ('{"a": 1}', False), ("just words", True)]
)
def test_what_brings_nothing_leaves_no_source(tmp_path: Path, content: str, is_refused: bool) -> None:
    path = tmp_path / "export"
    path.write_text(content)
    if is_refused:
        with pytest.raises(UnreadableSource):
            bring(path)
    else:
        assert bring(path).source is None
    assert not Source.objects.exists()


@pytest.mark.django_db
def test_an_empty_file_says_so_and_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "export.json"
    path.write_text("")
    with pytest.raises(SystemExit) as ended:
        call_command("import_conversations", str(path))
    assert ended.value.code == 3
    assert "is empty; there is nothing to import" in capsys.readouterr().out


@pytest.mark.django_db
@pytest.mark.parametrize("command", [["import_conversations"], ["run_pipeline", "file", "--path"], ["demo"]])
def test_a_dry_run_shows_three_samples_and_stores_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    rows = [{"nr": n, "kunde": f"kim{n}@bikes.example", "problem": f"Lock number {n} is jammed"} for n in range(5)]
    path = lines(tmp_path / "export.jsonl", *rows)
    call_command(*command, str(path), "--dry-run", "--map", "text=problem")
    said = capsys.readouterr().out
    assert "Recognised as JSON (5), id = nr, text = problem, customer = kunde." in said
    assert said.count("is jammed") == 3
    assert "5 conversations and 0 rejects; nothing was stored." in said
    assert not Source.objects.exists()


@pytest.mark.django_db
def test_a_mapping_that_names_no_column_is_one_sentence(tmp_path: Path) -> None:
    path = lines(tmp_path / "export.jsonl", {"nr": 1, "problem": "The lock is jammed"})
    with pytest.raises(CommandError, match=r"--map text=body: there is no such column\. Columns: 'nr', 'problem'"):
        call_command("import_conversations", str(path), "--map", "text=body")


# --- Every row ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_equal_conversations_without_ids_are_all_kept_and_known_again(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": ASK}]}] * 3 + [
        {"messages": [{"role": "user", "content": "Other"}]}
    ]
    path = lines(tmp_path / "export.jsonl", *rows)
    assert str(bring(path).counts) == "4 new, 0 updated, 0 unchanged, 0 rejected"
    ids = sorted(Conversation.objects.values_list("external_id", flat=True))
    assert sum(name.endswith(("-2", "-3")) for name in ids) == 2
    assert str(bring(path).counts) == "0 new, 0 updated, 4 unchanged, 0 rejected"


@pytest.mark.django_db
def test_files_of_one_folder_say_which_of_them_a_row_is_from(tmp_path: Path) -> None:
    lines(tmp_path / "in/1.jsonl", {"id": 1, "text": "The bell is silent"})
    lines(tmp_path / "in/2.jsonl", {"id": 1, "text": "The light is dim"}, {"id": 2, "text": "Flat tyre"})
    imported = bring(tmp_path / "in")
    assert (str(imported.source), imported.counts.new, imported.counts.rejected) == ("file:in", 2, 1)
    (said,) = imported.reasons.sentences()
    assert re.match(r"1 x duplicate id: already in .*1\.jsonl, line 1 \(.*2\.jsonl, line 1\): the first", said)


def read_damaged(path: Path, number: int) -> None:
    """Read a damaged export: each row a record or a reject, counted as such, or one sentence why there is none."""
    path.write_bytes(damaged_file(number))
    file = FileSource(path)
    try:
        rows = list(file.records())
    except UnreadableSource:
        return
    records = [row for row in rows if isinstance(row, Record)]
    assert len(records) + sum(isinstance(row, Reject) for row in rows) == len(rows)
    assert file.summary.count == len(records)
    assert all(row.messages and row.external_id for row in records)


def test_no_damage_makes_the_reader_stumble(tmp_path: Path) -> None:
    for number in range(300):
        read_damaged(tmp_path / "download", number)


@pytest.mark.slow
def test_every_row_of_ten_thousand_damaged_files_is_accounted_for() -> None:
    """Imported for real, in processes of their own, with a limit for each file: see the benchmark."""
    command = [sys.executable, "-m", "benchmarks.conservation", "10000"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, check=False, text=True, stdout=subprocess.PIPE, timeout=3600)
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.django_db
def test_every_row_of_damaged_files_is_accounted_for(tmp_path: Path) -> None:
    for seed in range(40):
        path = tmp_path / f"export{seed}.jsonl"
        rng = random.Random(seed)
        rows = [{"id": n, "text": f"The lock is jammed, {n}", "n": n} for n in range(rng.randint(1, 20))]
        path.write_bytes(damaged(lines(path, *rows).read_bytes(), rng))
        try:
            read = list(FileSource(path).records())
        except UnreadableSource:
            continue
        assert bring(path).counts.rows == len(read)


# --- Bounds -------------------------------------------------------------------------------------------------------

CHILD = """
import re, sys, django
from config import embedded
embedded.hold()
django.setup()
from pipeline.sources.file import FileSource
from pipeline.sources.records import UnreadableSource
def most():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
for path in sys.argv[1:]:
    try:
        rows = sum(1 for _ in FileSource(path).records())
    except UnreadableSource:
        rows = -1
    print(path.rpartition("/")[2], rows, most())
"""


def hostile_files(folder: Path) -> list[Path]:
    """Write files that cost a reader most, each some megabytes when unpacked."""

    size = 30 << 20
    contents: dict[str, list[bytes]] = {
        "plain": [b'{"id": 1, "text": "Hello"}\n'],
        "deep": [b"[" * (1 << 19)],
        "deep_objects": [b'{"a":' * (1 << 18)],
        "deep_inside": [
            b'[{"id": 1, "text": "a"}, {"x": ',
            b"[" * (1 << 18),
            b"]" * (1 << 18),
            b'}, {"id": 2, "text": "b"}]',
        ],
        "long_string": [b'[{"id": 1, "text": "', b"x" * size, b'"}, {"id": 2, "text": "b"}]'],
        "long_line": [b'{"id": 1, "text": "', b"x" * size, b'"}\n{"id": 2, "text": "b"}\n'],
        "xml": [
            b'<?xml version="1.0"?><posts><row Id="1" PostTypeId="1" Body="',
            b"x" * size,
            b'" Title="t"/></posts>',
        ],
        "xml_deep": [b'<?xml version="1.0"?><posts><row Id="1" PostTypeId="1"/>', b"<a>" * (1 << 18)],
    }
    paths = []
    for name, pieces in contents.items():
        path = folder / name
        path.write_bytes(b"".join(pieces))
        paths.append(path)
    for name in ("long_string", "long_line"):
        with gzip.open(folder / f"{name}.gz", "wb", compresslevel=1) as file:
            for piece in (contents[name][0], *[b"x" * size] * 12, contents[name][2]):
                file.write(piece)
        paths.append(folder / f"{name}.gz")
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.json", b'[{"id": 1, "text": "' + b"x" * size)
    return [*paths, folder / "bomb.zip"]


@pytest.mark.proof
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_three_hundred_megabytes_are_enough_whatever_comes_in(tmp_path: Path) -> None:
    """For the whole process, with the libraries of the other steps in it."""
    paths = hostile_files(tmp_path)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", CHILD, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, cwd=settings.BASE_DIR, env=environment, check=True, text=True)
    found = {name: (int(rows), int(most)) for name, rows, most in map(str.split, done.stdout.splitlines())}
    assert len(found) == len(paths)
    assert max(most for _, most in found.values()) < 300, found
    assert all(rows <= 5 for rows, _ in found.values()), found


# --- The cases ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/cases is not there")
@pytest.mark.parametrize(
    ("pattern", "form", "count", "said"),
    [
        ("01-*/*.json", "Zendesk tickets", 2, ["customer"]),
        ("02-*/*.ndjson", "Zendesk tickets", 1, ["customer", "agent"]),
        ("03-*/*.json", "Intercom conversations", 1, ["customer", "agent"]),
        ("03-*/*.jsonl", "Intercom conversations", 1, ["customer", "agent"]),
        ("04-*/*.json", "Freshdesk tickets", 1, ["customer", "agent"]),
        ("05-*/*.json", "Help Scout conversations", 1, ["customer", "agent"]),
        ("10-*/*.jsonl", "OpenAI messages", 2, ["system", "customer", "agent"]),
        ("13-*/*.jsonl", "WildChat conversations", 1, ["customer", "agent"]),
        ("15-*/*.json", "ChatGPT conversations", 1, ["customer", "agent"]),
        ("17-*/*.jsonl", "OpenAI messages", 1, ["customer", "agent"]),
        ("18-*/*.json", "Discord chat", 1, ["customer", ""]),
        ("20-*/*oneline.json", "Telegram chat", 2, ["customer", ""]),
        ("20-*/*rich.json", "Telegram chat", 2, ["customer", ""]),
        ("22-*/*.zip", "Slack export", 1, ["customer", ""]),
        ("24-*/*.jsonl", "Chatwoot conversations", 1, ["bot", "customer", "agent", "system"]),
        ("25-*/*.jsonl", "conversations", 42, ["customer", "agent"]),
        ("26-*/*.jsonl", "conversations", 42, ["customer", "agent"]),
        ("29-*/*.jsonl", "conversations", 42, ["agent", "customer", "agent"]),
        ("78-*/*.jsonl", "conversations", 1, ["customer"]),
        ("79-*/*.jsonl", "conversations", 2, ["customer"]),
    ],
)
def test_the_cases_are_read_right(pattern: str, form: str, count: int, said: list[str]) -> None:
    (path,) = SHARED.glob(pattern)
    file = FileSource(path)
    rows = [row for row in file.records() if isinstance(row, Record)]
    assert (file.summary.format, len(rows)) == (form, count)
    assert [each["role"] for each in rows[0].messages] == said
    assert file.summary.without_customer_side == 0


# --- The example --------------------------------------------------------------------------------------------------


def test_the_example_of_the_documentation_works(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(
        r"```(\w+)\n(.*?)```", (Path(settings.BASE_DIR) / "docs/howto/add-a-format.md").read_text(), re.S
    )
    (tmp_path / "phones.py").write_text(next(block for kind, block in blocks if kind == "python"))
    monkeypatch.syspath_prepend(tmp_path)
    settings.FORMATS = ["phones.PhoneCalls", *settings.FORMATS]
    path = tmp_path / "calls"
    path.write_text(next(block for kind, block in blocks if kind == "json"))
    file = FileSource(path)
    (row,) = file.records()
    assert isinstance(row, Record)
    assert [(each["role"], each["text"]) for each in row.messages] == [
        ("customer", "My lock is jammed."), ("agent", "Oil it, please."),
    ]  # fmt: skip
    assert (file.summary.format, row.external_id, row.customer) == ("phone calls", "c-1", "+1 555 0100")
