"""How the vectors of a model are judged when they are grouped: models place texts of one theme more or less closely."""

from dataclasses import dataclass, replace

HOLD = 0.50
"""Share of the typical similarity to its group below which a row leaves it. At 0.6 F1 begins to fall; see there."""

STRICT_HOLD = 0.70
"""The same where a profile is to be strict: catches more of what belongs nowhere, and leaves out more of the rest.
The table from 0.5 to 0.9 is in docs/howto/tune-merging.md (`python -m benchmarks.noise`)."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What depends on the model; the defaults are those of MiniLM, which serve all-mpnet-base-v2 as well.

    together: share of the ties that groups of their sizes could keep and should; 0.75 tears broad themes apart.
    too_loose, too_tight: weights of being off the usual tightness, against silhouette.
    first_resolution: where the search begins. coarser_gain: what a step of 2 to coarser groups must gain.
    hold: share of the typical similarity to its group below which a row leaves it; by the profile, not by the model.
    """

    together: float = 0.80
    too_loose: float = 1.0
    too_tight: float = 0.8
    first_resolution: float = 2.0
    coarser_gain: float = 0.015
    hold: float = HOLD


USUAL = Sight()

E5 = Sight(together=0.70, too_loose=0.25, too_tight=0.4, first_resolution=1.0, coarser_gain=0.005)
"""multilingual-e5-small keeps themes apart less clearly: among a row's neighbours are more of other themes, and how
tight a theme is says less. Mean F1 of commands in four languages, of all four together, and of questions to a bank:
0.478 with what serves MiniLM, 0.664 with this; MiniLM would lose 0.006 by it, and most of its broad themes."""

_BEGINNINGS = {"multilingual-e5": E5}


def sight_of(model: str, hold: float = HOLD) -> Sight:
    """Return how the vectors of a model, by the name they are stored under, are judged; the usual way if unknown."""
    sight = next((sight for beginning, sight in _BEGINNINGS.items() if model.startswith(beginning)), USUAL)
    return replace(sight, hold=hold)
