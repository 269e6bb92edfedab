"""The settings as another environment would make them, loaded in the process of the test."""

import os
import runpy
from typing import Any
from unittest.mock import patch

from tests.support.workers import ROOT


def settings_with(**variables: str) -> dict[str, Any]:
    """Return what `config/settings.py` says with these variables, under its names.

    Raises what ends a program that starts with them, such as ImproperlyConfigured. The test's own settings stay.
    """
    with patch.dict(os.environ, variables):
        return runpy.run_path(str(ROOT / "config" / "settings.py"))
