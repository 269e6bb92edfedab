"""The Celery application: `celery -A config worker`."""

import os
import sys
from pathlib import Path

from celery import Celery

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if "celery" in Path(sys.argv[0]).parts[-2:]:  # worker, beat, Flower; Django's own doors hold the servers themselves
    try:
        embedded.hold()
    except embedded.EmbeddedError as error:
        raise SystemExit(str(error)) from None

app = Celery("leitmotif")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
