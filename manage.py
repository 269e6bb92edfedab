#!/usr/bin/env python
"""Leitmotif's commands: `manage.py help`."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config import embedded

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
