"""What people do on the pages, in a real browser: by mouse and by keyboard, with nothing going wrong behind it."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from pipeline.models import MapPoint, Merge, Orphan, Run, Split, Story, Upload
from pipeline.reports import meaning
from pipeline.reports.theme_map import draw_map
from pipeline.review import similar
from pipeline.runs import start as begin
from pipeline.runs import uploads
from pipeline.runs.create import Selection
from pipeline.web.pages import new_run
from tests.browser.conftest import Open, somebody
from tests.pipeline.web.pages.scenes import address, two_stories_and_an_orphan
from tests.support.decided import state
from tests.support.factories import RunFactory, StoryFactory, ThemeFactory
from tests.support.seeding import scripts, seed
from tests.support.workbooks import workbook
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def toast(page: Any) -> str:
    return str(page.locator("#toasts").inner_text())


def test_a_person_logs_out(open_page: Open) -> None:
    page = open_page(somebody("viewer"), "/admin/stories/")
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
    page.wait_for_selector("text=Nothing to review")
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
    page.click("text=Light or dark mode")
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


def test_each_role_logs_in_and_is_offered_what_it_may_do(open_page: Open) -> None:
    StoryFactory(title="Reminders never arrive", conversations=2)
    offered = {}
    for role in ("viewer", "reviewer", "operator", "admin"):
        user = somebody(role)
        user.set_password("correct horse battery")
        user.save()
        page = open_page(user, "/admin/login/")
        page.context.clear_cookies()
        page.goto("/admin/stories/")
        page.fill("#id_username", user.username)
        page.fill("#id_password", "correct horse battery")
        page.click("input[type=submit]")
        page.wait_for_url("**/admin/stories/")
        page.get_by_role("link", name="Reminders never arrive").click()
        page.wait_for_selector("h1:has-text('Reminders never arrive')")
        approves = page.get_by_role("button", name="Approve").count()
        page.goto("/admin/runs/")
        starts = page.get_by_role("link", name="New run").count()
        page.goto("/admin/administration/")
        offered[role] = (approves > 0, starts > 0, page.locator("a[href='/admin/auth/user/']").count() > 0)
        page.context.close()
    assert offered == {
        "viewer": (False, False, False),
        "reviewer": (True, False, False),
        "operator": (True, True, False),
        "admin": (True, True, True),
    }


def test_a_search_by_meaning_finds_other_words(open_page: Open, settings: Any, tmp_path: Any) -> None:
    settings.CACHE_DIR = str(tmp_path)
    embedder = meaning.shared_embedder()
    for text in ("The diary shows each visit two times over.", "The invoice lacks our tax number."):
        vector = embedder.encode([text])[0].astype("float32").tobytes()
        ThemeFactory(item__conversation__text=text, summary=text, vector=vector, vector_model=embedder.name)
    page = open_page(somebody("viewer"), "/admin/search/?q=appointments+appear+twice")
    page.wait_for_selector("text=No conversation contains these words")
    page.get_by_role("link", name="Search by meaning").click()
    page.wait_for_selector("text=with a similar meaning")
    assert "The diary shows each visit two times over." in page.locator("article").first.inner_text()


def test_stories_are_exported_as_a_file(open_page: Open) -> None:
    StoryFactory(title="Reminders never arrive", conversations=2)
    page = open_page(somebody("viewer"), "/admin/stories/")
    page.click("text=Export stories")
    with page.expect_download() as loading:
        page.get_by_role("link", name="CSV", exact=True).click()
    text = Path(loading.value.path()).read_text(encoding="utf-8-sig")
    assert loading.value.suggested_filename == "stories.csv"
    assert "Reminders never arrive" in text


def test_the_map_is_pointed_at_walked_coloured_and_opened(open_page: Open, settings: Any, tmp_path: Any) -> None:
    settings.CACHE_DIR = str(tmp_path)
    story = StoryFactory(title="Reminders never arrive", conversations=4, first_run=RunFactory())
    draw_map(profile="support")
    page = open_page(somebody("viewer"), "/admin/map/", viewport={"width": 1280, "height": 900})
    canvas = page.locator("#map canvas")
    page.wait_for_selector("#map canvas[data-painted]")
    point = MapPoint.objects.select_related("theme").order_by("theme_id")[0]
    scale, left, top = map(float, str(canvas.get_attribute("data-view")).split())
    where = {"x": round(point.x * scale + left), "y": round(point.y * scale + top)}
    canvas.hover(position=where)
    quote = point.theme.evidence.get().quote
    page.wait_for_selector(f"#m-told:has-text({json.dumps(quote[:25])})")
    canvas.focus()
    page.keyboard.press("]")
    page.wait_for_selector("#m-told:has-text('Reminders never arrive, candidate, 4 themes')")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/stories/{story.pk}/")
    page.goto("/admin/map/?by=status")
    page.wait_for_selector("#m-legend button:has-text('candidate 4')")
    page.click("#m-play")
    page.wait_for_selector("#m-play[aria-pressed=true]")
    page.wait_for_selector("#m-play[aria-pressed=false]")  # it ends by itself at the newest day
    canvas.click(position=where)
    page.wait_for_url(f"**/admin/conversations/{point.theme.conversation_id}/")


def test_a_workbook_is_imported_in_pieces_and_its_run_watched_until_it_is_done(
    open_page: Open, worker: Worker, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_run, "PIECE_BYTES", 1000)
    monkeypatch.setattr(uploads, "LOOKED_AT_ONCE", 1000)  # so that it goes the way of a large file, in every step
    said = "Every appointment shows up twice in my calendar."
    rows = [[f"T{number}", f"c{number}", f"2026-0{1 + number % 6}-11", said] for number in range(12)]
    path = tmp_path / "export.xlsx"
    path.write_bytes(workbook({"tickets": [["ticket", "customer", "created", "text"], *rows]}))
    page = open_page(somebody("operator"), "/admin/runs/")
    page.get_by_role("link", name="New run").click()
    clicks = 1
    page.set_input_files("input[type=file]", str(path))  # a choice in the system's own window
    clicks += 1
    page.wait_for_selector("text=12 conversations")
    page.get_by_role("button", name="Start").click()
    clicks += 1
    page.wait_for_url(re.compile(r"/admin/runs/\d+/$"), timeout=240_000)
    page.wait_for_selector("text=Review them", timeout=120_000)
    run = Run.objects.get()
    assert run.state in Run.FINISHED
    assert (run.source.name, run.items.count()) == ("export", 12)
    assert clicks <= 5
    shutil.rmtree(uploads.path_of(Upload.objects.get()).parent)


def test_a_run_is_stopped_and_salvaged_by_its_buttons(open_page: Open, worker: Worker) -> None:
    source = seed(scripts(2, 12, slow=0.4))
    run = begin.start_run(source=source, profile="support", extractor="scripted", selection=Selection(concurrency=1))
    page = open_page(somebody("operator"), address("run", run.pk))
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_selector("text=will stop after the conversations in progress")
    page.wait_for_selector(".lm-chip:has-text('stopped')", timeout=240_000)
    unread = run.items.filter(state="pending").count()
    assert unread
    page.get_by_role("button", name="Salvage").click()
    page.wait_for_selector("text=continues from the phase")
    page.wait_for_selector("text=Review them", timeout=120_000)
    run.refresh_from_db()
    assert (run.state, run.items.filter(state="extracted").count()) == ("completed", 24)
