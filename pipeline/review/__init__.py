"""People's decisions about signatures: each stands until it is undone, beats every rule and outlives runs."""

from pipeline.review.decide import (
    hold_group,
    merge_signatures,
    move_theme,
    parts_inside,
    rename_signature,
    split_by_threshold,
    split_signature,
    veto,
)
from pipeline.review.deciding import DecisionRefused, ModelActor
from pipeline.review.gather import gather
from pipeline.review.handover import give_back_story, hand_over_story
from pipeline.review.promote import promote_orphan, undo_promotion
from pipeline.review.queue import Pair, Side, answer, home_of, nearest_signatures, uncertain_pairs
from pipeline.review.undo import undo

__all__ = [
    "DecisionRefused",
    "ModelActor",
    "Pair",
    "Side",
    "answer",
    "gather",
    "give_back_story",
    "hand_over_story",
    "hold_group",
    "home_of",
    "merge_signatures",
    "move_theme",
    "nearest_signatures",
    "parts_inside",
    "promote_orphan",
    "rename_signature",
    "split_by_threshold",
    "split_signature",
    "uncertain_pairs",
    "undo",
    "undo_promotion",
    "veto",
]
