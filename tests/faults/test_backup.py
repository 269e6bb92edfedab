"""The commands of deploy/README.md bring back what was there, and the run that is restored can be worked out again."""

import re
import shlex
import subprocess
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connection

from config.embedded import Postgres
from config.embedded.programs import find_program
from pipeline.models import Run, Story
from pipeline.reports.verify import verify
from tests.support.commands import Captured, command
from tests.support.seeding import finish, scripts, seed, start

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted(model._meta.db_table for model in apps.get_models() if model._meta.managed)


@pytest.fixture
def binaries(own_postgres: Postgres) -> Path:
    program = find_program(Postgres.package, Postgres.pattern, own_postgres.account, own_postgres.service)
    return program.parent


def documented() -> list[list[str]]:
    """Return the commands that the documentation gives for it, each as its words."""
    section = (ROOT / "deploy" / "README.md").read_text().partition("## Backup and restore")[2]
    return [shlex.split(line) for line in re.findall(r"^    (pg_.*)$", section, re.MULTILINE)]


def counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES))
        return dict(cursor.fetchall())


def test_the_commands_bring_back_everything_or_change_nothing(
    own_postgres: Postgres, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the programs of the embedded server, as on one machine."""
    monkeypatch.delenv("DATABASE_URL", raising=False)  # else the programs are looked for in the PATH
    run = finish(start(seed(scripts(problems=3, each=5))))
    before, file = counts(), tmp_path / "leitmotif.dump"
    assert command("backup", str(file)) == 0
    assert (file.stat().st_mode & 0o077) == 0
    assert command("backup", str(file)) == 0  # an older backup is replaced, anything else is not
    (tmp_path / "tickets.csv").write_text("id,text")
    with pytest.raises(CommandError, match="is no backup"):
        command("backup", str(tmp_path / "tickets.csv"))
    assert (tmp_path / "tickets.csv").read_text() == "id,text"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pipeline_storyevidence")
        cursor.execute("UPDATE pipeline_story SET title = 'lost'")
    changed = counts()
    broken = tmp_path / "broken.dump"
    broken.write_bytes(file.read_bytes()[:2000])
    for wrong in (broken, tmp_path / "none"):
        with pytest.raises(CommandError):
            command("restore", str(wrong), "--yes")
        assert counts() == changed
    Run.objects.filter(pk=run.pk).update(state="running", finished_at=None)
    with pytest.raises(CommandError, match=f"stop_run {run.pk}"):
        command("restore", str(file), "--yes")
    Run.objects.filter(pk=run.pk).update(state="stopped", finished_at=run.finished_at)
    assert command("restore", str(file), "--yes") == 0
    assert f"verify_run {run.pk}" in capsys.readouterr().out
    assert counts() == before
    assert verify(run_id=run.pk).faults == ()


def test_a_restored_backup_holds_everything(own_postgres: Postgres, binaries: Path, tmp_path: Path) -> None:
    run = finish(start(seed(scripts(problems=3, each=5))))
    before, titles = counts(), sorted(Story.objects.values_list("title", flat=True))
    assert before["pipeline_story"] == 3
    dump, restore = documented()

    def call(words: list[str]) -> None:
        filled = [word.replace("$DATABASE_URL", own_postgres.url) for word in words]
        subprocess.run([binaries / filled[0], *filled[1:]], cwd=tmp_path, check=True)

    call(dump)
    connection.close()
    with psycopg.connect(own_postgres.url, autocommit=True) as session:
        session.execute("DROP SCHEMA public CASCADE")
        session.execute("CREATE SCHEMA public")
    call(restore)
    assert counts() == before
    assert sorted(Story.objects.values_list("title", flat=True)) == titles
    assert verify(run_id=run.pk).faults == ()
