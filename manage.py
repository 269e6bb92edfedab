#!/usr/bin/env python3
"""Leitmotif's commands: `manage.py help`."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv"
if not find_spec("django"):  # a plain Python: go on with the one that bin/demo and bin/test set up
    if Path(sys.prefix) == VENV or not (VENV / "bin" / "python").exists():
        sys.exit("The packages are not installed yet: run bin/demo first, or install requirements.txt.")
    os.execv(VENV / "bin" / "python", [str(VENV / "bin" / "python"), *sys.argv])

from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import execute_from_command_line  # noqa: E402

from config import embedded  # noqa: E402

NEEDS_NO_SERVER = {"help", "version", "--help", "--version", "collectstatic", "check"}


def main() -> None:
    """Hold the embedded servers where none are given, then run the command; a wrong setting is said in a sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if len(sys.argv) > 1 and sys.argv[1] not in NEEDS_NO_SERVER:
        try:
            embedded.hold()
        except embedded.EmbeddedError as error:
            sys.exit(str(error))
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
