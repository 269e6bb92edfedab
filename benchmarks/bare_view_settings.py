"""The project's settings, with the bare view beside it and without the limit of ten messages a minute."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare_view"
SESSION_RATE = None
