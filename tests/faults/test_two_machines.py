"""One machine can be outgrown: a second worker, in a folder of its own and over TCP, reads nearly twice as much.

`pytest -m slow tests/faults/test_two_machines.py -s` prints the figures.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.models import Max, Min
from pytest_django import Settings

from config.embedded import Postgres
from pipeline import tasks
from pipeline.ledger.counts import item_counts
from pipeline.models import Run
from pipeline.reports.verify import verify
from tests.fakes.language_model import Model, language_model
from tests.faults.scene import beating
from tests.support.machines import Machine
from tests.support.relay import over_tcp
from tests.support.seeding import scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import ROOT, Worker

AT_ONCE = 4
"""Questions that one worker has under way: the chunk it reads. So a worker more is so many questions more."""

SECONDS = 3.0
"""What an answer takes. The longer, the less it matters what else this machine does meanwhile."""

CHUNKS = 16
"""An even number: two workers end together."""

WANTED = 1.8


@contextmanager
def two_machines(postgres: Postgres, model: Model, folder: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two copies of the project that know nothing of each other but the addresses of PostgreSQL and Redis."""
    tracked = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True
    ).splitlines()
    redis_socket = Path(urlsplit(os.environ["REDIS_URL"]).path)
    with over_tcp(postgres.socket) as pg, over_tcp(redis_socket) as redis:
        made = []
        for name in ("first", "second"):
            for file in tracked:
                if (ROOT / file).is_file():
                    (folder / name / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / file, folder / name / file)
            environment = {
                **os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE": "leitmotif",
                "DATABASE_URL": f"postgres://leitmotif@127.0.0.1:{pg}/leitmotif",
                "REDIS_URL": f"redis://127.0.0.1:{redis}/0", "LEITMOTIF_LOCAL": str(folder / name / ".local"),
                "PYTHONPATH": str(folder / name), "LLM_MODEL": "fake-model", "LLM_BASE_URL": model.url,
                "LLM_API_KEY": "k",
            }  # fmt: skip
            made.append(Machine(folder / name, environment))
        try:
            yield made[0], made[1]
        finally:
            for machine in made:
                machine.rest()


def seconds_of(name: str, items: int) -> tuple[Run, float]:
    """Run so many new conversations and return how long reading them took, from the first claim to the last row."""
    run = begin(name, items)
    until(lambda: Run.objects.get(pk=run.pk).state == "completed", seconds=400)
    times = run.items.aggregate(first=Min("claimed_at"), last=Max("finished_at"))
    run.refresh_from_db()
    return run, (times["last"] - (run.dispatched_at or times["first"])).total_seconds()


def begin(name: str, items: int) -> Run:
    run = start(
        seed(scripts(problems=4, each=items // 4), name=name), extractor="asked", concurrency=64, chunk_size=AT_ONCE
    )
    tasks.dispatch(run=run)
    return run


@pytest.mark.slow
def test_a_second_machine_reads_nearly_twice_as_much_and_may_fall(
    start_worker: type[Worker], own_postgres: Postgres, settings: Settings, tmp_path: Path
) -> None:
    settings.LLM_MODEL = "fake-model"
    with language_model(seconds=SECONDS) as model, two_machines(own_postgres, model, tmp_path) as (first, second):
        first.work("default,merge,extract,background")
        seconds_of("warm", 2 * AT_ONCE)
        _, alone = seconds_of("alone", CHUNKS * AT_ONCE)
        second.work("extract")
        seconds_of("warm-again", 6 * AT_ONCE)
        _, together = seconds_of("together", CHUNKS * AT_ONCE)
        print(f"\none worker {alone:.1f} s, two {together:.1f} s: {alone / together:.2f} times as fast")
        assert alone / together >= WANTED

        asked_before = len(model.asked)
        run = begin("one falls", CHUNKS * AT_ONCE)
        until(lambda: item_counts(run.pk).finished >= 6 * AT_ONCE)
        with (
            beating()
        ):  # what the fallen one had in hand is free again soon; that it is sent again is for beat to see to
            second.fall()
            until(lambda: Run.objects.get(pk=run.pk).state in Run.FINISHED, seconds=200)
        counts = item_counts(run.pk)
        assert (counts.extracted, counts.failed) == (CHUNKS * AT_ONCE, 0)
        assert len(model.asked) - asked_before <= CHUNKS * AT_ONCE + AT_ONCE  # what was under way there is asked again
        assert verify(run_id=run.pk).faults == ()
    connection.close()
