"""The forms of REDIS_URL: one meaning for Celery and the Redis client, or a sentence that says which form is meant."""

import subprocess
import sys

import pytest
import redis
from celery import Celery
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.settings import _celery_url
from tests.pipeline.sources.test_import_command import environment
from tests.settings import OWN_REDIS


@pytest.mark.skipif(not OWN_REDIS, reason="REDIS_URL names a server that is not the tests' own")
@pytest.mark.parametrize("database", [0, 3])
def test_queue_results_and_client_use_one_database_of_a_socket(database: int) -> None:
    url = f"{settings.REDIS_URL}?db={database}"
    app = Celery("by socket", broker=_celery_url(url), backend=_celery_url(url), set_as_current=False)
    with redis.Redis.from_url(url) as client:
        app.send_task("nobody.takes.it", queue="by socket", ignore_result=True)
        app.backend.client.set("a result", "found")
        app.close()
        assert client.llen("by socket") == 1
        assert client.delete("by socket", "a result", "_kombu.binding.by socket") == 3


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("redis://elsewhere", 0),
        ("redis://elsewhere:6379/", 0),
        ("redis://:secret@elsewhere:6379/3", 3),
        ("redis://[::1]:6379/3", 3),
        ("rediss://user:secret@elsewhere:6379/3?ssl_cert_reqs=required", 3),
        ("unix://:secret@/tmp/valkey.sock?db=3", 3),
    ],
)
def test_celery_and_the_client_read_one_database_in_it(url: str, database: int) -> None:
    app = Celery("elsewhere", broker=_celery_url(url), backend=_celery_url(url), set_as_current=False)
    client = redis.Redis.from_url(url).connection_pool.connection_kwargs
    assert (app.backend.connparams["db"], client.get("db", 0)) == (database, database)


@pytest.mark.parametrize(
    "url",
    [
        "redis://elsewhere:6379?db=3",
        "redis://elsewhere:6379/0?db=3",
        "redis://elsewhere:port/0",
        "redis://elsewhere/three",
        "redis://elsewhere/0?socket_timeout=5",
        "redis://elsewhere/0?ssl_cert_reqs=none",
        "rediss://elsewhere/0",
        "unix:///tmp/valkey.sock?virtual_host=2",
        "unix:///tmp/valkey.sock?db=two",
        "unix://",
        "redis://",
        "amqp://elsewhere",
    ],
)
def test_another_form_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"REDIS_URL must look like redis://host:6379/3, rediss://"):
        _celery_url(url)


@pytest.mark.parametrize("name", ["doctor", "run_status", "check"])
def test_people_see_a_sentence_and_not_their_password(name: str, db: None) -> None:
    ended = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), name],
        capture_output=True,
        text=True,
        env={**environment(), "REDIS_URL": "redis://:secret@elsewhere?db=3"},
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("REDIS_URL must look like redis://host:6379/3")
    assert "secret" not in ended.stderr
