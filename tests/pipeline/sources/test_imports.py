"""What an import of any file promises, whatever is in it: every row is accounted for, nothing is replaced unasked."""

import csv
import gzip
import io
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
from tests.pipeline.sources.exports import ASK, EXPORTS, SLACK_DAY
from tests.support.workbooks import binary_workbook, old_workbook, open_document, workbook

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


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file that was damaged on the way."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[place : place + rng.randint(1, 30)] = b""
            case 1:
                data[place:place] = rng.randbytes(rng.randint(1, 8))
            case 2:
                data[place:place] = rng.choice(
                    [b'"', b"{", b"}", b"[", b"]", b",", b"\n", b"\\", b"\0", b"null", b"9" * 40]
                )
            case 3:
                data[place:place] = data[rng.randrange(len(data) + 1) :][:200]
            case _:
                data = data[: max(1, place)]
    return bytes(data)


MAIL = (
    "From: Kim <kim@bikes.example>\nTo: help@desk.example\nSubject: =?utf-8?q?Schlo=C3=9F?=\n"
    "Message-ID: <{n}@bikes.example>\nDate: Sat, 02 May 2026 08:0{n}:00 +0200\n"
    "Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: base64\n\nVGhlIGxvY2sgaXMgamFtbWVkLg==\n--x\nContent-Type: text/html\n\n"
    "<p>The lock is <b>jammed</b>.</p>\n--x--\n"
)
TABLE: list[list[Any]] = [
    ["Ticket ID", "Nachricht", "E-Mail", "Erstellt am", "Rolle", "Gespräch"],
    [1, "Das Schloß klemmt,\nseit gestern", "kim@bikes.example", "02.05.2026 08:00", "Kundin", "k1"],
    [2, 'Bitte "ölen"; danke', "", "02.05.2026 09:00", "Mitarbeiter", "k1"],
    [3, "Die Tür ist offen", "lee@bikes.example", "14.05.2026 09:00", "Kundin", "k2"],
]


def delimited(delimiter: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(TABLE)
    return file.getvalue()


def zipped(**files: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"help/{name}.json", text)
    return file.getvalue()


def other_files() -> list[bytes]:
    """Return files of the formats that are neither JSON nor XML."""
    chat = "".join(f"0{day}/05/2026, 08:1{day} - Kim: The lock is jammed\nsince {day}\n" for day in range(1, 6))
    cues = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\nKim: The lock {n}\n\n" for n in range(1, 6))
    lines = "".join(json.dumps({"id": n, "text": f"The lock is jammed, {n}"}) + "\n" for n in range(9))
    texts = [
        delimited(","), delimited(";"), delimited("\t"), f"sep=|\r\n{delimited('|')}", chat, cues,
        f"WEBVTT\n\n{cues.replace(',', '.')}", "Chat ID: A1\nVisitor: The lock is jammed\nLee (Support): Oil it\n" * 3,
        MAIL.format(n=1), "".join(f"From kim Sat May 02 08:00:00 2026\n{MAIL.format(n=n)}\n" for n in range(3)), lines,
    ]  # fmt: skip
    files = [text.encode(encoding) for text in texts for encoding in ("utf-8", "cp1252", "utf-16")]
    files += [
        write({"Tickets": TABLE, "Empty": []}) for write in (workbook, binary_workbook, open_document, old_workbook)
    ]
    return [*files, zipped(a=json.dumps(SLACK_DAY), b="[]"), gzip.compress(lines.encode())]


OTHERS = other_files()


def read_mutated(path: Path, seed: int) -> None:
    """Read a damaged export: each row a record or a reject, counted as such, or one sentence why there is none."""
    rng = random.Random(seed)
    if rng.random() < 0.5:
        content = rng.choice(OTHERS)
    else:
        export = rng.choice(list(EXPORTS.values()))
        text = (
            export.content
            if isinstance(export.content, str)
            else json.dumps(export.content, indent=rng.choice([None, 1]))
        )
        content = text.encode()
    path.write_bytes(mutated(content, rng))
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
    for seed in range(300):
        read_mutated(tmp_path / "download", seed)


@pytest.mark.slow
def test_ten_thousand_damaged_files_do_not_make_the_reader_stumble(tmp_path: Path) -> None:
    for seed in range(300, 10_300):
        read_mutated(tmp_path / "download", seed)


@pytest.mark.django_db
def test_every_row_of_damaged_files_is_accounted_for(tmp_path: Path) -> None:
    for seed in range(40):
        path = tmp_path / f"export{seed}.jsonl"
        rng = random.Random(seed)
        rows = [{"id": n, "text": f"The lock is jammed, {n}", "n": n} for n in range(rng.randint(1, 20))]
        path.write_bytes(mutated(lines(path, *rows).read_bytes(), rng))
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
