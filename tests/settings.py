"""The project's settings for tests: scripted readers, a Redis prefix of its own, the test database in worker processes.

Worker processes that a test starts inherit REDIS_PREFIX and get the database's name in TEST_DATABASE.
"""

import os

os.environ.setdefault("REDIS_PREFIX", f"leitmotif-test-{os.getpid()}:")

from config.settings import *  # noqa: F403
from config.settings import DATABASES, EXTRACTORS, STATIC_ROOT

EXTRACTORS = {**EXTRACTORS, "scripted": "tests.fakes.scripted.ScriptedExtractor"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CLAIM_TIMEOUT = int(os.environ.get("CLAIM_TIMEOUT", "3"))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)

if name := os.environ.get("TEST_DATABASE"):
    DATABASES["default"]["NAME"] = name
