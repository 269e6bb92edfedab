"""What helpdesks that are asked have in common: settings, a client, a cursor to go on from, notes for the person."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack

from pipeline.sources.live.client import Api, Clock, Settings
from pipeline.sources.live.quality import Quality
from pipeline.sources.records import Rows

logger = logging.getLogger(__name__)


class Helpdesk:
    """The conversations of one account, from those changed longest ago to the newest. See `records.Resumable`."""

    kind = ""
    vendor = ""
    is_live = True

    def __init__(self, name: str = "main", *, clock: Clock | None = None) -> None:
        self.name = name
        self.cursor = ""
        self.notes: list[str] = []
        self._clock = clock or Clock()
        self._quality = Quality()
        self._settings = Settings(self.kind.upper(), name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def records(self) -> Rows:
        """Return the conversations changed since `cursor`, each page with a checkpoint behind it.

        UnreadableSource, at once, if a setting is missing or the token is refused.
        """
        with ExitStack() as opened:
            api = Api(self.vendor, self._settings.variable("TOKEN"), self._url(), self._headers(), self._clock)
            opened.callback(api.close)
            rows = self._rows(api, self._settings.since(self._clock))
            return _closed_behind(rows, opened.pop_all())

    def _url(self) -> str:
        """Return the address of the API; UnreadableSource if the settings do not say it."""
        raise NotImplementedError

    def _headers(self) -> Mapping[str, str]:
        """Return the headers that say who asks; UnreadableSource if a setting is missing."""
        raise NotImplementedError

    def _rows(self, api: Api, first: int) -> Rows:
        """Ask for the first page, and return the rows of all pages. `first` is the second a first import begins at."""
        raise NotImplementedError

    def _warn(self, sentence: str) -> None:
        logger.warning(sentence)
        self.notes.append(sentence)


def _closed_behind(rows: Rows, opened: ExitStack) -> Rows:
    with opened:
        yield from rows
