"""What a load balancer and Prometheus are told, on real rows and by a real worker."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from pipeline import tasks
from pipeline.ledger.queues import note_heartbeat
from pipeline.models import Item, QueueHeartbeat, Run
from tests.support.seeding import scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/-/ready/")
    return answer.status_code, answer.json()


def all_seen() -> None:
    for queue in tasks.ALL_QUEUES:
        note_heartbeat(queue=queue)


def test_alive_asks_nobody(client: Client) -> None:
    assert client.get("/-/alive/").content == b"ok\n"  # without the fixture of a database it could not ask


@pytest.mark.django_db
def test_without_heartbeats_it_is_not_ready_and_says_which_check_fails(client: Client) -> None:
    status, told = ready(client)
    assert status == 503
    assert [name for name, passes in told["checks"].items() if not passes] == ["queues"]
    assert "findings" not in told


@pytest.mark.django_db
def test_staff_read_the_sentences(client: Client) -> None:
    client.force_login(User.objects.create_superuser("alice"))
    note_heartbeat(queue="extract")
    _, told = ready(client)
    (queues,) = (finding for finding in told["findings"] if finding["name"] == "queues")
    assert queues["sentence"].startswith(
        "no worker seems to be consuming the queues merge, default, background (last heartbeats: extract"
    )


@pytest.mark.django_db
def test_heartbeats_make_it_ready_until_they_are_old(client: Client, settings: Any) -> None:
    all_seen()
    assert ready(client)[0] == 200
    QueueHeartbeat.objects.filter(queue="merge").update(
        seen_at=timezone.now() - timedelta(seconds=settings.QUEUE_SILENT_AFTER + 1)
    )
    assert ready(client)[0] == 503


@pytest.mark.django_db
def test_a_queue_whose_heartbeats_wait_behind_work_that_moves_is_consumed(client: Client) -> None:
    all_seen()
    QueueHeartbeat.objects.filter(queue="extract").delete()
    run = start(seed(scripts(problems=1, each=3)))
    assert ready(client)[0] == 503
    Item.objects.filter(run=run).update(state=Item.State.READING, claim="1:a:b", claimed_at=timezone.now())
    assert ready(client)[0] == 200


@pytest.mark.django_db
def test_a_run_that_nothing_moves_is_told(client: Client) -> None:
    all_seen()
    run = start(seed(scripts(problems=1, each=3)))
    assert ready(client)[0] == 200
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    status, told = ready(client)
    assert (status, told["checks"]["runs"]) == (503, False)


def test_a_real_worker_takes_the_heartbeats_out_of_all_queues(worker: Worker, client: Client) -> None:
    tasks.send_heartbeats()
    until(lambda: QueueHeartbeat.objects.count() == len(tasks.ALL_QUEUES), seconds=240)
    assert ready(client)[0] == 200


@pytest.mark.django_db
def test_metrics_tell_of_runs_and_queues(client: Client, settings: Any) -> None:
    settings.METRICS_OPEN = True
    all_seen()
    start(seed(scripts(problems=1, each=3)))
    told = client.get("/metrics").content.decode()
    assert 'leitmotif_runs{state="running"} 1.0' in told
    assert 'leitmotif_live_items{state="pending"} 3.0' in told
    assert 'leitmotif_queue_heartbeat_age_seconds{queue="merge"}' in told
    assert "leitmotif_chat_sessions_created_total" in told
