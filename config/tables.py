"""Tables that are as the code wants them: brought up to date on the embedded default, asked for elsewhere."""

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from pipeline.models.schema import staleness

LOCK = 7_305_804_402_566_512
"""PostgreSQL's advisory lock of whoever brings the tables up to date: several commands may start at once."""


def migrate_alone() -> None:
    """Apply what is not applied yet, one process at a time; the others wait, and then find nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        if staleness():
            call_command("migrate", interactive=False, verbosity=0)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def make_ready() -> None:
    """Return when the tables are up to date; CommandError says what to do on a database of somebody's own."""
    if not (stale := staleness()):
        return
    if settings.HAS_OWN_DATABASE:
        raise CommandError(f"{stale[0].upper()}{stale[1:]}. Run `./manage.py migrate`.")
    migrate_alone()
