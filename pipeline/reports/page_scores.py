"""How well the local reader tells pages that need a look from those that do not, on pages that people labelled."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from pipeline.extract.profiles.company import NEGATIVE
from pipeline.extract.profiles.company_reading import find_signals
from pipeline.ledger.transcript import CUSTOMER, Message, Transcript
from pipeline.sources.file import FileSource
from pipeline.sources.records import Record, UnreadableSource

NEEDS_LOOK = frozenset((*NEGATIVE, "look", "requires_review", "likely_closed", "yes", "1", "true"))
"""Words of a label that say: a person should look. Labels hold several words, such as `closing layoffs`."""


@dataclass(frozen=True, slots=True)
class PageScores:
    """How many pages there are, and of those that need a look how many were found. `missed` and `in_vain` are ids."""

    pages: int
    found: int
    missed_count: int
    in_vain_count: int
    without_signal: int
    missed: tuple[str, ...] = ()
    in_vain: tuple[str, ...] = ()

    @property
    def recall(self) -> float:
        """Of the pages that need a look, the share that is flagged."""
        return self.found / max(1, self.found + self.missed_count)

    @property
    def precision(self) -> float:
        """Of the pages that are flagged, the share that needs a look."""
        return self.found / max(1, self.found + self.in_vain_count)

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        return {
            "pages": self.pages,
            "found": self.found,
            "missed": list(self.missed),
            "in_vain": list(self.in_vain),
            "recall": round(self.recall, 3),
            "precision": round(self.precision, 3),
        }


def score_pages(paths: Sequence[str]) -> PageScores:
    """Read labelled pages (text, label, and the company as customer) from any file that can be imported; store nothing.

    UnreadableSource if the files hold no page with a label.
    """
    found: list[str] = []
    missed: list[str] = []
    in_vain: list[str] = []
    quiet = 0
    for record in FileSource(paths).records():
        if not isinstance(record, Record) or not record.label:
            continue
        needs = bool(set(record.label.casefold().replace(",", " ").split()) & NEEDS_LOOK)
        text = "\n".join(message["text"] for message in record.messages)
        page = Transcript(
            record.external_id, (Message(CUSTOMER, text, author=record.customer, created_at=timezone.now()),)
        )
        is_flagged = any(one.signal in NEGATIVE for one in find_signals(page))
        quiet += not needs
        if needs:
            (found if is_flagged else missed).append(record.external_id)
        elif is_flagged:
            in_vain.append(record.external_id)
    if not found and not missed and not quiet:
        raise UnreadableSource(
            f"{', '.join(paths)} contains no page with a label; name the column with --map label=NAME"
        )
    pages = len(found) + len(missed) + quiet
    return PageScores(pages, len(found), len(missed), len(in_vain), quiet, tuple(missed), tuple(in_vain))
