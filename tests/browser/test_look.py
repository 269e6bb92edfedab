"""How the pages look and read: a picture of each, wide and narrow, light and dark, and what axe says of it.

The pictures go where SCREENSHOTS says, else they are thrown away with the test's folder.
"""

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models import Count
from django.utils import timezone

import pipeline
from pipeline.models import (
    Comment,
    Company,
    CompanyUrl,
    Conversation,
    Fetch,
    Run,
    Snapshot,
    Story,
    Upload,
    Visit,
)
from pipeline.reports.theme_map import draw_map
from pipeline.runs.uploads import keep_upload
from pipeline.sources.ingest import Import, import_files
from pipeline.sources.searchable import renew_search_texts
from tests.browser.conftest import Open, somebody
from tests.pipeline.web.pages.scenes import address
from tests.support.factories import (
    CUSTOMERS,
    PROBLEMS,
    CallFactory,
    ConversationFactory,
    ItemFactory,
    OrphanFactory,
    RunFactory,
    SignatureFactory,
    SourceFactory,
    StoryEvidenceFactory,
    StoryFactory,
    ThemeFactory,
    thread,
)
from tests.support.seeding import finish, start
from tests.support.shelves import CLOSING, OPEN, chapter_of_a_book, watched_company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _files_elsewhere(settings: Any, tmp_path: Path) -> None:
    settings.CACHE_DIR, settings.UPLOADS_DIR = str(tmp_path / "cache"), str(tmp_path / "uploads")
    settings.LLM_MODEL = "gpt-5-mini"  # with a model the pages offer budgets and a judge


POLLS = ("run", "new-run-importing")
"""Pages that ask again and again, so that they are never idle."""

SAMPLE = Path(pipeline.__file__).parent / "sample" / "conversations.jsonl"
AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
SIZES = {"wide": (1280, 900), "narrow": (400, 800)}


def a_team_at_work() -> Any:
    """Store stories of several weeks, an orphan, runs in several states; return a person who was here before."""
    now = timezone.now()
    user = somebody("admin")
    Visit.objects.create(user=user, seen_at=now, since_at=now - timedelta(days=3))
    source = SourceFactory(name="support-export")
    old = RunFactory(
        source=source, as_of=now, first_finished_at=now - timedelta(days=9), started_at=now - timedelta(days=9)
    )
    new = RunFactory(
        source=source, as_of=now, first_finished_at=now - timedelta(hours=5), started_at=now - timedelta(hours=5)
    )
    for number, problem in enumerate(PROBLEMS):
        signature = SignatureFactory(key=problem.names[0], created_run=old)
        if number == len(PROBLEMS) - 1:
            OrphanFactory(
                signature=signature,
                conversations=2,
                detail="needs 1 more conversation",
                missing_conversations=1,
                nearest_story=Story.objects.order_by("id").first(),
                nearest_cosine=0.71,
            )
            continue
        story = StoryFactory(
            title=problem.summary.rstrip("."),
            description=f"{problem.summary}\nSince 3 May 2026.",
            signature=signature,
            conversations=0,
            category=problem.category,
            confidence=60 + 7 * number,
            first_run=new if number == 1 else old,
            created_at=now - timedelta(hours=4) if number == 1 else now - timedelta(days=9),
            status=("candidate", "candidate", "approved", "in_progress", "candidate")[number],
        )
        for place in range(18 - 3 * number):
            at = now - timedelta(days=(place * (3 + number)) % 80)
            conversation = ConversationFactory(
                source=source,
                customer=CUSTOMERS[place % len(CUSTOMERS)],
                occurred_at=at,
                messages=thread(problem, at, place),
                metadata={"plan": ("practice", "solo")[place % 2], "channel": "chat"},
            )
            run = new if place < 4 else old
            theme = ThemeFactory(
                run=run,
                item__conversation=conversation,
                item__run=run,
                signature=signature,
                raw_signature=problem.names[0],
                summary=problem.summary,
                category=problem.category,
            )
            StoryEvidenceFactory(story=story, theme=theme, run=run)
    first = Story.objects.order_by("id")[0]
    Comment.objects.create(
        story=first, text="Two people wrote about this by phone as well.", created_at=now, created_by=user
    )
    live = RunFactory(
        source=SourceFactory(name="march-export"), state="running", phase="extract", started_at=now, heartbeat_at=now
    )
    for number in range(8):
        ItemFactory(run=live, state=("extracted", "extracted", "pending", "failed")[number % 4])
    RunFactory(
        source=SourceFactory(name="forum"), state="failed", phase="extract", error="The model's files are missing."
    )
    read_by_a_model(now)
    for name, after in (("Harbour Boats", f"{OPEN}\n{CLOSING}"), ("Quiet Mill", f"{OPEN}\nNew: oars to hire.")):
        watched_company(name, after=after, said=after.splitlines()[-1])
    Company.objects.filter(name="Quiet Mill").update(status="operational", explanation="Its 2 pages were read.")
    for number in (1, 2, 3):
        chapter_of_a_book(number)
    rows = "\n".join(f"T{number},Ann,2026-03-0{1 + number % 9},{problem.opening[0]!r}" for number, problem in
                     enumerate(PROBLEMS))  # fmt: skip
    for state in ("kept", "importing"):
        upload = keep_upload(name="tickets.csv", chunks=[f"ticket,who,when,body\n{rows}\n".encode()], by=user, at=now)
        Upload.objects.filter(pk=upload.pk).update(state=state, row_count=1200)
    draw_map(profile="support")
    renew_search_texts(source=source)
    cache.clear()
    return user


def read_by_a_model(now: Any) -> Run:
    """Store a finished run that asked a language model, with what it cost, what was expected, and facets of themes."""
    steps = {
        "classify": {"calls": 4, "input_tokens": 3_200, "output_tokens": 400, "tokens": 3_600, "dollars": 0.0016},
        "extract": {"calls": 4, "input_tokens": 9_600, "output_tokens": 2_000, "tokens": 11_600, "dollars": 0.0064},
        "reask": {"calls": 1, "input_tokens": 1_200, "output_tokens": 300, "tokens": 1_500, "dollars": None},
    }
    run = RunFactory(
        source=SourceFactory(name="read-by-a-model"), extractor="llm", as_of=now, started_at=now - timedelta(hours=2),
        preview={"estimate": {"steps": steps}},
    )  # fmt: skip
    for number in range(4):
        item = ItemFactory(run=run, state="extracted")
        spent = {"model": "gpt-5-mini-2026-08-07", "input_tokens": 2_400, "cached_tokens": 1_024, "output_tokens": 480}
        CallFactory(item=item, step="classify", cost="0.000412", **spent)
        CallFactory(item=item, attempt=2, cost="0.001560" if number else None, **spent)
        ThemeFactory(run=run, item=item, details={"sentiment": ("angry", "neutral")[number % 2], "churn_risk": "some"})
    return run


def places() -> dict[str, str]:
    """Return the pages of which pictures are taken."""
    story, live = Story.objects.order_by("id")[0], Run.objects.get(state="running")
    row = story.evidence.order_by("id").first()
    assert row is not None
    return {
        "home": "/admin/",
        "stories": address("stories"),
        "board": f"{address('stories')}?view=board",
        "story": address("story", story.pk),
        "review": address("review"),
        "review-orphan": f"{address('review')}?kind=orphan",
        "orphans": address("orphans"),
        "search": f"{address('search')}?q=calendar",
        "conversation": address("conversation", row.conversation_id),
        "customers": address("customers"),
        "customer": f"{address('customer')}?name={CUSTOMERS[0]}",
        "companies": address("companies"),
        "company": address("company", Company.objects.order_by("id")[0].pk),
        "company-changes": address("company_changes"),
        "company-change": address("company_change", Fetch.objects.order_by("-id")[0].pk),
        "company-page": address("company_page", CompanyUrl.objects.order_by("id")[0].pk),
        "company-snapshot": address("company_snapshot", Snapshot.objects.order_by("-id")[0].pk),
        "book": address("book", Conversation.objects.filter(source__kind="books")[0].source_id),
        "chapter": address("chapter", Conversation.objects.filter(source__kind="books").order_by("id")[0].pk),
        "map": address("map"),
        "map-by-plan": f"{address('map')}?by=meta.plan",
        "new-run-file": address("new_run_file", Upload.objects.order_by("id")[0].token),
        "new-run-importing": address("new_run_file", Upload.objects.order_by("id")[1].token),
        "runs": address("runs"),
        "run": address("run", live.pk),
        "run-done": address("run", Run.objects.filter(state="completed").order_by("id")[0].pk),
        "run-by-a-model": address("run", Run.objects.get(extractor="llm").pk),
        "new-run": address("new_run"),
        "schedules": address("schedules"),
        "administration": address("administration"),
        "raw-stories": "/admin/pipeline/story/",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_each_page_can_be_shown_and_nothing_is_cut_off(open_page: Open, tmp_path: Path, size: str, scheme: str) -> None:
    user, (width, height) = a_team_at_work(), SIZES[size]
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page = open_page(user, "/admin/", viewport={"width": width, "height": height}, color_scheme=scheme)
    for name, where in places().items():
        page.goto(where)
        if name not in POLLS:
            page.wait_for_load_state("networkidle")
        if name.startswith("map"):
            page.wait_for_selector("canvas[data-painted]")
        page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0 or name.startswith("raw"), f"{name} is {wider} px wider than the window"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: Open, scheme: str) -> None:
    page = open_page(a_team_at_work(), "/admin/", viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    found = {}
    for name, where in places().items():
        if name.startswith("raw"):
            continue  # the list of raw rows is Django's own: its search field has a title and no label
        page.goto(where)
        if name not in POLLS:
            page.wait_for_load_state("networkidle")
        page.evaluate(AXE)
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            f"{each['id']}: {[node['html'][:160] for node in each['nodes'][:3]]}"
            for each in result["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        if serious:
            found[name] = serious
    assert found == {}


PICTURES = ("home", "story", "review", "map")
"""Of the README."""


def test_pictures_for_the_readme_are_taken_of_the_bundled_sample(open_page: Open, tmp_path: Path) -> None:
    sample = Path(shutil.copy(SAMPLE, tmp_path / "sample.jsonl"))  # beside which rejected rows would be listed
    source = import_files(Import((str(sample),))).source
    assert source is not None
    run = finish(start(source, "local"))
    assert run.state in Run.FINISHED
    draw_map(profile="support")
    largest = Story.objects.annotate(size=Count("evidence")).order_by("-size", "id")[0]
    where = {
        "home": "/admin/",
        "story": address("story", largest.pk),
        "review": address("review"),
        "map": address("map"),
    }
    folder = Path(os.environ.get("PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page = open_page(somebody("reviewer"), "/admin/", viewport={"width": 1200, "height": 750}, color_scheme="light")
    for name in PICTURES:
        page.goto(where[name])
        page.wait_for_load_state("networkidle")
        if name == "map":
            page.wait_for_selector("canvas[data-painted]")
            page.locator("#map").scroll_into_view_if_needed()
        page.screenshot(path=folder / f"{name}.png")
        assert 10_000 < (folder / f"{name}.png").stat().st_size < 400_000
