"""Whether a single theme is clear enough to be grouped with others: a score, and why not where it is not. Pure."""

from pipeline.extract.profiles import Profile
from pipeline.extract.themes import ProposedTheme

NEW_NAME_SHARE = 0.8
"""What a name that the vocabulary does not have counts beside one that it has, where there is a vocabulary."""


def judge(proposed: ProposedTheme, profile: Profile) -> tuple[float | None, str]:
    """Return the score of a theme, 0..1, and why it is held back; empty if it passes.

    The score is how sure the reader is that the name fits (`details["match"]`), less for a name that a vocabulary does
    not have. Names of the blocklist are held back whatever their score, and by a strict vocabulary those it does not
    have. A reader that does not say how well a name fits is not judged: its confidence counts when groups are.
    """
    match = proposed.details.get("match")
    # what stands in `details` is a model's own, and JSON's true is an int to Python
    if not isinstance(match, int | float) or isinstance(match, bool):
        return None, ""
    vocabulary = profile.vocabulary
    is_known = vocabulary.entry(proposed.signature) is not None
    score = round(float(match) * (1.0 if is_known or not vocabulary.entries else NEW_NAME_SHARE), 3)
    if pattern := profile.theme_gate.blocks(proposed.signature):
        return score, f"its name says nothing ({pattern})"
    if vocabulary.is_strict and not is_known:
        return score, "its name is not in the strict vocabulary"
    if score < profile.theme_gate.least:
        return score, f"its score {score:.2f} is below {profile.theme_gate.least:.2f}"
    return score, ""
