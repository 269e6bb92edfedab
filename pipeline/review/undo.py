"""Taking decisions back. What a decision changed is as before; what came since stays where it belongs now.

A decision that a later one builds on is not undone: the refusal names the later one.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from pipeline.merge.counting import recount
from pipeline.models import Decision, Hold, Merge, Move, Rename, Signature, Split, Theme, Veto
from pipeline.models.signature import STANDING
from pipeline.review.centres import centre_of, names_of, root_of
from pipeline.review.decide import call, join_roots
from pipeline.review.deciding import DecisionRefused, Stamp, deciding, lock, person, settle, title_afterwards
from pipeline.review.handover import give_back_story, hand_over_story, take_back_growth


def undo(*, decision: Decision, by: Any) -> None:
    """Take back a decision: a rule's merge as well as what people decided. Opens a transaction.

    Raises DecisionRefused if it does not stand any more, or a later decision that stands depends on it.
    """
    with deciding(_profile_of(decision), by) as stamp:
        # Closed first: what is looked at below is the world without it. If it is refused after all, the transaction
        # takes this back, too.
        _close(decision, stamp)
        for later in _dependents(decision):
            raise DecisionRefused(f"a later {later._meta.verbose_name} depends on it: {later}. Undo that first.")
        if isinstance(decision, Merge):
            _undo_merge(decision, stamp)
        elif isinstance(decision, Split):
            _undo_split(decision, stamp)
        elif isinstance(decision, Move):
            _undo_move(decision, stamp)
        elif isinstance(decision, Rename):
            call(decision.signature_id, decision.new_key, decision.old_key)
            title_afterwards(stamp.profile, [decision.signature_id])
        elif isinstance(decision, Hold):
            lock([root := root_of(decision.signature_id)])
            settle(stamp, [root])


def _profile_of(decision: Decision) -> str:
    signature = {
        Merge: "child_id", Split: "made_id", Move: "target_id", Rename: "signature_id", Veto: "first_id",
        Hold: "signature_id",
    }  # fmt: skip
    pk = getattr(decision, signature[type(decision)])
    return str(Signature.objects.values_list("profile", flat=True).get(pk=pk))


def _close(decision: Decision, stamp: Stamp) -> None:
    standing = type(decision)._default_manager.filter(STANDING, pk=decision.pk)
    if standing.update(undone_at=stamp.at, undone_by=person(stamp.by)) != 1:
        raise DecisionRefused(f"{decision} has already been undone.")


# --- What depends on it -------------------------------------------------------------------------------------------


def _dependents(decision: Decision) -> Iterator[Decision]:
    """Yield the later decisions that stand and would make no sense without this one."""
    # one move of a split cannot go back alone: the split says that they belong together
    if isinstance(decision, Move) and decision.split_id:
        yield decision.split  # type: ignore[misc]  # it has one
    for later in _building_on(decision):
        yield from later.filter(STANDING, registry_version__gt=decision.registry_version).order_by("registry_version")


def _building_on(decision: Decision) -> list[QuerySet[Any]]:
    if isinstance(decision, Merge):
        story = Q(story=decision.story_id) | Q(story__absorbed_by=decision.story_id)
        return [Merge.objects.filter(story)] if decision.story_id else []
    if isinstance(decision, Move):
        return [Move.objects.filter(theme=decision.theme_id)]
    if isinstance(decision, Rename):
        return [Rename.objects.filter(signature=decision.signature_id)]
    return _about(decision.made_id) if isinstance(decision, Split) else []


def _about(signature: int) -> list[QuerySet[Any]]:
    """Return what people decided about a signature that a split made."""
    return [
        Merge.objects.filter(Q(child=signature) | Q(parent=signature), rule=Merge.PERSON),
        Veto.objects.filter(Q(first=signature) | Q(second=signature)),
        Split.objects.filter(signature=signature),
        Move.objects.filter(Q(source=signature) | Q(target=signature)),
        Rename.objects.filter(signature=signature),
        Hold.objects.filter(signature=signature),
    ]


# --- How it was ---------------------------------------------------------------------------------------------------


def _undo_merge(merge: Merge, stamp: Stamp) -> None:
    """Let the child stand for itself again, with its story. A name that a rule merged gets a centre of its own."""
    parent, centres = root_of(merge.parent_id), [merge.child_id, centre_of(merge.parent_id)]
    lock([*centres, parent])
    # a rule's merge had the child's themes counted in the parent's centre; a person's left both sums alone
    if not merge.is_by_person:
        recount(centres)
    give_back_story(merge)
    roots = [merge.child_id, parent]
    take_back_growth(roots)
    settle(stamp, roots)


def _undo_move(move: Move, stamp: Stamp) -> None:
    roots = _put_back(Move.objects.filter(pk=move.pk), stamp)
    take_back_growth(roots)
    settle(stamp, roots)


def _undo_split(split: Split, stamp: Stamp) -> None:
    """Put back what was taken out. What came to the new name since means the old one: it is merged."""
    moves = split.moves.filter(STANDING)
    parent = root_of(split.signature_id)
    roots = {*_put_back(moves, stamp, and_lock=[split.made_id, parent]), split.made_id, parent}
    moves.update(undone_at=stamp.at, undone_by=person(stamp.by))
    take_back_growth(roots)
    if _has_something(split.made_id):
        # the name has themes of its own by now, and a name that is used cannot vanish
        join_roots(stamp, split.made_id, parent, f"themes added to {split.made} before the split was undone")
    else:
        hand_over_story(child=split.made_id, parent=parent)
    settle(stamp, roots)


def _has_something(signature: int) -> bool:
    return names_of(signature) != {signature} or Theme.objects.filter(signature=signature).exists()


def _put_back(moves: QuerySet[Move], stamp: Stamp, and_lock: list[int] | None = None) -> set[int]:
    """Give the moves' themes the signature, rule and score they had; return the roots that this touches."""
    pairs = set(moves.values_list("source_id", "target_id"))
    centres = {centre_of(signature) for pair in pairs for signature in pair}
    roots = {root_of(centre) for centre in centres}
    lock([*centres, *roots, *(and_lock or [])])
    for move in moves:
        # one that has gone on since, by a later merge of rules, stays where it is now
        mine = Theme.objects.filter(pk=move.theme_id, signature=move.target_id)
        mine.update(
            signature=move.source_id,
            signature_rule=move.rule_before,
            signature_score=move.score_before,
            registry_version=stamp.version,
        )
    recount(centres)
    return roots
