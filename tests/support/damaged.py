"""Exports of every format, damaged on the way: the same file for the same number, each time."""

import csv
import gzip
import io
import json
import random
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.pipeline.sources.exports import EXPORTS, SLACK_DAY
from tests.support.workbooks import binary_workbook, old_workbook, open_document, workbook

SHAPES = Path(__file__).parents[1] / "pipeline" / "sources"


def damaged(content: bytes, rng: random.Random) -> bytes:
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


@cache
def whole_files() -> tuple[bytes, ...]:
    """Return the files before they are damaged: of every format, and in the shapes of many vendors."""
    exports = [export.content for export in EXPORTS.values()]
    shapes = [json.loads(line)["content"] for line in (SHAPES / "vendor_shapes.jsonl").read_text().splitlines()]
    texts = [
        each if isinstance(each, str) else json.dumps(each, indent=indent)
        for each in [*exports, *shapes] for indent in ((None,) if isinstance(each, str) else (None, 1))
    ]  # fmt: skip
    return (*[text.encode() for text in texts], *_other_files() * 3)  # the others are few: as often as all of JSON


def damaged_file(number: int) -> bytes:
    """Return the damaged file of that number."""
    rng = random.Random(number)
    return damaged(rng.choice(whole_files()), rng)


def _other_files() -> list[bytes]:
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
