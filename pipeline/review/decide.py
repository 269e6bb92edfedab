"""The decisions people take. Each opens one transaction that holds the profile's registry.

All raise DecisionRefused if the decision contradicts one that stands, or has nothing to decide; then nothing is
written.

Each takes its locks in the same order: the registry (`deciding`), then signatures by id (`lock`), then it reads what it
decides about, so that nothing it saw can change before it writes. It records the decision, moves what it moves, counts
the centres again (`recount`) and settles the roots. `undo` goes the same way back.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count
from typing import Any

from django.db.models import Q, QuerySet

from pipeline.group.titles import title_of
from pipeline.merge import registry
from pipeline.merge.counting import recount
from pipeline.merge.rules import normalise
from pipeline.models import Hold, Merge, Move, Rename, Signature, Split, Story, Theme, Veto
from pipeline.models.signature import STANDING
from pipeline.review.centres import centre_of, cosine_between, names_of, root_of
from pipeline.review.deciding import DecisionRefused, ModelActor, Stamp, deciding, lock, settle
from pipeline.review.handover import hand_over_story, let_wait_again
from pipeline.review.parts import MOST_THEMES, alike

LONGEST_LIST = 5
"""Conversations that a reason names."""

MOST_PARTS = 50
"""Into which a threshold takes a signature apart: each becomes a decision that somebody may want to undo."""


# --- Together -----------------------------------------------------------------------------------------------------


def merge_signatures(*, child: Signature, parent: Signature, by: Any, reason: str = "") -> Merge:
    """Decide that what the child means is what the parent means; their roots become one, under the parent's name.

    An open story of the child's is absorbed by the parent's, or becomes the parent's if that has none.
    """
    with deciding(child.profile, by) as stamp:
        merge = join_roots(stamp, root_of(child.pk), root_of(parent.pk), reason)
        settle(stamp, [merge.child_id, merge.parent_id])
    return merge


def join_roots(stamp: Stamp, child: int, parent: int, reason: str) -> Merge:
    """Record a person's merge of two roots. Requires a transaction that holds the registry; settles nothing."""
    names = _in_one_profile(child, parent)
    if child == parent:
        raise DecisionRefused(f"both names already mean {names[parent]}; there is nothing to merge.")
    # a veto or a split outweighs a merge until somebody takes it back: people should see that they disagree
    _refuse_kept_apart(stamp, child, parent)
    lock([child, parent])
    return Merge.objects.create(
        child_id=child,
        parent_id=parent,
        rule=Merge.PERSON,
        reason=reason,
        vector_model=names[parent].vector_model,
        score=cosine_between(child, parent),
        story=hand_over_story(child=child, parent=parent),
        **stamp.columns,
    )


def _in_one_profile(*signatures: int) -> dict[int, Signature]:
    found = Signature.objects.defer("vector_sum").in_bulk(signatures)
    profiles = sorted({signature.profile for signature in found.values()})
    if len(profiles) > 1:
        raise DecisionRefused(f"signatures of different profiles ({' and '.join(profiles)}) cannot be combined.")
    return found


def _refuse_kept_apart(stamp: Stamp, first: int, second: int) -> None:
    """DecisionRefused if a decision keeps them apart. A model's veto does not stand against a person: it is undone."""
    these, those = names_of(first), names_of(second)
    for model, one, other in ((Veto, "first", "second"), (Split, "signature", "made")):
        across = Q(**{f"{one}__in": these, f"{other}__in": those}) | Q(**{f"{one}__in": those, f"{other}__in": these})
        standing: Any = model._default_manager.filter(STANDING, across).order_by("id")
        if model is Veto and not isinstance(stamp.by, ModelActor):
            standing.exclude(actor="").update(undone_at=stamp.at, undone_by=stamp.by)
        if (kept := standing.first()) is not None:
            raise DecisionRefused(
                f"a {model._meta.verbose_name} keeps them apart: {kept} ({kept.created_at:%Y-%m-%d}). Undo it first."
            )


# --- Apart --------------------------------------------------------------------------------------------------------


def veto(*, first: Signature, second: Signature, by: Any, reason: str = "") -> Veto:
    """Decide that two signatures never share a root, whatever rules and people want later."""
    with deciding(first.profile, by) as stamp:
        # between centres, for themes of the names below go with them; sorted, for a veto has no direction
        pair = sorted([centre_of(first.pk), centre_of(second.pk)])
        names = _in_one_profile(*pair)
        if root_of(pair[0]) == root_of(pair[1]):
            raise DecisionRefused(
                f"{first} and {second} are currently merged. Undo that merge, or split the signature."
            )
        if Veto.objects.filter(STANDING, first=pair[0], second=pair[1]).exists():
            raise DecisionRefused(f"{first} and {second} are already kept apart.")
        return Veto.objects.create(
            first=names[pair[0]],
            second=names[pair[1]],
            reason=reason,
            score=cosine_between(*pair),
            **stamp.columns,
        )


def split_signature(
    *, signature: Signature, conversations: Collection[int], name: str, by: Any, reason: str = ""
) -> Split:
    """Decide that these conversations (ids) of what the signature means are another problem, called `name`.

    Later themes go to the nearer of the two; a conversation that is read again stays where it was put.
    """
    with deciding(signature.profile, by) as stamp:
        lock(names_of(root := root_of(signature.pk)))
        inside = themes_inside(root)
        chosen = list(inside.filter(conversation__in=conversations))
        _refuse_all_or_none(signature, len(chosen), inside.count())
        split = _record_split(stamp, root, chosen, take_name(stamp, name), reason)
        _count_and_settle(stamp, root, [chosen], [split.made_id])
    return split


def split_by_threshold(*, signature: Signature, threshold: float, by: Any, reason: str = "") -> list[Split]:
    """Decide that what the signature means falls apart where themes are less alike than `threshold` (a cosine).

    The largest part keeps the name; each other becomes a signature called by its commonest name that is free. Returns a
    split for each, the largest part first. The parts are those of `parts.alike`.
    """
    with deciding(signature.profile, by) as stamp:
        lock(names_of(root := root_of(signature.pk)))
        parts, names = parts_inside(signature, threshold), _names_in_use(stamp.profile)
        splits = []
        for part in parts[1:]:
            made = take_name(stamp, _free_name(part, names))
            names |= {made.key, made.normal_form}
            splits.append(_record_split(stamp, root, part, made, reason, threshold))
        _count_and_settle(stamp, root, parts[1:], [split.made_id for split in splits])
    return splits


def themes_inside(root: int) -> QuerySet[Theme]:
    """Return all themes that mean this root, of superseded readings too, in the order of their ids."""
    themes = Theme.objects.filter(signature__in=names_of(root)).select_related("signature")
    return themes.defer("signature__vector_sum").order_by("id")


def parts_inside(signature: Signature, threshold: float) -> list[list[Theme]]:
    """Return the themes of a signature in parts that are alike, the largest first; from two to MOST_PARTS.

    Any other number is refused: DecisionRefused says what to choose.
    """
    themes = list(themes_inside(root_of(signature.pk))[: MOST_THEMES + 1])
    if len(themes) > MOST_THEMES:
        raise DecisionRefused(f"{signature} has more than {MOST_THEMES} themes; choose conversations instead.")
    parts = alike(themes, threshold)
    if len(parts) < 2:
        raise DecisionRefused(f"at the threshold {threshold:g}, {signature} stays in one piece; try a higher one.")
    if len(parts) > MOST_PARTS:
        raise DecisionRefused(
            f"at the threshold {threshold:g}, {signature} would be split into {len(parts)} parts, more than the "
            f"limit of {MOST_PARTS}; try a lower one."
        )
    return parts


def _refuse_all_or_none(signature: Signature, chosen: int, all_of_them: int) -> None:
    if not chosen:
        raise DecisionRefused(f"none of the chosen conversations is in {signature}.")
    if chosen == all_of_them:
        raise DecisionRefused(f"all conversations of {signature} were chosen; rename it instead, or leave some out.")


def _record_split(
    stamp: Stamp, root: int, themes: Sequence[Theme], made: Signature, reason: str, threshold: float | None = None
) -> Split:
    """Record the split and give the themes their new name; counts nothing. Requires a transaction."""
    split = Split.objects.create(
        signature_id=root, made=made, threshold=threshold, reason=reason or _named(themes), **stamp.columns
    )
    _record_moves(stamp, themes, made.pk, reason=split.reason, split=split)
    return split


def _count_and_settle(stamp: Stamp, root: int, moved: Iterable[Sequence[Theme]], made: Sequence[int]) -> None:
    """Count once what splits took out of a root and gave to the names they made. Requires a transaction."""
    # what the themes still say, as they were read before the moves: the names they left
    left = {theme.signature_id for themes in moved for theme in themes if theme.signature_id}
    recount({*map(centre_of, left), *made})
    settle(stamp, [root, *made])


def _named(themes: Sequence[Theme]) -> str:
    ids = sorted({theme.conversation_id for theme in themes})
    shown = Theme.objects.filter(conversation__in=ids[:LONGEST_LIST]).values_list(
        "conversation__external_id", flat=True
    )
    more = f" and {len(ids) - LONGEST_LIST} more" if len(ids) > LONGEST_LIST else ""
    return f"conversations {', '.join(sorted(set(shown)))}{more}"


def move_theme(*, theme: Theme, target: Signature, by: Any, reason: str = "") -> Move:
    """Decide that a theme belongs to what the target means; a later reading that names it alike follows."""
    with deciding(theme.profile, by) as stamp:
        theme = Theme.objects.select_related("signature").get(pk=theme.pk)
        if theme.signature is None:
            raise DecisionRefused(f"theme {theme.pk} has no signature yet; wait until its run has finished merging.")
        centre, source = centre_of(target.pk), root_of(theme.signature.pk)
        _in_one_profile(centre, source)
        if (goal := root_of(centre)) == source:
            raise DecisionRefused(f"{theme} already belongs to {target}.")
        lock([emptier := centre_of(theme.signature.pk), source, centre, goal])
        [move] = _record_moves(stamp, [theme], centre, reason=reason)
        recount([emptier, centre])
        settle(stamp, [source, goal])
    return move


def _record_moves(
    stamp: Stamp, themes: Sequence[Theme], target: int, *, reason: str, split: Split | None = None
) -> list[Move]:
    """Record the moves and do them; counts nothing. Requires a transaction that holds the registry and signatures."""
    moves = [
        Move(
            theme=theme,
            source=theme.signature,
            target_id=target,
            split=split,
            reason=reason,
            rule_before=theme.signature_rule,
            score_before=theme.signature_score,
            **stamp.columns,
        )
        for theme in themes
    ]
    Move.objects.bulk_create(moves)
    Theme.objects.filter(pk__in=[theme.pk for theme in themes]).update(
        signature=target, signature_rule=Merge.PERSON, signature_score=None, registry_version=stamp.version
    )
    return moves


# --- No story -----------------------------------------------------------------------------------------------------


def hold_group(*, signature: Signature, by: Any, reason: str = "", is_failure: bool = False) -> Hold:
    """Decide that what the signature means makes no story for now; its candidate, if no person touched it, goes.

    Refused where people have reviewed or written in the story: they may dismiss it. Whoever promotes the orphan, or
    undoes the hold, has their story.
    """
    with deciding(signature.profile, by) as stamp:
        lock([root := root_of(signature.pk)])
        if Hold.objects.filter(STANDING, signature=root).exists():
            raise DecisionRefused(f"{signature} is already held back.")
        open_stories = Story.objects.open().filter(signature=root)
        alone = Q(absorbed__isnull=True) & Q(recurrences__isnull=True)
        if taken := open_stories.exclude(pk__in=open_stories.filter(Story.UNTOUCHED & alone).values("pk")).first():
            raise DecisionRefused(
                f"people are working on “{taken}”, the story of {signature}; dismiss the story instead."
            )
        hold = Hold.objects.create(signature_id=root, reason=reason, is_failure=is_failure, **stamp.columns)
        for story in open_stories:
            let_wait_again(story)
            story.delete()
        settle(stamp, [root])
    return hold


# --- Names --------------------------------------------------------------------------------------------------------


def rename_signature(*, signature: Signature, name: str, by: Any, reason: str = "") -> Rename:
    """Decide what a signature is called; themes named the old or the new way both find it.

    Titles of stories that nobody rewrote follow. Refused if another signature has or had the name.
    """
    with deciding(signature.profile, by) as stamp:
        lock([signature.pk])
        signature = Signature.objects.defer("vector_sum").get(pk=signature.pk)
        key, form = normalise.snake_case(name), normalise.normal_form(name)
        if key == signature.key:
            raise DecisionRefused(f"{signature} already has that name.")
        if is_new := form != signature.normal_form:
            _refuse_taken(stamp.profile, key, form)
        rename = Rename.objects.create(
            signature=signature,
            profile=stamp.profile,
            old_key=signature.key,
            new_key=key,
            new_form=form if is_new else "",
            reason=reason,
            **stamp.columns,
        )
        call(signature.pk, signature.key, key)
    return rename


def call(signature: int, old_key: str, new_key: str) -> None:
    """Give a signature its new key, which is its name from now on, and its stories that nobody titled that title.

    Requires a transaction. While a person's name stands the title stands with it; undone, one is chosen again.
    """
    if Signature.objects.filter(pk=signature, key=old_key).update(key=new_key, title="") != 1:
        raise DecisionRefused(f"signature {signature} is no longer called {old_key}; reload the page.")
    # titled_at=None: once the rename is undone the story is due a title again
    untitled = Story.objects.filter(Story.NOT_WRITTEN, signature=signature)
    untitled.update(title=title_of(new_key), titled_at=None, title_size=0, edited_at=None, edited_actor="")


def take_name(stamp: Stamp, name: str) -> Signature:
    """Return a signature without themes of this name: a new one, or a free one. Requires a transaction."""
    key, form = normalise.snake_case(name), normalise.normal_form(name)
    free: Signature | None = registry.free_names(stamp.profile).filter(normal_form=form).first()
    if free:
        return free
    _refuse_taken(stamp.profile, key, form)
    model = Signature.objects.filter(profile=stamp.profile, size__gt=0).values_list("vector_model", flat=True).first()
    made: Signature = Signature.objects.create(
        profile=stamp.profile, key=key, normal_form=form, created_at=stamp.at, vector_model=model or ""
    )
    return made


def _refuse_taken(profile: str, key: str, form: str) -> None:
    named = Signature.objects.filter(Q(key=key) | Q(normal_form=form), profile=profile)
    if taken := named.defer("vector_sum").first():
        raise DecisionRefused(
            f"{key} is already the name of a signature ({taken}). Choose another name, or merge into that signature."
        )
    if renamed := Rename.objects.filter(STANDING, profile=profile, new_form=form).first():
        raise DecisionRefused(f"{key} is used by another rename ({renamed}). Undo that first.")


def _names_in_use(profile: str) -> set[str]:
    """Return the keys and normal forms of the profile that no signature can be given, those of renames as well."""
    borne = Signature.objects.filter(profile=profile).exclude(pk__in=registry.free_names(profile))
    renamed = Rename.objects.filter(STANDING, profile=profile).exclude(new_form="")
    return {name for pair in borne.values_list("key", "normal_form") for name in pair} | set(
        renamed.values_list("new_form", flat=True)
    )


def free_name(profile: str, wanted: str) -> str:
    """Return a name in snake_case that no signature of the profile has: the wanted one, else that with a number."""
    in_use, name = _names_in_use(profile), normalise.snake_case(wanted)
    numbered = (f"{name}_{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if not {one, normalise.normal_form(one)} & in_use)


def _free_name(themes: Iterable[Theme], in_use: set[str]) -> str:
    """Return the commonest name of the themes that is not in use, else the commonest with a number."""
    names = Counter(normalise.snake_case(theme.raw_signature) for theme in themes)
    ranked = sorted(names, key=lambda name: (-names[name], name))
    numbered = (f"{ranked[0]}_{number}" for number in count(2))
    return next(name for name in chain(ranked, numbered) if not {name, normalise.normal_form(name)} & in_use)
