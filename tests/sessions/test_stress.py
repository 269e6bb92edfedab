"""The command that proves the promise on a real database, and finds it broken where it is."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from sessions import chat
from sessions.models import Session

pytestmark = pytest.mark.django_db(transaction=True)


def stressed() -> tuple[int, str]:
    out, code = StringIO(), 0
    try:
        call_command("stress_sessions", "--users=5", "--concurrency=16", "--calls=800", stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    return code, out.getvalue()


def test_it_shows_ratio_latency_and_duplicates_and_leaves_nothing() -> None:
    code, said = stressed()
    assert code == 0
    assert "800 calls" in said
    assert "created 5, reused 795: 99.38% reused (healthy)" in said
    assert "latency in ms: median" in said
    assert "users with two active sessions: 0" in said
    assert not Session.objects.exists()


@pytest.mark.usefixtures("without_the_index")
def test_it_fails_where_the_index_is_gone() -> None:
    """PostgreSQL itself refuses then: ON CONFLICT names an index that is not there. No caller is told otherwise."""
    code, said = stressed()
    assert code == 1
    assert "800 callers got ProgrammingError: there is no unique or exclusion constraint" in said
    assert not Session.objects.exists()


@pytest.mark.usefixtures("without_the_index")
def test_it_sees_duplicates_where_nothing_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    head, rest = chat.OPEN.split("ON CONFLICT")
    monkeypatch.setattr(chat, "OPEN", f"{head} RETURNING {rest.split('RETURNING')[1]}")
    code, said = stressed()
    assert code == 1
    assert "users with two active sessions: 0" not in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM chat_session")
        assert cursor.fetchone() == (0,)
