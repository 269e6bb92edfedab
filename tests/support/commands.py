"""Commands of manage.py, run in the process of the test."""

from django.core.management import call_command


def command(*words: str) -> int:
    """Run a command in this process and return its exit code."""
    try:
        call_command(*words)
    except SystemExit as end:
        return int(str(end.code))
    return 0
