"""The example assistant from end to end: HTTP in, a real worker, one session passed through."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from sessions.answering.assistant import read_catalogue
from sessions.models import Message, ProgressUpdate, Session
from tests.sessions.front_end import FrontEnd, Response
from tests.support.workers import Worker

PHOTO = "https://photos.example.com/1.jpg"


def test_a_user_chooses_a_project_and_a_task_and_completes_it(worker: Worker, front_end: FrontEnd) -> None:
    projects = front_end.ask("hello")
    assert [each["label"] for each in projects["shown"]] == ["Harbour School", "Mill Bridge"]
    listed = front_end.ask("1")
    assert listed["text"] == "Harbour School. Which task?"
    assert [each["label"] for each in listed["shown"]][:2] == ["Repair the roof", "Fit the new windows"]
    assert front_end.ask("fit the new windows")["text"].startswith("Fit the new windows: photos 0, comments 0.")
    assert "photos 1, comments 0" in front_end.ask("", image_urls=[PHOTO])["text"]
    assert front_end.ask("1")["text"].endswith("Write your comment.")
    assert "photos 1, comments 1" in front_end.ask("The left one does not close")["text"]
    done = front_end.ask("2")
    assert done["text"] == "Fit the new windows: photos 1, comments 1. Complete. Which project?"
    update = ProgressUpdate.objects.get()
    assert (update.closed_reason, update.status_changed) == (ProgressUpdate.ClosedReason.COMPLETED, 1)
    session = Session.objects.get()
    assert (session.reuse_count, session.reply_count) == (6, 7)


def test_a_number_means_what_was_shown_last(worker: Worker, front_end: FrontEnd) -> None:
    front_end.ask("hello")
    assert front_end.ask("2")["text"].startswith("Mill Bridge")
    assert front_end.ask("2")["text"].startswith("Connect the lights")
    assert front_end.ask("0")["text"] == "Which project?"
    assert front_end.ask("1")["text"].startswith("Harbour School")


def test_the_project_outlives_the_session(worker: Worker, front_end: FrontEnd) -> None:
    front_end.ask("hello")
    front_end.ask("2")
    front_end.post(f"/api/sessions/{Session.objects.get().pk}/end")
    assert front_end.ask("good morning")["text"].startswith("Mill Bridge. Which task?")
    assert Session.objects.count() == 2


def test_a_double_click_keeps_the_progress(worker: Worker, front_end: FrontEnd) -> None:
    for text in ("hello", "1", "1"):
        front_end.ask(text)
    front_end.ask("", image_urls=[PHOTO, PHOTO])
    for text in ("0", "1"):
        front_end.ask(text)
    clicks = [front_end.send("1"), front_end.send("1")]
    replies = [front_end.answer_to(click)["reply"]["text"] for click in clicks]
    assert replies[0].startswith("Repair the roof: photos 2, comments 0.")
    assert ProgressUpdate.objects.get().images_uploaded == 2


def test_another_task_begins_at_nothing(worker: Worker, front_end: FrontEnd) -> None:
    for text in ("hello", "1", "1"):
        front_end.ask(text)
    front_end.ask("", image_urls=[PHOTO])
    for text in ("0", "1"):
        front_end.ask(text)
    assert front_end.ask("2")["text"].startswith("Fit the new windows: photos 0, comments 0.")
    assert ProgressUpdate.objects.filter(closed_reason=ProgressUpdate.ClosedReason.OTHER_TASK).count() == 1


def test_what_is_written_under_a_photo_is_its_caption_and_no_choice(worker: Worker, front_end: FrontEnd) -> None:
    for text in ("hello", "1", "1"):
        front_end.ask(text)
    assert "photos 1, comments 1. Noted." in front_end.ask("2", image_urls=[PHOTO])["text"]
    assert ProgressUpdate.objects.get().is_open


def test_a_photo_is_not_counted_for_the_project_that_was_left(worker: Worker, front_end: FrontEnd) -> None:
    for text in ("hello", "1", "1", "0", "2"):
        front_end.ask(text)
    told = front_end.ask("", image_urls=[PHOTO])["text"]
    assert told == "Your photo was not saved: choose a task first. Mill Bridge. Which task?"
    update = ProgressUpdate.objects.get()
    assert (update.images_uploaded, update.closed_reason) == (0, ProgressUpdate.ClosedReason.OTHER_TASK)


def test_a_photo_is_kept_while_its_task_counts_though_the_update_is_over(worker: Worker, front_end: FrontEnd) -> None:
    for text in ("hello", "1", "1"):
        front_end.ask(text)
    ProgressUpdate.objects.update(last_change_at=timezone.now() - timedelta(hours=3))
    assert front_end.ask("", image_urls=[PHOTO])["text"].startswith("Repair the roof: photos 1, comments 0. Noted.")
    assert list(ProgressUpdate.objects.order_by("pk").values_list("closed_reason", "project_id")) == [
        ("expired", "harbour-school"),
        ("", "harbour-school"),
    ]


@pytest.mark.parametrize("keys", [["a", "b", "c"], ["a", "a", "a"]], ids=["three clicks", "one click sent thrice"])
def test_three_at_once_make_one_session_and_one_answer_each(
    worker: Worker, front_end: FrontEnd, keys: list[str]
) -> None:
    gate = Barrier(3, timeout=240)

    def click(key: str) -> Response:
        gate.wait()
        return front_end.send("hello", key=key)

    with ThreadPoolExecutor(3) as pool:
        clicks = list(pool.map(click, keys))
    for sent in clicks:
        assert front_end.answer_to(sent)["reply"]["text"] == "Which project?"
    assert len({sent.body["session_id"] for sent in clicks}) == 1
    assert Session.objects.get().reuse_count == len(set(keys)) - 1
    assert Message.objects.filter(role=Message.Role.BOT).count() == len(set(keys))


def test_while_a_person_has_taken_over_messages_are_kept_and_not_answered(worker: Worker, front_end: FrontEnd) -> None:
    front_end.ask("hello")
    front_end.post("/api/takeovers", user_id="alice", by="bob")
    held = front_end.answer_to(front_end.send("1"))
    assert (held["message"]["state"], held["reply"]) == ("held", None)
    front_end.post("/api/takeovers/release", user_id="alice", by="bob")
    assert front_end.ask("2")["text"].startswith("Mill Bridge")
    assert front_end.get(f"/api/messages/{held['message']['id']}").body["message"]["state"] == "held"


def test_projects_come_from_the_file_the_setting_names(
    start_worker: type[Worker], front_end: FrontEnd, tmp_path: Path
) -> None:
    path = tmp_path / "projects.json"
    path.write_text(json.dumps([{"id": "p", "name": "Lighthouse", "tasks": [{"id": "t", "name": "Lamp"}]}]))
    start_worker(SESSION_PROJECTS=str(path)).wait_until_ready()
    assert [each["label"] for each in front_end.ask("hello")["shown"]] == ["Lighthouse"]


def test_projects_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "projects.json"
    with pytest.raises(ImproperlyConfigured, match=r"projects\.json cannot be read"):
        read_catalogue(path)
    path.write_text('[{"id": "p"}]')
    with pytest.raises(ImproperlyConfigured, match="name"):
        read_catalogue(path)
