"""The project's settings with the readers that tests script."""

from config.settings import *  # noqa: F403
from config.settings import EXTRACTORS

EXTRACTORS = {**EXTRACTORS, "scripted": "tests.fakes.scripted.ScriptedExtractor"}
