"""How long a run took is one number, whoever shows it."""

from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse
from rich.console import Console

from pipeline.management.printing import print_summary
from pipeline.models import Run
from pipeline.models.wording import duration
from pipeline.reports.summary import run_summary
from tests.support.seeding import first_run, scripts


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "this_life", "shown"), [(0, 4.24, "4.2 s"), (75, 0.3, "1 min 15 s"), (7200, 300, "2 h 5 min")]
)
def test_page_list_and_command_line_say_the_same(
    admin_client: Client, before: float, this_life: float, shown: str
) -> None:
    """Of a run that was resumed too: the pauses between its lives do not count."""
    run = first_run(scripts(1, 3))
    assert run.started_at is not None
    Run.objects.update(seconds_before=before, finished_at=run.started_at + timedelta(seconds=this_life))
    run.refresh_from_db()
    printed = StringIO()
    print_summary(run_summary(run), Console(file=printed, width=120))
    rate = f"{3 / (before + this_life):.1f} conversations/s"
    assert f"{shown}, {rate}" in printed.getvalue()
    page = admin_client.get(reverse("admin:pipeline_run_change", args=[run.pk])).content.decode()
    assert f"{shown}, {rate}" in page
    assert f", {shown}" in admin_client.get(reverse("admin:pipeline_run_changelist")).content.decode()


def test_a_minute_is_not_sixty_seconds() -> None:
    assert [duration(seconds) for seconds in (59.94, 59.96, 60.4)] == ["59.9 s", "1 min 0 s", "1 min 0 s"]
