"""Commands of manage.py, run in the process of the test."""

import pytest
from django.core.management import call_command

from config.command_line import main

Captured = pytest.CaptureFixture[str]
SCRIPTED = ("--extractor", "scripted")


def command(*words: str) -> int:
    """Run a command in this process and return its exit code."""
    try:
        call_command(*words)
    except SystemExit as end:
        return int(str(end.code))
    return 0


def manage(*words: str) -> int:
    """Do in this process what `./manage.py` does with these words, errors said in sentences; return its exit code."""
    try:
        return main(["manage.py", *words])
    except SystemExit as end:
        return int(str(end.code))


def words_for_people(shown: str) -> str:
    """Return what was shown without the lines' breaks."""
    return " ".join(shown.split())
