"""From a judge's answer to a decision, in one transaction with the judgement that it ends.

Everything is looked at again here: while the model thought, people may have decided, and theirs stands. What cannot be
decided any more is written down as that, and is no error.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from pipeline.extract.llm.faults import AnswerFault
from pipeline.extract.redaction import without_private
from pipeline.merge.rules import normalise
from pipeline.models import Hold, Judgement, Rename, Signature, Story, StoryEvidence
from pipeline.models.signature import STANDING
from pipeline.models.wording import counted
from pipeline.review.decide import (
    free_name,
    hold_group,
    merge_signatures,
    rename_signature,
    split_signature,
    veto,
)
from pipeline.review.deciding import DecisionRefused, ModelActor
from pipeline.review.judge.questions import GroupAnswer, PairAnswer, TitleAnswer
from pipeline.review.judge.subjects import Subject, conversations_in, decided_by_people, taken_up
from pipeline.review.triage import edit_story
from pipeline.review.undo import undo


def decide(*, row: Judgement, subject: Subject, answer: Any, model: str) -> bool:
    """Take the decision that an answer stands for and end the judgement; return whether anything was decided.

    Opens a transaction. A judgement that somebody else took over meanwhile is left to them, and nothing is decided.
    """
    by = ModelActor(model, row.pk)
    follow: dict[str, Callable[[Subject, Any, ModelActor], tuple[str, bool]]] = {
        Judgement.About.PAIR: _of_pair, Judgement.About.GROUP: _of_group, Judgement.About.TITLE: _of_title,
    }  # fmt: skip
    with transaction.atomic():
        mine = Judgement.objects.select_for_update().filter(pk=row.pk, claim=row.claim, state=Judgement.State.ASKING)
        if not mine.exists():
            return False
        try:
            outcome, is_decided = follow[subject.about](subject, answer, by)
        except DecisionRefused as refusal:
            outcome, is_decided = f"nothing followed: {refusal}", False
        mine.update(
            state=Judgement.State.ANSWERED,
            verdict=getattr(answer, "verdict", "written"),
            reason=without_private(getattr(answer, "reason", "")),
            answer=answer.model_dump(mode="json"),
            outcome=outcome,
            ended_at=timezone.now(),
        )
    return is_decided


def fail(*, row: Judgement, subject: Subject, fault: AnswerFault, model: str) -> bool:
    """End a judgement that brought no usable answer, and hold the group it was about; return whether it is held now.

    Opens a transaction. A pair is left to people, and a story keeps the words it has.
    """
    with transaction.atomic():
        mine = Judgement.objects.select_for_update().filter(pk=row.pk, claim=row.claim, state=Judgement.State.ASKING)
        if not mine.exists():
            return False
        outcome, is_held = "", False
        if subject.about == Judgement.About.GROUP:
            outcome, is_held = _hold_after(fault, subject, ModelActor(model, row.pk))
        mine.update(
            state=Judgement.State.FAILED,
            error_class=type(fault).__name__,
            error=str(fault).replace("\0", ""),
            outcome=outcome,
            ended_at=timezone.now(),
        )
    return is_held


def _hold_after(fault: AnswerFault, subject: Subject, by: ModelActor) -> tuple[str, bool]:
    if Hold.objects.filter(STANDING, signature=subject.first).exists():
        return "it is held as before", False
    try:
        signature = _signature(subject.first)
        hold = hold_group(signature=signature, by=by, reason=f"its review failed: {fault.reason}", is_failure=True)
    except DecisionRefused as refusal:
        return f"it is not held: {refusal}", False
    return str(hold), True


def _signature(pk: int) -> Signature:
    found: Signature = Signature.objects.defer("vector_sum").get(pk=pk)
    return found


# --- Pairs --------------------------------------------------------------------------------------------------------


def _of_pair(subject: Subject, answer: PairAnswer, by: ModelActor) -> tuple[str, bool]:
    assert subject.second is not None
    if answer.verdict == "unsure":
        return "left to people", False
    child, parent = _signature(subject.first), _signature(subject.second)
    reason = without_private(answer.reason)
    if answer.verdict == "different":
        return str(veto(first=child, second=parent, by=by, reason=reason)), True
    if taken_up([child.pk]):
        return f"left to people: they work on the story of {child}", False
    return str(merge_signatures(child=child, parent=parent, by=by, reason=reason)), True


# --- Groups -------------------------------------------------------------------------------------------------------


def _of_group(subject: Subject, answer: GroupAnswer, by: ModelActor) -> tuple[str, bool]:
    root = subject.first
    if conversations_in(root) != set(subject.conversations):
        return "nothing followed: the group has changed since it was asked about", False
    if decided_by_people([root]) or taken_up([root]):
        return "nothing followed: people have decided about this group", False
    if answer.verdict == "reject":
        _lift(root, by)
        return str(hold_group(signature=_signature(root), by=by, reason=without_private(answer.reason))), True
    lifted = _lift(root, by)
    if answer.verdict == "keep":
        return "kept" + (", and it is not held any more" if lifted else ""), lifted
    return _split(subject, answer, by), True


def _lift(root: int, by: ModelActor) -> bool:
    """Undo the hold of a group whose earlier review failed; return whether there was one."""
    hold = Hold.objects.filter(STANDING, signature=root, is_failure=True).first()
    if hold is not None:
        undo(decision=hold, by=by)
    return hold is not None


def _split(subject: Subject, answer: GroupAnswer, by: ModelActor) -> str:
    """Split the group; its largest part keeps the name, by ties the one that was named first."""
    parts = sorted(answer.parts, key=lambda part: -len(part.members))
    signature, reason = _signature(subject.first), without_private(answer.reason)
    splits = [
        split_signature(
            signature=signature,
            conversations=[subject.conversations[member - 1] for member in part.members],
            name=free_name(signature.profile, without_private(part.name)),
            by=by,
            reason=reason,
        )
        for part in parts[1:]
    ]
    sizes = ", ".join(str(len(part.members)) for part in parts)
    return f"split into {counted(len(parts), 'part')} of {sizes}: " + ", ".join(split.made.key for split in splits)


# --- Titles -------------------------------------------------------------------------------------------------------


def _of_title(subject: Subject, answer: TitleAnswer, by: ModelActor) -> tuple[str, bool]:
    story = Story.objects.open().filter(Story.NOT_WRITTEN, signature=subject.first).first()
    if story is None:
        return "nothing followed: it is no open story any more, or people wrote in it", False
    signature, at = _signature(subject.first), timezone.now()
    title = without_private(answer.title)
    others = Story.objects.standing().filter(signature__profile=signature.profile).exclude(pk=story.pk)
    if others.filter(title__iexact=title).exists():
        return f"nothing followed: another story is called “{title}”", False
    named = _rename(signature, answer.name, by)
    edit_story(story=story, by=by, at=at, title=title, description=without_private(answer.description))
    # the title stands, as a chosen one does, as long as most of these conversations are there
    size = StoryEvidence.objects.filter(story=story).update(in_title=True)
    Story.objects.filter(pk=story.pk).update(titled_at=at, title_size=size)
    return f"“{title}”" + (f"; {named}" if named else ""), True


def _rename(signature: Signature, name: str, by: ModelActor) -> str:
    """Give the signature its name where it is free and no person has a say in it; return what was done, or nothing."""
    said = Rename.objects.filter(signature=signature)
    if said.filter(STANDING, actor="").exists() or said.filter(undone_by__isnull=False).exclude(actor="").exists():
        return ""
    if normalise.snake_case(name) == signature.key:
        return ""
    try:
        with transaction.atomic():
            return str(rename_signature(signature=signature, name=without_private(name), by=by))
    except DecisionRefused:
        return ""  # another signature has the name; the story has its title all the same
