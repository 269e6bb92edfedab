"""What a user is at work on. It outlives sessions; whoever asks gets only what still counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, F, Value, When

from sessions.chat.durations import lengths
from sessions.chat.expiry import check_aware
from sessions.chat.users import check_id, remember_user
from sessions.models import ChatUser, ContextLoss

JUST_NOW = timedelta(seconds=10)
"""Who chose something so short a time ago may still click on the page that they saw before: a double click."""


@dataclass(frozen=True)
class Context:
    """Ids of the front end; empty: none. As an expectation, None: it does not say."""

    project_id: str | None
    task_id: str | None


def context_of(user_id: str, *, at: datetime) -> Context:
    """Return the project and the task that count for the user at that moment."""
    return _counting(ChatUser.objects.filter(user_id=user_id).first(), at)


def choose_project(*, user_id: str, project_id: str, at: datetime) -> None:
    """Remember the project for SESSION_LENGTHS["project"]; another project than before forgets the task.

    Needs no transaction. ValueError for an unusable id.
    """
    check_id(project_id, "project id")
    remember_user(user_id=user_id)
    # in the statement itself: two clicks at once must not read and write back
    stays = When(project_id=project_id, then=F("task_id"))
    until_stays = When(project_id=project_id, then=F("task_until"))
    ChatUser.objects.filter(user_id=user_id).update(
        project_id=project_id,
        project_until=check_aware(at) + lengths().project,
        task_id=Case(stays, default=Value("")),
        task_until=Case(until_stays, default=Value(None), output_field=DateTimeField()),
    )


def choose_task(*, user_id: str, task_id: str, at: datetime) -> None:
    """Remember the task for SESSION_LENGTHS["task"]. Needs no transaction. ValueError for an unusable id."""
    check_id(task_id, "task id")
    remember_user(user_id=user_id)
    ChatUser.objects.filter(user_id=user_id).update(task_id=task_id, task_until=check_aware(at) + lengths().task)


def check_context(*, user_id: str, expected: Context, at: datetime, session_id: int | None = None) -> Context:
    """Return the context that counts, and record a ContextLoss for each part in which it is not the expected one.

    Nothing is recorded when the user chose something JUST_NOW. Needs no transaction.
    """
    user = ChatUser.objects.filter(user_id=user_id).first()
    actual = _counting(user, at)
    if user is not None and _has_chosen_since(user, at - JUST_NOW):
        return actual
    losses = []
    for what in ContextLoss.What:
        wanted, found = getattr(expected, f"{what}_id"), getattr(actual, f"{what}_id")
        if wanted not in (None, found):
            has_run_out = not found and getattr(user, f"{what}_id", "") == wanted
            losses.append(ContextLoss(what=what, expected=wanted, actual=found, has_run_out=has_run_out))
    for loss in losses:
        loss.user_id, loss.session_id, loss.noticed_at = user_id, session_id, at
    ContextLoss.objects.bulk_create(losses)
    return actual


def _has_chosen_since(user: ChatUser, moment: datetime) -> bool:
    project_until, task_until = user.project_until, user.task_until
    return bool(
        (project_until and project_until - lengths().project > moment)
        or (task_until and task_until - lengths().task > moment)
    )


def _counting(user: ChatUser | None, at: datetime) -> Context:
    if user is None:
        return Context("", "")
    return Context(
        project_id=user.project_id if user.project_until and at < user.project_until else "",
        task_id=user.task_id if user.task_until and at < user.task_until else "",
    )
