"""Why rows were rejected, told to a person: the commonest reasons first, each with its count and what helps."""

import re
from collections import Counter
from dataclasses import dataclass, field

from pipeline.sources.records import Reject

KINDS = 200
"""Different reasons that are counted; more are counted together."""

_OWN = re.compile(r"'[^']*'|\"[^\"]*\"|\b\d[\d.,]*\b")
"""What in a reason belongs to its row alone: quoted values and numbers."""

_REMEDIES = (
    ("no id", "choose its field or column with --map id=NAME"),
    ("no text", "nothing to read was found there; if there is text, choose its field or column with --map text=NAME"),
    (
        "duplicate id",
        (
            "the first one was imported; if each row is a message, choose the field of the thread with --map "
            "conversation=NAME"
        ),
    ),
    ("is not a date", "set how times are written with --date-format, for example DD/MM/YYYY"),
    ("invalid UTF-8", "set the file's encoding with --encoding, for example cp1252"),
    ("longer than", "to allow more, raise the setting MAX_RECORD_BYTES"),
    ("broken JSON", "the export is cut off or was changed by hand; export it again"),
    ("broken CSV", "a quote is not closed or there is a cell too many; export it again, or as XLSX"),
    ("damaged", "copy or download the file again"),
    ("NUL", "clean the text in the source; PostgreSQL cannot store it"),
)


@dataclass(slots=True)
class Reasons:
    """Counts the reasons of rejects, whatever is of one row alone in them."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Reject] = field(default_factory=dict)

    def add(self, reject: Reject) -> None:
        kind = _OWN.sub("*", reject.reason)
        if kind not in self.counts and len(self.counts) >= KINDS:
            kind = "other reasons"
        self.counts[kind] += 1
        self.examples.setdefault(kind, reject)

    def sentences(self, most: int = 3) -> list[str]:
        """Return `36 x no text (first line 7): name the field ...` for the commonest reasons, the commonest first."""
        said = []
        for kind, count in self.counts.most_common(most):
            example = self.examples[kind]
            remedy = next((remedy for part, remedy in _REMEDIES if part in kind), "")
            what = f"{count:,} x {example.reason} ({'first ' if count > 1 else ''}{example.place})"
            said.append(f"{what}: {remedy}." if remedy else f"{what}.")
        if (more := len(self.counts) - most) > 0:
            rest = self.counts.total() - sum(count for _, count in self.counts.most_common(most))
            said.append(f"{rest:,} for {more} other reasons.")
        return said
