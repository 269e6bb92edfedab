"""Settings of a worker that trusts the chord alone, for a control: its last chunk does not say that all is read."""

from pathlib import Path

from django.apps import AppConfig

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as GUARDED


class ChordOnly(AppConfig):
    """Takes the last chunk's own call out of the tasks. The chord sends its callback another way: that one comes."""

    name = "tests.faults"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from pipeline import tasks

        tasks.advance_run.delay = lambda **_: None


INSTALLED_APPS = [*GUARDED, "tests.faults.unguarded.ChordOnly"]
