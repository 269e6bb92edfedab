"""What people do on the pages, in a real browser: by mouse and by keyboard, with nothing going wrong behind it."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache

from pipeline.models import Merge, Orphan, Run, Split, Story
from pipeline.review import similar
from tests.browser.conftest import Open, somebody
from tests.pipeline.web.pages.scenes import address, two_stories_and_an_orphan
from tests.support.decided import state
from tests.support.factories import StoryFactory, UserFactory
from tests.support.waiting import until
from tests.support.workbooks import workbook
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def toast(page: Any) -> str:
    return str(page.locator("#toasts").inner_text())


def test_a_person_logs_in_and_out(open_page: Open) -> None:
    user = UserFactory(username="bob", is_staff=True, password="unused")
    user.set_password("correct horse battery")
    user.save()
    user.groups.add(Group.objects.get(name="viewer"))
    page = open_page(user, "/admin/")
    page.context.clear_cookies()
    page.goto("/admin/stories/")
    page.fill("#id_username", "bob")
    page.fill("#id_password", "correct horse battery")
    page.click("input[type=submit]")
    page.wait_for_url("**/admin/stories/")
    page.click("details.lm-me > summary")
    page.click("text=Log out")
    page.wait_for_selector("text=Log in again")


def test_two_stories_are_merged_by_two_clicks_and_undone_by_one_key(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "LEAST_ALIKE", -1.0)  # of two stories each is offered, whatever they have in common
    two_stories_and_an_orphan()
    before, story = state(), Story.objects.order_by("id")[0]
    page = open_page(somebody("reviewer"), address("story", story.pk))
    page.get_by_role("link", name="Merge m").click()
    page.get_by_role("button", name="Same problem: merge").first.click()  # the second click
    page.wait_for_selector(".lm-toast")
    assert Merge.objects.filter(rule="person").count() == 1
    page.keyboard.press("u")
    page.wait_for_selector("text=Undone")
    assert state() == before


def test_a_story_is_found_read_approved_and_the_next_one_comes(open_page: Open) -> None:
    for title, size in (("Reminders never arrive", 3), ("Deposit charged twice", 2), ("Slow week view", 1)):
        StoryFactory(title=title, conversations=size)
    page = open_page(somebody("reviewer"), "/admin/stories/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Deposit charged twice')")
    assert page.locator("blockquote mark").count() >= 1
    page.keyboard.press("a")
    page.wait_for_selector("h1:has-text('Slow week view')")
    assert "Deposit charged twice" in toast(page)
    assert Story.objects.get(title="Deposit charged twice").status == "approved"
    page.keyboard.press("d")
    page.locator("#why").fill("a duplicate")
    page.keyboard.press("Enter")
    page.wait_for_selector(".lm-toast")
    assert Story.objects.get(title="Slow week view").status == "dismissed"
    page.keyboard.press("u")
    page.wait_for_selector("text=Undone")
    assert Story.objects.get(title="Slow week view").status == "candidate"


def test_a_queue_of_ten_is_answered_by_keyboard_alone(open_page: Open) -> None:
    for number in range(10):
        StoryFactory(title=f"Number {number}", conversations=1 + number % 2)
    page = open_page(somebody("reviewer"), "/admin/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/admin/review/")
    for number in range(10):
        page.wait_for_selector(f"text={10 - number} left")
        page.keyboard.press("x" if number % 3 == 0 else "a")
    page.wait_for_selector("text=Nothing waits for you")
    assert Story.objects.filter(status="dismissed").count() == 4
    assert Story.objects.filter(status="approved").count() == 6
    page.keyboard.press("u")
    page.wait_for_selector("text=1 left")
    page.keyboard.press("Space")
    page.wait_for_selector("text=1 left")


def test_an_orphan_becomes_a_story_by_one_click(open_page: Open) -> None:
    two_stories_and_an_orphan()
    page = open_page(somebody("reviewer"), "/admin/orphans/")
    page.get_by_role("button", name="Make a story").first.click()
    page.wait_for_selector("text=became a story")
    assert Story.objects.filter(status="approved").count() == 1
    assert not Orphan.objects.filter(graduated_at=None).exists()


def test_a_story_is_split_by_one_click_and_put_together_again(open_page: Open) -> None:
    two_stories_and_an_orphan()
    page = open_page(somebody("reviewer"), "/admin/stories/")
    page.click('input[data-all="bulk"]')
    page.click('button[value="merge"]')
    page.get_by_role("button", name="Merge").click()
    page.wait_for_selector("text=Split into these 2")
    before = state()
    page.click("text=Split into these 2")
    page.wait_for_selector("text=was split into 2")
    assert Split.objects.count() == 1
    page.keyboard.press("u")
    page.wait_for_selector("text=Undone")
    assert state() == before


def test_the_keys_are_told_and_the_theme_is_kept(open_page: Open) -> None:
    page = open_page(somebody("viewer"), "/admin/stories/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert "Search" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    page.click("details.lm-me > summary")
    page.click("text=Light or dark")
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.goto("/admin/pipeline/story/")
    assert page.evaluate("document.documentElement.dataset.theme") == theme != "auto"


def test_a_search_by_a_word_leads_to_a_conversation(open_page: Open) -> None:
    two_stories_and_an_orphan()
    from pipeline.models import Source
    from pipeline.sources.searchable import renew_search_texts

    renew_search_texts(source=Source.objects.get())
    page = open_page(somebody("viewer"), "/admin/")
    page.keyboard.press("/")
    page.keyboard.type("problem")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/search/?q=problem*")
    page.locator("article a.lm-strong").first.click()
    page.wait_for_url("**/admin/conversations/**")


@pytest.mark.slow
def test_a_workbook_is_imported_and_its_run_watched_until_it_is_done(
    open_page: Open, worker: Worker, tmp_path: Any
) -> None:
    said = "Every appointment shows up twice in my calendar."
    rows = [[f"T{number}", f"c{number}", f"2026-0{1 + number % 6}-11", said] for number in range(12)]
    path = tmp_path / "export.xlsx"
    path.write_bytes(workbook({"tickets": [["ticket", "customer", "created", "text"], *rows]}))
    page = open_page(somebody("operator"), "/admin/runs/new/")
    clicks = 1  # New run in the list of runs
    page.set_input_files("input[type=file]", str(path))  # a choice in the system's own window
    clicks += 1
    page.wait_for_selector("text=12 conversations")
    page.get_by_role("button", name="Start").click()
    clicks += 1
    page.wait_for_url("**/admin/runs/*/")
    run = Run.objects.get()
    until(lambda: Run.objects.get(pk=run.pk).state in Run.FINISHED, seconds=120)
    page.wait_for_selector("text=Review them", timeout=30_000)
    assert clicks <= 5
