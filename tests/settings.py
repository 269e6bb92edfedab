"""The project's settings for tests: scripted readers, a Redis server and prefix of their own, the test database.

Every test process has a Redis server to itself, which a test may empty or restart, unless REDIS_URL names another.
Worker processes that a test starts inherit REDIS_URL and REDIS_PREFIX, and get the database's name in TEST_DATABASE.
Their temporary files go to the folder of that server: a worker that is killed removes none of its own.
"""

import os
import tempfile
from pathlib import Path

from config import embedded

OWN_REDIS = "REDIS_URL" not in os.environ or "TEST_FOLDER" in os.environ
IS_WORKER = "TEST_DATABASE" in os.environ
FOLDERS = "leitmotif-test-"
"""How the folders of test processes begin; then comes the number of the process."""

if not IS_WORKER:
    os.environ["REDIS_PREFIX"] = f"leitmotif-test-{os.getpid()}:"
    if OWN_REDIS:
        # conftest.py makes it; this process itself keeps to the folder that it has just been told
        os.environ["TEST_FOLDER"] = f"{tempfile.gettempdir()}/{FOLDERS}{os.getpid()}"
        os.environ["TMPDIR"] = os.environ["TEST_FOLDER"]
        os.environ["REDIS_URL"] = embedded.redis_url(Path(os.environ["TEST_FOLDER"]))

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, EXTRACTORS, STATIC_ROOT  # noqa: E402

EXTRACTORS = {
    **EXTRACTORS,
    "scripted": "tests.fakes.scripted.ScriptedExtractor",
    "asked": "tests.fakes.asked.AskedExtractor",
    "odd": "tests.fakes.odd.OddExtractor",
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CLAIM_TIMEOUT = 3
THEME_MAP = "THEME_MAP" in os.environ  # or each run of a test would lay out its few themes; the soak asks for it
HEARTBEAT_PATIENCE = int(os.environ.get("HEARTBEAT_PATIENCE", "30"))  # other work on the machine must not fail a test
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
if not os.environ.get("DATABASE_URL"):  # nothing of a test database has to survive a power cut
    DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"

if IS_WORKER:
    DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
