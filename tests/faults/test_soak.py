"""Everything at once for a long time: imports, runs, chats, pages, and a process that is killed each minute.

    SOAK_MINUTES=20 pytest -m slow tests/faults/test_soak.py -s

Whoever is away is noticed, memory stays where it was, connections are given back, queues drain, and nothing is lost.
"""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pipeline.models import Conversation, Item, Run, Source
from pipeline.models.refusal import Refusal
from pipeline.reports.verify import verify
from pipeline.runs import start
from pipeline.runs.create import Selection
from pipeline.runs.readiness import readiness
from pipeline.sources.ingest import Import, import_files
from pipeline.tasks import ALL_QUEUES
from sessions.chat.inbox import accept
from sessions.models import Message
from sessions.tasks import answer_soon
from tests.sessions.web import free_port
from tests.support.factories import alice
from tests.support.seeding import scripts
from tests.support.services import running
from tests.support.waiting import until
from tests.support.workers import Worker, end_politely

MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
VICTIMS = ("merger", "reader", "housekeeper", "web", "beat", "background")
NOTICED_WITHIN, BACK_WITHIN = 30 + 10, 120.0
"""Seconds: a queue is silent after 25, and the last heartbeat may be 10 old. Coming up takes long on a busy machine."""

PAGES = ("/admin/", "/admin/stories/", "/admin/orphans/", "/admin/runs/", "/admin/review/", "/-/ready/", "/metrics")
WARM_AFTER = 60.0
"""Seconds after which a service has loaded what it needs: what it is larger from then on, it keeps."""

GROWTH, SLACK = 1.2, 40 << 20
"""What a service may be larger at the end than when it was warm; bytes."""


@dataclass
class House:
    """The services, and what was seen of them."""

    port: int
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    slowest_notice: float = 0.0
    slowest_return: float = 0.0
    begun_at: dict[str, float] = field(default_factory=dict)
    warm: dict[str, int] = field(default_factory=dict)

    def begin(self, service: str) -> None:
        self.begun_at[service] = time.monotonic()
        self.warm.pop(service, None)
        self.processes[service] = running(
            service, PORT=str(self.port), ALLOWED_HOSTS="127.0.0.1", METRICS_OPEN="true", LOG_FORMAT="json",
            THEME_MAP="true",
        )  # fmt: skip

    def get(self, path: str, cookie: str = "") -> int:
        """Return the status of a page; 0 where nobody listens."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Cookie": cookie})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def is_ready(self) -> bool:
        """Ask as seldom as a monitor does: each look costs what others need to come up."""
        time.sleep(1)
        return self.get("/-/ready/") == 200

    def kill(self, service: str) -> None:
        """End a service as a power cut would, wait until that is noticed, start it again, wait until all is well."""
        process = self.processes[service]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
        began = time.monotonic()
        until(lambda: not self.is_ready(), seconds=NOTICED_WITHIN)
        self.slowest_notice = max(self.slowest_notice, time.monotonic() - began)
        self.killed[service] += 1
        self.begin(service)
        began = time.monotonic()
        try:
            until(self.is_ready, seconds=BACK_WITHIN)
        except AssertionError as error:
            doubts = [str(finding) for finding in readiness(at=timezone.now()) if not finding.ok]
            raise AssertionError(f"{service} is not back: {doubts}") from error
        self.slowest_return = max(self.slowest_return, time.monotonic() - began)

    def note_warm(self) -> None:
        """Note how large the services are that have just become warm."""
        for name, begun_at in self.begun_at.items():
            if name not in self.warm and time.monotonic() - begun_at > WARM_AFTER:
                self.warm[name] = self.size(name)

    def size(self, name: str) -> int:
        """Return the bytes of a service that are its own: of its process and all below it."""
        return sum(_resident(pid) for pid in _family(self.processes[name].pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    for child in found.stdout.split():
        yield from _family(int(child))


def _resident(pid: int) -> int:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("Pss:")))
    return 0


def _is_quiet(source: Source) -> bool:
    return not Run.objects.filter(source=source, state__in=Run.LIVE).exists()


def _connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.fixture
def house(start_worker: type[Worker], settings: Settings) -> Iterator[House]:
    settings.SESSION_RATE = None
    here = House(free_port())
    try:
        for service in VICTIMS:
            here.begin(service)
        until(here.is_ready, seconds=2 * BACK_WITHIN)  # six programs begin at once
        yield here
    finally:
        for process in here.processes.values():
            end_politely(process)


@dataclass
class Work:
    """What people do meanwhile: it counts what was brought, so that nothing can be lost unseen."""

    folder: Path
    brought: Counter[str] = field(default_factory=Counter)
    said: int = 0
    _number: Iterator[int] = field(default_factory=count)

    def bring(self) -> None:
        """Import a few conversations into one of three sources, and start a run of it unless one is at work."""
        number = next(self._number)
        name = f"soak-{number % 3}"
        texts = scripts(problems=5, each=2, batch=number)
        rows = [{"id": f"{number}-{place}", "text": text} for place, text in enumerate(texts)]
        path = self.folder / f"{number}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        self.brought[name] += import_files(Import((str(path),), name=name)).counts.new
        with suppress(Refusal):  # a run of it is at work, or a worker was just killed
            self.run(Source.objects.get(name=name))

    def run(self, source: Source) -> None:
        start.start_run(source=source, profile="support", extractor="scripted", selection=Selection(), patience=5)

    def chat(self) -> None:
        """Let one of ten users say something."""
        self.said += 1
        accept(user_id=f"user-{self.said % 10}", key=str(self.said), at=timezone.now(), text=f"hello {self.said}")
        answer_soon(user_id=f"user-{self.said % 10}")


@pytest.mark.slow
def test_everything_at_once_for_a_long_time(house: House, tmp_path: Path) -> None:
    work, pages, victims = Work(tmp_path), cycle(PAGES), cycle(VICTIMS)
    browser = Client()
    browser.force_login(alice())
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    ends, next_kill = time.monotonic() + 60 * MINUTES, time.monotonic() + 60
    while time.monotonic() < ends:
        work.bring()
        work.chat()
        house.answers[house.get(next(pages), cookie)] += 1
        house.note_warm()
        if time.monotonic() >= next_kill:
            house.kill(next(victims))
            next_kill += 60

    print(f"\n{sum(work.brought.values())} conversations, {Run.objects.count()} runs, {work.said} messages")
    print(f"killed {dict(house.killed)}; noticed within {house.slowest_notice:.0f} s, ", end="")
    print(f"ready again within {house.slowest_return:.0f} s; pages {dict(house.answers)}")
    assert set(house.answers) <= {200, 503}  # 503: /-/ready/ while somebody was away

    # Queues drain, and a last run of each source reads what came while one was at work.
    for source in Source.objects.all():
        until(partial(_is_quiet, source), seconds=300)
        work.run(source)
        until(partial(_is_quiet, source), seconds=300)
    queue = redis.Redis.from_url(settings.REDIS_URL)
    until(lambda: not any(queue.llen(f"{settings.REDIS_PREFIX}{name}") for name in ALL_QUEUES), seconds=120)
    until(lambda: not Message.objects.filter(state=Message.State.RECEIVED).exists(), seconds=120)

    read = Conversation.objects.filter(items__state=Item.State.EXTRACTED).distinct().count()
    assert (Conversation.objects.count(), read) == (sum(work.brought.values()),) * 2
    assert Message.objects.filter(role=Message.Role.CUSTOMER).count() == work.said
    newest = Run.objects.latest("pk")
    assert verify(run_id=newest.pk).faults == ()
    grown = {name: (first, house.size(name)) for name, first in house.warm.items()}
    print("MB, warm and at the end:", {name: [n >> 20 for n in sizes] for name, sizes in grown.items()})
    assert grown
    assert not [name for name, (first, size) in grown.items() if size > GROWTH * first + SLACK]
    # a connection for each thread, each child of the four workers with what sends its heartbeats, beat and this test
    web_threads, others = 2 * 8, 4 * 2 * 2 + 2
    assert _connections() <= web_threads + others
