"""Settings of a beat that looks after runs every second."""

from tests.settings import *  # noqa: F403
from tests.settings import CELERY_BEAT_SCHEDULE as USUAL

CELERY_BEAT_SCHEDULE = {name: {**entry, "schedule": 1.0} for name, entry in USUAL.items()}
