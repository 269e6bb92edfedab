"""Reading tables of 50,000 rows, without storing them: seconds of processor time and peak memory.

    python -m benchmarks.tables [ROWS]

CSV and XLSX with a row a conversation (seven columns, 40 words of text, times day first), and CSV with a row a message,
shuffled, five to a conversation. The baseline is what the parser alone costs: `csv.reader`, or python-calamine. Each is
measured in a process of its own; a workbook is unpacked by another one, which counts too. The bar of memory is 300 MB.
"""

import csv
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

BAR_MB = 300
KINDS = ("csv", "xlsx", "messages")
WORDS = """
the lamp flickers since monday and my parcel has not arrived yet I was charged twice the door does not close where can
I change my address please help
""".split()  # noqa: SIM905 (read best as text)


def rows(kind: str, count: int) -> Iterator[list[object]]:
    """Yield the header and the rows, the same ones each time."""
    rng = random.Random(7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    if kind == "messages":
        yield ["message_id", "conversation_id", "role", "text", "created_at"]
        for number in rng.sample(range(count), count):
            at = start + timedelta(minutes=number)
            role = ("customer", "agent")[number % 2]
            yield [number, number // 5, role, " ".join(rng.choices(WORDS, k=40)), at.isoformat()]
        return
    yield ["Ticket ID", "Subject", "Description", "Requester email", "Requester", "Created At", "Priority"]
    for number in range(count):
        at = start + timedelta(minutes=7 * number)
        text, subject = " ".join(rng.choices(WORDS, k=40)), " ".join(rng.choices(WORDS, k=5))
        who = number % 9000
        moment = at if kind == "xlsx" else at.strftime("%d/%m/%Y %H:%M")
        yield [number + 1, subject, text, f"c{who}@example.org", f"Customer {who}", moment, "high"]


def write(path: Path, kind: str, count: int) -> None:
    """Write the table."""
    if kind == "xlsx":
        from tests.support.workbooks import write_workbook

        write_workbook(path, list(rows(kind, count)))
        return
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows(kind, count))


def parse_alone(path: Path, kind: str) -> int:
    """Return the rows that the parser finds: the baseline."""
    if kind == "xlsx":
        from python_calamine import CalamineWorkbook

        return sum(1 for _ in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows())
    with path.open(newline="") as file:
        return sum(1 for _ in csv.reader(file))


def read(path: Path, kind: str) -> int:
    """Return the conversations that are read."""
    from pipeline.sources.formats.base import Format, Options, Stream
    from pipeline.sources.formats.table import TableFormat
    from pipeline.sources.formats.xlsx import WorkbookFormat
    from pipeline.sources.parsing.parts import parts_of
    from pipeline.sources.understanding.speakers import settled

    form: Format = WorkbookFormat() if kind == "xlsx" else TableFormat()
    with ExitStack() as opened:
        stream = Stream(parts_of([path], opened))
        return sum(1 for _ in settled(form.records(stream, Options()), stream.summary))


def measure(kind: str, path: Path) -> None:
    """Print what one kind costs; run in a process of its own, so that its peak is its own."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    started = _processor_seconds()
    found = read(path, kind)
    seconds = _processor_seconds() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    beside = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    unpacking = f", {beside} MB to unpack" if kind == "xlsx" else ""
    started = time.process_time()
    count = parse_alone(path, kind)
    alone = time.process_time() - started
    verdict = "met" if max(peak, beside) <= BAR_MB else "NOT met"
    print(
        f"{kind:9} {count - 1:,} rows, {found:,} conversations: {seconds:6.2f} s (parser alone {alone:.2f} s), "
        f"peak {peak} MB of which {before} before{unpacking}; the bar of {BAR_MB} MB is {verdict}",
        flush=True,
    )


def _processor_seconds() -> float:
    """Return the seconds that this process and those that it has started and waited for have taken."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(count: int = 50_000) -> None:
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"table.{kind}"
            write(path, kind, count)
            subprocess.run([sys.executable, "-m", "benchmarks.tables", "--one", kind, str(path)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
