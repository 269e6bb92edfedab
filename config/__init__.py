"""Settings, the Celery application, URLs and the embedded servers."""

import os

# Before numpy is imported: threads of OpenBLAS that wait for work spin, which takes from other workers what they need.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from config.celery import app as celery_app

__all__ = ["celery_app"]
