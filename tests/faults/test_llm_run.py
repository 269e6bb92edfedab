"""What is paid for is paid for once, also in a run whose worker, and then Redis, is killed in the middle."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings
from rich.console import Console

from config import embedded
from pipeline import tasks
from pipeline.management.following import follow
from pipeline.models import Call, Run
from tests.fakes.language_model import Model, language_model
from tests.faults.scene import restart
from tests.support.seeding import scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

CONCURRENCY = 6
LATE = 2 * CONCURRENCY
"""Questions that may be under way, or claimed and about to be sent, when a worker dies."""


def words(model: Model) -> dict[str, str]:
    return {"LLM_MODEL": "fake-model", "LLM_BASE_URL": model.url, "LLM_API_KEY": "k"}


@pytest.mark.slow
def test_neither_a_killed_worker_nor_a_killed_redis_has_a_stored_answer_paid_again(
    start_worker: type[Worker], settings: Settings
) -> None:
    settings.LLM_MODEL = "fake-model"
    with language_model(seconds=0.15) as model, ThreadPoolExecutor(1) as pool:
        worker = start_worker(concurrency=2, **words(model))
        worker.wait_until_ready()
        run = start(seed(scripts(problems=6, each=10)), extractor="asked", concurrency=CONCURRENCY)
        tasks.dispatch(run=run)
        ended = pool.submit(watched, run)
        until(lambda: Call.objects.count() >= 12)
        worker.kill()
        stored = set(Call.objects.values_list("item__version__content_hash", "item__version__messages__0__text"))
        start_worker(concurrency=2, **words(model)).wait_until_ready()
        until(lambda: Call.objects.count() >= len(stored) + 12)
        restart(embedded.Valkey(Path(os.environ["TEST_FOLDER"])), signal.SIGKILL)
        assert ended.result(180).state == "completed"
        paid = model.paid()
    assert [paid[text] for _, text in stored] == [1] * len(stored)
    assert len(paid) == 60
    assert sum(paid.values()) <= 60 + 2 * LATE
    assert Call.objects.count() <= sum(paid.values())
    assert set(run.items.values_list("state", flat=True)) == {"extracted"}


def watched(run: Run) -> Run:
    try:
        return follow(run.pk, Console(quiet=True))
    finally:
        connection.close()
