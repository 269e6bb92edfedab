"""Rules and lengths of a deployment come from its environment, and what cannot be used stops the start."""

import os
import re
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.loading import settings_with
from tests.support.workers import ROOT

SHOW = """
import django
django.setup()
from sessions.chat.opening import session_rules
from sessions.chat.durations import lengths
print(session_rules(), lengths())
"""


def test_rules_and_lengths_come_from_the_environment() -> None:
    told = {
        "SESSION_IDLE_HOURS": "0.5", "SESSION_DAY_END": "18:30", "SESSION_MAX_AGE_HOURS": "off",
        "SESSION_PROJECT_HOURS": "1", "SESSION_TASK_HOURS": "2", "SESSION_MENU_HOURS": "3",
        "SESSION_TAKEOVER_HOURS": "4", "SESSION_PROGRESS_HOURS": "5", "SESSION_RETENTION_DAYS": "6",
        "SESSION_LOG_DAYS": "off", "SESSION_DELIVERY_DAYS": "7",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **told},
        capture_output=True, text=True, cwd=ROOT, timeout=240, check=False,
    )  # fmt: skip
    assert done.stdout.split(" Lengths") == [
        "ExpiryRules(idle=datetime.timedelta(seconds=1800), day_end=datetime.time(18, 30), max_age=None)",
        "(project=datetime.timedelta(seconds=3600), task=datetime.timedelta(seconds=7200), "
        "menu=datetime.timedelta(seconds=10800), takeover=datetime.timedelta(seconds=14400), "
        "progress=datetime.timedelta(seconds=18000), log=None, retention=datetime.timedelta(days=6), "
        "deliveries=datetime.timedelta(days=7))\n",
    ], done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_IDLE_HOURS", "-1"),
        ("SESSION_MAX_AGE_HOURS", "nan"),
        ("SESSION_DAY_END", "25:00"),
        ("SESSION_MENU_HOURS", "off"),
        ("SESSION_RETENTION_DAYS", "1e300"),
        ("SESSION_TAKEOVER_HOURS", "seven"),
    ],
)
def test_what_cannot_be_used_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(f"{name}={value}")):
        settings_with(**{name: value})
