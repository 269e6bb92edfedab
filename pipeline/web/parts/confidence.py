"""How sure it is that a story or an orphan is one real problem, with the parts it is made of."""

from pipeline.models import Orphan, Story
from pipeline.web.admin.base import score
from pipeline.web.parts.sections import Facts

PARTS = {
    "size": "Size: how many conversations there are",
    "cohesion": "Cohesion: mean cosine to the centre",
    "evidence": "Evidence: share with a verified quote",
    "reader": "Reader: its own mean confidence",
}


def confidence(row: Story | Orphan) -> Facts:
    """Return the parts of the confidence as they were when the row was last settled; empty if it never was."""
    parts = row.confidence_parts
    return Facts(
        [(meaning, score(parts.get(name))) for name, meaning in PARTS.items()],
        f"Confidence {row.confidence} of 100" if parts else "",
    )
