"""Whether every row of damaged files is accounted for: imported into PostgreSQL, a file at a time, in two processes.

    python -m benchmarks.conservation [FILES] [FIRST] [PROCESSES]

Of each of FILES damaged exports (every format, see tests/support/damaged.py) from the number FIRST on:

- what is read comes to new + updated + unchanged + rejected, and as many conversations are stored as were new;
- imported again, it brings nothing new and changes nothing;
- it takes at most 20 s and raises nothing but the one sentence why a file cannot be read;
- no process has more than 300 MB.

Prints what went wrong, with the number of the file, and ends with 1 if anything did.
"""

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from types import FrameType

import django

from config import embedded

SECONDS = 20
MEGABYTES = 300


class TookTooLong(BaseException):
    """No `Exception`, so that nothing on the way takes it for a fault of the file."""


def _ring(_signal: int, _frame: FrameType | None) -> None:
    raise TookTooLong


def examine(path: Path, name: str) -> str:
    """Import a file twice into a source of its own; return what became of it. AssertionError if a row is lost."""
    from pipeline.models import Source
    from pipeline.sources.file import FileSource
    from pipeline.sources.ingest import Import, import_files
    from pipeline.sources.records import Record, UnreadableSource

    try:
        rows = list(FileSource(path).records())
    except UnreadableSource:
        try:
            import_files(Import((str(path),), name=name))
        except UnreadableSource:
            assert not Source.objects.filter(name=name).exists(), "an empty source was left behind"
            return "refused"
        raise AssertionError("it was read first and refused then") from None
    imported = import_files(Import((str(path),), name=name))
    counts = imported.counts
    assert counts.rows == len(rows), f"{counts} of {len(rows)} rows"
    read = sum(isinstance(row, Record) for row in rows)
    assert counts.new <= read, f"{counts}, but {read} were read"
    stored = imported.source.conversations.count() if imported.source else 0
    assert stored == counts.new, f"{counts}, but {stored} are stored"
    if imported.source:
        again = import_files(Import((str(path),), name=name)).counts
        assert (again.new, again.unchanged, again.rows) == (0, counts.new, counts.rows), f"{counts}, then {again}"
    return "imported" if counts.new else "rejected"


def examine_all(first: int, count: int, step: int, database: str) -> int:
    """Examine every `step`th file, in a database of this process; return how many went wrong."""
    from django.db import connection

    from tests.support.damaged import damaged_file

    signal.signal(signal.SIGALRM, _ring)
    connection.settings_dict["NAME"] = database
    became, wrong, slowest = Counter[str](), 0, (0.0, 0)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export"
        for number in range(first, count, step):
            path.write_bytes(damaged_file(number))
            began = time.monotonic()
            signal.alarm(SECONDS)
            try:
                became[examine(path, str(number))] += 1
            except (Exception, TookTooLong) as error:
                wrong += 1
                where = "".join(traceback.format_exception(error)[-3:])
                print(f"file {number}: {type(error).__name__} {error}\n{where}", flush=True)
                connection.close()  # whatever it was in the middle of
            finally:
                signal.alarm(0)
            slowest = max(slowest, (time.monotonic() - began, number))
            if sum(became.values()) % 250 == 0:
                print(f"{sum(became.values()):,} files in {time.monotonic() - started:.0f} s", flush=True)
    # not ru_maxrss: a process begins with the peak of the one that started it
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    peak = int(found[1]) // 1024 if found else 0
    most = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
    said = ", ".join(f"{count:,} {what}" for what, count in became.items())
    print(f"{said}, {wrong} wrong; the slowest took {slowest[0]:.1f} s (file {slowest[1]}); peak {most} MB", flush=True)
    return wrong + (most > MEGABYTES)


def main(files: int = 10_000, first: int = 0, processes: int = 2) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.hold()
    django.setup()
    from django.db import connection

    name = connection.settings_dict["NAME"]
    made = f"benchmark_conservation_{os.getpid()}"
    connection.settings_dict["TEST"]["NAME"] = made
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    copies = [f"{made}_{number}" for number in range(processes)]
    connection.close()
    connection.settings_dict["NAME"] = name  # no one may be in a database that is copied
    try:
        with connection.cursor() as cursor:
            for copy in copies:
                cursor.execute(f"CREATE DATABASE {copy} TEMPLATE {made}")
        command = [sys.executable, "-m", "benchmarks.conservation", "--part"]
        running = [
            subprocess.Popen([*command, *map(str, (first + number, first + files, processes)), copy])
            for number, copy in enumerate(copies)
        ]
        # bounded: at the worst each file takes its whole limit
        return max(abs(each.wait(timeout=60 + SECONDS * files)) for each in running)
    finally:
        with connection.cursor() as cursor:
            for copy in (*copies, made):
                cursor.execute(f"DROP DATABASE IF EXISTS {copy} WITH (FORCE)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        embedded.hold()
        django.setup()
        start, stop, stride = map(int, sys.argv[2:5])
        sys.exit(1 if examine_all(start, stop, stride, sys.argv[5]) else 0)
    sys.exit(main(*map(int, sys.argv[1:])))
