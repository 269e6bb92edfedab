"""An upgrade without downtime: workers of the old and the new code read one run, on the schema of the new."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from django.db import connection

from config.embedded import Postgres
from pipeline import tasks
from pipeline.ledger.counts import item_counts
from pipeline.models import Run
from pipeline.reports.verify import verify
from tests.support.machines import Machine
from tests.support.seeding import scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import ROOT, Worker


def code_before_the_newest_migration(folder: Path) -> None:
    """Unpack the project as it was before its schema last changed; skips where the history is not there."""
    wanted = ["git", "log", "-1", "--format=%H", "--diff-filter=A", "--", "pipeline/migrations", "sessions/migrations"]
    newest = subprocess.run(wanted, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    packed = subprocess.run(["git", "archive", f"{newest}^"], cwd=ROOT, capture_output=True, check=False)
    if not newest or packed.returncode:
        pytest.skip("the history of the project is not here: a clone with --depth 1 has none")
    replaced = ["git", "show", "--format=", "--name-only", "--diff-filter=D", newest, "--", *wanted[-2:]]
    if subprocess.run(replaced, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip():
        pytest.skip("the newest migrations replace earlier ones, which is done only while nothing is released")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")


@pytest.mark.slow
def test_old_and_new_workers_read_one_run_on_the_new_schema(
    start_worker: type[Worker], own_postgres: Postgres, tmp_path: Path
) -> None:
    old_folder = tmp_path / "old"
    code_before_the_newest_migration(old_folder)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE": "leitmotif"}
    old = Machine(old_folder, {**environment, "PYTHONPATH": str(old_folder)})
    (tmp_path / "new").mkdir()
    try:
        old.work("default,merge,extract,background")
        start_worker(concurrency=1, queues="extract", TEST_DATABASE="leitmotif").wait_until_ready()
        run = start(seed([f"{text} slow=0.05" for text in scripts(problems=4, each=20)]), chunk_size=2)
        tasks.dispatch(run=run)
        until(lambda: Run.objects.get(pk=run.pk).state in Run.FINISHED, seconds=300)
        assert item_counts(run.pk).extracted == 80
        assert verify(run_id=run.pk).faults == ()
        assert "Traceback" not in old.log
        assert "Task pipeline.advance_run" in old.log
    finally:
        old.rest()
        connection.close()
