"""Making a story of conversations that a person chose, wherever their themes are now."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import transaction

from pipeline.group.current import themes_that_wait
from pipeline.models import Change, Decision, Orphan, Signature, SignatureRoot, Story, Theme
from pipeline.review.decide import move_theme, split_signature
from pipeline.review.deciding import DecisionRefused
from pipeline.review.promote import promote_orphan

MOST = 500
"""Conversations that are gathered at once: each that lies elsewhere is a decision of its own."""


def gather(*, conversations: Collection[int], name: str, by: Any) -> tuple[Story, list[Decision | Change]]:
    """Decide that these conversations are one problem, called `name`; return its story and the decisions, to undo.

    Of a conversation with several themes the surest goes. Those of the commonest signature are split off, the others
    move there, and if the gates would hold the group back it is promoted. Opens a transaction. DecisionRefused if they
    have no themes, belong to several profiles, or the name is taken.
    """
    if len(conversations) > MOST:
        raise DecisionRefused(
            f"a story can be made of at most {MOST} conversations at once; you chose {len(conversations)}. "
            "Choose fewer."
        )
    chosen = _surest(conversations)
    if not chosen:
        raise DecisionRefused("no run has found a theme in these conversations, so there is nothing to group.")
    if len(profiles := {theme.profile for theme in chosen}) > 1:
        raise DecisionRefused(f"the conversations were read with several profiles ({', '.join(sorted(profiles))}).")
    by_root: dict[int, list[Theme]] = defaultdict(list)
    roots = dict(
        SignatureRoot.objects.filter(signature__in={t.signature_id for t in chosen}).values_list("signature", "root")
    )
    for theme in chosen:
        by_root[roots[theme.signature_id or 0]].append(theme)
    largest = max(by_root, key=lambda root: (len(by_root[root]), -root))
    with transaction.atomic():
        source = Signature.objects.defer("vector_sum").get(pk=largest)
        records: list[Decision | Change] = []
        whole = {t.conversation_id for t in themes_that_wait([largest])}
        mine = {theme.conversation_id for theme in by_root[largest]}
        if mine == whole:
            made = source  # it is that already: the others come to it
        else:
            split = split_signature(signature=source, conversations=mine, name=name, by=by, reason="search")
            records.append(split)
            made = split.made
        for root, themes in sorted(by_root.items()):
            if root != largest:
                records += [move_theme(theme=theme, target=made, by=by, reason="search") for theme in themes]
        story = _open(made) or _promoted(made, by, records)
    return story, records


def _surest(conversations: Collection[int]) -> list[Theme]:
    """Return of each conversation its surest theme that has a signature, of its newest reading."""
    themes = Theme.objects.filter(conversation__in=conversations, signature__isnull=False).defer("vector")
    return list(themes.order_by("conversation_id", "-run_id", "-confidence", "id").distinct("conversation_id"))


def _open(signature: Signature) -> Story | None:
    return Story.objects.filter(signature=signature, status__in=Story.OPEN, absorbed_by=None).first()


def _promoted(signature: Signature, by: Any, records: list[Decision | Change]) -> Story:
    orphan = Orphan.objects.filter(signature=signature, graduated_at=None).select_related("signature").first()
    if orphan is None:
        raise DecisionRefused("none of these conversations is current any longer; choose others.")
    change = promote_orphan(orphan=orphan, by=by, reason="search")
    records.append(change)
    story = change.story
    if story is None:
        raise DecisionRefused("the story could not be made; try again.")
    return story
