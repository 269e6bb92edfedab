"""An example of a handler: a user chooses a project and a task, and sends photos and comments until it is done.

It keeps nothing itself. What is chosen lives in the user's context, what is sent in the open progress update, and what
"1" means in the message that showed it; so it continues after a restart, and in any worker.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from sessions.answering.handler import Answer, Handler, Turn
from sessions.chat.context import choose_project, choose_task
from sessions.chat.messages import Option
from sessions.chat.progress import close_update, count_progress, move_on, open_progress, open_update
from sessions.models import ProgressUpdate

Step = ProgressUpdate.Step


class Task(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: str
    name: str


class Project(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: str
    name: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Catalogue:
    """The projects there are."""

    projects: tuple[Project, ...]

    def project(self, project_id: str | None) -> Project | None:
        return next((project for project in self.projects if project.id == project_id), None)

    def task(self, task_id: str | None) -> Task | None:
        return next((task for project in self.projects for task in project.tasks if task.id == task_id), None)


def read_catalogue(path: Path) -> Catalogue:
    """Return the projects of a JSON file, a list of {id, name, tasks: [{id, name}]}; else ImproperlyConfigured."""
    try:
        return Catalogue(TypeAdapter(tuple[Project, ...]).validate_json(path.read_bytes()))
    except (OSError, ValidationError) as error:
        raise ImproperlyConfigured(f"SESSION_PROJECTS={path} cannot be read: {error}") from error


class Assistant(Handler):
    """Answers by what was chosen; what is no choice goes to the open progress update, if there is one."""

    @cached_property
    def catalogue(self) -> Catalogue:
        return read_catalogue(Path(settings.SESSION_PROJECTS))

    def answer(self, turn: Turn, prepared: None) -> Answer:
        """Return the answer. What comes with a photo is its caption, and no choice."""
        if turn.chosen is None or turn.message.image_urls:
            return self._take_in(turn)
        step, _, what = turn.chosen.value.partition(":")
        steps: dict[str, Callable[[Turn, str], Answer]] = {
            "projects": self._list_projects,
            "project": self._choose_project,
            "task": self._choose_task,
            "comment": self._ask_for_comment,
            "complete": self._complete,
        }
        # what was shown before an update of this code may name a step that is gone
        return steps[step](turn, what) if step in steps else self._list_projects(turn)

    # --- Choices --------------------------------------------------------------------------------------------------

    def _list_projects(self, turn: Turn, _: str = "") -> Answer:
        return Answer("Which project?", _numbered("project", self.catalogue.projects))

    def _choose_project(self, turn: Turn, project_id: str) -> Answer:
        project = self.catalogue.project(project_id)
        if project is None:
            return self._gone(turn)
        choose_project(user_id=turn.message.user_id, project_id=project.id, at=turn.at)
        self._leave_other_project(turn, project)
        return self._list_tasks(project)

    def _leave_other_project(self, turn: Turn, project: Project) -> None:
        """Close an update of another project, so that nothing is counted there any more."""
        update = open_progress(turn.message.user_id, at=turn.at)
        if update is not None and update.task_id not in {task.id for task in project.tasks}:
            close_update(update_id=update.pk, at=turn.at, reason=ProgressUpdate.ClosedReason.OTHER_TASK)

    def _list_tasks(self, project: Project) -> Answer:
        options = _numbered("task", project.tasks)
        return Answer(f"{project.name}. Which task?", [*options, Option("0", "Another project", "projects")])

    def _choose_task(self, turn: Turn, task_id: str) -> Answer:
        task = self.catalogue.task(task_id)
        if task is None:
            return self._gone(turn)
        user_id = turn.message.user_id
        choose_task(user_id=user_id, task_id=task.id, at=turn.at)
        opened = open_update(user_id=user_id, at=turn.at, task_id=task.id, project_id=turn.context.project_id or "")
        return self._ask(opened.update, "Send photos or a comment.")

    def _gone(self, turn: Turn) -> Answer:
        listed = self._list_projects(turn)
        return Answer(f"That is no longer available. {listed.text}", listed.shown)

    # --- The progress update --------------------------------------------------------------------------------------

    def _take_in(self, turn: Turn) -> Answer:
        """Take a message that is no choice as what the open update asks for."""
        update = self._update_at_work(turn)
        if update is None:
            return self._nothing_chosen(turn)
        comments = 1 if turn.message.text.strip() else 0
        update = count_progress(update_id=update.pk, at=turn.at, images=len(turn.message.image_urls), comments=comments)
        return self._ask(update, "Noted.")

    def _update_at_work(self, turn: Turn) -> ProgressUpdate | None:
        """Return the open update; where its time is over and the task still counts, a new one. None without a task."""
        user_id, context = turn.message.user_id, turn.context
        update = open_progress(user_id, at=turn.at)
        if update is not None and update.task_id:
            return update
        if not turn.message.image_urls or self.catalogue.task(context.task_id) is None:
            return None
        task_id, project_id = context.task_id or "", context.project_id or ""
        return open_update(user_id=user_id, at=turn.at, task_id=task_id, project_id=project_id).update

    def _nothing_chosen(self, turn: Turn) -> Answer:
        project = self.catalogue.project(turn.context.project_id)
        listed = self._list_tasks(project) if project else self._list_projects(turn)
        lost = "Your photo was not saved: choose a task first. " if turn.message.image_urls else ""
        return Answer(f"{lost}{listed.text}", listed.shown)

    def _ask_for_comment(self, turn: Turn, _: str) -> Answer:
        update = open_progress(turn.message.user_id, at=turn.at)
        if update is None:
            return self._nothing_open(turn)
        return self._ask(move_on(update_id=update.pk, step=Step.COMMENT, at=turn.at), "Write your comment.")

    def _complete(self, turn: Turn, _: str) -> Answer:
        update = open_progress(turn.message.user_id, at=turn.at)
        if update is None:
            return self._nothing_open(turn)
        move_on(update_id=update.pk, step=Step.COMPLETE, at=turn.at)
        update = count_progress(update_id=update.pk, at=turn.at, status_changes=1)
        close_update(update_id=update.pk, at=turn.at, reason=ProgressUpdate.ClosedReason.COMPLETED)
        listed = self._list_projects(turn)
        return Answer(f"{self._summary(update)} Complete. {listed.text}", listed.shown)

    def _nothing_open(self, turn: Turn) -> Answer:
        listed = self._list_projects(turn)
        return Answer(f"There is no open update. {listed.text}", listed.shown)

    def _ask(self, update: ProgressUpdate, request: str) -> Answer:
        options = [
            Option("1", "Write a comment", "comment"),
            Option("2", "Complete the task", "complete"),
            Option("0", "Another project", "projects"),
        ]
        return Answer(f"{self._summary(update)} {request}", options)

    def _summary(self, update: ProgressUpdate) -> str:
        task = self.catalogue.task(update.task_id)
        name = task.name if task else update.task_id
        return f"{name}: photos {update.images_uploaded}, comments {update.comments_added}."


def _numbered(kind: str, entries: Iterable[Project | Task]) -> list[Option]:
    return [Option(str(number), entry.name, f"{kind}:{entry.id}") for number, entry in enumerate(entries, start=1)]
