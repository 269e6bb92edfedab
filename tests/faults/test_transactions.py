"""No transaction is open while anybody asks a model, calls over a network, sleeps or clusters: it would hold locks, and
keep PostgreSQL from cleaning up, for as long as that takes.
"""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from rich.console import Console

from pipeline import tasks
from pipeline.advance import advance
from pipeline.extract.base import Answer
from pipeline.extract.embedding import Embedder
from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import Transcript
from pipeline.management.following import follow
from pipeline.merge.rules import meaning
from pipeline.models import Run, Source
from pipeline.runs import preview
from pipeline.runs.create import Selection
from pipeline.sources import ingest
from tests.fakes.scripted import ScriptedExtractor
from tests.support.seeding import finish, read, salvage, scripts, seed, start
from tests.support.waiting import refused
from tests.support.workers import Worker


class Lookout:
    """Counts what takes long, and notes where it happened inside a transaction."""

    def __init__(self, second: psycopg.Connection) -> None:
        self.second, self.seen, self.offences = second, Counter[str](), list[str]()

    def look(self, what: str) -> None:
        self.seen[what] += 1
        if connection.in_atomic_block or self._idle_in_transaction():
            self.offences.append(what)

    def _idle_in_transaction(self) -> bool:
        """Ask PostgreSQL itself, for what Django may not know."""
        row = self.second.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in trans%'"
        ).fetchone()
        return row is not None and row[0] > 0

    def watched(self, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def watched(*words: Any, **options: Any) -> Any:
            self.look(what)
            return function(*words, **options)

        return watched

    def reading_function(self) -> Callable[..., Iterator[Answer]]:
        """Return a method that reads as the scripted extractor does, and looks before each answer."""

        def read(extractor: ScriptedExtractor, texts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
            for text in texts:
                self.look("model")
                yield from READ(extractor, [text], profile)

        return read


READ = ScriptedExtractor.read
WATCHED = [
    ("embedding", Embedder, "encode_ids"),
    ("embedding", Embedder, "encode_window"),
    ("clustering", meaning, "partition"),
    ("network", socket.socket, "connect"),
    ("network", socket.socket, "sendall"),
    ("sleep", time, "sleep"),
]


@pytest.fixture
def lookout(start_worker: type[Worker], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lookout]:
    """A lookout on a database that only this process uses: no worker is running."""
    where = connection.get_connection_params()
    words = {name: where[name] for name in ("host", "port", "user", "password", "dbname") if where.get(name)}
    with psycopg.connect(**words, autocommit=True) as second:
        lookout = Lookout(second)
        monkeypatch.setattr(ScriptedExtractor, "read", lookout.reading_function())
        for what, owner, name in WATCHED:
            monkeypatch.setattr(owner, name, lookout.watched(what, getattr(owner, name)))
        yield lookout


def _import(folder: Path, texts: Sequence[str], name: str) -> Source:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))
    source = ingest.import_files(ingest.Import((str(path),))).source
    assert source
    return source


def test_from_import_to_salvage_none_is_open_while_anything_takes_long(
    lookout: Lookout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.management.following.PATIENCE", 0.0)
    source = _import(tmp_path, scripts(problems=4, each=4), "export")
    preview.preview(source=source, profile="support", extractor="scripted", selection=Selection())
    run = start(source, chunk_size=4)
    tasks.dispatch(run=run)
    with refused("pipeline_theme", unless="summary <> 'Problem 2.'"):
        read(run)
        assert tasks.watch_runs() == [run.pk]  # as beat has it done; a worker of the queue `merge` goes on from there
        tasks.advance_run(run_id=run.pk)
    run.refresh_from_db()
    assert run.state == "completed_with_errors"
    salvage(run_id=run.pk)
    read(Run.objects.get(pk=run.pk))
    assert follow(run.pk, Console(quiet=True)).state == "completed"
    assert lookout.seen.keys() == {"model", "clustering", "network", "sleep"}
    assert lookout.offences == []


def test_the_embedded_reader_reads_outside_of_transactions_too(lookout: Lookout, tmp_path: Path) -> None:
    texts = [f"The calendar shows every appointment twice since {day}." for day in ("Monday", "Tuesday", "Friday")]
    run = start(_import(tmp_path, texts, "calendars"), extractor="local")
    assert finish(run).state == "completed"
    assert lookout.seen["embedding"] > 0
    assert lookout.offences == []


@pytest.mark.parametrize(
    ("what", "careless"),
    [
        ("model", read),
        ("clustering", lambda run: advance(run_id=run.pk)),
        ("network", lambda run: tasks.dispatch(run=run)),
        ("sleep", lambda run: time.sleep(0)),
    ],
)
def test_one_open_transaction_would_be_noticed(lookout: Lookout, what: str, careless: Callable[[Run], object]) -> None:
    """The control."""
    run = start(seed(scripts(problems=2, each=3)))
    if what == "clustering":
        read(run)
    assert lookout.offences == []
    with transaction.atomic():
        careless(run)
    assert what in lookout.offences


def test_one_that_django_does_not_know_would_be_noticed(lookout: Lookout) -> None:
    """The control for a transaction that plain SQL has begun."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        time.sleep(0)
        cursor.execute("ROLLBACK")
    assert lookout.offences == ["sleep"]
