"""A run, a chat, an import and an export through pgbouncer, with the configuration that deploy/README.md shows.

pytest -m slow tests/faults/test_pgbouncer.py       # needs the program, as of Debian's package pgbouncer
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from config.embedded import Postgres
from pipeline import tasks
from pipeline.models import Conversation, Run, Source, Story
from pipeline.reports.exports import exported, written
from pipeline.reports.verify import verify
from pipeline.sources.ingest import Import, import_files
from sessions.chat.inbox import accept
from sessions.models import Message
from sessions.tasks import answer_soon
from tests.sessions.web import free_port
from tests.support.seeding import scripts, start
from tests.support.waiting import until
from tests.support.workers import Worker

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
README = (Path(__file__).resolve().parents[2] / "deploy" / "README.md").read_text()


def documented() -> str:
    """Return the configuration that the documentation shows."""
    (shown,) = re.findall(r"^    \[databases\]\n(?:    .*\n)+", README, re.MULTILINE)
    return re.sub(r"^    ", "", shown, flags=re.MULTILINE)


@pytest.fixture
def pooled(own_postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put pgbouncer before the test's PostgreSQL, for this process and its workers; yield the URL of it."""
    assert PGBOUNCER is not None
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="pgb-"))
    server = f"leitmotif = host={own_postgres.sockets} dbname=leitmotif"
    (folder / "users.txt").write_text('"leitmotif" ""\n')
    (folder / "pgbouncer.ini").write_text(
        re.sub(r"^leitmotif = .*$", server, documented(), flags=re.MULTILINE)
        + f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        + f"auth_file = {folder}/users.txt\n"
    )
    if not own_postgres.account.is_ours:
        for path in (folder, *folder.iterdir()):
            os.chown(path, own_postgres.account.uid, own_postgres.account.gid)
    process = subprocess.Popen([PGBOUNCER, folder / "pgbouncer.ini"], **own_postgres.account.switch())
    try:
        until(lambda: _answers(port), seconds=240)
        url = f"postgres://leitmotif@127.0.0.1:{port}/leitmotif"
        monkeypatch.setenv("DATABASE_URL", url)
        connection.close()
        connection.settings_dict.update({"HOST": "127.0.0.1", "PORT": str(port)})
        yield url
        connection.close()
    finally:
        process.terminate()
        process.wait(240)
        shutil.rmtree(folder)


def _answers(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@pytest.mark.slow
@pytest.mark.skipif(PGBOUNCER is None, reason="needs pgbouncer: apt-get install pgbouncer")
def test_everything_works_through_a_pool_of_sessions(
    start_worker: type[Worker], own_postgres: Postgres, pooled: str, tmp_path: Path
) -> None:
    with psycopg.connect(pooled) as session:
        assert session.execute("SELECT inet_server_port()").fetchone() == (None,)  # PostgreSQL is asked by its socket
    file = tmp_path / "export.csv"
    file.write_text("id,text\n" + "".join(f'{n},"{text}"\n' for n, text in enumerate(scripts(problems=3, each=5))))
    assert import_files(Import((str(file),))).counts.new == 15  # by a temporary table
    start_worker(concurrency=2).wait_until_ready()
    run = start(Source.objects.get())
    tasks.dispatch(run=run)
    until(lambda: Run.objects.get(pk=run.pk).state in Run.FINISHED, seconds=120)
    assert verify(run_id=run.pk).faults == ()
    assert Story.objects.count() == 3
    for number in range(5):  # answers hold a lock of their session over several statements
        accept(user_id=f"user-{number % 2}", key=str(number), at=timezone.now(), text=f"hello {number}")
        answer_soon(user_id=f"user-{number % 2}")
    until(lambda: not Message.objects.filter(state=Message.State.RECEIVED).exists(), seconds=240)
    assert Message.objects.filter(role=Message.Role.CUSTOMER).count() == 5
    lines = b"".join(written(exported("conversations"), "jsonl")).splitlines()  # by a cursor outside of a transaction
    assert len(lines) == Conversation.objects.count() == 15
