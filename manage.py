#!/usr/bin/env python3
"""Leitmotif's commands: `manage.py help`."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv"
if not find_spec("django"):  # a plain Python: go on with the one that bin/demo and bin/test set up
    if Path(sys.prefix) == VENV or not (VENV / "bin" / "python").exists():
        sys.exit("The packages are not installed yet. Run bin/demo, or install requirements.txt.")
    os.execv(VENV / "bin" / "python", [str(VENV / "bin" / "python"), *sys.argv])

from config.command_line import main  # noqa: E402

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.exit(main(sys.argv))
