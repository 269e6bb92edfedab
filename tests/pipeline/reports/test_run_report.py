"""The report of a run is one file that loads nothing, says what is true, and hides what is private."""

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse

from pipeline.models import Item, Run, Story
from pipeline.reports import charts
from pipeline.reports.run_report import html_of, report_of_run
from tests.support.commands import command
from tests.support.factories import (
    ConversationFactory,
    ItemFactory,
    OrphanFactory,
    RunFactory,
    SourceFactory,
    StoryEvidenceFactory,
    StoryFactory,
    ThemeFactory,
    alice,
    bob,
    charlie,
)

SECRET = "Write to ann.fernsby@example.org <script>alert(1)</script> & bring the lamp"


class Looked(HTMLParser):
    """Notes tags, what they point at, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.targets: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "line", "rect", "path"):
            self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets += [
            value or "" for name, value in attrs if name in ("src", "href", "action", "data", "xlink:href")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()


@pytest.fixture
def run() -> Run:
    """A run with two stories, one of them also of another run, an orphan, a failure and a hostile quote."""
    source = SourceFactory(name="support")
    run: Run = RunFactory(source=source)
    largest = StoryFactory(
        title="Lamps & <b>light</b> go out", conversations=0, first_run=run, signature__created_run=run
    )
    item = ItemFactory(run=run, state="extracted", conversation=ConversationFactory(source=source, text=SECRET))
    hostile = ThemeFactory(run=run, item=item, signature=largest.signature)
    StoryEvidenceFactory(story=largest, theme=hostile)
    for _ in range(3):
        theme = ThemeFactory(run=run, signature=largest.signature)
        StoryEvidenceFactory(story=largest, theme=theme)
    older = StoryFactory(title="Doors stick", conversations=4)
    StoryEvidenceFactory(story=older, theme=ThemeFactory(run=run, signature=older.signature))
    OrphanFactory(conversations=1, missing_conversations=1, signature__created_run=run)
    ItemFactory(run=run, state="failed", reason="the answer was cut off")
    return run


@pytest.mark.django_db
def test_the_file_loads_nothing_and_every_tag_is_closed(run: Run) -> None:
    page = html_of(report_of_run(run_id=run.pk))
    looked = Looked(page)
    assert looked.open == []
    assert not {"script", "img", "link", "iframe", "form", "object", "base"} & set(looked.tags)
    assert not [name for name in looked.attributes if name.startswith("on") or name == "style"]
    assert all(target.startswith("#") for target in looked.targets)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", page)
    ids = set(re.findall(r'id="([^"]+)"', page))
    assert {target.removeprefix("#") for target in looked.targets} <= ids
    assert "svg" in looked.tags
    assert "{{" not in page
    assert "{%" not in page


@pytest.mark.django_db
def test_it_says_what_is_stored_and_hides_what_is_private(run: Run) -> None:
    report = report_of_run(run_id=run.pk)
    assert [(each.row.story.title, each.here, each.row.conversations) for each in report.told] == [
        ("Lamps & <b>light</b> go out", 4, 4), ("Doors stick", 1, 5),
    ]  # fmt: skip
    assert {name: value for value, name in report.figures}["shared problems"] == "2"
    read = Item.objects.filter(run=run, state="extracted").count()
    assert sum(column.value for column in report.over_time.columns) == read
    assert ("Failed: the answer was cut off", 1) in [(reason.capitalize(), n) for reason, n in report.not_read]
    page = html_of(report)
    assert "Lamps &amp; &lt;b&gt;light&lt;/b&gt; go out" in page
    assert "ann.fernsby" not in page
    assert "[EMAIL_1]" in page
    assert "&lt;script&gt;" in page
    assert f"{read} conversations were read" in page


@pytest.mark.django_db
def test_a_run_without_stories_and_without_anything_has_a_report_too() -> None:
    empty = html_of(report_of_run(run_id=RunFactory().pk))
    assert "No problem is shared by enough" in empty
    failed = RunFactory(state="failed", error="the queue cannot be reached")
    assert "the queue cannot be reached" in html_of(report_of_run(run_id=failed.pk))


@pytest.mark.django_db
def test_a_dry_run_and_one_that_is_alive_have_none(tmp_path: Path) -> None:
    for made, why in ((RunFactory(is_preview=True), "dry run"), (RunFactory(state="running"), "after it has ended")):
        with pytest.raises(CommandError, match=why):
            command("report", str(made.pk), "--output", str(tmp_path / "r.html"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_the_command_and_the_page_give_the_same_file(run: Run, tmp_path: Path, client: Client) -> None:
    path = tmp_path / "report.html"
    command("report", str(run.pk), "--output", str(path))
    client.force_login(bob())
    answer = client.get(reverse("admin:run_file", args=[run.pk]))
    made = re.compile(r"Generated by Leitmotif on [^.]+\.")
    assert made.sub("", answer.content.decode()) == made.sub("", path.read_text())
    assert "attachment" in answer["Content-Disposition"]
    assert answer["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert reverse("admin:run_file", args=[run.pk]) in client.get(reverse("admin:run", args=[run.pk])).content.decode()
    assert client.get(reverse("admin:run_file", args=[run.pk + 999])).status_code == 404
    client.force_login(charlie())
    assert client.get(reverse("admin:run_file", args=[run.pk])).status_code in (302, 403)
    assert alice()
    assert Story.objects.count() == 2


@pytest.mark.parametrize("count", [0, 1, 7, 31])
def test_labels_of_columns_do_not_overlap(count: int) -> None:
    chart = charts.columns(list(range(count)), [f"{n} Sep" for n in range(count)])
    shown = [column for column in chart.columns if column.label]
    gaps = [after.middle - before.middle for before, after in itertools.pairwise(shown)]
    assert all(gap >= 7 * len("30 Sep") for gap in gaps)
    assert all(column.x >= 0 and column.x + column.width <= chart.width for column in chart.columns)
    assert all(column.height >= 0 for column in chart.columns)
