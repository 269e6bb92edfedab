"""The Celery application: `celery -A config worker`."""

import logging
import os
import sys
from pathlib import Path

from celery import Celery
from celery.signals import after_setup_logger, after_setup_task_logger, task_postrun, task_prerun
from django.db import close_old_connections

from config import embedded
from config.kept import flower_login
from config.logs import begin_task, end_task, use_json
from config.redis_refusals import count_as_away
from config.routine import Routine

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if "celery" in Path(sys.argv[0]).parts[-2:]:  # worker, beat, Flower; Django's own doors hold the servers themselves
    try:
        embedded.hold()
    except embedded.EmbeddedError as error:
        raise SystemExit(str(error)) from None

if "flower" in sys.argv:  # its pages show arguments and results, and can stop workers
    os.environ.setdefault("FLOWER_BASIC_AUTH", flower_login())

# before any client is made
count_as_away()
app = Celery("leitmotif")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _let_go_of_a_dead_connection(**_: object) -> None:
    """Begin each task with a connection that works: a PostgreSQL that restarted has left this process a dead one."""
    close_old_connections()


task_prerun.connect(_let_go_of_a_dead_connection)


def _leave_out_routine(logger: logging.Logger, **_: object) -> None:
    scheduled = (entry["task"] for entry in app.conf.beat_schedule.values())
    routine = Routine({*scheduled, "pipeline.note_heartbeat"})
    for handler in logger.handlers:
        handler.addFilter(routine)


after_setup_logger.connect(_leave_out_routine)
if os.environ.get("LOG_FORMAT") == "json":  # the settings cannot be read yet: they import this package
    task_prerun.connect(begin_task)
    task_postrun.connect(end_task)
    after_setup_logger.connect(use_json)
    after_setup_task_logger.connect(use_json)
