"""How fast the machinery around reading is: a whole run with the null extractor, and what its workers need in memory.

    python -m benchmarks.end_to_end [CONVERSATIONS] [ROUNDS]
    python -m benchmarks.end_to_end memory [SMALL] [LARGE]

One theme a conversation, 1,000 names, fixed vectors. The baseline is the same steps called one after the other in one
process, without queue and workers; ratios hold better than absolute figures, and processor time (of this process and
of PostgreSQL's together) better than the clock on a machine that does other things as well. It works in a database and
on a Redis prefix of its own.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.database import own_database
from pipeline.management.child_process import ending_with_parent

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2

Process = subprocess.Popen[bytes]


def main(words: list[str]) -> None:
    """Measure speed, or with the word `memory` the workers' memory, and print it."""
    numbers = [int(word) for word in words if word.isdigit()]
    with own_database():
        if words[:1] == ["memory"]:
            _memory(*(numbers or [10_000, 100_000]))
        else:
            _speed(*(numbers or [20_000, 3]))


def _speed(conversations: int, rounds: int = 3) -> None:
    whole, alone, computed = [], [], []
    with workers():
        for number in range(rounds + 1):
            (seconds, processor), in_workers = _alone(conversations), _whole(conversations)
            if number:  # the first round warms up
                alone.append(seconds)
                computed.append(processor)
                whole.append(in_workers)
    print(f"null extractor, {conversations} conversations, {rounds} rounds in turn")
    print(f"  a run, {WORKERS} worker processes:   {_row(whole, conversations)}")
    print(f"  the same steps, one process: {_row(alone, conversations)}")
    print(f"  of which processor time:     {_row(computed, conversations)}")
    print(f"  ratio of the medians: {statistics.median(whole) / statistics.median(alone):.2f}")


def _row(seconds: list[float], conversations: int) -> str:
    median = statistics.median(seconds)
    return f"median {median:.2f} s, {conversations / median:.0f}/s ({min(seconds):.2f} to {max(seconds):.2f} s)"


def _memory(small: int, large: int) -> None:
    peaks = []
    for conversations in (small, large):
        with workers("default,extract") as extractors, workers("merge", count=1) as merger:
            _whole(conversations)
            peaks.append(_peak(extractors))
            print(
                f"{conversations} conversations: extract worker {peaks[-1]} MB, merge worker {_peak(merger)} MB (peaks)"
            )
    print(f"extract workers' ratio: {peaks[1] / peaks[0]:.2f}")


def _peak(worker: Process) -> int:
    """Return the peak resident memory, in MB, of the worker's largest pool process (Linux)."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(worker.pid)], capture_output=True, text=True, check=True)
    status = [Path(f"/proc/{pid}/status").read_text() for pid in found.stdout.split()]
    return max(int(text.split("VmHWM:")[1].split()[0]) for text in status) // 1024


@contextmanager
def workers(queues: str = "default,extract,merge", count: int = WORKERS) -> Iterator[Process]:
    """Run a worker of these queues with so many processes; it has had the time to come up."""
    command = [
        sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", f"--queues={queues}",
        f"--concurrency={count}", "--without-gossip", "--without-mingle", "--loglevel=WARNING",
        f"--hostname=bench-{time.monotonic_ns()}@%h",
    ]  # fmt: skip
    worker = subprocess.Popen(ending_with_parent(command, signal.SIGKILL), cwd=ROOT, start_new_session=True)
    try:
        time.sleep(5)  # a worker's start is not measured
        yield worker
    finally:
        worker.terminate()
        worker.wait(30)


def _whole(conversations: int) -> float:
    """Return the seconds of a run from its start to its end, planning included."""
    from pipeline import tasks

    source = _cleared(conversations)
    began = time.monotonic()
    run = _start(source)
    tasks.dispatch(run=run)
    run = when_ended(run)
    assert run.state == "completed", (run.state, run.error, run.attention)
    return time.monotonic() - began


def when_ended(run: Any, longest: float = 3_600.0) -> Any:
    """Wait until workers have ended a run, at most so many seconds, and return it as it is then."""
    from pipeline.models import Run

    began = time.monotonic()
    while (run := Run.objects.get(pk=run.pk)).is_live:
        time.sleep(0.02)
        assert time.monotonic() - began < longest, f"run {run.pk} is still {run.state} after {longest:.0f} s"
    return run


def _alone(conversations: int) -> tuple[float, float]:
    """Return the seconds of the same steps in this process, and the processor time they took here and in PostgreSQL."""
    from pipeline.advance import advance
    from pipeline.extract.chunk import read_chunk
    from pipeline.ledger.counts import unfinished_chunks

    source = _cleared(conversations)
    began, computed = time.monotonic(), _processor_time()
    run = _start(source)
    for chunk in unfinished_chunks(run):
        read_chunk(run_id=run.pk, epoch=run.epoch, chunk=chunk, delivery="alone")
    assert advance(run_id=run.pk).state == "completed"
    return time.monotonic() - began, _processor_time() - computed


def _processor_time() -> float:
    """Return the processor seconds of this process and of its PostgreSQL connection's (Linux)."""
    from django.db import connection

    connection.ensure_connection()
    columns = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + sum(map(int, columns[11:13])) / os.sysconf("SC_CLK_TCK")


def _start(source: Any) -> Any:
    from pipeline.runs.create import Selection, create_run

    return create_run(source=source, profile="support", extractor="null", selection=Selection(force_refresh=True))


def _cleared(conversations: int) -> Any:
    """Return a source of so many conversations that no run has read."""
    from django.db import connection

    from pipeline.models import Source
    from pipeline.sources import ingest
    from pipeline.sources.records import Record

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE pipeline_run, pipeline_signature, pipeline_registry CASCADE")
        cursor.execute("VACUUM")
    source, _ = Source.objects.get_or_create(kind="file", name=f"benchmark-{conversations}")
    ingest.ingest(source=source, records=(_record(Record, number) for number in range(conversations)))
    return source


def _record(record_class: Any, number: int) -> Any:
    text = f"Conversation {number}: since this morning part {number % 977} of it does not do what it should."
    messages = [{"role": "customer", "author": "", "text": text, "created_at": ""}]
    return record_class(line=number + 1, external_id=f"c{number}", messages=messages, customer=f"k{number % 5003}")


if __name__ == "__main__":
    main(sys.argv[1:])
